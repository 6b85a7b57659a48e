"""The compiled elementwise kernels against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import elementwise

SHAPES = [(), (0,), (1,), (3,), (17,), (8, 8), (5, 7, 9), (1003,), (300, 301)]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40]


def sample(rng, shape, dtype):
    x = rng.standard_normal(shape).astype(dtype)
    x.reshape(-1)[: len(SPECIAL)] = SPECIAL[: x.size]
    return x


def test_relu_equals_the_reference(machine, rng, dtype):
    for shape in SHAPES:
        x = sample(rng, shape, dtype)
        got = _native.relu_forward(x)
        assert got.dtype == dtype and got.shape == shape
        np.testing.assert_array_equal(got, elementwise.relu_forward(x))


def test_threshold_backward_equals_the_reference(machine, rng, dtype):
    for shape in SHAPES:
        grad, out = sample(rng, shape, dtype), rng.permutation(sample(rng, shape, dtype).reshape(-1)).reshape(shape)
        got = _native.threshold_backward(grad, out)
        np.testing.assert_array_equal(got, elementwise.threshold_backward(grad, out))


@pytest.mark.parametrize("module", [_native, elementwise])
def test_wrong_shapes_raise(module):
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match="same shape"):
        module.threshold_backward(x, x[:1])


def test_other_layouts_and_dtypes_are_left_to_the_reference():
    x = np.ones((4, 6), np.float32)
    for other in (x.T, x[:, ::2], x.astype(np.int64), x.astype(np.float16), x.astype(">f4")):
        assert _native.relu_forward(other) is NotImplemented
        assert _native.threshold_backward(other, other) is NotImplemented


@pytest.mark.parametrize("wrong", [None, 1.0, [1.0], "x"])
def test_what_is_no_array_raises(wrong):
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.relu_forward(wrong)
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.threshold_backward(np.ones(1), wrong)
