"""Losses of the difference of two tensors, element by element."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.nn.functional._reduction import check_arguments, reduction_name
from rushlight.ops import pointwise_loss
from rushlight.ops._numeric import check_tensor
from rushlight.ops.broadcast import broadcast_tensors
from rushlight.ops.loss import MseLoss
from rushlight.tensor import Tensor

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss", "soft_margin_loss"]


def _one_shape(input: Tensor, target: Tensor, function: str) -> tuple[Tensor, Tensor]:
    """Both operands in one shape; a warning where that took broadcasting."""
    check_arguments(function, input=input, target=target)
    if target._array.shape != input._array.shape:
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            UserWarning,
            stacklevel=3,
        )
        input, target = broadcast_tensors(input, target)
    return input, target


def _one_type(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if target._array.dtype != input._array.dtype:
        both = dtypes.promote_types(input.dtype, target.dtype)
        input, target = input.to(both), target.to(both)
    return input, target


def _check_weight(function: str, position: int, weight: Tensor, input: Tensor, reduction: str) -> None:
    check_tensor(function, "weight", position, weight)
    if weight._array.shape != input._array.shape:
        raise ValueError(f"Weights and input must have the same size. Got {list(weight.shape)} and {list(input.shape)}")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")


def _weighted(losses: Tensor, weight: Tensor, reduction: str) -> Tensor:
    """The losses times their weights; a mean divides by the weights' sum."""
    losses = losses * weight
    if reduction == "mean":
        return losses.sum() / weight.sum()
    return losses.sum() if reduction == "sum" else losses


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """`(input - target)²`, averaged unless `reduction` is "sum" or "none"; with `weight` `(*)`, the weighted mean.

    Both `(*)`; broadcasting warns.

    >>> import rushlight as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]))
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.mse_loss.html
    """
    if state.casts is not None:
        return state.casts.float32(mse_loss, input, target, size_average, reduce, reduction, weight)
    given = input
    reduction = reduction_name(size_average, reduce, reduction)
    input, target = _one_type(*_one_shape(input, target, "mse_loss"))
    if weight is not None:
        _check_weight("mse_loss", 6, weight, given, reduction)
        return _weighted((input - target).pow(2), weight, reduction)
    return MseLoss.apply(input, target, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """`|input - target|`, averaged unless `reduction` is "sum" or "none"; with `weight` `(*)`, the weighted mean.

    Both `(*)`; broadcasting warns.

    >>> import rushlight as torch
    >>> torch.nn.functional.l1_loss(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.l1_loss.html
    """
    if state.casts is not None:
        return state.casts.float32(l1_loss, input, target, size_average, reduce, reduction, weight)
    given = input
    reduction = reduction_name(size_average, reduce, reduction)
    input, target = _one_type(*_one_shape(input, target, "l1_loss"))
    losses = (input - target).abs()
    if weight is not None:
        _check_weight("l1_loss", 6, weight, given, reduction)
        return _weighted(losses, weight, reduction)
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def _check_number(function: str, name: str, position: int, value: Any) -> None:
    if not isinstance(value, (int, float)):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be float, not {type(value).__name__}"
        )


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """`d²/(2 beta)` where the difference d is less than `beta`, `|d| - beta/2` beyond; averaged unless told otherwise.

    Both `(*)`; broadcasting warns. With `beta` 0 it is `l1_loss`. Floating-point dtypes, NotImplementedError for
    others; RuntimeError if beta < 0.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.smooth_l1_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.smooth_l1_loss.html
    """
    if state.casts is not None:
        return state.casts.float32(smooth_l1_loss, input, target, size_average, reduce, reduction, beta)
    reduction = reduction_name(size_average, reduce, reduction)
    input, target = _one_shape(input, target, "smooth_l1_loss")
    _check_number("smooth_l1_loss", "beta", 4, beta)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta. Got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return pointwise_loss.smooth_l1_loss(input, target, reduction, beta)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """`d²/2` where the difference d is less than `delta`, `delta (|d| - delta/2)` beyond; averaged unless told not to.

    Both `(*)`; broadcasting warns. `weight`, of the input's shape, multiplies the losses, and a mean divides by their
    number. Floating-point dtypes; RuntimeError unless delta > 0; ValueError for a weight of another shape.

    >>> import rushlight as torch
    >>> torch.nn.functional.huber_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.huber_loss.html
    """
    if state.casts is not None:
        return state.casts.float32(huber_loss, input, target, reduction, delta, weight)
    given = input
    input, target = _one_shape(input, target, "huber_loss")
    if weight is not None:
        _check_weight("huber_loss", 5, weight, given, reduction)
    name = "none" if weight is not None else reduction_name(None, None, reduction)
    _check_number("huber_loss", "delta", 4, delta)
    if not delta > 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta. Got {delta}")
    losses = pointwise_loss.huber_loss(input, target, name, delta)
    if weight is None:
        return losses
    losses = losses * weight
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`log(1 + exp(-target · input))` for targets 1 and -1, averaged unless `reduction` is "sum" or "none".

    input `(*)`, target of its shape or one that broadcasts to it, wanting no gradient. Floating-point input,
    RuntimeError for another.

    >>> import rushlight as torch
    >>> torch.nn.functional.soft_margin_loss(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]), reduction="none")
    tensor([0.6931, 0.1269])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.soft_margin_loss.html
    """
    if state.casts is not None:
        return state.casts.float32(soft_margin_loss, input, target, size_average, reduce, reduction)
    reduction = reduction_name(size_average, reduce, reduction)
    check_arguments("soft_margin_loss", input=input, target=target)
    return pointwise_loss.soft_margin_loss(input, target, reduction)
