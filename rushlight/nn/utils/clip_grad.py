"""Bounds on the gradients of parameters."""

from __future__ import annotations

__all__: list[str] = []
