"""The compiled factors of small matrices against the reference."""

from __future__ import annotations

import numpy as np

from rushlight import _native
from rushlight.kernels.reference import factors


def test_lu_factors_are_the_references(machine, rng, dtype):
    for shape in ((1, 1), (3, 3), (8, 8), (9, 4), (4, 9), (70, 70), (5, 6, 6), (2, 3, 17, 20), (300, 8, 8)):
        a = rng.standard_normal(shape).astype(dtype)
        for got, wanted in zip(_native.lu_factor(a), factors.lu_factor(a), strict=True):
            assert got.shape == wanted.shape and got.dtype == wanted.dtype
            np.testing.assert_allclose(got, wanted, *((2e-4, 2e-5) if dtype == np.float32 else (1e-11, 1e-13)))


def test_matrices_without_an_inverse(machine, dtype):
    a = np.array([np.zeros((3, 3)), np.ones((3, 3)), np.diag([1.0, 0, 2]), np.eye(3), np.full((3, 3), np.nan)], dtype)
    for got, wanted in zip(_native.lu_factor(a), factors.lu_factor(a), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_what_the_kernels_leave_to_the_reference(machine):
    a = np.ones((4, 4))
    for given in (
        a.T[::2],
        a.astype(complex),
        a.astype(np.float16),
        np.ones(3),
        np.ones((0, 3, 3)),
        np.ones((200, 200)),
    ):
        assert _native.lu_factor(given, None) is NotImplemented
