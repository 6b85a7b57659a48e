"""The compiled pooling equals the NumPy one: shapes drawn at random, every instruction set, one thread and two."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rushlight.kernels import pooling
from rushlight.kernels.dispatch import native
from rushlight.kernels.reference import pool as reference
from rushlight.kernels.reference.windows import pool_size


def drawn(seed: int, dtype: type, dilated: bool) -> tuple:
    """An input at random, with equal elements in it, and (outputs, kernel, stride, padding, dilation)."""
    r = random.Random(seed)
    rank = r.choice([1, 2, 2, 3] if dilated else [1, 2, 2, 2])
    kernel = tuple(r.choice([1, 2, 2, 3, 4, 5]) for _ in range(rank))
    stride = tuple(r.choice([1, 2, 2, 3, 4, 7]) for _ in range(rank))
    if r.random() < 0.3:
        stride = kernel
    padding = tuple(r.randint(0, k // 2) for k in kernel)
    dilation = tuple(r.choice([1, 2]) if dilated else 1 for _ in range(rank))
    sizes = tuple(
        d * (k - 1) + r.choice([1, 2, 7, 16, 33, 70] if rank < 3 else [1, 2, 6, 17])
        for k, d in zip(kernel, dilation, strict=True)
    )
    ceil_mode = r.random() < 0.5
    settings = zip(sizes, kernel, stride, padding, dilation, strict=True)
    outputs = tuple(pool_size(*one, ceil_mode) for one in settings)
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (*((3, 4)[: r.randint(0, 2)]), *sizes)).astype(dtype)
    x[rng.random(x.shape) < 0.02] = -np.inf
    return x, (outputs, kernel, stride, padding, dilation)


@pytest.mark.parametrize("seed", range(60))
def test_max_pool_equals_reference(machine, dtype, seed):
    x, settings = drawn(seed, dtype, True)
    values, indices = native.max_pool(x, *settings)
    expected_values, expected_indices = reference.max_pool(x, *settings)
    assert values.dtype == dtype
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(values, expected_values)
    np.testing.assert_array_equal(indices, expected_indices)
    with_places = native.max_pool_places(x, *settings)
    expected = reference.max_pool_places(x, *settings)
    assert with_places[1].dtype == np.uint8
    np.testing.assert_array_equal(with_places[0], values)
    np.testing.assert_array_equal(with_places[1], expected[1])
    alone, none = native.max_pool(x, *settings, False)
    assert none is None
    np.testing.assert_array_equal(alone, values)
    grad = np.random.default_rng(seed).standard_normal(values.shape).astype(dtype)
    sizes = x.shape[-len(settings[1]) :]
    found, expected = native.scatter_indices(grad, indices, sizes), reference.scatter_indices(grad, indices, sizes)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    found = native.max_pool_backward(grad, with_places[1], sizes, *settings[1:])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    expected = reference.max_pool_backward(grad, with_places[1], sizes, *settings[1:])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(("include_pad", "divisor"), [(True, None), (False, None), (True, 3), (False, -2)])
def test_avg_pool_equals_reference(machine, dtype, seed, include_pad, divisor):
    x, (outputs, kernel, stride, padding, _) = drawn(seed, dtype, False)
    x[np.isinf(x)] = 1
    found = native.avg_pool(x, outputs, kernel, stride, padding, include_pad, divisor)
    expected = reference.avg_pool(x, outputs, kernel, stride, padding, include_pad, divisor)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    grad = np.random.default_rng(seed).standard_normal(found.shape).astype(dtype)
    arguments = (grad, x.shape[-len(kernel) :], kernel, stride, padding, include_pad, divisor)
    found, expected = native.avg_pool_backward(*arguments), reference.avg_pool_backward(*arguments)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("lead", "sizes", "outputs"),
    [
        ((3, 2), (7, 7), (1, 1)),
        ((2,), (28, 30), (7, 5)),
        ((1, 3), (5, 33), (8, 40)),
        ((4,), (19,), (6,)),
        ((), (1, 70), (3, 1)),
    ],
)
def test_adaptive_avg_pool_equals_reference(machine, dtype, lead, sizes, outputs):
    rng = np.random.default_rng(0)
    x, grad = rng.standard_normal((*lead, *sizes)).astype(dtype), rng.standard_normal((*lead, *outputs)).astype(dtype)
    found, expected = native.adaptive_avg_pool(x, outputs), reference.adaptive_avg_pool(x, outputs)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    found, expected = (
        f(grad, sizes) for f in (native.adaptive_avg_pool_backward, reference.adaptive_avg_pool_backward)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("include_pad", "divisor"), [(True, None), (False, None), (True, 3)])
@pytest.mark.parametrize("stride", [(2, 2, 2), (1, 2, 3)])
def test_averages_over_three_dimensions(dtype, include_pad, divisor, stride):
    rng = np.random.default_rng(0)
    kernel, padding = (2, 3, 2), (1, 1, 0)
    x = rng.standard_normal((2, 3, 5, 8, 9)).astype(dtype)
    sizes = x.shape[2:]
    outputs = tuple(pool_size(*one, 1, True) for one in zip(sizes, kernel, stride, padding, strict=True))
    settings = kernel, stride, padding, include_pad, divisor
    found, expected = pooling.avg_pool(x, outputs, *settings), reference.avg_pool(x, outputs, *settings)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    grad = rng.standard_normal(found.shape).astype(dtype)
    found, expected = (f(grad, sizes, *settings) for f in (pooling.avg_pool_backward, reference.avg_pool_backward))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_nan_wins_and_the_last_one_is_named(machine, dtype):
    x = np.zeros((1, 2, 40), dtype)
    x[0, 0, [3, 4, 21]] = np.nan
    x[0, 1, 39] = np.nan
    settings = ((2, 10), (1, 4), (1, 4), (0, 0), (1, 1))
    values, indices = native.max_pool(x, *settings)
    expected_values, expected_indices = reference.max_pool(x, *settings)
    np.testing.assert_array_equal(values, expected_values)
    np.testing.assert_array_equal(indices, expected_indices)
    settings = ((1, 10), (2, 4), (2, 4), (0, 0))
    np.testing.assert_array_equal(
        native.avg_pool(x, *settings, True, None), reference.avg_pool(x, *settings, True, None)
    )


def test_many_planes_and_strided_input(machine):
    x = np.random.default_rng(0).standard_normal((64, 30, 30, 6)).astype(np.float32).transpose(0, 3, 1, 2)
    settings = ((15, 15), (2, 2), (2, 2), (0, 0), (1, 1))
    for found, expected in zip(native.max_pool(x, *settings), reference.max_pool(x, *settings), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("width", [5, 12, 13, 30, 31, 64])
@pytest.mark.parametrize("window", [2, 3])
def test_rows_of_several_widths_next_to_each_other(machine, dtype, window, width):
    """What vectors read and write beyond a row changes no other; NaN and -inf are among the elements."""
    rng = np.random.default_rng(width)
    x = rng.standard_normal((5, 3, 7, width)).astype(dtype)
    x[rng.random(x.shape) < 0.1], x[rng.random(x.shape) < 0.1] = np.nan, -np.inf
    settings = ((7 // window, width // window), (window,) * 2, (window,) * 2, (0, 0), (1, 1))
    values, places = native.max_pool_places(x, *settings)
    for found, expected in zip((values, places), reference.max_pool_places(x, *settings), strict=True):
        np.testing.assert_array_equal(found, expected)
    grad = rng.standard_normal(values.shape).astype(dtype)
    found = native.max_pool_backward(grad, places, x.shape[2:], *settings[1:])
    np.testing.assert_array_equal(found, reference.max_pool_backward(grad, places, x.shape[2:], *settings[1:]))


@pytest.mark.parametrize(
    ("lead", "sizes", "window", "stride", "padding"),
    [
        ((70, 3), (7, 7), (7, 7), (7, 7), (0, 0)),  # an output a plane, more places than a table has
        ((131,), (5, 7), (3, 3), (1, 1), (1, 1)),  # as many planes as are added together, and some more
        ((2, 3), (41, 43), (3, 2), (2, 3), (1, 1)),
        ((67,), (6, 6), (2, 2), (2, 2), (1, 1)),
        ((3,), (1100,), (4,), (1,), (2,)),  # more outputs than have their indices found at a time
        ((2, 9), (3, 5, 7), (2, 3, 3), (1, 2, 1), (1, 1, 1)),
        ((5,), (9, 50), (2, 3), (4, 4), (0, 0)),  # elements that no window has
    ],
)
def test_small_planes_and_large_get_their_gradients(machine, dtype, lead, sizes, window, stride, padding):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((*lead, *sizes)).astype(dtype)
    ones = (1,) * len(sizes)
    outputs = tuple(pool_size(*one, False) for one in zip(sizes, window, stride, padding, ones, strict=True))
    settings = (window, stride, padding, ones)
    values, places = reference.max_pool_places(x, outputs, *settings)
    np.testing.assert_array_equal(
        native.max_pool(x, outputs, *settings)[1], reference.max_pool(x, outputs, *settings)[1]
    )
    grad = rng.integers(-9, 9, values.shape).astype(dtype)
    grad[rng.random(grad.shape) < 0.02], grad[rng.random(grad.shape) < 0.02] = np.nan, np.inf
    found = native.max_pool_backward(grad, places, sizes, *settings)
    np.testing.assert_array_equal(found, reference.max_pool_backward(grad, places, sizes, *settings))


def test_windows_between_the_elements_name_the_last(machine, dtype):
    x = np.zeros((2, 1, 3), dtype)
    settings = ((1, 1), (2, 2), (5, 2), (1, 0), (3, 1))  # rows -1 and 2 of one
    places = native.max_pool_places(x, *settings)[1]
    np.testing.assert_array_equal(places, reference.max_pool_places(x, *settings)[1])
    grad = np.ones(places.shape, dtype)
    found = native.max_pool_backward(grad, places, (1, 3), *settings[1:])
    np.testing.assert_array_equal(found, reference.max_pool_backward(grad, places, (1, 3), *settings[1:]))


@pytest.mark.parametrize("padding", [0, 1])
def test_bytes_that_name_no_place_lead_nowhere_else(machine, dtype, padding):
    settings = ((2, 2), (2, 2), (padding, padding), (1, 1))
    found = native.max_pool_backward(np.ones((3, 9, 9), dtype), np.full((3, 9, 9), 200, np.uint8), (17, 17), *settings)
    assert found.shape == (3, 17, 17)
    settings = ((2, 2), (1, 1), (padding, padding), (1, 1))
    outputs = (70, 3 + 2 * padding, 3 + 2 * padding)
    names = np.random.default_rng(0).integers(0, 256, outputs).astype(np.uint8)
    assert native.max_pool_backward(np.ones(outputs, dtype), names, (4, 4), *settings).shape == (70, 4, 4)


@pytest.mark.parametrize("index", [-1, 16, 2**40])
def test_an_index_outside_its_plane_raises(machine, index):
    indices = np.zeros((3, 2, 2), np.int64)
    indices[1, 1, 0] = index
    with pytest.raises(IndexError, match="outside its plane"):
        native.scatter_indices(np.ones((3, 2, 2)), indices, (4, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: native.max_pool(x, (2, 2), (2,), (2, 2), (0, 0), (1, 1)), "outputs"),
        (lambda x: native.max_pool(x, (2, 2), (2, 2), (0, 2), (0, 0), (1, 1)), "stride"),
        (lambda x: native.max_pool(x, (2, 2), (2, 2), (2, 2), (-1, 0), (1, 1)), "padding"),
        (lambda x: native.max_pool(x[0, 0], (2, 2), (2, 2), (2, 2), (0, 0), (1, 1)), "dimensions"),
        (lambda x: native.scatter_indices(x, np.zeros((1, 4), np.int64), (4, 4)), "shape"),
        (lambda x: native.max_pool_places(x, (1,), (256,), (1,), (0,), (64,)), "too many places"),
        (
            lambda x: native.max_pool_backward(x, np.zeros((1, 4), np.uint8), (8, 8), (2, 2), (2, 2), (0, 0), (1, 1)),
            "shape",
        ),
        (lambda x: native.avg_pool(x, (2, 2), (2, 2), (2, 2), (0, 0), True, 0), "divisor"),
    ],
)
def test_wrong_arguments_raise(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((1, 4, 4)))


def test_windows_that_miss_the_input_are_left_to_the_reference():
    x = np.zeros((1, 4, 4), np.float32)
    assert native.max_pool(x, (9, 9), (2, 2), (2, 2), (0, 0), (1, 1)) is NotImplemented
    assert native.max_pool(x.astype(np.float16), (2, 2), (2, 2), (2, 2), (0, 0), (1, 1)) is NotImplemented
    assert pooling.max_pool(x.astype(np.float16), (2, 2), (2, 2), (2, 2), (0, 0), (1, 1))[0].dtype == np.float16
