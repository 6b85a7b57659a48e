"""Modules called with other parameters."""

from __future__ import annotations

__all__: list[str] = []
