"""The transformer, its encoder and decoder."""

from __future__ import annotations

__all__: list[str] = []
