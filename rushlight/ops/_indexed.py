"""Short ways through the operations that index, for tensors that want no gradient and whose shapes fit as they are.

They give None for all others, errors among them: those are for the operations themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.array_memory import related
from rushlight.autograd.operation import writes_freely
from rushlight.kernels.index import copied, gather_along, scatter_along, take_along, take_at
from rushlight.ops._out import plain
from rushlight.ops._quick import free

__all__ = ["gathered", "scattered", "selected", "taken", "with_slices"]

_MOVED = "fdlib?ehBFD"
_REFUSED = (IndexError, TypeError, ValueError)


def _fit(own: tuple[int, ...], other: tuple[int, ...], dim: Any) -> bool:
    """Whether two shapes are one but along a dimension."""
    if len(own) != len(other) or not own or dim.__class__ is not int or not 0 <= dim < len(own):
        return False
    return own[:dim] == other[:dim] and own[dim + 1 :] == other[dim + 1 :]


def gathered(input: Any, dim: Any, index: Any) -> Any:
    """`gather`."""
    array, places = free(input, _MOVED), free(index, "l")
    if array is None or places is None:
        return None
    try:
        if dim < 0:
            dim += array.ndim
        return plain(gather_along(array, dim, places)) if _fit(array.shape, places.shape, dim) else None
    except _REFUSED:
        return None


def _target(input: Any, inplace: bool, *sources: Any) -> Any:
    """The array to write to: a tensor's own, which none of the sources may be part of, or a copy."""
    array = free(input)
    if array is None or not inplace:
        return None if array is None else copied(array)
    if not writes_freely(input) or any(related(array, source) for source in sources):
        return None
    return array


def _written(input: Any, made: Any, inplace: bool) -> Any:
    if not inplace:
        return plain(made)
    input.bump_version()
    return input


def scattered(how: str, input: Any, dim: Any, index: Any, src: Any, inplace: bool) -> Any:
    """`scatter` and its kin, in the way that `scatter_along` calls `how`."""
    places, given = free(index, "l"), free(src)
    if places is None or given is None or given.shape != places.shape:
        return None
    try:
        made = _target(input, inplace, places, given)
        if made is None or made.dtype is not given.dtype:
            return None
        if dim < 0:
            dim += made.ndim
        if not _fit(made.shape, places.shape, dim):
            return None
        scatter_along(how, made, dim, places, given)
    except _REFUSED:
        return None
    return _written(input, made, inplace)


def selected(input: Any, dim: Any, index: Any) -> Any:
    """`index_select`."""
    array, places = free(input, _MOVED), free(index, "l")
    if array is None or places is None or places.ndim != 1 or not array.ndim:
        return None
    try:
        if dim < 0:
            dim += array.ndim
        return plain(take_along(array, dim, places)) if 0 <= dim < array.ndim else None
    except _REFUSED:
        return None


def with_slices(kernel: Callable[..., None], input: Any, dim: Any, index: Any, source: Any, inplace: bool) -> Any:
    """A tensor with slices added or written by a kernel; the source may be a number for all."""
    places = free(index, "l")
    if places is None or places.ndim != 1:
        return None
    number = source.__class__ is float or source.__class__ is int
    given: Any = None if number else free(source)
    if given is None and not number:
        return None
    try:
        made = _target(input, inplace, places) if number else _target(input, inplace, places, given)
        if made is None:
            return None
        if dim < 0:
            dim += made.ndim
        if number:
            if not 0 <= dim < made.ndim:
                return None
            kernel(made, dim, places, np.array(source, made.dtype), True)
        elif made.dtype is given.dtype and _fit(made.shape, given.shape, dim) and given.shape[dim] == places.size:
            kernel(made, dim, places, given)
        else:
            return None
    except _REFUSED:
        return None
    return _written(input, made, inplace)


def taken(input: Any, keys: tuple[Any, ...]) -> Any:
    """`input[keys]`, if those are tensors that name elements by number, or one mask."""
    array = free(input, _MOVED)
    if array is None:
        return None
    places = []
    for key in keys:
        place = free(key, "l" if len(keys) > 1 else "l?")
        if place is None or not place.ndim or place.ndim * (place.dtype.char == "?") > array.ndim:
            return None
        places.append(place)
    try:
        return plain(take_at(array, tuple(places)))
    except _REFUSED:
        return None
