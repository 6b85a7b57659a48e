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


def test_orthonormal_factors_are_the_references(machine, rng, dtype):
    for shape in (
        (1, 1),
        (3, 3),
        (8, 8),
        (9, 4),
        (4, 9),
        (5, 1),
        (1, 5),
        (70, 70),
        (5, 6, 6),
        (2, 3, 17, 20),
        (300, 8, 8),
    ):
        a = rng.standard_normal(shape).astype(dtype)
        a[..., 0] *= 100
        for got, wanted in zip(_native.qr_factor(a), factors.qr_factor(a.astype(float)), strict=True):
            assert got.shape == wanted.shape and got.dtype == dtype
            bound = 3e-5 if dtype == np.float32 else 1e-13
            np.testing.assert_allclose(got, wanted, bound, bound * np.abs(wanted).max())
    for a in (
        np.zeros((3, 3), dtype),
        np.eye(4, dtype=dtype),
        -np.eye(2, 3, dtype=dtype),
        np.triu(np.ones((4, 4), dtype)),
    ):
        for got, wanted in zip(_native.qr_factor(a), factors.qr_factor(a), strict=True):
            np.testing.assert_array_equal(got, wanted)
    huge = np.finfo(dtype).max / 8 * rng.uniform(0.5, 1, (4, 4)).astype(dtype)
    np.testing.assert_allclose(_native.qr_factor(huge)[0], factors.qr_factor(huge / np.finfo(dtype).max)[0], 1e-4)
    assert np.isnan(_native.qr_factor(np.full((3, 3), np.nan, dtype))[1][0, 0])
    assert _native.qr_factor(np.ones((97, 2))) is NotImplemented
    assert _native.qr_factor(np.ones((2, 2)) + 0j) is NotImplemented


def test_triangular_systems_are_the_references(machine, rng, dtype):
    for lead, n, columns in (((), 1, 1), ((), 8, 8), ((), 33, 5), ((3,), 7, 1), ((2, 40), 8, 8), ((), 96, 17)):
        a = (rng.standard_normal((*lead, n, n)) / n + 2 * np.eye(n)).astype(dtype)
        b = rng.standard_normal((*lead, n, columns)).astype(dtype)
        for upper in (True, False):
            for unit in (True, False):
                for given, right in ((a, b), (a.swapaxes(-2, -1), b), (a, np.asfortranarray(b)))[: 1 if lead else 3]:
                    got = _native.solve_triangular(given, right, upper, unit)
                    wanted = factors.solve_triangular(given.astype(float), right.astype(float), upper, unit)
                    assert got.dtype == dtype
                    np.testing.assert_allclose(got, wanted, *((1e-5, 1e-6) if dtype == np.float32 else (1e-12, 1e-14)))
    zero = _native.solve_triangular(np.array([[0, 1], [0, 1]], dtype), np.ones((2, 1), dtype), True)
    np.testing.assert_array_equal(zero, np.array([[np.nan], [1]], dtype))
    for a, b in (
        (np.ones((3, 3)), np.ones((2, 3, 1))),
        (np.ones((3, 2)), np.ones((3, 1))),
        (np.ones((97, 97)), np.ones((97, 1))),
    ):
        assert _native.solve_triangular(a, b, True) is NotImplemented
    assert _native.solve_triangular(np.ones((2, 2)) + 0j, np.ones((2, 2)) + 0j, True) is NotImplemented


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
