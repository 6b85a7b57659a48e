"""Random tensors: `rand`, `randn`, `randint`, `randperm`, `normal`, `bernoulli`, `multinomial`.

The same seed gives PyTorch's numbers; `docs/random.md` says how.

Source: https://docs.pytorch.org/docs/2.13/torch.html#random-sampling
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes
from rushlight.autograd import transforms
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.device import check_new
from rushlight.kernels import random as kernels
from rushlight.layout import memory_format, preserve_format
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import plain, write_out
from rushlight.ops._quick import free
from rushlight.ops.broadcast import common_shape
from rushlight.ops.conversion import as_dtype
from rushlight.ops.creation import checked_shape, filled, like_filled
from rushlight.ops.random_fill import (
    RandomFillMethods,
    arranged,
    bernoulli_array,
    bernoulli_of,
    check_integer_bounds,
    checked_chances,
    generator_of,
    normal_array,
    uniform_array,
    unsupported,
)
from rushlight.random import Generator, default_generator

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "bernoulli", "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like",
    "randperm",
]  # fmt: skip

Array = npt.NDArray[Any]

_F32 = np.dtype(np.float32)


def _filler(fill: Callable[[Array], Array], direct: Callable[[int], Array]) -> Callable[[Any, Any], Array]:
    """What makes an array of a shape and type: `direct(n)` where the type is float32, else `fill` on an empty one."""

    def make(shape: tuple[int, ...], kind: np.dtype[Any]) -> Array:
        checked_shape(shape)
        if kind is _F32:
            return direct(math.prod(shape)).reshape(shape)
        return fill(np.empty(shape, kind))

    return make


def _filled(function: str, make: Callable[[Any, Any], Array], size: tuple[Any, ...], /, **options: Any) -> Tensor:
    """`filled` with drawn numbers, of which each sample of a vmap may have its own."""
    if not state.levels:
        return filled(function, make, size, **options)
    made: Tensor = transforms.drawn(
        lambda batches: filled(function, lambda shape, kind: make((*batches, *shape), kind), size, **options)
    )
    return made


_INTS = frozenset((int,))


def _drawn_quickly(fill: Callable[..., Array], size: Any, generator: Any, options: dict[str, Any]) -> Tensor | None:
    """Float32 numbers in a size of ints or one tuple of them, where nothing else is asked for; None of other calls."""
    if options or generator is not None or state.levels or dtypes.get_default_dtype() is not dtypes.float32:
        return None
    shape = size[0] if len(size) == 1 and isinstance(size[0], tuple) else size
    if not shape or not _INTS.issuperset(map(type, shape)) or min(shape) < 0:
        return None
    check_new(None)
    return plain(fill(default_generator, np.empty(shape, _F32)))


def rand(*size: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Uniform numbers of [0, 1), in a tensor of the given size: several ints or one sequence.

    Options: `out`, `dtype` (floating point or complex; NotImplementedError for others), `layout`, `device`,
    `requires_grad`, `pin_memory`. RuntimeError for a negative length.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.rand(2, 2)
    tensor([[0.4963, 0.7682],
            [0.0885, 0.1320]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.rand.html
    """
    if (result := _drawn_quickly(kernels.fill_uniform, size, generator, options)) is not None:
        return result
    drawn = generator_of(generator, "rand")
    make = _filler(lambda array: uniform_array(drawn, array), lambda n: kernels.uniform(drawn, n, _F32))
    return _filled("rand", make, size, **options)


def randn(*size: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Normal numbers of mean 0 and variance 1, in a tensor of the given size; options as for `rand`.

    Raises NotImplementedError for dtypes that are not floating point or complex.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.randn.html
    """
    if (result := _drawn_quickly(kernels.fill_normal, size, generator, options)) is not None:
        return result
    drawn = generator_of(generator, "randn")
    make = _filler(lambda array: normal_array(drawn, array), lambda n: kernels.normal(drawn, n, _F32))
    return _filled("randn", make, size, **options)


def _integers(generator: Generator, like: Array, low: int, high: int) -> Array:
    return arranged(like, lambda n: kernels.integers(generator, n, low, high).astype(like.dtype, copy=False))


def randint(*args: Any, generator: Generator | None = None, dtype: Any = None, **options: Any) -> Tensor:
    """Whole numbers of [low, high): `randint(high, size)` or `randint(low, high, size)`, int64 unless `dtype` says
    otherwise.

    Options: `out`, `layout`, `device`, `requires_grad`, `pin_memory`. RuntimeError unless low < high and the dtype
    holds them.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.randint(3, 10, (4,))
    tensor([7, 6, 3, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.randint.html
    """
    if len(args) == 3 and args[0].__class__ is int and args[1].__class__ is int and args[2].__class__ is tuple:
        low, high, size = args
        within = -(2**63) <= low < high <= 2**63 and _INTS.issuperset(map(type, size)) and min(size, default=0) >= 0
        if within and dtype is None and generator is None and not options and not state.levels:
            check_new(None)
            return plain(kernels.integers(default_generator, math.prod(size), low, high).reshape(size))
    else:
        low, high, size = _bounds_and_size(args, options)
    drawn = generator_of(generator, "randint")
    if dtype is not None:
        kind = as_dtype(dtype, "randint")
    else:
        kind = options["out"].dtype if options.get("out") is not None else dtypes.int64
    check_integer_bounds(low, high, kind)

    def make(shape: tuple[int, ...], numpy_dtype: np.dtype[Any]) -> Array:
        drawn_numbers = kernels.integers(drawn, math.prod(checked_shape(shape)), low, high)
        return drawn_numbers.astype(numpy_dtype, copy=False).reshape(shape)

    return _filled("randint", make, (size,), dtype=kind, **options)


def _bounds_and_size(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[int, int, Any]:
    """(low, high, size) of a call of `randint`, whose low may be left out."""
    names = ("high", "size") if len(args) + len(named.keys() & {"low", "high", "size"}) < 3 else ("low", "high", "size")
    values = dict(zip(names, args, strict=False))
    values.update({name: named.pop(name) for name in ("low", "high", "size") if name in named and name not in values})
    size = values.get("size")
    if len(args) > 3 or not ("high" in values and isinstance(size, (tuple, list))):
        given = ", ".join(type(a).__name__ for a in args)
        if len(args) == 2 and len(values) == 2:
            raise TypeError(f"randint(): argument 'size' (position 2) must be tuple of ints, not {type(size).__name__}")
        raise TypeError(
            f"randint() received an invalid combination of arguments - got ({given}), but expected (int high, tuple "
            f"of ints size, *, …) or (int low, int high, tuple of ints size, *, …)"
        )
    low, high = (_whole(values.get(name, 0), name, "randint") for name in ("low", "high"))
    return low, high, size


def _whole(value: Any, name: str, function: str) -> int:
    if isinstance(value, Variable):
        value = value._array.item()
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{function}(): argument '{name}' must be int, not {type(value).__name__}")
    return int(value)


def randperm(
    n: int, *, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = dtypes.int64, **options: Any
) -> Tensor:
    """The numbers 0 … n-1 in a random order.

    RuntimeError for a negative n, or one that the dtype cannot count to.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.randperm(4)
    tensor([0, 1, 3, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.randperm.html
    """
    simple = generator is None and out is None and dtype is dtypes.int64 and not options
    if simple and n.__class__ is int and n >= 0 and not state.levels:
        check_new(None)
        return plain(kernels.randperm(default_generator, n))
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"randperm(): argument 'n' (position 1) must be int, not {type(n).__name__}")
    drawn, count, kind = generator_of(generator, "randperm"), n.__index__(), as_dtype(dtype, "randperm")
    if kind is dtypes.bool or kind.is_complex:
        raise unsupported("randperm", kind)
    if kind.is_floating_point:
        most = {"float16": 2**11 + 1, "bfloat16": 2**8 + 1, "float32": 2**24 + 1}.get(kind.name, 2**53 + 1)
        if count > most:
            raise RuntimeError(f"n cannot be greater than {most} for {kind.legacy_name} type.")
    elif count > dtypes.iinfo(kind).max:
        raise RuntimeError(f"value cannot be converted to type {kind.name}_t without overflow")
    checked_shape((count,))
    if out is not None:
        return write_out(out, kernels.randperm(drawn, count).astype(kind.numpy_dtype, copy=False))

    def make(shape: tuple[int, ...], numpy_dtype: np.dtype[Any]) -> Array:
        if len(shape) == 1:
            return kernels.randperm(drawn, count).astype(numpy_dtype, copy=False)
        orders = [kernels.randperm(drawn, count) for _ in range(math.prod(shape[:-1]))]
        if not orders:
            return np.empty(shape, numpy_dtype)
        return np.stack(orders).astype(numpy_dtype, copy=False).reshape(shape)

    return _filled("randperm", make, (count,), dtype=kind, **options)


def _drawn_like(array: Array, dtype: Any, order: str, fill: Callable[[Array], Array]) -> Array:
    out = np.empty_like(array, dtype, order)  # type: ignore[call-overload]
    drawn = fill(out)
    if out.flags.c_contiguous and drawn.dtype is out.dtype:
        return drawn
    out[...] = drawn
    return out


def _like_quickly(fill: Callable[..., Array], input: Any, *asked: Any) -> Tensor | None:
    """Numbers in the shape and type of a dense float tensor, where nothing else is asked for; None of other calls."""
    array = None if state.levels or asked != _NOTHING else free(input)
    if array is None or not array.flags.c_contiguous:
        return None
    return plain(fill(default_generator, np.empty(array.shape, array.dtype)))


# generator, dtype, layout, device, requires_grad, pin_memory, memory_format
_NOTHING = (None, None, None, None, False, False, preserve_format)


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False, memory_format: memory_format = preserve_format,
) -> Tensor:  # fmt: skip
    """Uniform numbers of [0, 1) in a tensor like `input`: its shape, and its dtype unless another is given.

    Raises NotImplementedError for dtypes that are not floating point or complex.

    >>> import rushlight as torch
    >>> torch.rand_like(torch.zeros(2)).shape
    torch.Size([2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.rand_like.html
    """
    asked = generator, dtype, layout, device, requires_grad, pin_memory, memory_format
    if (result := _like_quickly(kernels.fill_uniform, input, *asked)) is not None:
        return result
    check_tensor("rand_like", "input", 1, input)
    drawn = generator_of(generator, "rand_like")

    def make(array: Array, dtype: Any, order: str) -> Array:
        return _drawn_like(array, dtype, order, lambda out: uniform_array(drawn, out))

    return like_filled(input, make, dtype, device, requires_grad, pin_memory, memory_format)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False, memory_format: memory_format = preserve_format,
) -> Tensor:  # fmt: skip
    """Normal numbers of mean 0 and variance 1 in a tensor like `input`: its shape, and its dtype unless another is
    given.

    Raises NotImplementedError for dtypes that are not floating point or complex.

    >>> import rushlight as torch
    >>> torch.randn_like(torch.zeros(2, 3)).shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.randn_like.html
    """
    asked = generator, dtype, layout, device, requires_grad, pin_memory, memory_format
    if (result := _like_quickly(kernels.fill_normal, input, *asked)) is not None:
        return result
    check_tensor("randn_like", "input", 1, input)
    drawn = generator_of(generator, "randn_like")

    def make(array: Array, dtype: Any, order: str) -> Array:
        return _drawn_like(array, dtype, order, lambda out: normal_array(drawn, out))

    return like_filled(input, make, dtype, device, requires_grad, pin_memory, memory_format)


def randint_like(
    input: Tensor, low: int, high: int | None = None, *, generator: Generator | None = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:  # fmt: skip
    """Whole numbers of [low, high), or of [0, low) if `high` is left out, in a tensor like `input`: its shape and
    dtype.

    Raises RuntimeError where no number lies between, and where the dtype cannot hold them all.

    >>> import rushlight as torch
    >>> torch.randint_like(torch.zeros(3), 1)
    tensor([0., 0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.randint_like.html
    """
    check_tensor("randint_like", "input", 1, input)
    start, stop = (0, low) if high is None else (low, high)
    start, stop = _whole(start, "low", "randint_like"), _whole(stop, "high", "randint_like")
    drawn = generator_of(generator, "randint_like")
    check_integer_bounds(start, stop, input.dtype if dtype is None else as_dtype(dtype))

    def make(array: Array, dtype: Any, order: str) -> Array:
        return _drawn_like(array, dtype, order, lambda out: _integers(drawn, out, start, stop))

    return like_filled(input, make, dtype, device, requires_grad, pin_memory, memory_format)


class _NormalOfMean(Operation):
    """`mean + std * z` of standard normal z; the draw has no gradient, so mean's and std's are 0."""

    node_name = "NormalBackward1"

    @staticmethod
    def forward(ctx: Any, mean: Any, std: Any, generator: Generator) -> Array:
        m = mean._array if isinstance(mean, Variable) else mean
        s = std._array if isinstance(std, Variable) else std
        tensor = mean if isinstance(mean, Variable) else std
        ctx.shapes = tuple((a._array.shape, a._array.dtype) if isinstance(a, Variable) else None for a in (mean, std))
        shape = common_shape([np.shape(m), np.shape(s)])
        out = normal_array(generator, np.empty(shape, tensor._array.dtype))
        out *= np.asarray(s).astype(out.dtype)
        out += np.asarray(m).astype(out.dtype)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        zeros = [None if s is None else wrap(np.zeros(*s)) for s in ctx.shapes]
        return (*zeros, None)


class _NormalOfStd(_NormalOfMean):
    node_name = "NormalBackward2"


class _NormalOfBoth(_NormalOfMean):
    node_name = "NormalBackward3"


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """Normal numbers: `normal(mean, std)` of tensors (or one tensor and a number), one for each element; or of a given
    size.

    RuntimeError unless std >= 0; options as for `rand` where a size is given.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.normal(torch.tensor([0.0, 100.0]), 1.0)
    tensor([ 1.5410, 99.7066])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.normal.html
    """
    drawn = generator_of(generator, "normal")
    tensors = isinstance(mean, Variable), isinstance(std, Variable)
    if not any(tensors):
        if not isinstance(size, (tuple, list)):
            given = ", ".join(type(a).__name__ for a in (mean, std, size) if a is not None)
            raise TypeError(
                f"normal() received an invalid combination of arguments - got ({given}), but expected two tensors, a "
                f"tensor and a float, or (float mean, float std, tuple of ints size, *, …)"
            )
        m, s = float(mean), float(std)
        if s < 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {s:g}")
        make = _filler(lambda array: normal_array(drawn, array, m, s), lambda n: kernels.normal(drawn, n, _F32, m, s))
        return _filled("normal", make, (size,), out=out, **options)
    if size is not None or options:
        raise TypeError("normal(): size and its options go with numbers mean and std, but got a tensor")
    if tensors[1]:
        if std.is_complex():
            raise RuntimeError("normal expects standard deviation to be non-complex")
        if not bool((std._array >= 0).all()):
            raise RuntimeError("normal expects all elements of std >= 0.0")
    elif not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if out is not None:
        return _normal_into(out, mean, std, drawn)
    operation = _NormalOfBoth if all(tensors) else _NormalOfMean if tensors[0] else _NormalOfStd
    return operation.apply(mean, std, drawn)


def _normal_into(out: Tensor, mean: Any, std: Any, generator: Generator) -> Tensor:
    """Normal numbers drawn in the type of a tensor that was given for them."""
    for tensor in (mean, std):
        if isinstance(tensor, Variable) and tensor.requires_grad and state.enabled:
            raise RuntimeError(
                "normal(): functions with out=... arguments don't support automatic differentiation, but one of the "
                "arguments requires grad."
            )
    shapes = [a._array.shape for a in (mean, std) if isinstance(a, Variable)]
    if not isinstance(std, Variable):
        # As in PyTorch, a number for all elements is spread over the tensor that is there.
        shapes.append(out._array.shape)
    array = normal_array(generator, np.empty(common_shape(shapes), out._array.dtype))
    for part, ufunc in ((std, np.multiply), (mean, np.add)):
        ufunc(array, part._array if isinstance(part, Variable) else part, out=array, casting="unsafe")
    return write_out(out, array)


class _Bernoulli(Operation):
    """Ones and zeros; no gradient passes."""

    node_name = "BernoulliBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, p: float | None, generator: Generator) -> Array:
        # Repeated dimensions have no order of their own.
        order = "C" if 0 in input._array.strides else "K"
        if p is not None:

            def fill(array: Array) -> Array:
                return arranged(array, lambda n: kernels.bernoulli(generator, n, p).astype(array.dtype))

            return _drawn_like(input._array, None, order, fill)
        chances = checked_chances(input)
        return _drawn_like(input._array, None, order, lambda array: bernoulli_array(generator, array, chances))

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return wrap(np.zeros_like(grad._array)), None, None


def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Ones with the probabilities that `input` holds (or with probability p), else zeros; in input's dtype.

    RuntimeError unless the probabilities are in [0, 1].

    >>> import rushlight as torch
    >>> torch.bernoulli(torch.tensor([0.0, 1.0, 1.0]))
    tensor([0., 1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bernoulli.html
    """
    if p is None and generator is None and out is None and not state.levels:
        chances = free(input)
        if chances is not None and chances.flags.c_contiguous:
            return plain(bernoulli_of(default_generator, chances))
    if p is not None and not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    result = _Bernoulli.apply(input, None if p is None else float(p), generator_of(generator, "bernoulli"))
    return write_out(out, result._array) if out is not None else result


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Indices drawn with probabilities proportional to each row of `input`, int64.

    Input (N,) or (M, N), not necessarily summing to 1 → (num_samples,) or (M, num_samples). RuntimeError for weights
    that are negative, infinite or all 0, and for more samples than columns without replacement.

    >>> import rushlight as torch
    >>> torch.multinomial(torch.tensor([0.0, 3.0, 0.0]), 4, replacement=True)
    tensor([1, 1, 1, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.multinomial.html
    """
    check_tensor("multinomial", "input", 1, input)
    if input._level is not None:
        transforms.check_random()
        result: Tensor = transforms.as_one(multinomial)(input, num_samples, replacement, generator=generator)
        return result
    count, weights = _whole(num_samples, "num_samples", "multinomial"), input._array
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype.legacy_name}")
    _check_multinomial(input, count, replacement)
    rows = weights.reshape(-1, weights.shape[-1])
    chosen = kernels.multinomial(generator_of(generator, "multinomial"), rows, count, replacement)
    drawn = chosen.reshape(*weights.shape[:-1], count)
    return write_out(out, drawn) if out is not None else plain(drawn)


def _check_multinomial(input: Tensor, count: int, replacement: bool) -> None:
    weights = input._array
    if weights.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not input.is_floating_point():
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype.legacy_name}")
    if count <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and count > weights.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not bool(((weights >= 0) & np.isfinite(weights)).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not bool((weights.sum(-1) > 0).all()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


class RandomMethods(RandomFillMethods):
    """Tensor's methods of this family."""

    bernoulli = bernoulli
    multinomial = multinomial
