"""Adagrad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.layout import preserve_format
from rushlight.ops.creation import full_like
from rushlight.optim.optimizer import Optimizer, ParamsT, call_closure, check_implementation, check_range, new_step

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """`p -= lr / (1 + (t - 1) · lr_decay) · g / (sqrt(Σ g²) + eps)`.

    `foreach` and `fused` are accepted and change nothing. Raises ValueError for negative options.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.Adagrad([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Adagrad.html; Duchi, Hazan and Singer, 2011.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_range("learning rate", lr)
        check_range("lr_decay value", lr_decay)
        check_range("weight_decay value", weight_decay)
        check_range("initial_accumulator_value value", initial_accumulator_value)
        check_range("epsilon value", eps)
        check_implementation(foreach, fused, differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        for group in self.param_groups:
            for p in group["params"]:
                start = group["initial_accumulator_value"]
                self.state[p] = {"step": new_step(), "sum": full_like(p, start, memory_format=preserve_format)}

    def share_memory(self) -> None:
        """Accepted for PyTorch's programs: the state's memory is this process's own."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            for p in self._with_gradients(group):
                state = self.state[p]
                state["step"] += 1
                grad = -p._grad if group["maximize"] else p._grad
                if group["weight_decay"] != 0:
                    grad = grad.add(p, alpha=group["weight_decay"])
                rate = group["lr"] / (1 + (float(state["step"]) - 1) * group["lr_decay"])
                if group["differentiable"]:
                    state["sum"] = state["sum"] + grad * grad
                else:
                    state["sum"].addcmul_(grad, grad, value=1)
                p.add_(grad / (state["sum"].sqrt() + group["eps"]) * -rate)
        return loss
