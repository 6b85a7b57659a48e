"""Modules without initial weights."""

from __future__ import annotations

__all__: list[str] = []
