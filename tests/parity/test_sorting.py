"""Sorting, selection, histograms and quantiles against PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.numeric_oracle import INF, NAN, compare, run, sweep, tensor  # noqa: E402
from tests.parity.tensor_oracle import same  # noqa: E402

# Distinct, also as integers and as narrow floats, since PyTorch promises no order of equal elements.
DISTINCT = [
    5.0,
    -3.0,
    8.0,
    0.0,
    2.0,
    -7.0,
    11.0,
    4.0,
    1.0,
    9.0,
    6.0,
    -20.0,
    30.0,
    14.0,
    17.0,
    23.0,
    40.0,
    -50.0,
    60.0,
    26.0,
    70.0,
    81.0,
    90.0,
    -100.0,
]
FORMS: dict[str, Any] = {
    "sort": lambda t, x: t.sort(x),
    "sort down": lambda t, x: x.sort(dim=0, descending=True),
    "msort": lambda t, x: t.msort(x) if x.dim() else x,
    "argsort": lambda t, x: (x.argsort(), x.argsort(dim=0, descending=True)),
    "topk": lambda t, x: x.topk(min(2, x.shape[-1]) if x.dim() else 1),
    "topk least": lambda t, x: x.topk(1, dim=-1, largest=False) if x.numel() else x,
    "kthvalue": lambda t, x: (x.kthvalue(1), x.kthvalue(1, dim=0, keepdim=True)),
    "quantile": lambda t, x: x.quantile(0.3),
    "quantile dim": lambda t, x: x.quantile(t.tensor([0.1, 0.5], dtype=x.dtype), dim=-1, keepdim=True),
    "quantile lower": lambda t, x: (x.quantile(0.3, interpolation="lower"), x.quantile(0.3, interpolation="higher")),
    "quantile nearest": lambda t, x: (
        x.quantile(0.3, interpolation="nearest"),
        x.quantile(0.3, interpolation="midpoint"),
    ),
    "nanquantile": lambda t, x: x.nanquantile(0.3),
    "histc": lambda t, x: (x.histc(4), x.histc(3, min=-5, max=10)),
    "searchsorted": lambda t, x: t.searchsorted(t.tensor([-5, 0, 1, 7, 20]).to(x.dtype), x),
    "searchsorted right": lambda t, x: t.searchsorted(
        t.tensor([-5, 0, 1, 7, 20]).to(x.dtype), x, right=True, out_int32=True
    ),
    "bucketize": lambda t, x: t.bucketize(x, t.tensor([-5, 0, 1, 7, 20]).to(x.dtype)),
    "sorted values": lambda t, x: t.sort(x, stable=True).values,
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    types = ("float32", "float64", "float16", "bfloat16", "int64", "int32")
    if name == "histc":
        types = ("float32", "float64")
    if name == "msort":
        types = ("float32", "int64")
    sweep(FORMS[name], types, DISTINCT)


EQUAL: dict[str, Any] = {
    "sort stable": lambda t, x: (x.sort(stable=True), x.sort(stable=True, descending=True)),
    "argsort stable": lambda t, x: t.argsort(x, stable=True),
    "unique": lambda t, x: t.unique(x, return_inverse=True, return_counts=True),
    "unique plain": lambda t, x: (x.unique(), x.unique(return_counts=True)),
    "unique rows": lambda t, x: (
        t.unique(x, dim=0, return_inverse=True, return_counts=True) if x.dim() == 2 and x.numel() else x
    ),
    "unique_consecutive": lambda t, x: t.unique_consecutive(x, return_inverse=True, return_counts=True),
    "unique_consecutive rows": lambda t, x: (
        t.unique_consecutive(x, dim=0, return_counts=True) if x.dim() == 2 and x.numel() else x
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_elements(name: str) -> None:
    sweep(EQUAL[name], ("float32", "int64", "bool", "uint8"), [1.0, 1.0, 0.0, 2.0, 0.0, 2.0, 2.0, 1.0])


@pytest.mark.parametrize("name", ["sort", "sort down", "topk", "quantile", "nanquantile", "unique", "argsort"])
def test_nan_comes_last(name: str) -> None:
    program = {**FORMS, **EQUAL}[name]
    for dtype in ("float32", "float64"):
        made = [
            run(library, program, [tensor(library, [2.0, NAN, -1.0, INF, -INF], dtype)])
            for library in (rushlight, torch)
        ]
        compare(made[0], made[1], dtype)


def test_bincount() -> None:
    def program(t: Any, x: Any) -> Any:
        return (
            x.bincount(),
            x.bincount(minlength=9),
            x.bincount(weights=x.to(t.float32) / 2),
            t.bincount(x, x.to(t.float64)),
            x[:0].bincount(),
        )

    made = [run(library, program, [tensor(library, [3, 1, 1, 5], "int64")]) for library in (rushlight, torch)]
    compare(made[0], made[1], "bincount")


GRADIENTS: dict[str, Any] = {
    "sort": lambda t, x: x.sort(1)[0],
    "sort stable": lambda t, x: x.sort(dim=0, stable=True, descending=True)[0],
    "topk": lambda t, x: x.topk(2, 1)[0],
    "kthvalue": lambda t, x: x.kthvalue(2, 1)[0],
    "msort": lambda t, x: t.msort(x),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    same(GRADIENTS[name], [(3, 4)], strides=False)


@pytest.mark.parametrize("dim", [None, 0, 1])
def test_gradient_of_quantile(dim: int | None) -> None:
    same(lambda t, x: t.quantile(x, 0.4, dim=dim), [(3, 4)], strides=False, check_names=False)


ERRORS: dict[str, Any] = {
    "topk": lambda t, x: x.topk(5),
    "kthvalue": lambda t, x: x.kthvalue(5),
    "kthvalue empty": lambda t, x: x[:0].kthvalue(1, 0),
    "sort dim": lambda t, x: x.sort(3),
    "bincount floats": lambda t, x: x.bincount(),
    "bincount negative": lambda t, x: t.tensor([-1]).bincount(),
    "histc integers": lambda t, x: x.to(t.int64).histc(3),
    "quantile range": lambda t, x: x.quantile(2.0),
    "quantile type": lambda t, x: x.to(t.int64).quantile(0.5),
    "quantile empty": lambda t, x: x[:0].quantile(0.5),
    "searchsorted": lambda t, x: t.searchsorted(x, t.ones(2, 2)),
    "bucketize": lambda t, x: t.bucketize(x, x),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    made = [
        run(library, ERRORS[name], [tensor(library, [[1.0, -2.0, 3.0]], "float32")]) for library in (rushlight, torch)
    ]
    assert isinstance(made[1], tuple)
    compare(made[0], made[1], name)
    assert made[0][1][:35] == made[1][1][:35]
