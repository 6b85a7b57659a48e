"""Adagrad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import kernels
from rushlight.kernels.reference import steps
from rushlight.layout import preserve_format
from rushlight.ops.creation import full_like
from rushlight.optim._arithmetic import Update, move_rows, number, to_scalar
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    call_closure,
    check_fused,
    check_implementation,
    check_lr,
    check_range,
    check_step,
    check_unscaled,
    is_sparse,
    new_step,
    next_count,
    unscaled,
    use_grad_for_differentiable,
)
from rushlight.tensor import Tensor

__all__ = ["Adagrad", "adagrad"]

_OPTIONS = ("lr", "weight_decay", "lr_decay", "eps", "foreach", "maximize", "differentiable", "fused")


class Adagrad(Optimizer):
    """`p -= lr / (1 + (t - 1) · lr_decay) · g / (sqrt(Σ g²) + eps)`.

    The sum begins at `initial_accumulator_value`; `weight_decay` is added to the gradient; `maximize` climbs; with
    `differentiable` the step is recorded. `foreach` and `fused` say how PyTorch computes the step, which is one way
    here. Raises ValueError for negative options, RuntimeError for ways that exclude each other.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.Adagrad([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Adagrad.html; Duchi, Hazan and Singer, 2011.
    """

    _later_options = (("foreach", None), ("maximize", False), ("differentiable", False), ("fused", None))
    _scalar_state = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
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
        check_lr(lr)
        check_range("lr_decay value", lr_decay)
        check_range("weight_decay value", weight_decay)
        check_range("initial_accumulator_value value", initial_accumulator_value)
        check_range("epsilon value", eps)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, fused, differentiable)
        if fused:
            self._step_supports_amp_scaling = True
        for group in self.param_groups:
            for p in group["params"]:
                self._begin(p, group)

    def _begin(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        start = self.defaults["initial_accumulator_value"]
        if param.dtype.is_complex:
            start = complex(start, start)
        state = self.state[param]
        state["step"] = new_step(group["fused"])
        state["sum"] = full_like(param.detach(), start, memory_format=preserve_format)
        return state

    def share_memory(self) -> None:
        """Put the sums into memory that processes share."""
        for state in self.state.values():
            state["sum"].share_memory_()

    @use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            for p in params if group["fused"] else ():
                check_fused(p)
            states = [self.state[p] or self._begin(p, group) for p in params]
            adagrad(
                params,
                [p._grad for p in params],
                [s["sum"] for s in states],
                [s["step"] for s in states],
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
                **{name: group[name] for name in _OPTIONS},
            )
        return loss


def adagrad(
    params: list[Tensor],
    grads: list[Tensor],
    state_sums: list[Tensor],
    state_steps: list[Tensor],
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_sparse_grad: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    lr: float,
    weight_decay: float,
    lr_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """One step of `Adagrad` on lists of tensors, in place."""
    check_step(params, state_steps, False, foreach, differentiable)
    check_unscaled(fused, grad_scale, found_inf)
    if fused and (has_complex or any(map(is_sparse, grads))):
        raise RuntimeError("`fused` does not support sparse grad or complex param")
    if fused and not unscaled(grads, grad_scale, found_inf):
        return
    lr = to_scalar(lr)

    update = Update(
        kernels.adagrad_step, steps.adagrad, differentiable, eps=eps, weight_decay=weight_decay, maximize=maximize
    )
    for param, grad, total, step in zip(params, grads, state_sums, state_steps, strict=True):
        count = next_count(step)
        rate = number(lr / (1 + (count - 1) * lr_decay), differentiable)
        if is_sparse(grad):
            if weight_decay != 0:
                raise RuntimeError("weight_decay option is not compatible with sparse gradients")
            move_rows(kernels.adagrad_step, param, grad, [total], rate=float(rate), eps=eps, maximize=maximize)
        else:
            update.add((param, grad, total), rate=rate)
    update.finish()
