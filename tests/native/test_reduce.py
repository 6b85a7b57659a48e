"""The compiled sums against exact ones, and their errors against NumPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import reduce

CASES = [
    ((), None), ((0,), None), ((1,), None), ((17,), (0,)), ((8, 8), None), ((8, 8), (0,)), ((8, 8), (1,)), ((0, 3), (0,)),
    ((3, 0), (0,)), ((3, 0), (1,)), ((5, 7, 9), (1,)), ((5, 7, 9), (0, 1)), ((5, 7, 9), (1, 2)), ((5, 7, 9), None),
    ((1003,), None), ((300, 301), (0,)), ((300, 301), (1,)), ((2, 100, 33), (1,)), ((70001,), None), ((2, 1, 5), (1,)),
    ((40001, 3), (0,)), ((20003, 17), (0,)), ((3, 5000, 7), (1,)), ((17, 2049), (0,)), ((129, 1030), (0,)), ((1, 5), (0,)),
    ((64, 10), (0,)), ((200, 9, 2), (1,)), ((70, 3, 60), (0,)),
]  # fmt: skip


def test_sums_equal_exact_ones(machine, rng, dtype):
    epsilon = np.finfo(dtype).eps
    for shape, dims in CASES:
        x = np.asarray(rng.standard_normal(shape), dtype)
        for keepdim in (False, True):
            got = _native.sum_over(x, dims, keepdim, 1.0)
            wanted = x.astype(np.longdouble).sum(dims, keepdims=keepdim)
            assert got.shape == wanted.shape and got.dtype == dtype
            n = x.size / max(1, wanted.size)
            np.testing.assert_allclose(got.astype(np.longdouble), wanted, rtol=0, atol=epsilon * (4 + 8 * math.sqrt(n)))


def test_a_mean_is_the_sum_divided_once(machine, dtype):
    x = np.arange(1, 12, dtype=dtype)
    assert _native.sum_over(x, None, False, 11.0) == dtype(66) / dtype(11)
    assert np.isnan(_native.sum_over(x[:0], None, False, 0.0)) and np.isnan(reduce.sum_over(x[:0], None, False, 0.0))
    np.testing.assert_array_equal(_native.sum_over(np.stack([x, x]), (0,), True, 3.0), (2 * x / dtype(3))[None])


def test_the_error_is_no_worse_than_numpys(machine, rng):
    for shape, dims in [((1 << 20,), None), ((8, 1 << 14), (1,)), ((4096, 40), (0,))]:
        x = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        exact = x.astype(np.float64).sum(dims)
        ours = np.abs(_native.sum_over(x, dims, False, 1.0) - exact)
        theirs = np.abs(np.add.reduce(x, dims) - exact)
        assert np.max(ours) <= max(np.max(theirs) * 1.5, np.max(exact) * 2.0**-22)


def test_the_number_of_threads_does_not_change_a_sum(rng, dtype):
    before = _native.get_num_threads()
    for shape, dims in [
        ((200_003,), None),
        ((400, 500), (0,)),
        ((70_001, 3), (0,)),
        ((40, 5000), (0,)),
        ((3, 9000, 5), (1,)),
    ]:
        x, sums = rng.standard_normal(shape).astype(dtype), []
        for threads in (1, 2):
            _native.set_num_threads(threads)
            sums.append(_native.sum_over(x, dims, False, 1.0))
        _native.set_num_threads(before)
        np.testing.assert_array_equal(*sums)


def test_special_values_pass(machine, dtype):
    x = np.ones(40, dtype)
    for value in (np.nan, np.inf, -np.inf):
        x[33] = value
        np.testing.assert_array_equal(_native.sum_over(x, None, False, 1.0), value)


def test_other_layouts_and_dimensions_are_left_to_the_reference():
    x = np.ones((4, 6, 2), np.float32)
    for other in (x.T, x[:, ::2], x.astype(np.int64), x.astype(np.float16), x.astype(">f4")):
        assert _native.sum_over(other, None, False, 1.0) is NotImplemented
    for dims in ((), (0, 2), (1, 0), (3,), (-1,), [0], 0, (2**70,), ("x",)):
        assert _native.sum_over(x, dims, False, 1.0) is NotImplemented
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.sum_over(None, None, False, 1.0)


def test_moments_are_the_references(machine, rng, dtype):
    for shape, dims in CASES:
        x = np.asarray(5 + rng.standard_normal(shape), dtype)
        for keepdim in (False, True):
            for freedom in (3.0, 0.0):
                got = _native.moments_over(x, dims, keepdim, freedom)
                for a, b in zip(got, reduce.moments_over(x, dims, keepdim, freedom), strict=True):
                    assert a.shape == b.shape and a.dtype == b.dtype
                    np.testing.assert_allclose(a, b, rtol=1e-6 if dtype == np.float32 else 1e-12)


def test_products_are_the_references(machine, rng, dtype):
    for shape, dims in CASES:
        x = np.asarray(1 + rng.standard_normal(shape) * 0.01, dtype)
        for keepdim in (False, True):
            got, wanted = _native.product_over(x, dims, keepdim), reduce.product_over(x, dims, keepdim)
            assert got.shape == wanted.shape and got.dtype == dtype
            np.testing.assert_allclose(got, wanted, rtol=2e-3 if dtype == np.float32 else 1e-11)
    for value in (np.nan, np.inf, 0.0, -2.0):
        x = np.ones((3, 70), dtype)
        x[1, 66] = value
        for dims in (None, (0,), (1,)):
            np.testing.assert_array_equal(_native.product_over(x, dims), reduce.product_over(x, dims))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_log_sums_of_exponentials_are_the_references(machine, rng, dtype):
    for shape, dims in CASES:
        x = np.asarray(rng.standard_normal(shape) * 30, dtype)
        n = x.size if dims is None else math.prod([shape[d] for d in dims])
        if n == 0:
            assert _native.log_sum_exp_over(x, dims) is NotImplemented
            continue
        for keepdim in (False, True):
            got, wanted = _native.log_sum_exp_over(x, dims, keepdim), reduce.log_sum_exp_over(x, dims, keepdim)
            assert got.shape == wanted.shape and got.dtype == dtype
            np.testing.assert_allclose(got, wanted, rtol=3e-6 if dtype == np.float32 else 1e-13)
    inf, nan = np.inf, np.nan
    for row in ([inf, 1, 2], [-inf, -inf], [-inf, 3], [nan, 1], [1, inf, nan], [inf, -inf], [1e4, 1e4], [5]):
        for count in (1, 40):
            x = np.tile(np.array(row, dtype), (2, count))
            for given, dims in ((x, (1,)), (x.T.copy(), (0,))):
                wanted = reduce.log_sum_exp_over(given, dims)
                np.testing.assert_allclose(_native.log_sum_exp_over(given, dims), wanted, rtol=1e-6)


def test_counts_are_the_references(machine, rng, dtype):
    for n in (0, 1, 17, 1003, 70001):
        x = np.asarray(rng.integers(-1, 2, n), dtype)
        x[:3] = np.array([np.nan, -0.0, 1e-45], dtype)[: min(n, 3)]
        assert _native.count_of_all(x) == reduce.count_of_all(x)
    assert _native.count_of_all(np.ones((4, 4), dtype).T) is NotImplemented


def test_equality_is_the_references(machine, rng, dtype):
    for n in (0, 1, 17, 1003, 70001):
        a = np.asarray(rng.standard_normal(n), dtype)
        assert _native.all_equal(a, a.copy()) is True is reduce.all_equal(a, a.copy())
        for place in {0, n // 2, n - 1} if n else ():
            for value in (a[place] + 1, np.nan, np.inf):
                b = a.copy()
                b[place] = value
                assert _native.all_equal(a, b) is False is reduce.all_equal(a, b)
                assert _native.all_equal(b, b) is reduce.all_equal(b, b)
    zeros = np.zeros(5, dtype)
    assert _native.all_equal(zeros, -zeros) is True
    for kind in (np.int8, np.int64, np.uint8, np.int16):
        a = rng.integers(0, 100, 1000).astype(kind)
        b = a.copy()
        b[999] += 1
        assert _native.all_equal(a, a.copy()) is True and _native.all_equal(a, b) is False
    square = np.ones((4, 4), dtype)
    for a, b in (
        (square.T, square),
        (square, square.astype(np.float16)),
        (square, square[:2]),
        (square > 0, square > 0),
    ):
        assert _native.all_equal(a, b) is NotImplemented or a is b or a.T is square


def test_traces_are_the_references(machine, rng, dtype):
    for shape in ((0, 0), (1, 1), (5, 5), (3, 8), (8, 3), (0, 4), (70, 70)):
        x = np.asarray(rng.standard_normal(shape), dtype)
        for given in (x, x.T, x[::-1, ::2], np.broadcast_to(x[:1], (5, x.shape[1])) if x.size else x):
            found, wanted = _native.trace(given), reduce.trace(given)
            assert found.shape == () and found.dtype == dtype
            np.testing.assert_allclose(found, wanted, rtol=1e-6 if dtype == np.float32 else 1e-13, atol=1e-12)
    assert np.isnan(_native.trace(np.array([[np.nan, 0], [0, 1]], dtype)))
    assert _native.trace(np.ones((2, 2), np.int64)) is NotImplemented
    with pytest.raises(ValueError, match="must be a matrix"):
        _native.trace(np.ones(3, dtype))
