"""Which attention kernel to use, and attention masks."""

from __future__ import annotations

__all__: list[str] = []
