"""Elements and slices that indices name, moved and combined. An index out of range is an IndexError."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "add_along", "along", "copied", "first_outside", "flat_along", "flat_places", "gather_along", "put_along",
    "scatter_along", "take_along",
]  # fmt: skip

Array = npt.NDArray[Any]

# Up to how often a place is named, at most, `reduceat` is slower than adding turn by turn.
_FEW = 8


def add_along(out: Array, dim: int, index: Array, values: Array, wraps: bool = False) -> None:
    """Add `values[i]` to `out[index[i]]` along a dimension; -1 is the last place if the index `wraps`.

    Rows of one place are summed first, which is faster than `ufunc.at`.
    """
    if index.size == 0:
        return
    if not wraps:
        _check(index, out.shape[dim])
    if values.size <= _SMALL and out.flags.c_contiguous and out.size:
        # Element by element: few of them.
        shape = [1] * out.ndim
        shape[dim] = index.size
        wide = np.broadcast_to(index.reshape(shape), values.shape)
        if first_outside(index, out.shape[dim]) is None:
            np.add.at(out.reshape(-1), flat_along(wide, out.shape, dim).reshape(-1), values.reshape(-1))
            return
    length = out.shape[dim]
    low, high = int(index.min()), int(index.max())
    if low < -length or high >= length:
        raise IndexError(
            f"index {low if low < -length else high} is out of bounds for dimension {dim} with size {length}"
        )
    if out.ndim == 1:
        np.add.at(out, index, values)
        return
    rows = np.moveaxis(values, dim, 0)
    target = np.moveaxis(out, dim, 0)
    if low < 0:
        index = np.where(index < 0, index + length, index)
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    if starts.size == index.size:
        target[index] += rows
        return
    counts = np.diff(starts, append=index.size)
    places, most = ordered[starts], int(counts.max())
    if most > _FEW:
        target[places] += np.add.reduceat(rows[order], starts, axis=0)
        return
    # Places that are named a few times: all their first rows at once, then all second ones, and so on.
    total = rows[order[starts]]
    for turn in range(1, most):
        several = np.flatnonzero(counts > turn)
        total[several] += rows[order[starts[several] + turn]]
    target[places] += total


def first_outside(index: Array, length: int) -> int | None:
    """Where, counting through all of it, an index first has a value below zero or from `length` on; None if nowhere."""
    if not index.size:
        return None
    # As unsigned numbers the negative ones are the largest.
    unsigned = np.ascontiguousarray(index).view(_UNSIGNED[index.itemsize])
    if unsigned.max() < length:
        return None
    return int(np.argmax(unsigned.reshape(-1) >= length))


_UNSIGNED = {4: np.uint32, 8: np.uint64}


@functools.lru_cache(64)
def _small_starts(shape: tuple[int, ...], own: tuple[int, ...], dim: int) -> Array:
    return _starts(shape, own, dim)


def _starts(shape: tuple[int, ...], own: tuple[int, ...], dim: int) -> Array:
    """For each place of an index of `shape`, where in row-major order of `own` its line along `dim` begins."""
    total: Array = np.zeros((), np.int64)
    step = 1
    for d in range(len(shape) - 1, -1, -1):
        if d != dim:
            total = total + (np.arange(shape[d]) * step).reshape([-1 if i == d else 1 for i in range(len(shape))])
        step *= own[d]
    return np.ascontiguousarray(np.broadcast_to(total, shape))


def flat_along(index: Array, own: tuple[int, ...], dim: int) -> Array:
    """Where in row-major order the elements of an array of shape `own` are that an index names along `dim`."""
    step = math.prod(own[dim + 1 :])
    starts = (_small_starts if index.size <= _SMALL else _starts)(index.shape, own, dim)
    return index + starts if step == 1 else index * step + starts


_SMALL = 4096


def copied(array: Array) -> Array:
    """A copy whose dimensions keep their order in memory."""
    return array.copy("K")


def take_along(array: Array, dim: int, index: Array, wraps: bool = False) -> Array:
    """The slices along `dim` that a vector of indices names; -1 is the last one if it `wraps`."""
    if not wraps:
        _check(index, array.shape[dim])
    return array.take(index, dim)


def put_along(out: Array, dim: int, index: Array, values: Array, wraps: bool = False) -> None:
    """Write slices, or one number, where a vector of indices names slices along `dim`; the last one named stays."""
    if not wraps:
        _check(index, out.shape[dim])
    key: Any = (*(slice(None),) * dim, index)
    out[key] = values


def flat_places(indices: tuple[Array, ...], lengths: tuple[int, ...]) -> Array:
    """What indices of one shape, -1 being the last, name in row-major order of an array of these lengths."""
    total: Array = np.zeros(indices[0].shape, np.int64)
    for index, length in zip(indices, lengths, strict=True):
        if index.size and (index.min() < -length or index.max() >= length):
            raise IndexError("index is out of range")
        total = total * length + np.where(index < 0, index + length, index)
    return total


def _check(index: Array, length: int) -> None:
    if first_outside(index, length) is not None:
        raise IndexError("index is out of range")


def along(index: Array, dim: int) -> tuple[Array, ...]:
    """The advanced index that names, for each element of `index`, its own place but in dimension `dim`."""
    ndim = index.ndim
    key = [
        np.arange(length).reshape([-1 if i == d else 1 for i in range(ndim)]) for d, length in enumerate(index.shape)
    ]
    key[dim] = index
    return tuple(key)


def gather_along(array: Array, dim: int, index: Array) -> Array:
    """The elements of an array that an index of as many dimensions names along `dim`."""
    _check(index, array.shape[dim])
    if array.flags.c_contiguous:
        return array.reshape(-1).take(flat_along(index, array.shape, dim))
    return array[along(index, dim)]


_UFUNCS = {"add": np.add, "multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum}


def scatter_along(how: str, out: Array, dim: int, index: Array, values: Array) -> None:
    """Write values where an index of as many dimensions names elements along `dim`, or combine them with what is there.

    `how` is "copy", "add", "multiply", "maximum" or "minimum"; the values have the index's shape, or none.
    """
    _check(index, out.shape[dim])
    if out.flags.c_contiguous:
        key: Any = flat_along(index, out.shape, dim)
        out = out.reshape(-1)
        if how != "copy":
            key, values = key.reshape(-1), np.broadcast_to(values, index.shape).reshape(-1)
    else:
        key = along(index, dim)
    if how == "copy":
        out[key] = values
    else:
        _UFUNCS[how].at(out, key, values)
