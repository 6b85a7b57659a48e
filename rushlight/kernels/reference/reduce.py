"""Sums over dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "all_equal", "count_of_all", "extremum_over", "log_sum_exp_over", "mean", "moments_over", "place_over",
    "product_over", "sum_over", "trace",
]  # fmt: skip

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


def product_over(x: Array, dims: tuple[int, ...] | None = None, keepdim: bool = False) -> Array:
    """The product of x over `dims` (all if None), in x's type."""
    ufunc: Any = np.multiply
    return np.asarray(ufunc.reduce(x, dims, None, None, keepdim))


def log_sum_exp_over(x: Array, dims: tuple[int, ...] | None = None, keepdim: bool = False) -> Array:
    """`log Σ exp(x)` over `dims` (all if None), shifted by the largest element so that nothing overflows."""
    greatest: Any = np.maximum
    peak = greatest.reduce(np.real(x), dims, None, None, True, -np.inf)
    shift = np.where(np.isinf(peak), np.zeros((), peak.dtype), peak)
    with np.errstate(divide="ignore"):
        result = np.add(np.log(_add_reduce(np.exp(x - shift), dims, None, None, True)), shift)
    return (
        result if keepdim else result.reshape([n for i, n in enumerate(x.shape) if dims is not None and i not in dims])
    )


def count_of_all(x: Array) -> int:
    """How many elements are not 0."""
    return int(np.count_nonzero(x))


def all_equal(a: Array, b: Array) -> bool:
    """Whether two arrays of one shape have the same elements; a NaN equals nothing."""
    return bool(np.count_nonzero(np.equal(a, b)) == a.size)


def trace(x: Array) -> Array:
    """The sum of a matrix's diagonal in its type, that of floats added up in float64."""
    kind = x.dtype
    return np.asarray(x.trace(dtype=np.float64 if kind.kind == "f" else kind), kind)


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
