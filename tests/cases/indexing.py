"""Indexing as Python writes it, by tensors along a dimension, by masks and by flat positions; tables looked up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cases.case import Case, Maker, Refusal, distinct, fixed, given, integers, normal

GRID = [[0, 2, 1], [1, 1, 0]]
MASK = given([[True, False, True], [False, True, True]])


def put(write: Callable[[Any, Any], Any]) -> Callable[[Any], Callable[..., Any]]:
    """A write into a fresh copy as a function of the tensor and what is written."""

    def changed(x: Any, *rest: Any) -> Any:
        out = x * 1
        write(out, *rest)
        return out

    return lambda t: changed


def index(*values: int) -> Maker:
    return given(list(values))


READ = [
    Case("x[i]", lambda t: lambda x: [x[1], x[-1], x[0, 2]], (normal(2, 3),)),
    Case("x[slice]", lambda t: lambda x: [x[1:], x[:, ::2], x[:], x[..., 1:]], (normal(2, 3),)),
    Case("x[None]", lambda t: lambda x: [x[None], x[:, None, 0], x[..., None]], (normal(2, 3),)),
    Case("x[tensor]", lambda t: lambda x, i: [x[i], x[:, i], x[i, i], x[i[:, None], i]], (normal(2, 3), index(1, 0))),
    Case("x[list]", lambda t: lambda x: [x[[1, 0]], x[[0, 1], [2, 0]], x[[1], :, None]], (normal(2, 3),)),
    Case("x[mask]", lambda t: lambda x, m: [x[m], x[m[:, 0]], x[:, m[0]]], (normal(2, 3), MASK)),
    Case("x[bool]", lambda t: lambda x: [x[True], x[False]], (normal(2),)),
    Case("x[apart]", lambda t: lambda x, i: [x[i, :, i], x[0, :, i]], (normal(2, 3, 2), index(1, 0))),
]

WRITTEN = [
    Case("x[i] = y", put(lambda x, y: x.__setitem__(1, y)), (normal(2, 3), normal(3))),
    Case(
        "x[slice] = y", put(lambda x, y: x.__setitem__((slice(None), slice(1, None)), y)), (normal(2, 3), normal(2, 2))
    ),
    Case("x[...] = y", put(lambda x, y: x.__setitem__(..., y)), (normal(2, 3), normal(3))),
    Case("x[list] = y", put(lambda x, y: x.__setitem__([1, 0], y)), (normal(2, 3), normal(2, 3))),
    Case("x[mask] = number", put(lambda x, m: x.__setitem__(m, 0.5)), (normal(2, 3), MASK)),
    Case("x[i] = number", put(lambda x: x.__setitem__((0, 1), 2.0)), (normal(2, 3),)),
    Case("index_put", lambda t: lambda x, i, y: t.index_put(x, (i,), y), (normal(3, 2), index(2, 0), normal(2, 2))),
    Case(
        "index_put accumulate",
        lambda t: lambda x, i, y: x.index_put((i, i), y, accumulate=True),
        (normal(3, 3), index(1, 1), normal(2)),
    ),
    Case("index_put_", lambda t: lambda x, i, y: t.index_put_(x * 1, (i,), y), (normal(3), index(2, 0), normal(2))),
]

ALONG = [
    Case("gather", lambda t: t.gather, (normal(3, 3), 0, given(GRID))),
    Case("index_add", lambda t: t.index_add, (normal(3, 2), 0, index(1, 1), normal(2, 2)), {"alpha": 2}),
    Case("index_copy", lambda t: t.index_copy, (normal(3, 2), 0, index(2, 0), normal(2, 2))),
    Case("index_fill", lambda t: t.index_fill, (normal(3, 2), 0, index(2, 2), 1.5)),
    Case("index_fill tensor", lambda t: t.index_fill, (normal(3, 2), 1, index(0), normal())),
    *[
        Case(
            f"index_reduce {how}",
            lambda t: t.index_reduce,
            (normal(3, 2), 0, index(1, 1), distinct(2, 2), how),
            second=how in ("mean", "prod"),
        )
        for how in ("mean", "prod", "amax", "amin")
    ],
    Case("index_select", lambda t: t.index_select, (normal(3, 2), 0, index(2, 0, 2))),
    Case("scatter", lambda t: t.scatter, (normal(2, 3), 1, given([[0, 2], [1, 0]]), normal(2, 2))),
    Case("scatter number", lambda t: t.scatter, (normal(2, 3), 1, given([[0], [2]]), 1.5)),
    Case("scatter_add", lambda t: t.scatter_add, (normal(3, 3), 0, given(GRID), normal(2, 3))),
    *[
        Case(
            f"scatter_reduce {how}",
            lambda t: t.scatter_reduce,
            (normal(3, 3), 0, given(GRID), distinct(2, 3), how),
            {"include_self": own},
            second=how not in ("amax", "amin"),
        )
        for how, own in (("sum", False), ("prod", True), ("mean", False), ("amax", True), ("amin", False))
    ],
    Case(
        "scatter_reduce zeros",
        lambda t: t.scatter_reduce,
        (given([0.0, 2.0]), 0, index(0, 1), given([3.0, 0.0]), "prod"),
    ),
    Case("take_along_dim", lambda t: t.take_along_dim, (normal(2, 3), given([[0, -1], [2, 1]]), 1)),
]

CHOSEN = [
    Case("argwhere", lambda t: t.argwhere, (given([[0.0, 1.0], [2.0, 0.0]]),)),
    Case("masked_scatter", lambda t: t.masked_scatter, (normal(2, 3), MASK, normal(5))),
    Case("masked_select", lambda t: t.masked_select, (normal(2, 3), MASK)),
    Case("nonzero", lambda t: lambda x: [t.nonzero(x), *x.nonzero(as_tuple=True)], (given([[0.0, 1.0], [2.0, 0.0]]),)),
    Case("nonzero_static", lambda t: lambda x: t.nonzero_static(x, size=3, fill_value=7), (given([0.0, 1.0, 2.0]),)),
    Case(
        "put",
        lambda t: lambda x, i, y: [x.put(i, y), x.put(i, y, accumulate=True)],
        (normal(2, 3), index(4, 0), normal(2)),
    ),
    Case("take", lambda t: t.take, (normal(2, 3), given([[0, 5], [-1, 2]]))),
    Case("unravel_index", lambda t: lambda i: t.unravel_index(i, (2, 3)), (index(4, 0),)),
]

TABLES = [
    Case("embedding", lambda t: t.embedding, (normal(3, 2), index(2, 1, 2))),
    Case("embedding padding", lambda t: t.embedding, (normal(3, 2), index(2, 1, 2), 1), smooth=False, second=False),
    Case("embedding by frequency", lambda t: t.embedding, (normal(3, 2), index(2, 1, 2), -1, True), smooth=False, second=False),
    Case(
        "embedding_bag", lambda t: lambda w, i, o: t.embedding_bag(w, i, o, False, 1)[0],
        (normal(3, 2), index(0, 2, 1), index(0, 2)), second=False,
    ),
    *[
        Case(
            f"embedding_bag with what it counts, mode {mode}",
            lambda t, mode=mode: lambda w, i, o: t.embedding_bag(w, i, o, False, mode, False, None, False, 1),
            (normal(3, 2), index(0, 2, 1, 2, 0), index(0, 2, 2)), second=False,
        )
        for mode in range(3)
    ],
    Case("embedding_renorm_", lambda t: lambda w, i: t.embedding_renorm_(w.detach().clone(), i, 1.0, 2.0), (fixed(normal(3, 2)), index(2, 0))),
    Case("index of a table", lambda t: lambda w, i: w[i], (normal(4, 2), integers(4, 2, 3))),
]  # fmt: skip

CASES = READ + WRITTEN + ALONG + CHOSEN + TABLES

REFUSALS = [
    Refusal("x[i]", lambda t: t.ones(2)[2], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    Refusal("x[i, j]", lambda t: t.ones(2)[0, 0], IndexError, "too many indices"),
    Refusal("x[step]", lambda t: t.ones(2)[::-1], ValueError, "step must be greater than zero"),
    Refusal("x[float]", lambda t: t.ones(2)[1.5], IndexError, "only integers, slices"),
    Refusal("scalar[0]", lambda t: t.tensor(1.0)[0], IndexError, "invalid index of a 0-dim tensor"),
    Refusal("x[mask]", lambda t: t.ones(2)[t.ones(3, dtype=t.bool)], IndexError, "The shape of the mask"),
    Refusal("x[tensors]", lambda t: t.ones(3, 3)[t.tensor([0, 1]), t.tensor([0, 1, 2])], IndexError, "shape mismatch"),
    Refusal("x[1:] = x[:-1]", lambda t: (lambda x: x.__setitem__(slice(1, None), x[:-1]))(t.ones(3)), RuntimeError, "single memory location"),
    Refusal("x[i] = str", lambda t: t.ones(3).__setitem__(0, "a"), TypeError, "can't assign a str"),
    Refusal("x[...] = y", lambda t: t.ones(3).__setitem__(..., t.ones(2)), RuntimeError, "must match the existing size"),
    Refusal("index_put type", lambda t: t.ones(3).index_put((t.tensor([0]),), t.tensor([1])), RuntimeError, "dtypes match"),
    Refusal("index_put many", lambda t: t.tensor(1.0).index_put((t.tensor([0]),), t.ones(1)), IndexError, "too many indices for tensor of dimension 0"),
    Refusal("gather", lambda t: t.ones(2).gather(0, t.tensor([2])), RuntimeError, "out of bounds"),
    Refusal("gather dims", lambda t: t.ones(2, 2).gather(0, t.tensor([0])), RuntimeError, "same number of dimensions"),
    Refusal("gather out", lambda t: (lambda x: t.gather(x, 0, t.tensor([0, 1]), out=x))(t.ones(2)), RuntimeError, "single memory location"),
    Refusal("scatter", lambda t: t.ones(2).scatter(0, t.tensor([0]), t.ones(1, dtype=t.float64)), RuntimeError, "self.dtype to be equal to src.dtype"),
    Refusal("scatter_ itself", lambda t: (lambda x: x.scatter_(0, t.tensor([0, 1]), x))(t.ones(2)), RuntimeError, "single memory location"),
    Refusal("scatter_reduce", lambda t: t.ones(2).scatter_reduce(0, t.tensor([0]), t.ones(1), "most"), RuntimeError, "reduce argument must be"),
    Refusal("index_add", lambda t: t.ones(2).index_add(0, t.tensor([0]), t.ones(2)), RuntimeError, "Number of indices"),
    Refusal("index_add shapes", lambda t: t.ones(2, 2).index_add(0, t.tensor([0]), t.ones(1, 3)), RuntimeError, "excluding the specified dimension"),
    Refusal("index_copy", lambda t: t.ones(2, 2).index_copy(0, t.tensor([0]), t.ones(1, 3)), RuntimeError, "same slice shapes"),
    Refusal("index_copy dims", lambda t: t.ones(2, 2).index_copy(0, t.tensor([0]), t.ones(2)), IndexError, "dimensionality must match"),
    Refusal("index_fill", lambda t: t.ones(2).index_fill(0, t.tensor([0]), t.ones(2)), RuntimeError, "0-dimensional value tensor"),
    Refusal("index_select", lambda t: t.ones(2).index_select(0, t.tensor([2])), IndexError, "index out of range"),
    Refusal("index_reduce", lambda t: t.ones(2).index_reduce(0, t.tensor([0]), t.ones(1), "sum"), RuntimeError, "prod, mean, amax or amin"),
    Refusal("take", lambda t: t.ones(2).take(t.tensor([2])), IndexError, "out of range"),
    Refusal("put", lambda t: t.ones(2).put(t.tensor([0]), t.ones(2)), IndexError, "same number of elements"),
    Refusal("masked_select", lambda t: t.ones(2).masked_select(t.ones(2)), RuntimeError, "BoolTensor"),
    Refusal("masked_scatter", lambda t: t.zeros(2).masked_scatter(t.ones(2, dtype=t.bool), t.ones(1)), RuntimeError, "source"),
    Refusal("masked_scatter_", lambda t: t.zeros(2).masked_scatter_(t.ones(2, 2, dtype=t.bool), t.ones(4)), RuntimeError, "number of sizes provided"),
    Refusal("embedding", lambda t: t.embedding(t.ones(2, 2), t.tensor([2])), IndexError, "index out of range"),
    Refusal("del", lambda t: t.ones(2).__delitem__(0), TypeError, "does not support deleting items"),
]  # fmt: skip
