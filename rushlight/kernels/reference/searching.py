"""Places in sorted rows, and counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["count_numbers", "histogram_of", "search_sorted"]

Array = npt.NDArray[Any]


def search_sorted(keys: Array, values: Array, right: bool) -> Array:
    """The first place of each sorted row of keys that is not before a value, or (`right`) that is after it.

    Keys of one dimension are those of all values; else the rows of both belong together.
    """
    if keys.ndim > 1:
        return _places(keys, values, right)
    if keys.dtype.kind == "f" and keys.size and np.isnan(keys[-1]):
        return _places(keys, values.reshape(-1), right).reshape(values.shape)
    return np.asarray(np.searchsorted(keys, values, "right" if right else "left"))


def _places(sequence: Array, values: Array, right: bool) -> Array:
    """By halving all rows at once. What does not compare, a NaN, is passed over to the right, as PyTorch does."""
    low = np.zeros(values.shape, np.int64)
    high = np.full(values.shape, sequence.shape[-1], np.int64)
    for _ in range(sequence.shape[-1].bit_length()):
        middle = (low + high) >> 1
        found = np.take_along_axis(sequence, np.minimum(middle, sequence.shape[-1] - 1), -1)
        passed = ~((found > values) if right else (found >= values)) & (low < high)
        low, high = np.where(passed, middle + 1, low), np.where(passed, high, middle)
    return low


def histogram_of(x: Array, bins: int, low: float, high: float) -> Array:
    """How many elements lie in each of `bins` equal parts of [low, high], in x's type; the last one is closed."""
    kind = x.dtype.type
    least, most = kind(low), kind(high)
    inside = x[(x >= least) & (x <= most)]
    place = ((inside - least) * kind(bins) / (most - least)).astype(np.int64)
    return np.bincount(np.minimum(place, bins - 1), minlength=bins).astype(x.dtype)


def count_numbers(x: Array, least_length: int) -> Array:
    """How often each of 0, 1, …, max(x) occurs in a vector; ValueError for negative numbers."""
    return np.bincount(x, minlength=least_length).astype(np.int64, copy=False)
