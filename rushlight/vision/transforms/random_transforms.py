"""Random image transforms.

They draw from Rushlight's default generator in torchvision's order, so one seed gives one sequence of images here and
there. Those that torchvision makes modules are modules here.
"""

from __future__ import annotations

import math
import numbers
import random
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from rushlight import dtypes, nn
from rushlight.ops.creation import empty, tensor
from rushlight.ops.powers import exp, log
from rushlight.ops.random import rand, randint, randperm
from rushlight.tensor import Tensor

from . import color
from . import functional as F
from .functional import InterpolationMode, as_interpolation
from .transforms import Transform, two_sides

__all__ = [
    "ColorJitter", "RandomApply", "RandomChoice", "RandomCrop", "RandomErasing", "RandomGrayscale",
    "RandomHorizontalFlip", "RandomOrder", "RandomResizedCrop", "RandomRotation", "RandomTransforms",
    "RandomVerticalFlip",
]  # fmt: skip


def _uniform(low: float, high: float) -> float:
    return float(empty(1).uniform_(float(low), float(high)).item())


def _randint(high: int) -> int:
    return int(randint(0, high, (1,)).item())


def _happens(p: float) -> bool:
    return bool(rand(1).item() < p)


class RandomTransforms:
    """The base of transforms that choose among others; TypeError when they aren't a sequence.

    Source: https://docs.pytorch.org/vision/stable/transforms.html
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        if not isinstance(transforms, Sequence):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__")

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", *(f"    {transform}" for transform in self.transforms), ")"])


class RandomApply(nn.Module):
    """With probability `p`, applies all of the transforms in order; else none.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomApply.html
    """

    def __init__(self, transforms: Sequence[Transform], p: float = 0.5) -> None:
        super().__init__()
        self.transforms = transforms
        self.p = p

    def forward(self, img: Any) -> Any:
        if self.p < rand(1).item():
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = [f"p={self.p}", *map(str, self.transforms)]
        return "\n".join([f"{type(self).__name__}(", *(f"    {line}" for line in lines), ")"])


class RandomOrder(RandomTransforms):
    """Applies the transforms in an order that Python's `random` shuffles.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomOrder.html
    """

    def __call__(self, img: Any) -> Any:
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for i in order:
            img = self.transforms[i](img)
        return img


class RandomChoice(RandomTransforms):
    """Applies one of the transforms, which Python's `random` chooses with the weights `p`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomChoice.html
    """

    def __init__(self, transforms: Sequence[Transform], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        self.p = p

    def __call__(self, *args: Any) -> Any:
        return random.choices(self.transforms, weights=self.p)[0](*args)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class RandomHorizontalFlip(nn.Module):
    """Mirrors an image left to right with probability `p`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomHorizontalFlip.html
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return F.hflip(img) if _happens(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomVerticalFlip(nn.Module):
    """Turns an image upside down with probability `p`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomVerticalFlip.html
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return F.vflip(img) if _happens(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomGrayscale(nn.Module):
    """With probability `p`, takes the colour out of an image, which keeps its number of channels.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomGrayscale.html
    """

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        channels = F.get_dimensions(img)[0]
        return F.rgb_to_grayscale(img, num_output_channels=channels) if _happens(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomCrop(nn.Module):
    """A rectangle of `size` (h, w, or one number) at a random place, after an optional border.

    `padding`, `fill` and `padding_mode` are those of `Pad`; `pad_if_needed` adds what the image lacks. Raises
    ValueError when the rectangle is larger than the image.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomCrop.html
    """

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = two_sides(size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Draws top and left; returns them with height and width."""
        _, h, w = F.get_dimensions(img)
        th, tw = output_size
        if h < th or w < tw:
            raise ValueError(f"Required crop size {(th, tw)} is larger than input image size {(h, w)}")
        if (h, w) == (th, tw):
            return 0, 0, h, w
        top = _randint(h - th + 1)
        left = _randint(w - tw + 1)
        return top, left, th, tw

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, height, width = F.get_dimensions(img)
        if self.pad_if_needed and width < self.size[1]:
            img = F.pad(img, [self.size[1] - width, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and height < self.size[0]:
            img = F.pad(img, [0, self.size[0] - height], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


def _random_sides(
    area: int, scale: Sequence[float], ratio: Sequence[float], fits: Callable[[int, int], bool]
) -> tuple[int, int] | None:
    """Two sides with a random share of the area, second to first in a random ratio; None after ten that don't fit."""
    low, high = (float(log(tensor(float(bound))).item()) for bound in ratio)
    for _ in range(10):
        share = area * _uniform(scale[0], scale[1])
        quotient = float(exp(tensor(_uniform(low, high))).item())
        first, second = round(math.sqrt(share / quotient)), round(math.sqrt(share * quotient))
        if fits(first, second):
            return first, second
    return None


class RandomResizedCrop(nn.Module):
    """A random part of an image (`scale`: its share of the area, `ratio`: width to height), resized to `size`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomResizedCrop.html
    """

    def __init__(
        self,
        size: Any,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = two_sides(size)
        _check_ranges(scale, ratio)
        self.interpolation = as_interpolation(interpolation)
        self.antialias = antialias
        self.scale = scale
        self.ratio = ratio

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """Draws (top, left, height, width); after ten vain draws the largest middle part with an allowed ratio."""
        _, height, width = F.get_dimensions(img)
        sides = _random_sides(height * width, scale, ratio, lambda h, w: 0 < w <= width and 0 < h <= height)
        if sides is not None:
            h, w = sides
            top = _randint(height - h + 1)
            left = _randint(width - w + 1)
            return top, left, h, w
        h, w = height, width
        if width / height < min(ratio):
            h = round(w / min(ratio))
        elif width / height > max(ratio):
            w = round(h * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Any) -> Any:
        place = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *place, self.size, self.interpolation, antialias=self.antialias)

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(value, 4) for value in values) for values in (self.scale, self.ratio))
        return (
            f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )


def _check_ranges(scale: Any, ratio: Any) -> None:
    for name, values in (("Scale", scale), ("Ratio", ratio)):
        if not isinstance(values, Sequence):
            raise TypeError(f"{name} should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=4)


class RandomErasing(nn.Module):
    """With probability `p`, writes `value` over a random rectangle of a tensor image ("random": normal noise).

    Source: Z. Zhong et al., "Random erasing data augmentation", 2017, https://arxiv.org/abs/1708.04896;
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomErasing.html
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        _check_ranges(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p = p
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.inplace = inplace

    def forward(self, img: Tensor) -> Tensor:
        if not _happens(self.p):
            return img
        channels, height, width = F.get_dimensions(img)
        if isinstance(self.value, (tuple, list)) and len(self.value) not in (1, channels):
            raise ValueError(
                f"If value is a sequence, it should have either a single value or {channels} (number of input channels)"
            )
        # Here the ratio is height to width: the sides change places.
        sides = _random_sides(height * width, self.scale, self.ratio, lambda w, h: h < height and w < width)
        if sides is None:
            return F.erase(img, 0, 0, height, width, img, self.inplace)
        w, h = sides
        if self.value == "random":
            value: Any = empty([channels, h, w], dtype=dtypes.float32).normal_()
        else:
            values: Any = self.value if isinstance(self.value, (tuple, list)) else [self.value]
            value = tensor([float(v) for v in values])[:, None, None]
        top = _randint(height - h + 1)
        left = _randint(width - w + 1)
        return F.erase(img, top, left, h, w, value, self.inplace)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, "
            f"inplace={self.inplace})"
        )


class RandomRotation(nn.Module):
    """Turns an image by a random angle of `degrees` (low, high; one number stands for ± it): see `functional.rotate`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomRotation.html
    """

    def __init__(
        self,
        degrees: Any,
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        if isinstance(degrees, numbers.Real):
            if degrees < 0:
                raise ValueError("If degrees is a single number, it must be positive.")
            degrees = [-degrees, degrees]
        elif not isinstance(degrees, Sequence) or len(degrees) != 2:
            raise ValueError("degrees should be a sequence of length 2.")
        self.degrees = [float(angle) for angle in degrees]
        if center is not None and (not isinstance(center, Sequence) or len(center) != 2):
            raise ValueError("center should be a sequence of length 2.")
        self.center = center
        self.interpolation = as_interpolation(interpolation)
        self.expand = expand
        self.fill = 0 if fill is None else fill
        if not isinstance(self.fill, (Sequence, numbers.Number)):
            raise TypeError("Fill should be either a sequence or a number.")

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """Draws the angle."""
        return _uniform(degrees[0], degrees[1])

    def forward(self, img: Any) -> Any:
        angle = self.get_params(self.degrees)
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        parts = [f"degrees={self.degrees}", f"interpolation={self.interpolation.value}", f"expand={self.expand}"]
        if self.center is not None:
            parts.append(f"center={self.center}")
        if self.fill is not None:
            parts.append(f"fill={self.fill}")
        return f"{type(self).__name__}({', '.join(parts)})"


class ColorJitter(nn.Module):
    """Changes brightness, contrast, saturation and hue by random factors, in random order.

    Each is one number `v` (factors from max(0, 1 - v) to 1 + v; for hue shifts from -v to v, at most 0.5) or (low,
    high). Raises TypeError or ValueError for other arguments.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ColorJitter.html
    """

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness = self._range(brightness, "brightness")
        self.contrast = self._range(contrast, "contrast")
        self.saturation = self._range(saturation, "saturation")
        self.hue = self._range(hue, "hue", center=0.0, bound=(-0.5, 0.5), clip=False)

    @staticmethod
    def _range(
        value: Any, name: str, center: float = 1.0, bound: tuple[float, float] = (0.0, math.inf), clip: bool = True
    ) -> tuple[float, float] | None:
        if isinstance(value, numbers.Real):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            low, high = center - float(value), center + float(value)
            if clip:
                low = max(low, 0.0)
        elif isinstance(value, (tuple, list)) and len(value) == 2:
            low, high = float(value[0]), float(value[1])
        else:
            raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
        if not bound[0] <= low <= high <= bound[1]:
            raise ValueError(f"{name} values should be between {bound}, but got {[low, high]}.")
        return None if low == high == center else (low, high)

    @staticmethod
    def get_params(
        brightness: Any, contrast: Any, saturation: Any, hue: Any
    ) -> tuple[Tensor, float | None, float | None, float | None, float | None]:
        """Draws the order, then each factor that has a range."""
        order = randperm(4)
        b, c, s, h = (None if span is None else _uniform(*span) for span in (brightness, contrast, saturation, hue))
        return order, b, c, s, h

    def forward(self, img: Any) -> Any:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        adjust = (color.adjust_brightness, color.adjust_contrast, color.adjust_saturation, color.adjust_hue)
        for i in order.tolist():
            factor = factors[i]
            if factor is not None:
                img = adjust[i](img, factor)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
            f"saturation={self.saturation}, hue={self.hue})"
        )
