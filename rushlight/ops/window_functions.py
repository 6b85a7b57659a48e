"""Windows that a signal is multiplied with before it is transformed, of Bartlett, Blackman, Hamming, Hann and Kaiser.

Periodic windows are those of one point more without the last: their transform has the period of the window.

Source: https://docs.pytorch.org/docs/2.13/torch.html#spectral-ops
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.layout import strided
from rushlight.ops.bessel import i0
from rushlight.ops.conversion import as_dtype
from rushlight.ops.creation import empty, ones
from rushlight.ops.sequences import arange

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]

# The type in C, as PyTorch's message shows it.
_C_NAMES = {"int64": "long int", "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char"}


def _options_text(dtype: dtypes.dtype | None, layout: Any) -> str:
    kind = "float (default)" if dtype is None else _C_NAMES.get(dtype.name, dtype.name)
    way = "Strided (default)" if layout in (None, strided) else "Sparse"
    return (
        f"TensorOptions(dtype={kind}, device=cpu, layout={way}, requires_grad=false (default), pinned_memory=false, "
        "memory_format=(nullopt))"
    )


def _window(
    function: str, length: Any, periodic: Any, compute: Callable[[Tensor, int], Tensor], dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`compute(0 … n-1, n)` of a window's points, of whose last a periodic window is rid."""
    try:
        if isinstance(length, bool):
            raise TypeError
        count = operator.index(length)
    except TypeError:
        raise TypeError(
            f"{function}(): argument 'window_length' (position 1) must be int, not {type(length).__name__}"
        ) from None
    if not isinstance(periodic, bool):
        raise TypeError(f"{function}(): argument 'periodic' must be bool, not {type(periodic).__name__}")
    kind = None if dtype is None else as_dtype(dtype, function)
    if layout not in (None, strided):
        raise RuntimeError(f"{function} is not implemented for sparse types, got: {_options_text(kind, layout)}")
    if kind is not None and not (kind.is_floating_point or kind.is_complex):
        raise RuntimeError(f"{function} expects floating point dtypes, got: {_options_text(kind, layout)}")
    if count < 0:
        raise RuntimeError(f"{function} requires non-negative window_length, got window_length={count}")
    options = {"dtype": kind or dtypes.get_default_dtype(), "device": device, "pin_memory": pin_memory}
    with no_grad():
        if count < 2:
            made = ones(count, **options) if count else empty(0, **options)
        else:
            points = count + periodic
            made = compute(arange(points, **options), points)
            made = made[:count] if periodic else made
    return made.requires_grad_() if requires_grad else made


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """The triangle `1 - |2n / (N - 1) - 1|`, n = 0 … N - 1.

    N is window_length, or one more for a periodic window, which leaves its last point out. Options: `dtype` (floating
    point), `layout`, `device`, `requires_grad`, `pin_memory`. Raises RuntimeError for a negative length and for
    integers.

    >>> import rushlight as torch
    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bartlett_window.html
    """

    def compute(n: Tensor, points: int) -> Tensor:
        n.mul_(2.0 / (points - 1))
        n[((points - 1) >> 1) + 1 :].mul_(-1).add_(2)
        return n

    return _window("bartlett_window", window_length, periodic, compute, **options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """`0.42 - 0.5 cos(2πn / (N - 1)) + 0.08 cos(4πn / (N - 1))`, n = 0 … N - 1.

    N and the options are as in `bartlett_window`.

    >>> import rushlight as torch
    >>> torch.blackman_window(5, periodic=False)
    tensor([-2.9802e-08,  3.4000e-01,  1.0000e+00,  3.4000e-01, -2.9802e-08])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.blackman_window.html
    """

    def compute(n: Tensor, points: int) -> Tensor:
        n.mul_(math.pi / (points - 1))
        return n.mul(4).cos_().mul_(0.08) - n.mul(2).cos_().mul_(0.5) + 0.42

    return _window("blackman_window", window_length, periodic, compute, **options)


def _cosine(alpha: float, beta: float) -> Callable[[Tensor, int], Tensor]:
    return lambda n, points: n.mul_(math.pi * 2 / (points - 1)).cos_().mul_(-beta).add_(alpha)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> Tensor:
    """`alpha - beta cos(2πn / (N - 1))`, n = 0 … N - 1.

    N and the options are as in `bartlett_window`.

    >>> import rushlight as torch
    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.hamming_window.html
    """
    return _window("hamming_window", window_length, periodic, _cosine(alpha, beta), **options)


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """`sin²(πn / (N - 1))`, n = 0 … N - 1.

    N and the options are as in `bartlett_window`.

    >>> import rushlight as torch
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.hann_window.html
    """
    return _window("hann_window", window_length, periodic, _cosine(0.5, 0.5), **options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> Tensor:
    """`I₀(beta √(1 - (2n / (N - 1) - 1)²)) / I₀(beta)`, n = 0 … N - 1, I₀ being the modified Bessel function.

    N and the options are as in `bartlett_window`.

    >>> import rushlight as torch
    >>> torch.kaiser_window(4, beta=0.0)
    tensor([1., 1., 1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.kaiser_window.html
    """

    def compute(n: Tensor, points: int) -> Tensor:
        half = (points - 1) / 2.0
        place = n.to(dtypes.float64).sub_(half).div_(half)
        inside = (1 - place.square_()).clamp_(min=0).sqrt_().mul_(beta)
        return (i0(inside) / i0(place.new_full((), float(beta)))).to(n.dtype)

    return _window("kaiser_window", window_length, periodic, compute, **options)
