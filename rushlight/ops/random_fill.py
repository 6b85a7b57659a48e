"""Filling a tensor with random numbers in place: `uniform_`, `normal_`, `bernoulli_`, `random_` and their kin.

Contiguous tensors are filled in order, others in the order of their memory, as PyTorch does; `docs/random.md` says
which draws make which number.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation, writes_freely
from rushlight.autograd.transforms import Intercept, check_random
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels import random as kernels
from rushlight.random import Generator, default_generator

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["RandomFillMethods", "arranged", "check_integer_bounds", "generator_of", "normal_array", "uniform_array"]

Array = npt.NDArray[Any]

_C_NAMES = {
    "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int", "int64": "long int",
    "uint16": "short unsigned int", "uint32": "unsigned int", "uint64": "long unsigned int", "bool": "bool",
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip
# Up to which power of two every whole number has a value of its own.
_DIGITS = {"float32": 24, "float64": 53, "float16": 11, "bfloat16": 8}
_FLOATS = frozenset(_DIGITS)
_NO_CHANCES = "Expected p_in >= 0 && p_in <= 1 to be true, but got false."
_INTEGERS = frozenset(("uint8", "int8", "int16", "int32", "int64"))


def generator_of(generator: Generator | None, function: str) -> Generator:
    """The generator given, or the default one; TypeError for anything else."""
    if state.levels:
        check_random()
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"{function}(): argument 'generator' must be torch.Generator, not {type(generator).__name__}")
    return generator


def arranged(array: Array, draw: Callable[[int], Array]) -> Array:
    """`draw(n)` in the shape of an array, and in the order of its memory."""
    if array.flags.c_contiguous:
        return draw(array.size).reshape(array.shape)
    order = sorted(range(array.ndim), key=lambda i: -array.strides[i])
    flat = draw(array.size).reshape([array.shape[i] for i in order])
    return flat.transpose(np.argsort(order))


def _dtype_of(array: Array) -> dtypes.dtype:
    return dtypes.from_numpy_dtype(array.dtype)


def unsupported(kernel: str, dtype: dtypes.dtype) -> NotImplementedError:
    """The error for a dtype that a distribution does not have."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{dtype.legacy_name}'")


def uniform_array(generator: Generator, like: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """Uniform numbers in the shape, type and order of an array."""
    dtype = like.dtype
    if dtype.kind == "c":
        real = np.dtype(f"f{dtype.itemsize // 2}")
        return arranged(like, lambda n: kernels.uniform(generator, 2 * n, real, low, high).view(dtype))
    if dtypes.from_numpy_dtype(dtype).name not in _FLOATS:
        raise unsupported("check_uniform_bounds", _dtype_of(like))
    return arranged(like, lambda n: kernels.uniform(generator, n, dtype, low, high))


def normal_array(generator: Generator, like: Array, mean: float = 0.0, std: float = 1.0) -> Array:
    """Normal numbers in the shape, type and order of an array; a complex number's parts have half the variance each."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    dtype, contiguous = like.dtype, like.flags.c_contiguous
    if dtype.kind == "c":
        real = np.dtype(f"f{dtype.itemsize // 2}")

        def draw(n: int) -> Array:
            return kernels.normal(generator, 2 * n, real, mean, std / math.sqrt(2), contiguous).view(dtype)

        return arranged(like, draw)
    if dtypes.from_numpy_dtype(dtype).name not in _FLOATS:
        raise unsupported("normal_kernel_cpu", _dtype_of(like))
    return arranged(like, lambda n: kernels.normal(generator, n, dtype, mean, std, contiguous))


def _fills_quickly(input: Any, fill: Callable[..., Array], *law: float, generator: Generator | None) -> bool:
    """Fill a dense float tensor where numbers go into it without a record, and say whether that could be done."""
    try:
        if generator is not None or not writes_freely(input):
            return False
        array = input._array
        if not array.flags.c_contiguous:
            return False
        fill(default_generator, array, *law)
    except (AttributeError, Intercept):
        return False
    input.bump_version()
    return True


class _Fill(Operation):
    """A tensor filled by `draw(array)`; the old elements have no part in it, so their gradient is 0."""

    @staticmethod
    def forward(ctx: Any, input: Any, draw: Callable[[Array], Array], *_: Any) -> Array:
        return draw(input._array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return wrap(np.zeros_like(grad._array)), *([None] * (len(ctx.needs_input_grad) - 1))


class _Uniform(_Fill):
    node_name = "UniformBackward0"


class _Normal(_Fill):
    node_name = "NormalBackward0"


class _BernoulliTensor(_Fill):
    node_name = "BernoulliBackward1"


class _BernoulliNumber(_Fill):
    node_name = "BernoulliBackward2"


class _RandomRange(_Fill):
    node_name = "RandomBackward0"


class _RandomBelow(_Fill):
    node_name = "RandomBackward1"


class _RandomAll(_Fill):
    node_name = "RandomBackward2"


class _Exponential(_Fill):
    node_name = "ExponentialBackward0"


class _Geometric(_Fill):
    node_name = "GeometricBackward0"


class _Cauchy(_Fill):
    node_name = "CauchyBackward0"


class _LogNormal(_Fill):
    node_name = "LogNormalBackward0"


def uniform_(
    input: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None, **named: Any
) -> Tensor:
    """Fill with uniform numbers of [from, to).

    Floating-point and complex dtypes; NotImplementedError for others, RuntimeError unless from <= to.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.empty(2).uniform_(-1, 1)
    tensor([-0.0075,  0.5364])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.uniform_.html
    """
    low, high = float(_from(named, from_, "uniform_")), float(to)
    if low == 0.0 and high == 1.0 and _fills_quickly(input, kernels.fill_uniform, generator=generator):
        return input
    drawn = generator_of(generator, "uniform_")
    if low != 0.0 or high != 1.0:
        _check_uniform(low, high, input.dtype)
    return _Uniform.inplace(input, lambda array: uniform_array(drawn, array, low, high))


def _from(named: dict[str, Any], default: Any, function: str) -> Any:
    """The argument `from`, which is a word of Python's own."""
    if not named:
        return default
    value = named.pop("from", default)
    if named:
        raise TypeError(f"{function}() got an unexpected keyword argument '{next(iter(named))}'")
    return value


def _check_uniform(low: float, high: float, dtype: dtypes.dtype) -> None:
    if not (dtype.name in _FLOATS or dtype.is_complex):
        raise unsupported("check_uniform_bounds", dtype)
    real = dtype.to_real()
    least, limit = _limits(real)
    for name, value in (("from", low), ("to", high)):
        if not least <= value <= limit:
            raise RuntimeError(f"{name} is out of bounds for {_C_NAMES[real.name]}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > limit:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{real.legacy_name}>::max(), but found to={high:g} and "
            f"from={low:g} which result in to-from to exceed the limit"
        )


def normal_(input: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers of a mean and a standard deviation.

    Floating-point and complex dtypes; NotImplementedError for others, RuntimeError unless std >= 0.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.normal_.html
    """
    m, s = float(mean), float(std)
    if s >= 0 and _fills_quickly(input, kernels.fill_normal, m, s, generator=generator):
        return input
    drawn = generator_of(generator, "normal_")
    return _Normal.inplace(input, lambda array: normal_array(drawn, array, m, s))


def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones, each with probability p (a number, or a tensor that broadcasts), and zeros.

    RuntimeError unless each p is in [0, 1].

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.bernoulli_.html
    """
    drawn, dtype = generator_of(generator, "bernoulli_"), input.dtype
    known = dtype.name in _FLOATS or dtype.name in _INTEGERS or dtype is dtypes.bool
    if isinstance(p, Variable):
        if not known:
            raise unsupported("bernoulli_tensor_cpu_self_", dtype)
        chances = checked_chances(p)
        if chances.shape != input._array.shape:
            chances = _expanded(chances, input._array.shape)
        return _BernoulliTensor.inplace(input, lambda array: bernoulli_array(drawn, array, chances))
    chance = float(p)
    if not 0 <= chance <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={chance:g}")
    if not known:
        raise unsupported("bernoulli_scalar_cpu_", dtype)
    return _BernoulliNumber.inplace(
        input, lambda array: arranged(array, lambda n: kernels.bernoulli(drawn, n, chance).astype(array.dtype))
    )


def checked_chances(p: Variable) -> Array:
    """The array of a tensor of probabilities; an error unless they are floating-point numbers of [0, 1]."""
    if p.dtype.name not in _FLOATS:
        raise unsupported("bernoulli_tensor_cpu_p_", p.dtype)
    chances = p._array
    # A NaN is the smallest and the greatest number, and neither in bounds.
    if chances.size and not (np.minimum.reduce(chances, None) >= 0 and np.maximum.reduce(chances, None) <= 1):
        raise RuntimeError(_NO_CHANCES)
    return chances


def bernoulli_of(generator: Generator, chances: Array) -> Array:
    """Ones and zeros with the probabilities that a dense array of float32 or float64 holds, in its type."""
    try:
        return kernels.bernoulli_each(generator, chances)
    except ValueError:
        raise RuntimeError(_NO_CHANCES) from None


def _expanded(chances: Array, shape: tuple[int, ...]) -> Array:
    from rushlight.ops._geometry import expand_array

    return expand_array(chances, shape)


def bernoulli_array(generator: Generator, like: Array, chances: Array) -> Array:
    """Ones and zeros with a probability each, in the type and order of an array."""

    def draw(n: int) -> Array:
        flat = chances
        if not like.flags.c_contiguous:
            flat = chances.transpose(sorted(range(like.ndim), key=lambda i: -like.strides[i]))
        return kernels.bernoulli(generator, n, flat.reshape(-1)).astype(like.dtype)

    return arranged(like, draw)


def random_(input: Tensor, *args: Any, generator: Generator | None = None, **named: Any) -> Tensor:
    """Fill with whole numbers: `random_(from, to)` of [from, to), `random_(to)` of [0, to), `random_()` of all there
    are.

    "All" are 0 up to the largest integer of the dtype, or up to the power of two to which a floating-point type has
    every whole number. RuntimeError for bounds that the dtype cannot hold, or unless from < to.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.random_.html
    """
    drawn, dtype = generator_of(generator, "random_"), input.dtype
    low, high = _random_bounds(args, named)
    if low is None:
        if dtype.name not in _FLOATS and dtype.name not in _INTEGERS and dtype is not dtypes.bool:
            raise unsupported("random_kernel_cpu", dtype)
        top = _largest(dtype) + 1

        def draw_all(n: int) -> Array:
            # Of the types with a wide range, int32 alone is drawn from 32 bits.
            numbers = kernels.words32(drawn, n, top) if dtype is dtypes.int32 else kernels.integers(drawn, n, 0, top)
            return numbers.astype(dtype.numpy_dtype, copy=False)

        return _RandomAll.inplace(input, lambda array: arranged(array, draw_all))
    if dtype.is_complex:
        raise RuntimeError(
            f"{'check_random_bounds' if high is not None else 'random_from_to_impl'} handles only integral, "
            f"floating-point and boolean types"
        )
    if high is None:
        high = _largest(dtype) + 1
    check_integer_bounds(low, high, dtype)
    return (_RandomBelow if len(args) == 1 else _RandomRange).inplace(
        input, lambda array: arranged(array, lambda n: kernels.integers(drawn, n, low, high).astype(array.dtype))
    )


def _random_bounds(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[int | None, int | None]:
    """(from, to) of a call of `random_`; (None, None) if it names neither."""
    if len(args) > 2 or named.keys() - {"from", "to"}:
        raise TypeError(f"random_() takes from and to, but got {args} and {named}")
    if not args and not named:
        return None, None
    values = dict(
        zip(
            ("to",) if len(args) == 1 and "to" not in named and "from" not in named else ("from", "to"),
            args,
            strict=False,
        )
    )
    values.update(named)
    for name, value in values.items():
        if isinstance(value, bool) or not (hasattr(value, "__index__") or (name == "to" and value is None)):
            raise TypeError(f"random_(): argument '{name}' must be int, not {type(value).__name__}")
    to = values.get("to")
    return int(values.get("from", 0)), None if to is None else int(to)


@functools.cache
def _largest(dtype: dtypes.dtype) -> int:
    """The largest number of `random_()`: the type's own, or the power of two that ends its run of whole numbers."""
    if dtype is dtypes.bool:
        return 1
    return 2 ** _DIGITS[dtype.name] if dtype.name in _DIGITS else dtypes.iinfo(dtype).max


def check_integer_bounds(low: int, high: int, dtype: dtypes.dtype) -> None:
    """Raise RuntimeError unless numbers of [low, high) can be drawn for a dtype; warn where it cannot hold them all."""
    if dtype.is_complex:
        raise RuntimeError("check_random_bounds handles only integral, floating-point and boolean types")
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    least, most = _limits(dtype)
    if least <= low and high - 1 <= most and not dtype.is_floating_point:
        return
    name = _C_NAMES.get(dtype.name, dtype.legacy_name)
    for argument, value in (("from", low), ("to - 1", high - 1)):
        if not least <= value <= most:
            raise RuntimeError(f"{argument} is out of bounds for {name}")
        digits = _DIGITS.get(dtype.name)
        if digits is not None and not -(2**digits) <= value <= 2**digits:
            warnings.warn(
                f"{argument} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations {name} can "
                f"support discrete uniform distribution only within this range. This warning will become an error in "
                f"version 1.7 release, please fix the code in advance",
                UserWarning,
                stacklevel=3,
            )


@functools.cache
def _limits(dtype: dtypes.dtype) -> tuple[float, float]:
    if dtype.is_floating_point:
        return dtypes.finfo(dtype).min, dtypes.finfo(dtype).max
    return (0, 1) if dtype is dtypes.bool else (dtypes.iinfo(dtype).min, dtypes.iinfo(dtype).max)


def _cast(array: Array, draw: Callable[[int], Array]) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        return arranged(array, lambda n: draw(n).astype(array.dtype))


def exponential_(input: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of the density `lambd * exp(-lambd * x)`, x > 0.

    RuntimeError unless lambd > 0 and the dtype is floating point.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.exponential_.html
    """
    drawn, rate = generator_of(generator, "exponential_"), float(lambd)
    if not rate > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
    if input.dtype.name not in _FLOATS:
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {input.dtype.legacy_name}"
        )
    return _Exponential.inplace(input, lambda array: _cast(array, lambda n: kernels.exponential(drawn, n, rate)))


def geometric_(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with the number of the first success, counted from 1, among trials that succeed with probability p.

    RuntimeError unless 0 < p < 1.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.geometric_.html
    """
    drawn, chance = generator_of(generator, "geometric_"), float(p)
    if not 0 < chance < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={chance:g}")
    if input.dtype.name not in _FLOATS and input.dtype.name not in _INTEGERS:
        raise unsupported("geometric_cpu", input.dtype)
    return _Geometric.inplace(input, lambda array: _cast(array, lambda n: kernels.geometric(drawn, n, chance)))


def cauchy_(input: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of the Cauchy distribution `1 / (pi * sigma * (1 + ((x - median) / sigma)**2))`.

    RuntimeError unless sigma > 0 and the dtype is floating point.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.cauchy_.html
    """
    drawn, m, s = generator_of(generator, "cauchy_"), float(median), float(sigma)
    if not s > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={s:g}")
    if input.dtype.name not in _FLOATS:
        raise RuntimeError(
            "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {_C_NAMES.get(input.dtype.name, input.dtype.legacy_name)}"
        )
    return _Cauchy.inplace(input, lambda array: _cast(array, lambda n: kernels.cauchy(drawn, n, m, s)))


def log_normal_(input: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Tensor:
    """Fill with `exp(z)` of normal numbers z, whose mean and standard deviation are given.

    RuntimeError unless std > 0, NotImplementedError unless the dtype is floating point.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.log_normal_.html
    """
    drawn, m, s = generator_of(generator, "log_normal_"), float(mean), float(std)
    if not s > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={s:g}")
    if input.dtype.name not in _FLOATS:
        raise unsupported("log_normal_cpu", input.dtype)
    return _LogNormal.inplace(input, lambda array: _cast(array, lambda n: kernels.log_normal(drawn, n, m, s)))


class RandomFillMethods:
    """Tensor's methods that fill in place."""

    bernoulli_ = bernoulli_
    cauchy_ = cauchy_
    exponential_ = exponential_
    geometric_ = geometric_
    log_normal_ = log_normal_
    normal_ = normal_
    random_ = random_
    uniform_ = uniform_
