"""NAdam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import kernels
from rushlight.autograd.variable import Variable
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
    new_scalar,
    new_step,
    next_count,
    refuse_sparse,
    use_grad_for_differentiable,
    zeros_like,
)
from rushlight.tensor import Tensor

__all__ = ["NAdam", "nadam"]

_OPTIONS = (
    "lr", "weight_decay", "momentum_decay", "eps", "maximize", "decoupled_weight_decay", "foreach", "capturable",
    "differentiable",
)  # fmt: skip


class NAdam(Optimizer):
    """Adam with Nesterov's momentum: the step goes on along the average that the next step would take.

    With `μₜ = β₁ (1 - 0.96^(t · momentum_decay) / 2)` and Mₜ the product of the μ so far, the step is
    `lr · ((1 - μₜ) / (1 - Mₜ) · g + μₜ₊₁ / (1 - Mₜ₊₁) · m) / (sqrt(v̂) + eps)`.

    `weight_decay` is added to the gradient or, with `decoupled_weight_decay`, taken off the parameter; `maximize`
    climbs; with `differentiable` the step is recorded. `foreach` says how PyTorch computes the step, which is one way
    here. `capturable` is for other devices: on the CPU the step raises AssertionError, as in PyTorch. Raises ValueError
    for options out of range.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.NAdam([w], lr=0.5, momentum_decay=0.0).step()
    >>> w.detach()
    tensor([0.4718, 0.4718])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.NAdam.html; Dozat, ICLR workshop 2016.
    """

    _later_options = (
        ("maximize", False),
        ("foreach", None),
        ("capturable", False),
        ("differentiable", False),
        ("decoupled_weight_decay", False),
    )
    _scalar_state = ("step", "mu_product")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_range("momentum_decay value", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
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
            nadam(
                params,
                [p._grad for p in params],
                [s["exp_avg"] for s in states],
                [s["exp_avg_sq"] for s in states],
                [s["mu_product"] for s in states],
                [s["step"] for s in states],
                beta1=beta1,
                beta2=beta2,
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _state_of(self, param: Any) -> dict[str, Any]:
        refuse_sparse("NAdam", param._grad)
        state = self.state[param]
        if not state:
            state.update(
                step=new_step(), mu_product=new_scalar(1.0), exp_avg=zeros_like(param), exp_avg_sq=zeros_like(param)
            )
        return state


def nadam(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    mu_products: list[Tensor],
    state_steps: list[Tensor],
    decoupled_weight_decay: bool = False,
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    has_complex: bool = False,
    maximize: bool = False,
    *,
    beta1: float,
    beta2: float,
    lr: float,
    weight_decay: float,
    momentum_decay: float,
    eps: float,
) -> None:
    """One step of `NAdam` on lists of tensors, in place."""
    if not all(isinstance(product, Variable) for product in mu_products):
        raise RuntimeError("API has changed, `mu_products` argument must contain a list of singleton tensors")
    needed = "params, mu_products, and state_steps" if foreach else "params, mu_products and state_steps"
    check_step(params, state_steps, capturable, foreach, differentiable, needed=needed)
    lr = to_scalar(lr)
    keep = number(1 - lr * weight_decay, differentiable) if decoupled_weight_decay and weight_decay != 0 else 1.0

    def momentum(count: float) -> float:
        return beta1 * (1.0 - 0.5 * 0.96 ** (count * momentum_decay))

    update = Update(
        kernels.nadam_step,
        steps.nadam,
        differentiable,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        keep=keep,
        weight_decay=0 if decoupled_weight_decay else weight_decay,
        maximize=maximize,
    )
    for param, grad, mean, square, product, step in zip(
        params, grads, exp_avgs, exp_avg_sqs, mu_products, state_steps, strict=True
    ):
        count = next_count(step)
        mu, mu_next = momentum(count), momentum(count + 1)
        product._array *= mu
        so_far = float(product._array)
        now = number(lr * (1.0 - mu) / (1.0 - so_far), differentiable)
        ahead = number(lr * mu_next / (1.0 - so_far * mu_next), differentiable)
        update.add((param, grad, mean, square), now=now, ahead=ahead, correction=1 - beta2**count)
    update.finish()
