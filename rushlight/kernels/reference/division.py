"""Remainders and rounded quotients of float32 numbers, for which NumPy's loops go one by one.

In float64 the quotient of two float32 numbers is never rounded across a whole number below 2²⁸, and what is left of the
dividend is exact; whatever is larger or not finite is NumPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["floor_divide", "fmod", "remainder"]

_FEW, _LARGEST = 1024, 2.0**28


def _widened(a: Any, b: Any) -> tuple[Any, Any, Any] | None:
    """Dividend, divisor and quotient in float64, if that serves."""
    array = a if isinstance(a, np.ndarray) else b
    if array.dtype.char != "f" or max(np.size(a), np.size(b)) < _FEW:
        return None
    x, y = np.asarray(a, np.float32).astype(np.float64), np.asarray(b, np.float32).astype(np.float64)
    quotient = x / y
    # NaN is not less either.
    if not np.max(np.abs(quotient)) < _LARGEST or not np.isfinite(y).all():
        return None
    return x, y, quotient


def fmod(a: Any, b: Any) -> Any:
    """`np.fmod`: the remainder with the dividend's sign."""
    wide = _widened(a, b)
    if wide is None:
        return np.fmod(a, b)
    x, y, quotient = wide
    np.trunc(quotient, out=quotient)
    quotient *= y
    return np.copysign(np.subtract(x, quotient, out=quotient), x).astype(np.float32)


def remainder(a: Any, b: Any) -> Any:
    """`np.remainder`: the remainder with the divisor's sign."""
    wide = _widened(a, b)
    if wide is None:
        return np.remainder(a, b)
    x, y, quotient = wide
    rest = x - np.trunc(quotient) * y
    other_side = (rest != 0) & ((rest < 0) != (y < 0))
    return np.where(other_side, rest + y, rest).astype(np.float32)


def floor_divide(a: Any, b: Any) -> Any:
    """`np.floor_divide`: the quotient rounded down."""
    wide = _widened(a, b)
    if wide is not None:
        return np.floor(wide[2]).astype(np.float32)
    try:
        return np.floor_divide(a, b)
    except TypeError as error:
        # A type that is there to be stored: NumPy computes nothing with it.
        raise NotImplementedError(str(error)) from None
