"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import kernels
from rushlight.autograd.variable import wrap
from rushlight.optim.optimizer import Optimizer, ParamsT, call_closure, check_implementation, check_range, lr_value

__all__ = ["SGD"]


class SGD(Optimizer):
    """`p -= lr · v` with `v = momentum · v + (1 - dampening) · (g + weight_decay · p)`.

    With `nesterov`, `g + momentum · v` in place of v. `maximize` climbs. `foreach` and `fused` are accepted: the step
    is one kernel call for all parameters anyway. Raises ValueError for negative options.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.SGD([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.SGD.html
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_range("learning rate", lr)
        check_range("momentum value", momentum)
        check_range("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_implementation(foreach, fused, differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            if not params:
                continue
            if group["differentiable"]:
                self._differentiable_step(group, params)
                continue
            momentum = group["momentum"]
            buffers = [self.state[p].get("momentum_buffer") for p in params] if momentum else [None] * len(params)
            arrays = [None if b is None else b._array for b in buffers]
            kernels.sgd_step(
                [p._array for p in params],
                [p._grad._array for p in params],
                arrays,
                lr_value(group["lr"]),
                momentum,
                group["dampening"],
                float(group["weight_decay"]),
                group["nesterov"],
                group["maximize"],
            )
            for p, before, array in zip(params, buffers, arrays, strict=True):
                p.bump_version()
                if momentum and before is None:
                    self.state[p]["momentum_buffer"] = wrap(array)
        return loss

    def _differentiable_step(self, group: dict[str, Any], params: list[Any]) -> None:
        momentum = group["momentum"]
        for p in params:
            grad = -p._grad if group["maximize"] else p._grad
            if group["weight_decay"] != 0:
                grad = grad.add(p, alpha=group["weight_decay"])
            if momentum:
                buffer = self.state[p].get("momentum_buffer")
                if buffer is None:
                    # As in PyTorch, no gradient flows through the first buffer.
                    buffer = grad.detach().clone()
                else:
                    buffer = buffer * momentum + grad * (1 - group["dampening"])
                self.state[p]["momentum_buffer"] = buffer
                grad = grad + buffer * momentum if group["nesterov"] else buffer
            p.add_(grad * -group["lr"])
