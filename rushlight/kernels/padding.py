"""Padding, by the compiled kernels where they take the arrays."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .dispatch import prefer_native
from .reference import pad
from .reference.pad import Pads, sources

__all__ = ["add_planes", "copy_planes", "pad_constant", "pad_index", "pad_index_backward"]

Array = np.ndarray[Any, Any]

copy_planes = prefer_native(pad.copy_planes)
pad_constant = prefer_native(pad.pad_constant)
add_planes = prefer_native(pad.add_planes)


@functools.lru_cache(maxsize=256)
def _places(size: int, before: int, after: int, mode: str) -> Array:
    places = np.asarray(sources(size, before, after, mode), np.int64)
    places.flags.writeable = False
    return places


def _is_image(array: Array, pads: Pads) -> bool:
    return len(pads) == 2 and array.dtype.char in "fd" and array.flags.c_contiguous and array.size > 0


def pad_index(x: Array, pads: Pads, mode: str) -> Array:
    """`x` with copies of its own elements around it; `mode` is "reflect", "replicate" or "circular"."""
    if not _is_image(x, pads):
        return pad.pad_index(x, pads, mode)
    *lead, height, width = x.shape
    rows, columns = _places(height, *pads[0], mode), _places(width, *pads[1], mode)
    return copy_planes(x.reshape(-1, height, width), rows, columns).reshape(*lead, rows.size, columns.size)


def pad_index_backward(grad: Array, sizes: tuple[int, ...], pads: Pads, mode: str) -> Array:
    """The adjoint of `pad_index`: every copy's gradient is added to the element that it was copied from."""
    if not _is_image(grad, pads):
        return pad.pad_index_backward(grad, sizes, pads, mode)
    rows, columns = _places(sizes[0], *pads[0], mode), _places(sizes[1], *pads[1], mode)
    planes = grad.reshape(-1, rows.size, columns.size)
    return add_planes(planes, rows, columns, *sizes).reshape(*grad.shape[:-2], *sizes)
