"""Weights of convolutions in another memory format."""

from __future__ import annotations

__all__: list[str] = []
