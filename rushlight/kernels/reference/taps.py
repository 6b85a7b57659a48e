"""Where each element of a resampled axis comes from: positions in the input and their weights.

Every interpolation is a linear map of each axis, and almost all entries of its matrix are zero. A `Taps` holds the
others: output `i` is the sum over `t` of `weight[i, t] * input[index[i, t]]`. The map's transpose, which the backward
pass needs, is a `Taps` too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Taps",
    "antialiased_taps",
    "cubic_taps",
    "linear_taps",
    "nearest_gradient_taps",
    "nearest_taps",
    "same",
]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Taps:
    """A linear map of an axis of `size` elements onto `outputs` ones."""

    index: Array
    """(outputs, taps)"""
    weight: Array | None
    """(outputs, taps); None if all are 1."""
    size: int
    unreached: Array | None = None
    """The outputs that no input reaches; None if there are none."""

    @property
    def outputs(self) -> int:
        return len(self.index)


def transposed(taps: Taps) -> Taps:
    """The map of the axis' outputs back onto its inputs."""
    outputs, width = taps.index.shape
    target = taps.index.ravel()
    order = np.argsort(target, kind="stable")
    target, source = target[order], np.repeat(np.arange(outputs), width)[order]
    counts = np.bincount(target, minlength=taps.size)
    starts = np.cumsum(counts) - counts
    most = max(int(counts.max(initial=0)), 1)
    place = np.arange(len(target)) - starts[target]
    index = np.zeros((taps.size, most), np.intp)
    weight = np.zeros((taps.size, most), np.float32 if taps.weight is None else taps.weight.dtype)
    index[target, place] = source
    weight[target, place] = 1 if taps.weight is None else taps.weight.ravel()[order]
    # Shorter rows repeat their first entry, which gives part of its weight to each copy: a copy of weight 0 would make
    # infinity NaN. The parts are powers of 2, so that weights of 1 add up to 1 in every type.
    reached = counts > 0
    copies = (np.arange(most) >= counts[:, None]) & reached[:, None]
    number = copies.sum(axis=1)
    part = weight[:, 0] * np.exp2(-np.ceil(np.log2(number + 1))).astype(weight.dtype)
    weight[:, 0] -= number * part
    index, weight = np.where(copies, index[:, :1], index), np.where(copies, part[:, None], weight)
    plain = taps.weight is None and bool((weight == 1).all())
    return Taps(index, None if plain else weight, outputs, None if reached.all() else np.flatnonzero(~reached))


def merged(taps: Taps) -> Taps:
    """The same map with taps of one position, which clipping makes at the edges, joined into the first of them."""
    index, weight = taps.index, np.array(taps.weight)
    for t in range(index.shape[1] - 1, 0, -1):
        same = index[:, t] == index[:, t - 1]
        weight[same, t - 1] += weight[same, t]
        weight[same, t] = 0
    return replace(taps, weight=weight)


def _step(size: int, outputs: int, factor: float | None, align_corners: bool, dtype: Any) -> Any:
    """How far apart two neighbouring outputs lie in the input."""
    if align_corners:
        return dtype(size - 1) / dtype(outputs - 1) if outputs > 1 else dtype(0)
    return dtype(1.0 / factor) if factor is not None and factor > 0 else dtype(size) / dtype(outputs)


def _positions(size: int, outputs: int, factor: float | None, align_corners: bool, dtype: Any) -> Array:
    """The outputs' centres in the coordinates of the input, whose elements lie at 0, 1, 2, …"""
    step, i = _step(size, outputs, factor, align_corners, dtype), np.arange(outputs, dtype=dtype)
    return np.asarray(step * i if align_corners else step * (i + dtype(0.5)) - dtype(0.5))


@functools.lru_cache(maxsize=256)
def nearest_taps(size: int, outputs: int, factor: float | None, exact: bool) -> Taps:
    """The element below each output's corner or, with `exact`, the one nearest to its centre; PyTorch finds it in
    float32 whatever the input's type."""
    step = _step(size, outputs, factor, False, np.float32)
    corners = np.arange(outputs, dtype=np.float32) + np.float32(0.5 if exact else 0)
    return Taps(np.minimum((corners * step).astype(np.intp), size - 1)[:, None], None, size)


@functools.lru_cache(maxsize=256)
def nearest_gradient_taps(size: int, outputs: int, factor: float | None, exact: bool) -> Taps:
    """The map whose transpose PyTorch takes as that of `nearest_taps`.

    It is another one where a factor close to 1 or 2 leads to exactly that many outputs: PyTorch's backward takes the
    factor for 1 or 2 then.
    """
    if not exact and outputs in (size, 2 * size):
        return nearest_taps(size, outputs, None, exact)
    return nearest_taps(size, outputs, factor, exact)


@functools.lru_cache(maxsize=256)
def same(size: int) -> Taps:
    """Every element where it was."""
    return Taps(np.arange(size)[:, None], None, size)


@functools.lru_cache(maxsize=256)
def linear_taps(size: int, outputs: int, factor: float | None, align_corners: bool, dtype: Any) -> Taps:
    """The two neighbours, weighted by nearness."""
    if size == outputs:
        return same(size)
    real = np.maximum(_positions(size, outputs, factor, align_corners, dtype), 0)
    first = np.minimum(real.astype(np.intp), size - 1)
    share = np.clip(real - first.astype(dtype), 0, 1)
    index = np.stack([first, np.minimum(first + 1, size - 1)], axis=1)
    return Taps(index, np.stack([1 - share, share], axis=1).astype(dtype), size)


def _cubic(x: Array, a: float) -> Array:
    """Keys' kernel (1981), of the family with slope `a` at 1."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))


@functools.lru_cache(maxsize=256)
def cubic_taps(size: int, outputs: int, factor: float | None, align_corners: bool, dtype: Any) -> Taps:
    """The four neighbours, weighted by Keys' kernel with a = -3/4; the outermost element stands for those beyond."""
    real = _positions(size, outputs, factor, align_corners, dtype)
    first = np.minimum(np.floor(real).astype(np.intp), size - 1)
    share = np.clip(real - first.astype(dtype), 0, 1)
    offsets = np.arange(-1, 3)
    index = np.clip(first[:, None] + offsets, 0, size - 1)
    return Taps(index, _cubic(share[:, None] - offsets.astype(dtype), -0.75).astype(dtype), size)


def _triangle(x: Array) -> Array:
    return np.maximum(1 - np.abs(x), 0)


def _lanczos(x: Array) -> Array:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


# The kernel of each mode and how far it reaches.
_FILTERS: dict[str, tuple[Callable[[Array], Array], int]] = {
    "bilinear": (_triangle, 1),
    "bicubic": (lambda x: _cubic(x, -0.5), 2),
    "lanczos": (_lanczos, 3),
}


@functools.lru_cache(maxsize=256)
def antialiased_taps(mode: str, size: int, outputs: int, factor: float | None, align_corners: bool, dtype: Any) -> Taps:
    """All neighbours within reach of a kernel that is stretched where the axis shrinks, as Pillow weighs them."""
    kernel, reach = _FILTERS[mode]
    step = _step(size, outputs, factor, align_corners, dtype)
    stretch = max(step, dtype(1))
    support = dtype(reach) * stretch
    centre = step * (np.arange(outputs, dtype=dtype) + dtype(0.5))
    low = np.maximum((centre - support + dtype(0.5)).astype(np.intp), 0)
    width = np.clip(np.minimum((centre + support + dtype(0.5)).astype(np.intp), size) - low, 0, None)
    width = np.minimum(width, math.ceil(support) * 2 + 1)
    offsets = np.arange(max(int(width.max(initial=0)), 1))
    index = low[:, None] + offsets
    weight = kernel(((index - centre[:, None].astype(dtype) + dtype(0.5)) / stretch).astype(dtype))
    weight = np.where(offsets < width[:, None], weight, 0)
    total = weight.sum(axis=1, keepdims=True)
    weight = weight / np.where(total == 0, 1, total)
    return Taps(np.clip(index, 0, size - 1), weight.astype(dtype), size)
