"""Arithmetic, promotion and Python's operators: values by hand, derivatives by finite differences, errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck

T = torch.tensor
VALUES: dict[str, tuple[Callable[[], Any], Any, Any]] = {
    "int and float": (lambda: T([1, 2]) + 1.5, [2.5, 3.5], torch.float32),
    "half and number": (lambda: T([1.0], dtype=torch.float16) * 3, [3.0], torch.float16),
    "half and bfloat16": (lambda: T([1.0]).half() + T([1.0]).bfloat16(), [2.0], torch.float32),
    "0-dim does not widen": (lambda: T([1], dtype=torch.int8) + T(100), [101], torch.int8),
    "wraps": (lambda: T([100], dtype=torch.int8) + 100, [-56], torch.int8),
    "wraps a number": (lambda: T([1], dtype=torch.uint8) - 2, [255], torch.uint8),
    "true division": (lambda: T([7, -7]) / 2, [3.5, -3.5], torch.float32),
    "division of bytes by a negative number": (lambda: T([5], dtype=torch.uint8) / -1, [-5.0], torch.float32),
    "floor division": (lambda: T([7, -7]) // 2, [3, -4], torch.int64),
    "floor division of floats": (lambda: T([7.0, -7.0]) // 2, [3.0, -4.0], torch.float32),
    "trunc": (lambda: torch.div(T([7, -7]), 2, rounding_mode="trunc"), [3, -3], torch.int64),
    "remainder": (lambda: T([7, -7]) % 3, [1, 2], torch.int64),
    "by zero": (lambda: T([1.0, -1.0]) / 0, [float("inf"), float("-inf")], torch.float32),
    "negative integer power": (lambda: 2 ** T([-1, 0, 2]), [0, 1, 4], torch.int64),
    "negative power of one": (lambda: T([1, -1, -1, 3]) ** T([-1, -1, -2, -1]), [1, -1, 1, 0], torch.int64),
    "root": (lambda: T([4.0]) ** 0.5, [2.0], torch.float32),
    "alpha": (lambda: torch.add(T([1.0]), T([2.0]), alpha=10), [21.0], torch.float32),
    "number first": (lambda: 1 - T([3.0]), [-2.0], torch.float32),
    "number over tensor": (lambda: 1 / T([4.0]), [0.25], torch.float32),
    "numpy number": (lambda: T([1.0]) * np.float64(2), [2.0], torch.float32),
    "numpy array": (lambda: T([1.0]) + np.array([2.0]), [3.0], torch.float64),
    "bools": (lambda: T([True]) + T([True]), [True], torch.bool),
    "in place": (lambda: T([1, 2]).add_(5), [6, 7], torch.int64),
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    make, expected, dtype = VALUES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "(divide by zero|invalid value)")
        out = make()
    assert out.dtype is dtype
    assert out.tolist() == expected


DERIVATIVES: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: torch.add(a, b, alpha=2),
    "sub": lambda a, b: a - 2 * b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "pow number": lambda a, b: a**3 + 2.0**b,
    "neg": lambda a, b: -a,
    "abs": lambda a, b: a.abs() * b,
    "exp": lambda a, b: a.exp() + b.log(),
    "roots": lambda a, b: a.sqrt() + b.rsqrt() + a.reciprocal(),
    "in place": lambda a, b: (a * 1).mul_(b).add_(a).div_(b),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name: str) -> None:
    rng = np.random.default_rng(0)
    a = T(rng.uniform(0.5, 2.0, (2, 3)), requires_grad=True)
    b = T(rng.uniform(0.5, 2.0, (3,)), requires_grad=True)
    assert gradcheck(DERIVATIVES[name], (a, b))
    assert gradgradcheck(DERIVATIVES[name], (a, b))


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "shapes": (
        lambda: torch.ones(2) + torch.ones(3),
        RuntimeError,
        r"size of tensor a \(2\) must match the size of tensor b \(3\) at non-singleton dimension 0",
    ),
    "bools": (lambda: T([True]) - T([True]), RuntimeError, "with two bool tensors is not supported"),
    "negative bool": (lambda: -T([True]), RuntimeError, "on a bool tensor is not supported"),
    "in-place type": (lambda: T([1]).add_(1.5), RuntimeError, "result type Float can't be cast"),
    "in-place shape": (lambda: torch.ones(2).add_(torch.ones(3, 2)), RuntimeError, "doesn't match the broadcast shape"),
    "integer by zero": (lambda: T([1]) // 0, RuntimeError, "ZeroDivisionError"),
    "negative power": (lambda: T([2]) ** -1, RuntimeError, "Integers to negative integer powers are not allowed"),
    "rounding mode": (lambda: torch.div(T([1.0]), 2, rounding_mode="x"), RuntimeError, "None, 'trunc', or 'floor'"),
    "text": (lambda: T([1.0]) + "a", TypeError, "unsupported operand"),
    "none": (lambda: torch.add(T([1.0]), None), TypeError, "must be Tensor, not NoneType"),
    "wide unsigned": (
        lambda: torch.promote_types(torch.uint16, torch.int8),
        RuntimeError,
        "Promotion for uint16, uint32, uint64 types is not supported",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
