"""Arithmetic and its operators against PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.numeric_oracle import TYPES, compare, run, sweep, sweep_pairs, tensor  # noqa: E402
from tests.parity.tensor_oracle import same  # noqa: E402

MODEST = [-7.3, -3.0, -2.5, -1.0, -0.5, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 7.0]
SPECIAL = [*MODEST, 0.0, -0.0, float("nan"), float("inf"), -float("inf")]

PAIRS: dict[str, Any] = {
    name: (lambda t, x, y, name=name: getattr(t, name)(x, y))
    for name in [
        "add",
        "sub",
        "mul",
        "div",
        "true_divide",
        "floor_divide",
        "remainder",
        "fmod",
        "multiply",
        "subtract",
        "divide",
    ]
}
PAIRS |= {
    "alpha": lambda t, x, y: (t.add(x, y, alpha=2), x.sub(y, alpha=3)),
    "trunc": lambda t, x, y: t.div(x, y, rounding_mode="trunc"),
    "floor": lambda t, x, y: t.div(x, y, rounding_mode="floor"),
    "operators": lambda t, x, y: (x + y, x * y, x / y),
    "rsub": lambda t, x, y: t.rsub(x, y),
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name: str) -> None:
    sweep_pairs(PAIRS[name], values=MODEST, bfloat16=1.6e-2)
    sweep_pairs(PAIRS[name], ("float32", "float64"), SPECIAL)


def test_powers() -> None:
    sweep_pairs(lambda t, x, y: t.pow(x, y), ("float32", "float64", "float16"), SPECIAL)
    sweep_pairs(lambda t, x, y: x**y, ("int64", "int32", "uint8"), [0.0, 1.0, 2.0, 3.0, 5.0])


NUMBERS: dict[str, Any] = {
    "operators": lambda t, x: (x + 2, 2 + x, x * 2, 2 * x, x / 2, x + 1.5, x * 1.5),
    "minus": lambda t, x: (x - 2, 2 - x, x - 1.5),
    "quotient of a number": lambda t, x: (2 / (x + 1), 2.5 / (x + 1)),
    "negative": lambda t, x: (-x, +x),
    "abs": lambda t, x: (abs(x), x.abs()),
    "floor division": lambda t, x: (x // 2, x // -3, x // 1.5, t.floor_divide(x, 2)),
    "remainder": lambda t, x: (x % 3, x % -3, x % 1.5, x.fmod(3), x.fmod(-1.5)),
    "number remainder": lambda t, x: 5 % (x.abs() + 1),
    "number floor division": lambda t, x: 5 // (x.abs() + 1),
    "rounding": lambda t, x: (x.div(2, rounding_mode="trunc"), x.div(2, rounding_mode="floor")),
    "power": lambda t, x: (x**2, x**3, x**1, x**0),
    "power float": lambda t, x: (x**0.5, x**-1.5, x**2.5),
    "power of a number": lambda t, x: (2.0**x, 2.5**x),
    "square": lambda t, x: (x.square(), t.square(x)),
    "roots": lambda t, x: (x.sqrt(), x.rsqrt(), x.reciprocal()),
    "exp": lambda t, x: (x.exp(), x.log()),
    "alpha": lambda t, x: (x.add(2, alpha=3), t.sub(x, 1, alpha=2)),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str) -> None:
    # PyTorch takes the root of -inf by another formula for narrow floats.
    types = ("float32", "float64", "int64", "uint8") if name == "power float" else TYPES
    sweep(NUMBERS[name], types, bfloat16=1.6e-2, float16=2e-3, float32=5e-6)


GRADIENTS: dict[str, Any] = {
    "add alpha": lambda t, x, y: t.add(x, y, alpha=2),
    "sub": lambda t, x, y: x - y * 2,
    "rsub": lambda t, x, y: 2 - x * y,
    "div": lambda t, x, y: x / (y * y + 1),
    "number div": lambda t, x, y: 2 / (x * x + 1),
    "remainder": lambda t, x, y: x % (y * y + 0.4),
    "remainder number": lambda t, x, y: x % 0.7,
    "fmod": lambda t, x, y: t.fmod(x, y * y + 0.4),
    "pow": lambda t, x, y: (x * x + 1) ** y,
    "pow number": lambda t, x, y: x**3,
    "number pow": lambda t, x, y: 2.0**x,
    "square": lambda t, x, y: t.square(x),
    "rounded": lambda t, x, y: t.div(x, y * y + 0.4, rounding_mode="floor") + x,
    "in place": lambda t, x, y: (x * 1).add_(y, alpha=2).mul_(y).sub_(1).div_(2),
    "in place pow": lambda t, x, y: (x * x + 1).pow_(1.5),
    "in place remainder": lambda t, x, y: (x * 1).remainder_(y * y + 0.4),
    "in place fmod": lambda t, x, y: (x * 1).fmod_(0.7),
    "augmented": lambda t, x, y: _augmented(x * 1, y),
    "mul by a needed factor": lambda t, x, y: (x * 2).mul_(y * 3),
}


def _augmented(x: Any, y: Any) -> Any:
    before = x
    x += y
    x *= 2
    x -= y * 3
    x /= 4
    assert x is before
    return x


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    same(GRADIENTS[name], [(3, 4), (4,)], check_names=name not in ("in place remainder", "in place fmod"))


ERRORS: dict[str, Any] = {
    "shapes": lambda t, x: x + t.ones(7),
    "bool minus": lambda t, x: (x > 0) - (x > 0),
    "bool negative": lambda t, x: -(x > 0),
    "rounding mode": lambda t, x: t.div(x, 2, rounding_mode="foo"),
    "integer by zero": lambda t, x: x.to(t.int64) // 0,
    "integer remainder": lambda t, x: x.to(t.int64) % 0,
    "integer fmod": lambda t, x: x.to(t.int64).fmod(0),
    "alpha": lambda t, x: x.to(t.int64).add(1, alpha=1.5),
    "negative power": lambda t, x: x.to(t.int64) ** -1,
    "in place type": lambda t, x: x.to(t.int64).add_(1.5),
    "in place div": lambda t, x: x.to(t.int64).div_(2),
    "in place shape": lambda t, x: x[0].add_(t.ones(2, 3)),
    "text": lambda t, x: x + "a",
    "text method": lambda t, x: x.add("a"),
    "none": lambda t, x: x * None,
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    made = [run(lib, ERRORS[name], [tensor(lib, [[1.0, -2.0, 3.0]], "float32")]) for lib in (rushlight, torch)]
    assert isinstance(made[1], tuple)
    compare(made[0], made[1], name)
