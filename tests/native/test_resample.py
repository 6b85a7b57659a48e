"""The compiled sums of a few weighted elements against the references."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import grid, resample


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((3, 5), 1), ((3, 5), 0), ((40, 33), 1), ((2, 17, 9), 1), ((2, 3, 16), 2), ((2, 7, 3, 20), 1), ((1, 1), 1)],
)
@pytest.mark.parametrize(("outputs", "taps"), [(1, 1), (7, 2), (33, 4)])
@pytest.mark.parametrize("weighted", [False, True])
def test_taps_along_an_axis(machine, dtype, shape, axis, outputs, taps, weighted):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    index = rng.integers(0, shape[axis], (outputs, taps))
    weight = rng.standard_normal((outputs, taps)).astype(dtype) if weighted else None
    found, wanted = _native.taps_along(x, axis, index, weight), resample.taps_along(x, axis, index, weight)
    assert found.dtype == dtype and found.shape == wanted.shape
    tolerance = 1e-5 if dtype is np.float32 else 1e-13
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("batch", "channels", "size", "points", "neighbours"), [(1, 1, 1, 1, 1), (2, 3, 20, 33, 4), (3, 5, 400, 700, 2)]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_places(machine, dtype, batch, channels, size, points, neighbours, weighted):
    rng = np.random.default_rng(1)
    image = rng.standard_normal((batch, channels, size)).astype(dtype)
    grad = rng.standard_normal((batch, channels, points)).astype(dtype)
    places = rng.integers(0, size + 1, (neighbours, batch, points))
    weight = rng.standard_normal(places.shape).astype(dtype) if weighted else None
    tolerance = 1e-4 if dtype is np.float32 else 1e-12
    for found, wanted in (
        (_native.blend_places(image, places, weight), grid.blend_places(image, places, weight)),
        (_native.spread_places(grad, places, weight, size), grid.spread_places(grad, places, weight, size)),
        (_native.pull_places(image, grad, places), grid.pull_places(image, grad, places)),
    ):
        assert found.dtype == dtype and found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def test_wrong_arguments():
    x, index = np.ones((2, 3, 4), np.float32), np.zeros((5, 2), np.int64)
    places = np.zeros((1, 2, 6), np.int64)
    for bad in (index + 4, index - 1):
        with pytest.raises(IndexError, match="outside"):
            _native.taps_along(x, 2, bad, None)
    with pytest.raises(ValueError, match="axis"):
        _native.taps_along(x, 3, index, None)
    for bad in (places + 5, places - 1):
        with pytest.raises(IndexError, match="outside"):
            _native.blend_places(x, bad, None)
        with pytest.raises(IndexError, match="outside"):
            _native.spread_places(np.ones((2, 3, 6), np.float32), bad, None, 4)
    assert _native.taps_along(x.astype(np.float16), 2, index, None) is NotImplemented
    assert _native.taps_along(x, 2, index, index) is NotImplemented
    assert _native.blend_places(x, places[:, :1], None) is NotImplemented
    assert _native.blend_places(x, places, np.ones((1, 2, 5), np.float32)) is NotImplemented
    assert _native.spread_places(x, places, None, 4) is NotImplemented
    assert _native.pull_places(x, x, places) is NotImplemented
