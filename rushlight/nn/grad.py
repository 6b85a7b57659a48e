"""The gradients of convolutions as functions."""

from __future__ import annotations

__all__: list[str] = []
