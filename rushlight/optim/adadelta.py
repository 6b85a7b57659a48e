"""Adadelta."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.optim.optimizer import Optimizer, ParamsT, call_closure, check_range, new_step, zeros_like

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """`p -= lr · d` with `d = sqrt(u + eps) / sqrt(v + eps) · g`, v and u the running averages of g² and d².

    `foreach` and `capturable` are accepted and change nothing. Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.Adadelta([w]).step()
    >>> w.detach()
    tensor([0.9968, 0.9968])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Adadelta.html; Zeiler, arXiv:1212.5701.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_range("learning rate", lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_range("epsilon value", eps)
        check_range("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            rho, eps = group["rho"], group["eps"]
            for p in self._with_gradients(group):
                state = self.state[p]
                if not state:
                    state.update(step=new_step(), square_avg=zeros_like(p), acc_delta=zeros_like(p))
                state["step"] += 1
                grad = -p._grad if group["maximize"] else p._grad
                if group["weight_decay"] != 0:
                    grad = grad.add(p, alpha=group["weight_decay"])
                square = state["square_avg"] = state["square_avg"] * rho + grad * grad * (1 - rho)
                delta = (state["acc_delta"] + eps).sqrt() / (square + eps).sqrt() * grad
                state["acc_delta"] = state["acc_delta"] * rho + delta * delta * (1 - rho)
                p.add_(delta * -group["lr"])
        return loss
