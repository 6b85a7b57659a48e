"""The compiled product of 8-bit integers, the range and the codes of floats against the reference: equal, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import int8

SIZES = [1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 33, 63, 64, 65, 130]


@pytest.fixture(params=[True, False], ids=["vnni", "widened"], autouse=True)
def instructions(request: pytest.FixtureRequest) -> Iterator[None]:
    used = _native.int8_uses_vnni()
    _native.set_int8_vnni(request.param)
    yield
    _native.set_int8_vnni(used)


def operands(rng: np.random.Generator, m: int, k: int, n: int) -> dict[str, Any]:
    weight = rng.integers(-128, 128, (n, k)).astype(np.int8)
    return {
        "a": rng.integers(0, 256, (m, k)).astype(np.uint8),
        "packed": int8.int8_pack(weight),
        "zero_point": int(rng.integers(0, 256)),
        "sums": weight.sum(axis=1, dtype=np.int32),
        "weight_zero_points": rng.integers(-20, 20, n).astype(np.int32) if rng.random() < 0.5 else None,
        "scales": (rng.random(n) * 0.02).astype(np.float32),
        "bias": rng.standard_normal(n).astype(np.float32) if rng.random() < 0.7 else None,
    }


def check(arguments: dict[str, Any], **options: Any) -> None:
    got = _native.int8_product(**arguments, **options)
    assert got is not NotImplemented
    want = int8.int8_product(**arguments, **options)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


def test_products_equal_the_reference(machine, rng):
    for _ in range(12):
        arguments = operands(rng, *(int(size) for size in rng.choice(SIZES, 3)))
        check(arguments)
        check(arguments, relu=True)
        check(arguments, codes=(7, 0, 255))
        check(arguments, codes=(-3, -128, 127))
        check(arguments, codes=(5, 5, 127))


@pytest.mark.parametrize("shape", [(1, 1030, 700), (200, 3, 300), (130, 513, 257)])
def test_large_products_equal_the_reference(machine, rng, shape):
    check(operands(rng, *shape))


def test_extremes_do_not_saturate(machine):
    # The instruction of older processors adds pairs of products in 16 bits: 2 · 255 · 128 is beyond them.
    weight = np.full((16, 64), -128, np.int8)
    a = np.full((3, 64), 255, np.uint8)
    out = _native.int8_product(
        a, int8.int8_pack(weight), 0, weight.sum(1, dtype=np.int32), None, np.ones(16, np.float32), None
    )
    np.testing.assert_array_equal(out, np.full((3, 16), 64 * 255 * -128, np.float32))


def test_nothing_is_multiplied_by_nothing(machine):
    for m, n in [(0, 5), (5, 0)]:
        weight = np.zeros((n, 3), np.int8)
        a = np.zeros((m, 3), np.uint8)
        out = _native.int8_product(
            a, int8.int8_pack(weight), 1, np.zeros(n, np.int32), None, np.ones(n, np.float32), None
        )
        assert out.shape == (m, n)


@pytest.mark.parametrize("size", [1, 2, 15, 16, 63, 64, 65, 255, 100_003])
def test_codes_and_ranges_equal_the_reference(machine, rng, size):
    x = (rng.standard_normal(size) * 3).astype(np.float32)
    x[:: max(1, size // 7)] = (rng.integers(-300, 300, x[:: max(1, size // 7)].shape) + 0.5).astype(np.float32) * 0.05
    assert _native.int8_range(x) == int8.int8_range(x)
    for scale, zero, low, high in [(0.05, 3, 0, 255), (0.01, -4, -128, 127), (0.05, 64, 0, 127)]:
        got = _native.int8_quantize(x, scale, zero, low, high)
        want = int8.int8_quantize(x, scale, zero, low, high)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


def test_what_is_no_number(machine):
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, -0.0], np.float32)
    np.testing.assert_array_equal(_native.int8_quantize(x, 0.1, 3, 0, 255), [255, 255, 0, 255, 0, 3])
    x = np.zeros(200, np.float32)
    x[150] = np.nan
    assert np.isnan(_native.int8_range(x)).all()


def test_what_does_not_fit_is_refused():
    weight = np.zeros((4, 8), np.int8)
    good = {
        "a": np.zeros((2, 8), np.uint8),
        "packed": int8.int8_pack(weight),
        "zero_point": 0,
        "sums": np.zeros(4, np.int32),
        "weight_zero_points": None,
        "scales": np.ones(4, np.float32),
        "bias": None,
    }
    for name, value, error, match in [
        ("a", np.zeros((2, 8), np.float32), ValueError, "a must be a 2-D array of uint8"),
        ("a", np.zeros((2, 9), np.uint8), ValueError, "packed weights don't fit"),
        ("packed", np.zeros((1, 2, 16, 5), np.int8), ValueError, "packed weights don't fit"),
        ("packed", np.zeros((2, 2, 16, 4), np.int8), ValueError, "packed weights don't fit"),
        ("sums", np.zeros(40, np.int32), ValueError, "packed weights don't fit"),
        ("sums", np.zeros((4, 1), np.int32), ValueError, "sums must be 1-D"),
        ("zero_point", 300, ValueError, "zero_point must be a uint8"),
        ("scales", np.ones(3, np.float32), ValueError, "scales must have one element"),
        ("bias", np.ones(3, np.float32), ValueError, "bias must have one element"),
        ("weight_zero_points", np.ones(3, np.int32), ValueError, "weight_zero_points must have one element"),
        ("codes", (1, 2), TypeError, "codes must be a tuple"),
        ("codes", (300, 0, 255), ValueError, "low <= zero point <= high"),
        ("a", None, TypeError, "expected a numpy.ndarray"),
    ]:
        with pytest.raises(error, match=match):
            _native.int8_product(**{**good, name: value})
    with pytest.raises(ValueError, match="low <= zero point <= high"):
        _native.int8_quantize(np.zeros(3, np.float32), 0.1, 5, 0, 300)


def test_other_types_are_left_to_the_reference():
    x = np.zeros(4)
    assert _native.int8_range(x) is NotImplemented
    assert _native.int8_range(np.zeros(8, np.float32)[::2]) is NotImplemented
    assert _native.int8_quantize(x, 0.1, 0, 0, 255) is NotImplemented
