"""Running results along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["extremum_along", "log_sum_exp_along", "product_along", "sum_along"]

Array = NDArray[Any]

_FLOAT32 = np.dtype(np.float32)


def _accumulated(ufunc: Any, x: Array, dim: int) -> Array:
    """The ufunc's running results in x's type; float32 accumulates in float64."""
    if x.dtype == _FLOAT32:
        return np.asarray(ufunc.accumulate(x, dim, np.float64), np.float32)
    return np.asarray(ufunc.accumulate(x, dim, x.dtype))


def sum_along(x: Array, dim: int, from_end: bool = False) -> Array:
    """`out[i] = x[0] + … + x[i]` along `dim`; with `from_end`, `x[i] + … + x[-1]`, added up from the last on."""
    if from_end:
        return np.ascontiguousarray(np.flip(_accumulated(np.add, np.flip(x, dim), dim), dim))
    return _accumulated(np.add, x, dim)


def product_along(x: Array, dim: int) -> Array:
    """`out[i] = x[0] · … · x[i]` along `dim`."""
    return _accumulated(np.multiply, x, dim)


def log_sum_exp_along(x: Array, dim: int) -> Array:
    """`out[i] = log(exp(x[0]) + … + exp(x[i]))` along `dim`, of floats."""
    return _accumulated(np.logaddexp, x, dim)


def extremum_along(x: Array, dim: int, greatest: bool) -> tuple[Array, Array]:
    """The greatest (or least) element so far along `dim`, and the last place where it was met; NaN wins."""
    values = (np.maximum if greatest else np.minimum).accumulate(x, dim)
    place = np.arange(x.shape[dim]).reshape([-1 if d == dim else 1 for d in range(x.ndim)])
    met = x == values
    if x.dtype.kind not in "biu":
        met |= np.isnan(x)
    return values, np.maximum.accumulate(np.where(met, place, 0), dim)
