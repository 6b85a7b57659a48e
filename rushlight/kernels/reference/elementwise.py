"""Elementwise kernels that are more than one ufunc."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["relu_forward", "threshold_backward"]

Array = NDArray[Any]


def relu_forward(x: Array) -> Array:
    """max(x, 0), elementwise; NaN stays NaN."""
    return np.asarray(np.maximum(x, x.dtype.type(0)))


def threshold_backward(grad: Array, out: Array, reuse: bool = False) -> Array:
    """`grad` where `out`, the result of ReLU, is positive or NaN; elsewhere 0. Both of one shape.

    `reuse` allows the result to be written into grad.
    """
    if grad.shape != out.shape:
        raise ValueError("threshold_backward: grad and out must have the same shape")
    return np.where(out <= 0, grad.dtype.type(0), grad)
