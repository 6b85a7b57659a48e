"""Comparisons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rushlight as torch

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
    assert x in {x} and hash(x) == hash(x)


def test_isclose() -> None:
    x = torch.tensor([1.0, INF, NAN, 0.0])
    y = torch.tensor([1.0 + 1e-6, INF, NAN, 1e-9])
    assert torch.isclose(x, y).tolist() == [True, True, False, True]
    assert torch.isclose(x, y, equal_nan=True).all().item()
    assert torch.allclose(x[:2], y[:2]) is True


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: x == torch.ones(3), RuntimeError, "must match the size of tensor b"),
        (lambda x: torch.isclose(x, x.double()), RuntimeError, "Float did not match Double"),
        (lambda x: torch.isclose(x, x, rtol=-1), RuntimeError, "rtol must be greater than or equal to zero"),
    ],
)
def test_errors(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(torch.tensor([1.0, 2.0]))
