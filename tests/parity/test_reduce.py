"""Reductions and running results against PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.numeric_oracle import FLOATS, INF, NAN, compare, run, sweep, tensor  # noqa: E402
from tests.parity.tensor_oracle import same  # noqa: E402

MODEST = [-3.0, -2.5, -1.5, -1.0, -0.5, 0.0, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 1.0, 7.0]
ALONG: dict[str, Any] = {
    name: (lambda t, x, name=name: (getattr(t, name)(x, -1), getattr(t, name)(x, dim=0, keepdim=True)))
    for name in [
        "sum",
        "nansum",
        "mean",
        "nanmean",
        "prod",
        "var",
        "std",
        "logsumexp",
        "all",
        "any",
        "amax",
        "amin",
        "max",
        "min",
        "argmax",
        "argmin",
        "median",
        "nanmedian",
    ]
}
ALL: dict[str, Any] = {
    name: (lambda t, x, name=name: getattr(t, name)(x))
    for name in [
        "sum",
        "nansum",
        "mean",
        "nanmean",
        "prod",
        "var",
        "std",
        "all",
        "any",
        "amax",
        "amin",
        "max",
        "min",
        "argmax",
        "argmin",
        "median",
        "nanmedian",
        "aminmax",
        "var_mean",
        "std_mean",
        "count_nonzero",
        "norm",
    ]
}
OTHER: dict[str, Any] = {
    "two dims": lambda t, x: (x.sum((0, -1)), x.amax((0, 1)), x.any((0, 1)), x.count_nonzero((0, 1))),
    "no dims": lambda t, x: (x.sum([]), x.amax(()), x.sum(()), x.sum(dim=None, keepdim=True)),
    "mean dims": lambda t, x: x.mean((0, 1), keepdim=True),
    "sum dtype": lambda t, x: (x.sum(dtype=t.float64), x.sum(0, dtype=t.int32), x.prod(0, dtype=t.float32)),
    "mean dtype": lambda t, x: x.mean(dtype=t.float64),
    "cumsum": lambda t, x: (x.cumsum(0), x.cumsum(-1, dtype=t.float32)),
    "cumprod": lambda t, x: x.cumprod(-1),
    "cummax": lambda t, x: x.cummax(0),
    "cummin": lambda t, x: x.cummin(-1),
    "logcumsumexp": lambda t, x: x.logcumsumexp(-1),
    "aminmax dim": lambda t, x: t.aminmax(x, dim=0, keepdim=True),
    "var correction": lambda t, x: (
        x.var(0, correction=0),
        x.std(unbiased=False),
        x.var(-1, False),
        t.var_mean(x, 0, correction=2),
    ),
    "axis": lambda t, x: (x.sum(axis=0), x.amax(axis=0), x.argmax(axis=0), x.all(axis=0)),
    "argmax keepdim": lambda t, x: (x.argmax(keepdim=True), x.argmin(0, True)),
    "norms": lambda t, x: (
        t.norm(x, p=1),
        t.norm(x, 3, dim=0),
        t.norm(x, p=INF),
        t.norm(x, p=0, dim=-1),
        t.norm(x, p=-INF, dim=0),
    ),
    "norm fro": lambda t, x: (t.norm(x, "fro"), x.norm("fro", dim=0), x.norm(dim=(0,), keepdim=True), x.norm(0.5)),
    "mode": lambda t, x: x.mode(-1),
}


@pytest.mark.parametrize("name", ALL)
def test_whole(name: str) -> None:
    sweep(ALL[name], values=MODEST, float16=3e-3, bfloat16=2e-2)


@pytest.mark.parametrize("name", ALONG)
def test_along(name: str) -> None:
    values = sorted(MODEST) if "median" in name else MODEST
    sweep(ALONG[name], values=values, float16=3e-3, bfloat16=2e-2)


@pytest.mark.parametrize("name", OTHER)
def test_forms(name: str) -> None:
    values = [0.5, -0.7, 1.2, 2.5, -1.5, 0.25, 3.0] if name == "cumprod" else MODEST
    sweep(OTHER[name], values=values, float16=1e-2, bfloat16=6e-2)


NAMES = [name for name in (*ALL, "logsumexp", "cumsum", "cummax", "cummin") if name not in ("norm",)]


@pytest.mark.parametrize("values", [[1.0, NAN, 2.0, -1.0], [INF, 1.0, INF], [-INF, -INF], [NAN, NAN], [INF, -INF, 1.0]])
@pytest.mark.parametrize("name", NAMES)
def test_special_numbers(name: str, values: list[float]) -> None:
    if name in ("var_mean", "std_mean") and INF in map(abs, values):
        pytest.skip("PyTorch's running mean is NaN beside an infinity; ours is the sum over n")
    arguments = (0,) if name in ("logsumexp", "cumsum", "cummax", "cummin") else ()
    for dtype in FLOATS:
        made = [
            run(library, lambda t, x: getattr(t, name)(x, *arguments), [tensor(library, values, dtype)])
            for library in (rushlight, torch)
        ]
        compare(made[0], made[1], f"{dtype} {values}")


GRADIENTS: dict[str, Any] = {
    **{
        name: (lambda t, x, name=name: getattr(t, name)(x))
        for name in [
            "sum",
            "nansum",
            "mean",
            "nanmean",
            "prod",
            "var",
            "std",
            "amax",
            "amin",
            "max",
            "min",
            "median",
            "nanmedian",
            "aminmax",
            "var_mean",
            "std_mean",
            "norm",
        ]
    },
    **{
        f"{name} dim": (lambda t, x, name=name: getattr(t, name)(x, 1))
        for name in [
            "sum",
            "nansum",
            "mean",
            "nanmean",
            "prod",
            "var",
            "std",
            "amax",
            "amin",
            "max",
            "min",
            "median",
            "nanmedian",
            "var_mean",
            "std_mean",
            "logsumexp",
            "cumsum",
            "cumprod",
            "cummax",
            "cummin",
            "logcumsumexp",
            "mode",
        ]
    },
    "sum keepdim": lambda t, x: x.sum(0, keepdim=True),
    "mean dims": lambda t, x: x.mean((0, 1)),
    "var keepdim": lambda t, x: x.var(0, keepdim=True),
    "std correction": lambda t, x: x.std((0, 1), correction=0),
    "prod with a zero": lambda t, x: (x * (x > x.min())).prod(1),
    "prod with two zeros": lambda t, x: (x * (x > 0)).prod(),
    "cumprod with zeros": lambda t, x: (x * (x > -0.3)).cumprod(1),
    "amax ties": lambda t, x: x.clamp(-0.1, 0.1).amax(1),
    "max ties": lambda t, x: x.clamp(-0.1, 0.1).max(),
    "aminmax dim": lambda t, x: t.aminmax(x, dim=1),
    "norm 1": lambda t, x: t.norm(x, 1, dim=1),
    "norm 3": lambda t, x: t.norm(x, 3, dim=1),
    "norm 1.5": lambda t, x: t.norm(x, 1.5, dim=1),
    "norm 0.5": lambda t, x: t.norm(x, 0.5, dim=1),
    "norm inf": lambda t, x: t.norm(x, INF, dim=1, keepdim=True),
    "norm fro": lambda t, x: x.norm("fro", dim=(0, 1)),
    "sum_to_size": lambda t, x: x.sum_to_size(1, 4),
    "logsumexp two": lambda t, x: x.logsumexp((0, 1)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    same(GRADIENTS[name], [(3, 4)], strides=False)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "amax", "logsumexp", "cumsum", "max", "norm", "median"])
def test_gradient_without_dimensions(name: str) -> None:
    arguments = (0,) if name in ("sum", "logsumexp", "cumsum", "max", "prod", "median") else ()
    same(lambda t, x: getattr(t, name)(x, *arguments) * 2, [()], strides=False)


def test_gradient_of_norm_at_zero() -> None:
    for order in (2, 1, 3, INF, 0.5, 1.5):

        def program(t: Any, x: Any, order: float = order) -> Any:
            x.requires_grad_()
            x.norm(order).backward()
            return x.grad

        made = [run(library, program, [tensor(library, [0.0, 0.0], "float64")]) for library in (rushlight, torch)]
        compare(made[0], made[1], str(order))


def test_print_of_named_tuples() -> None:
    for program in (
        lambda t, x: x.max(1),
        lambda t, x: x.min(0),
        lambda t, x: x.median(0),
        lambda t, x: x.mode(),
        lambda t, x: x.cummax(0),
        lambda t, x: t.aminmax(x),
        lambda t, x: x.sort(),
        lambda t, x: x.topk(2),
        lambda t, x: x.kthvalue(2),
    ):
        ours = program(rushlight, rushlight.tensor([[1.0, 3.0, 2.0], [6.0, 4.0, 5.0]]))
        theirs = program(torch, torch.tensor([[1.0, 3.0, 2.0], [6.0, 4.0, 5.0]]))
        assert repr(ours) == repr(theirs)


ERRORS: dict[str, Any] = {
    "dim": lambda t, x, e: x.sum(5),
    "dims twice": lambda t, x, e: x.sum((0, 0)),
    "amax of nothing": lambda t, x, e: e.amax(),
    "amax of no row": lambda t, x, e: e.amax(0),
    "max of nothing": lambda t, x, e: e.max(),
    "max of no row": lambda t, x, e: e.max(0),
    "argmax of nothing": lambda t, x, e: e.argmax(),
    "argmin of no row": lambda t, x, e: e.argmin(0),
    "median of no row": lambda t, x, e: e.median(0),
    "mode of no row": lambda t, x, e: e.mode(0),
    "aminmax of nothing": lambda t, x, e: e.aminmax(),
    "aminmax of no row": lambda t, x, e: e.aminmax(dim=0),
    "mean of integers": lambda t, x, e: x.to(t.int64).mean(),
    "mean as integers": lambda t, x, e: x.mean(dtype=t.int64),
    "var of integers": lambda t, x, e: x.to(t.int64).var(),
    "norm of integers": lambda t, x, e: x.to(t.int64).norm(),
    "norm of nothing": lambda t, x, e: e.norm(INF),
    "norm order": lambda t, x, e: x.norm("abc"),
    "argmax of bools": lambda t, x, e: (x > 0).argmax(),
    "logcumsumexp of integers": lambda t, x, e: x.to(t.int64).logcumsumexp(0),
    "sum_to_size": lambda t, x, e: x.sum_to_size(2, 2),
    "cumsum dim": lambda t, x, e: x.cumsum(2),
    "0-dim": lambda t, x, e: x[0, 0].sum(1),
    "median of bools": lambda t, x, e: (x > 0).median(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    made = [
        run(
            library,
            ERRORS[name],
            [tensor(library, [[1.0, -2.0, 3.0]], "float32"), tensor(library, [[0.0] * 3][:0], "float32").reshape(0, 3)],
        )
        for library in (rushlight, torch)
    ]
    assert isinstance(made[1], tuple)
    compare(made[0], made[1], name)
    assert made[0][1][:45] == made[1][1][:45]


def test_var_of_one_element_warns() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rushlight.tensor([1.0]).var()
    assert any("degrees of freedom is <= 0" in str(warning.message) for warning in caught)


@pytest.mark.parametrize("name", ["var_mean", "std_mean"])
@pytest.mark.parametrize("infinity", [INF, -INF])
def test_the_mean_beside_a_variance_with_infinities(name: str, infinity: float) -> None:
    for count in (1, 2, 3, 9):
        for place in range(count):
            row = [float(i) for i in range(count)]
            row[place] = infinity
            for dim in (0, 1, (0, 1)):
                made = [
                    run(t, lambda t, x, dim=dim: getattr(t, name)(x, dim, correction=0), [t.tensor([row, row])])
                    for t in (rushlight, torch)
                ]
                compare(*made, f"{row} {dim}")
