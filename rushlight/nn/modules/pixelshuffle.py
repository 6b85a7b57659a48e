"""Channels into pixels, and back."""

from __future__ import annotations

from typing import ClassVar

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """Every group of r² channels laid out as one channel of r times the height and width.

    Shapes: (*, C · r², H, W) → (*, C, H · r, W · r), r = `upscale_factor`. RuntimeError, from the call, for other
    numbers of channels.

    >>> import rushlight as torch
    >>> torch.nn.PixelShuffle(2)(torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1))
    tensor([[[[1., 2.],
              [3., 4.]]]])

    Source: W. Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
    neural network", 2016; https://docs.pytorch.org/docs/2.13/generated/torch.nn.PixelShuffle.html
    """

    __constants__: ClassVar[list[str]] = ["upscale_factor"]
    upscale_factor: int

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """The inverse of `PixelShuffle`: every square of r · r pixels laid out as r² channels.

    Shapes: (*, C, H · r, W · r) → (*, C · r², H, W), r = `downscale_factor`. RuntimeError, from the call, for other
    heights and widths.

    >>> import rushlight as torch
    >>> torch.nn.PixelUnshuffle(2)(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).flatten()
    tensor([1., 2., 3., 4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.PixelUnshuffle.html
    """

    __constants__: ClassVar[list[str]] = ["downscale_factor"]
    downscale_factor: int

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"
