"""Differences, areas, covariances, distances, histograms, Bessel functions against PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.tensor_oracle import same  # noqa: E402

INF, NAN = float("inf"), float("nan")

PROGRAMS: dict[str, Any] = {
    "diff": lambda t, x, y: (t.diff(x), t.diff(x, 2), x.diff(dim=0), t.diff(x, 0), t.diff(x, 9)),
    "diff with ends": lambda t, x, y: t.diff(x, prepend=x[:, :1], append=x),
    "trapezoid": lambda t, x, y: (t.trapezoid(x), t.trapezoid(x, dx=0.5, dim=0), t.trapz(x)),
    "trapezoid over x": lambda t, x, y: (t.trapezoid(x, y), t.trapezoid(x, x), t.trapezoid(x, x[:, 0], dim=0)),
    "cumulative": lambda t, x, y: (t.cumulative_trapezoid(x), t.cumulative_trapezoid(x, y)),
    "cov": lambda t, x, y: (t.cov(x), t.cov(y), x.cov(correction=0)),
    "cov weighted": lambda t, x, y: t.cov(x, aweights=y.abs() + 1, fweights=t.tensor([1, 2, 3, 1])),
    "corrcoef": lambda t, x, y: (t.corrcoef(x), t.corrcoef(x[:2] + y)),
    "dist": lambda t, x, y: (t.dist(x, y), t.dist(x, y, 3), t.dist(x, y, 1), x.dist(y, INF)),
    "renorm": lambda t, x, y: (t.renorm(x, 2, 0, 1.0), x.renorm(1, -1, 0.5), x.renorm(3, 0, 1e9)),
    "frexp": lambda t, x, y: t.frexp(x)[0],
    "i0": lambda t, x, y: (t.i0(x), x.i0(), t.special.i0(x * 20)),
    "i1": lambda t, x, y: t.special.i1(x),
    "special": lambda t, x, y: (
        t.special.expit(x), t.special.gammaln(x.abs() + 1), t.special.exp2(x), t.special.logsumexp(x, 0),
        t.special.softmax(x, 1), t.special.log_softmax(x, 1), t.special.erf(x),
        t.special.log1p(x.abs()), t.special.expm1(x), t.special.xlogy(x, y.abs() + 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(name: str) -> None:
    same(PROGRAMS[name], [(3, 4), (4,)], strides=False, check_names=False)


FACTS: dict[str, Any] = {
    "isreal": lambda t: (t.isreal(t.tensor([1, 1j, 2 + 0j])), t.isreal(t.tensor([NAN, 1])), t.tensor([1]).isreal()),
    "diff of bools": lambda t: t.diff(t.tensor([True, False, False])),
    "diff of integers": lambda t: t.diff(t.tensor([1, 4, 9, 16]), n=2),
    "trapezoid of integers": lambda t: t.trapezoid(t.tensor([1, 5, 10])),
    "trapezoid of nothing": lambda t: (t.trapezoid(t.ones(0)), t.trapezoid(t.ones(1))),
    "cov of integers": lambda t: (t.cov(t.tensor([1, 2, 4])), t.cov(t.tensor(3.0)), t.corrcoef(t.tensor([1, 2, 4]))),
    "cov without freedom": lambda t: t.cov(t.tensor([[1.0, 2.0, 4.0]]), correction=5),
    "frexp": lambda t: t.frexp(t.tensor([0.0, 1.0, -3.0, INF, NAN, 1e-40, 5e30])),
    "frexp of half": lambda t: t.frexp(t.tensor([1.0, 0.3]).to(t.float16)),
    "i0": lambda t: (t.i0(t.tensor([0, 1, 2])), t.i0(t.tensor([0.0, -1.0, 2.0, 50.0, 100.0, NAN]))),
    "histogram": lambda t: t.histogram(t.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0)),
    "histogram of edges": lambda t: t.histogram(t.tensor([1.0, 2.0, 1.0, 7.0]), t.tensor([0.0, 1.5, 2.0])),
    "density": lambda t: t.tensor([1.0, 2.0, 1.0]).histogram(
        4, range=(0.0, 3.0), weight=t.tensor([1.0, 2.0, 4.0]), density=True
    ),
    "histogram of nothing": lambda t: (t.histogram(t.tensor([]), 4), t.histogram(t.tensor([1.0, 1.0]), 4)),
}


@pytest.mark.parametrize("name", FACTS)
def test_facts(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert repr(FACTS[name](rushlight)) == repr(FACTS[name](torch))


def test_histogram_places_each_element_as_pytorch_does() -> None:
    values = np.random.default_rng(3).standard_normal(5000).astype(np.float32)
    ours, theirs = (t.histogram(t.tensor(values), 37) for t in (rushlight, torch))
    np.testing.assert_array_equal(ours.hist.numpy(), theirs.hist.numpy())
    np.testing.assert_allclose(ours.bin_edges.numpy(), theirs.bin_edges.numpy(), rtol=1e-5, atol=1e-6)


ERRORS: dict[str, Any] = {
    "diff of a number": lambda t: t.diff(t.tensor(1.0)),
    "negative n": lambda t: t.diff(t.ones(2), n=-1),
    "ends": lambda t: t.diff(t.ones(2, 2), prepend=t.ones(1)),
    "points": lambda t: t.trapezoid(t.ones(2, 3), t.ones(4)),
    "cov of a cube": lambda t: t.cov(t.ones(2, 2, 2)),
    "corrcoef of a cube": lambda t: t.corrcoef(t.ones(2, 2, 2)),
    "dist of integers": lambda t: t.dist(t.tensor([1]), t.tensor([2])),
    "renorm of a vector": lambda t: t.renorm(t.ones(3), 2, 0, 3.0),
    "renorm p": lambda t: t.renorm(t.ones(3, 3), -1, 0, 3.0),
    "renorm bound": lambda t: t.renorm(t.ones(3, 3), 1, 0, -3.0),
    "frexp of integers": lambda t: t.frexp(t.tensor([1])),
    "histogram of integers": lambda t: t.histogram(t.tensor([1, 2]), 4),
    "no bins": lambda t: t.histogram(t.tensor([1.0]), 0),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    for t in (torch, rushlight):
        with pytest.raises(RuntimeError):
            ERRORS[name](t)
