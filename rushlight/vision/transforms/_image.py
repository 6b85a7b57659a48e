"""The three kinds of image that transforms take, seen as one: an array whose last two axes are height and width.

A NumPy array is H×W or H×W×C, a PIL image likewise, a tensor …×H×W (with its channels before). A transform works on the
array that `spatial` gives and hands its result to `like`, which makes an image of the first one's kind. Pillow isn't
needed: an image of its type can only come from where it is installed.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from rushlight.autograd.variable import wrap
from rushlight.tensor import Tensor

__all__ = ["dimensions", "is_image", "is_pil", "like", "pillow", "spatial"]

# PIL modes whose pixels are plain numbers; others ("P", "CMYK", …) go through RGB only if the caller converts them.
_PLAIN_MODES = frozenset(("L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16", "1", "P"))


def is_pil(img: Any) -> bool:
    """Whether it is a PIL image."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(img, module.Image)


def pillow(what: str) -> Any:
    """The module PIL.Image; ImportError that names the extra when Pillow isn't installed."""
    try:
        import PIL.Image
    except ImportError as error:
        raise ImportError(f"{what} needs Pillow: pip install 'rushlight[image]'") from error
    return PIL.Image


def is_image(img: Any) -> bool:
    """Whether transforms take it for an image."""
    return isinstance(img, (Tensor, np.ndarray)) or is_pil(img)


def _check(img: Any) -> None:
    if not is_image(img):
        raise TypeError(f"img should be a Tensor, a NumPy array or a PIL Image. Got {type(img)}")
    if isinstance(img, np.ndarray) and img.ndim not in (2, 3):
        raise ValueError(f"an image array should be H x W or H x W x C. Got shape {img.shape}")
    if isinstance(img, Tensor) and img.ndim < 2:
        raise TypeError(f"Tensor is not a torch image. Expected [..., C, H, W], got shape {tuple(img.shape)}")
    if is_pil(img) and img.mode not in _PLAIN_MODES:
        raise TypeError(f"a PIL image of mode {img.mode!r} can't be transformed; convert it to 'RGB' first")


def spatial(img: Any) -> np.ndarray:
    """The pixels with height and width as the last two axes; a view where that is possible."""
    _check(img)
    if isinstance(img, Tensor):
        return img.detach().numpy()
    array = np.asarray(img)
    if array.dtype == bool:
        array = array.astype(np.uint8) * np.uint8(255)
    return array if array.ndim == 2 else np.moveaxis(array, -1, 0)


def like(img: Any, array: np.ndarray) -> Any:
    """An image of `img`'s kind with these pixels (height and width last)."""
    if isinstance(img, Tensor):
        return wrap(np.ascontiguousarray(array))
    pixels = np.ascontiguousarray(array if array.ndim == 2 else np.moveaxis(array, 0, -1))
    if isinstance(img, np.ndarray):
        return pixels
    return _like_pil(img, pixels)


def _like_pil(img: Any, pixels: np.ndarray) -> Any:
    image = pillow("a PIL image").fromarray(pixels)
    if img.mode == "1":
        return image.convert("1")
    if image.mode == img.mode:
        return image
    # An array doesn't tell four channels of ink from colour and transparency: the bytes are right, the mode is told.
    result = pillow("a PIL image").frombytes(img.mode, image.size, pixels.tobytes())
    if img.mode == "P":
        result.putpalette(img.getpalette())
    return result


def dimensions(img: Any) -> tuple[int, int, int]:
    """Channels, height and width."""
    _check(img)
    if is_pil(img):
        return len(img.getbands()), img.height, img.width
    shape = img.shape
    if isinstance(img, Tensor):
        return (1 if len(shape) == 2 else shape[-3]), shape[-2], shape[-1]
    return (1 if len(shape) == 2 else shape[2]), shape[0], shape[1]
