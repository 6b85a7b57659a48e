"""What a program asks about MPS: Rushlight doesn't use it.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.mps
"""

from __future__ import annotations

__all__ = ["is_available", "is_built"]


def is_available() -> bool:
    """False: Rushlight doesn't use MPS."""
    return False


def is_built() -> bool:
    """False: Rushlight is built without MPS."""
    return False
