"""RMSprop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.optim.optimizer import Optimizer, ParamsT, call_closure, check_range, new_step, zeros_like

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """`p -= lr · g / (sqrt(v) + eps)` with v the running average of g².

    With `centered`, v less the square of g's own average; with `momentum`, the quotients' running sum in place of the
    quotient. `foreach` and `capturable` are accepted and change nothing. Raises ValueError for negative options.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.RMSprop([w], lr=0.05).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.RMSprop.html; Hinton, lecture 6e, 2012.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-2,
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
        check_range("learning rate", lr)
        check_range("epsilon value", eps)
        check_range("momentum value", momentum)
        check_range("weight_decay value", weight_decay)
        check_range("alpha value", alpha)
        super().__init__(
            params,
            {
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
            },
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            for p in self._with_gradients(group):
                self._move(group, p, self._state_of(p, group))
        return loss

    def _state_of(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        state = self.state[param]
        if not state:
            state["step"] = new_step()
            state["square_avg"] = zeros_like(param)
            if group["momentum"] > 0:
                state["momentum_buffer"] = zeros_like(param)
            if group["centered"]:
                state["grad_avg"] = zeros_like(param)
        return state

    def _move(self, group: dict[str, Any], p: Any, state: dict[str, Any]) -> None:
        alpha = group["alpha"]
        state["step"] += 1
        grad = -p._grad if group["maximize"] else p._grad
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        square = state["square_avg"] = state["square_avg"] * alpha + grad * grad * (1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"] = state["grad_avg"] + (grad - state["grad_avg"]) * (1 - alpha)
            square = square - mean * mean
        quotient = grad / (square.sqrt() + group["eps"])
        if group["momentum"] > 0:
            quotient = state["momentum_buffer"] = state["momentum_buffer"] * group["momentum"] + quotient
        p.add_(quotient * -group["lr"])
