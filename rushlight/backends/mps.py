"""What a program asks about MPS: Rushlight doesn't use it.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.mps
"""

from __future__ import annotations

from typing import NoReturn

__all__ = ["get_core_count", "get_name", "is_available", "is_built", "is_macos13_or_newer", "is_macos_or_newer"]


def _refuse(name: str) -> NoReturn:
    raise RuntimeError(f"Cannot execute {name}() without MPS backend.")


def is_available() -> bool:
    """False: Rushlight doesn't use MPS."""
    return False


def is_built() -> bool:
    """False: Rushlight is built without MPS."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("isOnMacOSorNewer")


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("isOnMacOSorNewer")


def get_name() -> str:
    """Raises RuntimeError: there is no GPU of Apple's."""
    _refuse("getName")


def get_core_count() -> int:
    """Raises RuntimeError: there is no GPU of Apple's."""
    _refuse("getCoreCount")
