"""Searches and counts, compiled, against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import searching as reference


def numbers(rng: Any, shape: Any, dtype: Any) -> Any:
    """With many that are equal and, of floats, NaN and infinities."""
    x = rng.integers(-9, 9, shape).astype(dtype)
    if x.dtype.kind == "f" and x.size > 4:
        x.reshape(-1)[:4] = np.nan, np.inf, -np.inf, -0.0
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_places_are_the_references(machine: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 8, 9, 300):
        for missing in (False, True):
            keys = numbers(rng, (3, n), dtype) if missing else rng.integers(-9, 9, (3, n)).astype(dtype)
            keys.sort(-1)
            for m in (1, 9, 2000):
                values = numbers(rng, (3, m), dtype)
                for right in (False, True):
                    for k, v in ((keys, values), (keys[0], values), (keys[1], values[0])):
                        got = _native.search_sorted(k, v, right)
                        assert got.dtype == np.int64
                        np.testing.assert_array_equal(got, reference.search_sorted(k, v, right))


def test_histograms_are_the_references(machine: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for n in (0, 1, 255, 257, 50000):
        x = rng.standard_normal(n).astype(dtype)
        if n > 9:
            x[:9] = np.nan, np.inf, -np.inf, 1, -1, 0, 2, 3e38, -3e38
        for bins, low, high in ((1, -1, 1), (10, -1, 1), (100, -0.1, 2), (200000, -3, 3)):
            got = _native.histogram_of(x, bins, low, high)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, reference.histogram_of(x, bins, low, high))
    assert _native.histogram_of(np.array([3e38, -3e38], dtype), 4, -3e38, 3e38).sum() == 2


def test_counts_are_the_references(machine: Any) -> None:
    rng = np.random.default_rng(0)
    for n in (1, 50, 40000):
        for most in (1, 2, 1024, 1025, 5000, 300000):
            x = rng.integers(0, most, n)
            x[0] = most - 1
            for least_length in (0, 10, 7000):
                got = _native.count_numbers(x, least_length)
                assert got.dtype == np.int64
                np.testing.assert_array_equal(got, reference.count_numbers(x, least_length))


def test_what_the_kernels_leave_to_the_reference(machine: Any) -> None:
    x = np.arange(10)
    assert _native.count_numbers(x - 1, 0) is NotImplemented
    assert _native.count_numbers(x[:0], 0) is NotImplemented
    assert _native.count_numbers(x[::2], 0) is NotImplemented
    assert _native.count_numbers(np.array([1 << 50]), 0) is NotImplemented
    assert _native.search_sorted(x, x.astype(float), False) is NotImplemented
    assert _native.search_sorted(x[:0], x, False) is NotImplemented
    assert _native.histogram_of(x, 3, 0, 1) is NotImplemented
    with pytest.raises(ValueError, match="bins"):
        _native.histogram_of(x + 0.5, 0, 0, 1)
    with pytest.raises(ValueError, match="low"):
        _native.histogram_of(x + 0.5, 3, np.nan, 1)
    with pytest.raises(ValueError, match="rows"):
        _native.search_sorted(np.ones((2, 3)), np.ones((3, 2)), True)
