"""The compiled arithmetic against the ufuncs: types, shapes that broadcast, slices, orders of memory, results given."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import arithmetic

SHAPES = [(), (0,), (1,), (3,), (17,), (8, 8), (5, 7, 9), (1003,), (300, 301)]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, 65504.0, 65519.0, 65520.0, 6e-8, 3e38]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]
UNARY = ["negative", "absolute", "square", "sqrt", "reciprocal"]
TYPES = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int64, np.int32]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(params=TYPES, ids=lambda t: np.dtype(t).name)
def dtype(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def sample(rng, shape, dtype, scale=1.0):
    if np.dtype(dtype).kind == "i":
        x = np.asarray(rng.integers(-100, 100, shape), dtype)
        x.reshape(-1)[:2] = [np.iinfo(dtype).min, np.iinfo(dtype).max][: min(2, x.size)]
        return x
    x = np.asarray(rng.standard_normal(shape) * scale).astype(dtype)
    x.reshape(-1)[: len(SPECIAL)] = np.array(SPECIAL[: x.size]).astype(dtype)
    return x


def wanted_of(function, *arrays):
    """By the ufunc; of 16 bits in float32, rounded once."""
    dtype = arrays[0].dtype
    if dtype.itemsize > 2:
        return np.asarray(function(*arrays))
    return np.asarray(
        function(*[np.asarray(a, np.float32) if isinstance(a, np.ndarray) else np.float32(a) for a in arrays])
    ).astype(dtype)


def check(got, wanted):
    assert got.dtype == wanted.dtype and got.shape == wanted.shape
    np.testing.assert_array_equal(np.asarray(got, np.longdouble), np.asarray(wanted, np.longdouble))


@pytest.mark.parametrize("name", BINARY)
def test_two_arrays(machine, rng, dtype, name):
    kernel, ufunc = getattr(_native, name), getattr(np, name)
    if name == "divide" and np.dtype(dtype).kind == "i":
        assert kernel(np.ones(3, dtype), np.ones(3, dtype)) is NotImplemented
        return
    for shape in SHAPES:
        a, b = sample(rng, shape, dtype), rng.permutation(sample(rng, shape, dtype).reshape(-1)).reshape(shape)
        check(kernel(a, b), wanted_of(ufunc, a, b))
        number = 3 if np.dtype(dtype).kind == "i" else 0.5
        check(kernel(a, number), wanted_of(ufunc, a, a.dtype.type(number)))
        check(kernel(number, a), wanted_of(lambda x, y: ufunc(y, x), a, a.dtype.type(number)))
        single = np.asarray(number).astype(dtype)
        for one in (single, np.broadcast_to(single, shape)):
            check(kernel(a, one), wanted_of(ufunc, a, single))
            check(kernel(one, a), wanted_of(lambda x, y: ufunc(y, x), a, single))


@pytest.mark.parametrize("name", ["subtract", "maximum"])
def test_shapes_that_broadcast_and_slices(machine, rng, dtype, name):
    kernel, ufunc = getattr(_native, name), getattr(np, name)
    pairs = [
        ((7, 33), (33,)), ((7, 33), (7, 1)), ((1, 33), (7, 1)), ((3, 5, 9), (5, 1)), ((3, 5, 9), (3, 1, 9)),
        ((4, 1, 6), (5, 1)), ((200, 300), (300,)), ((200, 300), (200, 1)), ((2, 0, 3), (3,)), ((1, 1), (1, 4, 1)),
    ]  # fmt: skip
    for left, right in pairs:
        a, b = sample(rng, left, dtype), sample(rng, right, dtype)
        check(kernel(a, b), wanted_of(ufunc, a, b))
        check(kernel(b, a), wanted_of(ufunc, b, a))
    x = sample(rng, (40, 50), dtype)
    for a, b in ((x[:, 1:], x[:, :-1]), (x[1:], x[:-1]), (x[::2, 3:20], x[1::2, 4:21]), (x[:, 5:], x[0, 5:])):
        check(kernel(a, b), wanted_of(ufunc, a, b))


def test_operands_in_different_orders(machine, rng, dtype):
    # As the sum of a block's input and what its attention gives: the same shape, rows in another order.
    for shape in ((5, 3, 8), (1, 4, 7), (40, 20, 33), (2, 3, 4, 5)):
        a = sample(rng, shape, dtype)
        b = np.ascontiguousarray(sample(rng, shape, dtype).swapaxes(0, 1)).swapaxes(0, 1)
        for left, right in ((a, b), (b, a)):
            got, want = _native.add(left, right), wanted_of(np.add, left, right)
            check(got, want)
            assert got.strides == np.add(left, right).strides


def test_the_order_of_memory_is_the_ufuncs(rng):
    x = rng.standard_normal((6, 7, 8)).astype(np.float32)
    for view in (
        x,
        x.T,
        x.transpose(1, 0, 2),
        x.transpose(0, 2, 1),
        x[:, 1:],
        x.T[1:],
        x[::-1],
        x[..., ::2],
        x.T[..., ::2],
    ):
        for a, b in ((view, view), (view, view[0]), (view, np.ones((), np.float32))):
            got = _native.add(a, b)
            if got is not NotImplemented:
                assert got.strides == np.add(a, b).strides
        got = _native.negative(view)
        if got is not NotImplemented:
            assert got.strides == np.negative(view).strides


def test_results_given(machine, rng, dtype):
    a, b = sample(rng, (30, 40), dtype), sample(rng, (30, 40), dtype)
    wanted = wanted_of(np.multiply, a, b)
    out = np.empty_like(a)
    assert _native.multiply(a, b, out) is out
    check(out, wanted)
    target = a.copy()
    assert _native.multiply(target, b, out=target) is target
    check(target, wanted)
    wide = np.zeros((30, 80), dtype)
    assert _native.multiply(a, b[0], wide[:, 40:]) is not NotImplemented
    check(wide[:, 40:], wanted_of(np.multiply, a, b[0]))
    assert not wide[:, :40].astype(bool).any()
    for bad in (a[1:], np.empty((30, 40), np.int8), np.empty((1, 30, 40), dtype), a.T, np.empty((40, 30), dtype).T):
        assert _native.multiply(a, b, bad) is NotImplemented
    flat = np.ones(41, dtype)
    assert _native.add(flat[1:], flat[1:], flat[:-1]) is NotImplemented
    flat.flags.writeable = False
    assert _native.add(flat, flat, flat) is NotImplemented


def test_accumulate_adds_in_place(machine, rng, dtype):
    for shape in SHAPES:
        total, value = sample(rng, shape, dtype), sample(rng, shape, dtype)
        wanted = wanted_of(np.add, total, value)
        assert _native.accumulate(total, value) is None
        check(total, wanted)
    same = np.ones(40, dtype)
    assert _native.accumulate(same, np.broadcast_to(np.ones((), dtype), (40,))) is None
    _native.accumulate(same, same)
    np.testing.assert_array_equal(same.astype(np.float32), 4 * np.ones(40))
    assert _native.accumulate(same[1:], same[:-1]) is NotImplemented
    same.flags.writeable = False
    assert _native.accumulate(same, same) is NotImplemented


@pytest.mark.parametrize("name", [*UNARY, "reciprocal_sqrt"])
def test_one_array(machine, rng, dtype, name):
    kernel = getattr(_native, name)
    function = getattr(arithmetic, name, None) or getattr(np, name)
    if np.dtype(dtype).kind == "i" and name in ("sqrt", "reciprocal", "reciprocal_sqrt"):
        assert kernel(np.ones(3, dtype)) is NotImplemented
        return
    for shape in SHAPES:
        x = sample(rng, shape, dtype)
        check(kernel(x), wanted_of(function, x))


def test_three_arrays(machine, rng, dtype):
    if np.dtype(dtype).kind == "i":
        assert _native.add_product(*[np.ones(3, dtype)] * 3, 1) is NotImplemented
        return
    for shape in SHAPES:
        a, b, c = (rng.permutation(sample(rng, shape, dtype).reshape(-1)).reshape(shape) for _ in range(3))
        for number in (1, 0.25, 0.75):
            for name in ("add_product", "add_quotient"):
                got, function = getattr(_native, name)(a, b, c, number), getattr(arithmetic, name)
                check(got, wanted_of(lambda u, v, w: function(u, v, w, number), a, b, c))
            got = _native.interpolate(a, b, number)
            check(got, wanted_of(lambda u, v: arithmetic.interpolate(u, v, number), a, b))


def test_what_the_kernels_do_not_take_is_left_to_the_reference():
    x = np.ones((4, 6), np.float32)
    for other in (x.T, x[:, ::2], x.astype(np.int16), x.astype(">f4"), None, "x", np.ones((3, 6), np.float32)):
        assert _native.add(other, x) is NotImplemented
        assert _native.add(x, other) is NotImplemented
    for other in (x[:, ::2], x.astype(np.int16), x.astype(">f4"), None, 1.0):
        assert _native.negative(other) is NotImplemented
    assert _native.add(x, x.astype(np.float64)) is NotImplemented
    assert _native.add(1.0, 2.0) is NotImplemented
    whole = np.ones(3, np.int32)
    for number in (0.5, 1 << 40, True):
        assert _native.add(whole, number) is NotImplemented


@pytest.mark.parametrize("offset", [0, 1, 5, 16])
def test_results_written_past_the_caches(machine, no_cache, rng, dtype, offset):
    """Sizes around whole vectors; results that begin anywhere in a line."""
    for size in (1, 3, 15, 16, 17, 64, 1500, 70001):
        a, b = sample(rng, size, dtype), rng.permutation(sample(rng, size, dtype))
        check(_native.add(a, b), wanted_of(np.add, a, b))
        check(_native.negative(a), wanted_of(np.negative, a))
        check(_native.maximum(a, a.dtype.type(2).item()), wanted_of(np.maximum, a, a.dtype.type(2)))
        around = np.zeros(size + offset + 20, dtype)
        _native.subtract(a, b, around[offset : offset + size])
        check(around[offset : offset + size], wanted_of(np.subtract, a, b))
        assert not around[:offset].any() and not around[offset + size :].any()
    rows = sample(rng, (40, 1030), dtype)
    check(_native.add(rows, rows[:, :1]), wanted_of(np.add, rows, np.broadcast_to(rows[:, :1], rows.shape)))
    own = rows.copy()
    assert _native.add(own, rows, own) is own
    check(own, wanted_of(np.add, rows, rows))
