"""The compiled Fourier transforms against the reference in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import spectrum as reference

# Every factor there is a pass for, alone and with others; odd and even.
LENGTHS = [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    13,
    14,
    15,
    16,
    22,
    24,
    26,
    30,
    35,
    64,
    77,
    91,
    120,
    143,
    1001,
    1024,
    2000,
]
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-15}


def close(got: Any, x: Any, wanted: Any, dtype: Any) -> None:
    assert got.shape == wanted.shape
    assert got.real.dtype == dtype
    error = np.linalg.norm(got - wanted) / max(np.linalg.norm(wanted), 1e-30)
    assert error < TOLERANCE[dtype], (x.shape, error)


@pytest.mark.parametrize("n", LENGTHS)
def test_transforms_are_the_references(machine: Any, dtype: Any, n: int) -> None:
    rng = np.random.default_rng(n)
    for shape, dim in (((21, n), 1), ((2, n, 19), 1), ((n, 32), 0)):
        x = rng.standard_normal(shape).astype(dtype)
        z = (x + 1j * rng.standard_normal(shape)).astype(np.result_type(dtype, np.complex64))
        wide, both = x.astype(np.float64), z.astype(np.complex128)
        for forward in (True, False):
            wanted = reference.transform_along(both, dim, 0.5, forward)
            close(_native.transform_along(z, dim, 0.5, forward), z, wanted, dtype)
            inside = z.copy()
            assert _native.transform_along(inside, dim, 0.5, forward, inside) is inside
            close(inside, z, wanted, dtype)
        for whole in (True, False):
            close(_native.spectrum_along(x, dim, 2.0, whole), x, reference.spectrum_along(wide, dim, 2.0, whole), dtype)
        half = np.ascontiguousarray(np.take(z, range(n // 2 + 1), dim))
        wanted = reference.real_along(half.astype(np.complex128), dim, 1 / n, n)
        close(_native.real_along(half, dim, 1 / n, n), half, wanted, dtype)


def test_a_row_knows_nothing_of_the_others(machine: Any, dtype: Any) -> None:
    x = np.random.default_rng(0).standard_normal((40, 30)).astype(dtype)
    alone = _native.spectrum_along(x, 1, 1.0, False)
    x[3], x[4] = np.nan, np.inf
    x[5] *= 1e30
    got = _native.spectrum_along(x, 1, 1.0, False)
    others = [i for i in range(40) if i not in (3, 4, 5)]
    np.testing.assert_array_equal(got[others], alone[others])
    assert np.isnan(got[3]).all()


def test_what_the_kernels_leave_to_the_reference(machine: Any) -> None:
    x = np.ones((40, 34)) + 0j
    assert _native.transform_along(x, 1, 1.0, True) is NotImplemented  # 17
    assert _native.spectrum_along(x.real, 1, 1.0, False) is NotImplemented
    assert _native.transform_along(x[:, ::2], 0, 1.0, True) is NotImplemented
    assert _native.transform_along(x[:0], 1, 1.0, True) is NotImplemented
    assert _native.real_along(x, 1, 1.0, 64) is NotImplemented
    assert _native.real_along(x, 1, 1.0, 0) is NotImplemented
    frozen = x.copy()
    frozen.flags.writeable = False
    assert _native.transform_along(x, 0, 1.0, True, frozen) is NotImplemented
    assert _native.transform_along(x, 0, 1.0, True, np.ones((40, 3)) + 0j) is NotImplemented
    with pytest.raises(ValueError, match="dim"):
        _native.transform_along(x, 2, 1.0, True)
    with pytest.raises(TypeError, match="ndarray"):
        _native.spectrum_along(3, 0, 1.0, True)
