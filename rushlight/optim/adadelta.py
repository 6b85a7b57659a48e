"""Adadelta."""

from __future__ import annotations

from collections.abc import Callable
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

__all__ = ["Adadelta", "adadelta"]

_OPTIONS = ("lr", "rho", "eps", "weight_decay", "foreach", "maximize", "differentiable", "capturable")


class Adadelta(Optimizer):
    """`p -= lr · d` with `d = sqrt(u + eps) / sqrt(v + eps) · g`, v and u the running averages of g² and d².

    `weight_decay` is added to the gradient; `maximize` climbs; with `differentiable` the step is recorded. `foreach`
    says how PyTorch computes the step, which is one way here. `capturable` is for other devices: on the CPU the step
    raises AssertionError, as in PyTorch. Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.Adadelta([w]).step()
    >>> w.detach()
    tensor([0.9968, 0.9968])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Adadelta.html; Zeiler, arXiv:1212.5701.
    """

    _later_options = (("foreach", None), ("maximize", False), ("differentiable", False), ("capturable", False))
    _scalar_state = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_range("epsilon value", eps)
        check_range("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    @use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            states = [self._state_of(p) for p in params]
            adadelta(
                params,
                [p._grad for p in params],
                [s["square_avg"] for s in states],
                [s["acc_delta"] for s in states],
                [s["step"] for s in states],
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _state_of(self, param: Any) -> dict[str, Any]:
        refuse_sparse("Adadelta", param._grad)
        state = self.state[param]
        if not state:
            state.update(step=new_step(), square_avg=zeros_like(param), acc_delta=zeros_like(param))
        return state


def adadelta(
    params: list[Tensor],
    grads: list[Tensor],
    square_avgs: list[Tensor],
    acc_deltas: list[Tensor],
    state_steps: list[Tensor],
    capturable: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """One step of `Adadelta` on lists of tensors, in place."""
    check_step(params, state_steps, capturable, foreach, differentiable, xla=False)
    lr = number(lr, differentiable)

    update = Update(
        kernels.adadelta_step,
        steps.adadelta,
        differentiable,
        lr=lr,
        rho=rho,
        eps=eps,
        weight_decay=weight_decay,
        maximize=maximize,
    )
    for param, grad, square, change, step in zip(params, grads, square_avgs, acc_deltas, state_steps, strict=True):
        next_count(step)
        update.add((param, grad, square, change))
    update.finish()
