"""Modules without initial weights."""

from __future__ import annotations

import inspect
from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.random import default_generator

__all__ = ["skip_init"]


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module whose parameters and buffers have undefined values, made without a draw from the generator.

    For weights that are loaded or set afterwards. The class's constructor must take `device` and hand it to all
    parameters; RuntimeError for a class that has none, or is no Module. PyTorch constructs on the device "meta", which
    has no memory; here the constructor runs as ever, and then the generator is put back to where it was.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.skip_init(torch.nn.Linear, 5, 1)
    >>> layer.weight.shape
    torch.Size([1, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.skip_init.html
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.pop("device", "cpu")
    before = default_generator.get_state()
    try:
        module = module_cls(*args, device=device, **kwargs)
    finally:
        default_generator.set_state(before)
    return module.to_empty(device=device)
