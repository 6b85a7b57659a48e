"""Parametrizations that come with the library."""

from __future__ import annotations

__all__: list[str] = []
