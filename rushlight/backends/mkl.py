"""What a program asks about MKL: Rushlight doesn't use it.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.mkl
"""

from __future__ import annotations

from typing import Any, Literal, Self

__all__ = ["VERBOSE_OFF", "VERBOSE_ON", "is_available", "verbose"]

VERBOSE_OFF = 0
VERBOSE_ON = 1


def is_available() -> bool:
    """False: Rushlight doesn't use MKL."""
    return False


class verbose:
    """A block in which MKL would print its calls: RuntimeError on entering with a level other than VERBOSE_OFF."""

    def __init__(self, enable: int) -> None:
        self.enable = enable

    def __enter__(self) -> Self | None:
        if self.enable == VERBOSE_OFF:
            return None
        raise RuntimeError("Failed to set MKL into verbose mode: Rushlight doesn't use MKL")

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> Literal[False]:
        return False
