"""Distances between every row of one matrix and every row of another, in the p-norm, and their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["row_distances", "row_distances_backward"]

Array = NDArray[Any]

# Differences are held for so many elements at a time: what stays in a second-level cache.
_AT_A_TIME = 1 << 17


def _blocks(x1: Array, x2: Array) -> Iterator[tuple[slice, Array]]:
    """Some of the first matrix's rows at a time: which, and their differences `(…, rows, R, M)` from the second's."""
    rows = x1.shape[-2]
    each = max(1, x1.size // max(1, rows) * x2.shape[-2])
    step = max(1, _AT_A_TIME // each)
    for start in range(0, rows, step):
        chosen = slice(start, start + step)
        yield chosen, x1[..., chosen, None, :] - x2[..., None, :, :]


def row_distances(x1: Array, x2: Array, p: float) -> Array:
    """`(Σ |x1[i] - x2[j]|^p)^(1/p)`: (…, P, M), (…, R, M) → (…, P, R); p = 0 counts differences, ∞ is the greatest."""
    out = np.zeros((*x1.shape[:-1], x2.shape[-2]), x1.dtype)
    if not x1.shape[-1]:
        return out
    for rows, difference in _blocks(x1, x2):
        if p == 2:
            found = np.sqrt(np.einsum("...m,...m->...", difference, difference))
        elif p == 0:
            found = np.count_nonzero(difference, axis=-1)
        else:
            size = np.abs(difference, out=difference)
            if p == 1:
                found = size.sum(-1)
            elif p == np.inf:
                found = size.max(-1)
            else:
                found = (size**p).sum(-1) ** (1 / p)
        out[..., rows, :] = found
    return out


def _slopes(difference: Array, p: float, grad: Array, distance: Array) -> Array:
    """The derivative of each distance by each element of the first row, times `grad`."""
    if p == 1:
        return np.sign(difference) * grad
    if p == np.inf:
        # Every element that reaches the greatest difference has the whole slope.
        return np.where(np.abs(difference) >= distance, np.sign(difference) * grad, difference.dtype.type(0))
    if p == 2:
        return difference * np.where(distance == 0, difference.dtype.type(0), grad / distance)
    size = np.abs(difference)
    power = size ** (p - 1)
    if p < 1:
        power[size == 0] = 0
    return np.sign(difference) * power * np.where(distance == 0, difference.dtype.type(0), grad / distance ** (p - 1))


def row_distances_backward(grad: Array, x1: Array, x2: Array, p: float, distance: Array) -> Array:
    """The gradient of x1, where `distance` is the result of `row_distances`; zero at distance zero."""
    out = np.zeros_like(x1)
    if p == 0 or not out.size:
        return out
    for rows, difference in _blocks(x1, x2):
        slopes = _slopes(difference, p, grad[..., rows, :, None], distance[..., rows, :, None])
        out[..., rows, :] = slopes.sum(-2)
    return out
