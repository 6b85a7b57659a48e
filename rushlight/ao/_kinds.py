"""What layers and the quantization of models both ask: the kind of a scheme, of a module."""

from __future__ import annotations

from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.quantizer import (
    per_channel_affine,
    per_channel_affine_float_qparams,
    per_channel_symmetric,
    per_tensor_affine,
    per_tensor_symmetric,
)
from rushlight.quantizer import (
    qscheme as Scheme,
)

__all__ = ["has_no_children_ignoring_parametrizations", "is_per_channel", "is_per_tensor", "type_of"]


def is_per_tensor(qscheme: Scheme) -> bool:
    """Whether a scheme has one scale for a tensor."""
    return qscheme in (per_tensor_affine, per_tensor_symmetric)


def is_per_channel(qscheme: Scheme) -> bool:
    """Whether a scheme has a scale for each channel."""
    return qscheme in (per_channel_affine, per_channel_affine_float_qparams, per_channel_symmetric)


def has_no_children_ignoring_parametrizations(module: Module) -> bool:
    """Whether a module has no submodules besides its parametrizations."""
    return all(name == "parametrizations" for name in module._modules)


def type_of(module: Module) -> type[Any]:
    """A module's class, before parametrizations replaced it."""
    if "parametrizations" in module._modules:
        return type(module).__bases__[0]
    return type(module)
