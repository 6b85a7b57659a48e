"""Muon."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rushlight.ops.creation import zeros_like
from rushlight.ops.weighted_products import addmm
from rushlight.optim._arithmetic import number, to_scalar
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    call_closure,
    check_new_lr,
    refuse_complex,
    refuse_sparse,
    use_grad_for_differentiable,
)
from rushlight.tensor import Tensor

__all__ = ["Muon"]

_OPTIONS = ("lr", "weight_decay", "momentum", "nesterov", "ns_coefficients", "eps", "ns_steps", "adjust_lr_fn")
_TOO_MANY_STEPS = 100


class Muon(Optimizer):
    """Momentum of matrices, made orthogonal: `p = (1 - lr · weight_decay) p - η O(u)`.

    `m = momentum · m + (1 - momentum) g`; u is m or, with `nesterov`, `momentum · m + (1 - momentum) g` once more; O
    brings the singular values of u near 1 by `ns_steps` steps of a Newton-Schulz iteration in bfloat16,
    `x = a x + (b A + c A²) x` with `A = x xᵀ` and (a, b, c) the `ns_coefficients`, from `x = u / max(‖u‖, eps)`.

    For a parameter of shape (A, B), η is `lr · sqrt(max(1, A / B))` with `adjust_lr_fn` None or "original", and
    `0.2 · lr · sqrt(max(A, B))` with "match_rms_adamw". Raises ValueError for negative options, an unknown
    `adjust_lr_fn`, and parameters that are not 2-dimensional.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.eye(2))
    >>> (w * torch.eye(2)).sum().backward()
    >>> optimizer = torch.optim.Muon([w], lr=0.5, weight_decay=0.0)
    >>> optimizer.step()
    >>> (w.diagonal() < 0.7).tolist()
    [True, True]

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Muon.html; Jordan,
    https://kellerjordan.github.io/posts/muon/.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_new_lr(lr)
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}"
                    )

    @use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            muon(
                params,
                [p._grad for p in params],
                [self._buffer_of(p) for p in params],
                has_complex=False,
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _buffer_of(self, param: Any) -> Any:
        refuse_complex("Muon", param)
        refuse_sparse("Muon", param._grad)
        state = self.state[param]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = zeros_like(param._grad.detach())
        return state["momentum_buffer"]


def muon(
    params: list[Tensor],
    grads: list[Tensor],
    muon_momentum_bufs: list[Tensor],
    *,
    foreach: bool | None = None,
    lr: float,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    ns_coefficients: tuple[float, float, float],
    ns_steps: int,
    eps: float,
    adjust_lr_fn: str | None,
    has_complex: bool,
) -> None:
    """One step of `Muon` on lists of tensors, in place."""
    if foreach:
        raise RuntimeError("Foreach is not supported for Muon yet")
    if has_complex:
        raise ValueError("Complex parameters are not supported")
    lr = to_scalar(lr)
    for param, grad, buffer in zip(params, grads, muon_momentum_bufs, strict=True):
        if grad.dim() != 2:
            raise ValueError(f"Param gradient must be a 2D matrix, got shape {tuple(grad.shape)}")
        buffer.lerp_(grad, 1 - momentum)
        update = grad.lerp(buffer, momentum) if nesterov else buffer
        update = _orthogonal(update, ns_coefficients, ns_steps, eps)
        param.mul_(number(1 - lr * weight_decay))
        param.add_(update, alpha=number(-lr * _ratio(adjust_lr_fn, *param.shape)))


def _orthogonal(matrix: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """A matrix with its singular values brought near 1, in bfloat16."""
    if steps >= _TOO_MANY_STEPS:
        raise ValueError(f"Number of steps must be less than 100 for computational efficiency, got {steps}")
    if len(coefficients) != 3:
        raise ValueError(f"Coefficients must be a tuple of exactly 3 values, got {coefficients!r}")
    a, b, c = coefficients
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.bfloat16()
    # In place, as in PyTorch: a bfloat16 momentum buffer is itself brought to norm 1 here.
    x.div_(x.norm().clamp(min=eps))
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = addmm(x, addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _ratio(adjust_lr_fn: str | None, rows: int, columns: int) -> float:
    """What the learning rate is multiplied by for a parameter of this shape."""
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns)) if adjust_lr_fn in (None, "original") else 1.0
