"""A linear map along one axis of an array, by a few weighted elements for each output."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["taps_along"]

Array = NDArray[Any]


def taps_along(x: Array, axis: int, index: Array, weight: Array | None) -> Array:
    """`out[…, i, …] = Σ_t weight[i, t] · x[…, index[i, t], …]` along an axis; index and weight (outputs, taps)."""
    # The indices are inside; "clip" spares NumPy the buffer of its own check.
    out = np.take(x, index[:, 0], axis, mode="clip")
    shape = [1] * x.ndim
    shape[axis] = len(index)
    if weight is not None:
        columns = weight.T.reshape(-1, *shape)
        out *= columns[0]
    for t in range(1, index.shape[1]):
        term = np.take(x, index[:, t], axis, mode="clip")
        if weight is not None:
            term *= columns[t]
        out += term
    return out
