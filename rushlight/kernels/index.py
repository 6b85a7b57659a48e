"""What indices name, read, written and added to: compiled where the arrays allow it, else the NumPy reference.

A key is what NumPy's advanced indexing takes: slices of everything, then arrays of whole numbers or of bools.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .dispatch import prefer_native
from .reference import index, selecting
from .reference.index import first_outside

__all__ = [
    "add_along", "add_at", "copied", "fill_masked", "first_outside", "gather_along", "place_masked", "places_of",
    "put_along", "put_at", "scatter_along", "select_masked", "take_along", "take_at",
]  # fmt: skip

Array = npt.NDArray[Any]

add_along = prefer_native(index.add_along)
copied = prefer_native(index.copied)
fill_masked = prefer_native(selecting.fill_masked)
flat_places = prefer_native(index.flat_places)
gather_along = prefer_native(index.gather_along)
put_along = prefer_native(index.put_along)
place_masked = prefer_native(selecting.place_masked)
places_of = prefer_native(selecting.places_of)
scatter_along = prefer_native(index.scatter_along)
select_masked = prefer_native(selecting.select_masked)
take_along = prefer_native(index.take_along)


def _merged(array: Array, key: tuple[Any, ...]) -> tuple[int, Array, Array] | None:
    """The array with the dimensions that a key indexes made one, which one that is, and its index; None if they aren't
    neighbours or the array's memory isn't in order.
    """
    if not array.flags.c_contiguous:
        return None
    dim = 0
    while key[dim].__class__ is slice:
        dim += 1
    indices = key[dim:]
    if len(indices) == 1 and indices[0].dtype.char == "l":
        return dim, indices[0], array
    if any(part.__class__ is slice or part.dtype.kind == "b" for part in indices):
        return None
    shape, count, first = array.shape, len(indices), indices[0]
    if any(i.dtype.char != "l" or i.shape != first.shape for i in indices):
        wide = np.broadcast_arrays(*[i.astype(np.int64, copy=False) for i in indices])
        indices = tuple([np.ascontiguousarray(i) for i in wide])
    lengths = shape[dim : dim + count]
    place = flat_places(indices, lengths)
    return dim, place, array.reshape((*shape[:dim], math.prod(lengths), *shape[dim + count :]))


def take_at(array: Array, key: tuple[Any, ...]) -> Array:
    """`array[key]`, a copy in row-major order."""
    if len(key) == 1 and key[0].dtype.kind == "b":
        return select_masked(array, key[0])
    try:
        merged = _merged(array, key)
        if merged is not None:
            dim, place, flat = merged
            if place.ndim == 1:
                return take_along(flat, dim, place, True)
            shape = (*flat.shape[:dim], *place.shape, *flat.shape[dim + 1 :])
            return take_along(flat, dim, place.reshape(-1), True).reshape(shape)
    except (IndexError, ValueError):
        pass  # NumPy says what is wrong
    return np.ascontiguousarray(array[key])


def put_at(out: Array, key: tuple[Any, ...], values: Array) -> None:
    """`out[key] = values`; of what is named repeatedly the last value stays."""
    if len(key) == 1 and key[0].dtype.kind == "b" and values.size == 1:
        place_masked(out, key[0], values.reshape(()))
        return
    try:
        merged = _merged(out, key)
        if merged is not None:
            dim, place, flat = merged
            if values.ndim:
                values = _spread(values, flat, dim, place)
            put_along(flat, dim, place.reshape(-1), values, True)
            return
    except (IndexError, ValueError):
        pass
    out[key] = values


def add_at(out: Array, key: tuple[Any, ...], values: Array) -> None:
    """`out[key] += values`, a place counting as often as it is named."""
    try:
        merged = _merged(out, key)
        if merged is not None:
            dim, place, flat = merged
            add_along(flat, dim, place.reshape(-1), _spread(values, flat, dim, place), True)
            return
    except (IndexError, ValueError):
        pass
    if len(key) == 1 and key[0].dtype.kind == "b":
        place_masked(out, key[0], select_masked(out, key[0]) + values)
    else:
        np.add.at(out, key, values)


def _spread(values: Array, flat: Array, dim: int, place: Array) -> Array:
    """Values for each element of the slices that an index names; ValueError if they don't broadcast."""
    front, back = flat.shape[:dim], flat.shape[dim + 1 :]
    wide = np.broadcast_to(values, (*front, *place.shape, *back))
    return np.ascontiguousarray(wide).reshape((*front, place.size, *back))
