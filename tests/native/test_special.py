"""The compiled special functions against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import bessel, division, gamma, pairs, pointwise, special

UNARY = {
    **{name: getattr(special, name) for name in ("erf", "erfc", "erfinv", "erfcx", "ndtri", "log_ndtr")},
    **{name: getattr(pairs, name) for name in ("entr", "sinc")},
    **{name: getattr(gamma, name) for name in ("lgamma", "digamma")},
    "trigamma": lambda x: gamma.polygamma(1, x),
    **{
        name: getattr(bessel, name)
        for name in ["i0", "i0e", "i1", "i1e", "k0", "k0e", "k1", "k1e", "j0", "j1", "y0", "y1"]
    },
    **{name: getattr(pointwise, name) for name in ("mish", "hardswish")},
}
BINARY = {
    "zeta": gamma.zeta, "fmod": np.fmod, "remainder": division.remainder,
    **{name: getattr(pairs, name) for name in ("hypot", "logaddexp", "xlogy", "xlog1py")},
}  # fmt: skip
# The ranges' borders, zeros and poles of the functions, and what is large, small or no number.
PLACES = np.array([
    0, -0.0, 0.46875, 0.5, 0.85, 0.925, 1, 1.4616321449683622, 1.5, 2, 2.5, 3, 5, 5.25, 8, 10, 16.5, 26, 27, 27.5, 28, 37.5,
    100, 103, 700, 1e4, 1e5, 1e10, 2.0**52 + 0.5, 2.0**53, 1e300, 1e-20, 1e-300, 1e-310, np.inf, np.nan,
])  # fmt: skip


def numbers(rng, dtype):
    drawn = [rng.standard_normal(301), rng.random(203), 30 * rng.standard_normal(101), 10 ** rng.uniform(-20, 2, 101)]
    return np.concatenate([PLACES, -PLACES, *drawn]).astype(dtype)


def close(got, wanted, dtype, zeros=True, least=0.0):
    """Equal but for rounding, which near a zero of a function is large beside its values; `least` is what float32 loses."""
    assert got.shape == wanted.shape and got.dtype == wanted.dtype == dtype
    tolerance = (2e-6, max(least, 1e-37)) if dtype == np.float32 else (2e-12, 1e-300)
    np.testing.assert_allclose(got, wanted, *tolerance)
    if zeros:
        np.testing.assert_array_equal(np.signbit(got)[wanted == 0], np.signbit(wanted)[wanted == 0])


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_function_is_the_references(machine, dtype, name):
    rng = np.random.default_rng(0)
    kernel = getattr(_native, name)
    x = numbers(rng, dtype)
    close(kernel(x), UNARY[name](x), dtype)
    for shape in ((), (1,), (7,), (3, 5), (2, 0), (9000,)):
        x = rng.uniform(-0.99, 0.99, shape).astype(dtype)
        close(kernel(x), UNARY[name](x), dtype)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_function_of_two_is_the_references(machine, dtype, name):
    rng = np.random.default_rng(0)
    kernel, reference = getattr(_native, name), BINARY[name]
    # The sign of a remainder that is 0 depends on NumPy's loop; the reference of logaddexp is computed in float32.
    zeros, least = name != "remainder", 1e-6 if name == "logaddexp" else 0.0
    grid = np.concatenate([PLACES, -PLACES]).astype(dtype)
    a, b = (part.reshape(-1).copy() for part in np.meshgrid(grid, grid))
    close(kernel(a, b), reference(a, b), dtype, zeros, least)
    for shape in ((7,), (3, 5), (2, 0), (9000,)):
        a, b = (rng.uniform(0.1, 9, shape).astype(dtype) for _ in range(2))
        close(kernel(a, b), reference(a, b), dtype, zeros, least)
        one = np.asarray(2.5, dtype)
        close(kernel(a, one), reference(a, np.full_like(a, one)), dtype, zeros, least)
        close(kernel(one, b), reference(np.full_like(b, one), b), dtype, zeros, least)
        close(kernel(a, 2.5), reference(a, np.full_like(a, one)), dtype, zeros, least)
        close(kernel(2.5, b), reference(np.full_like(b, one), b), dtype, zeros, least)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_remainders_have_no_error(machine, rng, dtype):
    a = (rng.standard_normal(5000) * 10.0 ** rng.integers(-30, 30, 5000)).astype(dtype)
    b = (rng.standard_normal(5000) * 10.0 ** rng.integers(-30, 30, 5000)).astype(dtype)
    near = (b * rng.integers(-1000, 1000, 5000)).astype(dtype)
    for x in (a, near, np.nextafter(near, dtype(0)), np.nextafter(near, dtype(np.inf))):
        np.testing.assert_array_equal(_native.fmod(x, b), np.fmod(x, b))
        np.testing.assert_array_equal(_native.remainder(x, b), np.remainder(x, b))


def test_a_remainder_of_zero_has_the_dividends_sign(machine, dtype):
    x = np.array([4, -4, 0, -0.0], dtype)
    for divisor in (2.0, -2.0):
        np.testing.assert_array_equal(np.signbit(_native.remainder(x, divisor)), [False, True, False, True])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_activations_are_the_references(machine, rng, dtype):
    x = numbers(rng, dtype)
    for beta, threshold in ((1.0, 20.0), (0.5, 1.0), (-2.0, 20.0)):
        close(_native.softplus(x, beta, threshold), pointwise.softplus(x, beta, threshold), dtype, False, 1e-7)
    for factors in ((1.0, 1.0, 1.0), (1.5, 1.1, 0.25)):
        close(_native.elu(x, *factors), pointwise.elu(x, *factors), dtype)


def test_what_the_kernels_leave_to_the_reference(machine):
    for given in (
        np.ones((4, 4), np.float32).T[::2],
        np.ones(3, np.float16),
        np.ones(3, np.int64),
        np.ones(3, ">f4"),
        1.5,
    ):
        for name in UNARY:
            assert getattr(_native, name)(given) is NotImplemented
        for name in BINARY:
            assert getattr(_native, name)(given, given) is NotImplemented
    assert _native.fmod(np.ones((2, 3)), np.ones(3)) is NotImplemented
    assert _native.fmod(np.ones(3), np.ones(3, np.float32)) is NotImplemented
    with pytest.raises(TypeError, match="ndarray"):
        _native.elu(3, 1.0, 1.0, 1.0)
