"""Sums and maxima of rows that an index names: the compiled kernels against the reference."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import rows

# The table's shape and the lengths of the runs.
CASES = [
    ((50, 64), [20, 0, 3, 1, 7]),
    ((50, 67), [1, 1, 1]),
    ((7, 1), [5, 0, 0, 2]),
    ((9, 3), [0]),
    ((9, 3), []),
    ((5, 0), [2, 2]),
    ((300, 130), [40] * 40),
]


def drawn(rng, dtype, shape, lengths):
    table = rng.standard_normal(shape).astype(dtype)
    bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return table, rng.integers(0, shape[0], bounds[-1]), bounds


def close(got, want, dtype, terms):
    """Equal within what sums of so many terms in another order differ by."""
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * max(terms, 1) ** 0.5)


@pytest.mark.parametrize(("shape", "lengths"), CASES)
def test_sums_equal_the_reference(machine, rng, dtype, shape, lengths):
    table, index, bounds = drawn(rng, dtype, shape, lengths)
    factors = rng.standard_normal(len(index)).astype(dtype)
    for runs, weights, mean in itertools.product((bounds, None), (None, factors), (False, True)):
        got = _native.gather_sum(table, index, runs, weights, mean)
        close(got, rows.gather_sum(table, index, runs, weights, mean), dtype, max(lengths, default=1))


@pytest.mark.parametrize(("shape", "lengths"), CASES)
def test_maxima_equal_the_reference(machine, rng, dtype, shape, lengths):
    table, index, bounds = drawn(rng, dtype, shape, lengths)
    table[rng.random(shape) < 0.1] = np.nan
    table[rng.random(shape) < 0.2] = 1
    for got, want in zip(_native.gather_max(table, index, bounds), rows.gather_max(table, index, bounds), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("shape", "lengths"), CASES)
def test_scattered_sums_equal_the_reference(machine, rng, dtype, shape, lengths):
    table, source, _ = drawn(rng, dtype, shape, lengths)
    for count, weighted in itertools.product((0, 1, 40, 5000), (False, True)):
        named = source if count else source[:0]
        weights = rng.standard_normal(len(named)).astype(dtype) if weighted else None
        target = rng.integers(0, max(count, 1), len(named))
        got = _native.scatter_sum(table, named, target, count, weights)
        close(got, rows.scatter_sum(table, named, target, count, weights), dtype, len(named))
    target = rng.integers(0, 10, shape[0])
    close(_native.scatter_sum(table, None, target, 10), rows.scatter_sum(table, None, target, 10), dtype, shape[0])


def test_results_do_not_depend_on_the_number_of_threads(rng):
    table, index, bounds = drawn(rng, np.float32, (300, 130), [40] * 40)
    target = rng.integers(0, 700, len(index))
    found = []
    before = _native.get_num_threads()
    for threads in (1, 2, 3):
        _native.set_num_threads(threads)
        found.append((_native.gather_sum(table, index, bounds), _native.scatter_sum(table, index, target, 700)))
    _native.set_num_threads(before)
    for gathered, scattered in found[1:]:
        np.testing.assert_array_equal(gathered, found[0][0])
        np.testing.assert_array_equal(scattered, found[0][1])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e-45])
def test_special_values_spread_as_in_the_reference(machine, value):
    table = np.array([[1, value, 0], [2, value, -np.inf]] * 3, np.float32)
    index, bounds = np.array([0, 1, 3, 0]), np.array([0, 2, 2, 4])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(_native.gather_sum(table, index, bounds), rows.gather_sum(table, index, bounds))
        np.testing.assert_array_equal(
            _native.scatter_sum(table, index, index, 5), rows.scatter_sum(table, index, index, 5)
        )


def test_what_is_not_dense_is_left_to_the_reference(rng):
    table, index, bounds = np.ones((6, 8), np.float32), np.array([0, 1]), np.array([0, 2])
    for other in (table[:, ::2], table.astype(np.float16), np.asfortranarray(table)):
        assert _native.gather_sum(other, index, bounds) is NotImplemented
        assert _native.gather_max(other, index, bounds) is NotImplemented
        assert _native.scatter_sum(other, index, index, 3) is NotImplemented
    assert _native.gather_sum(table, index.astype(np.int32), bounds) is NotImplemented
    assert _native.gather_sum(table, index, bounds, np.ones(2)) is NotImplemented


T, N, B = np.ones((3, 2), np.float32), np.array([0, 2]), np.array([0, 1, 2])


@pytest.mark.parametrize("module", [_native, rows])
@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("gather_sum", (T, np.array([3]), np.array([0, 1])), IndexError, "index: a row number is out of range"),
        ("gather_sum", (T, np.array([-1])), IndexError, "index: a row number is out of range"),
        ("gather_sum", (T, N, np.array([0, 2, 1])), ValueError, "bounds must not decrease"),
        ("gather_sum", (T, N, np.array([-1, 2])), ValueError, "bounds must not decrease"),
        ("gather_sum", (T, N, np.array([0, 3])), ValueError, "bounds must not decrease"),
        ("gather_sum", (T, N, np.array([], np.int64)), ValueError, "bounds: expected one more"),
        ("gather_sum", (T, N, B, np.ones(3, np.float32)), ValueError, "weights: expected one for each"),
        ("gather_max", (T, np.array([3, 0]), B), IndexError, "index: a row number is out of range"),
        ("scatter_sum", (T, N, np.array([0, 4]), 4), IndexError, "target: a row number is out of range"),
        ("scatter_sum", (T, np.array([3, 0]), N, 4), IndexError, "source: a row number is out of range"),
        ("scatter_sum", (T, None, N, 4), ValueError, "target: expected one for each source"),
        ("scatter_sum", (T, N, N, 4, np.ones(1, np.float32)), ValueError, "weights: expected one for each"),
    ],
)
def test_wrong_arguments_raise(module, name, arguments, error, message):
    with pytest.raises(error, match=message):
        getattr(module, name)(*arguments)
