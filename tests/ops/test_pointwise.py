"""Pointwise functions: known values, special numbers, types, gradients of both orders."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck

INF, NAN = math.inf, math.nan
F = torch.nn.functional

VALUES: list[tuple[str, list[float], list[float]]] = [
    ("exp2", [0.0, 3.0, -1.0], [1.0, 8.0, 0.5]),
    ("expm1", [0.0, 1e-10], [0.0, 1e-10]),
    ("log2", [1.0, 8.0, 0.0, -1.0], [0.0, 3.0, -INF, NAN]),
    ("log10", [1.0, 1000.0], [0.0, 3.0]),
    ("log1p", [0.0, 1e-10, -1.0], [0.0, 1e-10, -INF]),
    ("sigmoid", [0.0, 800.0, -800.0, NAN], [0.5, 1.0, 0.0, NAN]),
    ("erf", [0.0, 0.3, 1.0, 5.0, -INF], [0.0, math.erf(0.3), math.erf(1.0), math.erf(5.0), -1.0]),
    ("erfc", [0.0, 0.3, 3.0, 20.0], [1.0, math.erfc(0.3), math.erfc(3.0), math.erfc(20.0)]),
    ("erfinv", [math.erf(0.2), math.erf(1.5), 1.0, 2.0], [0.2, 1.5, INF, NAN]),
    ("lgamma", [1.0, 4.0, 0.5, 0.0, -2.0], [0.0, math.log(6), 0.5 * math.log(math.pi), INF, INF]),
    ("digamma", [1.0, 2.0, -1.0], [-0.5772156649015329, 1 - 0.5772156649015329, NAN]),
    ("sinc", [0.0, 0.5, 1.0], [1.0, 2 / math.pi, 0.0]),
    ("logit", [0.5, 0.0, 1.0, 2.0], [0.0, -INF, INF, NAN]),
    ("sign", [-2.0, 0.0, NAN, INF], [-1.0, 0.0, 0.0, 1.0]),
    ("frac", [1.25, -1.25], [0.25, -0.25]),
    ("round", [0.5, 1.5, -2.5], [0.0, 2.0, -2.0]),
    ("trunc", [1.7, -1.7], [1.0, -1.0]),
    ("angle", [-1.0, 2.0, NAN], [math.pi, 0.0, NAN]),
    ("deg2rad", [180.0], [math.pi]),
]


@pytest.mark.parametrize(("name", "inputs", "expected"), VALUES, ids=[v[0] for v in VALUES])
def test_values(name: str, inputs: list[float], expected: list[float]) -> None:
    out = getattr(torch, name)(torch.tensor(inputs, dtype=torch.float64))
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-14, atol=1e-15)
    low = getattr(torch, name)(torch.tensor(inputs, dtype=torch.bfloat16))
    assert low.dtype is torch.bfloat16


def test_erfinv_undoes_erf_near_one() -> None:
    x = np.array([1 - 1e-16, 1 - 1e-12, 0.999])
    y = torch.erfinv(torch.tensor(x)).numpy()
    np.testing.assert_allclose([math.erfc(v) for v in y], 1 - x, rtol=1e-13)


@pytest.mark.parametrize("name", ["sin", "exp2", "sigmoid", "erf", "deg2rad", "atan", "logit"])
def test_integers_become_the_default_type(name: str) -> None:
    assert getattr(torch, name)(torch.tensor([0, 1])).dtype is torch.float32


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "sign"])
def test_integers_stay(name: str) -> None:
    x = torch.tensor([3, -4])
    out = getattr(torch, name)(x)
    assert out.dtype is torch.int64
    assert out._array is not x._array


UNARY = [
    "exp2",
    "expm1",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "atanh",
    "sigmoid",
    "erf",
    "erfc",
    "erfinv",
    "lgamma",
    "digamma",
    "logit",
    "sinc",
    "deg2rad",
    "rad2deg",
    "frac",
    "sgn",
    "floor",
    "nan_to_num",
]


@pytest.mark.parametrize("name", UNARY)
def test_gradients(name: str) -> None:
    x = torch.tensor([[0.15, 0.3], [0.62, 0.85]], dtype=torch.float64, requires_grad=True)
    function = getattr(torch, name)
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


TWO: dict[str, Any] = {
    "hypot": torch.hypot,
    "atan2": torch.atan2,
    "logaddexp": torch.logaddexp,
    "logaddexp2": torch.logaddexp2,
    "xlogy": torch.xlogy,
    "ldexp": torch.ldexp,
    "remainder": torch.remainder,
    "fmod": torch.fmod,
    "copysign": torch.copysign,
    "maximum": torch.maximum,
    "lerp": lambda x, y: torch.lerp(x, y.expand(2, 2), 0.3),
    "addcmul": lambda x, y: torch.addcmul(x, x, y, value=0.5),
    "addcdiv": lambda x, y: torch.addcdiv(x, x, y, value=0.5),
    "clamp": lambda x, y: torch.clamp(x, y - 1, y),
}


@pytest.mark.parametrize("name", TWO)
def test_gradients_of_two(name: str) -> None:
    x = torch.tensor([[0.15, 2.3], [1.62, 0.85]], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.4, 1.3], dtype=torch.float64, requires_grad=True)
    assert gradcheck(TWO[name], (x, y))
    assert gradgradcheck(TWO[name], (x, y))


def test_infinite_and_large_arguments_do_not_overflow() -> None:
    big = torch.tensor([1000.0, -1000.0, INF, -INF])
    assert torch.logaddexp(big, big).tolist() == pytest.approx([1000 + math.log(2), -1000 + math.log(2), INF, -INF])
    assert torch.hypot(torch.tensor([3e38]), torch.tensor([1e38])).isfinite().all()


def test_in_place_keeps_what_backward_needs() -> None:
    x = torch.tensor([0.3, 0.6], requires_grad=True)
    y = x * 2
    y.sin_()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.cos([0.6, 1.2]), rtol=1e-6)


def test_in_place_refuses_a_wider_type() -> None:
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        torch.tensor([1, 2]).sin_()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: x.clamp(), RuntimeError, "At least one of 'min' or 'max' must not be None"),
        (lambda x: torch.lerp(x, 2.0, 0.5), TypeError, "must be Tensor, not float"),
        (lambda x: torch.hypot(x, 1), TypeError, "argument 'other' \\(position 2\\) must be Tensor, not int"),
        (lambda x: torch.polygamma(-1, x), RuntimeError, "does not support negative n"),
        (lambda x: x.to(torch.int64) % 0, RuntimeError, "ZeroDivisionError"),
        (lambda x: torch.frac(x.to(torch.int64)), NotImplementedError, "not implemented for 'Long'"),
        (lambda x: x & x, NotImplementedError, "\"bitwise_and_cpu\" not implemented for 'Float'"),
        (lambda x: ~x, TypeError, "only implemented on integer and Boolean-type tensors"),
        (lambda x: torch.heaviside(x, x.double()), RuntimeError, "different dtypes"),
        (
            lambda x: torch.atan2(x, torch.ones(3)),
            RuntimeError,
            "size of tensor a \\(2\\) must match the size of tensor b \\(3\\)",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize("name", ["clamp", "hardtanh", "relu6"])
def test_held_between_bounds_notices_an_input_changed_in_place(name: str) -> None:
    function = {"clamp": lambda y: y.clamp(0, 1), "hardtanh": F.hardtanh, "relu6": F.relu6}[name]
    written = {"clamp": lambda y: y.clamp_(0, 1), "hardtanh": F.hardtanh_, "relu6": lambda y: F.relu6(y, inplace=True)}
    x = torch.tensor([-2.0, 0.5, 2.0], requires_grad=True)
    y = x * 2
    held = function(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"\[torch.FloatTensor \[3\]\].* is at version 1; expected version 0"):
        held.sum().backward()
    written[name](x * 2).add_(1).sum().backward()
    assert x.grad.tolist() == {"clamp": [0, 2, 0], "hardtanh": [0, 0, 0], "relu6": [0, 2, 2]}[name]
