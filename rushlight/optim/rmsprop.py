"""RMSprop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight import kernels
from rushlight.kernels.reference import steps
from rushlight.optim._arithmetic import Update, number
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    call_closure,
    check_lr,
    check_range,
    check_step,
    new_step,
    next_count,
    refuse_sparse,
    use_grad_for_differentiable,
    zeros_like,
)
from rushlight.tensor import Tensor

__all__ = ["RMSprop", "rmsprop"]

_OPTIONS = (
    "lr", "alpha", "eps", "weight_decay", "momentum", "centered", "foreach", "maximize", "differentiable", "capturable",
)  # fmt: skip


class RMSprop(Optimizer):
    """`p -= lr · g / (sqrt(v) + eps)` with v the running average of g².

    With `centered`, v less the square of g's own average; with `momentum`, the quotients' running sum in place of the
    quotient. `weight_decay` is added to the gradient; `maximize` climbs; with `differentiable` the step is recorded.
    `foreach` says how PyTorch computes the step, which is one way here. `capturable` is for other devices: on the CPU
    the step raises AssertionError, as in PyTorch. Raises ValueError for negative options.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.RMSprop([w], lr=0.05).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.RMSprop.html; Hinton, lecture 6e, 2012.
    """

    _later_options = (
        ("momentum", 0),
        ("centered", False),
        ("foreach", None),
        ("maximize", False),
        ("differentiable", False),
        ("capturable", False),
    )
    _scalar_state = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_range("epsilon value", eps)
        check_range("momentum value", momentum)
        check_range("weight_decay value", weight_decay)
        check_range("alpha value", alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    @use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            states = [self._state_of(p, group) for p in params]
            rmsprop(
                params,
                [p._grad for p in params],
                [s["square_avg"] for s in states],
                [s["grad_avg"] for s in states] if group["centered"] else [],
                [s["momentum_buffer"] for s in states] if group["momentum"] > 0 else [],
                [s["step"] for s in states],
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _state_of(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        refuse_sparse("RMSprop", param._grad)
        state = self.state[param]
        if not state:
            state["step"] = new_step()
            state["square_avg"] = zeros_like(param)
            if group["momentum"] > 0:
                state["momentum_buffer"] = zeros_like(param)
            if group["centered"]:
                state["grad_avg"] = zeros_like(param)
        return state


def rmsprop(
    params: list[Tensor],
    grads: list[Tensor],
    square_avgs: list[Tensor],
    grad_avgs: list[Tensor],
    momentum_buffer_list: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
) -> None:
    """One step of `RMSprop` on lists of tensors, in place; lists of states that the options don't use may be empty."""
    check_step(params, state_steps, capturable, foreach, differentiable, xla=True)
    lr = number(lr, differentiable)

    update = Update(
        kernels.rmsprop_step,
        steps.rmsprop,
        differentiable,
        lr=lr,
        alpha=alpha,
        eps=eps,
        momentum=momentum,
        weight_decay=weight_decay,
        maximize=maximize,
    )
    means: Sequence[Any] = grad_avgs if centered else [None] * len(params)
    buffers: Sequence[Any] = momentum_buffer_list if momentum > 0 else [None] * len(params)
    for param, grad, square, mean, buffer, step in zip(
        params, grads, square_avgs, means, buffers, state_steps, strict=True
    ):
        next_count(step)
        update.add((param, grad, square, mean, buffer))
    update.finish()
