"""The momentum of an optimizer, as schedules that cycle it see it: `momentum`, or the first of `betas`."""

from __future__ import annotations

from typing import Any

from rushlight.optim._schedules.base import one_per_group
from rushlight.optim.optimizer import Optimizer

__all__ = ["begin_cycle", "set_momentum", "uses_beta1"]


def uses_beta1(optimizer: Optimizer) -> bool:
    """Whether the momentum is the first beta; ValueError for an optimizer that has neither."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    return "betas" in optimizer.defaults


def set_momentum(group: dict[str, Any], value: Any, beta1: bool) -> None:
    """Write a group's momentum."""
    if beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def begin_cycle(optimizer: Optimizer, base: Any, top: Any, beta1: bool, begins: bool) -> tuple[list[Any], list[Any]]:
    """The bounds of the momentum, one of each a group; where training begins, every group starts at its upper one."""
    tops, bases = one_per_group("max_momentum", optimizer, top), one_per_group("base_momentum", optimizer, base)
    if begins:
        for high, low, group in zip(tops, bases, optimizer.param_groups, strict=True):
            set_momentum(group, high, beta1)
            group["max_momentum"] = high
            group["base_momentum"] = low
    return bases, tops
