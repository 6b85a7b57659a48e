"""The compiled attention against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native, kernels
from rushlight.kernels.reference import attention as reference

# samples, heads, heads of keys, queries, keys, width
SHAPES = [
    (1, 1, 1, 1, 1, 1),
    (2, 4, 2, 37, 53, 5),
    (1, 2, 2, 70, 300, 33),
    (2, 3, 3, 32, 32, 16),
    (1, 1, 1, 290, 270, 20),
    (1, 2, 1, 64, 3, 40),
]
TOLERANCE = {np.float32: 5e-6, np.float64: 1e-13}


def wide(array):
    return array if array is None or array.dtype == bool else array.astype(np.float64)


def drawn(rng, dtype, shape, mask):
    """Query, key, value, gradient and mask; heads lie between the rows, as a projection leaves them."""
    samples, heads, shared, queries, keys, width = shape
    q, g = (rng.standard_normal((samples, queries, heads, width)).astype(dtype).transpose(0, 2, 1, 3) for _ in "qg")
    k = rng.standard_normal((samples, shared, keys, width)).astype(dtype)
    v = rng.standard_normal((samples, keys, shared, width)).astype(dtype).transpose(0, 2, 1, 3)
    if mask == "choices":
        m = rng.random((samples, 1, queries, keys)) > 0.3
        m[0, 0, queries // 2] = False
    elif mask == "numbers":
        m = rng.standard_normal((1, heads, 1, keys)).astype(dtype)
    else:
        m = None
    return q, k, v, g, m


def both(module, q, k, v, g, *options):
    out, normalizer = module.attention(q, k, v, *options)
    return out, normalizer, *module.attention_backward(g, q, k, v, out, normalizer, *options)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", [None, "choices", "numbers"])
def test_results_and_gradients_equal_the_reference(machine, rng, dtype, causal, mask):
    for shape in SHAPES:
        q, k, v, g, m = drawn(rng, dtype, shape, mask)
        got = both(_native, q, k, v, g, m, causal, 0.3)
        want = both(reference, *map(wide, (q, k, v, g)), wide(m), causal, 0.3)
        for found, right, like in zip(got, want, (q, None, q, k, v), strict=True):
            assert found.dtype == dtype and (like is None or found.strides == np.empty_like(like).strides)
            scale = max(1, np.abs(right[np.isfinite(right)]).max(initial=0))
            np.testing.assert_allclose(found, right, rtol=0, atol=TOLERANCE[dtype] * scale)


# Shape and order of memory of three projections in one block, and of which the result's gradients are to be the three.
PROJECTIONS = [
    ((2, 6, 3, 4, 8), (2, 0, 3, 1, 4)),
    ((6, 2, 3, 4, 8), (2, 1, 3, 0, 4)),
    ((3, 2, 4, 6, 8), (0, 1, 2, 3, 4)),
]


@pytest.mark.parametrize(("shape", "order"), PROJECTIONS)
def test_gradients_of_projections_in_one_block_lie_in_one_block(rng, dtype, shape, order):
    q, k, v = rng.standard_normal(shape).astype(dtype).transpose(order)
    got = both(_native, q, k, v, q * 2)[2:]
    for found, right in zip(got, both(reference, *map(wide, (q, k, v, q * 2)))[2:], strict=True):
        np.testing.assert_allclose(found, right, rtol=0, atol=10 * TOLERANCE[dtype] * np.abs(right).max())
    assert got[0].base is got[1].base is got[2].base and got[0].base.size == 3 * q.size
    # What doesn't fill a block has gradients of its own.
    apart = both(_native, q[:, :1], k[:, :1], v[:, :1], q[:, :1])[2:]
    assert all(array.base is None for array in apart)


def test_a_head_split_over_threads_gives_the_same_every_time(rng):
    q, k, v, g, _ = drawn(rng, np.float32, (1, 1, 1, 300, 900, 24), None)
    before = _native.get_num_threads()
    try:
        runs = {}
        for threads in (1, 2):
            _native.set_num_threads(threads)
            runs[threads] = both(_native, q, k, v, g, None, True, 0.2)
            for one, other in zip(runs[threads], both(_native, q, k, v, g, None, True, 0.2), strict=True):
                np.testing.assert_array_equal(one, other)
    finally:
        _native.set_num_threads(before)
    np.testing.assert_array_equal(runs[1][0], runs[2][0])
    for one, other in zip(runs[1], runs[2], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_large_and_invalid_numbers_equal_the_reference(machine, rng, dtype):
    q, k, v, _, _ = drawn(rng, dtype, (1, 1, 1, 40, 300, 8), None)
    k[0, 0, 5] *= 1e4
    q[0, 0, 3, 2] = np.nan
    v[0, 0, 7, 1] = np.inf
    m = np.zeros((1, 1, 40, 300), dtype)
    m[..., 9, :] = -np.inf
    m[..., 11, :290] = -np.inf
    m[..., 12, 280] = np.inf
    got, want = _native.attention(q, k, v, m, False, 0.5), reference.attention(*map(wide, (q, k, v, m)), False, 0.5)
    for found, right in zip(got, want, strict=True):
        keep = np.ones(found.shape, bool)
        if found.ndim == 4:
            keep[..., 1] = False  # where an infinite value meets weights that round to 0
        np.testing.assert_allclose(found[keep], right[keep], rtol=2e-3 if dtype == np.float32 else 1e-9, atol=1e-5)
    assert np.isnan(got[0][0, 0, 3]).all() and (got[0][0, 0, 9, 2:] == 0).all()


@pytest.mark.parametrize("module", [_native, kernels, reference])
def test_wrong_shapes_raise(module):
    q, k = np.zeros((2, 4, 3, 5), np.float32), np.zeros((2, 2, 6, 5), np.float32)
    normalizer = np.zeros((2, 4, 3), np.float32)
    cases = [
        (lambda: module.attention(q[0], k, k), "4 dimensions"),
        (lambda: module.attention(q, k, k[:, :, :5]), "key and value must have the same shape"),
        (lambda: module.attention(q[:1], k, k), "same batch size and width"),
        (lambda: module.attention(q[:, :3], k, k), "must divide"),
        (lambda: module.attention(q, k[:, :, :0], k[:, :, :0]), "with elements"),
        (lambda: module.attention(q, k, k, np.zeros((3, 6), bool)), "mask must be"),
        (lambda: module.attention(q, k, k, np.zeros((1, 1, 3, 1), bool)), "mask must be"),
        (lambda: module.attention_backward(q[:1], q, k, k, q, normalizer), "query's shape"),
        (lambda: module.attention_backward(q, q, k, k, q, normalizer[:, :2]), "normalizer must be"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()


def test_what_the_kernel_is_not_fast_at_is_left_to_the_reference():
    q = np.zeros((1, 1, 2, 8), np.float32)
    assert _native.attention(q[..., ::2], q[..., ::2], q[..., ::2]) is NotImplemented
    assert _native.attention(q, q, q.astype(np.float64)) is NotImplemented
    assert _native.attention(q, q, q, np.zeros((1, 1, 2, 2), np.float64)) is NotImplemented
    assert _native.attention(q.astype(np.float16), q, q) is NotImplemented
