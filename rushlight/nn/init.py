"""First values for parameters: every function fills a tensor in place, unrecorded, and returns it.

Source: https://docs.pytorch.org/docs/2.13/nn.init.html
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from rushlight.autograd.grad_mode import no_grad
from rushlight.ops._numeric import check_tensor
from rushlight.ops.random_fill import generator_of, normal_array, uniform_array
from rushlight.random import Generator

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal", "kaiming_normal_",
    "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal", "orthogonal_", "sparse",
    "sparse_", "trunc_normal_", "uniform", "uniform_", "xavier_normal", "xavier_normal_", "xavier_uniform",
    "xavier_uniform_", "zeros_",
]  # fmt: skip

Array = npt.NDArray[Any]
P = ParamSpec("P")
R = TypeVar("R")

_GAIN_OF_ONE = (
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid",
)  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a standard deviation should be raised before a nonlinearity, to keep the variance.

    1 for linear maps, convolutions and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + slope²)) for leaky_relu with
    slope `param` (0.01 by default), 3/4 for selu. ValueError for other names.

    >>> import rushlight as torch
    >>> torch.nn.init.calculate_gain("leaky_relu", 0.2)
    1.3867504905630728

    Source: https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.calculate_gain
    """
    if nonlinearity in _GAIN_OF_ONE:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            slope = 0.01
        elif isinstance(param, (int, float)) and not isinstance(param, bool):
            slope = param
        else:
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def _assign(tensor: Tensor, array: Array) -> Tensor:
    np.copyto(tensor._array, array, casting="unsafe")
    tensor.bump_version()
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Numbers of the uniform law on [a, b).

    >>> import rushlight as torch
    >>> w = torch.nn.init.uniform_(torch.empty(3, 5))

    Source: https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.uniform_
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Numbers of the normal law with a mean and a standard deviation.

    Source: https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.normal_
    """
    check_tensor("normal_", "tensor", 1, tensor)
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Numbers of the normal law with a mean and a standard deviation, cut off outside [a, b].

    Warns where the mean is more than two standard deviations outside of [a, b]; RuntimeError where a > b.

    >>> import rushlight as torch
    >>> w = torch.nn.init.trunc_normal_(torch.empty(3, 5), std=0.02)

    Source: https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.trunc_normal_
    """
    check_tensor("trunc_normal_", "tensor", 1, tensor)
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be "
            "incorrect.",
            UserWarning,
            stacklevel=2,
        )
    if a > b:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={a:g} > to={b:g}")
    drawn = generator_of(generator, "trunc_normal_")
    inside = (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))) / 2
    # Drawing again what fell outside is quick where enough falls inside; elsewhere uniform numbers are thinned out.
    make = _redrawn_normal if inside > 0.3 else _thinned_uniform
    return _assign(tensor, make(drawn, tensor._array, mean, std, a, b))


def _redrawn_normal(generator: Generator, like: Array, mean: float, std: float, a: float, b: float) -> Array:
    """Normal numbers; as long as some lie outside [a, b], a whole new set is drawn to replace those."""
    low, high = like.dtype.type(a), like.dtype.type(b)
    out = normal_array(generator, like, mean, std)
    outside = (out < low) | (out > high)
    while outside.any():
        out = np.where(outside, normal_array(generator, like, mean, std), out)
        outside = (out < low) | (out > high)
    return out


def _thinned_uniform(generator: Generator, like: Array, mean: float, std: float, a: float, b: float) -> Array:
    """Uniform numbers of [a, b), each kept with the normal density there over the highest density in [a, b].

    As long as some are not kept, a whole new set is drawn to replace those. Each step rounds to the tensor's own type.
    """
    kind = like.dtype
    work = kind if kind.itemsize > 2 else np.dtype(np.float32)
    nearest = (min(max(mean, a), b) - mean) / std
    highest = -0.5 * nearest**2

    def rounded(array: Array) -> Array:
        return array.astype(kind, copy=False).astype(work, copy=False)

    def draw() -> tuple[Array, Array]:
        proposal = uniform_array(generator, like, a, b)
        standard = rounded(rounded(proposal.astype(work) - mean) / work.type(std))
        log_density = rounded(rounded(rounded(standard * standard) * work.type(-0.5)) - work.type(highest))
        with np.errstate(divide="ignore"):
            chance = rounded(np.log(uniform_array(generator, like).astype(work)))
        return proposal, chance > log_density

    out, rejected = draw()
    while rejected.any():
        again, rejected_again = draw()
        out = np.where(rejected, again, out)
        rejected = rejected & rejected_again
    return out


def constant_(tensor: Tensor, val: float) -> Tensor:
    """`val` throughout.

    >>> import rushlight as torch
    >>> torch.nn.init.constant_(torch.empty(2), 0.3)
    tensor([0.3000, 0.3000])

    Source: https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.constant_
    """
    check_tensor("constant_", "tensor", 1, tensor)
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """1 throughout.

    Source: https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.ones_
    """
    check_tensor("ones_", "tensor", 1, tensor)
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """0 throughout.

    Source: https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.zeros_
    """
    check_tensor("zeros_", "tensor", 1, tensor)
    with no_grad():
        return tensor.zero_()


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, so that a linear map keeps as many of its inputs as it can. ValueError unless 2-D.

    >>> import rushlight as torch
    >>> torch.nn.init.eye_(torch.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.eye_
    """
    check_tensor("eye_", "tensor", 1, tensor)
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _assign(tensor, np.eye(*tensor._array.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The kernel of a convolution that keeps as many channels of each group as it can: 1 in the middle, else 0.

    ValueError unless the tensor has 3, 4 or 5 dimensions and its first is a multiple of groups.

    >>> import rushlight as torch
    >>> torch.nn.init.dirac_(torch.empty(2, 1, 3))
    tensor([[[0., 1., 0.]],
    <BLANKLINE>
            [[0., 0., 0.]]])

    Source: https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.dirac_
    """
    check_tensor("dirac_", "tensor", 1, tensor)
    shape = tensor._array.shape
    if len(shape) not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if shape[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    out = np.zeros(shape)
    per_group = shape[0] // groups
    middle = tuple(length // 2 for length in shape[2:])
    for channel in range(min(per_group, shape[1])):
        for first in range(0, shape[0], per_group):
            out[(first + channel, channel, *middle)] = 1
    return _assign(tensor, out)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output of a weight has, and how many outputs each input."""
    shape = tensor._array.shape
    if len(shape) < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    receptive = math.prod(shape[2:])
    return shape[1] * receptive, shape[0] * receptive


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """The uniform law on (-k, k), k = gain · √(6 / (fan_in + fan_out)). ValueError for fewer than 2 dimensions.

    >>> import rushlight as torch
    >>> w = torch.nn.init.xavier_uniform_(torch.empty(3, 5), gain=torch.nn.init.calculate_gain("relu"))

    Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010;
    https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.xavier_uniform_
    """
    check_tensor("xavier_uniform_", "tensor", 1, tensor)
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(fan_in + fan_out)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """The normal law with mean 0 and standard deviation gain · √(2 / (fan_in + fan_out)). ValueError below 2
    dimensions.

    Source: X. Glorot, Y. Bengio, 2010; https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.xavier_normal_
    """
    check_tensor("xavier_normal_", "tensor", 1, tensor)
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """gain / √fan; None, with a warning, for a tensor without elements."""
    if 0 in tensor._array.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", UserWarning, stacklevel=3)
        return None
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """The uniform law on (-k, k), k = gain · √(3 / fan); `a` is the slope of leaky_relu, `mode` says which fan.

    ValueError for fewer than 2 dimensions, an unknown mode or nonlinearity.

    >>> import rushlight as torch
    >>> w = torch.nn.init.kaiming_uniform_(torch.empty(3, 5), mode="fan_in", nonlinearity="relu")

    Source: K. He et al., "Delving deep into rectifiers", 2015;
    https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.kaiming_uniform_
    """
    check_tensor("kaiming_uniform_", "tensor", 1, tensor)
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """The normal law with mean 0 and standard deviation gain / √fan; arguments as for `kaiming_uniform_`.

    Source: K. He et al., 2015; https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.kaiming_normal_
    """
    check_tensor("kaiming_normal_", "tensor", 1, tensor)
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """A (semi-)orthogonal matrix times gain; dimensions after the first are joined into one.

    ValueError for fewer than 2 dimensions, NotImplementedError for half precision.

    >>> import rushlight as torch
    >>> w = torch.nn.init.orthogonal_(torch.empty(3, 3))
    >>> torch.allclose(w @ w.T, torch.ones(3).diag(), atol=1e-6)
    True

    Source: A. Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    2013; https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.orthogonal_
    """
    check_tensor("orthogonal_", "tensor", 1, tensor)
    array = tensor._array
    if array.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if array.size == 0:
        return tensor
    rows, columns = array.shape[0], array.size // array.shape[0]
    flat = normal_array(generator_of(generator, "orthogonal_"), np.empty((rows, columns), array.dtype))
    if flat.dtype.itemsize == 2:
        raise NotImplementedError(f"\"geqrf_cpu\" not implemented for '{tensor.dtype.legacy_name}'")
    q, r = np.linalg.qr(flat.T if rows < columns else flat)
    # The signs of R's diagonal make the law uniform (F. Mezzadri, "How to generate random matrices from the classical
    # compact groups", 2007).
    q *= np.sign(np.diagonal(r))
    return _assign(tensor, (q.T if rows < columns else q).reshape(array.shape) * q.dtype.type(gain))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Numbers of the normal law N(0, std²), of which in each column a share `sparsity` is set to 0. ValueError unless
    2-D.

    As in PyTorch, `generator` draws the numbers, and the default generator the places of the zeros.

    Source: J. Martens, "Deep learning via Hessian-free optimization", 2010;
    https://docs.pytorch.org/docs/2.13/nn.init.html#torch.nn.init.sparse_
    """
    check_tensor("sparse_", "tensor", 1, tensor)
    from rushlight.ops.random import randperm

    array = tensor._array
    if array.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = array.shape
    zeros = math.ceil(sparsity * rows)
    out = normal_array(generator_of(generator, "sparse_"), array, 0, std)
    for column in range(columns):
        out[randperm(rows)._array[:zeros], column] = 0
    return _assign(tensor, out)


def _no_grad_uniform_(tensor: Tensor, a: float, b: float, generator: Generator | None = None) -> Tensor:
    return uniform_(tensor, a, b, generator)


def _no_grad_normal_(tensor: Tensor, mean: float, std: float, generator: Generator | None = None) -> Tensor:
    return normal_(tensor, mean, std, generator)


def _no_grad_trunc_normal_(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None = None
) -> Tensor:
    return trunc_normal_(tensor, mean, std, a, b, generator)


def _no_grad_fill_(tensor: Tensor, val: float) -> Tensor:
    return constant_(tensor, val)


def _no_grad_zero_(tensor: Tensor) -> Tensor:
    return zeros_(tensor)


def _deprecated(function: Callable[P, R]) -> Callable[P, R]:
    new = function.__name__
    old = new[:-1]

    @functools.wraps(function)
    def alias(*args: P.args, **kwargs: P.kwargs) -> R:
        warnings.warn(f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    alias.__name__ = old
    alias.__doc__ = f"The old name of `{new}`; warns."
    return alias


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
