"""Small networks for small images."""

from __future__ import annotations

from .cnn import CNN
from .mlp import MLP

__all__ = ["CNN", "MLP"]
