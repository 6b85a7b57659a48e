"""Channels into pixels and back, and channels between groups: elements reordered within each sample.

Shapes follow from one factor, which must divide the channels or the lengths.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from rushlight.autograd.operation import Operation
from rushlight.ops._geometry import in_order
from rushlight.ops._numeric import Array, check_tensor

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


class PixelShuffle(Operation):
    """(*, C · r², H, W) → (*, C, H · r, W · r)."""

    node_name = "PixelShuffleBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, r: int) -> Array:
        ctx.r = r
        *lead, c, h, w = input._array.shape
        inner = input._array.reshape(*lead, c // r**2, r, r, h, w)
        n = len(lead)
        inner = inner.transpose(*range(n + 1), n + 3, n + 1, n + 4, n + 2)
        return in_order(inner).reshape(*lead, c // r**2, h * r, w * r)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return PixelUnshuffle.apply(grad, ctx.r), None


class PixelUnshuffle(Operation):
    """(*, C, H · r, W · r) → (*, C · r², H, W)."""

    node_name = "PixelUnshuffleBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, r: int) -> Array:
        ctx.r = r
        *lead, c, h, w = input._array.shape
        inner = input._array.reshape(*lead, c, h // r, r, w // r, r)
        n = len(lead)
        inner = inner.transpose(*range(n + 1), n + 2, n + 4, n + 1, n + 3)
        return in_order(inner).reshape(*lead, c * r**2, h // r, w // r)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return PixelShuffle.apply(grad, ctx.r), None


class ChannelShuffle(Operation):
    """Channel `j` of group `i` of `groups` becomes channel `i` of group `j`."""

    node_name = "ChannelShuffleBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, groups: int) -> Array:
        array = input._array
        n, c, *sizes = array.shape
        ctx.others = c // groups
        inner = array.reshape(n, groups, c // groups, *sizes).swapaxes(1, 2)
        return in_order(inner).reshape(array.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        # No channels: any number of groups does.
        return ChannelShuffle.apply(grad, ctx.others or 1), None


def _integer(function: str, name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"{function}(): argument '{name}' (position 2) must be int, not {type(value).__name__}"
        ) from None


def _check_image(function: str, input: Tensor, name: str, factor: int) -> None:
    ndim = input._array.ndim
    if ndim < 3:
        raise RuntimeError(
            f"{function} expects input to have at least 3 dimensions, but got input with {ndim} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{function} expects a positive {name}, but got {factor}")


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Every group of r² channels laid out as one channel of r times the height and width.

    Shapes: (*, C · r², H, W) → (*, C, H · r, W · r), r = `upscale_factor`; any dtype. Raises RuntimeError for fewer
    than 3 dimensions, a factor that is not positive and channels that are not a multiple of r².

    >>> import rushlight as torch
    >>> torch.pixel_shuffle(torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1), 2)
    tensor([[[[1., 2.],
              [3., 4.]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.pixel_shuffle.html
    """
    check_tensor("pixel_shuffle", "input", 1, input)
    r = _integer("pixel_shuffle", "upscale_factor", upscale_factor)
    _check_image("pixel_shuffle", input, "upscale_factor", r)
    channels = input._array.shape[-3]
    if channels % r**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {r**2}"
        )
    return PixelShuffle.apply(input, r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """The inverse of `pixel_shuffle`: every square of r · r pixels laid out as r² channels.

    Shapes: (*, C, H · r, W · r) → (*, C · r², H, W), r = `downscale_factor`; any dtype. Raises RuntimeError for fewer
    than 3 dimensions, a factor that is not positive, a height or width that is not a multiple of r.

    >>> import rushlight as torch
    >>> torch.pixel_unshuffle(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), 2).flatten()
    tensor([1., 2., 3., 4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.pixel_unshuffle.html
    """
    check_tensor("pixel_unshuffle", "input", 1, input)
    r = _integer("pixel_unshuffle", "downscale_factor", downscale_factor)
    _check_image("pixel_unshuffle", input, "downscale_factor", r)
    for name, dim in (("height", -2), ("width", -1)):
        size = input._array.shape[dim]
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({dim})={size} is "
                f"not divisible by {r}"
            )
    return PixelUnshuffle.apply(input, r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels, in `groups` groups, taken in turn: the first of each group, then the second of each, and so on.

    Shapes: (N, C, *) → the same; any dtype. Raises RuntimeError for fewer than 3 dimensions, groups that are not
    positive and channels that are not a multiple of them.

    >>> import rushlight as torch
    >>> torch.channel_shuffle(torch.arange(4.0).reshape(1, 4, 1, 1), 2).flatten()
    tensor([0., 2., 1., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.channel_shuffle.html
    """
    check_tensor("channel_shuffle", "input", 1, input)
    groups = _integer("channel_shuffle", "groups", groups)
    shape = input._array.shape
    if len(shape) < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {shape[1]} channels and {groups} groups."
        )
    return ChannelShuffle.apply(input, groups)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """`channel_shuffle` by another name.

    >>> import rushlight as torch
    >>> torch.native_channel_shuffle(torch.arange(4.0).reshape(1, 4, 1, 1), 2).flatten()
    tensor([0., 2., 1., 3.])

    Source: https://docs.pytorch.org/docs/2.13/nn.functional.html
    """
    return channel_shuffle(input, groups)
