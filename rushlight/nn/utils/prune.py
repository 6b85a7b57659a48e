"""Pruning: masks over parameters."""

from __future__ import annotations

__all__: list[str] = []
