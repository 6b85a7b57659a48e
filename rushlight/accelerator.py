"""What a program asks about accelerators of any kind: there are none.

Source: https://docs.pytorch.org/docs/2.13/accelerator.html
"""

from __future__ import annotations

from rushlight.device import device

__all__ = ["current_accelerator", "device_count", "is_available"]


def is_available() -> bool:
    """False: tensors live on the CPU."""
    return False


def device_count() -> int:
    """0, the number of accelerators."""
    return 0


def current_accelerator(check_available: bool = False) -> device | None:
    """None: there is no accelerator."""
    return None
