"""What a program asks about oneDNN: Rushlight doesn't use it.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.mkldnn
"""

from __future__ import annotations

__all__ = ["enabled", "is_available"]

enabled = True


def is_available() -> bool:
    """False: Rushlight doesn't use oneDNN."""
    return False
