"""Other parameters and another state in an optimizer's place, for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rushlight.autograd.variable import Variable
from rushlight.optim.optimizer import Optimizer
from rushlight.tensor import Tensor

__all__ = ["swap_in_optimizer_params_and_state"]

_NAME = "swap_in_optimizer_params_and_state"


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Let an optimizer hold other parameters, and the state and options of a `state_dict()`, within a `with` block.

    The parameters come in the order of the optimizer's groups, whatever their names; the state's entries are copied one
    level deep, so that what a step puts in their places doesn't show in `swapin_optim_state`, while what it writes into
    their tensors does. After the block the optimizer holds what it held. Raises RuntimeError for an optimizer that took
    no step yet, and for a state or parameters that don't fit it.

    >>> import rushlight as torch
    >>> w, other = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.zeros(1))
    >>> optimizer = torch.optim.SGD([w], lr=1.0, momentum=0.5)
    >>> w.grad = other.grad = torch.ones(1)
    >>> optimizer.step()
    >>> with torch.optim.swap_in_optimizer_params_and_state(optimizer, {"w": other}, optimizer.state_dict()):
    ...     optimizer.step()
    >>> w.item(), other.item()
    (0.0, -1.5)

    Source: https://docs.pytorch.org/docs/2.13/optim.html
    """
    state, groups = _checked(optimizer, swapin_optim_state)
    parameters = list(swapin_parameters.values())
    if sum(len(group["params"]) for group in groups) > len(parameters):
        raise RuntimeError(
            f"{_NAME} requires the explicit parameter state to match optimizer.param_groups ordering: expected "
            f"{sum(len(group['params']) for group in groups)} parameters, but got {len(parameters)}."
        )
    before = optimizer.state, [dict(group) for group in optimizer.param_groups]
    try:
        inside: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        rest = iter(parameters)
        for live, group in zip(optimizer.param_groups, groups, strict=True):
            numbers = group["params"]
            live.update(group, params=[next(rest) for _ in numbers])
            for param, n in zip(live["params"], numbers, strict=True):
                inside[param] = dict(state.get(n, {}))
        optimizer.state = inside
        yield
    finally:
        optimizer.state = before[0]
        for live, group in zip(optimizer.param_groups, before[1], strict=True):
            live.clear()
            live.update(group)


def _checked(optimizer: Optimizer, given: Any) -> tuple[dict[Any, Any], list[dict[str, Any]]]:
    """The state and the groups of a `state_dict()`; RuntimeError for one that doesn't fit the optimizer."""
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    if not isinstance(given, dict):
        raise RuntimeError(f"{_NAME} requires an optimizer state_dict, got {type(given).__name__}.")
    state, groups = given.get("state"), given.get("param_groups")
    if not isinstance(state, dict):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be a dict mapping packed parameter ids to per-param "
            f"state dicts, got {type(state).__name__}."
        )
    if any(isinstance(key, Variable) for key in state):
        raise RuntimeError(f"{_NAME} requires optimizer.state_dict()-style state keyed by packed parameter ids.")
    if any(isinstance(key, int) and not isinstance(value, dict) for key, value in state.items()):
        raise RuntimeError(f"{_NAME} requires per-parameter optimizer state entries to be dictionaries.")
    if not isinstance(groups, list):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['param_groups'] to be a list of param-group dicts, got "
            f"{type(groups).__name__}."
        )
    if len(groups) != len(optimizer.param_groups):
        raise RuntimeError("swapin_optim_state has a different number of parameter groups than the live optimizer.")
    numbers: set[int] = set()
    for i, (live, group) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        _check_group(i, live, group)
        numbers.update(group["params"])
    unknown = [key for key in state if key not in numbers]
    if unknown:
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be keyed only by packed parameter ids from "
            f"param_groups[*]['params']; got extra keys {unknown!r}."
        )
    return state, groups


def _check_group(i: int, live: dict[str, Any], group: Any) -> None:
    """Raise RuntimeError for a group that isn't like the optimizer's."""
    if not isinstance(group, dict):
        raise RuntimeError(f"{_NAME} requires each optimizer param group to be a dictionary.")
    numbers = group.get("params")
    if not isinstance(numbers, list) or not all(isinstance(n, int) for n in numbers):
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param_groups[*]['params'] entries keyed by packed "
            "parameter ids."
        )
    if len(live["params"]) != len(numbers):
        raise RuntimeError(
            f"swapin_optim_state param group {i} has a different number of params than the live optimizer param group."
        )
    theirs, ours = [k for k in group if k not in live], [k for k in live if k not in group]
    if theirs or ours:
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param group keys to exactly match the live optimizer group "
            f"keys for group {i}. Keys only in swap-in: {theirs}. Keys only in live: {ours}."
        )
