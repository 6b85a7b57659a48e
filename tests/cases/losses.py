"""Losses: each reduction, weights, targets of every kind, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases.case import Case, Maker, Refusal, distinct, fixed, given, integers, normal, uniform

REDUCTIONS = ("mean", "sum", "none")


def reductions(name: str, make: Callable[[Any, str], Any], inputs: tuple[Any, ...], **flags: Any) -> list[Case]:
    """A case for each reduction."""
    return [Case(f"{name}, {r}", lambda t, r=r: make(t, r), inputs, **flags) for r in REDUCTIONS]  # type: ignore[misc]


def signs(*shape: int) -> Maker:
    """1 and -1."""
    return Maker(lambda rng: rng.integers(0, 2, shape) * 2.0 - 1, wants_gradient=False)


def apart(*shape: int) -> Maker:
    """Numbers off the multiples of 0.5, where losses have their corners."""
    return Maker(lambda rng: rng.integers(-4, 4, shape) * 0.5 + rng.uniform(0.1, 0.4, shape))


def probabilities(*shape: int) -> Maker:
    """Numbers that add up to 1 along dimension 1."""

    def draw(rng: np.random.Generator) -> Any:
        parts = rng.uniform(0.1, 1.0, shape)
        return parts / parts.sum(min(1, len(shape) - 1), keepdims=True)

    return Maker(draw)


def log_probabilities(*shape: int) -> Maker:
    return Maker(lambda rng: np.log(rng.uniform(0.1, 0.9, shape)))


# Of classes.
CLASSES = [
    *reductions("CrossEntropyLoss", lambda t, r: t.nn.CrossEntropyLoss(reduction=r), (normal(4, 3), integers(3, 4))),
    *reductions(
        "CrossEntropyLoss weight and ignored",
        lambda t, r: t.nn.CrossEntropyLoss(t.tensor([0.5, 2.0, 1.5]), ignore_index=2, reduction=r),
        (normal(4, 3), given([0, 2, 1, 1])),
    ),
    *reductions(
        "CrossEntropyLoss smoothing",
        lambda t, r: t.nn.CrossEntropyLoss(t.tensor([0.5, 2.0, 1.5]), ignore_index=0, label_smoothing=0.1, reduction=r),
        (normal(4, 3), given([0, 2, 1, 1])),
    ),
    *reductions(
        "CrossEntropyLoss probabilities",
        lambda t, r: t.nn.CrossEntropyLoss(t.tensor([0.5, 2.0, 1.5]), label_smoothing=0.1, reduction=r),
        (normal(4, 3), probabilities(4, 3)),
    ),
    *reductions(
        "CrossEntropyLoss sequence",
        lambda t, r: t.nn.CrossEntropyLoss(reduction=r),
        (normal(2, 3, 2), integers(3, 2, 2)),
    ),
    Case(
        "CrossEntropyLoss image smoothing",
        lambda t: t.nn.CrossEntropyLoss(label_smoothing=0.2),
        (normal(2, 3, 2, 2), integers(3, 2, 2, 2)),
    ),
    Case(
        "CrossEntropyLoss image probabilities",
        lambda t: t.nn.CrossEntropyLoss(),
        (normal(2, 3, 2), probabilities(2, 3, 2)),
    ),
    Case("CrossEntropyLoss one sample", lambda t: t.nn.CrossEntropyLoss(), (normal(3), integers(3))),
    Case(
        "CrossEntropyLoss one sample's probabilities", lambda t: t.nn.CrossEntropyLoss(), (normal(3), probabilities(3))
    ),
    Case("CrossEntropyLoss empty", lambda t: t.nn.CrossEntropyLoss(reduction="sum"), (normal(0, 3), integers(3, 0))),
    Case(
        "CrossEntropyLoss all ignored",
        lambda t: t.nn.CrossEntropyLoss(),
        (normal(2, 3), given([-100, -100])),
        smooth=False,
    ),
    Case(
        "cross_entropy weight that wants a gradient",
        lambda t: lambda x, y, w: t.nn.functional.cross_entropy(x, y, weight=w),
        (normal(4, 3), fixed(probabilities(4, 3)), uniform(0.5, 2.0, 3)),
    ),
    *reductions("NLLLoss", lambda t, r: t.nn.NLLLoss(reduction=r), (log_probabilities(4, 3), integers(3, 4))),
    *reductions(
        "NLLLoss weight and ignored",
        lambda t, r: t.nn.NLLLoss(t.tensor([0.5, 2.0, 1.5]), ignore_index=2, reduction=r),
        (normal(4, 3), given([0, 2, 1, 1])),
    ),
    Case("NLLLoss image", lambda t: t.nn.NLLLoss(), (normal(2, 3, 2, 2), integers(3, 2, 2, 2)), second=False),
    Case("NLLLoss one sample", lambda t: t.nn.NLLLoss(), (normal(3), integers(3))),
    Case("NLLLoss2d", lambda t: t.nn.NLLLoss2d(), (normal(2, 3), integers(3, 2))),
    *reductions("BCELoss", lambda t, r: t.nn.BCELoss(reduction=r), (uniform(0.1, 0.9, 2, 3), uniform(0.1, 0.9, 2, 3))),
    *reductions(
        "BCELoss weight",
        lambda t, r: t.nn.BCELoss(t.tensor([0.5, 2.0, 1.5]), reduction=r),
        (uniform(0.1, 0.9, 2, 3), uniform(0.1, 0.9, 2, 3)),
    ),
    Case(
        "BCELoss ends", lambda t: t.nn.BCELoss(), (given([0.0, 1.0, 1.0]), fixed(given([0.0, 1.0, 0.0]))), smooth=False
    ),
    *reductions(
        "BCEWithLogitsLoss", lambda t, r: t.nn.BCEWithLogitsLoss(reduction=r), (normal(2, 3), uniform(0.1, 0.9, 2, 3))
    ),
    *reductions(
        "BCEWithLogitsLoss weights",
        lambda t, r: t.nn.BCEWithLogitsLoss(
            t.tensor([[0.5], [2.0]]), pos_weight=t.tensor([1.5, 2.0, 0.5]), reduction=r
        ),
        (normal(2, 3), uniform(0.1, 0.9, 2, 3)),
    ),
    Case(
        "binary_cross_entropy_with_logits number",
        lambda t: lambda x, y: t.binary_cross_entropy_with_logits(x, y, None, None, 2),
        (normal(), uniform(0.1, 0.9)),
    ),
]

# Of differences.
DIFFERENCES = [
    *reductions("L1Loss", lambda t, r: t.nn.L1Loss(reduction=r), (distinct(2, 3), given(np.zeros((2, 3))))),
    *reductions("MSELoss", lambda t, r: t.nn.MSELoss(reduction=r), (normal(2, 3), normal(2, 3))),
    *reductions("SmoothL1Loss", lambda t, r: t.nn.SmoothL1Loss(reduction=r), (apart(2, 3), given(np.zeros((2, 3))))),
    *reductions(
        "HuberLoss", lambda t, r: t.nn.HuberLoss(reduction=r, delta=0.5), (apart(2, 3), given(np.zeros((2, 3))))
    ),
    *reductions(
        "mse_loss weight",
        lambda t, r: lambda x, y, w: t.nn.functional.mse_loss(x, y, weight=w, reduction=r),
        (normal(2, 3), normal(2, 3), uniform(0.5, 2.0, 2, 3)),
    ),
    *reductions(
        "l1_loss weight",
        lambda t, r: lambda x, y, w: t.nn.functional.l1_loss(x, y, weight=w, reduction=r),
        (distinct(2, 3), given(np.zeros((2, 3))), uniform(0.5, 2.0, 2, 3)),
    ),
    *reductions(
        "huber_loss weight",
        lambda t, r: lambda x, y, w: t.nn.functional.huber_loss(x, y, r, 1.0, w),
        (apart(2, 3), given(np.zeros((2, 3))), uniform(0.5, 2.0, 2, 3)),
    ),
    Case("MSELoss scalar", lambda t: t.nn.MSELoss(), (normal(), normal())),
    Case("MSELoss broadcast", lambda t: t.nn.MSELoss(), (normal(2, 3), normal(3))),
    Case("L1Loss broadcast", lambda t: t.nn.L1Loss(), (given([[1.0], [2.0]]), given([[0.3, 0.6, 5.0]]))),
    Case("SmoothL1Loss wide", lambda t: t.nn.SmoothL1Loss(beta=2.0), (distinct(2, 3), given([[1.0, 3.0, -3.0], [-1.0, 0.0, 5.0]]))),
    Case("SmoothL1Loss beta 0", lambda t: t.nn.SmoothL1Loss(beta=0.0), (distinct(2, 3), given(np.zeros((2, 3))))),
    Case("SmoothL1Loss on its corners", lambda t: t.nn.SmoothL1Loss(), (given([-1.0, 0.0, 1.0]), given([0.0, 0.0, 0.0])), smooth=False),
    Case("SmoothL1Loss empty", lambda t: t.nn.SmoothL1Loss(), (normal(0, 3), normal(0, 3))),
    Case("HuberLoss on its corners", lambda t: t.nn.HuberLoss(), (given([-1.0, 0.0, 1.0]), given([0.0, 0.0, 0.0])), smooth=False),
    Case("HuberLoss scalar", lambda t: t.nn.HuberLoss(delta=2), (given(0.5), given(0.1))),
    Case("smooth_l1_loss broadcast", lambda t: t.nn.functional.smooth_l1_loss, (apart(2, 1), given([[0.0, 5.0]]))),
    *reductions("SoftMarginLoss", lambda t, r: t.nn.SoftMarginLoss(reduction=r), (normal(2, 3), signs(2, 3))),
    Case("soft_margin_loss broadcast", lambda t: t.nn.functional.soft_margin_loss, (normal(2, 3), signs(3))),
    Case("soft_margin_loss empty", lambda t: t.nn.functional.soft_margin_loss, (normal(0, 3), signs(0, 3))),
]  # fmt: skip

# Likelihoods and divergences.
LIKELIHOODS = [
    *reductions("PoissonNLLLoss", lambda t, r: t.nn.PoissonNLLLoss(reduction=r), (normal(2, 3), uniform(0.0, 3.0, 2, 3))),
    *reductions(
        "PoissonNLLLoss full rate",
        lambda t, r: t.nn.PoissonNLLLoss(log_input=False, full=True, eps=1e-3, reduction=r),
        (uniform(0.5, 2.0, 2, 3), given([[0.0, 0.5, 1.5], [2.0, 3.0, 0.25]])),
        # At a target of 0 Stirling's term is not finite, though it does not count.
        smooth=False,
    ),
    Case(
        "PoissonNLLLoss full", lambda t: t.nn.PoissonNLLLoss(full=True), (normal(4), given([0.5, 1.5, 2.0, 3.0])),
    ),
    Case(
        "poisson_nll_loss number",
        lambda t: lambda x, y: t.poisson_nll_loss(x, y, True, False, 1e-8, 2),
        (normal(2, 1), uniform(0.0, 3.0, 3)),
    ),
    *reductions(
        "GaussianNLLLoss",
        lambda t, r: t.nn.GaussianNLLLoss(reduction=r),
        (normal(2, 3), normal(2, 3), uniform(0.5, 2.0, 2, 3)),
    ),
    Case("GaussianNLLLoss full", lambda t: t.nn.GaussianNLLLoss(full=True), (normal(2, 3), normal(2, 3), uniform(0.5, 2.0, 2))),
    Case("GaussianNLLLoss one variance", lambda t: t.nn.GaussianNLLLoss(), (normal(2, 3), normal(2, 3), uniform(0.5, 2.0, 2, 1))),
    Case("GaussianNLLLoss number", lambda t: t.nn.GaussianNLLLoss(), (normal(2, 3), normal(2, 3), 1.5)),
    Case(
        "GaussianNLLLoss bound",
        lambda t: t.nn.GaussianNLLLoss(eps=0.5),
        (normal(3), normal(3), given([0.0, 0.1, 2.0])),
        # The bound has no part in the gradient.
        smooth=False,
    ),
    *[
        Case(f"KLDivLoss, {r}", lambda t, r=r: t.nn.KLDivLoss(reduction=r), (log_probabilities(2, 3), probabilities(2, 3)))
        for r in (*REDUCTIONS, "batchmean")
    ],
    *[
        Case(
            f"KLDivLoss log_target, {r}",
            lambda t, r=r: t.nn.KLDivLoss(reduction=r, log_target=True),
            (log_probabilities(2, 3), log_probabilities(2, 3)),
        )
        for r in ("mean", "none", "batchmean")
    ],
    Case("kl_div zeros", lambda t: t.nn.functional.kl_div, (log_probabilities(3), fixed(given([0.0, 0.4, 0.6]))), {"reduction": "sum"}),
    Case("kl_div scalar", lambda t: t.nn.functional.kl_div, (given(-0.5), given(0.3)), {"reduction": "batchmean"}),
    Case("kl_div number", lambda t: lambda x, y: t.kl_div(x, y, 2, log_target=False), (log_probabilities(2, 3), probabilities(2, 3))),
]  # fmt: skip


def ctc(*options: Any, **more: Any) -> Callable[[Any], Callable[..., Any]]:
    """The function of scores: what PyTorch's gradient is right for."""
    return lambda t: lambda x, y, n, m: t.nn.functional.ctc_loss(x.log_softmax(-1), y, n, m, *options, **more)


# PyTorch has no second derivative of it.
CTC = [
    *[
        Case(f"CTC, {r}", ctc(reduction=r), (normal(4, 2, 3), given([[1, 2], [2, 2]]), given([4, 3]), given([2, 1])), second=False)
        for r in REDUCTIONS
    ],
    Case("CTC one behind the other", ctc(), (normal(5, 2, 3), given([1, 1, 2]), (5, 4), (2, 1)), second=False),
    Case("CTC blank", ctc(2, "sum"), (normal(4, 2, 3), given([[1, 0], [1, 1]]), (4, 4), (2, 2)), second=False),
    Case("CTC one sample", ctc(), (normal(4, 3), given([1, 2]), given(4), given(2)), second=False),
    Case("CTC one sample, none", ctc(reduction="none"), (normal(4, 3), given([1, 2]), (4,), (2,)), second=False),
    Case("CTC no labels", ctc(), (normal(3, 2, 3), given(np.zeros((2, 0), np.int64)), (3, 2), (0, 0)), second=False),
    Case("CTC an empty target", ctc(), (normal(3, 2, 3), given([[1], [0]]), (3, 2), (1, 0)), second=False),
    Case("CTC no time", ctc(reduction="none"), (normal(3, 2, 3), given([[1], [2]]), (0, 2), (0, 1)), second=False),
    Case("CTC impossible", ctc(0, "none", True), (normal(3, 2, 3), given([[1, 1], [1, 2]]), (2, 2), (2, 2)), second=False),
    Case("CTC infinite", ctc(0, "none"), (normal(3, 2, 3), given([[1, 1], [1, 2]]), (2, 2), (2, 2)), smooth=False, second=False),
    Case("CTC long", ctc(), (normal(12, 1, 3), given([[1, 2, 2, 1]]), (12,), (4,)), second=False),
    Case("CTCLoss", lambda t: t.nn.CTCLoss(), (normal(4, 2, 3), given([[1, 2], [2, 2]]), (4, 3), (2, 1)), smooth=False, second=False),
    Case("CTCLoss sum", lambda t: t.nn.CTCLoss(1, "sum", True), (normal(4, 2, 3), given([[0, 2], [2, 2]]), (4, 3), (2, 2)), smooth=False, second=False),
    Case("ctc_loss number", lambda t: lambda x, y: t.ctc_loss(x.log_softmax(2), y, (4, 3), (2, 1), 0, 2, True), (normal(4, 2, 3), given([[1, 2], [2, 2]])), second=False),
]  # fmt: skip

# Of margins.
MARGINS = [
    *reductions(
        "MarginRankingLoss",
        lambda t, r: t.nn.MarginRankingLoss(0.35, reduction=r),
        (distinct(2, 3), given(np.zeros((2, 3))), signs(2, 3)),
    ),
    Case(
        "margin_ranking_loss number",
        lambda t: lambda x, y, z: t.margin_ranking_loss(x, y, z, 0.35, 0),
        (distinct(3), given(0.0), signs(3)),
    ),
    *reductions(
        "HingeEmbeddingLoss", lambda t, r: t.nn.HingeEmbeddingLoss(0.35, reduction=r), (distinct(2, 3), signs(2, 3))
    ),
    Case("HingeEmbeddingLoss other targets", lambda t: t.nn.HingeEmbeddingLoss(), (distinct(3), fixed(given([0.0, 1.0, 2.0])))),
    Case("hinge_embedding_loss number", lambda t: lambda x, y: t.hinge_embedding_loss(x, y, 1.5, 2), (distinct(2, 3), signs(3))),
    # Steps of 0.1 apart by multiples of 0.1: a margin between them keeps off the corners.
    *reductions(
        "MultiMarginLoss", lambda t, r: t.nn.MultiMarginLoss(margin=0.25, reduction=r), (distinct(3, 4), integers(4, 3)), second=False
    ),
    *reductions(
        "MultiMarginLoss squares",
        lambda t, r: t.nn.MultiMarginLoss(2, 0.25, t.tensor([0.5, 2.0, 1.5, 1.0]), reduction=r),
        (distinct(3, 4), integers(4, 3)),
        second=False,
    ),
    Case("MultiMarginLoss one sample", lambda t: t.nn.MultiMarginLoss(margin=0.25, reduction="none"), (distinct(4), integers(4)), second=False),
    Case("MultiMarginLoss one sample of one", lambda t: t.nn.MultiMarginLoss(margin=0.25, reduction="none"), (distinct(4), integers(4, 1)), second=False),
    Case("MultiMarginLoss empty", lambda t: t.nn.MultiMarginLoss(reduction="none"), (distinct(0, 4), integers(4, 0)), second=False, halves=()),
    *reductions(
        "MultiLabelMarginLoss",
        lambda t, r: lambda x, y: t.nn.MultiLabelMarginLoss(reduction=r)(x * 2.5, y),
        (distinct(3, 4), given([[3, 0, -1, 1], [-1, 0, 1, 2], [2, 1, 0, 3]])),
        second=False,
    ),
    Case("MultiLabelMarginLoss one sample", lambda t: t.nn.MultiLabelMarginLoss(), (uniform(0.0, 0.9, 4), given([1, 1, -1, 0])), second=False),
    Case("MultiLabelMarginLoss empty", lambda t: t.nn.MultiLabelMarginLoss(reduction="none"), (normal(0, 4), integers(4, 0, 4)), second=False, halves=()),
    Case("multilabel_margin_loss one sample, none", lambda t: t.nn.functional.multilabel_margin_loss, (uniform(0.0, 0.9, 4), given([1, 2, -1, 0])), {"reduction": "none"}, second=False),
    *reductions(
        "MultiLabelSoftMarginLoss",
        lambda t, r: t.nn.MultiLabelSoftMarginLoss(reduction=r),
        (normal(2, 3), uniform(0.1, 0.9, 2, 3)),
    ),
    Case(
        "MultiLabelSoftMarginLoss weight",
        lambda t: t.nn.MultiLabelSoftMarginLoss(t.tensor([0.5, 2.0, 1.5])),
        (normal(2, 3), fixed(given([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]))),
    ),
    Case("MultiLabelSoftMarginLoss one sample", lambda t: t.nn.MultiLabelSoftMarginLoss(reduction="none"), (normal(3), uniform(0.1, 0.9, 3))),
    *reductions(
        "CosineEmbeddingLoss",
        lambda t, r: t.nn.CosineEmbeddingLoss(-0.3, reduction=r),
        (given([[1.0, 0.2, 0.5], [0.3, 1.0, -0.4], [0.5, 0.1, 0.7]]), given([[0.9, 0.4, 0.1], [0.1, 0.7, 0.2], [-1.0, 0.2, 0.1]]), fixed(given([1.0, -1.0, -1.0]))),
    ),
    Case("CosineEmbeddingLoss one sample", lambda t: t.nn.CosineEmbeddingLoss(), (normal(3), normal(3), given(1))),
    Case("CosineEmbeddingLoss zeros", lambda t: t.nn.CosineEmbeddingLoss(), (given([[0.0, 0.0]]), given([[1.0, 2.0]]), given([1])), smooth=False, halves=()),
    Case("cosine_embedding_loss number", lambda t: lambda x, y, z: t.cosine_embedding_loss(x, y, z, 0.0, 0), (normal(3, 2), normal(3, 2), given([1, 1, 0]))),
    *reductions(
        "TripletMarginLoss",
        lambda t, r: t.nn.TripletMarginLoss(2.0, reduction=r),
        (uniform(0.0, 0.4, 2, 3), uniform(0.5, 0.9, 2, 3), uniform(1.0, 1.4, 2, 3)),
    ),
    Case("TripletMarginLoss swap", lambda t: t.nn.TripletMarginLoss(2.0, swap=True), (uniform(0.0, 0.4, 2, 3), uniform(0.5, 0.9, 2, 3), uniform(1.0, 1.4, 2, 3))),
    Case("TripletMarginLoss p and eps", lambda t: t.nn.TripletMarginLoss(2.0, 3.0, 0.1), (uniform(0.0, 0.4, 2, 3), uniform(0.5, 0.9, 2, 3), uniform(1.0, 1.4, 2, 3))),
    Case("TripletMarginLoss one sample", lambda t: t.nn.TripletMarginLoss(2.0, 1.0, reduction="none"), (uniform(0.0, 0.4, 3), uniform(0.5, 0.9, 3), uniform(1.0, 1.4, 3))),
    Case("triplet_margin_loss number", lambda t: lambda a, p, n: t.triplet_margin_loss(a, p, n, 2.0, 2.0, 1e-6, True, 2), (uniform(0.0, 0.4, 2, 3), uniform(0.5, 0.9, 2, 3), uniform(1.0, 1.4, 2, 3))),
    *reductions(
        "TripletMarginWithDistanceLoss",
        lambda t, r: t.nn.TripletMarginWithDistanceLoss(margin=2.0, reduction=r),
        (uniform(0.0, 0.4, 2, 3), uniform(0.5, 0.9, 2, 3), uniform(1.0, 1.4, 2, 3)),
    ),
    Case(
        "TripletMarginWithDistanceLoss of mine",
        lambda t: t.nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: ((x - y) ** 2).sum(-1), swap=True),
        (uniform(0.0, 0.4, 2, 3), uniform(0.5, 0.9, 2, 3), uniform(1.0, 1.4, 2, 3)),
    ),
    Case(
        "TripletMarginWithDistanceLoss of a module",
        lambda t: t.nn.TripletMarginWithDistanceLoss(distance_function=t.nn.CosineSimilarity()),
        (uniform(0.0, 0.4, 2, 3), uniform(0.5, 0.9, 2, 3), uniform(1.0, 1.4, 2, 3)),
    ),
]  # fmt: skip


def chunks(rows: int | None, reduction: str, **more: Any) -> Callable[[Any], Any]:
    def make(t: Any) -> Any:
        # Backward runs more than once in some of the tests.
        options = t.nn.LinearCrossEntropyOptions(allow_retain_graph=True, batch_chunk_size=rows)
        return t.nn.LinearCrossEntropyLoss(2, 3, bias=True, reduction=reduction, options=options, **more)

    return make


def adaptive(method: str) -> Callable[[Any], Any]:
    """Another call of the layer, in the input's type."""

    def make(t: Any) -> Any:
        layer = t.nn.AdaptiveLogSoftmaxWithLoss(4, 6, (2, 3), 2.0)
        return lambda x: getattr(layer.to(x.dtype), method)(x)

    return make


# Of a linear layer or clusters of them.
LINEAR = [
    *reductions("LinearCrossEntropyLoss", lambda t, r: t.nn.LinearCrossEntropyLoss(2, 3, reduction=r), (normal(4, 2), integers(3, 4))),
    *[Case(f"LinearCrossEntropyLoss by chunks, {r}", chunks(3, r), (normal(4, 2), integers(3, 4)), second=False) for r in REDUCTIONS],
    Case(
        "LinearCrossEntropyLoss by chunks weight and ignored",
        lambda t: chunks(3, "mean", weight=t.tensor([0.5, 2.0, 1.5]), ignore_index=1)(t),
        (normal(4, 2), given([0, 1, 2, 2])),
        second=False,
    ),
    Case("LinearCrossEntropyLoss by chunks one sample", chunks(None, "none"), (normal(2), integers(3)), second=False),
    Case("LinearCrossEntropyLoss by chunks all ignored", chunks(None, "mean"), (normal(2, 2), given([-100, -100])), smooth=False, second=False),
    Case("LinearCrossEntropyLoss by chunks empty", chunks(2, "sum"), (normal(0, 2), integers(3, 0)), second=False),
    Case(
        "LinearCrossEntropyLoss outputs",
        lambda t: t.nn.LinearCrossEntropyLoss(2, 3, out_features=(2,), bias=True, weight=t.tensor([0.5, 2.0, 1.5]), ignore_index=1),
        (normal(2, 2), given([[0, 1], [2, 2]])),
    ),
    Case("LinearCrossEntropyLoss probabilities", lambda t: t.nn.LinearCrossEntropyLoss(2, 3, label_smoothing=0.1), (normal(2, 2), probabilities(2, 3))),
    Case("LinearCrossEntropyLoss options without use", chunks(1, "mean", label_smoothing=0.1), (normal(2, 2), integers(3, 2))),
    Case(
        "linear_cross_entropy",
        lambda t: t.nn.functional.linear_cross_entropy,
        (normal(2, 2), normal(3, 2), integers(3, 2)),
        {"linear_bias": normal(3), "reduction": "none", "weight": fixed(uniform(0.5, 2.0, 3)), "ignore_index": 7},
    ),
    Case("AdaptiveLogSoftmaxWithLoss", lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 7, [2, 4], 2.0), (normal(4, 4), given([0, 2, 6, 4]))),
    Case("AdaptiveLogSoftmaxWithLoss bias", lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 6, (2,), head_bias=True), (normal(2, 4), given([1, 0]))),
    Case("AdaptiveLogSoftmaxWithLoss one sample", lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 6, (2,)), (normal(4), given(5))),
    Case("AdaptiveLogSoftmaxWithLoss log_prob", adaptive("log_prob"), (normal(2, 4),)),
    Case("AdaptiveLogSoftmaxWithLoss predict", adaptive("predict"), (normal(5, 4, scale=9.0),), halves=()),
]  # fmt: skip

CASES = CLASSES + DIFFERENCES + LIKELIHOODS + CTC + MARGINS + LINEAR


def refusal(name: str, call: Callable[[Any, Any], Any], error: type[Exception], match: str) -> Refusal:
    """A misuse of a function of `nn.functional`."""
    return Refusal(name, lambda t: call(t, t.nn.functional), error, match)


OUT = "differentiable with respect to argument"

REFUSALS = [
    refusal("reduction", lambda t, F: F.kl_div(t.ones(2), t.ones(2), reduction="x"), ValueError, "x is not a valid value for reduction"),
    refusal("module's reduction", lambda t, F: t.nn.HuberLoss("x")(t.ones(2), t.ones(2)), ValueError, "x is not a valid value for reduction"),
    refusal("a word at the front door", lambda t, F: t.kl_div(t.ones(2), t.ones(2), "mean"), TypeError, r"'reduction' \(position 3\) must be int, not str"),
    refusal("cross_entropy class", lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 3])), IndexError, "Target 3 is out of bounds"),
    refusal("cross_entropy batch", lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0])), ValueError, "to match target batch_size"),
    refusal("cross_entropy weights", lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 1]), t.ones(2)), RuntimeError, "all 3 classes"),
    refusal("cross_entropy weight's gradient", lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 1]), t.ones(3, requires_grad=True)), RuntimeError, OUT),
    refusal("cross_entropy smoothing", lambda t, F: F.cross_entropy(t.zeros(2, 3), t.tensor([0, 1]), label_smoothing=2.0), RuntimeError, "between 0.0 and 1.0"),
    refusal("cross_entropy image", lambda t, F: F.cross_entropy(t.zeros(2, 3, 2), t.zeros(2, 3, dtype=t.long)), RuntimeError, "Expected target size"),
    refusal("nll_loss weight's gradient", lambda t, F: F.nll_loss(t.zeros(2, 3), t.tensor([0, 1]), t.ones(3, requires_grad=True)), RuntimeError, OUT),
    refusal("nll_loss class", lambda t, F: F.nll_loss(t.zeros(2, 3), t.tensor([0, -1])), IndexError, "Target -1 is out of bounds"),
    refusal("binary_cross_entropy range", lambda t, F: F.binary_cross_entropy(t.tensor([1.5]), t.ones(1)), RuntimeError, "between 0 and 1"),
    refusal("binary_cross_entropy shape", lambda t, F: F.binary_cross_entropy(t.ones(2), t.ones(3)), ValueError, "target size"),
    refusal("binary_cross_entropy weight's gradient", lambda t, F: F.binary_cross_entropy(t.ones(2), t.ones(2), t.ones(2, requires_grad=True)), RuntimeError, OUT),
    refusal("binary_cross_entropy_with_logits shape", lambda t, F: F.binary_cross_entropy_with_logits(t.ones(2), t.ones(3)), ValueError, "must be the same as input size"),
    refusal("binary_cross_entropy_with_logits weight's gradient", lambda t, F: F.binary_cross_entropy_with_logits(t.ones(2), t.ones(2), t.ones(2, requires_grad=True)), RuntimeError, OUT),
    refusal("binary_cross_entropy_with_logits large weight", lambda t, F: F.binary_cross_entropy_with_logits(t.ones(2), t.ones(2), t.ones(3, 2)), RuntimeError, "doesn't match the broadcast shape"),
    refusal("binary_cross_entropy_with_logits integers", lambda t, F: t.binary_cross_entropy_with_logits(t.ones(2), t.ones(2).long()), RuntimeError, "result type Float can't be cast"),
    refusal("binary_cross_entropy_with_logits integer input", lambda t, F: t.binary_cross_entropy_with_logits(t.ones(2).long(), t.ones(2)), NotImplementedError, "log_sigmoid_cpu"),
    refusal("mse_loss shapes", lambda t, F: F.mse_loss(t.ones(2), t.ones(3)), RuntimeError, "must match the size"),
    refusal("mse_loss weights", lambda t, F: F.mse_loss(t.ones(2), t.ones(2), weight=t.ones(3)), ValueError, "must have the same size"),
    refusal("smooth_l1_loss beta", lambda t, F: F.smooth_l1_loss(t.ones(2), t.ones(2), beta=-1.0), RuntimeError, "negative values for beta"),
    refusal("smooth_l1_loss integers", lambda t, F: F.smooth_l1_loss(t.ones(2).long(), t.ones(2).long()), NotImplementedError, "smooth_l1_cpu"),
    refusal("huber_loss delta", lambda t, F: F.huber_loss(t.ones(2), t.ones(2), delta=0.0), RuntimeError, "non-positive values for delta"),
    refusal("huber_loss delta's type", lambda t, F: F.huber_loss(t.ones(2), t.ones(2), delta="a"), TypeError, "must be float, not str"),
    refusal("huber_loss weights", lambda t, F: F.huber_loss(t.ones(2, 3), t.ones(2, 3), weight=t.ones(3)), ValueError, "must have the same size"),
    refusal("huber_loss weighted reduction", lambda t, F: F.huber_loss(t.ones(2), t.ones(2), "x", weight=t.ones(2)), ValueError, "Invalid reduction mode: x"),
    refusal("huber_loss integers", lambda t, F: F.huber_loss(t.ones(2).long(), t.ones(2)), RuntimeError, "result type Float can't be cast"),
    refusal("HuberLoss delta", lambda t, F: t.nn.HuberLoss(delta="a"), TypeError, "delta must be a float or int"),
    refusal("soft_margin_loss target's gradient", lambda t, F: F.soft_margin_loss(t.ones(2), t.ones(2, requires_grad=True)), RuntimeError, OUT),
    refusal("soft_margin_loss shape", lambda t, F: F.soft_margin_loss(t.ones(2), t.ones(3, 2)), RuntimeError, "doesn't match the broadcast shape"),
    refusal("soft_margin_loss integers", lambda t, F: F.soft_margin_loss(t.ones(2).long(), t.ones(2).long()), RuntimeError, "result type Float can't be cast"),
    refusal("soft_margin_loss target", lambda t, F: F.soft_margin_loss(t.ones(2), None), TypeError, "must be Tensor, not NoneType"),
    refusal("poisson_nll_loss reduction", lambda t, F: F.poisson_nll_loss(t.ones(2), t.ones(2), reduction="elementwise_mean"), ValueError, "is not a valid value"),
    refusal("gaussian_nll_loss negative", lambda t, F: F.gaussian_nll_loss(t.ones(2), t.ones(2), t.tensor([1.0, -1.0])), ValueError, "negative entry"),
    refusal("gaussian_nll_loss negative number", lambda t, F: F.gaussian_nll_loss(t.ones(2), t.ones(2), -1.0), ValueError, "negative entry"),
    refusal("gaussian_nll_loss integer", lambda t, F: F.gaussian_nll_loss(t.ones(2), t.ones(2), 1), TypeError, "must be Tensor, not int"),
    refusal("gaussian_nll_loss shape", lambda t, F: F.gaussian_nll_loss(t.ones(2, 3), t.ones(2, 3), t.ones(3)), ValueError, "var is of incorrect size"),
    refusal("gaussian_nll_loss reduction", lambda t, F: F.gaussian_nll_loss(t.ones(2), t.ones(2), t.ones(2), reduction="x"), ValueError, "x is not valid"),
    refusal("kl_div integers", lambda t, F: F.kl_div(t.ones(2), t.ones(2).long()), RuntimeError, "Integral inputs not supported"),
    refusal("kl_div complex", lambda t, F: F.kl_div(t.ones(2) + 1j, t.ones(2)), RuntimeError, "Complex inputs not supported"),
    refusal("margin_ranking_loss dimensions", lambda t, F: F.margin_ranking_loss(t.ones(2), t.ones(2), t.tensor(1)), RuntimeError, "should have same dimension"),
    refusal("hinge_embedding_loss shapes", lambda t, F: F.hinge_embedding_loss(t.ones(2), t.ones(3)), RuntimeError, "must match the size"),
    refusal("multi_margin_loss p", lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.tensor([0, 1]), p=3), ValueError, "only p == 1 and p == 2"),
    refusal("MultiMarginLoss p", lambda t, F: t.nn.MultiMarginLoss(3), ValueError, "only p == 1 and p == 2"),
    refusal("MultiMarginLoss weight", lambda t, F: t.nn.MultiMarginLoss(weight=t.ones(2, 2)), ValueError, "None or 1D tensor, got 2D"),
    refusal("multi_margin_loss weight's dimensions", lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.tensor([0, 1]), weight=t.ones(1, 3)), ValueError, "weight must be one-dimensional"),
    refusal("multi_margin_loss weight's size", lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.tensor([0, 1]), weight=t.ones(2)), RuntimeError, "inconsistent weight size, expected 3"),
    refusal("multi_margin_loss weight's type", lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.tensor([0, 1]), weight=t.ones(3).double()), RuntimeError, "expected scalar type Float but found Double"),
    refusal("multi_margin_loss weight's gradient", lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.tensor([0, 1]), weight=t.ones(3, requires_grad=True)), RuntimeError, OUT),
    refusal("multi_margin_loss class", lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.tensor([0, 3])), RuntimeError, "target out of range"),
    refusal("multi_margin_loss batch", lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.tensor([0])), RuntimeError, r"Expected target size \[2\], but got \[1\]"),
    refusal("multi_margin_loss target's type", lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.ones(2)), RuntimeError, "expected scalar type Long but found Float"),
    refusal("multi_margin_loss type", lambda t, F: F.multi_margin_loss(t.ones(2, 3).half(), t.tensor([0, 1])), NotImplementedError, "for 'Half'"),
    refusal("multi_margin_loss dimensions", lambda t, F: F.multi_margin_loss(t.ones(2, 3, 4), t.tensor([0, 1])), RuntimeError, "Expected non-empty vector or matrix"),
    refusal("multilabel_margin_loss shape", lambda t, F: F.multilabel_margin_loss(t.ones(2, 3), t.ones(2, 4).long()), RuntimeError, "inconsistent target size"),
    refusal("multilabel_margin_loss class", lambda t, F: F.multilabel_margin_loss(t.ones(2, 3), t.full((2, 3), 3)), RuntimeError, "is out of range"),
    refusal("multilabel_margin_loss target's type", lambda t, F: F.multilabel_margin_loss(t.ones(2, 3), t.ones(2, 3)), RuntimeError, "expected scalar type Long"),
    refusal("multilabel_margin_loss no classes", lambda t, F: F.multilabel_margin_loss(t.ones(2, 0), t.ones(2, 0).long()), RuntimeError, "Expected non-empty vector or matrix"),
    refusal("multilabel_soft_margin_loss reduction", lambda t, F: F.multilabel_soft_margin_loss(t.ones(2, 3), t.ones(2, 3), reduction="x"), ValueError, "x is not valid"),
    refusal("cosine_embedding_loss target", lambda t, F: F.cosine_embedding_loss(t.ones(2, 3), t.ones(2, 3), t.ones(1, 2)), RuntimeError, "multi-target not supported"),
    refusal("cosine_embedding_loss inputs", lambda t, F: F.cosine_embedding_loss(t.ones(3), t.ones(2, 3), t.ones(2)), RuntimeError, "1D target tensor expects 2D input"),
    refusal("cosine_embedding_loss one", lambda t, F: F.cosine_embedding_loss(t.ones(2, 3), t.ones(2, 3), t.tensor(1)), RuntimeError, "0D target tensor expects 1D input"),
    refusal("triplet_margin_loss margin", lambda t, F: F.triplet_margin_loss(t.ones(2, 3), t.ones(2, 3), t.ones(2, 3), margin=0), ValueError, "margin must be greater than 0, got 0"),
    refusal("triplet_margin_loss dimensions", lambda t, F: F.triplet_margin_loss(t.ones(2, 3), t.ones(2, 3), t.ones(3)), RuntimeError, "anchor 2D, positive 2D, and negative 1D"),
    refusal("TripletMarginLoss margin", lambda t, F: t.nn.TripletMarginLoss(0), ValueError, "TripletMarginLoss: expected margin to be greater than 0, got 0"),
    refusal("TripletMarginWithDistanceLoss margin", lambda t, F: t.nn.TripletMarginWithDistanceLoss(margin=-1.0), ValueError, "greater than 0, got -1.0"),
    refusal("triplet_margin_with_distance_loss margin", lambda t, F: F.triplet_margin_with_distance_loss(t.ones(2), t.ones(2), t.ones(2), margin=0), ValueError, "margin must be greater"),
    refusal("triplet_margin_with_distance_loss reduction", lambda t, F: F.triplet_margin_with_distance_loss(t.ones(2), t.ones(2), t.ones(2), reduction="x"), ValueError, "x is not a valid value"),
    refusal("triplet_margin_with_distance_loss dimensions", lambda t, F: F.triplet_margin_with_distance_loss(t.ones(2, 3), t.ones(2, 3), t.ones(3)), RuntimeError, "negative 1D"),
    *[refusal(f"ctc_loss {name}", call, error, match) for name, call, error, match in (
        ("long input", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(2, 2).long(), (4, 3), (2, 2)), RuntimeError, "input_lengths to have value at most 3, but got value 4"),
        ("negative input", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(2, 2).long(), (-1, 3), (2, 2)), RuntimeError, "at least 0, but got value -1"),
        ("negative target", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(2, 2).long(), (3, 3), (2, -1)), RuntimeError, "target_lengths to have value at least 0"),
        ("long target", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(2, 2).long(), (3, 3), (2, 3)), RuntimeError, "size at least 3 at dimension 1, but got size 2"),
        ("inputs", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(2, 2).long(), (3,), (2, 2)), RuntimeError, "input_lengths must be of size batch_size"),
        ("targets' lengths", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(2, 2).long(), (3, 3), (2,)), RuntimeError, "target_lengths must be of size batch_size"),
        ("targets", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(1, 2).long(), (3, 3), (2, 2)), RuntimeError, "size 2 at dimension 0, but got size 1"),
        ("concatenated", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(3).long(), (3, 3), (2, 2)), RuntimeError, "size 4 at dimension 0, but got size 3"),
        ("scalar target", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.tensor(1), (3, 3), (1, 1)), RuntimeError, "Expected 1 to 2 dimensions"),
        ("blank", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(2, 2).long(), (3, 3), (2, 2), 4), RuntimeError, "blank must be in label range"),
        ("float lengths", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(2, 2).long(), t.ones(2), t.ones(2).long()), RuntimeError, "input_lengths must be integral"),
        ("numbers for lengths", lambda t, F: F.ctc_loss(t.ones(3, 2, 4), t.ones(2, 2).long(), 3, (2, 2)), TypeError, "must be Tensor or tuple of ints, not int"),
        ("nothing", lambda t, F: F.ctc_loss(None, t.ones(2, 2).long(), (3, 3), (2, 2)), TypeError, "must be Tensor, not NoneType"),
        ("empty", lambda t, F: F.ctc_loss(t.ones(0, 2, 4), t.ones(2, 2).long(), (0, 0), (0, 0)), RuntimeError, "log_probs tensor must not be empty"),
        ("type", lambda t, F: F.ctc_loss(t.ones(3, 2, 4).half(), t.ones(2, 2).long(), (3, 3), (2, 2)), NotImplementedError, "for 'Half'"),
        ("dimensions", lambda t, F: F.ctc_loss(t.ones(4), t.ones(2, 2).long(), (3, 3), (2, 2)), RuntimeError, "Expected 3-dimensional tensor"),
        ("second derivative", lambda t, F: ctc_twice(t), RuntimeError, "_ctc_loss_backward is not implemented"),
    )],
    refusal("linear_cross_entropy input", lambda t, F: F.linear_cross_entropy(t.ones(1, 2, 3), t.ones(4, 3), t.tensor([0])), RuntimeError, "dimensionality 1 or 2, got 3"),
    refusal("linear_cross_entropy weight", lambda t, F: F.linear_cross_entropy(t.ones(2, 3), t.ones(3), t.tensor([0, 1])), RuntimeError, "dimensionality at least 2, got 1"),
    refusal("linear_cross_entropy features", lambda t, F: F.linear_cross_entropy(t.ones(2, 3), t.ones(4, 2), t.tensor([0, 1])), RuntimeError, "got 3 and 2, respectively"),
    refusal("linear_cross_entropy bias", lambda t, F: F.linear_cross_entropy(t.ones(2, 3), t.ones(4, 3), t.tensor([0, 1]), linear_bias=t.ones(3)), RuntimeError, r"expected linear_bias shape \(4,\), got \(3,\)"),
    refusal("linear_cross_entropy unbatched", lambda t, F: F.linear_cross_entropy(t.ones(3), t.ones(4, 2, 3), t.tensor([0, 1])), RuntimeError, "requires batched input"),
    refusal("linear_cross_entropy ignored probabilities", lambda t, F: F.linear_cross_entropy(t.ones(2, 3), t.ones(4, 3), t.ones(2, 4), ignore_index=1), RuntimeError, "ignore_index cannot be specified"),
    refusal("LinearCrossEntropyLoss weight", lambda t, F: t.nn.LinearCrossEntropyLoss(2, 3, weight=t.ones(2)), RuntimeError, "expected weight shape to be"),
    refusal("LinearCrossEntropyLoss smoothing", lambda t, F: t.nn.LinearCrossEntropyLoss(2, 3, label_smoothing=2.0), RuntimeError, r"in range \[0, 1\], got 2.0"),
    *[refusal(f"LinearCrossEntropyOptions {match}", lambda t, F, o=options: t.nn.LinearCrossEntropyOptions(**o(t)), ValueError, match) for options, match in (
        (lambda t: {"acc_policy": "x"}, "invalid acc_policy: 'x'"),
        (lambda t: {"chunking_method": "aspect_ratio:0"}, "invalid chunking_method: 'aspect_ratio:0'"),
        (lambda t: {"batch_chunk_size": 0}, "batch_chunk_size must be positive int or None, got 0"),
        (lambda t: {"acc_dtype": t.int64}, "acc_dtype must be one of"),
    )],
    *[refusal(f"linear_cross_entropy by chunks {match}", lambda t, F, c=call: c(t, F), error, match) for call, error, match in (
        (lambda t, F: chunked(t, target=t.tensor([0, 4])), RuntimeError, "index 4 is out of bounds for dimension 1 with size 4"),
        (lambda t, F: chunked(t, target=t.tensor([0])), RuntimeError, "expected target shape|exceeds dimension size"),
        (lambda t, F: chunked(t, linear_weight=t.ones(4, 3).double()), RuntimeError, "to have the same dtype, but got: float"),
        (lambda t, F: chunked(t, weight=t.ones(1)), IndexError, "index out of range in self"),
        (lambda t, F: chunked(t, acc_dtype=t.float16), RuntimeError, "supports float32 acc_dtype with"),
        (lambda t, F: chunked(t, batch_chunk_size=2, chunking_method="aspect_ratio:2"), ValueError, "give different chunk sizes"),
    )],
    refusal("AdaptiveLogSoftmaxWithLoss no cutoffs", lambda t, F: t.nn.AdaptiveLogSoftmaxWithLoss(4, 6, []), ValueError, "length larger than 0"),
    *[refusal(f"AdaptiveLogSoftmaxWithLoss {cutoffs}", lambda t, F, c=cutoffs: t.nn.AdaptiveLogSoftmaxWithLoss(4, 6, c), ValueError, "unique, positive integers") for cutoffs in ([2, 2], [3, 2], [0, 2], [2, 6], [1.5])],
    *[refusal(f"AdaptiveLogSoftmaxWithLoss {match}", lambda t, F, a=arguments: t.nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2])(*a(t)), RuntimeError, match) for arguments, match in (
        (lambda t: (t.ones(2, 4), t.tensor([0, 6])), r"should be in \[0, 5\]"),
        (lambda t: (t.ones(2, 4), t.tensor([0])), "same size in the batch dimension"),
        (lambda t: (t.ones(2), t.tensor([0, 1])), "1D target tensor expects 2D input"),
        (lambda t: (t.ones(2, 4), t.tensor(0)), "0D target tensor expects 1D input"),
        (lambda t: (t.ones(2, 4), t.tensor([[0]])), "multi-target not supported"),
    )],
]  # fmt: skip


def ctc_twice(t: Any) -> Any:
    x = t.ones(3, 2, 4, requires_grad=True)
    loss = t.nn.functional.ctc_loss(x, t.ones(2, 2).long(), (3, 3), (2, 1))
    (slope,) = t.autograd.grad(loss, x, create_graph=True)
    return t.autograd.grad(slope.sum(), x)


def chunked(t: Any, target: Any = None, linear_weight: Any = None, weight: Any = None, **options: Any) -> Any:
    linear_weight = t.ones(4, 3) if linear_weight is None else linear_weight
    target = t.tensor([0, 1]) if target is None else target
    return t.nn.functional.linear_cross_entropy(
        t.ones(2, 3), linear_weight, target, weight=weight, options=t.nn.LinearCrossEntropyOptions(**options)
    )
