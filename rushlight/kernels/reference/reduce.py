"""Sums over dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["extremum_over", "mean", "moments_over", "place_over", "sum_over"]

Array = NDArray[Any]

# NumPy's stubs do not know the positional form, which costs less than keywords: (array, axis, dtype, out, keepdims).
_add_reduce: Any = np.add.reduce


def sum_over(x: Array, dims: tuple[int, ...] | None = None, keepdim: bool = False, divisor: float = 1.0) -> Array:
    """The sum of x over `dims` (all if None), divided by `divisor`, in x's type; `keepdim` leaves lengths of 1."""
    total = _add_reduce(x, dims, None, None, keepdim)
    if divisor == 1:
        return np.asarray(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.divide(total, x.dtype.type(divisor)))


def mean(x: Array) -> Array:
    """The sum of all elements over their number; NaN for none."""
    return sum_over(x, None, False, x.size)


def moments_over(
    x: Array, dims: tuple[int, ...] | None = None, keepdim: bool = False, freedom: float = 1.0
) -> tuple[Array, Array]:
    """The squared distances from the mean over `dims`, added up and divided by `freedom`, and the mean, in x's type.

    They are computed in float64.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        total = np.asarray(_add_reduce(x, dims, np.float64, None, True))
        mean = total / np.float64(x.size // total.size if total.size else 1)
        squares = np.square(x - mean)
        variance = np.divide(_add_reduce(squares, dims, None, None, keepdim), np.float64(freedom))
        return np.asarray(variance, x.dtype), mean.reshape(np.shape(variance)).astype(x.dtype)


def extremum_over(x: Array, greatest: bool, dims: tuple[int, ...] | None = None, keepdim: bool = False) -> Array:
    """The greatest (or least) element over `dims`, NaN if there is one."""
    ufunc: Any = np.maximum if greatest else np.minimum
    return np.asarray(ufunc.reduce(x, dims, None, None, keepdim))


def place_over(x: Array, greatest: bool, dims: tuple[int, ...] | None = None, keepdim: bool = False) -> Array:
    """The first place of the greatest (or least) element, or a NaN, along one dimension or in the flattened array."""
    found = (np.argmax if greatest else np.argmin)(x, None if dims is None else dims[0])
    if not keepdim:
        return np.asarray(found)
    return np.reshape(found, (1,) * x.ndim) if dims is None else np.expand_dims(found, dims)
