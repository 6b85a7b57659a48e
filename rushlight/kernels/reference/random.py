"""PyTorch's distributions out of a generator's raw draws, in PyTorch's order: the definition in plain NumPy.

Every function draws n numbers (or one for each element of an array) and returns a flat array. `docs/random.md` says how
each formula was measured. `generator` is a `rushlight.random.Generator`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from rushlight.random import Generator

__all__ = [
    "bernoulli", "bernoulli_each", "cauchy", "exponential", "geometric", "integers", "log_normal", "multinomial",
    "normal", "randperm", "uniform", "uniform_unit", "words32",
]  # fmt: skip

Array = npt.NDArray[Any]

_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)
_BLOCK = 16
# From this range on, a draw modulo the range has 64 bits, so that no number is favoured noticeably.
_WIDE_RANGE = 1 << 28


def uniform_unit(generator: Generator, n: int, dtype: np.dtype[Any]) -> Array:
    """n numbers of [0, 1): the low 53 bits of a 64-bit draw for float64, else the low 24 of a 32-bit draw, as
    float32.
    """
    if dtype == _F64:
        wide = generator.random64(n)
        wide &= np.uint64(2**53 - 1)
        return np.multiply(wide, 2.0**-53)
    narrow = generator.random32(n)
    narrow &= np.uint32(2**24 - 1)
    out = narrow.astype(_F32)
    out *= _F32.type(2.0**-24)
    return out


Uniforms = Callable[["Generator", int, np.dtype[Any]], Array]


def uniform(generator: Generator, n: int, dtype: np.dtype[Any], low: float = 0.0, high: float = 1.0) -> Array:
    """n numbers of [low, high): `u * (high - low) + low` rounded once; what rounding lifts to `high` becomes `low`."""
    unit = uniform_unit(generator, n, dtype)
    if low == 0.0 and high == 1.0:
        out = unit
        if dtype in (_F32, _F64):
            return out
    elif dtype == _F64:
        out = _fused_multiply_add(unit, high - low, low)
    else:
        out = _fused_multiply_add(unit, float(_F32.type(high) - _F32.type(low)), low)
    out = out.astype(dtype, copy=False)
    out[out == dtype.type(high)] = dtype.type(low)
    return out


def _fused_multiply_add(x: Array, y: float, z: float) -> Array:
    """`x * y + z` rounded once: float32 by way of float64, float64 with Dekker's product and Knuth's sum."""
    if x.dtype == _F32:
        return (x * np.float64(_F32.type(y)) + np.float64(_F32.type(z))).astype(_F32)
    product = x * y
    if z == 0.0:
        return product
    split = 134217729.0
    xh = x * split
    xh -= xh - x
    xl = x - xh
    yh = y * split - (y * split - y)
    yl = y - yh
    error = ((xh * yh - product) + xh * yl + xl * yh) + xl * yl
    total = product + z
    part = total - product
    error += (product - (total - part)) + (z - part)
    total += error
    return total


def normal(
    generator: Generator, n: int, dtype: np.dtype[Any], mean: float = 0.0, std: float = 1.0, contiguous: bool = True
) -> Array:
    """n normal numbers: in blocks of 16 for contiguous memory of at least 16, else one by one in double precision."""
    if n < _BLOCK or not contiguous:
        return _fused_multiply_add(_serial_normal(generator, n), std, mean).astype(dtype, copy=False)
    work = _F64 if dtype == _F64 else _F32
    tail = n % _BLOCK
    # A block that overlaps the one before is drawn anew for the last 16. In half precision the others are drawn before
    # it block by block; in single and double precision all n are drawn at first, those of the tail in vain.
    first = uniform_unit(generator, n - tail if dtype.itemsize == 2 else n, work)
    out = np.empty(n, work)
    _box_muller(first[: n - tail], out[: n - tail])
    if tail:
        _box_muller(uniform_unit(generator, _BLOCK, work), out[n - _BLOCK :])
    if std != 1.0 or mean != 0.0:
        out = _fused_multiply_add(out, std, mean)
    return out.astype(dtype, copy=False)


def _box_muller(uniforms: Array, out: Array) -> None:
    """Normal numbers of blocks of 16 uniforms: the first eight give radii, the others angles; cosines, then sines."""
    blocks = uniforms.reshape(-1, 2, 8)
    radius = 1 - blocks[:, 0]
    np.log(radius, out=radius)
    radius *= -2
    np.sqrt(radius, out=radius)
    angle = blocks[:, 1] * out.dtype.type(2 * math.pi)
    result = out.reshape(-1, 2, 8)
    np.multiply(radius, np.cos(angle), out=result[:, 0])
    np.multiply(radius, np.sin(angle), out=result[:, 1])


def _serial_normal(generator: Generator, n: int) -> Array:
    """n float64 normals; they come in pairs, and the second of a pair waits on the generator for the next call."""
    out = np.empty(n)
    start = 0
    if n and generator.next_normal is not None:
        out[0] = generator.next_normal
        generator.next_normal = None
        start = 1
    count = n - start
    if count:
        pairs = uniform_unit(generator, count + count % 2, _F64).reshape(-1, 2)
        radius = np.sqrt(-2.0 * np.log1p(-pairs[:, 1]))
        angle = 2.0 * math.pi * pairs[:, 0]
        second = radius * np.sin(angle)
        out[start::2] = radius * np.cos(angle)
        out[start + 1 :: 2] = second[: count // 2]
        if count % 2:
            generator.next_normal = float(second[-1])
    return out


def bernoulli(generator: Generator, n: int, p: float | Array, unit: Uniforms = uniform_unit) -> npt.NDArray[np.bool_]:
    """n times whether a uniform number is below p: of 53 bits for a number p or float64 array, of 24 for other
    arrays.
    """
    if isinstance(p, np.ndarray):
        wide = _F64 if p.dtype == _F64 else _F32
        return unit(generator, n, wide) < p.astype(wide, copy=False)
    return unit(generator, n, _F64) < p


def bernoulli_each(generator: Generator, p: Array, unit: Uniforms = uniform_unit) -> Array:
    """Ones and zeros in the shape and type of an array of probabilities; ValueError unless they are of [0, 1]."""
    # A NaN is the smallest and the greatest number, and neither in bounds.
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise ValueError("p must be in [0, 1]")
    return bernoulli(generator, p.size, p.reshape(-1), unit).astype(p.dtype).reshape(p.shape)


def exponential(generator: Generator, n: int, rate: float, unit: Uniforms = uniform_unit) -> Array:
    """n float64 numbers `-1 / rate * log(1 - u)`."""
    out = unit(generator, n, _F64)
    np.negative(out, out=out)
    np.log1p(out, out=out)
    out *= -1.0 / rate
    return out


def geometric(generator: Generator, n: int, p: float, unit: Uniforms = uniform_unit) -> Array:
    """n float64 numbers `ceil(log(u) / log(1 - p))`."""
    with np.errstate(divide="ignore"):
        return np.ceil(np.log(unit(generator, n, _F64)) / math.log1p(-p))


def cauchy(generator: Generator, n: int, median: float, sigma: float, unit: Uniforms = uniform_unit) -> Array:
    """n float64 numbers `median + sigma * tan(pi * (u - 1/2))`."""
    return median + sigma * np.tan(math.pi * (unit(generator, n, _F64) - 0.5))


def log_normal(generator: Generator, n: int, mean: float, std: float) -> Array:
    """n float64 numbers `exp(mean + std * z)` of normal z drawn one by one."""
    return np.exp(_serial_normal(generator, n) * std + mean)


def words32(generator: Generator, n: int, span: int) -> npt.NDArray[np.uint32]:
    """n draws of 32 bits modulo a range."""
    out = generator.random32(n)
    out %= np.uint32(span)
    return out


def integers(generator: Generator, n: int, low: int, high: int) -> npt.NDArray[np.int64]:
    """n whole numbers of [low, high): a draw modulo the range, of 64 bits where the range is 2**28 or more."""
    span = high - low
    draws = generator.random64(n) if span >= _WIDE_RANGE else generator.random32(n).astype(np.uint64)
    if span < 1 << 64:
        draws %= np.uint64(span)
    out = draws.view(np.int64)
    if low:
        out += np.int64(low)
    return out


def randperm(generator: Generator, n: int) -> npt.NDArray[np.int64]:
    """0 … n-1 shuffled: each place i changes with place `i + draw % (n - i)`."""
    if n < 2:
        return np.arange(n)
    draws = generator.random32(n - 1).astype(np.int64)
    draws %= np.arange(n, 1, -1)
    draws += np.arange(n - 1)
    order = list(range(n))
    for i, j in enumerate(draws.tolist()):
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def multinomial(generator: Generator, weights: Array, count: int, replacement: bool) -> npt.NDArray[np.int64]:
    """`count` column numbers for each row of weights.

    One draw, or draws without replacement: the largest of `weight / exponential number`. With replacement: where
    uniform float64 numbers fall in the row's running sum, which is kept in float32 (float64 for float64 weights).
    """
    rows, columns = weights.shape
    work = _F64 if weights.dtype == _F64 else _F32
    if not replacement or count == 1:
        noise = exponential(generator, rows * columns, 1.0).astype(weights.dtype).reshape(rows, columns)
        with np.errstate(divide="ignore", invalid="ignore"):
            race = (weights.astype(work) / noise.astype(work)).astype(weights.dtype).astype(work)
        return np.argsort(-race, axis=1, kind="stable")[:, :count]
    total: Any = np.cumsum(weights, axis=1, dtype=work)
    total = total / total[:, -1:]
    total[:, -1] = 1
    places = uniform_unit(generator, rows * count, _F64).reshape(rows, count)
    return np.stack([np.searchsorted(t.astype(_F64), p) for t, p in zip(total, places, strict=True)])
