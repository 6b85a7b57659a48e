"""Distances: of pairs, of all rows, the cosine; every norm, and gradients where vectors meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases.case import Case, Maker, Refusal, distinct, given, normal, uniform

INFINITY = float("inf")


def rows(count: int, size: int) -> Maker:
    """Rows whose differences have elements at least 0.01 from zero and from each other's size."""

    def draw(rng: np.random.Generator) -> Any:
        # Powers of 1.7 are apart in every difference.
        return (1.7 ** rng.permutation(count * size)).reshape(count, size) / 1.7 ** (count * size // 2)

    return Maker(draw)


def far(count: int, size: int) -> Maker:
    """Rows beyond those of `rows`."""
    return Maker(lambda rng: -rows(count, size).draw(rng) - 0.1)


def cdist(p: float, mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    return lambda t: lambda x, y: t.cdist(x, y, p, mode)


CASES = [
    *[
        Case(f"PairwiseDistance {p}", lambda t, p=p: t.nn.PairwiseDistance(p), (rows(2, 3), far(2, 3)))
        for p in (0.5, 1.0, 2.0, 3, INFINITY, -1.0)
    ],
    Case("PairwiseDistance 0", lambda t: t.nn.PairwiseDistance(0.0), (given([[1.0, 2.0]]), given([[1.0, 3.0]])), smooth=False),
    Case("PairwiseDistance keepdim", lambda t: t.nn.PairwiseDistance(eps=0.1, keepdim=True), (normal(2, 3), normal(2, 3))),
    Case("PairwiseDistance one", lambda t: t.nn.PairwiseDistance(), (normal(3), normal(3))),
    Case("PairwiseDistance broadcast", lambda t: t.nn.PairwiseDistance(), (normal(2, 1, 3), normal(2, 3))),
    Case("PairwiseDistance empty", lambda t: t.nn.PairwiseDistance(), (normal(0, 3), normal(0, 3))),
    Case("pairwise_distance of equals", lambda t: lambda x: t.pairwise_distance(x, x.detach(), eps=0.0), (given([[1.0, 2.0]]),), smooth=False, second=False),
    Case("pairwise_distance numbers", lambda t: t.nn.functional.pairwise_distance, (normal(2, 3), normal(2, 3)), {"p": 2.5, "eps": 1e-3, "keepdim": True}),
    Case("CosineSimilarity", lambda t: t.nn.CosineSimilarity(), (normal(3, 2), normal(3, 2))),
    Case("CosineSimilarity dim", lambda t: t.nn.CosineSimilarity(dim=0), (normal(3, 2), normal(3, 1))),
    Case("CosineSimilarity last dim", lambda t: t.nn.CosineSimilarity(-1, 0.1), (normal(2, 1, 3), normal(2, 3))),
    # The bound has no part in the gradient.
    Case("CosineSimilarity bound", lambda t: t.nn.CosineSimilarity(eps=2.0), (uniform(0.1, 0.5, 2, 3), normal(2, 3)), smooth=False),
    Case("cosine_similarity of zeros", lambda t: t.cosine_similarity, (given([[0.0, 0.0]]), given([[1.0, 2.0]])), smooth=False, second=False, halves=()),
    Case("cosine_similarity with integers", lambda t: t.nn.functional.cosine_similarity, (normal(2, 3), given([[1, 2, 3], [3, 0, 1]]))),
    *[Case(f"normalize {p}", lambda t, p=p: lambda x: t.nn.functional.normalize(x, p), (distinct(2, 3),)) for p in (1.0, 2.0, 3.0, INFINITY)],
    Case("normalize dim", lambda t: lambda x: t.nn.functional.normalize(x, dim=0, eps=0.5), (given([[0.1, 3.0], [0.2, 4.0]]),)),
    Case("normalize dims", lambda t: lambda x: t.nn.functional.normalize(x, dim=(1, 2)), (normal(2, 2, 2),)),
    Case("normalize zeros", lambda t: t.nn.functional.normalize, (given([[0.0, 0.0], [1.0, 2.0]]),), smooth=False, second=False, halves=()),
    Case("normalize out", lambda t: lambda x: t.nn.functional.normalize(x.detach(), out=t.zeros(2, 3, dtype=x.dtype)), (normal(2, 3),)),
    # PyTorch has second derivatives of neither; those here are held to finite differences in tests/nn/test_distance.py.
    *[Case(f"pdist {p}", lambda t, p=p: lambda x: t.nn.functional.pdist(x, p), (rows(3, 2),), second=False) for p in (0.5, 1.0, 1.5, 2.0, 3.0, INFINITY)],
    Case("pdist 0", lambda t: lambda x: t.pdist(x, 0.0), (given([[1.0, 2.0], [1.0, 3.0], [4.0, 4.0]]),), smooth=False, second=False),
    Case("pdist one row", lambda t: t.pdist, (normal(1, 2),), second=False),
    Case("pdist no columns", lambda t: t.pdist, (normal(3, 0),), second=False),
    *[Case(f"pdist of equals {p}", lambda t, p=p: lambda x: t.pdist(x, p), (given([[1.0, 2.0], [1.0, 2.0], [3.0, 2.0]]),), smooth=False, second=False) for p in (0.5, 1.0, 1.5, 2.0, 3.0, INFINITY)],
    *[Case(f"cdist {p}", cdist(p), (rows(2, 2), far(3, 2)), second=False) for p in (0.5, 1.0, 1.5, 2.0, 3.0, INFINITY)],
    Case("cdist 0", cdist(0.0), (given([[1.0, 2.0]]), given([[1.0, 3.0], [4.0, 4.0]])), smooth=False, second=False),
    *[Case(f"cdist of equals {p}", cdist(p), (given([[1.0, 2.0]]), given([[1.0, 2.0], [1.0, 3.0]])), smooth=False, second=False) for p in (0.5, 1.0, 1.5, 2.0, 3.0, INFINITY)],
    Case("cdist batch", cdist(2.0), (normal(2, 2, 2), normal(2, 3, 2)), second=False),
    Case("cdist broadcast", cdist(2.0), (normal(2, 1, 2, 2), normal(2, 1, 2)), second=False),
    Case("cdist product", cdist(2.0, "use_mm_for_euclid_dist"), (normal(2, 3), normal(4, 3))),
    Case("cdist product batch", cdist(2.0, "use_mm_for_euclid_dist"), (normal(2, 2, 2), normal(2, 2))),
    Case("cdist product of equals", cdist(2.0, "use_mm_for_euclid_dist"), (given([[1.0, 2.0]]), given([[1.0, 2.0], [1.0, 3.0]])), smooth=False, second=False),
    Case("cdist many rows", cdist(2.0), (uniform(0.0, 1.0, 26, 1), uniform(2.0, 3.0, 2, 1)), smooth=False),
    Case("cdist many rows, no product", cdist(2.0, "donot_use_mm_for_euclid_dist"), (uniform(0.0, 1.0, 26, 1), uniform(2.0, 3.0, 2, 1)), smooth=False, second=False),
    Case("cdist empty", cdist(2.0), (normal(0, 2), normal(3, 2)), second=False),
    Case("cdist no columns", cdist(2.0), (normal(2, 0), normal(3, 0)), second=False),
]  # fmt: skip


def refusal(name: str, call: Any, error: type[Exception], match: str) -> Refusal:
    return Refusal(name, call, error, match)


REFUSALS = [
    refusal("cdist dimensions", lambda t: t.cdist(t.ones(2), t.ones(2, 2)), RuntimeError, "X1 got: 1D"),
    refusal("cdist columns", lambda t: t.cdist(t.ones(2, 2), t.ones(2, 3)), RuntimeError, "X1: 2 X2: 3"),
    refusal("cdist integers", lambda t: t.cdist(t.ones(2, 2).long(), t.ones(2, 2)), RuntimeError, "X1 got: Long"),
    refusal("cdist types", lambda t: t.cdist(t.ones(2, 2), t.ones(2, 2).double()), RuntimeError, "expected scalar type"),
    refusal("cdist 16 bits", lambda t: t.cdist(t.ones(2, 2).half(), t.ones(2, 2).half()), NotImplementedError, "for 'Half'"),
    refusal("cdist p", lambda t: t.cdist(t.ones(2, 2), t.ones(2, 2), -1.0), RuntimeError, "non-negative p values"),
    refusal("cdist mode", lambda t: t.cdist(t.ones(2, 2), t.ones(2, 2), compute_mode="x"), ValueError, "x is not a valid value"),
    refusal("cdist batches", lambda t: t.cdist(t.ones(4, 2, 2), t.ones(5, 2, 2)), RuntimeError, "must match the size of tensor b"),
    refusal("cdist nothing", lambda t: t.cdist(t.ones(2, 2), None), TypeError, "must be Tensor, not NoneType"),
    refusal("pdist dimensions", lambda t: t.pdist(t.ones(2)), RuntimeError, "only supports 2D tensors, got: 1D"),
    refusal("pdist integers", lambda t: t.pdist(t.ones(2, 2).long()), RuntimeError, "only supports floating-point"),
    refusal("pdist 16 bits", lambda t: t.pdist(t.ones(2, 2).half()), NotImplementedError, "for 'Half'"),
    refusal("pdist p", lambda t: t.pdist(t.ones(2, 2), -1.0), RuntimeError, "non-negative p values"),
    refusal("pdist p's type", lambda t: t.pdist(t.ones(2, 2), "a"), TypeError, "must be float, not str"),
    refusal("pairwise_distance shapes", lambda t: t.pairwise_distance(t.ones(2, 3), t.ones(4)), RuntimeError, "must match the size"),
    refusal("pairwise_distance nothing", lambda t: t.pairwise_distance(t.ones(2), None), TypeError, "must be Tensor"),
    refusal("cosine_similarity integers", lambda t: t.cosine_similarity(t.ones(2, 2).long(), t.ones(2, 2).long()), RuntimeError, "yet common dtype is Long"),
    refusal("cosine_similarity shapes", lambda t: t.cosine_similarity(t.ones(2, 3), t.ones(4)), RuntimeError, "must match the size"),
    refusal("cosine_similarity dim", lambda t: t.cosine_similarity(t.ones(2, 3), t.ones(2, 3), 2), IndexError, "Dimension out of range"),
    refusal("normalize dim", lambda t: t.nn.functional.normalize(t.ones(2)), IndexError, "Dimension out of range"),
    refusal("normalize integers", lambda t: t.nn.functional.normalize(t.ones(2, 2).long()), RuntimeError, "Expected a floating point"),
    refusal(
        "normalize out's gradient",
        lambda t: t.nn.functional.normalize(t.ones(2, 2, requires_grad=True), out=t.zeros(2, 2)),
        RuntimeError,
        "don't support automatic differentiation",
    ),
]  # fmt: skip
