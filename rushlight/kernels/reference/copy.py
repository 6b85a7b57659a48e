"""Copies between two orders of the elements in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["copy_into"]

Array = NDArray[Any]


def copy_into(out: Array, source: Array) -> None:
    """out[...] = source, of one shape, whatever the strides of either."""
    if out.shape != source.shape:
        raise ValueError("copy_into: out and source must have the same shape")
    if not out.flags.writeable:
        raise ValueError("copy_into: out is read-only")
    np.copyto(out, source)
