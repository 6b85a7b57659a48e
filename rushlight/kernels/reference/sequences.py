"""Numbers at equal distances."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["spaced"]

Array = NDArray[Any]

# As many places as are kept: longer sequences take longer for themselves.
_SHORT = 1024


def _places(steps: int, wide: type[Any]) -> Array:
    """How far values are from the start, those of the second half from the end: as negative numbers."""
    place = np.arange(steps)
    place[steps // 2 :] -= steps - 1
    return place.astype(wide)


_short_places = functools.lru_cache(64)(_places)


def spaced(start: float, end: float, steps: int, wide: bool) -> Array:
    """`steps` numbers from start to end, the second half counted from the end, in float32 or (`wide`) in float64.

    Each is rounded once after the multiplication and the addition: a wider type does that.
    """
    kind, work = (np.float64, np.longdouble) if wide else (np.float32, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        low: Any = kind(start)
        high: Any = kind(end)
        if steps == 1:
            return np.full(1, low)
        step = (high - low) / kind(steps - 1) if steps else low
        values = (_short_places if steps <= _SHORT else _places)(steps, work) * work(step)
        near, far = values[: steps // 2], values[steps // 2 :]
        np.add(near, low, near)
        np.add(far, high, far)
        return values.astype(kind)
