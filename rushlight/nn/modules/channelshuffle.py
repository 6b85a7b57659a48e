"""Shuffling channels between groups."""

from __future__ import annotations

from typing import ClassVar

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """The channels, in `groups` groups, taken in turn: the first of each group, then the second of each, and so on.

    Shapes: (N, C, *) → the same, C a multiple of `groups`. RuntimeError, from the call, for other numbers of channels.

    >>> import rushlight as torch
    >>> torch.nn.ChannelShuffle(2)(torch.arange(4.0).reshape(1, 4, 1, 1)).flatten()
    tensor([0., 2., 1., 3.])

    Source: X. Zhang et al., "ShuffleNet", 2018; https://docs.pytorch.org/docs/2.13/generated/torch.nn.ChannelShuffle.html
    """

    __constants__: ClassVar[list[str]] = ["groups"]
    groups: int

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
