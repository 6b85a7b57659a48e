"""Reading an image at a list of places, and adding to it there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_at_places", "at_places"]

Array = NDArray[Any]

# Below so many elements a sample, one call for all samples is quicker than one for each.
_FEW = 1024


def _flat(index: Array, channels: int, size: int) -> Array:
    """The places of every channel of every sample, counted through the whole array."""
    starts = np.arange(len(index) * channels).reshape(len(index), channels, 1) * size
    return starts + index[:, None]


def at_places(array: Array, index: Array) -> Array:
    """`out[n, c, p] = array[n, c, index[n, p]]`, and 0 where the index is the number of places.

    array (N, C, places), index (N, P) in [0, places].
    """
    n, c, size = array.shape
    if index.size and int(index.max()) == size:
        padded = np.zeros((n, c, size + 1), array.dtype)
        padded[:, :, :size] = array
        array, size = padded, size + 1
    if c * index.shape[1] < _FEW or n == 1:
        flat: Array = np.take(array.reshape(-1), _flat(index, c, size), mode="clip")
        return flat
    out = np.empty((n, c, index.shape[1]), array.dtype)
    for sample, places, result in zip(array, index, out, strict=True):
        np.take(sample, places, 1, result, mode="clip")
    return out


def add_at_places(grad: Array, index: Array, size: int) -> Array:
    """The transpose of `at_places`: each element of `grad` (N, C, P) added at its place in zeros (N, C, size)."""
    n, c, _ = grad.shape
    if c * index.shape[1] < _FEW:
        counted = np.bincount(_flat(index, c, size + 1).ravel(), grad.ravel(), n * c * (size + 1))
        return counted.reshape(n, c, size + 1)[:, :, :size].astype(grad.dtype)
    out = np.empty((n, c, size), grad.dtype)
    for places, sample, result in zip(index, grad, out, strict=True):
        for channel, total in zip(sample, result, strict=True):
            total[:] = np.bincount(places, channel, size + 1)[:size]
    return out
