"""Relatives of the gamma function on arrays, in float64 arithmetic: its logarithm, that one's derivatives, and the zeta
function of Hurwitz.

After Abramowitz and Stegun, chapter 6 and 23.2: recurrence and reflection lead into a range where a series is short.
The polynomials are truncated Chebyshev series, computed with mpmath at 50 digits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .series import by_blocks, choose, polynomial

__all__ = ["digamma", "lgamma", "polygamma", "zeta"]

Array = npt.NDArray[Any]

# log Γ(2 + t) / t for |t| <= 1/2, in 2 t.
_LGAMMA_NEAR_2 = np.array((
    0.42278433509846713, 0.16123351671205663, -0.016838075263299536, 0.002572601053472542, -0.000461596939291756,
    9.032844784489912e-05, -1.8636779875052926e-05, 3.981793088659667e-06, -8.716982449081134e-07,
    1.9425327031438992e-07, -4.387339030049162e-08, 1.001249236957858e-08, -2.3043102744274226e-09,
    5.352455971471404e-10, -1.2481294697143873e-10, 2.8075860826633894e-11, -6.566215046625873e-12,
    2.1270762170785405e-12, -5.117684453811745e-13,
))  # fmt: skip
# B_2k / (2k (2k - 1)), the coefficients of Stirling's series.
_STIRLING = np.array((
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400, 43867 / 244188,
))  # fmt: skip
# ψ(x) / (x - x₀) on [1, 2], in 2 x - 3, and its zero x₀ in two parts.
_DIGAMMA_NEAR_ZERO = np.array((
    0.9510558760318328, -0.2118137106407303, 0.06013562106019684, -0.018550615381735008, 0.005936795278301761,
    -0.0019350666648613071, 0.0006368880303865817, -0.00021074841138175561, 6.995018825112794e-05,
    -2.3258242519113285e-05, 7.741234508636364e-06, -2.578093954045772e-06, 8.589060721930695e-07,
    -2.863161166883193e-07, 9.543298288278275e-08, -3.162911147408454e-08, 1.0527692435026686e-08,
    -3.7083753242807277e-09, 1.2469984616707403e-09, -2.7580994814377e-10, 8.734528429142953e-11,
    -8.50550766013261e-11, 2.918622732168261e-11,
))  # fmt: skip
_DIGAMMA_ZERO, _DIGAMMA_ZERO_REST = 1.4616321449683622, 9.549995429965697e-17
# B_2k / (2k), the coefficients of digamma's asymptotic series.
_DIGAMMA_SERIES = np.array((1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12))
# B_2k / (2k)!, for the Euler-Maclaurin formula.
_BERNOULLI = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000, 43867 / 5109094217170944000,
)  # fmt: skip
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def _sine_of_pi(x: Array) -> Array:
    """`|sin(πx)|`, its argument reduced first."""
    return np.abs(np.sin(math.pi * (x - np.rint(x))))


def _lgamma_middle(x: Array) -> Array:
    """0 < x < 8."""
    low, tiny = x < 1.5, x < 0.5
    # Below 1.5 the recurrence is used upwards, so that the zero at 1 keeps its digits; from 2.5 on downwards.
    t = np.where(low, x - 1, x - 2)
    t += tiny
    factor = np.where(tiny, x * (x + 1), np.where(low, x, 1.0))
    while (high := t >= 0.5).any():
        t -= high
        factor *= np.where(high, t + 2, 1.0)
    rest = np.log(factor)
    return t * polynomial(_LGAMMA_NEAR_2, 2 * t) + np.where(low, -rest, rest)


def _lgamma_large(x: Array) -> Array:
    inverse = 1 / x
    series = polynomial(_STIRLING, inverse * inverse) * inverse
    out: Array = (x - 0.5) * np.log(x) - x + _HALF_LOG_TWO_PI + series
    out[np.isinf(x)] = np.inf
    return out


def _lgamma_positive(x: Array) -> Array:
    return choose(x, x >= 8, _lgamma_large, _lgamma_middle)


def _lgamma(x: Array) -> Array:
    if not (x <= 0).any():
        return _lgamma_positive(x)
    negative = x <= 0
    # Reflection: Γ(x) Γ(1 - x) = π / sin(πx). Close to 0 the quotient is taken apart, since it overflows.
    out = _lgamma_positive(np.where(negative, 1 - x, x))
    part = x[negative]
    tiny = part > -1e-17
    safe = np.where(tiny, -1.5, part)
    out[negative] = np.where(tiny, -np.log(-part), math.log(math.pi) - np.log(_sine_of_pi(safe)) - out[negative])
    out[negative & (x == np.floor(x))] = np.inf
    return out


def lgamma(x: Array) -> Array:
    """`log |Γ(x)|`, infinite at the poles 0, -1, -2, …"""
    return by_blocks(_lgamma, x)


def _digamma_near(x: Array) -> Array:
    """0 < x < 10."""
    shift = np.where(x < 1, 1 / x, 0.0)
    y = np.where(x < 1, x + 1, x)
    while (high := y > 2).any():
        y -= high
        shift -= np.where(high, 1 / y, 0.0)
    return (y - _DIGAMMA_ZERO - _DIGAMMA_ZERO_REST) * polynomial(_DIGAMMA_NEAR_ZERO, 2 * y - 3) - shift


def _digamma_far(x: Array) -> Array:
    inverse = 1 / x
    square = inverse * inverse
    return np.log(x) - 0.5 * inverse - square * polynomial(_DIGAMMA_SERIES, square)


def _digamma(x: Array) -> Array:
    negative = x < 0
    y = np.where(negative, 1 - x, x)
    out = choose(y, ~(y < 10), _digamma_far, _digamma_near)
    if negative.any():
        # The argument of tan is reduced first, which keeps its digits.
        part = x[negative]
        out[negative] -= math.pi / np.tan(math.pi * (part - np.trunc(part)))
        out[negative & (x == np.floor(x))] = np.nan
        out[x == -np.inf] = np.nan
    zero = x == 0
    if zero.any():
        out[zero] = np.copysign(np.inf, -x[zero])
    return out


def digamma(x: Array) -> Array:
    """`Γ'(x) / Γ(x)`; at 0 an infinity of the opposite sign, NaN at the negative integers."""
    return by_blocks(_digamma, x)


def polygamma(n: int, x: Array) -> Array:
    """The n-th derivative of digamma."""
    if n == 0:
        return digamma(x)
    if n == 1:
        # Reflection: ψ₁(x) = π² / sin²(πx) - ψ₁(1 - x). The sine is taken in the type of x, as PyTorch does: what it
        # leaves at the poles is the rounding of π.
        narrow = x.astype(np.float32, copy=False) if x.dtype.itemsize < 4 else x
        low = narrow < 0.5
        with np.errstate(all="ignore"):
            rest = by_blocks(_trigamma_positive, np.asarray(np.where(low, 1 - narrow, narrow)))
            pi = narrow.dtype.type(math.pi)
            sine = np.sin(pi * narrow)
            out = np.where(low, pi * pi / (sine * sine) - rest, rest)
        return np.asarray(out).astype(x.dtype, copy=False)
    # Beyond 170 a factorial is no float64 any more.
    factorial = float(math.factorial(n)) if n <= 170 else math.inf
    sign = -1.0 if n % 2 == 0 else 1.0
    return by_blocks(lambda wide: sign * factorial * _zeta(np.full(wide.shape, n + 1.0), wide), x)


def _trigamma_positive(x: Array) -> Array:
    out = np.zeros(x.shape)
    place = np.where(np.isfinite(x), x, 1.0)
    while (low := place < 10).any():
        out += np.where(low, 1 / (place * place), 0.0)
        place += low
    inverse = 1 / place
    square = inverse * inverse
    # Twice a coefficient times its power, B_2k / x^(2k + 1).
    series = np.array((1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6))
    out += inverse + 0.5 * square + inverse * square * polynomial(series, square)
    return np.where(np.isfinite(x), out, np.where(x == np.inf, 0.0, np.nan))


def _zeta_positive(s: Array, q: Array) -> Array:
    """s > 1 and 0 < q < ∞: the first terms one by one, the rest by the Euler-Maclaurin formula."""
    place = q.copy()
    total = np.zeros(q.shape)
    # From s + 10 on the formula's terms shrink quickly; before that a term may be the last that counts.
    enough = s + 10
    while (low := place < enough).any():
        term = np.where(low, place**-s, 0.0)
        total += term
        place += low
        enough[low & (term <= 1e-17 * total)] = 0
    power = place**-s
    rest = place * power / (s - 1) + 0.5 * power
    factor = s * power / place
    for k, coefficient in enumerate(_BERNOULLI):
        rest += coefficient * factor
        factor *= (s + 2 * k + 1) * (s + 2 * k + 2) / (place * place)
    return total + np.where(enough > 0, rest, 0.0)


def _zeta(s: Array, q: Array) -> Array:
    # An infinite argument gives NaN, as in PyTorch.
    usable = (s > 1) & np.isfinite(s) & np.isfinite(q)
    positive = usable & (q > 0)
    if positive.all():
        return _zeta_positive(s, q)
    out = np.full(q.shape, np.nan)
    out[positive] = _zeta_positive(s[positive], q[positive])
    out[(s == np.inf) & (q < 1)] = np.inf
    out[(s == np.inf) & (q == 1)] = 1
    out[(q <= 0) & (q == np.floor(q)) & ~(s < 1)] = np.inf
    below = usable & (q < 0) & (q != np.floor(q)) & (s == np.floor(s))
    if below.any():
        # The terms below 0 are, up to the sign, those of two sums above it.
        s_below, q_below = s[below], q[below]
        over = q_below - np.floor(q_below)
        under = -q_below - np.floor(-q_below)
        mirrored = _zeta_positive(s_below, under) - _zeta_positive(s_below, 1 - q_below)
        sign = np.where(s_below % 2 == 0, 1.0, -1.0)
        out[below] = _zeta_positive(s_below, over) + sign * mirrored
    out[s == 1] = np.inf
    return out


def zeta(s: Array, q: Array) -> Array:
    """Hurwitz's zeta function `Σ 1 / (k + q)^s`, k from 0."""
    return by_blocks(_zeta, s, q)
