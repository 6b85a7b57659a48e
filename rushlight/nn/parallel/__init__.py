"""Modules over several devices and processes."""

from __future__ import annotations

__all__: list[str] = []
