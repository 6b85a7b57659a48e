"""Choosing by masks, compiled, against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import selecting as reference

SHAPES = [(1,), (63,), (64,), (65,), (1000,), (3, 5), (7, 64), (2, 3, 130), (40000,), (130, 257), (1, 1, 1)]
TYPES = [np.bool_, np.float16, np.float32, np.int64, np.complex128]


def masks(rng: Any, shape: Any) -> Any:
    """Half, little, all and none of it."""
    for share in (0.5, 0.01, 1, 0):
        yield rng.random(shape) < share


@pytest.mark.parametrize("type_", TYPES)
def test_what_is_chosen_is_the_references(machine: Any, type_: Any) -> None:
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        x = rng.integers(0, 99, shape).astype(type_)
        for dims in range(1, len(shape) + 1):
            for mask in masks(rng, shape[:dims]):
                got = _native.select_masked(x, mask)
                assert got.dtype == x.dtype
                np.testing.assert_array_equal(got, reference.select_masked(x, mask))
                if dims == len(shape) and x.itemsize < 16:
                    filled = _native.fill_masked(x, mask, np.array(x.reshape(-1)[0]))
                    np.testing.assert_array_equal(filled, reference.fill_masked(x, mask, np.array(x.reshape(-1)[0])))
                    assert filled.dtype == x.dtype
                values = rng.integers(0, 99, got.size + 3).astype(type_)
                givens = [values, values[:1].reshape(())] if dims == len(shape) else [values]
                for given in givens:
                    one, other = x.copy(), x.copy()
                    assert _native.place_masked(one, mask, given) is None
                    reference.place_masked(other, mask, given)
                    np.testing.assert_array_equal(one, other)


def test_coordinates_are_the_references(machine: Any) -> None:
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        for mask in masks(rng, shape):
            got, wanted = _native.places_of(mask), reference.places_of(mask)
            assert got.dtype == np.int64
            np.testing.assert_array_equal(got, wanted)


def test_any_byte_but_zero_is_true(machine: Any) -> None:
    mask = np.arange(200, dtype=np.uint8).view(np.bool_)
    np.testing.assert_array_equal(_native.select_masked(np.arange(200), mask), np.arange(1, 200))


def test_what_the_kernels_leave_to_the_reference(machine: Any) -> None:
    x, mask = np.ones((4, 6)), np.ones((4, 6), np.bool_)
    for a, m in ((x.T, mask.T), (x, mask[:3]), (x, mask.astype(np.uint8)), (x[:, ::2], mask[:, ::2]), (x, mask[:, :1])):
        assert _native.select_masked(a, m) is NotImplemented
    assert _native.place_masked(x, mask, np.ones(23)) is NotImplemented
    assert _native.place_masked(x, mask, np.ones(24, np.float32)) is NotImplemented
    assert _native.place_masked(x, mask, x) is NotImplemented
    assert _native.place_masked(x, mask[:, 0].copy(), np.array(1.0)) is NotImplemented
    assert _native.fill_masked(x, mask[0], np.array(1.0)) is NotImplemented
    assert _native.fill_masked(x, mask, np.array(1, np.float32)) is NotImplemented
    assert _native.places_of(np.ones((3, 0), np.bool_)) is NotImplemented
    with pytest.raises(ValueError, match="reshape"):
        reference.place_masked(x, mask, np.ones(23))
    with pytest.raises(TypeError, match="ndarray"):
        _native.places_of(3)


def test_items_at_addresses_that_are_no_multiple_of_their_size_are_left_to_the_reference(machine: Any) -> None:
    numbers = np.zeros(42, np.float32)[1:41]
    rows, complex_ = numbers.reshape(20, 2), numbers.view(np.complex64)
    mask = np.arange(20) % 3 == 0
    for x in (rows, complex_):
        assert _native.select_masked(x, mask) is NotImplemented
        assert _native.place_masked(x, mask, x[mask]) is NotImplemented
        assert _native.place_masked(x.copy(), mask, x) is NotImplemented
    assert _native.fill_masked(complex_, mask, np.array(1, np.complex64)) is NotImplemented
    wide = numbers.reshape(10, 4)
    np.testing.assert_array_equal(_native.select_masked(wide, mask[:10]), wide[mask[:10]])
