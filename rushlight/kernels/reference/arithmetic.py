"""Arithmetic of each element that is more than one ufunc; where the definition is one, that is the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["accumulate", "add_product", "add_quotient", "interpolate", "reciprocal_sqrt"]

Array = NDArray[Any]


def accumulate(total: Array, value: Array) -> None:
    """`total += value`, in place."""
    np.add(total, value, out=total)


def reciprocal_sqrt(x: Array) -> Array:
    """`1 / √x`."""
    return np.asarray(np.reciprocal(np.sqrt(x)) if x.dtype.kind != "V" else 1 / np.sqrt(x))


def interpolate(a: Array, b: Array, weight: float) -> Array:
    """`a + weight (b - a)`, from the nearer end, so that weights of 0 and 1 give the ends exactly."""
    return np.asarray(a + weight * (b - a) if abs(weight) < 0.5 else b - (b - a) * (1 - weight))


def add_product(a: Array, b: Array, c: Array, factor: float) -> Array:
    """`a + factor b c`."""
    return np.asarray(a + b * c if factor == 1 else a + factor * b * c)


def add_quotient(a: Array, b: Array, c: Array, factor: float) -> Array:
    """`a + factor b / c`."""
    return np.asarray(a + b / c if factor == 1 else a + factor * b / c)
