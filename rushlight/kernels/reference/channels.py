"""A number for each channel of an array (N, C, *): multiplied with it, and summed over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rushlight.kernels.reference.windows import working_dtype

__all__ = ["channel_sums", "scale_channels"]

Array = NDArray[Any]


def scale_channels(x: Array, scale: Array, shift: Array | None) -> Array:
    """`x * scale + shift`, both (C,), in the type of x."""
    beside = (-1,) + (1,) * (x.ndim - 2)
    out = x.astype(working_dtype(x.dtype), copy=False) * scale.reshape(beside).astype(
        working_dtype(x.dtype), copy=False
    )
    if shift is not None:
        out += shift.reshape(beside)
    return np.asarray(out, x.dtype)


def channel_sums(grad: Array, x: Array | None = None, centre: Array | None = None) -> tuple[Array, Array | None]:
    """The sums (C,) of `grad` and, where x is given, of `grad * (x - centre)`."""
    axes, work = (0, *range(2, grad.ndim)), working_dtype(grad.dtype)
    sums = np.asarray(grad.sum(axes, dtype=work), grad.dtype)
    if x is None or centre is None:
        return sums, None
    distance = x.astype(work, copy=False) - centre.reshape((-1,) + (1,) * (x.ndim - 2))
    return sums, np.asarray((grad.astype(work, copy=False) * distance).sum(axes, dtype=work), grad.dtype)
