"""Pooling in any number of dimensions with NumPy: the definition, and the fallback of the compiled kernels.

Arrays are (*lead, *size): the windows slide over the last `len(kernel)` axes, whatever stands before them is batch.
Indices are those of PyTorch: positions in the flattened, unpadded spatial axes of the input.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from rushlight.kernels.reference.windows import Ints, last_axes, taps, working_dtype

__all__ = [
    "MOST_PLACES",
    "adaptive_avg_pool",
    "adaptive_avg_pool_backward",
    "adaptive_max_pool",
    "avg_pool",
    "avg_pool_backward",
    "fractional_max_pool",
    "gather_indices",
    "keep_larger",
    "max_pool",
    "max_pool_backward",
    "max_pool_places",
    "put_indices",
    "scatter_indices",
    "take_places",
]


# How many places a window may have whose places are kept as bytes.
MOST_PLACES = 255


def _lowest(dtype: np.dtype[Any]) -> float | int:
    return int(np.iinfo(dtype).min) if dtype.kind in "iu" else -np.inf


def _first_places(
    outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> list[np.ndarray[Any, Any]]:
    """For each axis, the first place of each window that lies inside the input: what a window of -inf alone keeps."""
    axes = zip(outputs, kernel, stride, padding, dilation, strict=True)
    return [np.minimum(-(np.minimum(np.arange(o) * s - p, 0) // d), k - 1) for o, k, s, p, d in axes]


def _largest(
    x: np.ndarray[Any, Any], found: np.ndarray[Any, Any], outputs: Ints, settings: tuple[Ints, Ints, Ints, Ints]
) -> np.ndarray[Any, Any]:
    """The largest element of each window; its place in the window goes into `found`."""
    values = np.full(found.shape, _lowest(x.dtype), x.dtype)
    for place, out, inside in taps(x.shape[-len(outputs) :], outputs, *settings):
        value, best = x[last_axes(*inside)], values[last_axes(*out)]
        better = value > best
        if x.dtype.kind not in "iu":
            better |= np.isnan(value)
        np.copyto(best, value, where=better)
        np.copyto(found[last_axes(*out)], found.dtype.type(np.ravel_multi_index(place, settings[0])), where=better)
    return values


def _indices(
    places: np.ndarray[Any, Any], sizes: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> np.ndarray[Any, Any]:
    """The index in the input of each place in a window."""
    outputs = places.shape[-len(kernel) :]
    index = np.zeros(places.shape, np.int64)
    rest = places.astype(np.int64)
    parts = []
    for k in reversed(kernel):
        parts.append(rest % k)
        rest //= k
    axes = zip(reversed(parts), sizes, outputs, stride, padding, dilation, strict=True)
    for axis, (part, size, out, s, p, d) in enumerate(axes, -len(kernel)):
        begin = (np.arange(out) * s - p).reshape(-1, *(1,) * (-1 - axis))
        index = index * size + np.clip(begin + part * d, 0, size - 1)
    return index


def max_pool(
    x: np.ndarray[Any, Any],
    outputs: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    indices: bool = True,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]:
    """The largest element of each window and, if asked for, its index: the first of equal ones, the last NaN if there
    is any."""
    sizes = x.shape[-len(kernel) :]
    settings = kernel, stride, padding, dilation
    first = np.meshgrid(*_first_places(outputs, *settings), indexing="ij")
    found = np.broadcast_to(np.ravel_multi_index(first, kernel), x.shape[: -len(kernel)] + outputs).astype(np.int64)
    values = _largest(x, found, outputs, settings)
    return values, _indices(found, sizes, *settings) if indices else None


def max_pool_places(
    x: np.ndarray[Any, Any], outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """As `max_pool`, but what stands beside the values is the element's place in its window, counted in row-major
    order: a byte each, so windows have 255 places at most."""
    settings = kernel, stride, padding, dilation
    first = np.meshgrid(*_first_places(outputs, *settings), indexing="ij")
    found = np.broadcast_to(np.ravel_multi_index(first, kernel), x.shape[: -len(kernel)] + outputs).astype(np.uint8)
    return _largest(x, found, outputs, settings), found


def max_pool_backward(
    grad: np.ndarray[Any, Any],
    places: np.ndarray[Any, Any],
    sizes: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
) -> np.ndarray[Any, Any]:
    """The adjoint of `max_pool_places`: adds each gradient to the element at its place, in zeros (*lead, *sizes)."""
    return scatter_indices(grad, _indices(places, sizes, kernel, stride, padding, dilation), sizes)


def take_places(
    x: np.ndarray[Any, Any],
    places: np.ndarray[Any, Any],
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
) -> np.ndarray[Any, Any]:
    """The element of x (*lead, *sizes) at the place of each window: the adjoint of `max_pool_backward`."""
    rank = len(kernel)
    return gather_indices(x, _indices(places, x.shape[-rank:], kernel, stride, padding, dilation), rank)


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


def _count(lengths: np.ndarray[Any, Any], axis: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """One number for each place of an axis, shaped to stand beside the whole array."""
    return lengths.astype(dtype).reshape(-1, *(1,) * (-1 - axis))


@lru_cache(maxsize=256)
def _bounds(size: int, outputs: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Where each adaptive window begins and ends: they cover the axis, overlap if `outputs` doesn't divide `size`."""
    place = np.arange(outputs)
    return place * size // outputs, -(-(place + 1) * size // outputs)


def _window_sums(x: np.ndarray[Any, Any], axis: int, outputs: int) -> np.ndarray[Any, Any]:
    """The sums of `outputs` windows that cover an axis.

    Window o holds element i where window i of the exchanged sizes holds o; so with the sizes exchanged this is its own
    adjoint.
    """
    size = x.shape[axis]
    if size == outputs:
        return x
    moved = np.ascontiguousarray(np.moveaxis(x, axis, 0))
    total = np.zeros((outputs, *moved.shape[1:]), x.dtype)
    if not outputs or not size:
        return np.moveaxis(total, 0, axis)
    begin, end = _bounds(size, outputs)
    longest = int((end - begin).max())
    if outputs < longest:  # few windows of many elements
        for o in range(outputs):
            np.sum(moved[begin[o] : end[o]], 0, out=total[o])
    elif size % outputs == 0:
        for place in range(longest):
            total += moved[place::longest]
    else:
        for place in range(longest):
            inside = np.flatnonzero(begin + place < end)
            if len(inside) == outputs:
                total += moved[begin + place]
            else:
                total[inside] += moved[begin[inside] + place]
    return np.moveaxis(total, 0, axis)


def adaptive_avg_pool(x: np.ndarray[Any, Any], outputs: Ints) -> np.ndarray[Any, Any]:
    """The mean of each of `outputs` windows that cover the last axes; one axis after the other, since windows are
    boxes."""
    total = x.astype(working_dtype(x.dtype), copy=False)
    if set(outputs) == {1}:
        lead = x.shape[: -len(outputs)]
        elements = prod(x.shape[-len(outputs) :])
        mean = total.reshape(prod(lead), elements).sum(1) / total.dtype.type(elements)
        return mean.astype(x.dtype, copy=False).reshape(lead + outputs)
    for axis, out in zip(range(-len(outputs), 0), outputs, strict=True):
        begin, end = _bounds(total.shape[axis], out)
        total = _window_sums(total, axis, out) / _count(end - begin, axis, total.dtype)
    return np.ascontiguousarray(total, x.dtype)


def adaptive_avg_pool_backward(grad: np.ndarray[Any, Any], sizes: Ints) -> np.ndarray[Any, Any]:
    """The adjoint of `adaptive_avg_pool`."""
    total = grad.astype(working_dtype(grad.dtype), copy=False)
    rank = len(sizes)
    if set(grad.shape[-rank:]) == {1}:
        share = (total / total.dtype.type(prod(sizes))).astype(grad.dtype, copy=False)
        return np.ascontiguousarray(np.broadcast_to(share, grad.shape[:-rank] + sizes))
    for axis, size in zip(range(-rank, 0), sizes, strict=True):
        begin, end = _bounds(size, total.shape[axis])
        total = _window_sums(total / _count(end - begin, axis, total.dtype), axis, size)
    return np.ascontiguousarray(total, grad.dtype)


def keep_larger(
    values: np.ndarray[Any, Any],
    indices: np.ndarray[Any, Any],
    value: np.ndarray[Any, Any],
    index: np.ndarray[Any, Any],
) -> None:
    """Take over `value` and `index` where value is larger, or NaN."""
    better = value > values
    better |= value != value
    np.copyto(values, value, where=better)
    np.copyto(indices, index, where=better)


def adaptive_max_pool(x: np.ndarray[Any, Any], outputs: Ints) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The largest element of each of `outputs` windows that cover the last axes, and its index (as in `max_pool`).

    One axis after the other from the last, so that of equal elements the first in row-major order stays.
    """
    rank = len(outputs)
    lead, sizes = x.shape[:-rank], x.shape[-rank:]
    values = x.astype(working_dtype(x.dtype), copy=False)
    if set(outputs) == {1}:
        flat = values.reshape(prod(lead), prod(sizes))
        best = flat.argmax(1)[:, None]
        largest = np.take_along_axis(flat, best, 1)
        if not np.isnan(largest).any():
            return largest.astype(x.dtype, copy=False).reshape(lead + outputs), best.reshape(lead + outputs)
    indices = np.broadcast_to(np.arange(prod(sizes), dtype=np.int64).reshape(sizes), x.shape)
    for axis, out in zip(range(-1, -rank - 1, -1), reversed(outputs), strict=True):
        if out == values.shape[axis]:
            continue
        begin, end = _bounds(values.shape[axis], out)
        everything = np.ascontiguousarray(np.moveaxis(values, axis, 0))
        column = (-1,) + (1,) * (x.ndim - 1)
        found = everything[begin]
        where = np.broadcast_to(begin.reshape(column), found.shape).copy()
        for place in range(1, int((end - begin).max(initial=1))):
            # The last element of a shorter window comes twice, which changes nothing.
            at = np.minimum(begin + place, end - 1)
            keep_larger(found, where, everything[at], at.reshape(column))
        values = np.moveaxis(found, 0, axis)
        indices = np.take_along_axis(indices, np.moveaxis(where, 0, axis), axis)
    return np.ascontiguousarray(values, x.dtype), np.ascontiguousarray(indices)


def put_indices(x: np.ndarray[Any, Any], indices: np.ndarray[Any, Any], sizes: Ints) -> np.ndarray[Any, Any]:
    """Zeros (*lead, *sizes) with the elements of x (*lead, *outputs) at their indices; the last of equal ones stays."""
    lead = x.shape[: -len(sizes)]
    rows = prod(lead)
    result = np.zeros((rows, prod(sizes)), x.dtype)
    places = prod(x.shape[-len(sizes) :])
    np.put_along_axis(result, indices.reshape(rows, places), x.reshape(rows, places), 1)
    return result.reshape(lead + sizes)


def _drawn_begins(samples: np.ndarray[Any, Any], size: int, outputs: int, kernel: int) -> np.ndarray[Any, Any]:
    """Where the windows of fractional pooling begin along one axis: (rows, outputs) for `samples` (rows,), worked out
    in their type as PyTorch does."""
    begins = np.full((len(samples), outputs), size - kernel, np.int64)
    if outputs > 1:
        kind = samples.dtype.type
        alpha = kind(size - kernel) / kind(outputs - 1)
        steps = np.arange(outputs - 1).astype(samples.dtype) + samples[:, None]
        begins[:, :-1] = (steps * alpha).astype(np.int64) - (samples * alpha).astype(np.int64)[:, None]
    return begins


def fractional_max_pool(
    x: np.ndarray[Any, Any], samples: np.ndarray[Any, Any], kernel: Ints, outputs: Ints
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The largest element of each window, and its index (as in `max_pool`), of x ([N,] C, *sizes); `samples` (N, C,
    rank) say where windows begin."""
    rank = len(kernel)
    lead, sizes = x.shape[:-rank], x.shape[-rank:]
    rows = prod(lead)
    drawn = samples[: rows // lead[-1]].reshape(rows, rank)
    drawn = drawn[:, ::-1] if rank == 2 else drawn  # PyTorch's order: width before height, but depth, height, width
    first = np.zeros((rows, *(1,) * rank), np.int64)
    for axis in range(rank):
        begins = _drawn_begins(np.ascontiguousarray(drawn[:, axis]), sizes[axis], outputs[axis], kernel[axis])
        shape = (rows, *(outputs[axis] if a == axis else 1 for a in range(rank)))
        first = first * sizes[axis] + begins.reshape(shape)
    first = np.broadcast_to(first, (rows, *outputs)).reshape(rows, prod(outputs))
    flat = np.ascontiguousarray(x).reshape(rows, prod(sizes))
    values, indices = np.full(first.shape, -np.inf, x.dtype), first.copy()
    for place in np.ndindex(kernel):
        at = first + sum(p * prod(sizes[a + 1 :]) for a, p in enumerate(place))
        keep_larger(values, indices, np.take_along_axis(flat, at, 1), at)
    return values.reshape(lead + outputs), indices.reshape(lead + outputs)
