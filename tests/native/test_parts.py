"""What is put together from compiled kernels equals the NumPy reference: 16-bit numbers, three dimensions, adaptive
windows."""

from __future__ import annotations

import random
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from rushlight.kernels import conv_parts, pool_parts
from rushlight.kernels.reference import conv as conv_reference
from rushlight.kernels.reference import pool as pool_reference
from rushlight.kernels.reference.windows import pool_size

KINDS = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16]
TOLERANCE = {"float32": 3e-5, "float64": 1e-11, "float16": 2e-3, "bfloat16": 2e-2}


def close(found: Any, expected: Any) -> None:
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    tolerance = TOLERANCE[expected.dtype.name]
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    finite = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * finite)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(16))
def test_convolutions(seed: int, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    r, rng = random.Random(seed), np.random.default_rng(seed)
    rank, groups = r.choice([1, 2, 3, 3, 3]), r.choice([1, 1, 2])
    if seed % 2:
        monkeypatch.setattr(conv_parts, "_CHUNK", 50)  # a sample at a time
    kernel = tuple(r.choice([1, 2, 3]) for _ in range(rank))
    stride, padding, dilation = (tuple(r.choice(c) for _ in range(rank)) for c in ([1, 1, 2], [0, 1, 2], [1, 2]))
    sizes = tuple(d * (k - 1) + r.choice([1, 3, 6]) for k, d in zip(kernel, dilation, strict=True))
    x = rng.standard_normal((r.randint(1, 3), groups * 2, *sizes)).astype(kind)
    w = rng.standard_normal((groups * 3, 2, *kernel)).astype(kind)
    bias = rng.standard_normal(groups * 3).astype(kind)
    settings = (stride, padding, dilation, groups)
    y = conv_reference.conv(x, w, bias, *settings)
    close(conv_parts.conv(x, w, bias, *settings), y)
    close(conv_parts.conv(x, w, None, *settings, None, True), conv_reference.conv(x, w, None, *settings, None, True))
    gy = rng.standard_normal(y.shape).astype(kind)
    for extra in (None, rng.standard_normal(x.shape[1]).astype(kind)):
        close(
            conv_parts.conv_input(gy, w, extra, sizes, *settings),
            conv_reference.conv_input(gy, w, extra, sizes, *settings),
        )
    for found, expected in zip(
        conv_parts.conv_weight(x, gy, kernel, *settings, True),
        conv_reference.conv_weight(x, gy, kernel, *settings, True),
        strict=True,
    ):
        close(found, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(16))
def test_poolings(seed: int, kind: Any) -> None:
    r, rng = random.Random(seed), np.random.default_rng(seed)
    rank = r.choice([1, 2, 3, 3])
    kernel = tuple(r.randint(1, 3) for _ in range(rank))
    stride, dilation = (tuple(r.randint(1, 2) for _ in range(rank)) for _ in range(2))
    padding = tuple(r.randint(0, k // 2) for k in kernel)
    sizes = tuple(r.randint(5, 7) for _ in range(rank))
    x = np.round(rng.standard_normal((2, 3, *sizes))).astype(kind)  # with equal elements
    x[rng.random(x.shape) < 0.3] = -np.inf
    x[rng.random(x.shape) < 0.05] = np.nan
    outputs = tuple(map(pool_size, sizes, kernel, stride, padding, dilation, (seed % 2 == 0,) * rank))
    settings = (outputs, kernel, stride, padding, dilation)
    values, indices = pool_reference.max_pool(x, *settings)
    found_values, found_indices = pool_parts.max_pool(x, *settings)
    close(found_values, values)
    np.testing.assert_array_equal(found_indices, indices)
    close(pool_parts.max_pool(x, *settings, False)[0], values)
    values, places = pool_reference.max_pool_places(x, *settings)
    found_values, found_places = pool_parts.max_pool_places(x, *settings)
    close(found_values, values)
    np.testing.assert_array_equal(found_places, places)
    grad = rng.standard_normal(values.shape).astype(kind)
    close(pool_parts.scatter_indices(grad, indices, sizes), pool_reference.scatter_indices(grad, indices, sizes))
    close(
        pool_parts.max_pool_backward(grad, places, sizes, *settings[1:]),
        pool_reference.max_pool_backward(grad, places, sizes, *settings[1:]),
    )
    x = rng.standard_normal(x.shape).astype(kind)
    outputs = tuple(map(pool_size, sizes, kernel, stride, padding, (1,) * rank, (seed % 2 == 0,) * rank))
    average = (outputs, kernel, stride, padding, seed % 3 == 0, None)
    mean = pool_reference.avg_pool(x, *average)
    close(pool_parts.avg_pool(x, *average), mean)
    grad = rng.standard_normal(mean.shape).astype(kind)
    close(
        pool_parts.avg_pool_backward(grad, sizes, *average[1:]),
        pool_reference.avg_pool_backward(grad, sizes, *average[1:]),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("sizes", "outputs"),
    [((6,), (3,)), ((8, 6), (4, 3)), ((7, 6), (4, 3)), ((4, 4), (4, 4)), ((5, 3), (1, 1)), ((2, 3), (5, 4)), ((4, 6, 5), (2, 3, 7))],
)  # fmt: skip
def test_adaptive_poolings(sizes: tuple[int, ...], outputs: tuple[int, ...], kind: Any) -> None:
    rng = np.random.default_rng(5)
    x = np.round(rng.standard_normal((2, 3, *sizes)) * 2).astype(kind)
    grad = rng.standard_normal((2, 3, *outputs)).astype(kind)
    windows = [
        [(o * size // out, -(-(o + 1) * size // out)) for o in range(out)]
        for size, out in zip(sizes, outputs, strict=True)
    ]
    mean, spread = np.zeros(grad.shape), np.zeros(x.shape)
    largest, places = np.zeros(grad.shape), np.zeros(grad.shape, np.int64)
    position = np.arange(np.prod(sizes)).reshape(sizes)
    for place in np.ndindex(outputs):
        box = (..., *(slice(*windows[axis][o]) for axis, o in enumerate(place)))
        here = x[box].reshape(2, 3, -1).astype(np.float64)
        mean[(..., *place)], largest[(..., *place)] = here.mean(-1), here.max(-1)
        places[(..., *place)] = position[box].reshape(-1)[here.argmax(-1)]
        share = grad[(..., *place)].astype(np.float64) / here.shape[-1]
        spread[box] += share.reshape(2, 3, *(1,) * len(sizes))
    close(pool_parts.adaptive_avg_pool(x, outputs), mean.astype(kind))
    close(pool_parts.adaptive_avg_pool_backward(grad, sizes), spread.astype(kind))
    values, indices = pool_parts.adaptive_max_pool(x, outputs)
    close(values, largest.astype(kind))
    np.testing.assert_array_equal(indices, places)
