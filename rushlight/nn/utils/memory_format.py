"""Weights of convolutions in another memory format: the same numbers in another order in memory."""

from __future__ import annotations

from typing import TypeVar

from rushlight.layout import memory_format as MemoryFormat
from rushlight.layout import preserve_format
from rushlight.nn.modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from rushlight.nn.modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

ModuleT = TypeVar("ModuleT", bound=Module)


def _convert(module: Module, kinds: tuple[type[Module], ...], format_: MemoryFormat) -> None:
    for part in module.modules():
        if isinstance(part, kinds):
            weight = part.weight.detach().clone(memory_format=format_)
            if format_ is preserve_format:
                raise RuntimeError("Unsupported memory formatPreserve")
            part.weight.data = weight


def convert_conv2d_weight_memory_format(module: ModuleT, memory_format: MemoryFormat) -> ModuleT:
    """Put the weights of all Conv2d and ConvTranspose2d within a module into a memory format, and return the module.

    memory_format is `torch.channels_last` or `torch.contiguous_format`. The weights stay the same Parameters.
    RuntimeError for other formats.

    >>> import rushlight as torch
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(8, 4, 3), torch.nn.ReLU())
    >>> net = torch.nn.utils.memory_format.convert_conv2d_weight_memory_format(net, torch.channels_last)
    >>> net[0].weight.stride()
    (72, 1, 24, 8)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.convert_conv2d_weight_memory_format.html
    """
    _convert(module, (Conv2d, ConvTranspose2d), memory_format)
    return module


def convert_conv3d_weight_memory_format(module: ModuleT, memory_format: MemoryFormat) -> ModuleT:
    """Put the weights of all Conv3d and ConvTranspose3d within a module into a memory format, and return the module.

    memory_format is `torch.channels_last_3d` or `torch.contiguous_format`. The weights stay the same Parameters.
    RuntimeError for other formats.

    >>> import rushlight as torch
    >>> net = torch.nn.Sequential(torch.nn.Conv3d(8, 4, 2), torch.nn.ReLU())
    >>> net = torch.nn.utils.memory_format.convert_conv3d_weight_memory_format(net, torch.channels_last_3d)
    >>> net[0].weight.stride()
    (64, 1, 32, 16, 8)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.convert_conv3d_weight_memory_format.html
    """
    _convert(module, (Conv3d, ConvTranspose3d), memory_format)
    return module
