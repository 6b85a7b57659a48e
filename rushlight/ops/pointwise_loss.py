"""Losses of each element by itself whose slope is one operation: smooth L1, Huber, soft margin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import as_result, not_implemented, widened
from rushlight.ops.loss import reduced
from rushlight.ops.promotion import check_broadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["huber_loss", "smooth_l1_loss", "soft_margin_loss"]


def _mean_slope(grad: Tensor, reduction: str, size: int) -> Tensor:
    """The gradient of each loss from that of the reduced one."""
    return grad / size if reduction == "mean" else grad


def _clipped_difference(input: Tensor, target: Tensor, width: float) -> Tensor:
    """The difference within [-width, width]; its own derivative is 1 strictly inside, 0 elsewhere."""
    dtype = input._array.dtype
    if not state.enabled:
        array = widened(input._array) - widened(target._array)
        return wrap(as_result(np.clip(array, -width, width), dtype))
    difference = input - target
    array = widened(difference._array)
    outside = np.abs(array) >= width
    beyond = np.where(outside, np.sign(array) * width, 0).astype(dtype)
    return difference.masked_fill(wrap(outside), 0) + wrap(beyond)


class HuberLoss(Operation):
    """`d²/2` where the difference d is less than `width`, `width (|d| - width/2)` beyond; times `scale`, reduced."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor, width: float, scale: float, reduction: str) -> Any:
        ctx.width, ctx.scale, ctx.reduction = width, scale, reduction
        ctx.save_for_backward(input, target)
        size = np.abs(widened(input._array) - widened(target._array))
        # With m = min(|d|, width) both branches are m (|d| - m/2).
        near = np.minimum(size, size.dtype.type(width))
        losses = near * (size - near * 0.5)
        if scale != 1:
            losses = losses * size.dtype.type(scale)
        return as_result(np.asarray(reduced(np.asarray(losses), reduction)), input._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, target = ctx.saved_tensors
        needs = ctx.needs_input_grad
        grad = _mean_slope(grad * ctx.scale, ctx.reduction, input._array.size)
        slope = _clipped_difference(input, target, ctx.width) * grad
        return slope if needs[0] else None, -slope if needs[1] else None, None, None, None


class SmoothL1Loss(HuberLoss):
    """Huber's loss divided by its width."""

    node_name = "SmoothL1LossBackward0"


class SoftMarginLoss(Operation):
    """`log(1 + exp(-target · input))`, reduced."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor, reduction: str) -> Any:
        ctx.reduction = reduction
        ctx.save_for_backward(input, target)
        array = input._array
        power = np.exp(as_result(-widened(target._array) * widened(array), array.dtype))
        # In 16 bits PyTorch rounds every step, and the power may become infinite.
        losses = as_result(np.log1p(widened(power)), array.dtype)
        return as_result(np.asarray(reduced(widened(losses), reduction)), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, target = ctx.saved_tensors
        powers = (-target * input).exp()
        slope = -target * powers / (powers + 1)
        return slope * _mean_slope(grad, ctx.reduction, input._array.size), None, None


def _one_type(input: Tensor, target: Tensor, kernel: str) -> tuple[Tensor, Tensor]:
    """Both operands in the type to which they promote; NotImplementedError unless it is floating point."""
    if target.dtype is not input.dtype:
        both = dtypes.promote_types(input.dtype, target.dtype)
        input, target = input.to(both), target.to(both)
    if not input.dtype.is_floating_point:
        raise not_implemented(kernel, input._array.dtype)
    return input, target


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str, beta: float) -> Tensor:
    """Smooth L1 of two tensors of one shape, `beta` > 0; NotImplementedError unless the type is floating point."""
    input, target = _one_type(input, target, "smooth_l1_cpu")
    return SmoothL1Loss.apply(input, target, beta, 1 / beta, reduction)


def huber_loss(input: Tensor, target: Tensor, reduction: str, delta: float) -> Tensor:
    """Huber's loss of two tensors of one shape, `delta` > 0, in the input's type."""
    if not input.dtype.is_floating_point and target.dtype.is_floating_point:
        raise RuntimeError(_no_cast(target.dtype, input.dtype))
    first, second = _one_type(input, target, "huber_cpu")
    return HuberLoss.apply(first, second, delta, 1.0, reduction).to(input.dtype)


def soft_margin_loss(input: Tensor, target: Tensor, reduction: str) -> Tensor:
    """Soft margin loss in the input's type; the target may broadcast to the input's shape."""
    if target.requires_grad:
        raise RuntimeError(not_differentiable("soft_margin_loss", "target"))
    if not input.dtype.is_floating_point:
        raise RuntimeError(_no_cast(dtypes.float32, input.dtype))
    x, t = input._array, target._array
    if x.shape != t.shape:
        check_broadcast(x, t)
        shape = np.broadcast_shapes(x.shape, t.shape)
        if shape != x.shape:
            raise RuntimeError(
                f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(shape)} of input and target"
            )
    return SoftMarginLoss.apply(input, target.to(input.dtype), reduction)


def _no_cast(found: dtypes.dtype, wanted: dtypes.dtype) -> str:
    return f"result type {found.legacy_name} can't be cast to the desired output type {wanted.legacy_name}"


def not_differentiable(function: str, argument: str) -> str:
    """The message about an argument that must not want a gradient."""
    return (
        f"The function '{function}' is not differentiable with respect to argument '{argument}'. This input cannot "
        "have requires_grad True."
    )
