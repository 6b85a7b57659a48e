"""Sums and maxima of the rows of a table that an index names: bags of embeddings and their gradients.

Run s of an index holds its entries from `bounds[s]` up to `bounds[s + 1]`. Row numbers are int64 and not negative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["gather_max", "gather_sum", "scatter_sum"]

Array = npt.NDArray[Any]


def _taken(table: Array, index: Array, name: str = "index") -> Array:
    if index.size and (index.min() < 0 or index.max() >= table.shape[0]):
        raise IndexError(f"{name}: a row number is out of range")
    return table[index]


def _lengths(bounds: Array, entries: int) -> Array:
    """How many entries each run has."""
    if not bounds.size:
        raise ValueError("bounds: expected one more than there are runs, but got none")
    lengths = np.diff(bounds, prepend=0)
    if (lengths < 0).any() or bounds[-1] > entries:
        raise ValueError("bounds must not decrease, nor exceed the index")
    return lengths[1:]


def _weighted(rows: Array, weights: Array | None) -> Array:
    if weights is None:
        return rows
    if weights.shape != rows.shape[:1]:
        raise ValueError("weights: expected one for each entry of the index")
    return rows * weights[:, None]


def gather_sum(
    table: Array, index: Array, bounds: Array | None = None, weights: Array | None = None, mean: bool = False
) -> Array:
    """The sum, or the mean, of the rows of each run; zeros for an empty one. Without `bounds` each entry is a run.

    `weights` has a factor for each entry of the index.
    """
    rows = _weighted(_taken(table, index), weights)
    if bounds is None:
        return rows
    lengths = _lengths(bounds, len(index))
    out = np.zeros((len(lengths), table.shape[1]), rows.dtype)
    full = np.flatnonzero(lengths)
    if full.size:
        out[full] = np.add.reduceat(rows[: bounds[-1]], bounds[full], axis=0)
    if mean:
        out /= np.maximum(lengths, 1).astype(out.dtype)[:, None]
    return out


def gather_max(table: Array, index: Array, bounds: Array) -> tuple[Array, Array]:
    """The largest of each column of the rows of each run, and which entry of the index that was: the first of equals.

    Zeros and -1 for an empty run. A NaN is the largest where it stands first, and else not, as in PyTorch.
    """
    rows, lengths = _taken(table, index), _lengths(bounds, len(index))
    shape = (len(lengths), table.shape[1])
    out, places = np.zeros(shape, table.dtype), np.full(shape, -1)
    full = np.flatnonzero(lengths)
    begins = bounds[full]
    out[full], places[full] = rows[begins], begins[:, None]
    for turn in range(1, int(lengths.max(initial=1))):
        longer = full[lengths[full] > turn]
        entry = bounds[longer] + turn
        greater = rows[entry] > out[longer]
        out[longer] = np.where(greater, rows[entry], out[longer])
        places[longer] = np.where(greater, entry[:, None], places[longer])
    return out, places


def scatter_sum(table: Array, source: Array | None, target: Array, count: int, weights: Array | None = None) -> Array:
    """`count` rows, each the sum of `weights[i] * table[source[i]]` over the entries i whose `target` it is.

    Without `source` entry i is row i of the table.
    """
    rows = table if source is None else _taken(table, source, "source")
    if rows.shape[:1] != target.shape:
        raise ValueError("target: expected one for each source")
    rows = _weighted(rows, weights)
    if target.size and (target.min() < 0 or target.max() >= count):
        raise IndexError("target: a row number is out of range")
    out = np.zeros((count, table.shape[1]), rows.dtype)
    order = np.argsort(target, kind="stable")
    ordered = target[order]
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    if order.size:
        out[ordered[begins]] = np.add.reduceat(rows[order], begins, axis=0)
    return out
