"""The compiled laws drawn by rejection against the reference: the same numbers, and the generator left at the same place."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.kernels import random as kernels
from rushlight.kernels.reference import rejection
from rushlight.random import Generator

SHAPES = np.array([0.0, 1e-3, 0.3, 0.99, 1.0, 1.5, 7.0, 1e3, 1e8, -1.0, np.nan, *np.linspace(0.05, 4, 700)])


def both(function, *arrays):
    """What the compiled and the plain function give from one seed, one after the other on one generator."""
    results = []
    for module in (kernels, rejection):
        generator = Generator()
        generator.manual_seed(5)
        drawn = [getattr(module, function)(generator, *arrays) for _ in range(2)]
        results.append((drawn, generator.next_normal, generator.random64(3)))
    (got, kept, after), (wanted, wanted_kept, wanted_after) = results
    for a, b in zip(got, wanted, strict=True):
        assert a.dtype == b.dtype == np.float64 and a.shape == b.shape
    assert (kept is None) == (wanted_kept is None)
    if kept is not None:
        assert kept == pytest.approx(wanted_kept, rel=1e-14)
    np.testing.assert_array_equal(after, wanted_after)
    return np.concatenate(got), np.concatenate(wanted)


def test_the_gamma_law(machine, dtype):
    np.testing.assert_allclose(*both("gamma", SHAPES.astype(dtype)), rtol=1e-14)
    np.testing.assert_allclose(*both("gamma", SHAPES.astype(dtype)[:1]), rtol=1e-14)


def test_poissons_law(machine):
    rates = np.array([0.0, 1e-9, 0.5, 9.99, 10.0, 30.5, 1e4, 1e12, np.nan, *np.linspace(0, 40, 500)])
    np.testing.assert_array_equal(*both("poisson", rates))


def test_the_binomial_law(machine, dtype):
    counts, chances = np.meshgrid([0, 1, 5, 40, 1000, 10**6, -1], [0, 1e-6, 0.1, 0.5, 0.7, 0.999, 1, 2, np.nan])
    counts, chances = (np.tile(a.reshape(-1).astype(dtype), 9) for a in (counts, chances))
    np.testing.assert_array_equal(*both("binomial", counts, chances))
    np.testing.assert_array_equal(*both("binomial", counts[:, None], chances[:5]))
