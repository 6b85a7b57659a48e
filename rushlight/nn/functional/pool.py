"""Pooling: the operations as they are, and the pooling that is put together from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rushlight.autograd.variable import Variable
from rushlight.ops.activation import relu
from rushlight.ops.fractional_pool import (
    fractional_max_pool2d,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d,
    fractional_max_pool3d_with_indices,
)
from rushlight.ops.pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_pool3d,
    max_pool3d_with_indices,
)
from rushlight.ops.unpool import max_unpool1d, max_unpool2d, max_unpool3d

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Sizes = int | Sequence[int]

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]


def _lp_pool(
    averages: Callable[..., Any],
    largest: Callable[..., Any],
    input: Tensor,
    norm_type: Any,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
    count: Any,
) -> Any:
    """`count` is the number of a window's elements."""
    if not isinstance(input, Variable):
        raise TypeError(f"lp_pool: argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    if norm_type == math.inf:
        return largest(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    if norm_type == -math.inf:
        return -largest(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    means = averages(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    # relu, so that the gradient of a window of zeros is that of zero.
    return (means.sign() * relu(means.abs())).mul(count).pow(1.0 / norm_type)


def _product(rank: int, kernel_size: Any) -> int:
    """The number of a window's elements; ValueError for too few or too many sizes."""
    sizes = tuple(kernel_size) if isinstance(kernel_size, Sequence) else (kernel_size,) * rank
    if len(sizes) != rank:
        few = len(sizes) < rank
        raise ValueError(
            f"not enough values to unpack (expected {rank}, got {len(sizes)})"
            if few
            else f"too many values to unpack (expected {rank})"
        )
    return math.prod(sizes)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The norm of each window: `out[..., i] = (Σ_k input[..., i·stride + k]^p)^(1/p)`, p = norm_type.

    Shapes: input (N, C, L) or (C, L); result (N, C, OL), OL = floor((L - K) / stride + 1), with ceil_mode the ceiling.
    stride is kernel_size by default. p = 1 sums; infinity takes the largest magnitude, minus infinity the smallest. The
    elements' signs count: an odd p takes a root of what may be negative, which is NaN. Where a window's sum is zero the
    gradient is not defined. Floating-point types. Raises RuntimeError where sizes don't fit, TypeError for a
    kernel_size that isn't one number.

    >>> import rushlight as torch
    >>> torch.nn.functional.lp_pool1d(torch.tensor([[3., 4., 6., 8.]]), 2, 2)
    tensor([[ 5., 10.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.lp_pool1d.html
    """
    if isinstance(kernel_size, Sequence) and not (isinstance(norm_type, int | float) and math.isinf(norm_type)):
        raise TypeError(f"mul(): argument 'other' (position 1) must be Tensor, not {type(kernel_size).__name__}")
    return _lp_pool(avg_pool1d, max_pool1d, input, norm_type, kernel_size, stride, ceil_mode, kernel_size)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The norm of each window over two dimensions; `lp_pool1d` says what the arguments mean.

    Shapes: input (N, C, H, W) or (C, H, W); result (N, C, OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.functional.lp_pool2d(torch.ones(1, 4, 4), 2, 2)
    tensor([[[2., 2.],
             [2., 2.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.lp_pool2d.html
    """
    count = _product(2, kernel_size)
    return _lp_pool(avg_pool2d, max_pool2d, input, norm_type, kernel_size, stride, ceil_mode, count)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The norm of each window over three dimensions; `lp_pool1d` says what the arguments mean.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); result (N, C, OD, OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.functional.lp_pool3d(torch.ones(1, 2, 2, 2), 3, 2)
    tensor([[[[2.]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.lp_pool3d.html
    """
    count = _product(3, kernel_size)
    return _lp_pool(avg_pool3d, max_pool3d, input, norm_type, kernel_size, stride, ceil_mode, count)
