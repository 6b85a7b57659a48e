"""Products of matrices of which only some entries are kept: the entries' pattern, and what is computed along it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Pattern", "product", "reduced_product", "sampled_product", "segment_reduce"]

Array = npt.NDArray[Any]

# A row with more entries than this is multiplied by itself, as a vector times a matrix.
_LONG = 64
# How many entries are gathered at a time, so that what is gathered stays in the cache.
_AT_ONCE = 4096


class Pattern:
    """Where the entries of a `shape` matrix stand: the number of the row and of the column of each, in any order."""

    def __init__(self, row: Array, col: Array, shape: tuple[int, int]) -> None:
        self.row, self.col, self.shape = row, col, shape

    @cached_property
    def counts(self) -> Array:
        """How many entries each row has."""
        return np.bincount(self.row, minlength=self.shape[0])

    @cached_property
    def starts(self) -> Array:
        """Where each row begins, once the entries are ordered by row."""
        return np.cumsum(self.counts) - self.counts

    @cached_property
    def order(self) -> Array | None:
        """The order of the entries by row; None if they are in it."""
        if self.row.size < 2 or (self.row[1:] >= self.row[:-1]).all():
            return None
        return np.argsort(self.row, kind="stable")

    @cached_property
    def flipped(self) -> Pattern:
        """The pattern of the transposed matrix."""
        out = Pattern(self.col, self.row, self.shape[::-1])
        out.__dict__["flipped"] = self
        return out

    @cached_property
    def turns(self) -> tuple[Array, Array, list[int], Array]:
        """The entries in turns: the first of every row, the second of every row that has two, and so on.

        Rows are ordered by length, so that those that still have an entry come first: (the rows that have entries but
        not too many, the entries in turns, the number in each turn, the rows that have too many).
        """
        counts = self.counts
        longest_first = np.argsort(-counts, kind="stable")
        ordered = counts[longest_first]
        long = int(np.searchsorted(-ordered, -_LONG, side="left"))
        rows = longest_first[long : int(np.searchsorted(-ordered, 0, side="left"))]
        lengths = counts[rows]
        most = int(lengths[0]) if len(rows) else 0
        sizes = [int(np.searchsorted(-lengths, -turn, side="left")) for turn in range(most)]
        first = self.starts[rows]
        places = [first[:size] + turn for turn, size in enumerate(sizes)]
        entries = np.concatenate(places) if places else np.zeros(0, np.int64)
        return rows, entries if self.order is None else self.order[entries], sizes, longest_first[:long]

    def entries_of(self, row: int) -> Any:
        """Which entries a row has."""
        begin = int(self.starts[row])
        part = slice(begin, begin + int(self.counts[row]))
        return part if self.order is None else self.order[part]


def product(pattern: Pattern, values: Array, dense: Array) -> Array:
    """A sparse `(n, k)` matrix of `values` along a pattern, times a dense `(k, m)` one: `(n, m)`."""
    rows, entries, sizes, long = pattern.turns
    out = np.zeros((pattern.shape[0], dense.shape[1]), values.dtype)
    columns, factors = pattern.col[entries], values[entries][:, None]
    total = np.zeros((len(rows), dense.shape[1]), values.dtype)
    gathered = np.empty_like(total)
    begin = 0
    for size in sizes:
        part, sums = gathered[:size], total[:size]
        np.take(dense, columns[begin : begin + size], axis=0, out=part, mode="clip")
        part *= factors[begin : begin + size]
        sums += part
        begin += size
    out[rows] = total
    for row in long.tolist():
        place = pattern.entries_of(row)
        out[row] = values[place] @ dense[pattern.col[place]]
    return out


def sampled_product(pattern: Pattern, left: Array, right: Array) -> Array:
    """The elements along a pattern of the product of `left` `(n, m)` and the transpose of `right` `(k, m)`."""
    row, col = pattern.row, pattern.col
    out = np.empty(len(row), left.dtype)
    for begin in range(0, len(row), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        np.einsum("em,em->e", left[row[part]], right[col[part]], out=out[part])
    return out


def reduced_product(pattern: Pattern, values: Array, dense: Array, how: str) -> tuple[Array, Array | None]:
    """Like `product` with the greatest, the least or the mean of the products instead of their sum; 0 in empty rows.

    The second result is, for the extremes, which entry each element comes from (-1 in an empty row).
    """
    if how in ("sum", "mean"):
        out = product(pattern, values, dense)
        if how == "mean":
            out /= np.maximum(pattern.counts, 1).astype(out.dtype)[:, None]
        return out, None
    ordered = np.arange(len(values)) if pattern.order is None else pattern.order
    out = np.zeros((pattern.shape[0], dense.shape[1]), values.dtype)
    which = np.full(out.shape, -1)
    better = np.greater if how == "amax" else np.less
    # Turn by turn over the entries of all rows.
    counts, starts = pattern.counts, pattern.starts
    rows = np.flatnonzero(counts)
    turn = 0
    while rows.size:
        entry = ordered[starts[rows] + turn]
        found = values[entry][:, None] * dense[pattern.col[entry]]
        best = np.ones(found.shape, np.bool_) if turn == 0 else better(found, out[rows]) | np.isnan(found)
        out[rows] = np.where(best, found, out[rows])
        which[rows] = np.where(best, entry[:, None], which[rows])
        turn += 1
        rows = rows[counts[rows] > turn]
    return out, which


def segment_reduce(ufunc: Any, values: Array, order: Array | None, starts: Array) -> Array:
    """The sum (or another ufunc's reduction) of each run of values, which are first put in order."""
    ordered = values if order is None else values[order]
    if not len(starts):
        return ordered[:0]
    if len(starts) == len(ordered):
        return ordered.copy() if order is None else ordered
    return np.asarray(ufunc.reduceat(ordered, starts, axis=0, dtype=values.dtype))
