"""Resampling on arrays whose last two axes are height and width: resizing by weights, rotating by an affine map.

Images (uint8) follow Pillow's arithmetic, since torchvision's programs resize PIL images; see
`src/libImaging/Resample.c` and `Geometry.c` there. (Pillow 13 resizes some shapes first along the height: then a pixel
may differ by rounding.) Floating point is computed as it is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

__all__ = ["resize_filtered", "resize_nearest", "rotate"]


def _box(x: np.ndarray) -> np.ndarray:
    return ((x > -0.5) & (x <= 0.5)).astype(np.float64)


def _triangle(x: np.ndarray) -> np.ndarray:
    height: np.ndarray = np.maximum(1.0 - np.abs(x), 0.0)
    return height


def _hamming(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 1.0, np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x)), 0.0)


def _cubic(x: np.ndarray, a: float = -0.5) -> np.ndarray:
    x = np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def _lanczos(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 3.0, np.sinc(x) * np.sinc(x / 3), 0.0)


# Each filter with its reach at scale 1.
_FILTERS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "box": (_box, 0.5),
    "bilinear": (_triangle, 1.0),
    "hamming": (_hamming, 1.0),
    "bicubic": (_cubic, 2.0),
    "lanczos": (_lanczos, 3.0),
}
# Pillow keeps 8-bit weights as integers with this many bits after the point.
_WEIGHT_BITS = 32 - 8 - 2


@functools.lru_cache(maxsize=64)
def _weights(source: int, target: int, name: str) -> np.ndarray:
    """(target, source): the share of every source pixel in every target pixel; shrinking widens the filter."""
    kernel, reach = _FILTERS[name]
    scale = source / target
    widening = max(scale, 1.0)
    reach *= widening
    weights = np.zeros((target, source))
    for row in range(target):
        center = (row + 0.5) * scale
        first = max(int(center - reach + 0.5), 0)
        last = min(int(center + reach + 0.5), source)
        part = kernel((np.arange(first, last) - center + 0.5) / widening)
        total = part.sum()
        weights[row, first:last] = part / total if total else part
    weights.flags.writeable = False
    return weights


@functools.lru_cache(maxsize=64)
def _plain_weights(source: int, target: int, name: str) -> np.ndarray:
    """(target, source) without widening, edges repeated: what tensors are resized with when `antialias` is off."""
    cubic = name == "bicubic"
    scale = source / target
    weights = np.zeros((target, source))
    for row in range(target):
        position = (row + 0.5) * scale - 0.5
        if not cubic:
            position = max(position, 0.0)
        first = math.floor(position) - (1 if cubic else 0)
        taps = np.arange(first, first + (4 if cubic else 2))
        part = _cubic(taps - position, -0.75) if cubic else _triangle(taps - position)
        np.add.at(weights[row], np.clip(taps, 0, source - 1), part)
    weights.flags.writeable = False
    return weights


def _fixed_point(weights: np.ndarray) -> np.ndarray:
    scaled = weights * (1 << _WEIGHT_BITS)
    rounded: np.ndarray = np.trunc(scaled + np.where(scaled < 0, -0.5, 0.5))
    return rounded


def _apply_to_bytes(array: np.ndarray, weights: np.ndarray) -> np.ndarray:
    # Whole numbers below 2**53: float64 sums them exactly, and BLAS does it.
    sums = array.astype(np.float64) @ _fixed_point(weights).T
    pixels: np.ndarray = np.floor((sums + (1 << (_WEIGHT_BITS - 1))) / (1 << _WEIGHT_BITS))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _apply_to_values(array: np.ndarray, weights: np.ndarray) -> np.ndarray:
    sums: np.ndarray = array @ weights.T.astype(array.dtype)
    return sums


def resize_filtered(array: np.ndarray, height: int, width: int, name: str, antialias: bool = True) -> np.ndarray:
    """Resizes by a weighted sum of pixels: "bilinear", "bicubic", "box", "hamming" or "lanczos".

    uint8 is rounded after each of the two passes (first along the width), other integers at the end.
    """
    pick = _weights if antialias else _plain_weights
    across = pick(array.shape[-1], width, name) if width != array.shape[-1] else None
    down = pick(array.shape[-2], height, name) if height != array.shape[-2] else None
    exact = array.dtype == np.uint8 or array.dtype.kind == "f"
    step = _apply_to_bytes if array.dtype == np.uint8 else _apply_to_values
    working: np.ndarray = array if exact else array.astype(np.float64)
    if across is not None:
        working = step(working, across)
    if down is not None:
        working = np.swapaxes(step(np.swapaxes(working, -1, -2), down), -1, -2)
    if working.dtype == array.dtype:
        return working
    limits = np.iinfo(array.dtype)
    rounded: np.ndarray = np.clip(np.rint(working), limits.min, limits.max)
    return rounded.astype(array.dtype)


def resize_nearest(array: np.ndarray, height: int, width: int, centered: bool = True) -> np.ndarray:
    """Takes the pixel under each target pixel's center, or with `centered=False` under its corner, as tensors do."""

    def indices(source: int, target: int) -> np.ndarray:
        scale = source / target
        if not centered:
            places = np.arange(target) * scale
        else:
            # Added up step by step, as Pillow does: it decides which way exact halves fall.
            places = np.cumsum(np.concatenate(([scale * 0.5], np.full(target - 1, scale))))
        return np.minimum(places.astype(np.int64), source - 1)

    return array[..., indices(array.shape[-2], height)[:, None], indices(array.shape[-1], width)]


def _inverse_rotation(
    angle: float, height: int, width: int, expand: bool, center: tuple[float, float] | None
) -> tuple[list[float], int, int]:
    """The map from target to source coordinates (six numbers: a x + b y + c, d x + e y + f) and the target's size."""
    cx, cy = (width / 2.0, height / 2.0) if center is None else center
    turn = -math.radians(angle % 360.0)
    a, b = round(math.cos(turn), 15), round(math.sin(turn), 15)
    d, e = round(-math.sin(turn), 15), round(math.cos(turn), 15)
    c = a * -cx + b * -cy + cx
    f = d * -cx + e * -cy + cy
    if not expand:
        return [a, b, c, d, e, f], height, width
    corners = [(a * x + b * y + c, d * x + e * y + f) for x, y in ((0, 0), (width, 0), (width, height), (0, height))]
    xs, ys = zip(*corners, strict=True)
    new_width = math.ceil(max(xs)) - math.floor(min(xs))
    new_height = math.ceil(max(ys)) - math.floor(min(ys))
    shift_x, shift_y = -(new_width - width) / 2.0, -(new_height - height) / 2.0
    return [a, b, a * shift_x + b * shift_y + c, d, e, d * shift_x + e * shift_y + f], new_height, new_width


def rotate(
    array: np.ndarray, angle: float, bilinear: bool, expand: bool, center: tuple[float, float] | None, fill: np.ndarray
) -> np.ndarray:
    """Turns counter-clockwise by `angle` degrees about `center` (x, y); `fill`, one number a channel."""
    height, width = array.shape[-2:]
    turns, rest = divmod(angle % 360.0, 90.0)
    if rest == 0 and center is None and (turns % 2 == 0 or expand or height == width):
        return np.rot90(array, int(turns), (-2, -1))
    (a, b, c, d, e, f), new_height, new_width = _inverse_rotation(angle, height, width, expand, center)
    y, x = np.mgrid[0:new_height, 0:new_width]
    if bilinear:
        source_x, source_y = a * (x + 0.5) + b * (y + 0.5) + c, d * (x + 0.5) + e * (y + 0.5) + f
        inside = (source_x >= 0) & (source_x < width) & (source_y >= 0) & (source_y < height)
        turned = _between(array, source_x - 0.5, source_y - 0.5)
    else:
        # 16 bits after the point, as Pillow steps through an image.
        a, b, c, d, e, f = (math.floor(v * 65536.0 + 0.5) for v in (a, b, c + (a + b) / 2, d, e, f + (d + e) / 2))
        column, row = (a * x + b * y + c) >> 16, (d * x + e * y + f) >> 16
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        turned = array[..., np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    return np.where(inside, turned, fill.astype(array.dtype).reshape(-1, 1, 1) if array.ndim > 2 else fill[0]).astype(
        array.dtype
    )


def _between(array: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The pixels around each point mixed by distance, edges repeated; integers are cut, as Pillow does."""
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    across, down = x - left, y - top
    height, width = array.shape[-2:]
    columns = np.clip(left, 0, width - 1), np.clip(left + 1, 0, width - 1)
    rows = np.clip(top, 0, height - 1), np.clip(top + 1, 0, height - 1)
    values = array.astype(np.float64)
    upper, lower = (
        values[..., r, columns[0]] + (values[..., r, columns[1]] - values[..., r, columns[0]]) * across for r in rows
    )
    mixed: np.ndarray = upper + (lower - upper) * down
    return mixed
