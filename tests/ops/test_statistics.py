"""Differences, areas, covariances, distances, histograms, Bessel functions: definitions and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck

GRADIENTS: dict[str, Any] = {
    "diff": lambda x: torch.diff(x, 2),
    "trapezoid": lambda x: torch.trapezoid(x, x),
    "cov": torch.cov,
    "corrcoef": torch.corrcoef,
    "dist": lambda x: torch.dist(x, x.flip(0), 3),
    "renorm": lambda x: torch.renorm(x, 2, 0, 0.5),
    "frexp": lambda x: torch.frexp(x)[0],
    "i0": torch.i0,
    "i1": torch.special.i1,
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    x = torch.tensor([[0.3, -1.2, 2.1, 0.7], [1.1, 0.4, -0.6, 1.7]], dtype=torch.float64, requires_grad=True)
    assert gradcheck(GRADIENTS[name], (x,))
    assert gradgradcheck(GRADIENTS[name], (x,))


def test_against_numpy() -> None:
    x = np.random.default_rng(2).standard_normal((3, 50))
    t = torch.tensor(x)
    np.testing.assert_allclose(torch.cov(t).numpy(), np.cov(x))
    np.testing.assert_allclose(torch.corrcoef(t).numpy(), np.corrcoef(x))
    np.testing.assert_allclose(torch.diff(t, 3).numpy(), np.diff(x, 3))
    np.testing.assert_allclose(torch.i0(t * 9).numpy(), np.i0(x * 9))
    counts, edges = np.histogram(x, 7)
    hist, bin_edges = torch.histogram(t, 7)
    np.testing.assert_array_equal(hist.numpy(), counts)
    np.testing.assert_allclose(bin_edges.numpy(), edges)


def test_bessel_functions_meet_where_their_series_do() -> None:
    x = torch.tensor([29.9999999999, 30.0000000001], dtype=torch.float64)
    for function in (torch.i0, torch.special.i1):
        low, high = function(x).log().tolist()
        assert high - low == pytest.approx(2e-10, rel=0.1)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: torch.diff(torch.tensor(1.0)), RuntimeError, "at least one-dimensional"),
        (lambda: torch.diff(torch.ones(2), -1), RuntimeError, "order must be non-negative but got -1"),
        (lambda: torch.trapezoid(torch.ones(3), torch.ones(2)), RuntimeError, "one `x` value for each sample point"),
        (lambda: torch.cov(torch.ones(1, 1, 1)), RuntimeError, "two or fewer dimensions but got an input with 3"),
        (lambda: torch.renorm(torch.ones(3), 2, 0, 1.0), RuntimeError, "needs at least 2 dimensions, got 1"),
        (lambda: torch.histogram(torch.ones(2), 0), RuntimeError, "bins must be > 0, but got 0"),
        (lambda: torch.histogram(torch.tensor([1]), 2), NotImplementedError, "not implemented for 'Long'"),
        (lambda: torch.frexp(torch.tensor([1])), RuntimeError, "only supports floating-point dtypes"),
        (lambda: torch.dist(torch.ones(2), 1), TypeError, "must be Tensor, not int"),
    ],
)
def test_errors(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()
