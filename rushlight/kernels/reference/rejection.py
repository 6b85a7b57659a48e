"""Laws whose numbers take as many draws as it happens to take: Poisson's, the gamma law, the binomial law.

A number's first draw depends on how many the one before took, so they are made one after the other; the draws come in
blocks, and the generator is put where the last one used ends. `docs/random.md` says which draws make which number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from rushlight.random import Generator

__all__ = ["binomial", "gamma", "poisson"]

Array = npt.NDArray[Any]

_F64 = np.dtype(np.float64)
_MASK53 = np.uint64(2**53 - 1)
# PyTorch writes these as float32 constants.
_THIRD = float(np.float32(1) / np.float32(3))
_SQUEEZE = float(np.float32(0.0331))
_LARGEST_BLOCK = 1 << 16


class _Draws:
    """Uniform float64 numbers of [0, 1) one by one, taken from the generator in blocks."""

    def __init__(self, generator: Generator, expected: int) -> None:
        self.bits = generator.bits
        self.start = self.bits.state
        self.generator = generator
        self.block = min(max(expected, 16), _LARGEST_BLOCK)
        self.used = 0
        self.numbers: list[float] = []
        self.place = 0

    def __enter__(self) -> _Draws:
        return self

    def __exit__(self, *_: object) -> None:
        self.bits.state = self.start
        self.bits.random_raw(2 * (self.used + self.place), output=False)

    def uniform(self) -> float:
        place = self.place
        try:
            number = self.numbers[place]
        except IndexError:
            self.used += place
            wide = self.generator.random64(self.block)
            wide &= _MASK53
            self.numbers = np.multiply(wide, 2.0**-53).tolist()
            place, number = 0, self.numbers[0]
        self.place = place + 1
        return number

    def normal(self) -> float:
        """A standard normal number; they come in pairs, and the second waits on the generator."""
        waiting = self.generator.next_normal
        if waiting is not None:
            self.generator.next_normal = None
            return waiting
        u1 = self.uniform()
        radius, angle = math.sqrt(-2.0 * math.log1p(-self.uniform())), 2.0 * math.pi * u1
        self.generator.next_normal = radius * math.sin(angle)
        return radius * math.cos(angle)


def poisson(generator: Generator, rates: Array) -> Array:
    """One Poisson number for each rate: by multiplying uniforms below 10, by transformed rejection from there on.

    Source: W. Hörmann, "The transformed rejection method for generating Poisson random variables", 1993 (PTRS).
    """
    each = rates.ravel().tolist()
    with _Draws(generator, 4 * len(each)) as draws:
        return np.array([_poisson(rate, draws) for rate in each], _F64)


def _poisson(rate: float, draws: _Draws) -> int:
    if rate >= 10:
        return _poisson_rejection(rate, draws)
    if rate == 0:
        return 0
    floor, count, product = math.exp(-rate), 0, 1.0
    while True:
        product *= draws.uniform()
        # A rate that is NaN ends here too.
        if not product > floor:
            return count
        count += 1


def _poisson_rejection(rate: float, draws: _Draws) -> int:
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = draws.uniform() - 0.5, draws.uniform()
        distance = 0.5 - abs(u)
        k = math.floor((2 * a / distance + b) * u + rate + 0.43) if distance else -1
        if distance >= 0.07 and v <= squeeze:
            return k
        if k < 0 or (distance < 0.013 and v > distance):
            continue
        bound = -rate + k * log_rate - math.lgamma(k + 1)
        if v == 0.0 or math.log(v) + math.log(inverse_alpha) - math.log(a / (distance * distance) + b) <= bound:
            return k


def gamma(generator: Generator, shapes: Array) -> Array:
    """One float64 number of the gamma law of scale 1 for each shape parameter, none below the least float64.

    NaN where the shape is negative or NaN. Float32 shapes are prepared in float32.

    Source: G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", 2000.
    """
    flat = shapes.ravel()
    one = flat.dtype.type(1)
    with np.errstate(divide="ignore"):
        # A shape below 1 is drawn as one larger by 1, times a power of a uniform number.
        powers = np.where(flat < one, one / flat, 0).tolist()
    raised = np.where(flat < one, flat + one, flat)
    sizes = (raised - flat.dtype.type(_THIRD)).tolist()
    with _Draws(generator, 4 * flat.size) as draws:
        return np.array([_gamma(*each, draws) for each in zip(flat.tolist(), powers, sizes, strict=True)], _F64)


def _gamma(shape: float, power: float, d: float, draws: _Draws) -> float:
    if not shape > 0:
        return 0.0 if shape == 0 else math.nan
    scale = (1 - draws.uniform()) ** power if power else 1.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        y = 0.0
        while y <= 0:
            x = draws.normal()
            y = 1.0 + c * x
        v = y * y * y
        u = 1 - draws.uniform()
        square = x * x
        if u < 1.0 - _SQUEEZE * square * square or math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
            return scale * d * v


def binomial(generator: Generator, counts: Array, chances: Array) -> Array:
    """The number of successes among `counts` trials that succeed with a chance each, as float64.

    Source: W. Hörmann, "The generation of binomial random variates", 1993 (BTRS; for few expected successes the
    trials between them are drawn instead).
    """
    flat = [a.ravel().tolist() for a in np.broadcast_arrays(counts, chances)]
    narrow = counts.dtype == np.float32
    with _Draws(generator, 4 * len(flat[0])) as draws:
        return np.array([_binomial(count, chance, narrow, draws) for count, chance in zip(*flat, strict=True)], _F64)


def _binomial(count: float, chance: float, narrow: bool, draws: _Draws) -> float:
    if count <= 0 or chance <= 0:
        return 0.0
    if chance >= 1:
        return count
    if chance <= 0.5:
        return _successes(count, chance, narrow, draws)
    if chance > 0.5:
        return count - _successes(count, float(np.float32(1 - chance)) if narrow else 1 - chance, narrow, draws)
    return math.nan


def _successes(count: float, chance: float, narrow: bool, draws: _Draws) -> float:
    expected = count * chance
    if narrow:
        expected = float(np.float32(expected))
    if expected >= 10:
        return _binomial_rejection(count, chance, narrow, draws)
    log_failure = math.log1p(-chance)
    if narrow:
        log_failure = float(np.float32(log_failure))
    trials, successes = 0.0, 0.0
    while True:
        u = draws.uniform()
        trials += math.ceil(math.log(u) / log_failure) if u else math.inf
        if not trials <= count:
            return successes
        successes += 1


_STIRLING_TAIL = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _stirling_tail(k: float) -> float:
    """What Stirling's formula for log k! leaves out."""
    if k <= 9:
        return _STIRLING_TAIL[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def _binomial_rejection(count: float, chance: float, narrow: bool, draws: _Draws) -> float:
    deviation, ratio, expected = _moments(count, chance, narrow)
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * chance
    centre = expected + 0.5
    squeeze = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    mode = math.floor(float(np.float32(np.float32(count + 1) * np.float32(chance))) if narrow else (count + 1) * chance)
    tails = _stirling_tail(mode) + _stirling_tail(count - mode)
    while True:
        u, v = draws.uniform() - 0.5, draws.uniform()
        distance = 0.5 - abs(u)
        k = math.floor((2 * a / distance + b) * u + centre) if distance else -1
        if k < 0 or k > count:
            continue
        if distance >= 0.07 and v <= squeeze:
            return float(k)
        if not v:
            return float(k)
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (ratio * (count - mode + 1)))
            + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
            + (k + 0.5) * math.log(ratio * (count - k + 1) / (k + 1))
            + tails
            - _stirling_tail(k)
            - _stirling_tail(count - k)
        )
        if math.log(v * alpha / (a / (distance * distance) + b)) <= bound:
            return float(k)


def _moments(count: float, chance: float, narrow: bool) -> tuple[float, float, float]:
    """The deviation, the odds and the expectation; of float32 arguments, computed in float32."""
    if not narrow:
        return math.sqrt(count * chance * (1 - chance)), chance / (1 - chance), count * chance
    n, p = np.float32(count), np.float32(chance)
    rest = np.float32(1) - p
    return float(np.sqrt(n * p * rest)), float(p / rest), float(n * p)
