"""Padding: the operation as it is."""

from __future__ import annotations

from rushlight.ops.pad import pad

__all__ = ["pad"]
