"""Adamax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import kernels
from rushlight.kernels.reference import steps
from rushlight.optim._arithmetic import Update, number, to_scalar
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    call_closure,
    check_betas,
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

__all__ = ["Adamax", "adamax"]

_OPTIONS = ("lr", "eps", "weight_decay", "foreach", "maximize", "differentiable", "capturable")


class Adamax(Optimizer):
    """`p -= lr · m̂ / u` with m̂ Adam's corrected average of the gradient and `u = max(β₂ · u, |g| + eps)`.

    `weight_decay` is added to the gradient; `maximize` climbs; with `differentiable` the step is recorded. `foreach`
    says how PyTorch computes the step, which is one way here. `capturable` is for other devices: on the CPU the step
    raises AssertionError, as in PyTorch. Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.Adamax([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Adamax.html; Kingma and Ba, arXiv:1412.6980.
    """

    _later_options = (("foreach", None), ("maximize", False), ("differentiable", False), ("capturable", False))
    _scalar_state = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_range("epsilon value", eps)
        check_betas(betas)
        check_range("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    @use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            states = [self._state_of(p) for p in params]
            beta1, beta2 = group["betas"]
            adamax(
                params,
                [p._grad for p in params],
                [s["exp_avg"] for s in states],
                [s["exp_inf"] for s in states],
                [s["step"] for s in states],
                beta1=beta1,
                beta2=beta2,
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _state_of(self, param: Any) -> dict[str, Any]:
        refuse_sparse("Adamax", param._grad)
        state = self.state[param]
        if not state:
            state.update(step=new_step(), exp_avg=zeros_like(param), exp_inf=zeros_like(param))
        return state


def adamax(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_infs: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    eps: float,
    beta1: float,
    beta2: float,
    lr: float,
    weight_decay: float,
) -> None:
    """One step of `Adamax` on lists of tensors, in place."""
    check_step(params, state_steps, capturable, foreach, differentiable)
    lr = to_scalar(lr)

    update = Update(
        kernels.adamax_step,
        steps.adamax,
        differentiable,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        weight_decay=weight_decay,
        maximize=maximize,
    )
    for param, grad, mean, top, step in zip(params, grads, exp_avgs, exp_infs, state_steps, strict=True):
        rate = number(lr / (1 - beta1 ** next_count(step)), differentiable)
        update.add((param, grad, mean, top), rate=rate)
    update.finish()
