"""Poolings that the compiled kernels don't take, put together from those they do.

16-bit numbers are pooled as float32 ones, means over three dimensions taken over two and then over depth, adaptive
windows of one size for the largest moved like others.

Without compiled kernels the reference does all of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.kernels.dispatch import native_available, prefer_native
from rushlight.kernels.reference import pool as reference
from rushlight.kernels.reference.windows import Ints, working_dtype

__all__ = [
    "adaptive_avg_pool",
    "adaptive_avg_pool_backward",
    "adaptive_max_pool",
    "avg_pool",
    "avg_pool_backward",
    "max_pool",
    "max_pool_backward",
    "max_pool_places",
    "scatter_indices",
]

Array = np.ndarray[Any, Any]

_max_pool = prefer_native(reference.max_pool)
_max_pool_backward = prefer_native(reference.max_pool_backward)
_max_pool_places = prefer_native(reference.max_pool_places)
_avg_pool = prefer_native(reference.avg_pool)
_avg_pool_backward = prefer_native(reference.avg_pool_backward)
_scatter_indices = prefer_native(reference.scatter_indices)
_adaptive_avg_pool = prefer_native(reference.adaptive_avg_pool)
_adaptive_avg_pool_backward = prefer_native(reference.adaptive_avg_pool_backward)


def _is_half(x: Array, rank: int = 1) -> bool:
    return rank < 3 and working_dtype(x.dtype) != x.dtype and native_available()


def _is_deep(x: Array, kernel: Ints) -> bool:
    return len(kernel) == 3 and x.dtype.char in "fd" and x.size > 0 and native_available()


def max_pool(
    x: Array, outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, indices: bool = True
) -> tuple[Array, Array | None]:
    """See `reference.max_pool`."""
    settings = outputs, kernel, stride, padding, dilation, indices
    if not _is_half(x):
        return reference.max_pool(x, *settings)
    values, found = _max_pool(x.astype(np.float32), *settings)
    return values.astype(x.dtype), found


def max_pool_places(
    x: Array, outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> tuple[Array, Array]:
    """See `reference.max_pool_places`."""
    settings = outputs, kernel, stride, padding, dilation
    if not _is_half(x):
        return reference.max_pool_places(x, *settings)
    values, places = _max_pool_places(x.astype(np.float32), *settings)
    return values.astype(x.dtype), places


def max_pool_backward(
    grad: Array, places: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> Array:
    """See `reference.max_pool_backward`."""
    settings = places, sizes, kernel, stride, padding, dilation
    if _is_half(grad):
        return _max_pool_backward(grad.astype(np.float32), *settings).astype(grad.dtype)
    return reference.max_pool_backward(grad, *settings)


def scatter_indices(grad: Array, indices: Array, sizes: Ints) -> Array:
    """See `reference.scatter_indices`."""
    if _is_half(grad):
        return _scatter_indices(grad.astype(np.float32), indices, sizes).astype(grad.dtype)
    return reference.scatter_indices(grad, indices, sizes)


def avg_pool(
    x: Array, outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, include_pad: bool, divisor: int | None
) -> Array:
    """See `reference.avg_pool`."""
    settings = outputs, kernel, stride, padding, include_pad, divisor
    if _is_half(x, len(kernel)):
        return _avg_pool(x.astype(np.float32), *settings).astype(x.dtype)
    if not _is_deep(x, kernel):
        return reference.avg_pool(x, *settings)
    planes = _avg_pool(x, outputs[1:], kernel[1:], stride[1:], padding[1:], include_pad, divisor)
    over_depth = (outputs[0], outputs[1] * outputs[2]), (kernel[0], 1), (stride[0], 1), (padding[0], 0)
    found = _avg_pool(planes.reshape(*x.shape[:-2], -1), *over_depth, include_pad, None if divisor is None else 1)
    return found.reshape(*x.shape[:-3], *outputs)


def avg_pool_backward(
    grad: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Ints, include_pad: bool, divisor: int | None
) -> Array:
    """See `reference.avg_pool_backward`."""
    settings = sizes, kernel, stride, padding, include_pad, divisor
    if _is_half(grad, len(kernel)):
        return _avg_pool_backward(grad.astype(np.float32), *settings).astype(grad.dtype)
    if not _is_deep(grad, kernel):
        return reference.avg_pool_backward(grad, *settings)
    *lead, depth, height, width = grad.shape
    over_depth = (sizes[0], height * width), (kernel[0], 1), (stride[0], 1), (padding[0], 0)
    flat = np.ascontiguousarray(grad).reshape(*lead, depth, height * width)
    planes = _avg_pool_backward(flat, *over_depth, include_pad, None if divisor is None else 1)
    planes = planes.reshape(*lead, sizes[0], height, width)
    return _avg_pool_backward(planes, sizes[1:], kernel[1:], stride[1:], padding[1:], include_pad, divisor)


def _even(sizes: Ints, outputs: Ints) -> Ints | None:
    """The size of adaptive windows that are all alike and neither one element nor the whole: then they only move."""
    if len(sizes) > 2 or not native_available() or set(outputs) == {1} or 0 in outputs or sizes == outputs:
        return None
    if any(size % out for size, out in zip(sizes, outputs, strict=True)):
        return None
    return tuple(size // out for size, out in zip(sizes, outputs, strict=True))


def adaptive_avg_pool(x: Array, outputs: Ints) -> Array:
    """See `reference.adaptive_avg_pool`."""
    if _is_half(x, len(outputs)):
        return _adaptive_avg_pool(x.astype(np.float32), outputs).astype(x.dtype)
    return reference.adaptive_avg_pool(x, outputs)


def adaptive_avg_pool_backward(grad: Array, sizes: Ints) -> Array:
    """See `reference.adaptive_avg_pool_backward`."""
    if _is_half(grad, len(sizes)):
        return _adaptive_avg_pool_backward(grad.astype(np.float32), sizes).astype(grad.dtype)
    return reference.adaptive_avg_pool_backward(grad, sizes)


def adaptive_max_pool(x: Array, outputs: Ints) -> tuple[Array, Array | None]:
    """See `reference.adaptive_max_pool`."""
    window = _even(x.shape[-len(outputs) :], outputs)
    if window is None:
        return reference.adaptive_max_pool(x, outputs)
    run = max_pool if _is_half(x) else _max_pool
    return run(x, outputs, window, window, (0,) * len(outputs), (1,) * len(outputs))
