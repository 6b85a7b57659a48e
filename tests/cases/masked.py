"""Reductions under a mask, and products of sparse matrices, whose values are what is varied."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, normal, uniform

KEPT = [[True, False, True, True], [False, True, True, False], [True, True, True, True]]
PLACES = [[0, 0, 1, 2, 2], [1, 3, 0, 2, 3]]


def _masked(name: str, *args: Any, **options: Any) -> Any:
    return lambda t: lambda x: getattr(t.masked, name)(x, *args, mask=t.tensor(KEPT), **options)


def _product(function: Any, layout: str = "sparse_coo") -> Any:
    """A function of a sparse `(3, 4)` matrix of the values that are given, and of a dense one."""

    def case(t: Any) -> Any:
        def call(values: Any, dense: Any) -> Any:
            matrix = t.sparse_coo_tensor(PLACES, values, (3, 4), is_coalesced=True)
            if layout == "sparse_csr":
                matrix = t.sparse_csr_tensor([0, 2, 3, 5], PLACES[1], values, (3, 4))
            return function(t, matrix, dense)

        return call

    return case


REDUCTIONS = ("sum", "prod", "amax", "amin", "mean", "logsumexp", "var", "std")
ALONG = ("softmax", "softmin", "cumsum", "cumprod")
PRODUCTS: dict[str, Any] = {
    "mm": lambda t, s, d: t.sparse.mm(s, d),
    "matmul": lambda t, s, d: s @ d,
    "addmm": lambda t, s, d: t.addmm(t.ones(3, 2, dtype=d.dtype), s, d, beta=0.5, alpha=2),
    "dense first": lambda t, s, d: d.t() @ s.t(),
    "vector": lambda t, s, d: t.mv(s, d[:, 0]),
}
OF_COO: dict[str, Any] = {
    "sum": lambda t, s, d: t.sparse.sum(s, 0).to_dense(),
    "softmax": lambda t, s, d: t.sparse.softmax(s, 1).to_dense() @ d,
    "log_softmax": lambda t, s, d: t.sparse.log_softmax(s, 0).to_dense() @ d,
    "sparse times sparse": lambda t, s, d: t.sparse.mm(s, s.t()).to_dense() @ d[:3],
    "sum of two": lambda t, s, d: (s + s.coalesce() * 2).to_dense() @ d,
}
RUNS: dict[str, Any] = {"halves": ()}
# PyTorch lacks a term of the second derivatives of sparse products; tests/test_sparse.py has them.
FIRST: dict[str, Any] = {"halves": (), "second": False}

CASES = [
    *(Case(f"masked {name}", _masked(name), (uniform(0.5, 2.0, 3, 4),), **RUNS) for name in REDUCTIONS),
    *(Case(f"masked {name} dim", _masked(name, 1, keepdim=True), (uniform(0.5, 2.0, 3, 4),), **RUNS) for name in REDUCTIONS),
    *(Case(f"masked {name}", _masked(name, 1), (uniform(0.5, 2.0, 3, 4),), **RUNS) for name in ALONG),
    # Elements that are left out are -inf.
    Case("masked log_softmax", _masked("log_softmax", 1), (uniform(0.5, 2.0, 3, 4),), smooth=False, second=False, **RUNS),
    Case("masked norm", _masked("norm", 3.0, 1), (uniform(0.5, 2.0, 3, 4),), **RUNS),
    Case("masked normalize", _masked("normalize", 2.0, 0), (uniform(0.5, 2.0, 3, 4),), **RUNS),
    Case("masked median", _masked("median", 1), (uniform(0.5, 2.0, 3, 4),), **RUNS),
    Case("masked argmax", _masked("argmax", 1), (uniform(0.5, 2.0, 3, 4),), smooth=False, **RUNS),
    Case("masked argmin", _masked("argmin"), (uniform(0.5, 2.0, 3, 4),), smooth=False, **RUNS),
    Case(
        "masked logaddexp",
        lambda t: lambda x, y: t.masked.logaddexp(x, y, input_mask=t.tensor(KEPT)),
        (normal(3, 4), normal(3, 4)),
        smooth=False,
        **RUNS,
    ),
    *(Case(f"{name} of COO", _product(function), (normal(5), normal(4, 2)), **FIRST) for name, function in PRODUCTS.items()),
    *(
        Case(f"{name} of CSR", _product(function, "sparse_csr"), (normal(5), normal(4, 2)), **FIRST)
        for name, function in PRODUCTS.items()
        if name != "mm"
    ),
    *(Case(f"sparse {name}", _product(function), (normal(5), normal(4, 2)), **FIRST) for name, function in OF_COO.items()),
]  # fmt: skip

REFUSALS = [
    Refusal("masked mean of integers", lambda t: t.masked.mean(t.ones(2).int()), ValueError, "Could not infer output dtype"),
    Refusal("masked sum twice", lambda t: t.masked.sum(t.ones(2, 2), (0, 0)), RuntimeError, "appears multiple times"),
    Refusal("masked sum out of range", lambda t: t.masked.sum(t.ones(2), 1), IndexError, "Dimension out of range"),
    Refusal("mask of more dimensions", lambda t: t.masked.sum(t.ones(2), mask=t.ones(2, 2).bool()), IndexError,
            "broadcastable mask"),
    Refusal("two corrections", lambda t: t.masked.var(t.ones(2), 0, True, correction=1), AssertionError, "Only one"),
    Refusal("sparse prod without a mask", lambda t: t.masked.prod(t.eye(2).to_sparse()), ValueError, "explicit mask"),
    Refusal("sparse argmax", lambda t: t.masked.argmax(t.eye(2).to_sparse()), ValueError, "expects strided tensor"),
]  # fmt: skip
