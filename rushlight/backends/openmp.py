"""What a program asks about OpenMP: Rushlight doesn't use it.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.openmp
"""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """False: Rushlight doesn't use OpenMP."""
    return False
