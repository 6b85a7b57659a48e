"""Averaged stochastic gradient descent."""

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
    check_lr,
    check_range,
    check_step,
    new_scalar,
    new_step,
    next_count,
    refuse_sparse,
    use_grad_for_differentiable,
    zeros_like,
)
from rushlight.tensor import Tensor

__all__ = ["ASGD", "asgd"]

_OPTIONS = (
    "lambd", "lr", "t0", "alpha", "weight_decay", "foreach", "maximize", "differentiable", "capturable",
)  # fmt: skip


class ASGD(Optimizer):
    """`p = (1 - lambd · η) p - η g` with `η = lr / (1 + lambd · lr · t)^alpha`, and the average of p in its state.

    `state[p]["ax"]` is p itself up to step `t0` and the average of p's values since then after it. `weight_decay` is
    added to the gradient; `maximize` climbs; with `differentiable` the step is recorded. `foreach` says how PyTorch
    computes the step, which is one way here. `capturable` is for other devices: on the CPU the step raises
    AssertionError, as in PyTorch. Raises ValueError for a negative `lr` or `weight_decay`.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.ASGD([w], lr=0.5, lambd=0.0).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.ASGD.html; Polyak and Juditsky, 1992.
    """

    _later_options = (("foreach", None), ("maximize", False), ("differentiable", False), ("capturable", False))
    _scalar_state = ("step", "eta", "mu")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_range("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
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
            states = [self._state_of(p, group) for p in params]
            asgd(
                params,
                [p._grad for p in params],
                [s["ax"] for s in states],
                [s["mu"] for s in states],
                [s["eta"] for s in states],
                [s["step"] for s in states],
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _state_of(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        refuse_sparse("ASGD", param._grad)
        state = self.state[param]
        if not state:
            eta = new_scalar(float(number(group["lr"])))
            state.update(step=new_step(), eta=eta, mu=new_scalar(1.0), ax=zeros_like(param))
        return state


def asgd(
    params: list[Tensor],
    grads: list[Tensor],
    axs: list[Tensor],
    mus: list[Tensor],
    etas: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    lambd: float,
    lr: float,
    t0: float,
    alpha: float,
    weight_decay: float,
) -> None:
    """One step of `ASGD` on lists of tensors, in place."""
    check_step(params, state_steps, capturable, foreach, differentiable, needed="params, mus, etas, and state_steps")
    lr = to_scalar(lr)

    update = Update(kernels.asgd_step, steps.asgd, differentiable, weight_decay=weight_decay, maximize=maximize)
    for param, grad, average, mu, eta, step in zip(params, grads, axs, mus, etas, state_steps, strict=True):
        count = next_count(step)
        rate = eta.item()
        update.add((param, grad, average), rate=rate, keep=1 - lambd * rate, share=mu.item())
        # Of the default type on the way, also where a checkpoint was loaded and they are of the parameter's.
        eta._array[...] = new_scalar(number(lr / (1 + lambd * lr * count) ** alpha))._array
        mu._array[...] = new_scalar(1 / max(1, count - t0))._array
    update.finish()
