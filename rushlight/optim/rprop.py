"""Rprop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import kernels
from rushlight.kernels.reference import steps
from rushlight.ops.creation import full_like
from rushlight.optim._arithmetic import Update, number
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    call_closure,
    check_lr,
    check_step,
    new_step,
    next_count,
    refuse_sparse,
    use_grad_for_differentiable,
    zeros_like,
)
from rushlight.tensor import Tensor

__all__ = ["Rprop", "rprop"]

_OPTIONS = ("foreach", "capturable", "maximize", "differentiable")


class Rprop(Optimizer):
    """Each element has a step size of its own, `p -= sign(g) · size`, that depends on signs only.

    It grows by `etas[1]` where the gradient kept its sign and shrinks by `etas[0]` where the sign changed, within
    `step_sizes`; where it changed, the element rests and its gradient counts as 0. `lr` is the first size. Meant for
    gradients of whole data sets, not of batches.

    `maximize` climbs; with `differentiable` the step is recorded. `foreach` says how PyTorch computes the step, which
    is one way here. `capturable` is for other devices: on the CPU the step raises AssertionError, as in PyTorch. Raises
    ValueError for a negative `lr` and for etas that are not `0 < etas[0] < 1 < etas[1]`.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.Rprop([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Rprop.html; Riedmiller and Braun, 1993.
    """

    _later_options = (("foreach", None), ("maximize", False), ("differentiable", False), ("capturable", False))
    _scalar_state = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    @use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            params = self._with_gradients(group)
            states = [self._state_of(p, group) for p in params]
            (etaminus, etaplus), (smallest, largest) = group["etas"], group["step_sizes"]
            rprop(
                params,
                [p._grad for p in params],
                [s["prev"] for s in states],
                [s["step_size"] for s in states],
                [s["step"] for s in states],
                step_size_min=smallest,
                step_size_max=largest,
                etaminus=etaminus,
                etaplus=etaplus,
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _state_of(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        refuse_sparse("Rprop", param._grad)
        state = self.state[param]
        if not state:
            size = number(group["lr"])
            # The parts of a complex number go their own ways.
            size = complex(size, size) if param.dtype.is_complex else size
            state.update(step=new_step(), prev=zeros_like(param), step_size=full_like(param._grad.detach(), size))
        return state


def rprop(
    params: list[Tensor],
    grads: list[Tensor],
    prevs: list[Tensor],
    step_sizes: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    capturable: bool = False,
    maximize: bool = False,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    step_size_min: float,
    step_size_max: float,
    etaminus: float,
    etaplus: float,
) -> None:
    """One step of `Rprop` on lists of tensors, in place."""
    check_step(params, state_steps, capturable, foreach, differentiable, xla=True)

    update = Update(
        kernels.rprop_step,
        steps.rprop,
        differentiable,
        down=etaminus,
        up=etaplus,
        smallest=step_size_min,
        largest=step_size_max,
        maximize=maximize,
    )
    for param, grad, before, size, step in zip(params, grads, prevs, step_sizes, state_steps, strict=True):
        next_count(step)
        update.add((param, grad, before, size))
    update.finish()
