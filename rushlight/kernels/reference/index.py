"""Adding at places that may repeat: the reverse of gathering."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["add_along", "add_at", "along"]

Array = npt.NDArray[Any]

# Up to how often a place is named, at most, `reduceat` is slower than adding turn by turn.
_FEW = 8


def add_at(out: Array, key: tuple[Any, ...], values: Array) -> None:
    """`out[key] += values`, a place counting as often as it is named."""
    tensors = [part for part in key if not isinstance(part, slice)]
    if len(tensors) == 1:
        if tensors[0].dtype.kind == "b":
            out[key] += values
            return
        dim = len(key) - 1
        index = tensors[0]
        shape = out.shape[:dim] + index.shape + out.shape[dim + 1 :]
        values = np.broadcast_to(values, shape).reshape((*shape[:dim], index.size, *out.shape[dim + 1 :]))
        add_along(out, dim, index.reshape(-1), values)
        return
    np.add.at(out, key, values)


def add_along(out: Array, dim: int, index: Array, values: Array) -> None:
    """Add `values[i]` to `out[index[i]]` along a dimension. Rows of one place are summed first, which is faster "
    "than `ufunc.at`."""
    if index.size == 0:
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


def along(index: Array, dim: int) -> tuple[Array, ...]:
    """The advanced index that names, for each element of `index`, its own place but in dimension `dim`."""
    ndim = index.ndim
    key = [
        np.arange(length).reshape([-1 if i == d else 1 for i in range(ndim)]) for d, length in enumerate(index.shape)
    ]
    key[dim] = index
    return tuple(key)
