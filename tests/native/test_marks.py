"""The compiled bounds with marks against the reference, and gradients written into the array they came in."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import elementwise, marks, norm

SHAPES = [(), (0,), (1,), (7,), (8,), (17,), (63,), (64,), (65,), (5, 7, 9), (1003,), (300, 301)]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, -0.5, 0.7]
BOUNDS = [(-0.5, 0.7), (-np.inf, 0.0), (0.0, np.inf), (0.5, -0.5)]


def sample(rng, shape, dtype):
    x = rng.standard_normal(shape).astype(dtype)
    x.reshape(-1)[: len(SPECIAL)] = SPECIAL[: x.size]
    return x


@pytest.mark.parametrize("open", [False, True])
def test_clamp_marked_and_keep_marked_equal_the_reference(machine, rng, dtype, open):
    for shape in SHAPES:
        x, grad = sample(rng, shape, dtype), np.asarray(rng.standard_normal(shape), dtype)
        for low, high in BOUNDS:
            out, bits = _native.clamp_marked(x, low, high, open)
            wanted, wanted_bits = marks.clamp_marked(x, low, high, open)
            assert out.dtype == dtype and out.shape == shape
            np.testing.assert_array_equal(out, wanted)
            np.testing.assert_array_equal(bits, wanted_bits)
            kept = marks.keep_marked(grad, bits)
            np.testing.assert_array_equal(_native.keep_marked(grad, bits), kept)
            own = grad.copy()
            assert _native.keep_marked(own, bits, True) is own
            np.testing.assert_array_equal(own, kept)


def test_gradients_are_written_in_place_where_asked(machine, rng, dtype):
    for shape in SHAPES:
        grad, out = sample(rng, shape, dtype), sample(rng, shape, dtype)
        wanted = elementwise.threshold_backward(grad, out)
        assert _native.threshold_backward(grad, out, True) is grad
        np.testing.assert_array_equal(grad, wanted)
    for view, axes, affine in (
        ((4, 3, 5, 7), (0, 2, 3), (1, 3, 1, 1)),
        ((70, 37), (0,), (1, 37)),
        ((9, 33), (1,), (33,)),
    ):
        grad, x = (rng.standard_normal(view).astype(dtype) for _ in range(2))
        _, mean, _, rstd = norm.normalize(x, None, None, view, axes, affine, 1e-5)
        mean, rstd = (np.ascontiguousarray(a) for a in (mean, rstd))
        wanted = _native.normalize_backward(grad, x, None, mean, rstd, view, axes, affine, True)
        got = _native.normalize_backward(grad, x, None, mean, rstd, view, axes, affine, True, True)
        assert got[0] is grad
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_may_not_be_written_is_left_alone(rng):
    grad = rng.standard_normal(16).astype(np.float32)
    bits = np.zeros(2, np.uint8)
    before = grad.copy()
    grad.flags.writeable = False
    assert not _native.keep_marked(grad, bits, True).any()
    assert not _native.threshold_backward(grad, np.zeros_like(grad), True).any()
    np.testing.assert_array_equal(grad, before)
    whole = rng.standard_normal(20).astype(np.float32)
    wanted = elementwise.threshold_backward(whole[:16].copy(), whole[4:].copy())
    np.testing.assert_array_equal(_native.threshold_backward(whole[:16], whole[4:], True), wanted)


def test_marks_of_another_size_raise():
    grad = np.ones(17, np.float32)
    for module in (_native, marks):
        for wrong in (np.zeros(2, np.uint8), np.zeros((3, 1), np.uint8), np.zeros(3, np.int8)):
            with pytest.raises(ValueError, match="a bit for each element"):
                module.keep_marked(grad, wrong)
