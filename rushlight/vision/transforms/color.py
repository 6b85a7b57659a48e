"""Brightness, contrast, saturation and hue. Byte images follow Pillow's arithmetic, tensors torchvision's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.tensor import Tensor

from ._image import dimensions, like, spatial

__all__ = ["adjust_brightness", "adjust_contrast", "adjust_hue", "adjust_saturation"]


def luminance(array: np.ndarray, tensor: bool) -> np.ndarray:
    """`0.299 R + 0.587 G + 0.114 B` of …×3×H×W: as Pillow rounds it for bytes of an image, else as torchvision does."""
    red, green, blue = (array[..., i, :, :] for i in range(3))
    if array.dtype == np.uint8 and not tensor:
        weighted = red.astype(np.uint32) * 19595 + green.astype(np.uint32) * 38470 + blue.astype(np.uint32) * 7471
        return ((weighted + 0x8000) >> 16).astype(np.uint8)
    working = array.dtype if array.dtype.kind == "f" else np.dtype(np.float32)
    weights = np.asarray([0.2989, 0.587, 0.114], working)
    grey: np.ndarray = weights[0] * red + weights[1] * green + weights[2] * blue
    return grey.astype(array.dtype)


def _blend(base: np.ndarray, array: np.ndarray, factor: float) -> np.ndarray:
    """`base + factor (array - base)`, kept in the type's range; integers are cut."""
    if array.dtype.kind == "f":
        working = array.dtype.type(factor)
        mixed: np.ndarray = np.clip(working * array + array.dtype.type(1.0 - factor) * base, 0, 1)
        return mixed.astype(array.dtype)
    mixed = base.astype(np.float32) + np.float32(factor) * (array.astype(np.float32) - base.astype(np.float32))
    return np.clip(mixed, 0, np.iinfo(array.dtype).max).astype(array.dtype)


def _check(img: Any, factor: float, name: str) -> np.ndarray:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")
    channels = dimensions(img)[0]
    if channels not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are 1 or 3, but found {channels}")
    return spatial(img)


def _grey(img: Any, array: np.ndarray) -> np.ndarray:
    return luminance(array, isinstance(img, Tensor)) if dimensions(img)[0] == 3 else array


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """Mixes with black: factor 0 is black, 1 the image, 2 twice as bright.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.adjust_brightness.html
    """
    array = _check(img, brightness_factor, "brightness_factor")
    return like(img, _blend(np.zeros((), array.dtype), array, brightness_factor))


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """Mixes with the mean brightness: factor 0 is plain grey, 1 the image.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.adjust_contrast.html
    """
    array = _check(img, contrast_factor, "contrast_factor")
    grey = _grey(img, array)
    if isinstance(img, Tensor):
        axes = (-2, -1) if grey.ndim < array.ndim or grey.ndim == 2 else (-3, -2, -1)
        mean = grey.mean(axes, dtype=array.dtype if array.dtype.kind == "f" else np.float32, keepdims=True)
        mean = mean[..., None, :, :] if mean.ndim < array.ndim else mean
    else:
        mean = np.floor(grey.mean() + 0.5) if array.dtype.kind != "f" else grey.mean(dtype=array.dtype)
    return like(img, _blend(np.asarray(mean), array, contrast_factor))


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """Mixes with the grey image: factor 0 has no colour, 1 is the image.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.adjust_saturation.html
    """
    array = _check(img, saturation_factor, "saturation_factor")
    if dimensions(img)[0] == 1:
        return img
    return like(img, _blend(_grey(img, array)[..., None, :, :], array, saturation_factor))


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Turns the circle of hues by `hue_factor` in [-0.5, 0.5] of a whole turn; ValueError outside.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.adjust_hue.html
    """
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    array = _check(img, 1.0, "hue_factor")
    if dimensions(img)[0] == 1:
        return img
    shift: Callable[[np.ndarray, float], np.ndarray] = _shift_values
    if array.dtype == np.uint8 and not isinstance(img, Tensor):
        shift = _shift_bytes
    return like(img, shift(array, hue_factor))


def _hue_saturation(array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue and saturation in [0, 1] and the largest channel, of a float array …×3×H×W."""
    red, green, blue = (array[..., i, :, :] for i in range(3))
    high, low = array.max(-3), array.min(-3)
    spread = high - low
    flat = spread == 0
    divisor = np.where(flat, 1, spread)
    r, g, b = ((high - channel) / divisor for channel in (red, green, blue))
    # Each step is computed in double precision and stored in the array's, as Pillow does.
    r64, g64, b64 = (channel.astype(np.float64) for channel in (r, g, b))
    sixths = np.where(red == high, b - g, np.where(green == high, 2.0 + r64 - b64, 4.0 + g64 - r64)).astype(array.dtype)
    hue = np.fmod(sixths.astype(np.float64) / 6.0 + 1.0, 1.0).astype(array.dtype)
    saturation = spread / np.where(flat, 1, high)
    return np.where(flat, 0, hue).astype(np.float64), saturation.astype(np.float64), high


def _mix(sector: np.ndarray, v: np.ndarray, p: np.ndarray, q: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Red, green and blue for each sixth of the circle of hues."""
    red = np.choose(sector, (v, q, p, p, t, v))
    green = np.choose(sector, (t, v, v, q, p, p))
    blue = np.choose(sector, (p, p, t, v, v, q))
    return np.stack((red, green, blue), -3)


def _shift_bytes(array: np.ndarray, factor: float) -> np.ndarray:
    # Pillow's HSV images hold hue and saturation as bytes too, so both are cut to whole numbers between.
    hue, saturation, value = _hue_saturation(array.astype(np.float32))
    turned = ((hue * 255.0).astype(np.int64) + int(factor * 255)) % 256
    position = (turned * 6.0 / 255.0).astype(np.float32)
    part = ((saturation * 255.0).astype(np.int64) / 255.0).astype(np.float32)
    sector = np.floor(position).astype(np.int64)
    beyond = position - sector.astype(np.float32)
    fade = (part, part * beyond, part * (1.0 - beyond.astype(np.float64)))
    mixed = (value * (1.0 - share.astype(np.float64)) for share in fade)
    p, q, t = (np.clip(np.floor(np.asarray(v) + 0.5), 0, 255) for v in mixed)
    return _mix(sector % 6, value, p, q, t).astype(np.uint8)


def _shift_values(array: np.ndarray, factor: float) -> np.ndarray:
    integer = array.dtype.kind != "f"
    top = np.iinfo(array.dtype).max if integer else 1
    working = array.astype(np.float32) / np.float32(top) if integer else array
    hue, saturation, value = _hue_saturation(working)
    position = ((hue + factor) % 1.0) * 6.0
    sector = np.floor(position)
    beyond = position - sector
    p = np.clip(value * (1 - saturation), 0, 1)
    q = np.clip(value * (1 - saturation * beyond), 0, 1)
    t = np.clip(value * (1 - saturation * (1 - beyond)), 0, 1)
    mixed = _mix(sector.astype(np.int64) % 6, value, p, q, t)
    if not integer:
        return mixed.astype(array.dtype)
    return (mixed * (top + 1 - 1e-3)).astype(array.dtype)
