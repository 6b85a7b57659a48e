"""RAdam."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

from rushlight.optim.optimizer import Optimizer, ParamsT, call_closure, check_betas, check_range, new_step, zeros_like

__all__ = ["RAdam"]

# Below this length of the averaging window the variance of the adaptive step is not tractable, and the step is not
# adaptive.
_TRACTABLE = 5.0


class RAdam(Optimizer):
    """Adam whose adaptive step is rectified while the average of squares is young, and left out in the first few steps.

    `foreach` and `capturable` are accepted and change nothing. Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.RAdam([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.RAdam.html; Liu et al., arXiv:1908.03265.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_range("learning rate", lr)
        check_range("epsilon value", eps)
        check_betas(betas)
        check_range("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "decoupled_weight_decay": decoupled_weight_decay,
                "differentiable": differentiable,
            },
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            for p in self._with_gradients(group):
                state = self.state[p]
                if not state:
                    state.update(step=new_step(), exp_avg=zeros_like(p), exp_avg_sq=zeros_like(p))
                _move(group, p, state)
        return loss


def _move(group: dict[str, Any], p: Any, state: dict[str, Any]) -> None:
    lr, (beta1, beta2) = group["lr"], group["betas"]
    state["step"] += 1
    step = float(state["step"])
    grad = -p._grad if group["maximize"] else p._grad
    if group["weight_decay"] != 0:
        if group["decoupled_weight_decay"]:
            p.mul_(1 - lr * group["weight_decay"])
        else:
            grad = grad.add(p, alpha=group["weight_decay"])
    mean = state["exp_avg"] = state["exp_avg"] + (grad - state["exp_avg"]) * (1 - beta1)
    square = state["exp_avg_sq"] = state["exp_avg_sq"] * beta2 + grad * grad * (1 - beta2)
    corrected = mean / (1 - beta1**step)
    limit = 2 / (1 - beta2) - 1
    length = limit - 2 * step * beta2**step / (1 - beta2**step)
    if length > _TRACTABLE:
        rectified = sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))
        adaptive = sqrt(1 - beta2**step) / (square.sqrt() + group["eps"])
        corrected = corrected * adaptive * rectified
    p.add_(corrected * -lr)
