"""Fusing layers of a model, by their names."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from rushlight.ao._kinds import type_of
from rushlight.ao.quantization.fuser_method_mappings import get_fuser_method
from rushlight.nn.modules.linear import Identity
from rushlight.nn.modules.module import Module

__all__ = ["fuse_modules", "fuse_modules_qat"]


def fuse_known_modules(
    mod_list: list[Any], is_qat: bool, additional_fuser_method_mapping: dict[Any, Any] | None = None
) -> list[Any]:
    """The layer that these become, and an Identity for each of the rest. NotImplementedError for others than

    conv, bn · conv, bn, relu · conv, relu · linear, bn · linear, relu · bn, relu · transposed conv, bn.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    types = tuple(type_of(module) for module in mod_list)
    fuse = get_fuser_method(types, additional_fuser_method_mapping)
    fused = fuse(is_qat, *mod_list)
    # What was called before the first and after the last still is.
    for hook in mod_list[0]._forward_pre_hooks.values():
        fused.register_forward_pre_hook(hook)
    mod_list[0]._forward_pre_hooks.clear()
    for hook in mod_list[-1]._forward_hooks.values():
        fused.register_forward_hook(hook)
    mod_list[-1]._forward_hooks.clear()
    rest: list[Any] = []
    for _ in mod_list[1:]:
        identity = Identity()
        identity.training = mod_list[0].training
        rest.append(identity)
    return [fused, *rest]


def _fuse(
    model: Any, names: list[str], is_qat: bool, fuser_func: Callable[..., list[Any]], config: dict[str, Any] | None
) -> None:
    additional = (config or {}).get("additional_fuser_method_mapping", {})
    found = [model.get_submodule(name) for name in names]
    for name, module in zip(names, fuser_func(found, is_qat, additional), strict=True):
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, module)


def _fuse_modules(
    model: Any,
    modules_to_fuse: Any,
    is_qat: bool,
    inplace: bool,
    fuser_func: Callable[..., list[Any]],
    config: dict[str, Any] | None,
) -> Any:
    model = model if inplace else copy.deepcopy(model)
    groups = [modules_to_fuse] if all(isinstance(name, str) for name in modules_to_fuse) else modules_to_fuse
    for names in groups:
        _fuse(model, list(names), is_qat, fuser_func, config)
    return model


def fuse_modules(
    model: Module,
    modules_to_fuse: Any,
    inplace: bool = False,
    fuser_func: Callable[..., list[Any]] = fuse_known_modules,
    fuse_custom_config_dict: dict[str, Any] | None = None,
) -> Any:
    """A model (a copy, unless `inplace`) in which layers that follow each other are one, for after training.

    `modules_to_fuse` is a list of names, or of such lists. The first becomes the fused layer, the rest Identity.

    >>> import rushlight as torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()).eval()
    >>> torch.ao.quantization.fuse_modules(model, ["0", "1"])
    Sequential(
      (0): LinearReLU(
        (0): Linear(in_features=2, out_features=2, bias=True)
        (1): ReLU()
      )
      (1): Identity()
    )

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fuse_modules.fuse_modules.html
    """
    return _fuse_modules(model, modules_to_fuse, False, inplace, fuser_func, fuse_custom_config_dict)


def fuse_modules_qat(
    model: Module,
    modules_to_fuse: Any,
    inplace: bool = False,
    fuser_func: Callable[..., list[Any]] = fuse_known_modules,
    fuse_custom_config_dict: dict[str, Any] | None = None,
) -> Any:
    """`fuse_modules` for training: a normalisation stays a layer, within the fused one.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return _fuse_modules(model, modules_to_fuse, True, inplace, fuser_func, fuse_custom_config_dict)
