"""A normalisation folded into the layer before it."""

from __future__ import annotations

__all__: list[str] = []
