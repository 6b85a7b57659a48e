"""Write rushlight/quasirandom/directions.bin: Joe and Kuo's initial direction numbers and their polynomials, as bits.

`python tools/make_sobol_directions.py new-joe-kuo-6.21201` takes their file (https://web.maths.unsw.edu.au/~fkuo/sobol);
without an argument the numbers come from the PyTorch installed here, which has the same.

For each degree s, first a bit for each odd polynomial of that degree in ascending order: whether it is primitive; then,
for each primitive one, its numbers m₁ … mₛ, odd and mᵢ < 2ⁱ: i - 1 bits each, lowest first, without a gap.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from rushlight.quasirandom._directions import DEGREE, DIMENSIONS, DIRECTIONS


def prime_factors(n: int) -> list[int]:
    found, p = [], 2
    while p * p <= n:
        if n % p == 0:
            found.append(p)
            while n % p == 0:
                n //= p
        p += 1
    return [*found, n] if n > 1 else found


def times(x: Any, y: Any, polynomials: Any, degree: int) -> Any:
    """Products of polynomials modulo others of a degree; each is a number whose bits are the coefficients."""
    out = np.zeros_like(x)
    for bit in range(degree):
        out ^= np.where((y >> bit) & 1, x, 0)
        x = x << 1
        x = np.where(x >> degree, x ^ polynomials, x)
    return out


def power(exponent: int, polynomials: Any, degree: int) -> Any:
    """x to a power, modulo each polynomial."""
    out = np.ones_like(polynomials)
    base = np.full_like(polynomials, 2) if degree > 1 else polynomials ^ 2
    while exponent:
        if exponent & 1:
            out = times(out, base, polynomials, degree)
        base = times(base, base, polynomials, degree)
        exponent >>= 1
    return out


def primitive(degree: int) -> Any:
    """For each odd polynomial of a degree, in ascending order, whether x has the order `2**degree - 1` modulo it."""
    every = np.arange((1 << degree) + 1, 1 << degree + 1, 2)
    order = (1 << degree) - 1
    out = power(order, every, degree) == 1
    for prime in prime_factors(order):
        if prime < order:
            out &= power(order // prime, every, degree) != 1
    return out


def from_file(path: str) -> list[list[int]]:
    """m₁ … mₛ of the rows d, s, a, m₁ … mₛ of the published file."""
    rows = [list(map(int, line.split())) for line in Path(path).read_text().splitlines()[1:]]
    return [row[3:] for row in rows[: DIMENSIONS - 1]]


def from_pytorch(degrees: list[int]) -> list[list[int]]:
    import torch

    state = torch.zeros(DIMENSIONS, 30, dtype=torch.int64)
    torch._sobol_engine_initialize_state_(state, DIMENSIONS)
    numbers = state.numpy() >> (29 - np.arange(30))
    return [numbers[d + 1, :s].tolist() for d, s in enumerate(degrees)]


def main() -> None:
    maps = {s: primitive(s) for s in range(1, DEGREE + 1)}
    degrees = [s for s, found in maps.items() for _ in range(found.sum())]
    assert len(degrees) == DIMENSIONS - 1, len(degrees)
    numbers = iter(from_file(sys.argv[1]) if len(sys.argv) > 1 else from_pytorch(degrees))
    bits: list[int] = []
    for degree, found in maps.items():
        bits += found.astype(int).tolist()
        for _ in range(found.sum()):
            row = next(numbers)
            assert len(row) == degree, row
            for i, m in enumerate(row):
                bits += [(m >> 1 + k) & 1 for k in range(i)]
    DIRECTIONS.write_bytes(np.packbits(np.array(bits, np.uint8)).tobytes())
    print(f"{DIRECTIONS}: {DIRECTIONS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
