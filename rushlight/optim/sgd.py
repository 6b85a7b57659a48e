"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import kernels
from rushlight.autograd.grad_mode import is_grad_enabled
from rushlight.autograd.variable import wrap
from rushlight.optim._arithmetic import TensorVerbs, number
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    call_closure,
    check_fused,
    check_implementation,
    check_single,
    check_unscaled,
    is_sparse,
    unscaled,
    use_grad_for_differentiable,
)
from rushlight.tensor import Tensor

__all__ = ["SGD", "sgd"]

_OPTIONS = ("weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize", "foreach", "fused")


class SGD(Optimizer):
    """`p -= lr · v` with `v = momentum · v + (1 - dampening) · (g + weight_decay · p)`.

    With `nesterov`, `g + momentum · v` in place of v. `maximize` climbs; with `differentiable` the step is recorded.
    `foreach` and `fused` say how PyTorch computes the step: here it is one kernel call for all parameters anyway.
    Raises ValueError for negative options, RuntimeError for ways that exclude each other.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.SGD([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.SGD.html
    """

    _later_options = (
        ("nesterov", False),
        ("maximize", False),
        ("foreach", None),
        ("differentiable", False),
        ("fused", False),
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_single(lr)
        for name, value in (
            ("learning rate", lr),
            ("momentum value", momentum),
            ("weight_decay value", weight_decay),
        ):
            # NaN passes, as in PyTorch, which asks the other optimizers' options whether they are at least 0.
            if value < 0.0:
                raise ValueError(f"Invalid {name}: {value}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_implementation(foreach, fused, differentiable)
        if fused:
            self._step_supports_amp_scaling = True

    @use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            grads = [p._grad for p in params]
            for p in params if group["fused"] else ():
                check_fused(p)
            momentum = group["momentum"] != 0
            buffers = [self.state[p].get("momentum_buffer") for p in params] if momentum else []
            sgd(
                params,
                grads,
                buffers,
                has_sparse_grad=any(is_sparse(grad) for grad in grads),
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
                **{name: group[name] for name in _OPTIONS},
            )
            if momentum:
                for p, buffer in zip(params, buffers, strict=True):
                    self.state[p]["momentum_buffer"] = buffer
        return loss


def sgd(
    params: list[Tensor],
    d_p_list: list[Tensor],
    momentum_buffer_list: list[Tensor | None],
    has_sparse_grad: bool = False,
    foreach: bool | None = None,
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    *,
    weight_decay: float,
    momentum: float,
    lr: float,
    dampening: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """One step of `SGD` on lists of tensors, in place; an empty place among the buffers is filled at its first step."""
    check_unscaled(fused, grad_scale, found_inf)
    if fused and has_sparse_grad:
        raise RuntimeError("`_fused_sgd` does not support sparse gradients")
    if not params or (fused and not unscaled(d_p_list, grad_scale, found_inf)):
        return
    recorded = is_grad_enabled()
    lr, weight_decay = number(lr, recorded), number(weight_decay, recorded)
    if recorded or has_sparse_grad:
        for i, (param, grad) in enumerate(zip(params, d_p_list, strict=True)):
            buffer = momentum_buffer_list[i] if momentum != 0 else None
            direction, buffer = _direction(grad, param, buffer, weight_decay, momentum, dampening, nesterov, maximize)
            if momentum != 0:
                momentum_buffer_list[i] = buffer
            TensorVerbs().add(param, direction, -lr)
        return
    arrays = [None if buffer is None else buffer._array for buffer in momentum_buffer_list]
    kernels.sgd_step(
        [p._array for p in params],
        [grad._array for grad in d_p_list],
        arrays if momentum != 0 else [None] * len(params),
        lr,
        momentum,
        dampening,
        weight_decay,
        nesterov,
        maximize,
    )
    for i, param in enumerate(params):
        param.bump_version()
        if momentum != 0 and momentum_buffer_list[i] is None:
            momentum_buffer_list[i] = wrap(arrays[i])


def _direction(
    grad: Any,
    param: Any,
    buffer: Any,
    weight_decay: Any,
    momentum: float,
    dampening: float,
    nesterov: bool,
    maximize: bool,
) -> tuple[Any, Any]:
    """The direction of a step in tensor operations, and the momentum buffer after it."""
    v = TensorVerbs()
    grad = v.descent(grad, param, weight_decay, maximize)
    if momentum == 0:
        return grad, None
    if buffer is None:
        # As in PyTorch, no gradient flows through the first buffer.
        buffer = grad.detach().clone()
    else:
        v.scale(buffer, momentum)
        v.add(buffer, grad, 1 - dampening)
    return (v.plus(grad, buffer, momentum) if nesterov else buffer), buffer
