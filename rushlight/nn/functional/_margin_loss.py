"""Losses that ask for a margin: between classes, between scores, between distances."""

from __future__ import annotations

from collections.abc import Callable

from rushlight.autograd.grad_mode import state
from rushlight.nn.functional._reduction import check_arguments, reduction_name, reduction_number
from rushlight.nn.functional.activation import logsigmoid
from rushlight.ops import composed_loss, margin_loss
from rushlight.ops._numeric import check_tensor
from rushlight.ops.choice import minimum
from rushlight.ops.distance import pairwise_distance
from rushlight.tensor import Tensor

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`max(0, margin - target · (input1 - input2))`: the target is 1 where the first should rank higher, else -1.

    Shapes: (N) or () each → (), or their own with reduction "none". RuntimeError if the numbers of dimensions differ.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.margin_ranking_loss(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0]), torch.tensor([1, 1]))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.margin_ranking_loss.html
    """
    number = reduction_number(size_average, reduce, reduction)
    check_arguments("margin_ranking_loss", input1=input1, input2=input2, target=target)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return composed_loss.margin_ranking_loss(input1, input2, target, margin, number)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The distance x where the target is 1, `max(0, margin - x)` where it is -1.

    Shapes: (*) and (*), which broadcast → (), or their own with reduction "none".

    >>> import rushlight as torch
    >>> torch.nn.functional.hinge_embedding_loss(torch.tensor([0.5, 0.25]), torch.tensor([1, -1]))
    tensor(0.6250)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.hinge_embedding_loss.html
    """
    number = reduction_number(size_average, reduce, reduction)
    return composed_loss.hinge_embedding_loss(input, target, margin, number)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`Σ max(0, 1 - x[y] + x[i]) / C` over a row's classes y and the classes i that aren't its own.

    Shapes: (C) or (N, C) scores; a target of that shape in int64 lists a row's classes, up to the first -1. → () or
    (N) with reduction "none". float32 and float64, NotImplementedError for others; RuntimeError for a target of another
    shape or out of range.

    >>> import rushlight as torch
    >>> scores = torch.tensor([[0.1, 0.2, 0.4, 0.8]])
    >>> torch.nn.functional.multilabel_margin_loss(scores, torch.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.multilabel_margin_loss.html
    """
    if state.casts is not None:
        return state.casts.float32(multilabel_margin_loss, input, target, size_average, reduce, reduction)
    reduction = reduction_name(size_average, reduce, reduction)
    check_arguments("multilabel_margin_loss", input=input, target=target)
    return margin_loss.multilabel_margin_loss(input, target, reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`weight[y] Σ max(0, margin - x[y] + x[i])^p / C` over the classes i that aren't the row's class y.

    Shapes: (N, C) or (C) scores, (N) or () int64 classes, `weight` (C) → () or, with reduction "none", the target's. p
    is 1 or 2. float32 and float64, NotImplementedError for others; ValueError for another p or a weight of several
    dimensions; RuntimeError for shapes that don't fit and classes out of range.

    >>> import rushlight as torch
    >>> scores = torch.tensor([[0.1, 0.2, 0.4, 0.8]])
    >>> torch.nn.functional.multi_margin_loss(scores, torch.tensor([3]))
    tensor(0.3250)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.multi_margin_loss.html
    """
    if state.casts is not None:
        return state.casts.float32(multi_margin_loss, input, target, p, margin, weight, size_average, reduce, reduction)
    reduction = reduction_name(size_average, reduce, reduction)
    check_arguments("multi_margin_loss", input=input, target=target)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, got {p}")
    if weight is not None:
        check_tensor("multi_margin_loss", "weight", 5, weight)
        if weight.ndim != 1:
            raise ValueError(f"weight must be one-dimensional, got {weight.ndim} dimensions")
    return margin_loss.multi_margin_loss(input, target, p, margin, weight, reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`-Σ weight · (t log σ(x) + (1 - t) log σ(-x)) / C` over the last dimension: each class is yes or no by itself.

    Shapes: (N, C), a target of its shape or one that broadcasts, `weight` (C) → () or, with reduction "none", (N).

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.multilabel_soft_margin_loss(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 1.0]]))
    tensor(0.4100)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.multilabel_soft_margin_loss.html
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_name(size_average, reduce, reduction)
    check_arguments("multilabel_soft_margin_loss", input=input, target=target)
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    dim = input.ndim - 1
    losses = losses.sum(dim) / input.size(dim)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`1 - cos(x₁, x₂)` where the target is 1, `max(0, cos(x₁, x₂) - margin)` where it is -1.

    Shapes: (N, D) inputs with targets (N), or (D) with () → () or, with reduction "none", the target's; RuntimeError
    for others.

    >>> import rushlight as torch
    >>> x, y = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    >>> torch.nn.functional.cosine_embedding_loss(x, y, torch.tensor([1, -1]))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.cosine_embedding_loss.html
    """
    number = reduction_number(size_average, reduce, reduction)
    return composed_loss.cosine_embedding_loss(input1, input2, target, margin, number)


def _check_margin(margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`max(0, margin + ‖a - p‖ - ‖a - n‖)`, with `pairwise_distance` (`p`, `eps`) as the norm.

    Shapes: (N, D) or (D) each → () or, with reduction "none", (N) or (). With `swap` the smaller of ‖a - n‖ and
    ‖p - n‖ counts. ValueError unless margin > 0; RuntimeError if the numbers of dimensions differ.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.triplet_margin_loss(torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([[3.0, 4.0]]), margin=5.0)
    tensor(1.4142)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.triplet_margin_loss.html
    """
    number = reduction_number(size_average, reduce, reduction)
    _check_margin(margin)
    return composed_loss.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, number)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`max(0, margin + d(a, p) - d(a, n))` for a distance d of your own; `pairwise_distance` if None.

    Shapes: (N, *) each, as many dimensions as the distance takes → () or, with reduction "none", what it gives. With
    `swap` the smaller of d(a, n) and d(p, n) counts. ValueError unless margin > 0; RuntimeError if the numbers of
    dimensions differ.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> def greatest(x, y):
    ...     return (x - y).abs().amax(1)
    >>> F.triplet_margin_with_distance_loss(
    ...     torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([[3.0, 4.0]]), distance_function=greatest, margin=4.0
    ... )
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.triplet_margin_with_distance_loss.html
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    _check_margin(margin)
    check_arguments("triplet_margin_with_distance_loss", anchor=anchor, positive=positive, negative=negative)
    composed_loss.check_triplet(anchor, positive, negative)
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    losses = (margin + near - far).clamp_min(0)
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses
