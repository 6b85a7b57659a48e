"""Embeddings, one by one and by bags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cases.case import Case, Refusal, distinct, given, integers, normal


def table(**options: Any) -> Callable[[Any], Any]:
    return lambda t: t.nn.Embedding(5, 3, **options)


def bags(**options: Any) -> Callable[[Any], Any]:
    return lambda t: t.nn.EmbeddingBag(5, 3, **options)


def embedding_bag(**options: Any) -> Callable[[Any], Any]:
    return lambda t: (
        lambda i, w, o=None, s=None: t.nn.functional.embedding_bag(i, w, o, per_sample_weights=s, **options)
    )


INDICES, OFFSETS = given([0, 1, 2, 3, 1, 4]), given([0, 2, 2, 5])

CASES = [
    Case("Embedding", table(), (integers(5, 2, 3),)),
    Case("Embedding one index", table(), (given(3),)),
    Case("Embedding empty", table(), (integers(5, 0),)),
    Case("Embedding padding_idx", table(padding_idx=1), (given([1, 0, 2, 1]),), smooth=False),
    Case("Embedding padding_idx from the end", table(padding_idx=-1), (given([[4, 0], [2, 4]]),), smooth=False),
    Case("Embedding max_norm", table(max_norm=1.0), (given([1, 2]),), smooth=False, second=False),
    Case("Embedding max_norm 1-norm", table(max_norm=1.0, norm_type=1), (given([1, 2]),), smooth=False, second=False),
    Case("Embedding scale_grad_by_freq", table(scale_grad_by_freq=True), (given([1, 0, 1, 1]),), smooth=False),
    Case("Embedding sparse", table(sparse=True), (given([[1, 0], [1, 4]]),), smooth=False, second=False),
    Case(
        "Embedding sparse padding_idx",
        table(sparse=True, padding_idx=1),
        (given([[1, 0], [1, 4]]),),
        smooth=False,
        second=False,
    ),
    Case("embedding", lambda t: t.nn.functional.embedding, (integers(4, 2, 2), normal(4, 3))),
    Case("one_hot", lambda t: t.nn.functional.one_hot, (given([[0, 2], [1, 0]]),), halves=()),
    Case("one_hot classes", lambda t: t.nn.functional.one_hot, (given([0, 2]), 5), halves=()),
    *(
        case
        for mode in ("sum", "mean", "max")
        for case in (
            Case(f"EmbeddingBag {mode}", bags(mode=mode), (integers(5, 2, 3),), second=False),
            Case(f"EmbeddingBag {mode} offsets", bags(mode=mode), (INDICES, OFFSETS), second=False),
            Case(f"EmbeddingBag {mode} padding", bags(mode=mode, padding_idx=1), (INDICES, OFFSETS), second=False),
            Case(
                f"EmbeddingBag {mode} last offset",
                bags(mode=mode, include_last_offset=True),
                (INDICES, given([0, 1, 6])),
                second=False,
            ),
            Case(f"EmbeddingBag {mode} no bag", bags(mode=mode), (integers(5, 0), integers(5, 0)), second=False),
            Case(f"EmbeddingBag {mode} empty bags", bags(mode=mode), (integers(5, 0), given([0, 0])), second=False),
            Case(
                f"EmbeddingBag {mode} max_norm",
                bags(mode=mode, max_norm=1.0, norm_type=1.0),
                (INDICES, OFFSETS),
                smooth=False,
                second=False,
            ),
            Case(f"embedding_bag {mode}", embedding_bag(mode=mode), (INDICES, distinct(5, 3), OFFSETS), second=False),
        )
    ),
    *(
        Case(
            f"EmbeddingBag {mode} {name}",
            bags(mode=mode, **options),
            (given([0, 1, 1, 1, 4]), given([0, 2])),
            smooth=False,
            second=False,
        )
        for mode in ("sum", "mean")
        for name, options in {
            "sparse": {"sparse": True},
            "sparse padding": {"sparse": True, "padding_idx": 1},
            "scaled": {"scale_grad_by_freq": True},
        }.items()
    ),
    Case(
        "embedding_bag weighted", embedding_bag(mode="sum"), (INDICES, normal(5, 3), OFFSETS, normal(6)), second=False
    ),
    Case(
        "embedding_bag weighted padding",
        embedding_bag(mode="sum", padding_idx=1),
        (INDICES, normal(5, 3), OFFSETS, normal(6)),
        second=False,
    ),
    Case(
        "embedding_bag weighted sparse",
        embedding_bag(mode="sum", sparse=True),
        (integers(5, 2, 3), normal(5, 3), None, normal(2, 3)),
        smooth=False,
        second=False,
    ),
]

REFUSALS = [
    Refusal(
        "Embedding padding", lambda t: t.nn.Embedding(3, 2, padding_idx=3), AssertionError, "within num_embeddings"
    ),
    Refusal("Embedding index", lambda t: t.nn.Embedding(3, 2)(t.tensor([3])), IndexError, "out of range"),
    Refusal("Embedding floats", lambda t: t.nn.Embedding(3, 2)(t.tensor([1.0])), RuntimeError, "Long, Int"),
    Refusal(
        "Embedding sparse scaled",
        lambda t: t.nn.Embedding(3, 2, sparse=True, scale_grad_by_freq=True)(t.tensor([1])).sum().backward(),
        RuntimeError,
        "scale_grad_by_freq not supported with sparse gradients",
    ),
    Refusal(
        "EmbeddingBag padding", lambda t: t.nn.EmbeddingBag(3, 2, padding_idx=-4), AssertionError, "padding_idx must be"
    ),
    Refusal("EmbeddingBag index", lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([[3]])), RuntimeError, "valid range"),
    Refusal("EmbeddingBag no offsets", lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([1])), ValueError, "got None"),
    Refusal(
        "EmbeddingBag offsets of a matrix",
        lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([[1]]), t.tensor([0])),
        ValueError,
        "offsets has to be None",
    ),
    Refusal(
        "EmbeddingBag 2-D offsets",
        lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([1]), t.tensor([[0]])),
        ValueError,
        "offsets has to be a 1D Tensor",
    ),
    Refusal(
        "EmbeddingBag first offset",
        lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([1]), t.tensor([1])),
        RuntimeError,
        r"offsets\[0\] has to be 0",
    ),
    Refusal(
        "EmbeddingBag last offset",
        lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([1]), t.tensor([0, 2])),
        RuntimeError,
        "can not be greater",
    ),
    Refusal(
        "EmbeddingBag no last offset",
        lambda t: t.nn.EmbeddingBag(3, 2, include_last_offset=True)(t.tensor([1]), t.tensor([0])[:0]),
        RuntimeError,
        "at least 1",
    ),
    Refusal(
        "EmbeddingBag mode", lambda t: t.nn.EmbeddingBag(3, 2, mode="min")(t.tensor([[1]])), ValueError, "mode has to"
    ),
    Refusal(
        "EmbeddingBag sparse max",
        lambda t: t.nn.EmbeddingBag(3, 2, mode="max", sparse=True)(t.tensor([[1]])),
        ValueError,
        "max mode does not support sparse",
    ),
    Refusal(
        "EmbeddingBag scaled max",
        lambda t: t.nn.EmbeddingBag(3, 2, mode="max", scale_grad_by_freq=True)(t.tensor([[1]])),
        ValueError,
        "max mode does not support scaling",
    ),
    Refusal(
        "EmbeddingBag weighted mean",
        lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([[1]]), per_sample_weights=t.ones(1, 1)),
        NotImplementedError,
        "only supported for mode='sum'",
    ),
    Refusal(
        "EmbeddingBag weights' shape",
        lambda t: t.nn.EmbeddingBag(3, 2, mode="sum")(t.tensor([[1]]), per_sample_weights=t.ones(1)),
        ValueError,
        "same shape as the input",
    ),
    Refusal("EmbeddingBag cube", lambda t: t.nn.EmbeddingBag(3, 2)(t.zeros(1, 1, 1).long()), ValueError, "1D or 2D"),
    Refusal("EmbeddingBag floats", lambda t: t.nn.EmbeddingBag(3, 2)(t.ones(1, 1)), RuntimeError, "Long, Int"),
    Refusal("one_hot floats", lambda t: t.nn.functional.one_hot(t.ones(2)), RuntimeError, "LongTensor"),
    Refusal("one_hot negative", lambda t: t.nn.functional.one_hot(t.tensor([-1])), RuntimeError, "non-negative"),
    Refusal("one_hot too large", lambda t: t.nn.functional.one_hot(t.tensor([3]), 3), RuntimeError, "smaller than"),
]
