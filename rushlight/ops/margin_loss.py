"""Losses that ask a right class to outdo the others by a margin: with one right class a row, and with several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import elements
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import Array, not_implemented
from rushlight.ops.loss import reduced
from rushlight.ops.pointwise_loss import not_differentiable

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["multi_margin_loss", "multilabel_margin_loss"]


class MultiMarginLoss(Operation):
    """`w[y] Σ max(0, margin - x[y] + x[i])^p / C` over the classes i that aren't the row's class y, reduced."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, target: Tensor, p: int, margin: float, weight: Tensor | None, reduction: str
    ) -> Any:
        x, classes = input._array, target._array
        count, size = x.shape
        rows = np.arange(count)
        ctx.p, ctx.margin, ctx.reduction = p, margin, reduction
        factor = np.full(count, 1 / size, x.dtype) if weight is None else weight._array[classes] / x.dtype.type(size)
        ctx.factor = factor
        ctx.save_for_backward(input, target)
        excess = np.maximum(x - x[rows, classes][:, None] + x.dtype.type(margin), 0)
        excess[rows, classes] = 0
        return np.asarray(reduced((excess if p == 1 else excess * excess).sum(1) * factor, reduction))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, target = ctx.saved_tensors
        count, _ = input._array.shape
        others = np.ones(input._array.shape, bool)
        others[np.arange(count), target._array] = False
        index = target.unsqueeze(1)
        excess = input - input.gather(1, index) + ctx.margin
        over = others & (excess._array > 0)
        if ctx.p == 1:
            slope = wrap(over.astype(input._array.dtype))
        else:
            slope = excess.masked_fill(wrap(~over), 0) * 2
        if ctx.reduction == "mean":
            grad = grad / count
        slope = slope * (wrap(ctx.factor) * grad).unsqueeze(1)
        # What the others gain the right class loses.
        return slope.scatter_add(1, index, -slope.sum(1, True)), None, None, None, None, None


class MultilabelMarginLoss(Operation):
    """`Σ max(0, 1 - x[y] + x[i]) / C` over a row's classes y and the classes i that aren't its own, reduced."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor, reduction: str) -> Any:
        x = input._array
        count, size = x.shape
        labels, listed = _labels(target._array)
        rows = np.arange(count)[:, None]
        others = np.ones(x.shape, bool)
        # A place behind the list's end names a class that the list has, or none.
        np.logical_and.at(others, (rows, labels), ~listed)
        # (N, L, C): by how much each other class breaks each label's margin.
        excess = x[:, None, :] - x[rows, labels][:, :, None] + x.dtype.type(1)
        over = (excess > 0) & others[:, None, :] & listed[:, :, None]
        if any(ctx.needs_input_grad):
            slope = over.sum(1).astype(x.dtype)
            np.subtract.at(slope, (rows, labels), over.sum(2).astype(x.dtype))
            ctx.slope = slope / x.dtype.type(size)
        ctx.count, ctx.reduction = count, reduction
        losses = np.where(over, excess, x.dtype.type(0)).sum((1, 2)) / x.dtype.type(size)
        # No rows have no loss, on average too.
        return np.asarray(reduced(losses, reduction if count else "sum" if reduction == "mean" else reduction))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        if ctx.reduction == "mean":
            grad = grad / max(ctx.count, 1)
        return (grad.unsqueeze(1) if grad.ndim else grad) * wrap(ctx.slope), None, None


def _labels(target: Array) -> tuple[Array, Array]:
    """Each row's classes up to its first negative number, as `(N, L)` indices and which of them count."""
    listed = np.logical_and.accumulate(target >= 0, axis=1)
    length = int(listed.sum(1).max(initial=0))
    listed = listed[:, :length]
    return np.where(listed, target[:, :length], 0), listed


def _as_matrix(input: Tensor) -> Tensor:
    """`(C,)` and `()` as one row; RuntimeError for more than two dimensions or no classes."""
    shape = input._array.shape
    if len(shape) > 2 or (shape and shape[-1] == 0):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(shape)}"
        )
    return input if len(shape) == 2 else input.reshape(1, -1)


def _check_types(input: Tensor, target: Tensor, kernel: str) -> None:
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise not_implemented(kernel, input._array.dtype)
    if target.dtype is not dtypes.int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.legacy_name}")


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int, margin: float, weight: Tensor | None, reduction: str
) -> Tensor:
    """The multi-class margin loss of `(N, C)` or `(C,)` scores and `(N,)` or `()` classes."""
    rows = _as_matrix(input)
    count, size = rows._array.shape
    if target.ndim > 1 or target.numel() != count:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{count}], but got {list(target.shape)}. Input has shape {list(input.shape)}."
        )
    if weight is not None and weight._array.shape != (size,):
        raise RuntimeError(f"inconsistent weight size, expected {size} but got {list(weight.shape)}")
    _check_types(input, target, "multi_margin_loss_cpu_kernel")
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.legacy_name} but found {weight.dtype.legacy_name}")
    if weight is not None and weight.requires_grad:
        raise RuntimeError(not_differentiable("multi_margin_loss", "weight"))
    labels = elements(target)
    wrong = (labels < 0) | (labels >= size)
    if wrong.any():
        raise RuntimeError(
            f"target out of range: expected classes in [0, {size}), got {int(labels[wrong].reshape(-1)[0])}"
        )
    out = MultiMarginLoss.apply(rows, target.reshape(-1), p, margin, weight, reduction)
    return out.reshape(()) if reduction == "none" and not target.ndim else out


def multilabel_margin_loss(input: Tensor, target: Tensor, reduction: str) -> Tensor:
    """The multi-label margin loss of `(N, C)` or `(C,)` scores and lists of classes that a negative number ends."""
    rows = _as_matrix(input)
    if target._array.shape != input._array.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    _check_types(input, target, "multilabel_margin_loss_forward_out_frame")
    classes = elements(target)
    if ((classes < -1) | (classes >= rows._array.shape[1])).any():
        raise RuntimeError(
            "argument #2 'target' is out of range: expected classes below "
            f"{rows._array.shape[1]}, or -1, got {classes.min()} to {classes.max()}"
        )
    out = MultilabelMarginLoss.apply(rows, target.reshape(rows.shape), reduction)
    return out.reshape(()) if reduction == "none" and input.ndim < 2 else out
