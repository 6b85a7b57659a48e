"""The compiled normalisation against the reference in float64."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import norm


def batch(*shape):
    return shape, (0, *range(2, len(shape))), (1, shape[1], *[1] * (len(shape) - 2))


def group(groups, n, c, *rest):
    view = (n, groups, c // groups, *rest)
    return view, tuple(range(2, len(view))), (1, groups, c // groups, *[1] * len(rest))


def layer(over, *shape):
    return shape, tuple(range(len(shape) - over, len(shape))), shape[len(shape) - over :]


CASES = [
    batch(4, 3), batch(70, 37), batch(3, 16, 1), batch(4, 3, 5, 7), batch(1, 6, 32, 32), batch(64, 5, 9), batch(2, 3, 300, 41), group(2, 3, 4, 5, 7), group(1, 2, 6, 33),
    group(4, 2, 4, 64), layer(1, 8, 8), layer(1, 17), layer(2, 3, 5, 7), layer(3, 2, 3, 4), layer(1, 300, 301), layer(1, 70, 1),
]  # fmt: skip


def problem(rng, case, dtype, weighted):
    view, axes, affine = case
    x = (rng.standard_normal(view) * 3 + 5).astype(dtype)
    weight, bias = (rng.standard_normal(affine).astype(dtype).reshape(-1) if weighted else None for _ in range(2))
    return x, weight, bias, view, axes, affine


def in_double(*arrays):
    return [a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in arrays]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_forward_and_backward_equal_the_reference(machine, rng, dtype, case, weighted):
    args = problem(rng, case, dtype, weighted)
    tolerance = 2e-5 if dtype is np.float32 else 1e-12
    got, wanted = _native.normalize(*args, 1e-5), norm.normalize(*in_double(*args), 1e-5)
    for ours, theirs in zip(got, wanted, strict=True):
        assert ours.dtype == dtype and ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    x, weight, _, *layout = args
    grad = rng.standard_normal(x.shape).astype(dtype)
    mean, rstd = wanted[1].astype(dtype), wanted[3].astype(dtype)
    for for_weight in (False, True):
        found = _native.normalize_backward(grad, x, weight, mean, rstd, *layout, for_weight)
        expected = norm.normalize_backward(*in_double(grad, x, weight, mean, rstd), *layout, for_weight)
        for ours, theirs in zip(found, expected, strict=True):
            if theirs is None:
                assert ours is None
            else:
                scale = 1 + np.abs(theirs).max()
                np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("shape", [(8, 8), (3, 5, 17), (301, 300), (70, 1), (2, 2100)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_root_of_the_mean_square_equals_the_reference(machine, rng, dtype, shape, weighted):
    x, grad = ((rng.standard_normal(shape) * 3 + 1).astype(dtype) for _ in range(2))
    weight, count = rng.standard_normal(shape[-1]).astype(dtype) if weighted else None, shape[-1]
    tolerance = 2e-5 if dtype is np.float32 else 1e-12
    got = _native.rms_normalize(x, weight, count, 1e-5)
    wanted = norm.rms_normalize(*in_double(x, weight), count, 1e-5)
    got += _native.rms_normalize_backward(grad, x, weight, got[1], count, weighted)
    wanted += norm.rms_normalize_backward(*in_double(grad, x, weight, got[1]), count, weighted)
    for ours, theirs in zip(got, wanted, strict=True):
        if theirs is None:
            assert ours is None
            continue
        assert ours.dtype == dtype and ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * (1 + np.abs(theirs).max()))


def test_a_large_mean_costs_no_digits(machine, rng):
    x = (rng.standard_normal((4, 1000)) + 1e4).astype(np.float32)
    layout = layer(1, 4, 1000)
    got = _native.normalize(x, None, None, *layout, 1e-5)[2]
    np.testing.assert_allclose(got, x.astype(np.float64).var(1, keepdims=True), rtol=1e-4)


def test_nan_stays_in_its_set(machine, dtype):
    x = np.ones((2, 3, 8), dtype)
    x[0, 1, 4] = np.nan
    out = _native.normalize(x, None, None, *batch(2, 3, 8), 1e-5)[0]
    assert np.isnan(out[:, 1]).all() and not np.isnan(out[:, [0, 2]]).any()


def test_what_the_kernels_do_not_take_is_left_to_the_reference():
    x = np.ones((4, 6, 8), np.float32)
    view, axes, affine = batch(4, 6, 8)
    weight = np.ones(6, np.float32)
    for other in (x.transpose(1, 0, 2), x.astype(np.float16), x.astype(">f4"), x[:, :, ::2], x[:0]):
        assert _native.normalize(other, None, None, view, axes, affine, 1e-5) is NotImplemented
    for wrong in (weight[:5], weight.astype(np.float64)):
        assert _native.normalize(x, wrong, None, view, axes, affine, 1e-5) is NotImplemented
    for layout in (
        ((4, 6, 9), axes, affine), (view, (1,), affine), (view, (7,), affine), (view, axes, ()), ((-1, 6, 8), axes, affine),
        ((2**62, 2**62, 8), axes, affine), (None, axes, affine), (view, ("x",), affine), ((4, 6), axes, affine),
        ((4, 24, 2), (0, 2), (1, 24, 1)),
    ):  # fmt: skip
        assert _native.normalize(x, None, None, *layout, 1e-5) is NotImplemented
    for args in ((x, weight, 8), (x, None, 0), (x, None, 7), (x[:0], None, 8), (x.astype(np.float16), None, 8)):
        assert _native.rms_normalize(*args, 1e-5) is NotImplemented
    scale = np.ones((24, 1), np.float32)
    for args in (
        (x[:3], x, None, scale),
        (x, x, None, scale[1:]),
        (x, x, weight, scale),
        (x, x, None, scale.astype("d")),
    ):
        assert _native.rms_normalize_backward(*args, 8, True) is NotImplemented
    mean = np.ones((1, 6, 1), np.float32)
    assert _native.normalize_backward(x[:3], x, None, mean, mean, view, axes, affine, True) is NotImplemented
    assert _native.normalize_backward(x, x, None, mean[:, :5], mean, view, axes, affine, True) is NotImplemented
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.normalize(None, None, None, view, axes, affine, 1e-5)
