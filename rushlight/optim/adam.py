"""Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import kernels
from rushlight.autograd.variable import Variable
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    call_closure,
    check_betas,
    check_implementation,
    check_range,
    lr_value,
    new_step,
    zeros_like,
)

__all__ = ["Adam"]


class Adam(Optimizer):
    """`p -= lr · m̂ / (sqrt(v̂) + eps)` with running averages m of the gradient and v of its square, corrected for
    their start.

    `weight_decay` is added to the gradient, or, with `decoupled_weight_decay`, taken off the parameter (AdamW). With
    `amsgrad` the largest v̂ so far is used. `foreach`, `fused` and `capturable` are accepted: the step is one kernel
    call for all parameters anyway. Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.Adam([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Adam.html; Kingma and Ba, arXiv:1412.6980.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Variable) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_range("learning rate", lr)
        check_range("epsilon value", eps)
        check_betas(betas)
        check_range("weight_decay value", weight_decay)
        check_implementation(foreach, fused, differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            states = [self._state_of(p, group["amsgrad"]) for p in params]
            if group["differentiable"]:
                for p, state in zip(params, states, strict=True):
                    _differentiable_step(group, p, state)
                continue
            # Parameters that missed a step have a count of their own; the kernel takes those of one count together.
            by_count: dict[float, list[tuple[Any, dict[str, Any]]]] = {}
            for p, state in zip(params, states, strict=True):
                step = state["step"]
                step._array += 1
                by_count.setdefault(float(step._array), []).append((p, state))
            for count, members in by_count.items():
                _kernel_step(group, members, count)
        return loss

    def _state_of(self, param: Any, amsgrad: bool) -> dict[str, Any]:
        state = self.state[param]
        if not state:
            state["step"] = new_step()
            state["exp_avg"] = zeros_like(param)
            state["exp_avg_sq"] = zeros_like(param)
            if amsgrad:
                state["max_exp_avg_sq"] = zeros_like(param)
        return state


def _kernel_step(group: dict[str, Any], members: list[tuple[Any, dict[str, Any]]], count: float) -> None:
    beta1, beta2 = group["betas"]
    amsgrad = group["amsgrad"]
    kernels.adam_step(
        [p._array for p, _ in members],
        [p._grad._array for p, _ in members],
        [s["exp_avg"]._array for _, s in members],
        [s["exp_avg_sq"]._array for _, s in members],
        [s["max_exp_avg_sq"]._array for _, s in members] if amsgrad else [],
        count,
        lr_value(group["lr"]),
        float(beta1),
        float(beta2),
        group["eps"],
        group["weight_decay"],
        amsgrad,
        group["decoupled_weight_decay"],
        group["maximize"],
    )
    for p, _ in members:
        p.bump_version()


def _differentiable_step(group: dict[str, Any], p: Any, state: dict[str, Any]) -> None:
    lr, (beta1, beta2) = group["lr"], group["betas"]
    state["step"] = state["step"] + 1
    step = float(state["step"])
    grad = -p._grad if group["maximize"] else p._grad
    if group["weight_decay"] != 0:
        if group["decoupled_weight_decay"]:
            p.mul_(1 - lr * group["weight_decay"])
        else:
            grad = grad.add(p, alpha=group["weight_decay"])
    mean = state["exp_avg"] = state["exp_avg"] + (grad - state["exp_avg"]) * (1 - beta1)
    square = state["exp_avg_sq"] = state["exp_avg_sq"] * beta2 + grad * grad * (1 - beta2)
    if group["amsgrad"]:
        square = state["max_exp_avg_sq"] = state["max_exp_avg_sq"].maximum(square)
    step_size = lr / (1 - beta1**step)
    denominator = square.sqrt() / (1 - beta2**step) ** 0.5 + group["eps"]
    p.add_(mean / denominator * -step_size)
