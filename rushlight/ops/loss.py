"""Losses that are one operation: cross entropy on class indices, squared error, binary cross entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels.index import gather_along, scatter_along
from rushlight.ops._geometry import in_order
from rushlight.ops._numeric import Array
from rushlight.ops.reduce import repeated

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "BinaryCrossEntropy",
    "BinaryCrossEntropyWithLogits",
    "CrossEntropy",
    "CrossEntropy2D",
    "MseLoss",
    "NllLoss",
    "NllLoss2D",
    "reduced",
]

# PyTorch clamps the logarithms of binary cross entropy here, and the denominator of its gradient there.
_LOG_FLOOR = -100.0
_DENOMINATOR_FLOOR = float(np.float32(1e-12))


def reduced(losses: Any, reduction: str) -> Any:
    """An array of losses, or their mean or sum."""
    if reduction == "mean":
        if losses.dtype.kind == "V" or losses.dtype.itemsize == 2:
            return losses.astype(np.float32).mean().astype(losses.dtype)
        return losses.mean() if losses.size else np.full((), np.nan, losses.dtype)
    if reduction == "sum":
        return losses.sum(dtype=losses.dtype)
    return losses


def _spread(grad: Any, reduction: str, size: int) -> Any:
    """The gradient of each loss from that of the reduced one."""
    return grad / size if reduction == "mean" else grad


def _row_weights(ctx: Any, target: Any, weight: Any, ignore_index: int, dtype: Any) -> Any:
    """The weight of each row's loss (None where all are 1), and what a mean divides by."""
    kept = target != ignore_index
    if weight is None:
        ctx.total = float(kept.sum())
        return None if kept.all() else kept.astype(dtype)
    rows = np.where(kept, weight[np.where(kept, target, 0)], 0).astype(dtype)
    ctx.total = float(rows.sum())
    return rows


def _reduce_rows(ctx: Any, losses: Any, rows: Any, reduction: str) -> Any:
    if rows is not None:
        # A product would turn an ignored row's infinity into NaN.
        losses = np.where(rows == 0, np.zeros((), losses.dtype), losses * rows)
    if reduction == "none":
        return losses
    total = losses.sum()
    return np.asarray(np.divide(total, losses.dtype.type(ctx.total)) if reduction == "mean" else total)


def _row_gradients(ctx: Any, grad: Any) -> Any:
    """The gradient of each row's loss, with the graph of `grad`."""
    if ctx.rows is None and ctx.reduction != "none" and not (state.enabled or state.levels):
        total = grad._array
        if ctx.reduction == "mean":
            total = np.asarray(total / total.dtype.type(ctx.total or 1.0))
        return wrap(repeated(total, (ctx.count,)))
    if ctx.reduction == "mean":
        # Where no row counts the loss is NaN, and its gradient zero.
        grad = grad / (ctx.total or 1.0)
    if ctx.rows is None:
        return grad if ctx.reduction == "none" else grad.expand(ctx.count)
    return grad * wrap(ctx.rows)


class CrossEntropy(Operation):
    """Softmax and negative log likelihood of `(N, C)` logits and `(N,)` classes, in one pass over the logits."""

    node_name = "NllLossBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, target: Any, weight: Any, reduction: str, ignore_index: int) -> Any:
        logits, classes = in_order(input._array), target._array
        losses, normalizers, count = kernels.softmax_cross_entropy(logits, classes, ignore_index)
        if weight is None and count == len(classes):
            ctx.rows, ctx.total = None, float(count)
        else:
            weights = None if weight is None else weight._array
            ctx.rows = _row_weights(ctx, classes, weights, ignore_index, losses.dtype)
        ctx.reduction, ctx.ignore_index, ctx.count = reduction, ignore_index, len(classes)
        ctx.save_for_backward(input, target)
        ctx.normalizers = normalizers
        return _reduce_rows(ctx, losses, ctx.rows, reduction)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, target = ctx.saved_tensors
        rows = _row_gradients(ctx, grad)
        if state.enabled:
            probabilities = input.softmax(1)
            gradient = NllGrad.apply(rows, target, input._array.shape, ctx.ignore_index)
            return (
                (gradient + probabilities * rows.unsqueeze(1) * _kept(target, ctx.ignore_index, input)),
                None,
                None,
                None,
                None,
            )
        per_row = np.ascontiguousarray(rows._array)
        gradient = kernels.softmax_cross_entropy_backward(
            in_order(input._array), ctx.normalizers, target._array, per_row, ctx.ignore_index
        )
        return wrap(gradient), None, None, None, None


class CrossEntropy2D(CrossEntropy):
    """The same of the places of images, one after the other."""

    node_name = "NllLoss2DBackward0"


def _kept(target: Any, ignore_index: int, like: Any) -> Any:
    return wrap((target._array != ignore_index).astype(like._array.dtype)[:, None])


class NllLoss(Operation):
    """The negative of the chosen class's entry of each row of `(N, C)`, weighted and reduced."""

    node_name = "NllLossBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, target: Any, weight: Any, reduction: str, ignore_index: int) -> Any:
        array, classes = input._array, target._array
        losses = None if weight is not None else _all_chosen(array, classes, ignore_index)
        if losses is not None:
            ctx.rows, ctx.total = None, float(len(classes))
        else:
            check_classes(classes, array.shape[1], ignore_index)
            kept = classes != ignore_index
            losses = -array[np.arange(len(classes)), np.where(kept, classes, 0)]
            ctx.rows = _row_weights(ctx, classes, None if weight is None else weight._array, ignore_index, losses.dtype)
        ctx.reduction, ctx.ignore_index, ctx.count = reduction, ignore_index, len(classes)
        ctx.shape = array.shape
        ctx.save_for_backward(target)
        return _reduce_rows(ctx, losses, ctx.rows, reduction)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (target,) = ctx.saved_tensors
        rows = _row_gradients(ctx, grad)
        return NllGrad.apply(rows, target, ctx.shape, ctx.ignore_index, ctx.rows is None), None, None, None, None


class NllLoss2D(NllLoss):
    """The same of the places of images, one after the other."""

    node_name = "NllLoss2DBackward0"


class NllGrad(Operation):
    """Minus each row's number at the row's class, zero elsewhere: the gradient of `NllLoss`."""

    node_name = "NllLossBackwardBackward0"

    @staticmethod
    def forward(
        ctx: Any, rows: Any, target: Any, shape: tuple[int, ...], ignore_index: int, every: bool = False
    ) -> Any:
        classes = target._array
        if every:  # no row is ignored
            ctx.kept, ctx.classes = np.arange(len(classes)), classes
            out = np.zeros(shape, rows._array.dtype)
            scatter_along("copy", out, 1, classes[:, None], np.negative(rows._array)[:, None])
            return out
        kept = np.flatnonzero(classes != ignore_index)
        ctx.kept, ctx.classes = kept, classes[kept]
        out = np.zeros(shape, rows._array.dtype)
        out[kept, ctx.classes] = -rows._array[kept]
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        out = np.zeros(grad._array.shape[0], grad._array.dtype)
        if not state.enabled:
            out[ctx.kept] = -grad._array[ctx.kept, ctx.classes]
            return wrap(out), None, None, None, None
        chosen = -grad[wrap(ctx.kept), wrap(ctx.classes)]
        return wrap(out).index_copy(0, wrap(ctx.kept), chosen), None, None, None, None


def _all_chosen(array: Array, classes: Array, ignore_index: int) -> Array | None:
    """Minus the chosen entry of each row; None where rows are ignored, or a class is out of range."""
    if 0 <= ignore_index < array.shape[1]:
        return None
    try:
        return np.negative(gather_along(array, 1, classes[:, None])[:, 0])
    except IndexError:
        return None


def check_classes(classes: Any, count: int, ignore_index: int) -> None:
    """Raise IndexError for a class that is neither in [0, count) nor the ignored one."""
    wrong = (classes != ignore_index) & ((classes < 0) | (classes >= count))
    if wrong.any():
        raise IndexError(f"Target {int(classes[wrong][0])} is out of bounds.")


class MseLoss(Operation):
    """The squared differences of two tensors of one shape, reduced."""

    node_name = "MseLossBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, target: Any, reduction: str) -> Any:
        ctx.reduction = reduction
        ctx.save_for_backward(input, target)
        difference = input._array - target._array
        return reduced(difference * difference, reduction)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, target = ctx.saved_tensors
        needs = ctx.needs_input_grad
        slope = (input - target) * _spread(grad * 2, ctx.reduction, input._array.size)
        return (slope if needs[0] else None, -slope if needs[1] else None, None)


class BinaryCrossEntropy(Operation):
    """`-w (t log x + (1 - t) log(1 - x))` with the logarithms at least -100, reduced."""

    node_name = "BinaryCrossEntropyBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, target: Any, weight: Any, reduction: str) -> Any:
        x, t = input._array, target._array
        if not ((x >= 0) & (x <= 1)).all():
            raise RuntimeError("all elements of input should be between 0 and 1")
        ctx.reduction = reduction
        ctx.save_for_backward(input, target, weight)
        one, floor = x.dtype.type(1), x.dtype.type(_LOG_FLOOR)
        losses = (t - one) * np.maximum(np.log1p(-x), floor) - t * np.maximum(np.log(x), floor)
        return reduced(losses if weight is None else losses * weight._array, reduction)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, target, weight = ctx.saved_tensors
        needs = ctx.needs_input_grad
        grad = _spread(grad, ctx.reduction, input._array.size)
        if weight is not None:
            grad = grad * weight
        to_input = to_target = None
        if needs[0]:
            if state.enabled:
                # The same where it is differentiated again: the bound as a sum has PyTorch's slope at 0 and 1.
                product = (input + _DENOMINATOR_FLOOR) * (1 - input + _DENOMINATOR_FLOOR)
            else:
                product = ((1 - input) * input).clamp(min=_DENOMINATOR_FLOOR)
            to_input = grad * (input - target) / product
        if needs[1]:
            to_target = grad * ((-input).log1p() - input.log())
        return to_input, to_target, None, None


class BinaryCrossEntropyWithLogits(Operation):
    """`w ((1 - t) x + (1 + (p - 1) t) softplus(-x))`, reduced: binary cross entropy of sigmoid(x)."""

    node_name = "BinaryCrossEntropyWithLogitsBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, target: Any, weight: Any, pos_weight: Any, reduction: str) -> Any:
        x, t = input._array, target._array
        ctx.reduction = reduction
        ctx.save_for_backward(input, target, weight, pos_weight)
        # log(1 + exp(-x)), which stays finite for large negative x.
        softplus = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, x.dtype.type(0))
        if pos_weight is not None:
            softplus = softplus * (1 + (pos_weight._array - 1) * t)
        losses = ((1 - t) * x + softplus).astype(x.dtype, copy=False)
        return reduced(losses if weight is None else losses * weight._array, reduction)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, target, weight, pos_weight = ctx.saved_tensors
        needs = ctx.needs_input_grad
        grad = _spread(grad, ctx.reduction, input._array.size)
        if weight is not None:
            grad = grad * weight
        to_input = to_target = None
        if needs[0]:
            if pos_weight is None:
                to_input = (input.sigmoid() - target) * grad
            else:
                positive = pos_weight * target
                to_input = ((positive + 1 - target) * input.sigmoid() - positive) * grad
        if needs[1]:
            log_sigmoid = _log_sigmoid(input)
            slope = -input if pos_weight is None else (log_sigmoid - input) - pos_weight * log_sigmoid
            to_target = grad * (slope if pos_weight is not None else -input)
        return to_input, to_target, None, None, None


def _log_sigmoid(x: Tensor) -> Tensor:
    return -((-x.abs()).exp().log1p() + (-x).clamp(min=0))
