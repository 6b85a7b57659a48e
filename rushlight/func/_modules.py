"""Modules as functions of their parameters.

Source: https://docs.pytorch.org/docs/2.13/func.api.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.nn.modules.batchnorm import _BatchNorm
from rushlight.nn.modules.container import ModuleList
from rushlight.nn.modules.module import Module
from rushlight.nn.utils.stateless import call_with, joined
from rushlight.ops.joining import stack
from rushlight.tensor import Tensor

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`module(*args, **kwargs)` with other parameters and buffers, given by path in one dictionary or in several.

    `args` is a tuple, or the one argument. A parameter that has several names takes the value given under any of them,
    unless `tie_weights` is False. A tensor that the module replaces during the call is replaced in the dictionary, not
    in the module. RuntimeError if `strict` and not all tensors, or others, are given; ValueError for two values of one
    parameter or one key in two dictionaries.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> tensors = {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}
    >>> torch.func.functional_call(layer, tensors, torch.ones(2))
    tensor([2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.functional_call.html
    """
    tensors = joined(parameter_and_buffer_dicts)
    return call_with(module, tensors, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Sequence[Module] | ModuleList) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several modules of one class, stacked by name along a new first dimension.

    The stacked parameters are new leaves. RuntimeError for no module, for different classes or modes, and for a
    tensor that requires a gradient in some of them only.

    >>> import rushlight as torch
    >>> parameters, _ = torch.func.stack_module_state([torch.nn.Linear(2, 1) for _ in range(3)])
    >>> parameters["weight"].shape
    torch.Size([3, 1, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.stack_module_state.html
    """
    listed = list(models)
    if not listed:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in listed}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(m) for m in listed}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(m.named_parameters()) for m in listed]
    buffers = [dict(m.named_buffers()) for m in listed]
    return _stacked(parameters), _stacked(buffers)


def _stacked(named: list[dict[str, Any]]) -> dict[str, Tensor]:
    result = {}
    for name in named[0]:
        tensors = [one[name] for one in named]
        wanted = {t.requires_grad for t in tensors}
        if len(wanted) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        stacked = stack(tensors)
        result[name] = stacked.detach().requires_grad_() if True in wanted else stacked
    return result


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let every batch norm within `root`, in place, use the batch's statistics and keep none; returns `root`.

    Running statistics are written to at each call, which a function inside `vmap` must not do.

    >>> import rushlight as torch
    >>> torch.func.replace_all_batch_norm_modules_(torch.nn.BatchNorm1d(2)).running_mean is None
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.replace_all_batch_norm_modules_.html
    """
    for module in root.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root
