"""Poolings that the compiled kernels don't take, put together from those they do.

16-bit numbers are pooled as float32 ones, largest elements over three dimensions found plane by plane, means over three
dimensions taken over two and then over depth, adaptive windows of one size for the largest moved like others.

Without compiled kernels the reference does all of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.kernels.dispatch import native_available, prefer_native
from rushlight.kernels.reference import pool as reference
from rushlight.kernels.reference.windows import Ints, taps, working_dtype

__all__ = [
    "adaptive_avg_pool",
    "adaptive_avg_pool_backward",
    "adaptive_max_pool",
    "avg_pool",
    "avg_pool_backward",
    "max_pool",
    "scatter_indices",
]

Array = np.ndarray[Any, Any]

_max_pool = prefer_native(reference.max_pool)
_avg_pool = prefer_native(reference.avg_pool)
_avg_pool_backward = prefer_native(reference.avg_pool_backward)
_scatter_indices = prefer_native(reference.scatter_indices)
_adaptive_avg_pool = prefer_native(reference.adaptive_avg_pool)
_adaptive_avg_pool_backward = prefer_native(reference.adaptive_avg_pool_backward)


def _is_half(x: Array, rank: int) -> bool:
    return rank < 3 and working_dtype(x.dtype) != x.dtype and native_available()


def _is_deep(x: Array, kernel: Ints) -> bool:
    return len(kernel) == 3 and x.dtype.char in "fd" and x.size > 0 and native_available()


def max_pool(
    x: Array, outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, places: bool = True
) -> tuple[Array, Array | None]:
    """See `reference.max_pool`."""
    rank = len(kernel)
    if _is_half(x, rank):
        values, indices = _max_pool(x.astype(np.float32), outputs, kernel, stride, padding, dilation, places)
        return values.astype(x.dtype), indices
    if rank < 3 or not native_available() or x.dtype.char not in "fd":
        return reference.max_pool(x, outputs, kernel, stride, padding, dilation, places)
    return _max_pool_of_slices(x, outputs, kernel, stride, padding, dilation)


def _max_pool_of_slices(
    x: Array, outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> tuple[Array, Array]:
    """Three dimensions: each slice for itself, then the largest of the slices of a window."""
    depth, height, width = x.shape[-3:]
    planes, places = _max_pool(x, outputs[1:], kernel[1:], stride[1:], padding[1:], dilation[1:])
    assert places is not None
    places += np.arange(depth)[:, None, None] * (height * width)
    first = np.arange(outputs[0]) * stride[0] - padding[0]
    first = np.where(first < 0, first + -(first // dilation[0]) * dilation[0], first)
    indices = places.take(first, -3)
    values = np.full(indices.shape, -np.inf, x.dtype)
    depth_only = (rule[:1] for rule in (kernel, stride, padding, dilation))
    for _, (out,), (inside,) in taps((depth,), outputs[:1], *depth_only):
        here = (..., out, slice(None), slice(None))
        there = (..., inside, slice(None), slice(None))
        reference.keep_larger(values[here], indices[here], planes[there], places[there])
    return values, indices


def scatter_indices(grad: Array, indices: Array, sizes: Ints) -> Array:
    """See `reference.scatter_indices`."""
    if _is_half(grad, 1):
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
    run = max_pool if _is_half(x, 1) else _max_pool
    return run(x, outputs, window, window, (0,) * len(outputs), (1,) * len(outputs))
