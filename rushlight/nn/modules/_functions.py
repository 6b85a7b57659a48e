"""Autograd functions that modules need for themselves."""

from __future__ import annotations

from typing import Any

from rushlight.autograd import Function
from rushlight.tensor import Tensor

__all__ = ["BackwardHookFunction"]


class BackwardHookFunction(Function):
    """The identity on any number of tensors: a node in the graph that a module's backward hooks can watch."""

    @staticmethod
    def forward(ctx: Any, *args: Tensor) -> tuple[Tensor, ...]:
        ctx.mark_non_differentiable(*(arg for arg in args if not arg.requires_grad))
        return args

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return grads
