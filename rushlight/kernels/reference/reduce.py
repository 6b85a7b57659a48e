"""Sums over dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean", "sum_over"]

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
