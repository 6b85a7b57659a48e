"""The regularized incomplete gamma functions on arrays, in float64 arithmetic.

Power series where x is small beside a, a continued fraction where it is large (Abramowitz and Stegun, 6.5.29 and
6.5.31), and where both are large and close Temme's uniform expansion (NIST Handbook of Mathematical Functions, 8.12),
with the borders between them that W. Gautschi, "A computational procedure for incomplete gamma functions", ACM TOMS 5
(1979), and the Cephes library draw.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from . import gamma
from .series import by_blocks, polynomial
from .special import erfc

__all__ = ["gammainc", "gammaincc"]

Array = npt.NDArray[Any]

_MOST_TERMS = 2000
_EPSILON = 2.0**-53
# Powers of 1/a and of η in Temme's expansion: enough for a > 20 and |x - a| < 0.3 a.
_TEMME_ORDERS, _TEMME_POWERS = 12, 26


def _factor(a: Array, x: Array) -> Array:
    """`x^a exp(-x) / Γ(a + 1)`; for large a by Stirling's formula, in which the large logarithms cancel beforehand."""

    def large(a: Array, x: Array) -> Array:
        mu = (x - a) / a
        inverse = 1 / a
        stirling = polynomial(gamma._STIRLING, inverse * inverse) * inverse
        log_ratio = np.where(np.abs(mu) < 0.5, np.log1p(mu), np.log(x / a))
        return np.exp(a * (log_ratio - mu) - stirling) / np.sqrt(2 * math.pi * a)

    def small(a: Array, x: Array) -> Array:
        return np.exp(a * np.log(x) - x - gamma._lgamma_positive(a + 1))

    return _split(a >= 10, large, small, a, x)


def _split(first: Any, formula: Any, other: Any, a: Array, x: Array) -> Array:
    """One formula where a mask is true, another where it is false."""
    if first.all():
        return np.asarray(formula(a, x))
    if not first.any():
        return np.asarray(other(a, x))
    out = np.empty(a.shape)
    rest = ~first
    out[first] = formula(a[first], x[first])
    out[rest] = other(a[rest], x[rest])
    return out


def _lower_series(a: Array, x: Array) -> Array:
    """P: `x^a exp(-x) / Γ(a + 1) · Σ x^n / ((a + 1) … (a + n))`."""
    total, term, r = np.ones(a.shape), np.ones(a.shape), a.copy()
    for _ in range(_MOST_TERMS):
        r += 1
        term *= x / r
        total += term
        if not (term > _EPSILON * total).any():
            break
    return total * _factor(a, x)


def _upper_series(a: Array, x: Array) -> Array:
    """Q for x below about 1: what is left of 1 when the first term of P is taken away, and the rest of its series."""
    factor, total = np.ones(a.shape), np.zeros(a.shape)
    for n in range(1, _MOST_TERMS):
        factor *= -x / n
        term = factor / (a + n)
        total += term
        if not (np.abs(term) > _EPSILON * np.abs(total)).any():
            break
    log_x = np.log(x)
    first = -np.expm1(a * log_x - gamma._lgamma_positive(a + 1))
    return np.asarray(first - np.exp(a * log_x - gamma._lgamma_positive(a)) * total)


def _upper_fraction(a: Array, x: Array) -> Array:
    """Q by its continued fraction, evaluated forwards; the convergents are scaled down as they grow."""
    y, z = 1 - a, x + 2 - a
    before_top, before_bottom = np.ones(a.shape), x.copy()
    top, bottom = x + 1, z * x
    value = top / bottom
    open_ = np.ones(a.shape, np.bool_)
    for count in range(1, _MOST_TERMS):
        y = y + 1
        z = z + 2
        product = y * count
        next_top, next_bottom = top * z - before_top * product, bottom * z - before_bottom * product
        ratio = np.where(next_bottom != 0, next_top / next_bottom, value)
        # What has converged is left: its convergents would only gather rounding errors.
        change = np.abs((value - ratio) / ratio)
        value = np.where(open_, ratio, value)
        open_ &= change > _EPSILON
        before_top, top, before_bottom, bottom = top, next_top, bottom, next_bottom
        scale = np.where(np.abs(top) > 2.0**52, 2.0**-52, 1.0)
        for part in (before_top, top, before_bottom, bottom):
            part *= scale
        if not open_.any():
            break
    # Far out the convergents overflow, where nothing is left of the factor.
    factor = _factor(a, x) * a
    return np.where(factor == 0, 0.0, value * factor)


@functools.cache
def _temme() -> Array:
    """The coefficients d[k, n] of η^n / a^k, from exact fractions (NIST Handbook, 8.12.11 and 8.12.12)."""
    size = _TEMME_POWERS + 2 * _TEMME_ORDERS + 3
    from fractions import Fraction  # a megabyte that few programs need

    alpha = [Fraction(0), Fraction(1), Fraction(1, 3)]
    for n in range(3, size):
        inner = sum((j * alpha[j] * alpha[n - j + 1] for j in range(2, n)), Fraction(0))
        alpha.append((alpha[n - 1] - inner) / (n + 1))
    row = [Fraction(-1, 3), *((n + 2) * alpha[n + 2] for n in range(1, size - 2))]
    # The coefficients of Γ's own asymptotic series are those of the exponential of Stirling's series.
    bernoulli = [Fraction(b) for b in ("1/6", "-1/30", "1/42", "-1/30", "5/66", "-691/2730")]
    growth = [Fraction(1)]
    for k in range(1, _TEMME_ORDERS):
        odd = range(1, min(k, 2 * len(bernoulli) - 1) + 1, 2)
        growth.append(sum((bernoulli[j // 2] / (j + 1) * growth[k - j] for j in odd), Fraction(0)) / k)
    first, table = row, [row[:_TEMME_POWERS]]
    for k in range(1, _TEMME_ORDERS):
        row = [(-1) ** k * growth[k] * first[n] + (n + 2) * row[n + 2] for n in range(len(row) - 2)]
        table.append(row[:_TEMME_POWERS])
    return np.array([[float(d) for d in one] for one in table])


def _uniform(a: Array, x: Array, upper: bool) -> Array:
    mu = (x - a) / a
    eta = np.sqrt(np.maximum(2 * (mu - np.log1p(mu)), 0)) * np.sign(mu)
    powers = eta ** np.arange(_TEMME_POWERS)[:, None]
    total = ((_temme() @ powers) * a ** -np.arange(_TEMME_ORDERS)[:, None].astype(np.float64)).sum(0)
    rest = np.exp(-0.5 * a * eta * eta) / np.sqrt(2 * math.pi * a) * total
    half = 0.5 * erfc((eta if upper else -eta) * np.sqrt(a * 0.5))
    return np.asarray(half + rest if upper else half - rest)


def _upper_plain(a: Array, x: Array) -> Array:
    """Q away from where a and x are large and close."""
    border = np.where(x <= 0.5, -0.4 / np.log(x), x * 1.1)
    below = np.where(x > 1.1, x < a, border < a)

    def above(a: Array, x: Array) -> Array:
        return _split(x > 1.1, _upper_fraction, _upper_series, a, x)

    return _split(below, lambda a, x: 1 - _lower_series(a, x), above, a, x)


def _lower_plain(a: Array, x: Array) -> Array:
    return _split((x > 1) & (x > a), lambda a, x: 1 - _upper_plain(a, x), _lower_series, a, x)


def _regular(a: Array, x: Array, upper: bool) -> Array:
    """Finite positive a and x."""
    distance = np.abs(x - a) / a
    close = ((a > 20) & (a < 200) & (distance < 0.3)) | ((a > 200) & (distance < 4.5 / np.sqrt(a)))
    plain = _upper_plain if upper else _lower_plain
    return _split(close, lambda a, x: _uniform(a, x, upper), plain, a, x)


def _incomplete(a: Array, x: Array, upper: bool) -> Array:
    regular = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    if regular.all():
        return _regular(a, x, upper)
    out = np.full(a.shape, np.nan)
    out[regular] = _regular(a[regular], x[regular], upper)
    at_zero, at_infinity = (1.0, 0.0) if upper else (0.0, 1.0)
    out[~(a < 0) & (x == np.inf)] = at_infinity
    out[(a == np.inf) & ~(x < 0)] = at_zero
    out[(a == np.inf) & (x == np.inf)] = np.nan
    out[~(a < 0) & (x == 0)] = at_zero
    out[(a == 0) & (x > 0)] = at_infinity
    out[(a == 0) & ~(x > 0)] = np.nan
    return out


def gammainc(a: Array, x: Array) -> Array:
    """P(a, x), the lower regularized incomplete gamma function."""
    return by_blocks(lambda a, x: _incomplete(a, x, False), a, x)


def gammaincc(a: Array, x: Array) -> Array:
    """Q(a, x), the upper regularized incomplete gamma function."""
    return by_blocks(lambda a, x: _incomplete(a, x, True), a, x)
