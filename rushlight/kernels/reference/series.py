"""How the special functions are evaluated: in float64, a block at a time, by polynomials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["by_blocks", "choose", "polynomial"]

Array = npt.NDArray[Any]

# As many numbers as stay in the cache over the steps of a formula.
_BLOCK = 8192
# Below this all powers at once cost less than two calls for each.
_FEW = 128

_accumulate: Any = np.multiply.accumulate


def polynomial(coefficients: Array, x: Array) -> Array:
    """`c[0] + c[1] x + c[2] x² + …`, in the type of x."""
    if x.size <= _FEW:
        powers = np.empty((len(coefficients), x.size), x.dtype)
        powers[0] = 1
        powers[1:] = x.reshape(-1)
        result: Array = coefficients @ _accumulate(powers, 0, None, powers)
        return result.reshape(x.shape)
    descending = coefficients[::-1].tolist()
    out = np.full(x.shape, descending[0], x.dtype)
    for c in descending[1:]:
        out *= x
        out += c
    return out


def choose(x: Array, first: Any, formula: Callable[[Array], Array], other: Callable[[Array], Array]) -> Array:
    """One formula where a mask is true, another where it is false; only the one or the other where all are alike."""
    if first.all():
        return formula(x)
    if not first.any():
        return other(x)
    out = np.empty(x.shape, x.dtype)
    out[first] = formula(x[first])
    rest = ~first
    out[rest] = other(x[rest])
    return out


def by_blocks(function: Callable[..., Array], *arrays: Array, inner: Any = np.float64) -> Array:
    """A function of arrays of one dimension applied to arrays of any shape that broadcast, in their type.

    The function sees them in another type, float64 if nothing else is said.
    """
    dtype = arrays[0].dtype
    if len(arrays) > 1:
        arrays = tuple(np.broadcast_arrays(*arrays))
    shape, size = arrays[0].shape, arrays[0].size
    with np.errstate(all="ignore"):
        if size <= _BLOCK:
            flat = [np.ascontiguousarray(a, inner).reshape(-1) for a in arrays]
            return function(*flat).astype(dtype, copy=False).reshape(shape)
        flat = [np.ravel(a) for a in arrays]
        out = np.empty(size, dtype)
        for start in range(0, size, _BLOCK):
            part = slice(start, start + _BLOCK)
            out[part] = function(*[np.asarray(a[part], inner) for a in flat])
    return out.reshape(shape)
