"""Padding with NumPy. `pads` is `((before, after), ...)` for the last `len(pads)` axes, in the order of the axes;
negative ones crop."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.kernels.reference.windows import last_axes, working_dtype

__all__ = ["Pads", "add_planes", "copy_planes", "pad_constant", "pad_index", "pad_index_backward", "sources"]

Pads = tuple[tuple[int, int], ...]


def _center(sizes: tuple[int, ...], pads: Pads) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Which slices of the padded axes and of the original ones hold the same elements."""
    padded, original = [], []
    for size, (before, after) in zip(sizes, pads, strict=True):
        padded.append(slice(max(before, 0), max(before, 0) + size + min(before, 0) + min(after, 0)))
        original.append(slice(max(-before, 0), size + min(after, 0)))
    return tuple(padded), tuple(original)


def pad_constant(x: np.ndarray[Any, Any], pads: Pads, value: float | complex) -> np.ndarray[Any, Any]:
    """`x` with `value` around it; the adjoint is the same with every pad negated and 0 for `value`."""
    lead, sizes = x.shape[: x.ndim - len(pads)], x.shape[x.ndim - len(pads) :]
    shape = lead + tuple(size + before + after for size, (before, after) in zip(sizes, pads, strict=True))
    result = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    padded, original = _center(sizes, pads)
    result[last_axes(*padded)] = x[last_axes(*original)]
    return result


def sources(size: int, before: int, after: int, mode: str) -> np.ndarray[Any, Any]:
    """Which element of an axis stands at each place of the padded axis."""
    place = np.arange(-before, size + after)
    if mode == "replicate":
        return np.clip(place, 0, size - 1)
    if mode == "circular":  # what negative padding crops is gone before the rest is repeated
        first = max(-before, 0)
        return first + (place - first) % (size - first + min(after, 0))
    last = max(size - 1, 1)
    return last - np.abs(last - np.abs(place)) if size > 1 else place * 0


def copy_planes(
    x: np.ndarray[Any, Any], rows: np.ndarray[Any, Any], columns: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """`x[:, rows][:, :, columns]` for x of shape (planes, height, width); IndexError for an index out of range."""
    if x.ndim != 3 or rows.ndim != 1 or columns.ndim != 1:
        raise ValueError("expected a 3-D array and two 1-D ones")
    return np.take(np.take(x, rows, 1), columns, 2)


def add_planes(
    grad: np.ndarray[Any, Any], rows: np.ndarray[Any, Any], columns: np.ndarray[Any, Any], height: int, width: int
) -> np.ndarray[Any, Any]:
    """The adjoint of `copy_planes`: (planes, height, width), where the gradients of an element's copies are added."""
    if grad.ndim != 3 or rows.ndim != 1 or columns.ndim != 1:
        raise ValueError("expected a 3-D array and two 1-D ones")
    total = np.zeros((len(grad), height, width), grad.dtype)
    place: Any = (slice(None), rows[:, None], columns)
    np.add.at(total, place, grad)
    return total


def pad_index(x: np.ndarray[Any, Any], pads: Pads, mode: str) -> np.ndarray[Any, Any]:
    """`x` with copies of its own elements around it; `mode` is "reflect", "replicate" or "circular"."""
    for axis, (before, after) in zip(range(-len(pads), 0), pads, strict=True):
        x = np.take(x, sources(x.shape[axis], before, after, mode), axis)
    return x


def pad_index_backward(
    grad: np.ndarray[Any, Any], sizes: tuple[int, ...], pads: Pads, mode: str
) -> np.ndarray[Any, Any]:
    """The adjoint of `pad_index`: every copy's gradient is added to the element that it was copied from."""
    total = grad.astype(working_dtype(grad.dtype), copy=False)
    for axis, size, (before, after) in zip(range(-len(pads), 0), sizes, pads, strict=True):
        moved = np.moveaxis(total, axis, 0)
        result = np.zeros((size, *moved.shape[1:]), total.dtype)
        begin = min(max(before, 0), len(moved))
        end = max(begin, len(moved) - max(after, 0))
        # The run of original elements at once, then the few copies one after the other.
        first = max(-before, 0)
        result[first : first + end - begin] = moved[begin:end]
        origins = sources(size, before, after, mode)
        for place in (*range(begin), *range(end, len(moved))):
            result[origins[place]] += moved[place]
        total = np.moveaxis(result, 0, axis)
    return np.ascontiguousarray(total, grad.dtype)
