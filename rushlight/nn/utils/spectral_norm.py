"""Spectral normalisation as a hook."""

from __future__ import annotations

__all__: list[str] = []
