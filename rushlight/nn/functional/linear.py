"""Linear and bilinear maps: the operations as they are."""

from __future__ import annotations

from rushlight.ops.linear import bilinear, linear

__all__ = ["bilinear", "linear"]
