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


EIGHT_BITS = ("float8_e4m3fn", "float8_e5m2")
STORED: dict[str, Any] = {
    "float32": lambda t, x: x.float(),
    "float64": lambda t, x: x.double(),
    "int64": lambda t, x: x[:4].to(t.int64),
    "from integers": lambda t, x: t.tensor([1, 2, 300]).to(x.dtype).float(),
    "item": lambda t, x: x[3].item(),
    "tolist": lambda t, x: str(x.tolist()),
    "repr": lambda t, x: repr(x),
    "index": lambda t, x: x[1:5].float(),
    "indices": lambda t, x: x[t.tensor([1, 2])].float(),
    "assignment": lambda t, x: (x.__setitem__(0, 3.0), x.float())[1],
    "cat": lambda t, x: t.cat([x, x]).float(),
    "stack": lambda t, x: t.stack([x, x]).float(),
    "equal": lambda t, x: (x == x, x != x, x == 1),
    "nan": lambda t, x: t.isnan(x),
    "where": lambda t, x: t.where(x.float() > 0, x, x).float(),
    "full": lambda t, x: (t.full((2,), 1.3, dtype=x.dtype).float(), t.zeros_like(x).float()),
    "view": lambda t, x: x[:10].view(t.uint8),
    "shapes": lambda t, x: (x[:4].view(2, 2).t().contiguous().float(), x.repeat(2).float(), x.roll(1).float()),
    "facts": lambda t, x: (x.is_floating_point(), x.element_size(), t.finfo(x.dtype).max),
}
REFUSED: dict[str, Any] = {
    "add": lambda t, x: x + x,
    "add number": lambda t, x: x + 1,
    "in place": lambda t, x: x.add_(1),
    "other type": lambda t, x: x + x.float(),
    "other type by cat": lambda t, x: t.cat([x, x.float()]),
    "promotion": lambda t, x: t.promote_types(x.dtype, t.float16),
    "sub": lambda t, x: x - x,
    "div": lambda t, x: x / x,
    "pow": lambda t, x: x**2,
    "neg": lambda t, x: -x,
    "less": lambda t, x: x < x,
    "sum": lambda t, x: x.sum(),
    "mean": lambda t, x: x.mean(),
    "prod": lambda t, x: x.prod(),
    "cumsum": lambda t, x: x.cumsum(0),
    "max": lambda t, x: x.max(),
    "argmax": lambda t, x: x.argmax(),
    "maximum": lambda t, x: t.maximum(x, x),
    "clamp": lambda t, x: x.clamp(0, 1),
    "exp": lambda t, x: x.exp(),
    "log": lambda t, x: x.log(),
    "sqrt": lambda t, x: x.sqrt(),
    "relu": lambda t, x: x.relu(),
    "sigmoid": lambda t, x: x.sigmoid(),
    "softmax": lambda t, x: x.softmax(0),
    "round": lambda t, x: x.round(),
    "sign": lambda t, x: x.sign(),
    "sort": lambda t, x: x.sort(),
    "topk": lambda t, x: x.topk(2),
    "std": lambda t, x: x.std(),
}


def eight_bits(t: Any, dtype: str) -> Any:
    values = [0.0, -0.0, 1.0, -1.5, 0.3, 448.0, 500.0, 6e4, 1e-3, float("inf"), float("nan"), 3.3, -240.0]
    return t.tensor(values).to(getattr(t, dtype))


@pytest.mark.parametrize("dtype", EIGHT_BITS)
@pytest.mark.parametrize("name", STORED)
def test_types_of_eight_bits_store(name: str, dtype: str) -> None:
    assert repr(STORED[name](rushlight, eight_bits(rushlight, dtype))) == repr(
        STORED[name](torch, eight_bits(torch, dtype))
    )


@pytest.mark.parametrize("dtype", EIGHT_BITS)
@pytest.mark.parametrize("name", REFUSED)
def test_types_of_eight_bits_do_not_calculate(name: str, dtype: str) -> None:
    for t in (torch, rushlight):
        with pytest.raises(RuntimeError, match=r"not implemented for 'Float8|Promotion for Float8|Unsupported dtype"):
            REFUSED[name](t, eight_bits(t, dtype))
