"""The compiled padding by copies against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels import padding
from rushlight.kernels.reference import pad

CASES = [(1, 1, 1), (2, 5, 7), (32, 16, 16), (3, 64, 65), (0, 4, 4), (40, 33, 31)]


def test_copies_and_their_adjoint_equal_the_reference(machine, rng, dtype):
    for planes, height, width in CASES:
        for rows, columns in (
            (pad.sources(height, 1, 1, "replicate"), pad.sources(width, 2, 0, "replicate")),
            (pad.sources(height, 0, 2, "circular"), pad.sources(width, 1, 1, "circular")),
            (rng.integers(0, height, 9), rng.integers(0, width, 11)),
            (np.arange(0), np.arange(0)),
        ):
            x = rng.standard_normal((planes, height, width)).astype(dtype)
            np.testing.assert_array_equal(_native.copy_planes(x, rows, columns), pad.copy_planes(x, rows, columns))
            grad = rng.standard_normal((planes, len(rows), len(columns))).astype(dtype)
            got = _native.add_planes(grad, rows, columns, height, width)
            wanted = pad.add_planes(grad, rows, columns, height, width)
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_images_are_padded_as_any_other_array(machine, rng, dtype, mode):
    x = rng.standard_normal((2, 3, 9, 8)).astype(dtype)
    for pads in (((1, 1), (2, 3)), ((3, 0), (0, 0)), ((-1, 2), (1, -2))):
        out = padding.pad_index(x, pads, mode)
        np.testing.assert_array_equal(out, pad.pad_index(x, pads, mode))
        grad = rng.standard_normal(out.shape).astype(dtype)
        got, wanted = (m.pad_index_backward(grad, (9, 8), pads, mode) for m in (padding, pad))
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("module", [_native, pad])
def test_indices_out_of_range_raise(module):
    x, good = np.ones((2, 3, 4), np.float32), np.arange(3)
    with pytest.raises(IndexError):
        module.copy_planes(x, np.array([3]), good)
    with pytest.raises(IndexError):
        module.add_planes(x, good, np.array([0, 1, 2, 4]), 3, 4)
    with pytest.raises(ValueError, match="3-D"):
        module.copy_planes(x[0], good, good)


def test_other_arrays_are_left_to_the_reference():
    x, good = np.ones((2, 3, 4), np.float32), np.arange(3)
    for other in (x.transpose(0, 2, 1), x[:, :, ::2], x.astype(np.float16), x.astype(">f4")):
        assert _native.copy_planes(other, good, good) is NotImplemented
    assert _native.copy_planes(x, good.astype(np.int32), good) is NotImplemented


def test_constant_padding_equals_the_reference(machine, rng, dtype):
    for shape, pads in (
        ((7,), ((2, 3),)), ((7,), ((-2, 3),)), ((3, 5), ((1, 1), (2, 20))), ((4, 3, 33), ((0, 0), (1, 0))),
        ((4, 3, 33), ((1, 2), (0, 0))), ((2, 3, 9, 40), ((-1, 2), (3, -4))), ((2, 3, 4, 5), ((1, 0), (0, 2), (0, 0), (1, 1))),
        ((16, 40, 70), ((1, 1), (1, 1))), ((90, 13, 15), ((1, 2), (1, 1))), ((9000, 5), ((1, 2),)), ((9000, 1), ((0, 1),)),
        ((60, 9, 9, 9), ((1, 1), (0, 1), (2, 1))), ((3, 0), ((1, 1),)), ((0, 3), ((1, 1), (0, 0))), ((0, 3), ((1, 1),)),
        ((5, 6), ((-2, -3), (1, 1))), ((5, 6), ((-4, 9), (-6, 8))), ((2, 3, 4), ((1, 1), (-3, 0), (0, 0))),
    ):  # fmt: skip
        x = rng.standard_normal(shape).astype(dtype)
        for value in (0, 1.5, float("nan"), -float("inf")):
            got, wanted = _native.pad_constant(x, pads, value), pad.pad_constant(x, pads, value)
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(got, wanted)
    x = np.ones((2, 3), dtype)
    for bad in ((), ((1, 1),) * 3, ((-4, 0),), (1, 1), ((1.0, 1),), [(1, 1)], None):
        assert _native.pad_constant(x, bad, 0) is NotImplemented
    assert _native.pad_constant(x.T, ((1, 1),), 0) is NotImplemented
    assert _native.pad_constant(x, ((1, 1),), 1j) is NotImplemented
