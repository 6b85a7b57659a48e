"""What an array's header says, and views of its memory; no element is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["address", "element_strides", "elements_view", "strided_view"]

Array = NDArray[Any]


def address(x: Array) -> int:
    """Where the first element of an array lies."""
    return int(x.__array_interface__["data"][0])


def element_strides(x: Array) -> tuple[int, ...]:
    """Strides in elements, as PyTorch counts them: a dimension of one element steps over all that follow it."""
    itemsize = x.itemsize
    if not x.size:
        steps = [1]
        for size in x.shape[:0:-1]:
            steps.append(steps[-1] * max(size, 1))
        return tuple(reversed(steps)) if x.ndim else ()
    strides = [stride // itemsize for stride in x.strides]
    if 0 in strides:
        shape = x.shape
        for i in range(len(strides) - 1, -1, -1):
            if strides[i] == 0 and shape[i] == 1:
                strides[i] = max(shape[i + 1], 1) * strides[i + 1] if i + 1 < len(shape) else 1
    return tuple(strides)


def strided_view(x: Array, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> Array:
    """A view of x's memory with a shape, strides in bytes and an offset in bytes, writable if x is."""
    if x.flags.c_contiguous and x.dtype.isbuiltin == 1 and x.size:
        return np.ndarray(shape, x.dtype, x, offset, strides)
    if offset:
        x = x.reshape(-1)[offset // x.itemsize :]
    return np.lib.stride_tricks.as_strided(x, shape, strides)


def elements_view(x: Array, shape: Sequence[int], strides: Sequence[int], offset: int) -> Array | None:
    """A view of dense memory with a shape, strides and an offset in elements.

    None where it has no elements, where a stride is negative, and where it does not lie within the memory.
    """
    if len(shape) != len(strides) or min(shape, default=1) <= 0 or min(strides, default=0) < 0 or offset < 0:
        return None
    if offset + sum([(length - 1) * step for length, step in zip(shape, strides, strict=True)]) >= x.size:
        return None
    itemsize = x.itemsize
    return strided_view(x, shape, [step * itemsize for step in strides], offset * itemsize)
