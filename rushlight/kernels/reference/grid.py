"""Reading an image at a list of places, and adding to it there.

Places (K, N, P) are flat positions in an image (N, C, size), of K neighbours for each of P points; `size` stands for
one outside, where there is a zero. Weights have the same shape; None stands for ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["blend_places", "pull_places", "spread_places"]

Array = NDArray[Any]

# Below so many elements a sample, one call for all samples is quicker than one for each.
_FEW = 1024


def _flat(index: Array, channels: int, size: int) -> Array:
    """The places of every channel of every sample, counted through the whole array."""
    starts = np.arange(len(index) * channels).reshape(len(index), channels, 1) * size
    return starts + index[:, None]


def _padded(image: Array, places: Array) -> Array:
    """The image with a zero after its last place, where the places lead there."""
    n, c, size = image.shape
    if not places.size or int(places.max()) < size:
        return image
    padded = np.zeros((n, c, size + 1), image.dtype)
    padded[:, :, :size] = image
    return padded


def _read(image: Array, index: Array) -> Array:
    """`out[n, c, p] = image[n, c, index[n, p]]`."""
    n, c, size = image.shape
    if c * index.shape[1] < _FEW or n == 1:
        flat: Array = np.take(image.reshape(-1), _flat(index, c, size), mode="clip")
        return flat
    out = np.empty((n, c, index.shape[1]), image.dtype)
    for sample, places, result in zip(image, index, out, strict=True):
        np.take(sample, places, 1, result, mode="clip")
    return out


def blend_places(image: Array, places: Array, weight: Array | None) -> Array:
    """`out[n, c, p] = Σ_k weight[k, n, p] · image[n, c, places[k, n, p]]`."""
    image = _padded(image, places)
    total: Any = None
    for k, index in enumerate(places):
        term = _read(image, index)
        if weight is not None:
            term *= weight[k][:, None]
        total = term if total is None else np.add(total, term, total)
    return np.asarray(total)


def spread_places(grad: Array, places: Array, weight: Array | None, size: int) -> Array:
    """The adjoint of `blend_places` in the image: elements of `grad` (N, C, P) added at their places in zeros."""
    n, c, _ = grad.shape
    total: Any = np.zeros((n, c, size), grad.dtype)
    for k, index in enumerate(places):
        term = grad if weight is None else grad * weight[k][:, None]
        counted = np.bincount(_flat(index, c, size + 1).ravel(), term.ravel(), n * c * (size + 1))
        total += counted.reshape(n, c, size + 1)[:, :, :size].astype(grad.dtype)
    return np.asarray(total)


def pull_places(image: Array, grad: Array, places: Array) -> Array:
    """The adjoint of `blend_places` in the weights: `Σ_c image[n, c, places[k, n, p]] · grad[n, c, p]`, (K, N, P)."""
    image = _padded(image, places)
    return np.stack([(_read(image, index) * grad).sum(1) for index in places])
