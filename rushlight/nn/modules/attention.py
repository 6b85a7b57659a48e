"""Multi-head attention as a module."""

from __future__ import annotations

__all__: list[str] = []
