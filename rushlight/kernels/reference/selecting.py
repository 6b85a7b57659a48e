"""Choosing by masks: what is true, in row-major order."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["fill_masked", "place_masked", "places_of", "select_masked"]

Array = npt.NDArray[Any]


def select_masked(x: Array, mask: Array) -> Array:
    """The elements of x, or its slices where the mask has its first dimensions only, where the mask is true."""
    return np.ascontiguousarray(x[mask])


def fill_masked(x: Array, mask: Array, value: Array) -> Array:
    """A value of x's type where the mask is true, x elsewhere, broadcast."""
    return np.where(mask, value, x)


def place_masked(out: Array, mask: Array, values: Array) -> None:
    """Write values where the mask is true: one for all, or as many of them, in order, as are needed.

    ValueError if there are fewer.
    """
    if values.ndim:
        count = int(np.count_nonzero(mask))
        shape = (count, *out.shape[mask.ndim :])
        values = values.reshape(-1)[: int(np.prod(shape, dtype=np.int64))].reshape(shape)
    out[mask] = values


def places_of(mask: Array) -> Array:
    """The coordinates of what is true, (dimensions, count)."""
    return np.array(np.nonzero(mask), np.int64).reshape(mask.ndim, -1)
