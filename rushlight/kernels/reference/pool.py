"""Pooling in any number of dimensions with NumPy: the definition, and the fallback of the compiled kernels.

Arrays are (*lead, *size): the windows slide over the last `len(kernel)` axes, whatever stands before them is batch.
Indices are those of PyTorch: positions in the flattened, unpadded spatial axes of the input.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from rushlight.kernels.reference.windows import Ints, last_axes, taps, working_dtype

__all__ = [
    "adaptive_avg_pool",
    "adaptive_avg_pool_backward",
    "adaptive_max_pool",
    "avg_pool",
    "avg_pool_backward",
    "gather_indices",
    "max_pool",
    "scatter_indices",
]


def _lowest(dtype: np.dtype[Any]) -> float | int:
    return int(np.iinfo(dtype).min) if dtype.kind in "iu" else -np.inf


def max_pool(
    x: np.ndarray[Any, Any], outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The largest element of each window and its index; the first of equal ones, the last NaN if there is any."""
    sizes = x.shape[-len(kernel) :]
    lead = x.shape[: -len(kernel)]
    position = np.arange(prod(sizes), dtype=np.int64).reshape(sizes)
    values = np.full(lead + outputs, _lowest(x.dtype), x.dtype)
    # A window of -inf alone keeps its first element inside the input.
    starts = [np.arange(o) * s - p for o, s, p in zip(outputs, stride, padding, strict=True)]
    starts = [np.where(b < 0, b + -(b // d) * d, b) for b, d in zip(starts, dilation, strict=True)]
    indices = np.broadcast_to(
        np.ravel_multi_index(np.meshgrid(*starts, indexing="ij"), sizes, mode="clip"), lead + outputs
    )
    indices = indices.astype(np.int64)
    for _, out, inside in taps(sizes, outputs, kernel, stride, padding, dilation):
        value, best = x[last_axes(*inside)], values[last_axes(*out)]
        better = value > best
        if x.dtype.kind not in "iu":
            better |= np.isnan(value)
        np.copyto(best, value, where=better)
        np.copyto(indices[last_axes(*out)], position[inside], where=better)
    return values, indices


def scatter_indices(grad: np.ndarray[Any, Any], indices: np.ndarray[Any, Any], sizes: Ints) -> np.ndarray[Any, Any]:
    """Adds each element of `grad` (*lead, *outputs) at its index in zeros (*lead, *sizes): the adjoint of max
    pooling."""
    lead = grad.shape[: -len(sizes)]
    rows, extent = prod(lead), prod(sizes)
    total = np.zeros(rows * extent, working_dtype(grad.dtype))
    flat = indices.reshape(rows, prod(indices.shape[-len(sizes) :])) + (np.arange(rows) * extent)[:, None]
    np.add.at(total, flat.reshape(-1), grad.astype(total.dtype, copy=False).reshape(-1))
    return total.astype(grad.dtype, copy=False).reshape(lead + sizes)


def gather_indices(x: np.ndarray[Any, Any], indices: np.ndarray[Any, Any], rank: int) -> np.ndarray[Any, Any]:
    """Takes from x (*lead, *sizes), flattened over its last `rank` axes, the elements at `indices` (*lead,
    *outputs)."""
    lead = x.shape[:-rank]
    rows = prod(lead)
    flat = x.reshape(rows, prod(x.shape[-rank:]))
    return np.take_along_axis(flat, indices.reshape(rows, prod(indices.shape[-rank:])), 1).reshape(indices.shape)


def _divisors(
    sizes: Ints, outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, include_pad: bool, divisor: int | None
) -> np.ndarray[Any, Any]:
    """What each window's sum is divided by, shape `outputs`; padding counts (if at all) only up to `padding`
    elements."""
    if divisor is not None:
        return np.full(outputs, divisor, np.int64)
    counts = np.ones((), np.int64)
    for size, out, k, s, p in zip(sizes, outputs, kernel, stride, padding, strict=True):
        begin = np.arange(out) * s - p
        end = np.minimum(begin + k, size + p)
        count = end - begin if include_pad else np.minimum(end, size) - np.maximum(begin, 0)
        counts = counts[..., None] * count
    return counts


def avg_pool(
    x: np.ndarray[Any, Any],
    outputs: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    include_pad: bool,
    divisor: int | None,
) -> np.ndarray[Any, Any]:
    """The mean of each window: its sum over `divisor`, or over the number of its elements."""
    sizes = x.shape[-len(kernel) :]
    total = np.zeros(x.shape[: -len(kernel)] + outputs, working_dtype(x.dtype))
    for _, out, inside in taps(sizes, outputs, kernel, stride, padding, (1,) * len(kernel)):
        total[last_axes(*out)] += x[last_axes(*inside)]
    counts = _divisors(sizes, outputs, kernel, stride, padding, include_pad, divisor)
    if x.dtype.kind in "iu":
        return np.asarray(np.sign(total) * np.sign(counts) * (np.abs(total) // np.abs(counts)), x.dtype)
    return np.asarray(total / counts.astype(total.dtype), x.dtype)


def avg_pool_backward(
    grad: np.ndarray[Any, Any],
    sizes: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    include_pad: bool,
    divisor: int | None,
) -> np.ndarray[Any, Any]:
    """The adjoint of `avg_pool`: spreads `grad` (*lead, *outputs) evenly over each window of (*lead, *sizes)."""
    outputs = grad.shape[-len(kernel) :]
    work = working_dtype(grad.dtype)
    share = grad.astype(work, copy=False) / _divisors(
        sizes, outputs, kernel, stride, padding, include_pad, divisor
    ).astype(work)
    x = np.zeros(grad.shape[: -len(kernel)] + sizes, work)
    for _, out, inside in taps(sizes, outputs, kernel, stride, padding, (1,) * len(kernel)):
        x[last_axes(*inside)] += share[last_axes(*out)]
    return x.astype(grad.dtype, copy=False)


def _bounds(size: int, outputs: int) -> list[tuple[int, int]]:
    """Where each adaptive window begins and ends: they cover the axis, overlap if `outputs` doesn't divide `size`."""
    return [(o * size // outputs, -(-(o + 1) * size // outputs)) for o in range(outputs)]


def adaptive_avg_pool(x: np.ndarray[Any, Any], outputs: Ints) -> np.ndarray[Any, Any]:
    """The mean of each of `outputs` windows that cover the last axes; one axis after the other, since windows are
    boxes."""
    rank = len(outputs)
    total = x.astype(working_dtype(x.dtype), copy=False)
    for axis, out in zip(range(-rank, 0), outputs, strict=True):
        windows = _bounds(total.shape[axis], out)
        moved = np.moveaxis(total, axis, 0)
        result = np.empty((out, *moved.shape[1:]), total.dtype)
        for o, (begin, end) in enumerate(windows):
            result[o] = moved[begin:end].sum(0) / total.dtype.type(end - begin)
        total = np.moveaxis(result, 0, axis)
    return np.ascontiguousarray(total, x.dtype)


def adaptive_avg_pool_backward(grad: np.ndarray[Any, Any], sizes: Ints) -> np.ndarray[Any, Any]:
    """The adjoint of `adaptive_avg_pool`."""
    total = grad.astype(working_dtype(grad.dtype), copy=False)
    for axis, size in zip(range(-len(sizes), 0), sizes, strict=True):
        moved = np.moveaxis(total, axis, 0)
        result = np.zeros((size, *moved.shape[1:]), total.dtype)
        for o, (begin, end) in enumerate(_bounds(size, len(moved))):
            result[begin:end] += moved[o] / total.dtype.type(end - begin)
        total = np.moveaxis(result, 0, axis)
    return np.ascontiguousarray(total, grad.dtype)


def adaptive_max_pool(x: np.ndarray[Any, Any], outputs: Ints) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The largest element of each of `outputs` windows that cover the last axes, and its index (as in `max_pool`)."""
    rank = len(outputs)
    sizes, lead = x.shape[-rank:], x.shape[:-rank]
    values = np.empty(lead + outputs, x.dtype)
    indices = np.empty(lead + outputs, np.int64)
    position = np.arange(prod(sizes), dtype=np.int64).reshape(sizes)
    for place in product(*map(range, outputs)):
        box = tuple(
            slice(o * size // out, -(-(o + 1) * size // out))
            for o, size, out in zip(place, sizes, outputs, strict=True)
        )
        window = x[last_axes(*box)]
        # The whole window as one: kernel = its size, one output.
        value, index = max_pool(window, (1,) * rank, window.shape[-rank:], (1,) * rank, (0,) * rank, (1,) * rank)
        values[last_axes(*place)] = value.reshape(lead)
        indices[last_axes(*place)] = position[box].reshape(-1)[index.reshape(lead)]
    return values, indices
