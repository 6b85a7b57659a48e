"""Sequences of several lengths in one batch: padded, and packed without the padding."""

from __future__ import annotations

__all__: list[str] = []
