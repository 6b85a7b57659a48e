"""A softmax over many classes, by clusters."""

from __future__ import annotations

__all__: list[str] = []
