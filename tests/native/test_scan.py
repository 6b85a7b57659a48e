"""The compiled running results against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import scan

CASES = [((1,), 0), ((7,), 0), ((300,), 0), ((5, 9), 1), ((9, 5), 0), ((3, 40, 70), 1), ((40, 130), 0), ((2, 0, 3), 0),
         ((2, 0, 3), 1), ((20000,), 0), ((200, 90), 1), ((37, 1024), 1), ((3, 2048), 1), ((4, 16), 1), ((19, 33), 1), ((50, 15), 1)]  # fmt: skip
NAMES = ["sum_along", "product_along", "log_sum_exp_along"]


@pytest.mark.parametrize("name", NAMES)
def test_running_results_are_the_references(machine, rng, dtype, name):
    for shape, dim in CASES:
        x = (1 + 0.01 * rng.standard_normal(shape)).astype(dtype)
        got, wanted = getattr(_native, name)(x, dim), getattr(scan, name)(x, dim)
        assert got.shape == wanted.shape and got.dtype == wanted.dtype
        if name == "log_sum_exp_along":
            np.testing.assert_allclose(got, wanted, rtol=1e-6 if dtype == np.float32 else 1e-13)
        else:
            np.testing.assert_array_equal(got, wanted)


def test_sums_from_the_end(machine, rng, dtype):
    for shape, dim in CASES:
        for x in (rng.standard_normal(shape).astype(dtype), rng.integers(-(2**62), 2**62, shape)):
            got, wanted = _native.sum_along(x, dim, True), scan.sum_along(x, dim, True)
            assert got.shape == wanted.shape and got.dtype == wanted.dtype
            np.testing.assert_array_equal(got, wanted)


def test_integers_wrap_around(machine, rng):
    for shape, dim in CASES:
        x = rng.integers(-(2**62), 2**62, shape)
        np.testing.assert_array_equal(_native.sum_along(x, dim), scan.sum_along(x, dim))
        np.testing.assert_array_equal(_native.product_along(x, dim), scan.product_along(x, dim))
        assert _native.log_sum_exp_along(x, dim) is NotImplemented


@pytest.mark.parametrize("greatest", [False, True])
def test_extrema_and_their_places_are_the_references(machine, rng, dtype, greatest):
    for shape, dim in CASES:
        x = rng.integers(0, 9, shape)
        if 0 in shape:
            continue
        for given in (x, np.where(rng.random(shape) < 0.02, np.nan, x).astype(dtype)):
            for got, wanted in zip(
                _native.extremum_along(given, dim, greatest), scan.extremum_along(given, dim, greatest), strict=True
            ):
                assert got.dtype == wanted.dtype
                np.testing.assert_array_equal(got, wanted)


def test_infinities_and_nan(machine, dtype):
    x = np.array([-np.inf, -np.inf, 1, np.inf, np.inf, 2, np.nan, 3], dtype)
    for name in NAMES:
        np.testing.assert_array_equal(getattr(_native, name)(x, 0), getattr(scan, name)(x, 0))


def test_infinities_and_nan_stay_in_their_rows(machine, rng, dtype):
    x = (0.01 * rng.standard_normal((21, 70))).astype(dtype)
    x[3, 20], x[5, 65], x[17, 0], x[20, 33] = np.nan, np.inf, -np.inf, np.nan
    for name in NAMES:
        got, wanted = getattr(_native, name)(x, 1), getattr(scan, name)(x, 1)
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(wanted))
        np.testing.assert_allclose(got, wanted, rtol=1e-6 if dtype == np.float32 else 1e-13)


def test_what_the_kernels_leave_to_the_reference(machine):
    for given in (np.ones((4, 4), np.float32).T[::2], np.ones(3, np.float16), np.ones(3, np.int32)):
        for name in NAMES:
            assert getattr(_native, name)(given, 0) is NotImplemented
        assert _native.extremum_along(given, 0, True) is NotImplemented
    for name in NAMES:
        with pytest.raises(ValueError, match="dim"):
            getattr(_native, name)(np.ones(3), 1)
