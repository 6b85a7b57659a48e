"""float16 and bfloat16 beside numbers and 0-dim tensors, and float8 types, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

VALUES = np.random.default_rng(5).standard_normal(400)
NUMBERS = [2.572975, 0.1, 1 / 3, 1e-3, 123.456, -7.77, 2049, 3, 1e6, 65519.9, -1e39, float("inf")]

OPERATIONS: dict[str, Any] = {
    "add": lambda t, a, b: a + b,
    "add from the right": lambda t, a, b: b + a,
    "sub": lambda t, a, b: a - b,
    "sub from the right": lambda t, a, b: b - a,
    "mul": lambda t, a, b: a * b,
    "div": lambda t, a, b: a / b,
    "div from the right": lambda t, a, b: b / a,
    "floor": lambda t, a, b: a // b,
    "trunc": lambda t, a, b: t.div(a, b, rounding_mode="trunc"),
    "fmod": lambda t, a, b: t.fmod(a, b),
    "remainder": lambda t, a, b: t.remainder(a, b),
    "clamp": lambda t, a, b: a.clamp(min=b),
    "masked_fill": lambda t, a, b: a.masked_fill(a > 0, b),
    "where": lambda t, a, b: t.where(a > 0, a, b),
    "less": lambda t, a, b: a < b,
    "equal": lambda t, a, b: a == b,
    "in place": lambda t, a, b: (a.clone().add_(b), a.clone().mul_(b), a.clone().div_(b), a.clone().sub_(b)),
    "without dimensions": lambda t, a, b: (
        a * t.tensor(float(b)),
        a / t.tensor(float(b)),
        a + t.tensor(float(b)),
        t.tensor(float(b)) * a,
        a * t.tensor(float(b)).to(a.dtype),
    ),
}


def outcome(library: Any, call: Any, *arguments: Any) -> Any:
    try:
        result = call(library, *arguments)
    except RuntimeError as error:
        return str(error)
    parts = result if isinstance(result, tuple) else (result,)
    return [(str(p.dtype), p.to(library.float64).numpy()) for p in parts]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_numbers_are_rounded_as_in_pytorch(name: str, dtype: str) -> None:
    for number in NUMBERS:
        for values in (VALUES, VALUES[7]):
            ours, theirs = (
                outcome(t, OPERATIONS[name], t.tensor(values).to(getattr(t, dtype)), number) for t in (rushlight, torch)
            )
            if isinstance(theirs, str) or isinstance(ours, str):
                assert ours == theirs, number
                continue
            for a, b in zip(ours, theirs, strict=True):
                assert a[0] == b[0]
                np.testing.assert_array_equal(a[1], b[1], err_msg=f"{name} {number}")


def test_the_number_of_a_sum_is_rounded_first() -> None:
    made = [float(t.full((), -2.859375, dtype=t.float16) + 2.572975) for t in (rushlight, torch)]
    assert made[0] == made[1]
