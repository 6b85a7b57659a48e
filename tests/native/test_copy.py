"""The compiled copy between two orders in memory against the reference."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rushlight import _native, kernels
from rushlight.kernels.reference import copy as reference

SHAPES = [
    (),
    (0, 3),
    (1,),
    (7,),
    (1, 5),
    (5, 1, 3),
    (33, 17),
    (64, 130),
    (2, 3, 19, 5),
    (3, 1, 40, 33),
    (2, 3, 2, 5, 4),
]
KINDS = [np.float32, np.int32, np.float64, np.int64, np.complex64]


def filled(rng, shape, kind):
    return rng.integers(-100, 100, shape).astype(kind)


def same_copy(out, source, expected=None):
    expected = reference.copy_into if expected is None else expected
    want = out.copy()
    assert _native.copy_into(out, source) is None
    expected(want, source)
    np.testing.assert_array_equal(out, want)


def test_every_order_of_both_equals_the_reference(machine, rng):
    for shape in SHAPES:
        orders = list(itertools.permutations(range(len(shape))))[:24]
        for one in orders:
            source = filled(rng, [shape[d] for d in one], np.float32).transpose(np.argsort(one))
            other = orders[int(rng.integers(len(orders)))]
            out = np.empty([shape[d] for d in other], np.float32).transpose(np.argsort(other))
            out[...] = 0
            same_copy(out, source)


@pytest.mark.parametrize("kind", KINDS)
def test_slices_steps_and_repeats_equal_the_reference(machine, rng, kind):
    large = filled(rng, (60, 70), kind)
    for source in (
        large[::2],
        large[:, ::3],
        large[::-1, ::-1],
        large[3:40].T,
        large[::-1].T[5:],
        large[:1].repeat(9, 0),
    ):
        same_copy(np.zeros(source.shape, kind), source)
        wide = np.zeros((source.shape[0] + 2, source.shape[1] * 2), kind)
        same_copy(wide[1:-1, ::2], source)
    repeated = np.broadcast_to(large[0], (50, 70))
    same_copy(np.zeros((50, 70), kind), repeated)
    same_copy(np.zeros((70, 50), kind), repeated.T)
    for shape in ((50, 70), (3, 30_001), (2, 9, 5), (1, 7)):  # one element everywhere, one a row, one a column of rows
        same_copy(np.zeros(shape, kind), np.broadcast_to(large[5, 5], shape))
        same_copy(np.zeros(shape, kind), np.broadcast_to(large[: shape[-2], 3:4], shape))
        same_copy(np.zeros(shape, kind).T, np.broadcast_to(large[: shape[-2], 3:4], shape).T)
        same_copy(np.zeros((*shape[:-1], shape[-1] + 3), kind)[..., 1:-2], np.broadcast_to(large[5, 5], shape))


def test_every_bit_of_a_nan_is_kept(machine):
    bits = np.array([0x7FA00001, 0xFF800001, 0x7FC12345, 1] * 160, np.uint32).reshape(32, 20)
    out = np.empty((20, 32), np.float32)
    _native.copy_into(out, bits.view(np.float32).T)
    np.testing.assert_array_equal(out.view(np.uint32), bits.T)


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_are_parted_and_joined(machine, rng, kind):
    for lead, n in ((1, 1), (3, 7), (2, 16), (5, 33), (700, 31), (1, 5000)):
        pairs, rows = filled(rng, (lead, n, 2), kind), filled(rng, (lead, 2, n), kind)
        same_copy(np.zeros((lead, 2, n), pairs.dtype), pairs.swapaxes(1, 2))
        same_copy(np.zeros((lead, n, 2), pairs.dtype), rows.swapaxes(1, 2))
        # Four rows of pixels of which two make one; and what lies apart.
        wide = filled(rng, (lead, n, 5), kind)
        same_copy(np.zeros((lead, 2, n), pairs.dtype), wide[..., 1:3].swapaxes(1, 2))
        same_copy(np.zeros((lead, n, 4), pairs.dtype)[..., :2], rows.swapaxes(1, 2))


@pytest.mark.parametrize("kind", [*KINDS, np.int16, np.bool_, np.complex128])
def test_arrays_are_joined_and_stacked_as_the_reference_does(machine, rng, kind):
    for shape in SHAPES:
        many = [*shape[:1], 20_000] if len(shape) == 1 else shape
        for dim in range(-len(shape), len(shape)):
            lengths = [int(n) for n in rng.integers(0, 5, int(rng.integers(1, 6)))] + [many[dim]]
            arrays = [filled(rng, [*shape[:dim], n, *shape[dim:][1:]], kind) for n in lengths]
            same_result("joined", arrays, dim)
        for dim in range(-len(shape) - 1, len(shape) + 1):
            same_result("stacked", [filled(rng, shape, kind) for _ in range(int(rng.integers(1, 5)))], dim)


def test_long_arrays_are_joined_past_the_caches(machine, rng, no_cache):
    arrays = [rng.random((3, n, 701)).astype(np.float32) for n in (5, 1, 40)]
    for dim in (1, -2):
        same_result("joined", arrays, dim)
    same_result("joined", [array.reshape(-1) for array in arrays], 0)
    # What begins within a cache line, and a part of it.
    same_result("joined", [array.reshape(-1)[3:-2] for array in arrays], 0)


def same_result(name, arrays, dim):
    found = getattr(_native, name)(arrays, dim)
    expected = getattr(reference, name)(arrays, dim)
    if found is NotImplemented:
        assert expected.itemsize < 4
        return
    assert found.flags.c_contiguous and found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_what_the_kernel_does_not_join_is_left_to_the_reference():
    x = np.zeros((4, 4), np.float32)
    for arrays, dim in (
        ([], 0), ([x], 3), ([x, x[0]], 0), ([x, x.T], 0), ([x, x.astype(">f4")], 0), ([x, x.astype("d")], 1),
        ([x, x[:3]], 1), ([x.astype(object)], 0), ([x[0, 0, None].reshape(())], 0),
    ):  # fmt: skip
        assert _native.joined(arrays, dim) is NotImplemented
    for arrays, dim in (([], 0), ([x], 3), ([x], -4), ([x, x[:3]], 0), ([x.T[1:], x.T[1:]], 0)):
        assert _native.stacked(arrays, dim) is NotImplemented
    for wrong in ((x,), None, [x, 1], [None]):
        with pytest.raises(TypeError, match="arrays"):
            _native.joined(wrong, 0)


@pytest.mark.parametrize("module", [_native, kernels, reference])
def test_wrong_arguments_raise(module):
    x = np.zeros((2, 3), np.float32)
    fixed = np.zeros((2, 3), np.float32)
    fixed.flags.writeable = False
    for out, source, message in ((x, x.T, "same shape"), (fixed, x, "read-only")):
        with pytest.raises(ValueError, match=message):
            module.copy_into(out, source)


def test_what_the_kernel_does_not_copy_is_left_to_the_reference():
    x = np.zeros((4, 4), np.float32)
    for out, source in (
        (x, x.T), (x, np.zeros((4, 4))), (x.astype(np.int16), x.astype(np.int16)), (x.astype(">f4"), x.astype(">f4")),
        (np.zeros((4, 4), object), np.zeros((4, 4), object)), (np.zeros((1,) * 9, "f"), np.zeros((1,) * 9, "f")),
    ):  # fmt: skip
        assert _native.copy_into(out, source) is NotImplemented


@pytest.mark.parametrize("kind", KINDS)
def test_triangles_are_the_references(machine, kind):
    rng = np.random.default_rng(0)
    for shape in [(0, 3), (3, 0), (1, 1), (5, 7), (7, 5), (2, 3, 33, 17), (130, 300)]:
        x = filled(rng, shape, kind)
        for diagonal in (0, 1, -1, 4, -4, 1000, -1000):
            for lower in (False, True):
                got = _native.triangle(x, diagonal, lower)
                assert got.dtype == x.dtype
                np.testing.assert_array_equal(got, reference.triangle(x, diagonal, lower))
    assert _native.triangle(np.ones((4, 5), kind).T, 0, True) is NotImplemented
    with pytest.raises(ValueError, match=r"matrices"):
        _native.triangle(np.ones(4, kind), 0, True)


def test_copies_past_the_caches(machine, no_cache, rng):
    for kind in KINDS:
        source = filled(rng, 5003, kind)
        for first, last in ((0, 5003), (1, 5000), (3, 19), (16, 17)):
            same_copy(np.zeros(5100, kind)[first:last], source[: last - first])
