"""Image transforms as functions of a NumPy array (H×W or H×W×C), a PIL image or a tensor (…×C×H×W).

Each gives an image of the kind it was given. Cropping, flipping and normalizing a tensor can be differentiated; the
others compute on its values.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from enum import Enum
from typing import Any, cast

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import wrap
from rushlight.tensor import Tensor

from . import _resample
from ._image import dimensions, is_pil, like, pillow, spatial
from .color import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, luminance

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_hue", "adjust_saturation", "center_crop",
    "convert_image_dtype", "crop", "erase", "get_dimensions", "get_image_size", "hflip", "normalize", "pad",
    "pil_to_tensor", "resize", "resized_crop", "rgb_to_grayscale", "rotate", "to_grayscale", "to_pil_image",
    "to_tensor", "vflip",
]  # fmt: skip


class InterpolationMode(Enum):
    """How resizing and rotating read between pixels.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.InterpolationMode.html
    """

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


# PIL's numbers for them, which old programs pass.
_PIL_MODES = {
    0: InterpolationMode.NEAREST, 2: InterpolationMode.BILINEAR, 3: InterpolationMode.BICUBIC,
    4: InterpolationMode.BOX, 5: InterpolationMode.HAMMING, 1: InterpolationMode.LANCZOS,
}  # fmt: skip


def as_interpolation(value: Any) -> InterpolationMode:
    """The mode, also from PIL's number for it; TypeError for anything else."""
    if isinstance(value, InterpolationMode):
        return value
    if isinstance(value, int) and int(value) in _PIL_MODES:
        return _PIL_MODES[int(value)]
    raise TypeError(
        "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant, "
        f"got {value!r}"
    )


def get_dimensions(img: Any) -> list[int]:
    """Channels, height and width of an image.

    >>> import rushlight as torch
    >>> from rushlight.vision.transforms.functional import get_dimensions
    >>> get_dimensions(torch.zeros(3, 4, 5))
    [3, 4, 5]

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.get_dimensions.html
    """
    return list(dimensions(img))


def get_image_size(img: Any) -> list[int]:
    """Width and height of an image.

    >>> import rushlight as torch
    >>> from rushlight.vision.transforms.functional import get_image_size
    >>> get_image_size(torch.zeros(3, 4, 5))
    [5, 4]

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.get_image_size.html
    """
    _, height, width = dimensions(img)
    return [width, height]


def to_tensor(pic: Any) -> Tensor:
    """A float tensor C×H×W of a PIL image or array H×W(×C): bytes become values in [0, 1], other numbers stay.

    Raises TypeError for anything else (a tensor too), ValueError for an array that isn't 2- or 3-dimensional.

    >>> import numpy as np
    >>> from rushlight.vision.transforms.functional import to_tensor
    >>> to_tensor(np.array([[0, 255]], np.uint8))
    tensor([[[0., 1.]]])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.to_tensor.html
    """
    array = _channels_first(pic)
    if array.dtype != np.uint8:
        return wrap(np.ascontiguousarray(array))
    default = dtypes.get_default_dtype().numpy_dtype
    # Divided, not multiplied by 1/255: the last bit must be PyTorch's.
    return wrap(np.divide(array, np.asarray(255, default), dtype=default, order="C"))


def pil_to_tensor(pic: Any) -> Tensor:
    """A tensor C×H×W of a PIL image or array, values and type as they are.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.pil_to_tensor.html
    """
    return wrap(np.array(_channels_first(pic), order="C"))


def _channels_first(pic: Any) -> np.ndarray:
    if not isinstance(pic, np.ndarray) and not is_pil(pic):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if isinstance(pic, np.ndarray) and pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    array = spatial(pic)
    return array[None] if array.ndim == 2 else array


def convert_image_dtype(image: Tensor, dtype: Any = None) -> Tensor:
    """Changes a tensor image's type and scales its values: [0, 1] for floats, [0, maximum] for integers.

    Raises TypeError for what is no tensor, RuntimeError for a float type to one whose maximum it can't hold.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.convert_image_dtype.html
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    dtype = dtypes.float32 if dtype is None else dtype
    given = image.dtype
    result: Any
    if given == dtype or (given.is_floating_point and dtype.is_floating_point):
        return image.to(dtype)
    if given.is_floating_point:
        if (given, dtype) in _UNSAFE_CASTS:
            raise RuntimeError(f"The cast from {given} to {dtype} cannot be performed safely.")
        result = (image * (_maximum(dtype) + 1.0 - 1e-3)).to(dtype)
    elif dtype.is_floating_point:
        result = image.to(dtype) / _maximum(given)
    elif _maximum(given) > _maximum(dtype):
        result = (image // ((_maximum(given) + 1) // (_maximum(dtype) + 1))).to(dtype)
    else:
        result = image.to(dtype) * ((_maximum(dtype) + 1) // (_maximum(given) + 1))
    return cast("Tensor", result)


# The float type can't hold the other's maximum.
_UNSAFE_CASTS = (
    (dtypes.float32, dtypes.int32),
    (dtypes.float32, dtypes.int64),
    (dtypes.float64, dtypes.int64),
)


def _maximum(dtype: Any) -> int:
    return 1 if dtype == dtypes.bool else int(np.iinfo(dtype.numpy_dtype).max)


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """`(tensor - mean) / std`, channel by channel, for a float tensor …×C×H×W.

    Raises TypeError for what isn't a float tensor, ValueError when it has fewer than three dimensions or a `std` is
    zero.

    >>> import rushlight as torch
    >>> from rushlight.vision.transforms.functional import normalize
    >>> normalize(torch.tensor([[[0., 1.]]]), [0.5], [0.5])
    tensor([[[-1.,  1.]]])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.normalize.html
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}"
        )
    means, stds = (_per_channel(values, tensor) for values in (mean, std))
    if not stds.all():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    result: Any = tensor.sub_(wrap(means)).div_(wrap(stds)) if inplace else (tensor - wrap(means)) / wrap(stds)
    return cast("Tensor", result)


def _per_channel(values: Any, like_tensor: Tensor) -> np.ndarray:
    if isinstance(values, Tensor):
        values = values.detach().numpy()
    array = np.asarray(values, like_tensor.dtype.numpy_dtype)
    return array.reshape(-1, 1, 1) if array.ndim == 1 else array


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The rectangle from (top, left); zeros where it leaves the image.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.crop.html
    """
    _, h, w = dimensions(img)
    right, bottom = left + width, top + height
    if left < 0 or top < 0 or right > w or bottom > h:
        y, x = max(top, 0), max(left, 0)
        inner = crop(img, y, x, max(0, min(bottom, h) - y), max(0, min(right, w) - x))
        outside = [max(-left, 0), max(-top, 0), max(right - max(w, left), 0), max(bottom - max(h, top), 0)]
        return pad(inner, outside)
    if isinstance(img, Tensor):
        return img[..., top:bottom, left:right]
    return like(img, spatial(img)[..., top:bottom, left:right])


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of an image, padded with zeros where the image is smaller; `output_size` is (h, w) or one number.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.center_crop.html
    """
    height, width = _pair(output_size)
    _, h, w = dimensions(img)
    if width > w or height > h:
        over_w, over_h = max(width - w, 0), max(height - h, 0)
        img = pad(img, [over_w // 2, over_h // 2, (over_w + 1) // 2, (over_h + 1) // 2])
        _, h, w = dimensions(img)
        if (width, height) == (w, h):
            return img
    return crop(img, round((h - height) / 2.0), round((w - width) / 2.0), height, width)


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, numbers.Number):
        return int(size), int(size)  # type: ignore[call-overload]
    return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])


def hflip(img: Any) -> Any:
    """The image mirrored left to right.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.hflip.html
    """
    return img.flip(-1) if isinstance(img, Tensor) else like(img, spatial(img)[..., ::-1])


def vflip(img: Any) -> Any:
    """The image upside down.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.vflip.html
    """
    return img.flip(-2) if isinstance(img, Tensor) else like(img, spatial(img)[..., ::-1, :])


def _fill_values(img: Any, fill: Any) -> np.ndarray:
    """One number a channel."""
    channels = dimensions(img)[0]
    values = np.atleast_1d(np.asarray(0 if fill is None else fill))
    if values.size not in (1, channels):
        raise ValueError(
            f"The number of elements in 'fill' does not match the number of channels of the image "
            f"({values.size} != {channels})"
        )
    return np.broadcast_to(values, (channels,))


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """Adds a border of `padding`: one number, (left-right, top-bottom) or (left, top, right, bottom); negative cuts.

    `padding_mode` is "constant" (`fill`: a number, or one a channel), "edge", "reflect" or "symmetric". Raises
    TypeError or ValueError for other arguments.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.pad.html
    """
    left, top, right, bottom = _four_sides(padding)
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    array = spatial(img)
    h, w = array.shape[-2:]
    array = array[..., max(-top, 0) : h - max(-bottom, 0), max(-left, 0) : w - max(-right, 0)]
    left, top, right, bottom = (max(side, 0) for side in (left, top, right, bottom))
    sides = [(0, 0)] * (array.ndim - 2) + [(top, bottom), (left, right)]
    if padding_mode != "constant":
        return like(img, np.pad(array, sides, padding_mode))  # type: ignore[call-overload]
    values = _fill_values(img, fill)
    shape = (*array.shape[:-2], array.shape[-2] + top + bottom, array.shape[-1] + left + right)
    result = np.empty(shape, array.dtype)
    result[...] = values[0] if array.ndim == 2 else values.reshape(-1, 1, 1)
    result[..., top : top + array.shape[-2], left : left + array.shape[-1]] = array
    return like(img, result)


def _four_sides(padding: Any) -> tuple[int, int, int, int]:
    if isinstance(padding, numbers.Number):
        padding = (padding,)
    if not isinstance(padding, (tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    sides = tuple(padding) * (4 // len(padding))
    return int(sides[0]), int(sides[1]), int(sides[2]), int(sides[3])


def output_size_of(height: int, width: int, size: Any, max_size: int | None = None) -> tuple[int, int]:
    """(h, w) that `resize` makes: `size` itself if it is a pair; else the shorter side gets it and the ratio stays."""
    if not isinstance(size, int) and len(size) == 2:
        if max_size is not None:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1 in torchscript mode."
            )
        return size[0], size[1]
    wanted = size if isinstance(size, int) else size[0]
    short, long = min(height, width), max(height, width)
    new_short, new_long = wanted, int(wanted * long / short)
    if max_size is not None:
        if max_size <= wanted:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size "
                f"for the smaller edge size = {size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Resizes to `size` (h, w), or so that the shorter side has `size` (and the longer at most `max_size`).

    Byte images follow Pillow's arithmetic. `antialias` matters for tensors only (bilinear and bicubic), which know the
    modes nearest, nearest-exact, bilinear and bicubic. Raises TypeError or ValueError for other arguments.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.resize.html
    """
    mode = as_interpolation(interpolation)
    if isinstance(size, (list, tuple)) and len(size) not in (1, 2):
        raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element tuple/list")
    _, h, w = dimensions(img)
    height, width = output_size_of(h, w, size, max_size)
    if min(height, width) <= 0:
        raise ValueError(f"an image can't be resized to {height} x {width}")
    if (height, width) == (h, w):
        return img
    array = spatial(img)
    if mode in (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT):
        centered = mode is InterpolationMode.NEAREST_EXACT or not isinstance(img, Tensor)
        return like(img, _resample.resize_nearest(array, height, width, centered))
    if not isinstance(img, Tensor):
        return like(img, _resample.resize_filtered(array, height, width, mode.value))
    if mode not in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
        raise ValueError("This function supports only nearest, nearest-exact, bilinear and bicubic for tensors")
    return like(img, _resize_tensor(array, height, width, mode.value, bool(antialias)))


def _resize_tensor(array: np.ndarray, height: int, width: int, name: str, antialias: bool) -> np.ndarray:
    if array.dtype.kind == "f":
        return _resample.resize_filtered(array, height, width, name, antialias)
    # Integers are resized as float32 and rounded once.
    resized = np.rint(_resample.resize_filtered(array.astype(np.float32), height, width, name, antialias))
    limits = np.iinfo(array.dtype)
    clipped: np.ndarray = np.clip(resized, limits.min, limits.max)
    return clipped.astype(array.dtype)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """`crop`, then `resize`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.resized_crop.html
    """
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """Turns counter-clockwise by `angle` degrees about `center` (x, y; default the middle).

    `expand` makes the result large enough to hold all; `fill` is a number, or one a channel, for where nothing was.
    Modes: nearest and bilinear. Raises TypeError or ValueError for other arguments.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.rotate.html
    """
    mode = as_interpolation(interpolation)
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(f"rotate reads between pixels by nearest or bilinear, not {mode.value}")
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and (not isinstance(center, (list, tuple)) or len(center) != 2):
        raise ValueError("Argument center should be a sequence of two numbers")
    about = None if center is None else (float(center[0]), float(center[1]))
    filling = _fill_values(img, fill)
    bilinear = mode is InterpolationMode.BILINEAR
    return like(img, _resample.rotate(spatial(img), angle, bilinear, expand, about, filling))


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """The brightness of a colour image, `0.299 R + 0.587 G + 0.114 B`, in one channel or three equal ones.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.rgb_to_grayscale.html
    """
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    array = spatial(img)
    channels = dimensions(img)[0]
    if channels not in (1, 3) and not is_pil(img):
        raise TypeError(f"Input image tensor permitted channel values are 1 or 3, but found {channels}")
    grey = luminance(array, isinstance(img, Tensor)) if channels >= 3 else array[..., -array.shape[-2] :, :]
    if isinstance(img, Tensor):
        grey = grey[..., None, :, :] if channels >= 3 else grey
        return wrap(np.repeat(grey, num_output_channels, -3) if num_output_channels == 3 else np.array(grey))
    grey = grey if grey.ndim == 2 else grey[0]
    pixels = np.repeat(grey[..., None], 3, -1) if num_output_channels == 3 else np.ascontiguousarray(grey)
    return pillow("a PIL image").fromarray(pixels) if is_pil(img) else pixels


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """`rgb_to_grayscale`, under the name that PIL images have it by.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.to_grayscale.html
    """
    return rgb_to_grayscale(img, num_output_channels)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """Writes `v` over the rectangle from row `i`, column `j`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.erase.html
    """
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    target = img if inplace else img.clone()
    target[..., i : i + h, j : j + w] = v
    return target


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A PIL image of a tensor (H×W or C×H×W; floats are taken for [0, 1]) or an array (H×W or H×W×C).

    Raises TypeError or ValueError for other shapes and types, ImportError without Pillow.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.to_pil_image.html
    """
    image_module = pillow("to_pil_image")
    if not isinstance(pic, (Tensor, np.ndarray)):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    pixels = pic.detach().numpy() if isinstance(pic, Tensor) else pic
    if isinstance(pic, Tensor) and pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, -1)
    if isinstance(pic, Tensor) and pixels.dtype.kind == "f" and mode != "F":
        pixels = (pixels * 255).astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[2] > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {pixels.shape[2]} channels.")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    allowed = _modes_of(channels, pixels.dtype)
    if not allowed:
        raise TypeError(f"Input type {pixels.dtype} is not supported")
    if mode is not None and mode not in allowed:
        raise ValueError(f"Incorrect mode ({mode}) supplied for input type {pixels.dtype}. Should be one of {allowed}")
    pixels = np.ascontiguousarray(pixels)
    if (mode or allowed[0]) in ("L", "RGB", "RGBA", "LA", "F", "I", "I;16"):
        image = image_module.fromarray(pixels)
        return image if image.mode == (mode or allowed[0]) else image.convert(mode or allowed[0])
    return image_module.frombytes(mode, pixels.shape[1::-1], pixels.tobytes())


def _modes_of(channels: int, dtype: np.dtype) -> tuple[str, ...]:
    if channels == 1:
        return {"|u1": ("L",), "<i2": ("I;16",), "<u2": ("I;16",), "<i4": ("I",), "<f4": ("F",)}.get(dtype.str, ())
    if dtype != np.uint8:
        return ()
    return {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}[channels]
