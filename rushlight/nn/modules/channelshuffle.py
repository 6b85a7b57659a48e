"""Shuffling channels between groups."""

from __future__ import annotations

__all__: list[str] = []
