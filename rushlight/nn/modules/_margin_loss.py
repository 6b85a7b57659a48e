"""Losses that ask for a margin, as modules; `loss.py` gathers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rushlight.nn import functional as F
from rushlight.nn.modules._loss import _Loss, _WeightedLoss
from rushlight.nn.modules.distance import PairwiseDistance
from rushlight.tensor import Tensor

__all__ = [
    "CosineEmbeddingLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class HingeEmbeddingLoss(_Loss):
    """The distance x where the target is 1, `max(0, margin - x)` where it is -1: see `functional.hinge_embedding_loss`.

    Shapes: (*) and (*) → (), or (*) with reduction "none".

    >>> import rushlight as torch
    >>> torch.nn.HingeEmbeddingLoss()(torch.tensor([0.5, 0.25]), torch.tensor([1, -1]))
    tensor(0.6250)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.HingeEmbeddingLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["margin", "reduction"]
    margin: float

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """`Σ max(0, 1 - x[y] + x[i]) / C` over a row's classes y and the others i: see `functional.multilabel_margin_loss`.

    Shapes: (C) or (N, C) scores and int64 lists of classes, which -1 ends → (), or (N) with reduction "none".

    >>> import rushlight as torch
    >>> torch.nn.MultiLabelMarginLoss()(torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MultiLabelMarginLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["reduction"]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """`log(1 + exp(-target · input))` for targets 1 and -1: see `functional.soft_margin_loss`.

    Shapes: (*) and (*) → (), or (*) with reduction "none".

    >>> import rushlight as torch
    >>> torch.nn.SoftMarginLoss(reduction="none")(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]))
    tensor([0.6931, 0.1269])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.SoftMarginLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["reduction"]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Binary cross entropy of logits, averaged over the classes: see `functional.multilabel_soft_margin_loss`.

    Shapes: (N, C) and (N, C), `weight` (C) → (), or (N) with reduction "none".

    >>> import rushlight as torch
    >>> torch.nn.MultiLabelSoftMarginLoss()(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 1.0]]))
    tensor(0.4100)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MultiLabelSoftMarginLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["reduction"]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """`1 - cos` where the target is 1, `max(0, cos - margin)` where it is -1: see `functional.cosine_embedding_loss`.

    Shapes: (N, D), (N, D) and (N), or (D), (D) and () → (), or the target's with reduction "none".

    >>> import rushlight as torch
    >>> x, y = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    >>> torch.nn.CosineEmbeddingLoss()(x, y, torch.tensor([1, -1]))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.CosineEmbeddingLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["margin", "reduction"]
    margin: float

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """`max(0, margin - target · (input1 - input2))`: see `functional.margin_ranking_loss`.

    Shapes: (N) or () each → (), or their own with reduction "none".

    >>> import rushlight as torch
    >>> torch.nn.MarginRankingLoss()(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0]), torch.tensor([1, 1]))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MarginRankingLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["margin", "reduction"]
    margin: float

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """`weight[y] Σ max(0, margin - x[y] + x[i])^p / C` over the other classes i: see `functional.multi_margin_loss`.

    Shapes: (N, C) or (C) scores, (N) or () int64 classes, `weight` (C) → (), or the target's with reduction "none".
    ValueError unless p is 1 or 2.

    >>> import rushlight as torch
    >>> torch.nn.MultiMarginLoss()(torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([3]))
    tensor(0.3250)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MultiMarginLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["p", "margin", "reduction"]
    margin: float
    p: int

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"only p == 1 and p == 2 supported, got {p}")
        if weight is not None and weight.ndim != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.ndim}D instead")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


def _check_margin(name: str, margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"{name}: expected margin to be greater than 0, got {margin} instead")


class TripletMarginLoss(_Loss):
    """`max(0, margin + ‖a - p‖ - ‖a - n‖)`: see `functional.triplet_margin_loss`.

    Shapes: (N, D) or (D) each → (), or (N) or () with reduction "none". ValueError unless margin > 0.

    >>> import rushlight as torch
    >>> loss = torch.nn.TripletMarginLoss(margin=5.0)
    >>> loss(torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([[3.0, 4.0]]))
    tensor(1.4142)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.TripletMarginLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["margin", "p", "eps", "swap", "reduction"]
    margin: float
    p: float
    eps: float
    swap: bool

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        _check_margin("TripletMarginLoss", margin)
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """`max(0, margin + d(a, p) - d(a, n))`, d yours: see `functional.triplet_margin_with_distance_loss`.

    Shapes: (N, *) each → (), or what d gives with reduction "none". d is a function or a module, `PairwiseDistance` if
    none is given. ValueError unless margin > 0.

    >>> import rushlight as torch
    >>> loss = torch.nn.TripletMarginWithDistanceLoss(margin=5.0)
    >>> loss(torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([[3.0, 4.0]]))
    tensor(1.4142)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.TripletMarginWithDistanceLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["margin", "swap", "reduction"]
    margin: float
    swap: bool

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        _check_margin("TripletMarginWithDistanceLoss", margin)
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
