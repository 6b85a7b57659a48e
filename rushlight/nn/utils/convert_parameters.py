"""Parameters as one vector, and back."""

from __future__ import annotations

__all__: list[str] = []
