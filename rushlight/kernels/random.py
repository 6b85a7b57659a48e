"""Chooses between the compiled draws and NumPy's; what they take and give is said in `reference.random`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight.kernels import dispatch
from rushlight.kernels.reference import random as reference
from rushlight.kernels.reference import rejection
from rushlight.kernels.reference.random import log_normal, multinomial, words32

if TYPE_CHECKING:
    from rushlight.random import Generator

__all__ = [
    "bernoulli", "bernoulli_each", "binomial", "cauchy", "exponential", "fill_normal", "fill_uniform", "gamma",
    "geometric", "integers", "log_normal", "multinomial", "normal", "poisson", "randperm", "scaled_bernoulli",
    "uniform", "words32",
]  # fmt: skip

Array = npt.NDArray[Any]

# A module that was built before this family came gives way to the reference.
native = dispatch.native if hasattr(dispatch.native, "random_uniform") else None
laws = dispatch.native if hasattr(dispatch.native, "random_gamma") else None

_MASK = 2**64 - 1
_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)


def fill_uniform(generator: Generator, out: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """Fill a dense array of float32 or float64 with numbers of [low, high), and return it."""
    if native is None:
        out[...] = reference.uniform(generator, out.size, out.dtype, low, high).reshape(out.shape)
    else:
        native.random_uniform(generator.bits, out, low, high)
    return out


def uniform(generator: Generator, n: int, dtype: np.dtype[Any], low: float = 0.0, high: float = 1.0) -> Array:
    """n numbers of [low, high)."""
    if native is None:
        return reference.uniform(generator, n, dtype, low, high)
    if dtype is _F32 or dtype is _F64:
        return fill_uniform(generator, np.empty(n, dtype), low, high)
    out = fill_uniform(generator, np.empty(n, _F32), low, high).astype(dtype)
    out[out == dtype.type(high)] = dtype.type(low)
    return out


def fill_normal(generator: Generator, out: Array, mean: float = 0.0, std: float = 1.0) -> Array:
    """Fill a dense array of float32 or float64 with normal numbers, and return it."""
    if native is None or out.size < 16:
        out[...] = normal(generator, out.size, out.dtype, mean, std).reshape(out.shape)
    else:
        native.random_normal(generator.bits, out, mean, std)
    return out


def normal(
    generator: Generator, n: int, dtype: np.dtype[Any], mean: float = 0.0, std: float = 1.0, contiguous: bool = True
) -> Array:
    """n normal numbers, for contiguous memory or for other."""
    if native is None:
        return reference.normal(generator, n, dtype, mean, std, contiguous)
    if n < 16 or not contiguous:
        out, generator.next_normal = native.random_serial_normal(generator.bits, n, generator.next_normal, mean, std)
        return out.astype(dtype, copy=False)
    if dtype is _F32 or dtype is _F64:
        return fill_normal(generator, np.empty(n, dtype), mean, std)
    tail = n % 16
    out = np.empty(n, dtype)
    out[: n - tail] = fill_normal(generator, np.empty(n - tail, _F32), mean, std)
    if tail:
        out[-16:] = fill_normal(generator, np.empty(16, _F32), mean, std)
    return out


def exponential(generator: Generator, n: int, rate: float) -> Array:
    """n float64 numbers of the exponential law."""
    return reference.exponential(generator, n, rate, uniform)


def geometric(generator: Generator, n: int, p: float) -> Array:
    """n float64 numbers of the geometric law."""
    return reference.geometric(generator, n, p, uniform)


def cauchy(generator: Generator, n: int, median: float, sigma: float) -> Array:
    """n float64 numbers of the Cauchy law."""
    return reference.cauchy(generator, n, median, sigma, uniform)


def gamma(generator: Generator, shapes: Array) -> Array:
    """One float64 number of the gamma law of scale 1 for each shape parameter, as a vector."""
    if laws is None or shapes.dtype.char not in "fd":
        return rejection.gamma(generator, shapes)
    out, generator.next_normal = laws.random_gamma(generator.bits, shapes.ravel(), generator.next_normal)
    return out


def poisson(generator: Generator, rates: Array) -> Array:
    """One float64 Poisson number for each rate, as a vector."""
    if laws is None:
        return rejection.poisson(generator, rates)
    return laws.random_poisson(generator.bits, rates.ravel().astype(np.float64, copy=False))


def binomial(generator: Generator, counts: Array, chances: Array) -> Array:
    """The number of successes among `counts` trials that succeed with a chance each, as a vector of float64."""
    if laws is None or counts.dtype is not chances.dtype or counts.dtype.char not in "fd":
        return rejection.binomial(generator, counts, chances)
    both = [a.ravel() for a in np.broadcast_arrays(counts, chances)]
    return laws.random_binomial(generator.bits, *both)


def bernoulli(generator: Generator, n: int, p: float | Array) -> npt.NDArray[np.bool_]:
    """n times whether a uniform number is below p."""
    if native is None or isinstance(p, np.ndarray):
        return reference.bernoulli(generator, n, p, uniform)
    return native.random_bernoulli(generator.bits, n, p)


def bernoulli_each(generator: Generator, p: Array) -> Array:
    """Ones and zeros in the shape and type of an array of probabilities; ValueError unless they are of [0, 1]."""
    if native is not None:
        made: Any = native.random_bernoulli_each(generator.bits, p)
        if made is not NotImplemented:
            return made
    return reference.bernoulli_each(generator, p, uniform)


def scaled_bernoulli(generator: Generator, n: int, dtype: np.dtype[Any], p: float, scale: float) -> Array:
    """`scale` where a uniform number is below p, else 0."""
    if native is None or dtype is not _F32:
        out = bernoulli(generator, n, p).astype(dtype)
        out *= dtype.type(scale)
        return out
    return native.random_scaled_bernoulli(generator.bits, n, p, scale)


def integers(generator: Generator, n: int, low: int, high: int) -> npt.NDArray[np.int64]:
    """n whole numbers of [low, high)."""
    if native is None:
        return reference.integers(generator, n, low, high)
    return native.random_integers(generator.bits, n, low & _MASK, (high - low) & _MASK)


def randperm(generator: Generator, n: int) -> npt.NDArray[np.int64]:
    """0 … n-1 shuffled."""
    if native is None:
        return reference.randperm(generator, n)
    return native.random_permutation(generator.bits, n)
