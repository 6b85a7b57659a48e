"""Losses against PyTorch, what the cases can't state: names in the graph, warnings, options, modules' files."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def names_of_nodes(t: Any) -> None:
    F = t.nn.functional
    x, y, z = (t.full((2, 3), n, requires_grad=True) for n in (0.4, 0.5, 0.9))
    fixed, sign, classes = t.full((2, 3), 0.5), t.tensor([1, -1]), t.tensor([0, 1])
    lists = t.tensor([[0, -1, 1], [2, 1, -1]])
    for reduction in ("none", "mean"):
        for loss in (
            F.smooth_l1_loss(x, y, reduction=reduction),
            F.huber_loss(x, y, reduction=reduction),
            F.huber_loss(x, y, reduction, weight=fixed),
            F.mse_loss(x, y, reduction=reduction, weight=fixed),
            F.soft_margin_loss(x, fixed, reduction=reduction),
            F.poisson_nll_loss(x, y, reduction=reduction),
            F.gaussian_nll_loss(x, y, z, reduction=reduction),
            F.kl_div(x, y, reduction=reduction),
            F.kl_div(x, y, reduction=reduction, log_target=True),
            F.margin_ranking_loss(x, y, fixed, reduction=reduction),
            F.hinge_embedding_loss(x, fixed, reduction=reduction),
            F.multi_margin_loss(x, classes, reduction=reduction),
            F.multilabel_margin_loss(x, lists, reduction=reduction),
            F.multilabel_soft_margin_loss(x, y, reduction=reduction),
            F.cosine_embedding_loss(x, y, sign, reduction=reduction),
            F.triplet_margin_loss(x, y, z, reduction=reduction),
            F.triplet_margin_with_distance_loss(x, y, z, reduction=reduction),
            F.ctc_loss(x.unsqueeze(1), t.tensor([[1]]), (2,), (1,), reduction=reduction),
            F.ctc_loss(x.unsqueeze(1), t.tensor([[1]]), (2,), (1,), 0, reduction, True),
            F.ctc_loss(x, t.tensor([1]), (2,), (1,), reduction=reduction),
            F.linear_cross_entropy(x, y, classes % 2, reduction=reduction),
        ):
            print(loss.grad_fn.name())
    chunked = t.nn.LinearCrossEntropyOptions(batch_chunk_size=1)
    for reduction in ("none", "mean"):
        print(F.linear_cross_entropy(x, y, classes, options=chunked, reduction=reduction).grad_fn.name())
    for distance in (
        F.pairwise_distance(x, y),
        F.cosine_similarity(x, y),
        F.normalize(x),
        F.pdist(x),
        t.cdist(x, y),
        t.cdist(x, y, compute_mode="use_mm_for_euclid_dist"),
    ):
        print(distance.grad_fn.name())


@program
def warnings_of_losses(t: Any) -> None:
    F = t.nn.functional
    x = t.tensor([0.5, 2.0])
    print(F.kl_div(x, x))
    print(F.smooth_l1_loss(t.zeros(2, 2), x), F.huber_loss(t.zeros(2, 2), x))
    print(t.nn.NLLLoss2d())
    print(F.hinge_embedding_loss(x, t.tensor([1, -1]), reduction="elementwise_mean"))
    w = t.ones(2, 3)
    print(
        F.linear_cross_entropy(
            t.ones(2, 3), w, t.tensor([0, 1]), label_smoothing=0.1, options=t.nn.LinearCrossEntropyOptions()
        )
    )
    for flags in (
        {"size_average": False},
        {"reduce": False},
        {"size_average": True, "reduce": True},
        {"size_average": 0},
    ):
        print(
            F.hinge_embedding_loss(x, t.tensor([1, -1]), **flags),
            F.kl_div(x, x, **flags),
            F.poisson_nll_loss(x, x, **flags),
        )
        print(
            F.margin_ranking_loss(x, x, x, **flags), F.soft_margin_loss(x, x, **flags), F.smooth_l1_loss(x, x, **flags)
        )
        print(
            t.nn.CosineEmbeddingLoss(**flags).reduction,
            t.nn.TripletMarginLoss(**flags).reduction,
            t.nn.MultiMarginLoss(**flags).reduction,
        )
        one = t.ones(1, 2)
        print(F.multilabel_soft_margin_loss(one, one, **flags), F.triplet_margin_loss(one, one, one, **flags))
        print(
            F.multi_margin_loss(one, t.tensor([0]), **flags),
            F.multilabel_margin_loss(one, t.tensor([[0, -1]]), **flags),
        )
        print(F.cosine_embedding_loss(one, one, t.tensor([1]), **flags))


@program
def options(t: Any) -> None:
    Options = t.nn.LinearCrossEntropyOptions
    print(Options(), Options(batch_chunk_size=3) == Options(batch_chunk_size=3), hash(Options()) == hash(Options()))
    attempt(lambda: setattr(Options(), "acc_policy", "compact"))
    for rows, features, classes in ((1024, 64, 1000), (7, 100, 10), (0, 3, 5), (100, 3, 50)):
        for dtype in (t.float32, t.bfloat16, t.float64):
            for made in (
                Options(),
                Options(chunking_method="aspect_ratio:4"),
                Options(chunking_method=None),
                Options(batch_chunk_size=5),
                Options(acc_policy="balanced"),
                Options(acc_dtype=t.float32),
            ):
                print(made._adjust(rows, features, classes, dtype, t.device("cpu")))
    print(t.nn.LinearCrossEntropyLoss(3, 5, out_features=(2,), bias=True, options=Options(acc_policy="accurate")))


@program
def extremes(t: Any) -> None:
    F = t.nn.functional
    large = t.tensor([-1000.0, 1000.0], requires_grad=True)
    F.soft_margin_loss(large, t.ones(2), reduction="sum").backward()
    print(F.soft_margin_loss(large, t.ones(2), reduction="none"), large.grad)
    for loss in (F.smooth_l1_loss, F.huber_loss, F.mse_loss, F.l1_loss):
        x = t.tensor([float("inf"), float("nan"), 1e30], requires_grad=True)
        print(loss(x, t.zeros(3), reduction="none"))
    log_probs = t.tensor([[[-0.5, -1.0, float("-inf")]], [[-0.2, -2.0, -3.0]]], requires_grad=True)
    for zero in (False, True):
        for target in ([1, 1], [2, 1], [1]):
            log_probs.grad = None
            loss = F.ctc_loss(log_probs, t.tensor([target]), (2,), (len(target),), 0, "sum", zero)
            loss.backward()
            print(loss, log_probs.grad)


@program
def types(t: Any) -> None:
    F = t.nn.functional
    x = t.tensor([0.25, 2.0])
    for target in (x.double(), t.tensor([1, 0]), x.half()):
        for name in ("smooth_l1_loss", "huber_loss", "soft_margin_loss", "hinge_embedding_loss", "poisson_nll_loss"):
            print(name, getattr(F, name)(x, target))
        print(F.binary_cross_entropy_with_logits(x.double(), target.double(), weight=target.float()))
    print(F.kl_div(x, x.double(), reduction="sum"), F.poisson_nll_loss(t.tensor([1, 2]), t.tensor([3, 1])))
    print(F.multilabel_soft_margin_loss(x, x.double()), F.cosine_similarity(x, x.double(), dim=0))
    print(F.pairwise_distance(x, x.double()), F.pairwise_distance(t.tensor([1, 2]), t.tensor([1, 2])))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])


LOSSES = sorted(
    set(torch.nn.modules.loss.__all__) | {"PairwiseDistance", "CosineSimilarity", "AdaptiveLogSoftmaxWithLoss"}
)


@pytest.mark.parametrize("name", LOSSES)
def test_constructors_and_constants(name: str) -> None:
    ours, theirs = getattr(rushlight.nn, name), getattr(torch.nn, name)

    def parameters(thing: Any) -> list[tuple[str, Any, Any]]:
        return [(p.name, p.default, p.kind) for p in inspect.signature(thing).parameters.values()]

    assert parameters(ours.__init__) == parameters(theirs.__init__)
    assert parameters(ours.forward) == parameters(theirs.forward)
    assert getattr(ours, "__constants__", []) == getattr(theirs, "__constants__", [])


FUNCTIONS = [
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss",
    "smooth_l1_loss", "huber_loss", "soft_margin_loss", "poisson_nll_loss", "gaussian_nll_loss", "kl_div", "ctc_loss",
    "margin_ranking_loss", "hinge_embedding_loss", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "cosine_embedding_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
    "linear_cross_entropy", "normalize",
]  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_the_same_arguments(name: str) -> None:
    ours, theirs = (inspect.signature(getattr(library.nn.functional, name)) for library in (rushlight, torch))
    assert [(p.name, p.default, p.kind) for p in ours.parameters.values()] == [
        (p.name, p.default, p.kind) for p in theirs.parameters.values()
    ]
