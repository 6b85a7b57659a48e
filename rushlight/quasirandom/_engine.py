"""Sobol's sequences, scrambled or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import wrap
from rushlight.ops.joining import cat
from rushlight.ops.random import randint
from rushlight.quasirandom._directions import BITS, DIMENSIONS, Array, direction_numbers
from rushlight.random import Generator
from rushlight.tensor import Tensor

__all__ = ["SobolEngine"]


def _lowest_zero(first: int, count: int) -> Array:
    """The place of the lowest bit that is 0, of `count` numbers from `first` on."""
    numbers = np.arange(first, first + count, dtype=np.int64)
    return np.bitwise_count(numbers & ~(numbers + 1)).astype(np.int64)


class SobolEngine:
    """Draws the points of Sobol's sequence in `[0, 1)^dimension`, one after the other.

    `scramble` multiplies the direction numbers with random triangular matrices and shifts the points (Owen's scrambling
    of digits), drawn with `seed` or, without one, with the default generator. 1 to 13425 dimensions, else ValueError.

    >>> import rushlight as torch
    >>> torch.quasirandom.SobolEngine(dimension=5).draw(3)
    tensor([[0.0000, 0.0000, 0.0000, 0.0000, 0.0000],
            [0.5000, 0.5000, 0.5000, 0.5000, 0.5000],
            [0.7500, 0.2500, 0.2500, 0.2500, 0.7500]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.quasirandom.SobolEngine.html (the sequence: I. M. Sobol,
    1967; A. B. Owen, "Scrambling Sobol' and Niederreiter-Xing points", 1998)
    """

    MAXBIT = BITS
    MAXDIM = DIMENSIONS

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if dimension > self.MAXDIM or dimension < 1:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]")
        self.seed = seed
        self.scramble = scramble
        self.dimension = dimension
        self.sobolstate: Tensor = wrap(direction_numbers(dimension))
        self.shift: Tensor = wrap(np.zeros(dimension, np.int64))
        if scramble:
            self._scramble()
        self.quasi = self.shift.clone()
        self._first_point = (self.quasi / 2**self.MAXBIT).reshape(1, -1)
        self.num_generated = 0

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next n points, (n, dimension), in `dtype` (the default one if None), or written into `out`.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.quasirandom.SobolEngine.html
        """
        kind = dtypes.get_default_dtype() if dtype is None else dtype
        if self.num_generated == 0:
            result = self._first_point.to(kind)
            if n != 1:
                result = cat((result, self._next(n - 1, 0, kind)), dim=-2)
        else:
            result = self._next(n, self.num_generated - 1, kind)
        self.num_generated += n
        if out is not None:
            return out.resize_as_(result).copy_(result)
        return result

    def _next(self, n: int, first: int, kind: Any) -> Tensor:
        """n points after those that are drawn: each changes one direction number's bits, which Gray's code names."""
        if kind not in (dtypes.float32, dtypes.float64):
            raise NotImplementedError(f"\"_sobol_engine_draw\" not implemented for '{kind.legacy_name}'")
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}, {self.dimension}]")
        steps = self.sobolstate._array.T[_lowest_zero(first, n)]
        if n:
            steps[0] ^= self.quasi._array
            np.bitwise_xor.accumulate(steps, axis=0, out=steps)
            self.quasi = wrap(steps[-1].copy())
        points: Tensor = wrap(steps).to(kind)
        return points.mul_(2.0**-BITS)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next `2**m` points. ValueError unless the points drawn so far are then a power of two.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.quasirandom.SobolEngine.html
        """
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: n={self.num_generated}+2**{m}="
                f"{total}. If you still want to do this, please use 'SobolEngine.draw()' instead."
            )
        return self.draw(n=n, out=out, dtype=dtype)

    def reset(self) -> SobolEngine:
        """Begin again with the first point.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.quasirandom.SobolEngine.html
        """
        self.quasi.copy_(self.shift)
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Go on as if n points had been drawn.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.quasirandom.SobolEngine.html
        """
        first = max(self.num_generated - 1, 0)
        last = first + max(n - (self.num_generated == 0), 0)
        changed = (first ^ first >> 1) ^ (last ^ last >> 1)
        for bit in range(changed.bit_length()):
            if changed >> bit & 1:
                self.quasi._array[...] ^= self.sobolstate._array[:, bit]
        self.num_generated += n
        return self

    def _scramble(self) -> None:
        generator = None if self.seed is None else Generator().manual_seed(self.seed)
        size = (self.dimension, BITS)
        bits = randint(2, size, generator=generator)._array
        self.shift = wrap(bits @ (1 << np.arange(BITS)))
        lower = np.tril(randint(2, (*size, BITS), generator=generator)._array)
        lower[:, np.arange(BITS), np.arange(BITS)] = 1
        rows = lower @ (1 << np.arange(BITS - 1, -1, -1))
        state = self.sobolstate._array
        out = np.zeros_like(state)
        for i in range(BITS):
            # A digit of the product of a matrix and a number: the parity of a row's part of it.
            parity = np.bitwise_count(rows[:, i : i + 1] & state) & 1
            out |= parity.astype(np.int64) << (BITS - 1 - i)
        self.sobolstate = wrap(out)

    def __repr__(self) -> str:
        said = [f"dimension={self.dimension}"]
        if self.scramble:
            said.append("scramble=True")
        if self.seed is not None:
            said.append(f"seed={self.seed}")
        return f"{type(self).__name__}({', '.join(said)})"
