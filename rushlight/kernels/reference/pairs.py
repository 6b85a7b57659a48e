"""Functions that are a logarithm, a sine or a root away from NumPy's: entropy, sinc, and stable ones of two arrays.

Arrays narrower than float32 are the caller's to widen.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["entr", "hypot", "logaddexp", "sinc", "xlog1py", "xlogy"]

Array = npt.NDArray[Any]


def entr(x: Array) -> Array:
    """`-x log x`, 0 at 0, -inf below."""
    with np.errstate(all="ignore"):
        out = np.log(x)
        out *= x
        out = np.negative(out)
    if not (x > 0).all():
        out = np.where(x > 0, out, np.where(x == 0, 0, np.where(x < 0, -np.inf, x)))
    return np.asarray(out, x.dtype)


def sinc(x: Array) -> Array:
    """`sin(πx) / (πx)`, 1 at 0."""
    angle = x * math.pi
    ratio = np.sin(angle) / np.where(angle == 0, 1, angle)
    return np.where(angle == 0, ratio.dtype.type(1), ratio)


def hypot(a: Any, b: Any) -> Any:
    """`np.hypot`, which has no fast loop: squares of float32 fit into float64."""
    if a.dtype.char != "f":
        return np.hypot(a, b)
    out = np.square(a, dtype=np.float64)
    out = np.sqrt(out + np.square(b, dtype=np.float64))
    # An infinity beside a NaN is still infinite.
    return (
        np.where(np.isinf(a) | np.isinf(b), np.inf, out).astype(np.float32)
        if np.isnan(out).any()
        else out.astype(np.float32)
    )


def logaddexp(a: Any, b: Any) -> Any:
    """`np.logaddexp`, which knows no complex numbers: of these the one with the greater real part is taken out."""
    if a.dtype.kind != "c":
        if a.dtype.char not in "fd":
            return np.logaddexp(a, b)
        out = np.maximum(a, b) + np.log1p(np.exp(np.negative(np.abs(a - b))))
        # Equal infinities differ by no number.
        return np.where(np.isnan(out), np.maximum(a, b), out) if np.isnan(out).any() else out
    a, b = np.broadcast_arrays(a, b)
    first = a.real >= b.real
    high, low = np.where(first, a, b), np.where(first, b, a)
    out = high + np.log1p(np.exp(low - high))
    # Equal infinities differ by no number.
    return np.where((a == b) & np.isinf(a.real), a, out)


def xlogy(a: Array, b: Array) -> Array:
    """`a log b`, 0 where a is 0 and b is not NaN."""
    return np.where((a == 0) & ~np.isnan(b), np.zeros((), a.dtype), a * np.log(b))


def xlog1py(a: Array, b: Array) -> Array:
    """`a log(1 + b)`, 0 where a is 0 and b is not NaN."""
    return np.where((a == 0) & ~np.isnan(b), np.zeros((), a.dtype), a * np.log1p(b))
