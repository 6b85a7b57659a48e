"""Losses made of other operations, as they are at the front door: reduction 0 is none, 1 the mean, 2 the sum.

`nn.functional` has the same losses with the reduction by name.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.grad_mode import state
from rushlight.dtypes import promote_types
from rushlight.ops._numeric import check_tensor, not_implemented
from rushlight.ops.choice import minimum, where
from rushlight.ops.creation import zeros_like
from rushlight.ops.distance import pairwise_distance
from rushlight.ops.loss import BinaryCrossEntropyWithLogits
from rushlight.ops.pointwise_loss import not_differentiable
from rushlight.ops.promotion import check_broadcast
from rushlight.ops.special import xlogy

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "kl_div",
    "margin_ranking_loss",
    "poisson_nll_loss",
    "triplet_margin_loss",
]

# What cosine_embedding_loss adds to squared lengths.
_EPSILON = 1e-12


def check_tensors(function: str, **arguments: Any) -> None:
    """TypeError if one of a function's first arguments is no tensor."""
    for position, (name, value) in enumerate(arguments.items(), 1):
        check_tensor(function, name, position, value)


def reduction_name(function: str, position: int, reduction: int) -> str:
    """ "none", "mean" or "sum" for 0, 1 or 2; TypeError for a word, which nn.functional's functions take."""
    if not isinstance(reduction, int):
        raise TypeError(
            f"{function}(): argument 'reduction' (position {position}) must be int, not {type(reduction).__name__}"
        )
    return "mean" if reduction == 1 else "sum" if reduction == 2 else "none"


def reduced(losses: Tensor, function: str, position: int, reduction: int) -> Tensor:
    """The losses, their mean or their sum."""
    name = reduction_name(function, position, reduction)
    return losses.mean() if name == "mean" else losses.sum() if name == "sum" else losses


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 1) -> Tensor:
    """The distance `x` where the target is 1, `max(0, margin - x)` where it is -1, reduced.

    Input and target broadcast. The reduction is 0 (none), 1 (mean) or 2 (sum).

    >>> import rushlight as torch
    >>> torch.hinge_embedding_loss(torch.tensor([0.5, 0.25]), torch.tensor([1, -1]), reduction=0)
    tensor([0.5000, 0.7500])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.HingeEmbeddingLoss.html
    """
    if state.casts is not None:
        return state.casts.float32(hinge_embedding_loss, input, target, margin, reduction)
    check_tensors("hinge_embedding_loss", input=input, target=target)
    zeros = zeros_like(input)
    apart = where(target != 1, (margin - input).clamp_min(0), zeros)
    together = where(target != -1, input, zeros)
    return reduced(apart + together, "hinge_embedding_loss", 4, reduction)


def kl_div(input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False) -> Tensor:
    """`target · (log target - input)` for an input of log-probabilities, reduced; where `target` is 0, 0.

    With `log_target` the target holds log-probabilities too: `exp(target) · (target - input)`. Both broadcast; floating
    point, RuntimeError otherwise. The reduction is 0 (none), 1 (mean of all elements) or 2 (sum).

    >>> import rushlight as torch
    >>> torch.kl_div(torch.tensor([0.5, 0.5]).log(), torch.tensor([0.25, 0.75]), reduction=2)
    tensor(0.1308)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.KLDivLoss.html
    """
    if state.casts is not None:
        return state.casts.float32(kl_div, input, target, reduction, log_target=log_target)
    check_tensors("kl_div", input=input, target=target)
    for tensor in (input, target):
        if tensor.is_complex():
            raise RuntimeError("kl_div: Complex inputs not supported.")
        if not tensor.is_floating_point():
            raise RuntimeError("kl_div: Integral inputs not supported.")
    losses = target.exp() * (target - input) if log_target else xlogy(target, target) - target * input
    return reduced(losses, "kl_div", 3, reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`max(0, margin - target · (input1 - input2))`, reduced; the target is 1 where the first should be higher, or -1.

    All broadcast. The reduction is 0 (none), 1 (mean) or 2 (sum).

    >>> import rushlight as torch
    >>> torch.margin_ranking_loss(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0]), torch.tensor([1, 1]), reduction=0)
    tensor([2., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MarginRankingLoss.html
    """
    if state.casts is not None:
        return state.casts.float32(margin_ranking_loss, input1, input2, target, margin, reduction)
    check_tensors("margin_ranking_loss", input1=input1, input2=input2, target=target)
    losses = (-target * (input1 - input2) + margin).clamp_min(0)
    return reduced(losses, "margin_ranking_loss", 5, reduction)


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """The negative log likelihood of counts under Poisson's law, less a constant, reduced.

    `exp(input) - target · input` where the input is the rate's logarithm, else `input - target · log(input + eps)`.
    `full` adds Stirling's `t log t - t + log(2πt)/2` where the target t exceeds 1. Both broadcast.

    >>> import rushlight as torch
    >>> torch.poisson_nll_loss(torch.tensor([2.0]), torch.tensor([3.0]), False, False, 1e-8, 1)
    tensor(-0.0794)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.PoissonNLLLoss.html
    """
    if state.casts is not None:
        return state.casts.float32(poisson_nll_loss, input, target, log_input, full, eps, reduction)
    check_tensors("poisson_nll_loss", input=input, target=target)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + stirling.masked_fill(target <= 1, 0)
    return reduced(losses, "poisson_nll_loss", 6, reduction)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`1 - cos(x₁, x₂)` where the target is 1, `max(0, cos(x₁, x₂) - margin)` where it is -1, reduced.

    Inputs `(N, D)` with targets `(N,)`, or `(D,)` with `()`; RuntimeError otherwise. The reduction is 0, 1 or 2.

    >>> import rushlight as torch
    >>> x, y = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    >>> torch.cosine_embedding_loss(x, y, torch.tensor([1, -1]), reduction=0)
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.CosineEmbeddingLoss.html
    """
    if state.casts is not None:
        return state.casts.float32(cosine_embedding_loss, input1, input2, target, margin, reduction)
    check_tensors("cosine_embedding_loss", input1=input1, input2=input2, target=target)
    dim = target.ndim
    if dim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input1.ndim != dim + 1 or input2.ndim != dim + 1:
        raise RuntimeError(
            f"{dim}D target tensor expects {dim + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    product = (input1 * input2).sum(dim)
    first = (input1 * input1).sum(dim) + _EPSILON
    second = (input2 * input2).sum(dim) + _EPSILON
    cosine = product / (first * second).sqrt()
    zeros = zeros_like(cosine)
    alike = where(target == 1, 1 - cosine, zeros)
    unlike = where(target == -1, (cosine - margin).clamp_min(0), zeros)
    return reduced(alike + unlike, "cosine_embedding_loss", 5, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 1,
) -> Tensor:
    """`max(0, margin + ‖a - p‖ - ‖a - n‖)`, reduced, with `pairwise_distance` as the norm.

    `(N, D)` or `(D,)` each; RuntimeError if their numbers of dimensions differ. With `swap` the smaller of `‖a - n‖`
    and `‖p - n‖` counts. The reduction is 0 (none), 1 (mean) or 2 (sum).

    >>> import rushlight as torch
    >>> torch.triplet_margin_loss(torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([[3.0, 4.0]]), margin=5.0)
    tensor(1.4142)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.TripletMarginLoss.html
    """
    if state.casts is not None:
        return state.casts.float32(triplet_margin_loss, anchor, positive, negative, margin, p, eps, swap, reduction)
    check_tensors("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
    check_triplet(anchor, positive, negative)
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced((margin + near - far).clamp_min(0), "triplet_margin_loss", 8, reduction)


def check_triplet(anchor: Tensor, positive: Tensor, negative: Tensor) -> None:
    """RuntimeError unless the three have as many dimensions."""
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:
    """Binary cross entropy of `sigmoid(input)`, computed without overflow; `pos_weight` weighs the positive term.

    input `(*)`, target of its shape, `weight` and `pos_weight` broadcast to it. The reduction is 0, 1 or 2.

    >>> import rushlight as torch
    >>> torch.binary_cross_entropy_with_logits(torch.zeros(2), torch.tensor([0.0, 1.0]))
    tensor(0.6931)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.binary_cross_entropy_with_logits.html
    """
    if state.casts is not None:
        return state.casts.float32(binary_cross_entropy_with_logits, input, target, weight, pos_weight, reduction)
    function = "binary_cross_entropy_with_logits"
    check_tensors(function, input=input, target=target)
    if not input.dtype.is_floating_point:
        raise not_implemented("log_sigmoid_cpu", input._array.dtype)
    if not target.dtype.is_floating_point:
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {target.dtype.legacy_name}: expected a "
            "floating-point target"
        )
    shape = input._array.shape
    _check_fits(target, shape)
    for position, name, factor in ((3, "weight", weight), (4, "pos_weight", pos_weight)):
        if factor is not None:
            check_tensor(function, name, position, factor)
            _check_fits(factor, shape)
            if factor.requires_grad:
                raise RuntimeError(not_differentiable(function, name))
    if target.dtype is not input.dtype:
        both = promote_types(input.dtype, target.dtype)
        input, target = input.to(both), target.to(both)
    weight = None if weight is None else weight.to(input.dtype)
    pos_weight = None if pos_weight is None else pos_weight.to(input.dtype)
    name = reduction_name(function, 5, reduction)
    return BinaryCrossEntropyWithLogits.apply(input, target, weight, pos_weight, name)


def _check_fits(other: Tensor, shape: tuple[int, ...]) -> None:
    """RuntimeError unless another operand broadcasts to the input's shape."""
    if other._array.shape == shape:
        return
    check_broadcast(other._array, np.broadcast_to(0, shape))
    if np.broadcast_shapes(other._array.shape, shape) != shape:
        raise RuntimeError(f"output with shape {list(shape)} doesn't match the broadcast shape of {list(other.shape)}")
