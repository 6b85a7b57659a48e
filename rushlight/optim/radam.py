"""RAdam."""

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

__all__ = ["RAdam", "radam"]

_OPTIONS = (
    "lr", "weight_decay", "eps", "maximize", "foreach", "capturable", "differentiable", "decoupled_weight_decay",
)  # fmt: skip

# Below this length of the averaging window the variance of the adaptive step is not tractable, and the step is not
# adaptive.
_TRACTABLE = 5.0


class RAdam(Optimizer):
    """Adam whose adaptive step is rectified while the average of squares is young, and left out in the first few steps.

    With `ρ∞ = 2 / (1 - β₂) - 1` and `ρ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ)`, the step is `lr · m̂ · r / sqrt(v̂)` where ρ > 5,
    with `r² = (ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ)`, and `lr · m̂` else.

    `weight_decay` is added to the gradient or, with `decoupled_weight_decay`, taken off the parameter; `maximize`
    climbs; with `differentiable` the step is recorded. `foreach` says how PyTorch computes the step, which is one way
    here. `capturable` is for other devices: on the CPU the step raises AssertionError, as in PyTorch. Raises ValueError
    for options out of range.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.RAdam([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.RAdam.html; Liu et al., arXiv:1908.03265.
    """

    _later_options = (
        ("foreach", None),
        ("maximize", False),
        ("differentiable", False),
        ("decoupled_weight_decay", False),
        ("capturable", False),
    )
    _scalar_state = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
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
        check_lr(lr)
        check_range("epsilon value", eps)
        check_betas(betas)
        check_range("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
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
            beta1, beta2 = group["betas"]
            radam(
                params,
                [p._grad for p in params],
                [s["exp_avg"] for s in states],
                [s["exp_avg_sq"] for s in states],
                [s["step"] for s in states],
                beta1=beta1,
                beta2=beta2,
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _state_of(self, param: Any) -> dict[str, Any]:
        refuse_sparse("RAdam", param._grad)
        state = self.state[param]
        if not state:
            state.update(step=new_step(), exp_avg=zeros_like(param), exp_avg_sq=zeros_like(param))
        return state


def radam(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    state_steps: list[Tensor],
    decoupled_weight_decay: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    maximize: bool = False,
    *,
    beta1: float,
    beta2: float,
    lr: float,
    weight_decay: float,
    eps: float,
) -> None:
    """One step of `RAdam` on lists of tensors, in place."""
    check_step(params, state_steps, capturable, foreach, differentiable)
    keep = 1.0
    if decoupled_weight_decay and weight_decay != 0:
        keep = number(1 - to_scalar(lr) * weight_decay, differentiable)
    lr = number(lr, differentiable)
    limit = 2 / (1 - beta2) - 1
    update = Update(
        kernels.radam_step,
        steps.radam,
        differentiable,
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        keep=keep,
        weight_decay=0 if decoupled_weight_decay else weight_decay,
        maximize=maximize,
    )
    for param, grad, mean, square, step in zip(params, grads, exp_avgs, exp_avg_sqs, state_steps, strict=True):
        count = next_count(step)
        correction = 1 - beta2**count
        length = limit - 2 * count * beta2**count / correction
        rectified = 0.0
        if length > _TRACTABLE:
            rectified = ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)) ** 0.5
        update.add(
            (param, grad, mean, square),
            mean_correction=1 - beta1**count,
            square_correction=correction,
            rectified=rectified,
        )
    update.finish()
