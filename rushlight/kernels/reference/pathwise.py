"""How numbers drawn from the gamma and the beta law move with the law's parameters, at a fixed place of its
distribution function: `-(dF/dα) / (dF/dx)`.

Where α and x lie decides which approximation is used; the fitted coefficients are those of PyTorch, whose numbers
these are therefore.

Source: M. Jankowiak, F. Obermeyer, "Pathwise Derivatives Beyond the Reparameterization Trick", 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rushlight.kernels.reference.gamma import digamma

__all__ = ["dirichlet_gradient", "gamma_gradient"]

Array = npt.NDArray[Any]
Formula = Callable[..., Array]

# Rows: powers of log(x / α); columns: powers of log α, four of the numerator and four of the denominator.
_GAMMA_FIT = np.array([
    [0.16009398, -0.094634809, 0.025146376, -0.0030648343, 1, 0.32668115, 0.10406089, 0.0014179084],
    [0.53487893, 0.1298071, 0.065735949, -0.0015649758, 0.16639465, 0.020070113, -0.0035938915, -0.00058392623],
    [0.040121004, -0.0065914022, -0.0026286047, -0.0013441777, 0.017050642, -0.0021309326, 0.00085092367,
     -1.5247877e-07],
])  # fmt: skip

# Numerator, denominator; powers of log x; powers of log(α / x); powers of log(total · x / α).
_BETA_FIT = np.array([
    [[[1.003668233, -0.01061107488, -0.0657888334, 0.01201642863],
      [0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033],
      [-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013]],
     [[0.221950385, -0.3187676331, 0.01799915743, 0.01074823814],
      [-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057],
      [0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05]],
     [[-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565],
      [0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181],
      [0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05]]],
    [[[1, -0.02924021934, -0.04438342661, 0.007285809825],
      [0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521],
      [-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149]],
     [[0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273],
      [0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956],
      [-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05]],
     [[0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05],
      [0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05],
      [-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06]]],
])  # fmt: skip

# Bounds that PyTorch writes as float32 constants.
_SMALL_X, _BELOW, _ABOVE = (float(np.float32(v)) for v in (0.8, 0.9, 1.1))


def _piecewise(regions: list[tuple[Array, Formula]], *arguments: Array) -> Array:
    """Each formula on the elements that it is for, the last one on the rest."""
    out = np.empty_like(arguments[0])
    left = np.ones(out.shape, np.bool_)
    with np.errstate(all="ignore"):
        for mask, formula in regions:
            chosen = left & mask
            if chosen.any():
                out[chosen] = formula(*(a[chosen] for a in arguments))
            left &= ~mask
    return out


def gamma_gradient(alpha: Array, x: Array) -> Array:
    """The derivative of numbers x of the gamma law of scale 1 with respect to its shape, in the type of `alpha`."""
    a, at = (v.astype(np.float64, copy=False) for v in np.broadcast_arrays(alpha, x))
    with np.errstate(invalid="ignore"):
        regions = [
            (at < _SMALL_X, _gamma_small),
            ((a > 8) & (_BELOW * a <= at) & (at <= _ABOVE * a), _gamma_near_mean),
            (a > 8, _gamma_large),
            (np.ones(a.shape, np.bool_), _gamma_fitted),
        ]
    return _piecewise(regions, a, at).astype(alpha.dtype, copy=False)


def _gamma_small(alpha: Array, x: Array) -> Array:
    """The first terms of the distribution function's series."""
    term: Any = 1.0
    first, second = 1 / alpha, 1 / (alpha * alpha)
    for i in range(1, 6):
        term = term * (-x / i)
        below = alpha + i
        first = first + term / below
        second = second + term / (below * below)
    power = x**alpha
    moved = (np.log(x) - digamma(alpha)) * (power * first) - power * second
    out = -moved / (x ** (alpha - 1) * np.exp(-x))
    return np.where(np.isnan(out), 0, out)


def _gamma_near_mean(alpha: Array, x: Array) -> Array:
    square = alpha * alpha
    above = 1440 * square + 6 * x * (53 - 120 * x) - 65 * x * x / alpha + alpha * (107 + 3600 * x)
    return (1 + 24 * alpha * (1 + 12 * alpha)) * above / (1244160 * square * square)


def _gamma_large(alpha: Array, x: Array) -> Array:
    """Rice's expansion about the saddle point."""
    width = np.sqrt(8 * alpha)
    log_ratio = np.log(x / alpha)
    tail = (x - alpha - alpha * log_ratio) ** -1.5
    both = width / (alpha - x) + np.where(x < alpha, -tail, tail)
    inner = log_ratio * both - np.sqrt(2 / alpha) * (alpha + x) / ((alpha - x) * (alpha - x))
    stirling = 1 + 1 / (12 * alpha) * (1 + 1 / (24 * alpha))
    return -stirling * (x * inner) / width


def _gamma_fitted(alpha: Array, x: Array) -> Array:
    u, v = np.log(x / alpha), np.log(alpha)
    c = [_GAMMA_FIT[0, i] + u * (_GAMMA_FIT[1, i] + u * _GAMMA_FIT[2, i]) for i in range(8)]
    return np.exp(_cubic(c[:4], v) / _cubic(c[4:], v))


def _cubic(c: Any, v: Array) -> Array:
    return c[0] + v * (c[1] + v * (c[2] + v * c[3]))


def dirichlet_gradient(x: Array, alpha: Array, total: Array) -> Array:
    """The derivative of a Dirichlet law's number x with respect to its own parameter, the others summing to
    `total - alpha`; in the type of `x`.
    """
    at, a, all_ = (v.astype(np.float64, copy=False) for v in np.broadcast_arrays(x, alpha, total))
    rest = all_ - a
    edge = all_ * at * (1 - at)
    with np.errstate(invalid="ignore"):
        regions = [
            ((at <= 0.5) & (edge < 2.5), lambda x, a, b: _beta_small(x, a, b)),
            ((at >= 0.5) & (edge < 0.75), lambda x, a, b: -_beta_small_other(1 - x, b, a)),
            ((a > 6) & (rest > 6), _beta_middle),
            (np.ones(a.shape, np.bool_), _beta_fitted),
        ]
    return _piecewise(regions, at, a, rest).astype(x.dtype, copy=False)


def _beta_small(x: Array, alpha: Array, beta: Array) -> Array:
    """The first terms of a series in x, of the derivative with respect to `alpha`."""
    factor = digamma(alpha) - digamma(alpha + beta) - np.log(x)
    term: Any = 1.0
    series = term / alpha * (factor + 1 / alpha)
    for i in range(1, 11):
        term = term * ((i - beta) * x / i)
        below = alpha + i
        series = series + term / below * (factor + 1 / below)
    out = x * (1 - x) ** -beta * series
    return np.where(np.isnan(out), 0, out)


def _beta_small_other(x: Array, alpha: Array, beta: Array) -> Array:
    """The same, of the derivative with respect to `beta`."""
    factor = digamma(alpha + beta) - digamma(beta)
    term: Any = 1.0
    product: Any = 1.0
    slope: Any = 0.0
    series = factor / alpha
    for i in range(1, 9):
        term = term * (-x / i)
        slope = slope * (beta - i) + product
        product = product * (beta - i)
        series = series + term / (alpha + i) * (slope + factor * product)
    out = -((1 - x) ** (1 - beta)) * series
    return np.where(np.isnan(out), 0, out)


def _beta_middle(x: Array, alpha: Array, beta: Array) -> Array:
    total = alpha + beta
    mean = alpha / total
    deviation = np.sqrt(alpha * beta / (total + 1)) / total
    near = (mean - 0.1 * deviation <= x) & (x <= mean + 0.1 * deviation)
    return np.where(near, _beta_near_mean(x, alpha, beta, total), _beta_saddle(x, alpha, beta, total))


def _beta_near_mean(x: Array, a: Array, b: Array, total: Array) -> Array:
    square = b * b
    fourth = 8 * (1 - x) * (135 * b - 11)
    third = (453 + 1620 * b * (1 - x) - 455 * x) * b + a * fourth
    second = 3 * (59 + 180 * b - 90 * x) * square + a * third
    first = (43 + 20 * (16 + 27 * b) * x) * square * b + a * second
    polynomial = 47 * x * square * square + a * first
    above = (1 + 12 * a) * (1 + 12 * b) / (total * total)
    return above / (1 - x) * polynomial / (12960 * a * a * a * b * b * (1 + 12 * total))


def _stirling(v: Array) -> Array:
    return 1 + 1 / (12 * v) + 1 / (288 * v * v)


def _beta_saddle(x: Array, a: Array, b: Array, total: Array) -> Array:
    distance = a * (x - 1) + b * x
    above = 2 * (a * a) * (x - 1) + a * b * (x - 1) - x * (b * b)
    first = above / (np.sqrt(2 * a / b) * total**1.5 * distance * distance)
    second = 0.5 * np.log(a / (total * x))
    third = np.sqrt(8 * a * b / total) / (b * x + a * (x - 1))
    tail = (b * np.log(b / (total * (1 - x))) + a * np.log(a / (total * x))) ** -1.5
    inner = first + second * (third + np.where(x < a / total, tail, -tail))
    return _stirling(a) * _stirling(b) / _stirling(total) * (-x / np.sqrt(2 * a * b / total)) * inner


def _beta_fitted(x: Array, alpha: Array, beta: Array) -> Array:
    total = alpha + beta
    u = np.log(x)
    a = np.log(alpha) - u
    b = np.log(total) - a
    p: Any = 0.0
    q: Any = 0.0
    for i in range(3):
        for j in range(3):
            power = u**i * a**j
            p = p + power * _cubic(_BETA_FIT[0, i, j], b)
            q = q + power * _cubic(_BETA_FIT[1, i, j], b)
    return p / q * (x * (digamma(total) - digamma(alpha)) / beta)
