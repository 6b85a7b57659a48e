"""Comparisons and choices between elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("name", "ufunc"),
    [
        ("eq", np.equal),
        ("ne", np.not_equal),
        ("lt", np.less),
        ("le", np.less_equal),
        ("gt", np.greater),
        ("ge", np.greater_equal),
        ("maximum", np.maximum),
        ("fmin", np.fmin),
    ],
)
def test_values(name: str, ufunc: np.ufunc) -> None:
    a = np.array([[1.0, NAN, -INF], [0.0, 2.0, 3.0]])
    b = np.array([1.0, 2.0, -INF])
    np.testing.assert_array_equal(getattr(torch, name)(torch.tensor(a), torch.tensor(b)).numpy(), ufunc(a, b))


def test_operators_beside_other_things() -> None:
    x = torch.tensor([1, 2])
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True
    assert (x < 2).tolist() == [True, False]
    with pytest.raises(TypeError, match="not supported between"):
        x < None  # noqa: B015


def test_tensors_stay_hashable() -> None:
    x = torch.ones(2)
    assert x in {x}


def test_isclose() -> None:
    x = torch.tensor([1.0, INF, NAN, 0.0])
    y = torch.tensor([1.0 + 1e-6, INF, NAN, 1e-9])
    assert torch.isclose(x, y).tolist() == [True, True, False, True]
    assert torch.isclose(x, y, equal_nan=True).all().item()
    assert torch.allclose(x[:2], y[:2]) is True


def test_where_promotes_and_finds() -> None:
    mask = torch.tensor([[True, False], [False, True]])
    assert torch.where(mask, 1, 0).dtype is torch.int64
    assert torch.where(mask, 1.5, torch.tensor(2)).tolist() == [[1.5, 2.0], [2.0, 1.5]]
    assert [i.tolist() for i in torch.where(mask)] == [[0, 1], [0, 1]]


GRADIENTS: dict[str, Any] = {
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "where": lambda x, y: torch.where(x > 0.5, x, y),
    "masked_fill": lambda x, y: x.masked_fill(x > 0.5, 2.0) * y,
    "masked_fill tensor": lambda x, y: x.masked_fill(x > 0.5, y.sum()),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    x = torch.tensor([[0.1, 0.9], [1.4, -0.3]], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.4, 0.7], dtype=torch.float64, requires_grad=True)
    assert gradcheck(GRADIENTS[name], (x, y))
    assert gradgradcheck(GRADIENTS[name], (x, y))


def test_equal_elements_share_the_gradient() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = torch.tensor([1.0, 3.0], requires_grad=True)
    torch.maximum(x, y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([0.5, 0.0], [0.5, 1.0])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: x == torch.ones(3), RuntimeError, "must match the size of tensor b"),
        (
            lambda x: torch.where(x, 1, 0),
            RuntimeError,
            "condition to be a boolean tensor, but got a tensor with dtype Float",
        ),
        (lambda x: x.masked_fill(x, 1), RuntimeError, "only supports boolean masks"),
        (
            lambda x: x.masked_fill(x > 0, x),
            RuntimeError,
            "0-dimensional value tensor, but got tensor with 1 dimension",
        ),
        (lambda x: torch.isclose(x, x.double()), RuntimeError, "Float did not match Double"),
        (lambda x: torch.maximum(x, 1), TypeError, "must be Tensor, not int"),
        (lambda x: torch.isclose(x, x, rtol=-1), RuntimeError, "rtol must be greater than or equal to zero"),
    ],
)
def test_errors(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(torch.tensor([1.0, 2.0]))
