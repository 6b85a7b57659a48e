"""Resampling of an array's last axes by `Taps`, one axis after the other, and sums at the places of a grid."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rushlight.kernels.dispatch import prefer_native
from rushlight.kernels.reference import grid
from rushlight.kernels.reference.resample import taps_along
from rushlight.kernels.reference.taps import Taps, merged, transposed

__all__ = ["blend_places", "pull_places", "resample", "resample_backward", "resample_bytes", "spread_places"]

Array = NDArray[Any]

_along = prefer_native(taps_along)
blend_places = prefer_native(grid.blend_places)
spread_places = prefer_native(grid.spread_places)
pull_places = prefer_native(grid.pull_places)


def _mapped(array: Array, axis: int, taps: Taps) -> Array:
    """The array with an axis mapped."""
    out = _along(array, axis, taps.index, taps.weight)
    if taps.unreached is not None:
        out[(slice(None),) * axis + (taps.unreached,)] = 0
    return out


def _each_axis(array: Array, plan: Sequence[Taps], working: np.dtype[Any] | None) -> Array:
    """All axes of a plan, those first that shrink most, the last of equal ones first."""
    array = np.ascontiguousarray(array, working)
    first = array.ndim - len(plan)
    order = sorted(range(len(plan)), key=lambda i: (plan[i].outputs / max(plan[i].size, 1), -i))
    for i in order:
        array = _mapped(array, first + i, plan[i])
    return array


def resample(array: Array, plan: Sequence[Taps], working: np.dtype[Any] | None = None) -> Array:
    """The last `len(plan)` axes resampled, in the type `working` if one is given."""
    return _each_axis(array, plan, working)


def resample_backward(grad: Array, plan: Sequence[Taps], working: np.dtype[Any] | None = None) -> Array:
    """The transpose of `resample`: an array of the outputs' sizes back onto the inputs'."""
    return _each_axis(grad, [_transposed(taps) for taps in plan], working)


@functools.lru_cache(maxsize=256)
def _transposed(taps: Taps) -> Taps:
    return transposed(taps)


@functools.lru_cache(maxsize=256)
def _integer_weights(taps: Taps) -> tuple[Taps, Array, int]:
    """The weights times a power of two, rounded to integers of 16 bits, and that power's exponent."""
    taps = merged(taps)
    weight: Any = taps.weight
    greatest, bits = float(weight.max(initial=0)), 0
    while bits < 22 and int(0.5 + greatest * (1 << (bits + 1))) < 1 << 15:
        bits += 1
    scaled = weight * (1 << bits)
    return taps, np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int32), bits


def resample_bytes(array: Array, plan: Sequence[Taps]) -> Array:
    """`resample` of uint8 as Pillow does it: integer weights, and rounding to uint8 after each axis, the last first."""
    first = array.ndim - len(plan)
    for i in reversed(range(len(plan))):
        if plan[i].weight is None:
            array = _mapped(array, first + i, plan[i])
            continue
        taps, weight, bits = _integer_weights(plan[i])
        shape = [1] * array.ndim
        shape[first + i] = taps.outputs
        total: Any = np.int32(1 << bits >> 1)
        for t in range(weight.shape[1]):
            term = np.take(array, taps.index[:, t], first + i, mode="clip").astype(np.int32)
            total = total + term * weight[:, t].reshape(shape)
        array = np.clip(total >> bits, 0, 255).astype(np.uint8)
    return array
