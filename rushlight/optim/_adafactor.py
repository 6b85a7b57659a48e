"""Adafactor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.autograd.variable import Variable
from rushlight.dtypes import finfo
from rushlight.ops.creation import zeros, zeros_like
from rushlight.optim._arithmetic import number, to_scalar
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    call_closure,
    check_new_lr,
    new_step,
    next_count,
    refuse_complex,
    refuse_sparse,
    use_grad_for_differentiable,
)
from rushlight.tensor import Tensor

__all__ = ["Adafactor", "adafactor"]

_OPTIONS = ("d", "lr", "beta2_decay", "weight_decay", "foreach", "maximize")


class Adafactor(Optimizer):
    """Steps relative to the parameter's size, by the root of averaged squares of which only rows and columns are kept.

    With `ρ = min(lr, 1 / sqrt(t))` and `β = 1 - t^beta2_decay`, a gradient g of shape (…, R, C) updates the averages
    `r = β r + (1 - β) mean(g², over C)` and `c = β c + (1 - β) mean(g², over R)`; the estimate of the squares is
    `v = r · c / max(mean(r), eps[0])`, and the direction `u = g / sqrt(max(v, eps[0]²))`. Gradients of fewer dimensions
    keep the average of g² itself. Then `p -= max(eps[1], rms(p)) · ρ · u / max(1, rms(u) / d)`, after
    `p -= lr · weight_decay · p`. `eps[0]` is the smallest step of the parameter's type where it is None.

    `maximize` climbs. `foreach` says how PyTorch computes the step, which is one way here. Raises ValueError for
    options out of range, and in the step RuntimeError for complex parameters.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2, 2))
    >>> w.sum().backward()
    >>> torch.optim.Adafactor([w], lr=0.5).step()
    >>> w.detach()
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Adafactor.html; Shazeer and Stern,
    arXiv:1804.04235.
    """

    _later_options = (("foreach", None),)
    _scalar_state = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_new_lr(lr)
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    @use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            states = [self._state_of(p) for p in params]
            eps1, eps2 = group["eps"]
            adafactor(
                params,
                [p._grad for p in params],
                [s.get("row_var") for s in states],
                [s.get("col_var") for s in states],
                [s.get("variance") for s in states],
                [s["step"] for s in states],
                eps1=eps1,
                eps2=eps2,
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _state_of(self, param: Any) -> dict[str, Any]:
        refuse_complex("Adafactor", param)
        refuse_sparse("Adafactor", param._grad)
        state = self.state[param]
        if not state:
            state["step"] = new_step()
            shape = tuple(param._grad.shape)
            if len(shape) > 1:
                state["row_var"] = zeros((*shape[:-1], 1), dtype=param._grad.dtype)
                state["col_var"] = zeros((*shape[:-2], 1, shape[-1]), dtype=param._grad.dtype)
            else:
                state["variance"] = zeros_like(param._grad.detach())
        return state


def adafactor(
    params: list[Tensor],
    grads: list[Tensor],
    row_vars: list[Tensor | None],
    col_vars: list[Tensor | None],
    variances: list[Tensor | None],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_complex: bool = False,
    *,
    d: float,
    lr: float | Tensor,
    beta2_decay: float,
    weight_decay: float,
    eps1: float | None,
    eps2: float,
    maximize: bool,
) -> None:
    """One step of `Adafactor` on lists of tensors, in place; an entry of the averages that isn't used is None."""
    if not all(isinstance(step, Variable) for step in state_steps):
        raise RuntimeError("`state_steps` argument must contain a list of singleton tensors")
    if grad_scale is not None or found_inf is not None:
        raise AssertionError("Grad scaling should occur outside of optimizer.step()")
    lr = to_scalar(lr)
    for param, grad, row_var, col_var, variance, step in zip(
        params, grads, row_vars, col_vars, variances, state_steps, strict=True
    ):
        if eps1 is None:
            # As in PyTorch, the first parameter's type decides for all.
            eps1 = finfo(param.dtype).eps
        grad = -grad if maximize else grad
        count = next_count(step)
        weight = count**beta2_decay
        size = max(eps2, _rms(param)) * min(lr, 1 / count**0.5)
        if weight_decay != 0:
            param.mul_(number(1 - lr * weight_decay))
        if grad.dim() > 1:
            estimate = _factored(grad, row_var, col_var, weight, eps1)
        else:
            if variance is None:
                raise AssertionError("variance should be defined when grad is a vector")
            variance.lerp_(grad * grad, weight)
            estimate = variance.clone()
        direction = estimate.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
        param.add_(direction, alpha=number(-size / max(1.0, _rms(direction) / d)))


def _rms(x: Any) -> float:
    """The root of the mean square."""
    return float(x.norm(2)) / x.numel() ** 0.5


def _factored(grad: Any, row_var: Any, col_var: Any, weight: float, eps: float) -> Any:
    """The squares that the averages of rows and columns, brought up to date, stand for."""
    if row_var is None or col_var is None:
        raise AssertionError("row_var and col_var should be defined when grad is multidimensional")
    row_var.lerp_(grad.norm(2, -1, True).square_().div_(grad.size(-1)), weight)
    col_var.lerp_(grad.norm(2, -2, True).square_().div_(grad.size(-2)), weight)
    return (row_var @ col_var).div_(row_var.mean(-2, True).clamp_(min=eps))
