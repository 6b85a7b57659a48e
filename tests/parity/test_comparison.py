"""Comparisons and choices against PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.numeric_oracle import FLOATS, VALUES, compare, run, sweep, sweep_pairs, tensor  # noqa: E402
from tests.parity.tensor_oracle import same  # noqa: E402

PAIRS: dict[str, Any] = {
    name: (lambda t, x, y, name=name: getattr(t, name)(x, y))
    for name in [
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "maximum",
        "minimum",
        "fmax",
        "fmin",
        "greater",
        "less_equal",
        "not_equal",
        "isin",
    ]
}
PAIRS["where"] = lambda t, x, y: t.where(x > 0, x, y)
PAIRS["where method"] = lambda t, x, y: x.where(x > y, y)
PAIRS["masked_fill"] = lambda t, x, y: x.masked_fill(x > y, 2)
PAIRS["equal"] = lambda t, x, y: t.equal(x, y)
PAIRS["operators"] = lambda t, x, y: (x == y, x != y, x < y, x <= y, x > y, x >= y)


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name: str) -> None:
    if name == "isin":
        # A NaN among the elements is a matter of PyTorch's algorithm, which changes with the sizes.
        sweep_pairs(PAIRS[name], values=[v for v in VALUES if v == v])
    else:
        sweep_pairs(PAIRS[name])


SINGLE: dict[str, Any] = {
    **{
        name: (lambda t, x, name=name: getattr(t, name)(x))
        for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "where")
    },
    "number": lambda t, x: (x == 2, x > 0.5, x > 1, x != True, x <= -1),  # noqa: E712
    "nothing": lambda t, x: (x == None, x != "a"),  # noqa: E711
    "isclose": lambda t, x: t.isclose(x, x * 1.0000001 if x.is_floating_point() else x),
    "isclose nan": lambda t, x: t.isclose(x, x, equal_nan=True),
    "isclose wide": lambda t, x: t.isclose(x, x.flip(0) if x.dim() else x, rtol=0.5, atol=0.1),
    "isclose exact": lambda t, x: t.isclose(x, x, rtol=0, atol=0),
    "allclose": lambda t, x: t.allclose(x, x, equal_nan=True),
    "where numbers": lambda t, x: (
        t.where(x > 0, 1, 0),
        t.where(x > 0, 1.5, 0),
        t.where(x > 0, x, 0),
        t.where(x > 0, 2.5, x),
    ),
    "masked_fill": lambda t, x: x.masked_fill(x > 0, 3),
    "masked_fill tensor": lambda t, x: x.masked_fill(x > 0, t.tensor(2)),
    "masked_fill float": lambda t, x: x.masked_fill(x > 0, 1.5),
    "masked_fill_": lambda t, x: x.clone().masked_fill_(x > 0, 3),
    "isin number": lambda t, x: t.isin(x, 2),
    "isin invert": lambda t, x: t.isin(x, t.tensor([2, 3]).to(x.dtype), invert=True),
    "in place": lambda t, x: (x.clone().eq_(1), x.clone().gt_(0.5), x.clone().le_(x)),
}


@pytest.mark.parametrize("name", SINGLE)
def test_values(name: str) -> None:
    sweep(SINGLE[name])


GRADIENTS: dict[str, Any] = {
    "maximum": lambda t, x, y: t.maximum(x, y),
    "minimum": lambda t, x, y: t.minimum(x, y),
    "fmax": lambda t, x, y: t.fmax(x, y),
    "fmin": lambda t, x, y: t.fmin(x, y),
    "ties": lambda t, x, y: t.maximum(x.round(), y.round()) + t.minimum(x.clamp(0, 1), y.clamp(0, 1)),
    "fmax ties": lambda t, x, y: t.fmax(x.clamp(0, 1), y.clamp(0, 1)) + 2 * t.fmin(x.clamp(0, 1), y.clamp(0, 1)),
    "where": lambda t, x, y: t.where(x > 0, x, y),
    "where number": lambda t, x, y: t.where(y > 0, x, 2.0),
    "where broadcast condition": lambda t, x, y: t.where(x > 0, y, 1.0),
    "masked_fill": lambda t, x, y: x.masked_fill(y > 0, 2.0),
    "masked_fill wider mask": lambda t, x, y: y.masked_fill(x > 0, 2.0),
    "masked_fill tensor": lambda t, x, y: x.masked_fill(y > 0, y.sum()),
    "masked_fill_": lambda t, x, y: (x * 1).masked_fill_(y > 0, 2.0),
    "max of two": lambda t, x, y: t.max(x, y) + x.min(y),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    same(GRADIENTS[name], [(3, 4), (4,)])


@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_gradients(dtype: str) -> None:
    def program(t: Any, x: Any) -> Any:
        y = x.flip(0).clone()
        x.requires_grad_()
        y.requires_grad_()
        t.maximum(x, y).nansum().backward()
        t.fmax(x, y).nansum().backward()
        return x.grad, y.grad

    values = [1.0, float("nan"), 2.0, 0.5]
    made = [run(library, program, [tensor(library, values, dtype)]) for library in (rushlight, torch)]
    compare(made[0], made[1], dtype)


ERRORS: dict[str, Any] = {
    "shapes": lambda t, x: x == t.ones(7),
    "where condition": lambda t, x: t.where(x, 1, 0),
    "where shapes": lambda t, x: t.where(x > 0, t.ones(7), 0),
    "mask type": lambda t, x: x.masked_fill(x, 1),
    "mask shape": lambda t, x: x.masked_fill(t.tensor([True, False]), 1),
    "mask value": lambda t, x: x.masked_fill(x > 0, x),
    "mask text": lambda t, x: x.masked_fill(x > 0, "a"),
    "mask infinity": lambda t, x: x.to(t.int64).masked_fill(x > 0, float("inf")),
    "isclose types": lambda t, x: t.isclose(x, x.to(t.float64)),
    "isclose rtol": lambda t, x: t.isclose(x, x, rtol=-1),
    "equal number": lambda t, x: t.equal(x, 2),
    "maximum number": lambda t, x: t.maximum(x, 2),
    "less than nothing": lambda t, x: x < None,
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    made = [
        run(library, ERRORS[name], [tensor(library, [[1.0, -2.0, 3.0]], "float32")]) for library in (rushlight, torch)
    ]
    assert isinstance(made[1], tuple)
    compare(made[0], made[1], name)
    first = made[1][1].split("\n")[0].split(".")[0]
    if "invalid combination" not in first and "not supported between" not in first:
        assert made[0][1].startswith(first[:40])
