"""The compiled sorts and selections against the reference, to the place of every equal element."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import sorting

CASES = [
    ((1,), 0), ((7,), 0), ((17,), 0), ((400,), 0), ((3, 33), 1), ((33, 2), 0), ((2, 70, 2), 1),
]  # fmt: skip
TYPES = [np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, bool]


def drawn(rng, type_, shape, high):
    """Numbers many of which are equal; of floats some are NaN, and some zeros have a sign."""
    x = np.asarray(rng.integers(0, high, shape))
    if np.dtype(type_).kind in "if":
        x = x * rng.choice([-1, 1], shape)
    x = x.astype(type_)
    if x.dtype.kind == "f":
        x = np.where(rng.random(shape) < 0.05, np.nan, x * rng.choice([-1.0, 1.0], shape)).astype(type_)
    return x


def same(got, wanted):
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        if a.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


def inputs(rng, type_):
    for shape, dim in CASES:
        yield drawn(rng, type_, shape, int(rng.choice([2, 9, 120]))), dim


@pytest.mark.parametrize("type_", TYPES)
def test_a_sort_is_the_references(machine, type_):
    for x, dim in inputs(np.random.default_rng(0), type_):
        for descending in (False, True):
            for stable in (False, True):
                same(_native.sort_along(x, dim, descending, stable), sorting.sort_along(x, dim, descending, stable))


@pytest.mark.parametrize("type_", [np.float32, np.float64, np.int64, np.uint8])
def test_a_selection_is_the_references(machine, type_):
    for x, dim in inputs(np.random.default_rng(1), type_):
        n = x.shape[dim]
        for k in {1, max(1, n // 70), max(1, n // 3), n}:
            for largest in (False, True):
                for in_order in (False, True):
                    got = _native.topk_along(x, dim, k, largest, in_order)
                    same(got, sorting.topk_along(x, dim, k, largest, in_order))
            same(_native.kth_along(x, dim, k - 1), sorting.kth_along(x, dim, k - 1))
        same(_native.mode_along(x, dim), sorting.mode_along(x, dim))
        for ignore_nan in (False, True):
            same(_native.median_along(x, dim, ignore_nan), sorting.median_along(x, dim, ignore_nan))


def test_orders_that_are_hard_for_a_partition(machine):
    n = 1000
    half = np.arange(n // 2)
    # The median of three is always among the least: the depth runs out, and a heap takes over.
    worst = np.concatenate([np.where(half % 2, half + n // 2, half + 1), 2 * (half + 1)]) // 3
    for x in (worst, np.zeros(n, np.int64), np.arange(n) // 5, -np.arange(n) // 5, np.arange(n) % 2):
        same(_native.sort_along(x, 0, False, False), sorting.sort_along(x, 0, False, False))
        for k in (1, 10, 100, 500):
            same(_native.topk_along(x, 0, k, False, True), sorting.topk_along(x, 0, k, False, True))
        same(_native.kth_along(x, 0, 300), sorting.kth_along(x, 0, 300))


def test_values_without_equals_are_numpys(machine, rng, dtype):
    x = rng.permuted(np.tile(np.arange(5000, dtype=dtype), (3, 1)), axis=1)
    for stable in (False, True):
        values, indices = _native.sort_along(x, 1, False, stable)
        np.testing.assert_array_equal(values, np.sort(x, 1))
        np.testing.assert_array_equal(indices, np.argsort(x, 1))


def test_what_the_kernels_leave_to_the_reference(machine):
    x = np.ones((4, 4), np.float32)
    for given in (x.T[::2], x.astype(np.float16), x.astype(complex), np.empty((0, 4), np.float32)):
        assert _native.sort_along(given, 0, False, False) is NotImplemented
        assert _native.mode_along(given, 0) is NotImplemented
    assert _native.topk_along(x, 0, 0, True, True) is NotImplemented


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: _native.sort_along(x, 2, False, False), ValueError, "dim"),
        (lambda x: _native.sort_along(x, -1, False, False), ValueError, "dim"),
        (lambda x: _native.sort_along(3, 0, False, False), TypeError, "ndarray"),
        (lambda x: _native.topk_along(x, 0, 5, True, True), ValueError, "k is out"),
        (lambda x: _native.topk_along(x, 0, -1, True, True), ValueError, "k is out"),
        (lambda x: _native.kth_along(x, 0, 4), ValueError, "k is out"),
        (lambda x: _native.kth_along(x, 0, -1), ValueError, "k is out"),
        (lambda x: _native.mode_along(x, 7), ValueError, "dim"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call(np.ones((4, 4), np.float32))
