"""The arithmetic of sliding windows, shared by convolution, pooling and unfolding in any number of dimensions.

A window of `kernel` elements, `dilation` apart, moves by `stride` over an input of `size` elements with `padding`
virtual elements before it. Position `o` of the output and place `k` in the window meet at input element `o * stride -
padding + k * dilation`. No function here builds a padded copy: `taps` leaves out what falls outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

__all__ = ["Ints", "conv_size", "last_axes", "pool_size", "taps", "working_dtype"]

Ints = tuple[int, ...]
Slices = tuple[slice, ...]


def conv_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows fit into `size` elements with `padding` on both sides."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def pool_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many pooling windows fit; with `ceil_mode` a last window may stick out, if it begins before the right
    padding."""
    if not ceil_mode:
        return conv_size(size, kernel, stride, padding, dilation)
    outputs = -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1
    return outputs - 1 if (outputs - 1) * stride >= size + padding else outputs


def _axis_taps(
    size: int, outputs: int, kernel: int, stride: int, padding: int, dilation: int
) -> list[tuple[int, slice, slice]]:
    """For each place in the window along one axis: the outputs that have it inside the input, and the inputs they
    meet."""
    found = []
    for place in range(kernel):
        offset = place * dilation - padding
        first = max(0, -(offset // stride))
        stop = min(outputs, (size - 1 - offset) // stride + 1)
        if first < stop:
            begin = first * stride + offset
            found.append((place, slice(first, stop), slice(begin, (stop - 1) * stride + offset + 1, stride)))
    return found


def taps(
    sizes: Ints, outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> Iterator[tuple[Ints, Slices, Slices]]:
    """Yields `(place in the window, slices of the output, slices of the input)`, places in row-major order."""
    axes = map(_axis_taps, sizes, outputs, kernel, stride, padding, dilation)
    for combination in product(*axes):
        places, out_slices, in_slices = zip(*combination, strict=True)
        yield places, out_slices, in_slices


def last_axes(*indices: int | slice) -> Any:
    """The index that keeps the leading axes whole and takes `indices` of the last ones."""
    return (..., *indices)


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that sums are kept in: float32 for float16 and bfloat16 (rounded once at the end), else `dtype`
    itself."""
    return np.dtype(np.float32) if dtype.itemsize <= 2 and dtype.kind in "fV" else dtype
