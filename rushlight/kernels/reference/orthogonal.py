"""Orthogonal polynomials whose degree is a number for each element, by their three-term recurrences (Abramowitz and
Stegun, 22.7).

Chebyshev polynomials above the sixth degree have a trigonometric form within their interval, which loses no digits and
costs the same for every degree; PyTorch changes to it there too. Beyond the range of the type the recurrence meets
∞ - ∞, and the results are NaN, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "chebyshev_t", "chebyshev_u", "chebyshev_v", "chebyshev_w", "hermite_h", "hermite_he", "laguerre_l", "legendre_p",
]  # fmt: skip

Array = npt.NDArray[Any]
Step = Callable[[int, Array, Array, Array], Array]

_HIGHEST_IN_TURN = 6


def _degrees(n: Array) -> Array:
    """Degrees as whole numbers, cut off; what is none (NaN, an infinity) is below 0."""
    return np.where(np.isfinite(n), np.clip(np.trunc(n), -1, 2.0**62), -1).astype(np.int64)


def _recur(x: Array, n: Array, first: Array, step: Step) -> Array:
    """Degree 0 is 1, degree 1 is `first`, and `step(k, x, q, p)` the degree after k, from those of k and k - 1."""
    highest = int(n.max(initial=0))
    before, value = np.ones_like(x), first
    out = np.where(n > 0, value, before)
    for k in range(1, highest):
        before, value = value, step(k, x, value, before)
        reached = n > k
        out = value if reached.all() else np.where(reached, value, out)
        if k % 32 == 0 and np.isnan(value).all():
            break
    return np.where(n < 0, 0, out).astype(x.dtype, copy=False)


def _evaluated(x: Array, n: Array, first: Callable[[Array], Array], step: Step) -> Array:
    with np.errstate(all="ignore"):
        x, n = np.broadcast_arrays(x, n)
        return _recur(x, _degrees(n), first(x), step)


def _next_chebyshev(k: int, x: Array, value: Array, before: Array) -> Array:
    return (x + x) * value - before


def _chebyshev(x: Array, n: Array, first: Callable[[Array], Array], wave: Callable[[Array, Array], Array],
               ends: tuple[Callable[[Array], Array], Callable[[Array], Array]]) -> Array:  # fmt: skip
    """The recurrence outside [-1, 1] and for low degrees; within, `wave(angle, degree)`; at 1 and -1 `ends`."""
    with np.errstate(all="ignore"):
        x, n = np.broadcast_arrays(x, n)
        degree = _degrees(n)
        within = (degree > _HIGHEST_IN_TURN) & (np.abs(x) <= 1)
        if not within.any():
            return _recur(x, degree, first(x), _next_chebyshev)
        out = np.empty(x.shape, x.dtype)
        rest = ~within
        if rest.any():
            out[rest] = _recur(x[rest], degree[rest], first(x[rest]), _next_chebyshev)
        inside, high = x[within], degree[within].astype(x.dtype)
        values = wave(np.arccos(inside), high)
        sign = 1 - 2 * np.remainder(high, 2)
        out[within] = np.where(inside == 1, ends[0](high), np.where(inside == -1, sign * ends[1](high), values))
    return out


def _one(n: Array) -> Array:
    return np.ones_like(n)


def chebyshev_t(x: Array, n: Array) -> Array:
    """Tₙ(cos θ) = cos nθ."""
    return _chebyshev(x, n, lambda x: x, lambda angle, n: np.cos(n * angle), (_one, _one))


def chebyshev_u(x: Array, n: Array) -> Array:
    """Uₙ(cos θ) = sin (n + 1)θ / sin θ."""
    return _chebyshev(
        x, n, lambda x: x + x, lambda angle, n: np.sin((n + 1) * angle) / np.sin(angle), (lambda n: n + 1,) * 2
    )


def chebyshev_v(x: Array, n: Array) -> Array:
    """Vₙ(cos θ) = cos (n + ½)θ / cos ½θ."""
    return _chebyshev(
        x,
        n,
        lambda x: x + x - 1,
        lambda angle, n: np.cos((n + 0.5) * angle) / np.cos(angle / 2),
        (_one, lambda n: n + n + 1),
    )


def chebyshev_w(x: Array, n: Array) -> Array:
    """Wₙ(cos θ) = sin (n + ½)θ / sin ½θ."""
    return _chebyshev(
        x,
        n,
        lambda x: x + x + 1,
        lambda angle, n: np.sin((n + 0.5) * angle) / np.sin(angle / 2),
        (lambda n: n + n + 1, _one),
    )


def hermite_h(x: Array, n: Array) -> Array:
    """Hₙ₊₁ = 2x Hₙ - 2n Hₙ₋₁."""
    return _evaluated(x, n, lambda x: x + x, lambda k, x, q, p: (x + x) * q - (k + k) * p)


def hermite_he(x: Array, n: Array) -> Array:
    """Heₙ₊₁ = x Heₙ - n Heₙ₋₁."""
    return _evaluated(x, n, lambda x: x, lambda k, x, q, p: x * q - k * p)


def laguerre_l(x: Array, n: Array) -> Array:
    """(n + 1) Lₙ₊₁ = (2n + 1 - x) Lₙ - n Lₙ₋₁."""
    return _evaluated(x, n, lambda x: 1 - x, lambda k, x, q, p: ((k + k + (1 - x)) * q - k * p) / (k + 1))


def legendre_p(x: Array, n: Array) -> Array:
    """(n + 1) Pₙ₊₁ = (2n + 1) x Pₙ - n Pₙ₋₁."""
    return _evaluated(x, n, lambda x: x, lambda k, x, q, p: ((k + k + 1) * x * q - k * p) / (k + 1))
