"""Sliding blocks as columns, and back: the operations as they are."""

from __future__ import annotations

from rushlight.ops.fold import fold, unfold

__all__ = ["fold", "unfold"]
