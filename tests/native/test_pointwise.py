"""The compiled functions of each element against the reference, and against float64 where they approximate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import pointwise

SHAPES = [(), (0,), (1,), (3,), (17,), (8, 8), (5, 7, 9), (1003,), (300, 301)]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40]
BACKWARD = ["sigmoid_backward", "tanh_backward", "silu_backward", "gelu_backward"]


def sample(rng, shape, dtype, scale=1.0):
    x = np.asarray(rng.standard_normal(shape) * scale, dtype)
    x.reshape(-1)[: len(SPECIAL)] = SPECIAL[: x.size]
    return x


def exact(name, x):
    """The value in extended precision, by NumPy's long double or by math for what it lacks."""
    x = x.astype(np.longdouble)
    if name == "gelu":
        return np.array([float(v) * 0.5 * math.erfc(-float(v) * math.sqrt(0.5)) for v in x])
    return {
        "exp": np.exp,
        "tanh": np.tanh,
        "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
        "silu": lambda v: v / (1 + np.exp(-v)),
    }[name](x)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "ulps"), [("exp", 2), ("tanh", 2), ("sigmoid", 3), ("silu", 4), ("gelu", 8)])
def test_approximations_are_within_a_few_units_in_the_last_place(machine, rng, dtype, name, ulps):
    x = np.concatenate([rng.standard_normal(4000), rng.uniform(-12, 12, 4000), rng.standard_normal(500) * 1e-3]).astype(
        dtype
    )
    got = getattr(_native, name)(x)
    if got is NotImplemented:
        assert dtype is np.float64 and name in ("tanh", "gelu")
        return
    if name == "gelu" and machine[0] not in ("avx2", "avx512"):
        ulps = 200  # without a fused multiply-add the square in the far tail is rounded
    wanted = exact(name, x)
    assert np.max(np.abs(got - wanted) / np.spacing(np.abs(wanted).astype(dtype))) <= ulps


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "silu", "gelu"])
def test_approximations_at_the_ends_of_the_range(machine, dtype, name):
    x = np.array([*SPECIAL, 1e4, -1e4, 89.0, -89.0, -100.0, -104.0, 20.0, -20.0], dtype)
    got = getattr(_native, name)(x)
    if got is NotImplemented:
        return
    reference = getattr(pointwise, name, None) or getattr(np, name)
    wanted = reference(x)
    if name == "gelu":  # the formula with erf is NaN at -inf, whose limit is NaN * 0 as well
        got, wanted = got[3:], wanted[3:]
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6 if name == "gelu" else 3e-45)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BACKWARD)
def test_gradients_equal_the_reference(machine, rng, dtype, name):
    tolerance = 1e-6 if dtype is np.float32 else 1e-14
    for shape in SHAPES:
        grad, saved = np.asarray(rng.standard_normal(shape), dtype), np.asarray(rng.standard_normal(shape) * 3, dtype)
        wanted = getattr(pointwise, name)(grad, saved)
        got = getattr(_native, name)(grad, saved)
        if got is NotImplemented:
            assert name == "gelu_backward" and dtype is np.float64
            continue
        scale = np.abs(saved).max(initial=1) ** 2 * np.abs(grad).max(initial=1)
        np.testing.assert_allclose(got, wanted, rtol=tolerance * 10, atol=tolerance * scale)


def test_leaky_relu_equals_the_reference(machine, rng, dtype):
    for shape in SHAPES:
        x, grad = sample(rng, shape, dtype), np.asarray(rng.standard_normal(shape), dtype)
        np.testing.assert_array_equal(_native.leaky_relu(x, 0.1), pointwise.leaky_relu(x, 0.1))
        got = _native.leaky_relu_backward(grad, x, 0.1)
        np.testing.assert_array_equal(got, pointwise.leaky_relu_backward(grad, x, 0.1))


def test_what_the_kernels_do_not_take_is_left_to_the_reference():
    x = np.ones((4, 6), np.float32)
    for other in (x.T, x[:, ::2], x.astype(np.int64), x.astype(np.float16), x.astype(">f4"), 1.0, None, "x"):
        assert _native.exp(other) is NotImplemented
        assert _native.tanh_backward(other, x) is NotImplemented
    assert _native.leaky_relu_backward(x, x[0], 0.1) is NotImplemented


def test_clamp_and_select_equal_the_reference(machine, rng, dtype):
    for shape in SHAPES:
        x, y = sample(rng, shape, dtype), np.asarray(rng.standard_normal(shape), dtype)
        for low, high in ((-0.5, 0.7), (-np.inf, 0.0), (0.5, -0.5)):
            np.testing.assert_array_equal(_native.clamp(x, low, high), pointwise.clamp(x, low, high))
        condition = np.asarray(y > 0)
        np.testing.assert_array_equal(_native.select(condition, x, y), pointwise.select(condition, x, y))
    assert _native.select(np.ones(2, np.bool_), np.ones((2, 2), dtype), np.ones((2, 2), dtype)) is NotImplemented


def test_results_past_the_caches_are_the_same(machine, rng, dtype):
    x, y = rng.standard_normal((2, 5003)).astype(dtype)
    want = _native.exp(x), _native.silu_backward(y, x)
    _native.set_last_cache_bytes(1)
    try:
        got = _native.exp(x), _native.silu_backward(y, x)
    finally:
        _native.set_last_cache_bytes(0)
    np.testing.assert_array_equal(got, want)
