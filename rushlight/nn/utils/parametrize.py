"""Parameters computed from others."""

from __future__ import annotations

__all__: list[str] = []
