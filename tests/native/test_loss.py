"""The compiled softmax and cross entropy against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native, kernels
from rushlight.kernels.reference import loss

SHAPES = [(0, 3), (3, 0), (1, 1), (2, 7), (64, 10), (5, 16), (3, 17), (33, 63), (4, 1003), (1200, 12)]
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-14}


def close(got, want, dtype):
    assert got.dtype == dtype and got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


# Shapes, and the dimensions to go along: the last, or one with neighbouring slices behind it.
ALONG = [(shape, 1) for shape in SHAPES] + [
    ((7,), 0), ((3, 7), 0), ((2, 5, 130), 1), ((300, 67), 0), ((2, 3, 4, 5), 2), ((3, 0, 4), 1), ((2, 3, 5), -3),
]  # fmt: skip


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_forward_equals_the_reference(machine, rng, dtype, name):
    for shape, dim in ALONG:
        x = (rng.standard_normal(shape) * 10).astype(dtype)
        close(getattr(_native, name)(x, dim), getattr(loss, name)(x.astype(np.float64), dim), dtype)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_backward_equals_the_reference(machine, rng, dtype, name):
    for shape, dim in ALONG:
        grad = rng.standard_normal(shape).astype(dtype)
        out = getattr(loss, name)(rng.standard_normal(shape).astype(dtype), dim)
        want = getattr(loss, f"{name}_backward")(grad.astype(np.float64), out.astype(np.float64), dim)
        tolerance = TOLERANCE[dtype] * (1 + shape[dim] ** 0.5)
        np.testing.assert_allclose(getattr(_native, f"{name}_backward")(grad, out, dim), want, rtol=0, atol=tolerance)


ROWS = [
    [1, 2, np.nan],
    [np.inf, 1, 2],
    [-np.inf, 1, 2],
    [-np.inf, -np.inf, -np.inf],
    [np.inf, np.inf, 0],
    [1e38, -1e38, 0],
    [1e4, 1e4, -1e4],
    [-200, 0, -90],
]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("width", [3, 16, 40])
def test_extreme_rows_equal_the_reference(machine, dtype, name, width):
    x = np.full((len(ROWS), width), -np.inf, dtype)
    x[:, :3] = ROWS
    want = getattr(loss, name)(x)
    np.testing.assert_allclose(getattr(_native, name)(x), want, rtol=1e-6, atol=1e-37)
    np.testing.assert_allclose(getattr(_native, name)(np.ascontiguousarray(x.T), 0), want.T, rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("ignore", [-100, 1, 10**12])
def test_cross_entropy_equals_the_reference(machine, rng, dtype, ignore):
    for rows, columns in [(0, 4), (1, 1), (64, 10), (33, 63), (3, 1003), (1200, 12)]:
        logits = (rng.standard_normal((rows, columns)) * 3).astype(dtype)
        target = rng.integers(0, columns, rows)
        target[::3] = ignore if ignore != 1 or columns > 1 else 0
        losses, normalizers, count = _native.softmax_cross_entropy(logits, target, ignore)
        want_losses, want_normalizers, want_count = loss.softmax_cross_entropy(
            logits.astype(np.float64), target, ignore
        )
        close(losses, want_losses, dtype)
        close(normalizers, want_normalizers, dtype)
        assert count == want_count
        grad = rng.standard_normal(rows).astype(dtype)
        got = _native.softmax_cross_entropy_backward(logits, normalizers, target, grad, ignore)
        wide = logits.astype(np.float64)
        want = loss.softmax_cross_entropy_backward(wide, want_normalizers, target, grad.astype(np.float64), ignore)
        close(got, want, dtype)


@pytest.mark.parametrize("module", [_native, kernels, loss])
@pytest.mark.parametrize("wrong", [7, -1, 3, -(2**63), 2**63 - 1])
def test_a_target_out_of_range_raises_as_pytorch_does(module, wrong):
    logits, target = np.zeros((4, 3), np.float32), np.array([0, 1, wrong, 2])
    with pytest.raises(IndexError, match=rf"^Target {wrong} is out of bounds\.$"):
        module.softmax_cross_entropy(logits, target)
    with pytest.raises(IndexError, match=rf"^Target {wrong} is out of bounds\.$"):
        module.softmax_cross_entropy_backward(logits, np.zeros((4, 2), np.float32), target, np.ones(4, np.float32))


@pytest.mark.parametrize("module", [_native, loss])
def test_wrong_shapes_raise(module):
    x, t, n = np.zeros((4, 3), np.float32), np.zeros(4, np.int64), np.zeros((4, 2), np.float32)
    cases = [
        (lambda: module.softmax(x, 2), "the array of 2 dimensions has no such dim"),
        (lambda: module.log_softmax(x[0, 0, ...], 0), "the array of 0 dimensions has no such dim"),
        (lambda: module.softmax_backward(x, x, -3), "the array of 2 dimensions has no such dim"),
        (lambda: module.softmax_cross_entropy(x[0], t), "expected a 2-D array, but got 1"),
        (lambda: module.softmax_backward(x, x[:2]), "same shape"),
        (lambda: module.log_softmax_backward(x, x[:, :2]), "same shape"),
        (lambda: module.softmax_cross_entropy(x, t[:3]), "one target for each of the 4 rows"),
        (lambda: module.softmax_cross_entropy(x, t[None]), "one target for each of the 4 rows"),
        (lambda: module.softmax_cross_entropy_backward(x, n, t, x), "one gradient for each row"),
        (lambda: module.softmax_cross_entropy_backward(x, n, t, x[:, 0][:2]), "one gradient for each row"),
    ]
    cases.append((lambda: module.softmax_cross_entropy_backward(x, x, t, x[:, 0]), "two normalizers for each row"))
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()


def test_strided_half_and_int32_are_left_to_the_reference(rng):
    x = rng.standard_normal((6, 8)).astype(np.float32)
    t = rng.integers(0, 4, 6)
    assert _native.softmax(x[:, ::2]) is NotImplemented
    assert _native.log_softmax(x.astype(np.float16)) is NotImplemented
    assert _native.softmax_cross_entropy(x, t.astype(np.int32)) is NotImplemented
    assert _native.softmax_cross_entropy_backward(x, np.ones((6, 2), np.float32), t, np.ones(6)) is NotImplemented
    np.testing.assert_allclose(kernels.softmax(x[:, ::2]), loss.softmax(x[:, ::2]))


def test_what_is_no_array_raises():
    with pytest.raises(TypeError, match=r"x: expected a numpy.ndarray, but got list"):
        _native.softmax([[1.0]])
    with pytest.raises(TypeError, match=r"target: expected a numpy.ndarray"):
        _native.softmax_cross_entropy(np.zeros((2, 2)), None)
