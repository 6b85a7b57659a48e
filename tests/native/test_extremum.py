"""The compiled extrema and their places against the reference: types, NaN, equal elements, pieces of long rows and columns."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import reduce

CASES = [
    ((), None), ((1,), None), ((17,), (0,)), ((8, 8), None), ((8, 8), (0,)), ((8, 8), (1,)), ((5, 7, 9), (1,)),
    ((5, 7, 9), (0, 1)), ((5, 7, 9), (1, 2)), ((5, 7, 9), None), ((1003,), None), ((300, 301), (0,)), ((300, 301), (1,)),
    ((2, 100, 33), (1,)), ((70001,), None), ((2, 1, 5), (1,)), ((9000, 5), (0,)), ((2, 9000, 5), (1,)), ((2, 40001), (1,)),
]  # fmt: skip


@pytest.fixture(params=[np.float32, np.float64, np.int64, np.int32], ids=lambda t: np.dtype(t).name)
def dtype(request):
    return request.param


def check(x, dims):
    for greatest in (False, True):
        for keepdim in (False, True):
            got, wanted = (
                _native.extremum_over(x, greatest, dims, keepdim),
                reduce.extremum_over(x, greatest, dims, keepdim),
            )
            assert got.dtype == x.dtype
            np.testing.assert_array_equal(got, wanted)
            if dims is None or len(dims) == 1:
                place = _native.place_over(x, greatest, dims, keepdim)
                assert place.dtype == np.int64
                np.testing.assert_array_equal(place, reduce.place_over(x, greatest, dims, keepdim))


@pytest.mark.parametrize("most", [5, 1 << 20])
def test_they_are_the_references(machine, dtype, most):
    rng = np.random.default_rng(most)
    for shape, dims in CASES:
        x = np.asarray(rng.integers(-most, most, shape), dtype)
        check(x, dims)
        if np.dtype(dtype).kind == "f":
            check(np.where(rng.random(shape) < 3 / max(x.size, 4), np.nan, x).astype(dtype), dims)
            check(np.where(rng.random(shape) < 0.3, np.array(-np.inf if most == 5 else np.inf, dtype), x), dims)


def test_rows_of_infinities_and_of_nan(machine):
    for value in (np.inf, -np.inf, np.nan):
        for shape, dims in (((3, 70), (1,)), ((70, 40), (0,)), ((70,), None)):
            check(np.full(shape, value, np.float32), dims)


def test_what_is_left_to_the_reference():
    x = np.ones((4, 6), np.float32)
    for other in (x.T, x[:, ::2], x.astype(np.int16), x[:0]):
        assert _native.extremum_over(other, True, None) is NotImplemented
        assert _native.place_over(other, True, None) is NotImplemented
    assert _native.extremum_over(x, True, (1, 0)) is NotImplemented
