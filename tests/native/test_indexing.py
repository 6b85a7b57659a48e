"""The compiled gathering and scattering against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import index as reference

# The array's shape, the index's, and the dimension.
CASES = [
    ((5,), (9,), 0), ((4, 5), (4, 3), 1), ((4, 5), (2, 5), 1), ((4, 5), (7, 5), 0), ((3, 4, 5), (3, 9, 2), 1), ((1, 1), (1, 1), 0),
    ((3, 4, 5), (6, 4, 5), 0), ((3, 4, 5), (2, 3, 4), 2), ((4, 5), (0, 5), 0), ((200, 300), (200, 300), 1), ((200, 300), (200, 300), 0),
]  # fmt: skip
TYPES = [np.float32, np.float64, np.int64]
WAYS = ["copy", "add", "multiply", "maximum", "minimum"]


def drawn(rng, type_, shape):
    x = rng.integers(-9, 9, shape).astype(type_)
    if x.dtype.kind == "f" and x.size > 3:
        x.reshape(-1)[1] = np.nan
    return x


def arrangements(x):
    """The array in row-major order, in another order, with steps, and backwards."""
    yield x
    yield np.asfortranarray(x)
    wide = np.repeat(x, 2, -1)[..., ::2]
    yield wide
    yield np.ascontiguousarray(x[::-1])[::-1]


@pytest.mark.parametrize("type_", TYPES)
def test_gathering_is_the_references(machine, type_):
    rng = np.random.default_rng(0)
    for shape, places, dim in CASES:
        index = rng.integers(0, shape[dim], places)
        for x in arrangements(drawn(rng, type_, shape)):
            for named in arrangements(index):
                got = _native.gather_along(x, dim, named)
                assert got.dtype == type_ and got.flags.c_contiguous
                np.testing.assert_array_equal(got, reference.gather_along(x, dim, named))


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("type_", TYPES)
def test_scattering_is_the_references(machine, type_, how):
    rng = np.random.default_rng(0)
    for shape, places, dim in CASES:
        index = rng.integers(0, shape[dim], places)
        start, given = drawn(rng, type_, shape), drawn(rng, type_, places)
        for x in arrangements(start):
            for values in (*arrangements(given), np.asarray(3, type_))[:: 1 if x.size < 100 else 4]:
                got, wanted = x.copy("K"), start.copy()
                # In the index's order: of a place that is named repeatedly the last value stays.
                reference.scatter_along(how, wanted, dim, index, values)
                assert _native.scatter_along(how, got, dim, index, values) is None
                np.testing.assert_array_equal(got, wanted)
            if x.size > 100:
                break


@pytest.mark.parametrize("type_", TYPES)
def test_adding_slices_is_the_references(machine, type_):
    rng = np.random.default_rng(0)
    for shape, _, dim in [
        *CASES,
        ((40000,), (0,), 0),
        ((3, 70), (0,), 0),
        ((1, 700, 80), (0,), 1),
        ((0, 4, 2), (0,), 1),
        ((2, 4, 0), (0,), 1),
    ]:
        count = 40000 if shape == (40000,) else 300
        index = rng.integers(-shape[dim], shape[dim], count)
        values = rng.integers(-9, 9, (*shape[:dim], count, *shape[dim + 1 :])).astype(type_)
        x = rng.integers(-9, 9, shape).astype(type_)
        got, wanted = x.copy(), x.copy()
        assert _native.add_along(got, dim, index, values, True) is None
        reference.add_along(wanted, dim, index, values, True)
        np.testing.assert_array_equal(got, wanted)


MOVED = [np.uint8, np.float16, np.float32, np.complex64, np.complex128, np.bool_]


@pytest.mark.parametrize("type_", MOVED)
def test_slices_are_read_and_written_as_by_the_reference(machine, type_):
    rng = np.random.default_rng(0)
    for shape, _, dim in [
        *CASES,
        ((40000,), (0,), 0),
        ((3, 70), (0,), 0),
        ((1, 700, 80), (0,), 1),
        ((40, 900), (0,), 1),
        ((0, 4, 2), (0,), 1),
        ((2, 4, 0), (0,), 1),
    ]:
        x = rng.integers(0, 9, shape).astype(type_)
        for wraps, count in ((False, 11), (True, 900), (True, 40000 if len(shape) == 1 else 1)):
            index = rng.integers(-shape[dim] if wraps else 0, shape[dim], count)
            got = _native.take_along(x, dim, index, wraps)
            if got is NotImplemented:
                assert not x.size
                got = reference.take_along(x, dim, index, wraps)
            assert got.dtype == x.dtype
            np.testing.assert_array_equal(got, reference.take_along(x, dim, index, wraps))
            values = rng.integers(0, 9, got.shape).astype(type_)
            for given in (values, np.asarray(5, type_)):
                one, other = x.copy(), x.copy()
                assert _native.put_along(one, dim, index, given, wraps) is None
                reference.put_along(other, dim, index, given, wraps)
                np.testing.assert_array_equal(one, other)


def test_copies_are_copies(machine):
    x = np.random.default_rng(0).standard_normal((300, 1001))
    for array in (x, x.astype(np.float32), x > 0):
        got = _native.copied(array)
        assert got.dtype == array.dtype and not np.shares_memory(got, array)
        np.testing.assert_array_equal(got, array)
    assert _native.copied(x[:2]) is NotImplemented
    assert _native.copied(x.T) is NotImplemented
    assert _native.copied(x.astype(object)) is NotImplemented


def test_places_are_the_references(machine):
    rng = np.random.default_rng(0)
    for shape in ((), (0,), (5,), (300, 200)):
        for lengths in ((4,), (4, 7), (3, 1, 6)):
            indices = tuple([rng.integers(-n, n, shape) for n in lengths])
            indices = tuple([np.asarray(i, np.int64) for i in indices])
            np.testing.assert_array_equal(
                _native.flat_places(indices, lengths), reference.flat_places(indices, lengths)
            )


def test_sums_are_added_in_the_indexs_order(machine, dtype):
    values = np.array([1, 1e10, -1e10, 1e-7, 3], dtype)
    out = np.zeros(1, dtype)
    _native.add_along(out, 0, np.zeros(5, np.int64), values)
    total = dtype(0)
    for value in values:
        total = dtype(total + value)
    assert out[0] == total


def test_what_the_kernels_leave_to_the_reference(machine):
    x, index = np.ones((3, 4)), np.zeros((3, 4), np.int64)
    outside, narrow = np.full((3, 4), 4), index.astype(np.int32)
    for bad in (outside, -1 - index, narrow):
        assert _native.gather_along(x, 1, bad) is NotImplemented
    for bad in (outside, -1 - index):
        with pytest.raises(IndexError):
            _native.scatter_along("copy", x, 1, bad, x.copy())
    assert _native.scatter_along("copy", x, 1, narrow, x.copy()) is NotImplemented
    assert _native.add_along(x, 1, np.array([0, 4]), np.ones((3, 2))) is NotImplemented
    assert _native.add_along(x, 1, np.array([0, -5]), np.ones((3, 2)), True) is NotImplemented
    assert _native.add_along(x, 1, np.array([0, -1]), np.ones((3, 2))) is NotImplemented
    assert _native.gather_along(x.astype(np.longdouble), 1, index).dtype == np.longdouble
    assert _native.gather_along(x.astype(object), 1, index) is NotImplemented
    for bad in (np.array([0, 4]), np.array([0, -1]), np.array([[0]]), np.array([0, 1], np.int32)):
        assert _native.take_along(x, 1, bad) is NotImplemented
        assert _native.put_along(x.copy(), 1, bad.reshape(-1), np.array(7.0)) is NotImplemented or bad.ndim == 2
    assert _native.take_along(x.T, 0, np.array([0])) is NotImplemented
    assert _native.add_along(x.T, 0, np.array([0]), np.ones((1, 3))) is NotImplemented
    assert _native.flat_places((np.array([3]), np.array([0])), (3, 4)) is NotImplemented
    assert _native.scatter_along("add", x, 1, index, x) is NotImplemented
    assert _native.scatter_along("add", np.broadcast_to(x[:1], (3, 4)), 1, index, x) is NotImplemented
    frozen = x.copy()
    frozen.flags.writeable = False
    assert _native.scatter_along("add", frozen, 1, index, x) is NotImplemented
    np.testing.assert_array_equal(x, np.ones((3, 4)))


def test_items_at_addresses_that_are_no_multiple_of_their_size_are_left_to_the_reference(machine):
    shifted = np.zeros(42, np.float32)[1:41].view(np.complex64).reshape(4, 5)
    spread = np.zeros(20, [("x", np.complex64), ("y", np.int32)])["x"].reshape(4, 5)  # 12 bytes from item to item
    index, places = np.zeros((4, 5), np.int64), np.array([0, 3])
    for x in (shifted, spread):
        assert _native.gather_along(x, 1, index) is NotImplemented
        assert _native.scatter_along("copy", np.zeros((4, 5), np.complex64), 1, index, x) is NotImplemented
        assert _native.take_along(x, 1, places) is NotImplemented
        assert _native.put_along(x, 1, places, np.zeros((4, 2), np.complex64)) is NotImplemented
        assert _native.put_along(np.zeros((4, 9), np.complex64), 1, np.arange(5), x) is NotImplemented
    assert _native.take_along(shifted.view(np.float32), 1, places).shape == (4, 2)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x, i: _native.gather_along(x, 2, i), ValueError, "dim"),
        (lambda x, i: _native.gather_along(x[:2], 1, i), ValueError, "larger"),
        (lambda x, i: _native.gather_along(3, 1, i), TypeError, "ndarray"),
        (lambda x, i: _native.scatter_along("least", x, 1, i, x), ValueError, "how"),
        (lambda x, i: _native.add_along(x, 1, i[0], np.ones((3, 3))), ValueError, "shape"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call(np.ones((3, 4)), np.zeros((3, 4), np.int64))


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("type_", TYPES)
def test_an_index_repeated_along_other_dimensions_names_slices(machine, type_, how):
    rng = np.random.default_rng(0)
    for shape, count, dim in [
        ((7, 5), 30, 0), ((7, 5), 3, 1), ((3, 400, 2), 500, 1), ((9, 3000), 40, 0), ((500, 70), 900, 0), ((40000, 1), 50000, 0),
        ((1, 5), 9, 0), ((5, 1), 9, 0), ((4, 3), 1, 0),
    ]:  # fmt: skip
        own = [*shape]
        own[dim] = count
        index = rng.integers(0, shape[dim], count).reshape([-1 if d == dim else 1 for d in range(len(shape))])
        wide = np.broadcast_to(index, own)
        start, given = drawn(rng, type_, shape), drawn(rng, type_, own)
        for x in (start, np.asfortranarray(start), np.repeat(start, 2, -1)[..., ::2]):
            for values in (given, np.asfortranarray(given)):
                got, wanted = x.copy("K"), start.copy()
                reference.scatter_along(how, wanted, dim, wide, values)
                assert _native.scatter_along(how, got, dim, wide, values) is None
                np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dim", [0, 1])
def test_what_is_out_of_range_is_refused(machine, dim):
    rng = np.random.default_rng(0)
    for shape in ((70000,), (300, 200)):
        if dim >= len(shape):
            continue
        for bad in (-1, shape[dim]):
            index = rng.integers(0, shape[dim], shape)
            index.reshape(-1)[-7] = bad
            out = np.zeros(shape, np.float32)
            with pytest.raises(IndexError):
                _native.scatter_along("add", out, dim, index, np.ones(shape, np.float32))
            line = index.reshape(-1)
            assert (
                _native.add_along(np.zeros(shape[dim], np.float32), 0, line, np.ones(line.size, np.float32))
                is NotImplemented
            )
