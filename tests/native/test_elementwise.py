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


def test_bias_grad_equals_the_reference(machine, rng, dtype):
    for rows, columns in [(0, 3), (3, 0), (1, 1), (64, 10), (64, 512), (7, 100), (1003, 5), (300, 1001)]:
        grad = rng.standard_normal((rows, columns)).astype(dtype)
        tolerance = (1e-6 if dtype == np.float32 else 1e-15) * (1 + rows**0.5) * 4
        np.testing.assert_allclose(_native.bias_grad(grad), grad.astype(np.longdouble).sum(0), rtol=0, atol=tolerance)


@pytest.mark.parametrize("module", [_native, elementwise])
def test_wrong_shapes_raise(module):
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match="same shape"):
        module.threshold_backward(x, x[:1])
    with pytest.raises(ValueError, match="2-D"):
        module.bias_grad(x[0])


def test_other_layouts_and_dtypes_are_left_to_the_reference():
    x = np.ones((4, 6), np.float32)
    for other in (x.T, x[:, ::2], x.astype(np.int64), x.astype(np.float16), x.astype(">f4")):
        assert _native.relu_forward(other) is NotImplemented
        assert _native.bias_grad(other) is NotImplemented
        assert _native.threshold_backward(other, other) is NotImplemented


@pytest.mark.parametrize("wrong", [None, 1.0, [1.0], "x"])
def test_what_is_no_array_raises(wrong):
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.relu_forward(wrong)
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.threshold_backward(np.ones(1), wrong)
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.bias_grad(wrong)
