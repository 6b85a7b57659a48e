"""Places in sorted rows, and counts: compiled where the arrays allow it, else the NumPy reference."""

from __future__ import annotations

from .dispatch import prefer_native
from .reference import searching

__all__ = ["count_numbers", "histogram_of", "search_sorted"]

count_numbers = prefer_native(searching.count_numbers)
histogram_of = prefer_native(searching.histogram_of)
search_sorted = prefer_native(searching.search_sorted)
