"""Copies between two orders of the elements in memory, of arrays one after the other, and of triangles of matrices."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["copy_into", "joined", "stacked", "triangle"]

Array = NDArray[Any]


def copy_into(out: Array, source: Array) -> None:
    """out[...] = source, of one shape, whatever the strides of either."""
    if out.shape != source.shape:
        raise ValueError("copy_into: out and source must have the same shape")
    if not out.flags.writeable:
        raise ValueError("copy_into: out is read-only")
    np.copyto(out, source)


def joined(arrays: list[Array], dim: int) -> Array:
    """Arrays one after the other along a dimension; ValueError or IndexError where they don't fit."""
    return np.concatenate(arrays, dim)


def stacked(arrays: list[Array], dim: int) -> Array:
    """Arrays of one shape along a new dimension; ValueError or IndexError where they don't fit."""
    return np.stack(arrays, dim)


def _triangular(rows: int, columns: int, diagonal: int) -> Array:
    return np.tri(rows, columns, diagonal, dtype=bool)


_SMALL = 1024
# Small ones are asked for again and again, as masks of sequences.
_small_triangle = functools.lru_cache(64)(_triangular)


def triangle(x: Array, diagonal: int, lower: bool) -> Array:
    """Matrices with zeros above (`lower`) or below a diagonal, which stays."""
    rows, columns = x.shape[-2:]
    make: Any = _small_triangle if rows * columns <= _SMALL else _triangular
    kept = make(rows, columns, diagonal if lower else diagonal - 1)
    out = np.zeros(x.shape, x.dtype)
    np.copyto(out, x, where=kept if lower else ~kept)
    return out
