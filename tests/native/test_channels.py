"""The compiled kernels of a number for each channel against the reference in float64."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import channels

SHAPES = [
    (3, 5),
    (70, 37),
    (1, 1),
    (2, 3, 7),
    (4, 16, 8, 8),
    (2, 5, 33, 31),
    (1, 2, 3, 4, 5),
    (3, 2, 1, 1),
    (2, 4, 60, 61),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_reference(machine, rng, dtype, shape):
    x, grad = ((rng.standard_normal(shape) + 3).astype(dtype) for _ in range(2))
    scale, shift, centre = (rng.standard_normal(shape[1]).astype(dtype) for _ in range(3))
    wide = [a.astype(np.float64) for a in (x, grad, scale, shift, centre)]
    tolerance = 1e-5 if dtype is np.float32 else 1e-13
    for add, wide_add in ((None, None), (shift, wide[3])):
        found, wanted = _native.scale_channels(x, scale, add), channels.scale_channels(wide[0], wide[2], wide_add)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    count = x.size // shape[1]
    for pair in ((x, centre), (None, None)):
        wide_pair = [None if a is None else a.astype(np.float64) for a in pair]
        for found, wanted in zip(
            _native.channel_sums(grad, *pair), channels.channel_sums(wide[1], *wide_pair), strict=True
        ):
            if wanted is None:
                assert found is None
                continue
            assert found.dtype == dtype
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * count)


def test_values_that_are_not_finite_stay_in_their_channel(machine):
    x = np.ones((2, 3, 17), np.float32)
    x[1, 1, 16] = np.nan
    scale = np.ones(3, np.float32)
    np.testing.assert_array_equal(np.isnan(_native.scale_channels(x, scale, scale)), np.isnan(x))
    np.testing.assert_array_equal(np.isnan(_native.channel_sums(x)[0]), [False, True, False])


def test_what_the_kernels_do_not_take_is_left_to_the_reference():
    x, scale = np.ones((2, 3, 4), np.float32), np.ones(3, np.float32)
    for other in (x.astype(np.float16), x.transpose(0, 2, 1)[:, :3], x[:0], x[0, 0]):
        assert _native.scale_channels(other, scale, None) is NotImplemented
        assert _native.channel_sums(other) is NotImplemented
    for wrong in (scale[:2], scale.astype(np.float64), scale[:, None]):
        assert _native.scale_channels(x, wrong, None) is NotImplemented
        assert _native.scale_channels(x, scale, wrong) is NotImplemented
        assert _native.channel_sums(x, x, wrong) is NotImplemented
    assert _native.channel_sums(x, x[:1], scale) is NotImplemented
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.scale_channels(None, scale, None)
