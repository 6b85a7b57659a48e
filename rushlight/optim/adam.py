"""Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight import kernels
from rushlight.ops.complex_views import view_as_real
from rushlight.optim._arithmetic import TensorVerbs, number, to_scalar
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    call_closure,
    check_betas,
    check_fused,
    check_implementation,
    check_lr,
    check_range,
    check_step,
    check_unscaled,
    new_step,
    next_count,
    refuse_sparse,
    unscaled,
    use_grad_for_differentiable,
    zeros_like,
)
from rushlight.tensor import Tensor

__all__ = ["Adam", "adam"]

_OPTIONS = (
    "amsgrad", "lr", "weight_decay", "eps", "maximize", "foreach", "capturable", "differentiable", "fused",
    "decoupled_weight_decay",
)  # fmt: skip


class Adam(Optimizer):
    """`p -= lr · m̂ / (sqrt(v̂) + eps)` with running averages m of the gradient and v of its square, corrected for
    their start.

    `weight_decay` is added to the gradient, or, with `decoupled_weight_decay`, taken off the parameter (AdamW). With
    `amsgrad` the largest v so far is used. `maximize` climbs; with `differentiable` the step is recorded. `foreach` and
    `fused` say how PyTorch computes the step: here it is one kernel call for all parameters anyway. `capturable` is for
    other devices: on the CPU the step raises AssertionError, as in PyTorch. Raises ValueError for options out of range,
    RuntimeError for ways that exclude each other.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> w.sum().backward()
    >>> torch.optim.Adam([w], lr=0.5).step()
    >>> w.detach()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Adam.html; Kingma and Ba, arXiv:1412.6980.
    """

    _later_options = (
        ("amsgrad", False),
        ("maximize", False),
        ("foreach", None),
        ("capturable", False),
        ("differentiable", False),
        ("decoupled_weight_decay", False),
        ("fused", None),
    )
    _scalar_state = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_lr(lr)
        check_range("epsilon value", eps)
        check_betas(betas)
        check_range("weight_decay value", weight_decay)
        _check_kinds(betas, bool(foreach), capturable)
        defaults = {
            "lr": lr,
            "betas": tuple(to_scalar(beta) for beta in betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
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
            states = [self.state[p] for p in params]
            for param, state in zip(params, states, strict=True):
                if not state or param._grad.is_sparse:
                    self._begin(param, state, group)
            _check_group(group, states)
            beta1, beta2 = group["betas"]
            adam(
                params,
                [p._grad for p in params],
                [s["exp_avg"] for s in states],
                [s["exp_avg_sq"] for s in states],
                [s["max_exp_avg_sq"] for s in states] if group["amsgrad"] else [],
                [s["step"] for s in states],
                beta1=beta1,
                beta2=beta2,
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
                **{name: group[name] for name in _OPTIONS},
            )
        return loss

    def _begin(self, param: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Fill the state of a parameter before its first step; RuntimeError for a sparse gradient, at any step."""
        if param._grad.is_sparse:
            refuse_sparse("Adam", param._grad, ", please consider SparseAdam instead")
        if group["fused"]:
            check_fused(param)
        state["step"] = new_step(group["fused"])
        state["exp_avg"] = zeros_like(param)
        state["exp_avg_sq"] = zeros_like(param)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(param)


def _check_group(group: dict[str, Any], states: list[dict[str, Any]]) -> None:
    """RuntimeError for a group of parameters whose options exclude each other."""
    if states and group["differentiable"] and any(state["step"].requires_grad for state in states):
        raise RuntimeError("`requires_grad` is not supported for `step` in differentiable mode")
    if states and group["foreach"] and isinstance(group["lr"], Tensor) and not group["capturable"]:
        raise RuntimeError("lr as a Tensor is not supported for capturable=False and foreach=True")


def _check_kinds(betas: tuple[Any, Any], foreach: bool, capturable: bool) -> None:
    """Raise ValueError where betas are neither two floats nor two tensors of one element that the step takes."""
    kinds = [isinstance(beta, Tensor) for beta in betas[:2]]
    if not all(kinds) and not all(isinstance(beta, float) for beta in betas[:2]):
        raise ValueError("betas must be either both floats or both Tensors")
    for i, beta in enumerate(betas[:2] if kinds[0] else ()):
        if foreach and not capturable:
            raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
        if beta._array.size != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")


def adam(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    max_exp_avg_sqs: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_complex: bool = False,
    decoupled_weight_decay: bool = False,
    *,
    amsgrad: bool,
    beta1: float | Tensor,
    beta2: float | Tensor,
    lr: float | Tensor,
    weight_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """One step of `Adam` on lists of tensors, in place; `max_exp_avg_sqs` may be empty without `amsgrad`."""
    check_step(params, state_steps, capturable and not fused, foreach, differentiable)
    check_unscaled(fused, grad_scale, found_inf)
    if fused and not unscaled(grads, grad_scale, found_inf):
        return
    beta1, beta2 = to_scalar(beta1), to_scalar(beta2)
    options = (lr, beta1, beta2, eps, weight_decay, amsgrad, decoupled_weight_decay, maximize)
    tops: Sequence[Any] = max_exp_avg_sqs if amsgrad else [None] * len(params)
    in_tensors = differentiable or isinstance(beta1, Tensor)
    rows = zip(params, grads, exp_avgs, exp_avg_sqs, tops, strict=True)
    # Parameters that missed a step have a count of their own; the kernel takes those of one count together.
    by_count: dict[float, list[tuple[Any, ...]]] = {}
    for tensors, step in zip(rows, state_steps, strict=True):
        count = next_count(step)
        param = tensors[0]
        if in_tensors or param._array.dtype.kind == "c" or (lr.__class__ is not float and _rounds_otherwise(param, lr)):
            _tensor_step(tensors, step.detach().clone() if differentiable else count, *options)
        elif count in by_count:
            by_count[count].append(tensors)
        else:
            by_count[count] = [tensors]
    for count, chosen in by_count.items():
        _kernel_step(chosen, count, *options)


def _kernel_step(
    rows: list[tuple[Any, ...]],
    count: float,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: float,
    weight_decay: Any,
    amsgrad: bool,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> None:
    """The step of parameters that have seen as many steps."""
    lr, decay = float(number(lr)), float(number(weight_decay))
    params, grads, means, squares, tops = zip(*rows, strict=True)
    kernels.adam_step(
        [param._array for param in params],
        [grad._array for grad in grads],
        [mean._array for mean in means],
        [square._array for square in squares],
        [top._array for top in tops] if amsgrad else list(tops),
        lr / (1 - beta1**count),
        (1 - beta2**count) ** 0.5,
        beta1,
        beta2,
        eps,
        1 - lr * decay if decoupled_weight_decay else 1.0,
        0.0 if decoupled_weight_decay else decay,
        maximize,
    )
    for param in params:
        param.bump_version()


def _rounds_otherwise(param: Any, lr: Any) -> bool:
    """Whether the learning rate is a tensor that rounds otherwise than the kernel's number does."""
    return isinstance(lr, Tensor) and lr.dtype is not param.dtype


def _tensor_step(
    tensors: tuple[Any, ...],
    step: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: float,
    weight_decay: Any,
    amsgrad: bool,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> None:
    """The step in tensor operations: recorded where `step` is a tensor, else for complex numbers and tensor betas."""
    v = TensorVerbs()
    param, grad, mean, square, top = tensors
    recorded = isinstance(step, Tensor)
    lr = to_scalar(lr)
    if decoupled_weight_decay and weight_decay != 0:
        v.scale(param, number(1 - lr * weight_decay, recorded))
        weight_decay = 0
    grad = v.descent(grad, param, number(weight_decay, recorded), maximize)
    if param.dtype.is_complex:
        param, grad, mean, square = (view_as_real(t) for t in (param, grad, mean, square))
        top = None if top is None else view_as_real(top)
    v.lerp(mean, grad, 1 - (beta1.to(mean.dtype) if isinstance(beta1, Tensor) else beta1))
    if recorded and isinstance(beta2, Tensor) and beta2.requires_grad:
        v.lerp(square, grad * grad, 1 - beta2)
    else:
        v.scale(square, number(beta2))
        v.addcmul(square, grad, grad, number(1 - beta2))
    if amsgrad:
        v.raise_to(top, square)
        square = top
    step_size = lr / (1 - beta1**step)
    correction = 1 - beta2**step
    root_correction = correction.sqrt() if isinstance(correction, Tensor) else correction**0.5
    denominator = v.plus(v.over(v.sqrt(square), root_correction), eps)
    v.addcdiv(param, mean, denominator, number(-step_size, recorded))
