"""Elements held between two bounds, with a bit for each that says whether the gradient passes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["clamp_marked", "keep_marked", "unmarked"]

Array = NDArray[Any]


def clamp_marked(x: Array, low: float, high: float, open: bool) -> tuple[Array, Array]:
    """`min(max(x, low), high)` and marks: bits, in bytes, for elements that lie within the bounds or are NaN.

    With `open`, an element at a bound isn't marked.
    """
    least, most = x.dtype.type(low), x.dtype.type(high)
    outside = (x <= least) | (x >= most) if open else (x < least) | (x > most)
    return np.asarray(np.minimum(np.maximum(x, least), most)), np.packbits(~outside.reshape(-1), bitorder="little")


def unmarked(marks: Array, shape: tuple[int, ...]) -> Array:
    """Whether each element, in an array of that shape, has no mark."""
    size = int(np.prod(shape))
    return np.unpackbits(marks, count=size, bitorder="little").reshape(shape) == 0


def keep_marked(grad: Array, marks: Array, reuse: bool = False) -> Array:
    """`grad` where marked, 0 elsewhere; `reuse` allows the result to be written into grad."""
    if marks.dtype != np.uint8 or marks.shape != ((grad.size + 7) // 8,):
        raise ValueError("keep_marked: marks must have a bit for each element of grad, in bytes")
    return np.where(unmarked(marks, grad.shape), grad.dtype.type(0), grad)
