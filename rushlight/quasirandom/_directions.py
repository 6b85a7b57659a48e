"""The direction numbers of Sobol's sequences: 30 for each dimension.

Dimension d belongs to the d-th primitive polynomial over the field of two elements, in the order of degrees and of
coefficients; the polynomial continues its first direction numbers, which are Joe and Kuo's. Both are kept as bits in
`directions.bin`, which tools/make_sobol_directions.py writes.

Source: S. Joe, F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections", 2008,
https://web.maths.unsw.edu.au/~fkuo/sobol (the numbers: new-joe-kuo-6)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BITS", "DEGREE", "DIMENSIONS", "DIRECTIONS", "direction_numbers"]

Array = npt.NDArray[Any]

BITS = 30
# The polynomials up to this degree, and the first dimension, which needs none.
DEGREE = 17
DIMENSIONS = 13425
DIRECTIONS = Path(__file__).with_name("directions.bin")


def direction_numbers(dimensions: int) -> Array:
    """The direction numbers of the first dimensions, each shifted to the top of 30 bits: (dimensions, 30)."""
    out = np.empty((dimensions, BITS), np.int64)
    out[0] = 1 << np.arange(BITS - 1, -1, -1)
    bits = np.unpackbits(np.fromfile(DIRECTIONS, np.uint8))
    done, place = 1, 0
    for degree in range(1, DEGREE + 1):
        if done == dimensions:
            break
        every = 1 << degree - 1
        odd = np.arange(1, 1 << degree, 2)
        polynomials = odd[bits[place : place + every].astype(np.bool_)]
        place += every
        count, width = min(len(polynomials), dimensions - done), degree * (degree - 1) // 2
        mine = bits[place : place + width * count].reshape(count, width).astype(np.int64)
        place += width * len(polynomials)
        out[done : done + count] = _continued(_initial(mine, degree), polynomials[:count], degree)
        done += count
    return out


def _initial(bits: Array, degree: int) -> Array:
    """m₁ … mₛ out of their bits, shifted to the top."""
    out = np.empty((len(bits), degree), np.int64)
    place = 0
    for i in range(degree):
        number = (bits[:, place : place + i] << np.arange(1, i + 1)).sum(1) + 1
        out[:, i] = number << (BITS - 1 - i)
        place += i
    return out


def _continued(initial: Array, polynomials: Array, degree: int) -> Array:
    """The recurrence `v[i] = v[i-s] ⊕ v[i-s] / 2^s ⊕ Σ aₖ v[i-k]` of each polynomial."""
    out = np.empty((len(initial), BITS), np.int64)
    out[:, :degree] = initial
    for i in range(degree, BITS):
        value = out[:, i - degree] ^ (out[:, i - degree] >> degree)
        for k in range(1, degree):
            value ^= np.where((polynomials >> (degree - k)) & 1, out[:, i - k], 0)
        out[:, i] = value
    return out
