"""What programs that use torchvision need: data sets and image transforms."""

from __future__ import annotations

from . import datasets, models, transforms

__all__ = ["datasets", "models", "transforms"]
