"""The compiled conversions against NumPy's."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import conversion

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

PAIRS = [
    ("float32", "bfloat16"), ("bfloat16", "float32"), ("float32", "float16"), ("float16", "float32"), ("float32", "float64"),
    ("float64", "float32"), ("float32", "int64"), ("int64", "float32"), ("float32", "int32"), ("int32", "float32"),
    ("uint8", "float32"), ("bool", "float32"),
]  # fmt: skip


def named(name):
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def check(x, type_):
    got, wanted = _native.convert(x, type_), conversion.convert(x, type_)
    assert got.dtype == wanted.dtype and got.strides == wanted.strides
    np.testing.assert_array_equal(got.astype(np.longdouble), wanted.astype(np.longdouble))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_elements_in_another_type(machine, source, target):
    rng = np.random.default_rng(0)
    source, target = named(source), named(target)
    for shape in [(), (0,), (3,), (17,), (5, 7, 9), (300, 301)]:
        x = np.asarray(rng.standard_normal(shape) * 1000).astype(source)
        check(x, target)
        if x.ndim > 1:
            check(x.T, target)
            assert _native.convert(x[:, 1:], target) is NotImplemented


def test_every_float_of_sixteen_bits(machine):
    bits = np.arange(1 << 16, dtype=np.uint16)
    for type_ in (np.dtype(np.float16), named("bfloat16")):
        check(bits.view(type_), np.dtype(np.float32))


def test_rounding_to_sixteen_bits_and_what_is_beyond(machine):
    bits = np.random.default_rng(0).integers(0, 1 << 32, 100_000, np.uint32)
    near = (np.arange(1 << 16, dtype=np.uint32)[:, None] << 16) + np.array(
        [0, 1, 0x0FFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001]
    )
    ties = (np.arange(1 << 13, 1 << 15, dtype=np.uint32)[:, None] << 16) + np.array([0x1000, 0x3000, 0x5000, 0xF000])
    for values in (bits, near.astype(np.uint32), ties.astype(np.uint32)):
        x = values.view(np.float32)
        check(x, np.dtype(np.float16))
        check(x, named("bfloat16"))
    x = np.array([np.nan, np.inf, -np.inf, 1e10, -1e10, 2.0**31, 2.0**63, -(2.0**63), 1e30, -0.9, 1.9], np.float32)
    for type_, least in ((np.int64, -(2**63)), (np.int32, -(2**31))):
        got = _native.convert(x, np.dtype(type_))
        fits = (x >= float(least)) & (x < -float(least))
        assert np.all(got[~fits] == least)
        np.testing.assert_array_equal(got[fits], np.trunc(x[fits]).astype(type_))


def test_what_is_left_to_the_reference():
    x = np.ones((4, 6), np.float32)
    for type_ in (np.int8, np.float32, np.complex64, ">f8"):
        assert _native.convert(x, np.dtype(type_)) is NotImplemented
    assert _native.convert(x.astype(">f4"), np.dtype(np.float64)) is NotImplemented
    assert _native.convert(np.float32(1), np.dtype(np.float16)) is NotImplemented
    with pytest.raises(TypeError, match=r"numpy.dtype"):
        _native.convert(x, "f4")
