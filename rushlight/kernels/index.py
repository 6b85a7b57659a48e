"""Gathering and scattering along a dimension: compiled where the arrays allow it, else the NumPy reference."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from .dispatch import prefer_native
from .reference import index
from .reference.index import first_outside

__all__ = ["add_along", "add_at", "first_outside", "gather_along", "scatter_along"]

Array = npt.NDArray[Any]

add_along = prefer_native(index.add_along)
gather_along = prefer_native(index.gather_along)
scatter_along = prefer_native(index.scatter_along)


def add_at(out: Array, key: tuple[Any, ...], values: Array) -> None:
    """`out[key] += values`, a place counting as often as it is named."""
    index.add_at(out, key, values, add_along)
