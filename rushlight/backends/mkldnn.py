"""What a program asks about oneDNN, and its switches: Rushlight doesn't use it.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.mkldnn
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any, Literal, Self

from rushlight.backends._flags import set_for_a_while

__all__ = [
    "VERBOSE_OFF",
    "VERBOSE_ON",
    "VERBOSE_ON_CREATION",
    "enabled",
    "flags",
    "is_available",
    "set_flags",
    "verbose",
]

VERBOSE_OFF = 0
VERBOSE_ON = 1
VERBOSE_ON_CREATION = 2

enabled = True
deterministic = False
allow_tf32 = True
fp32_precision = "none"


def is_available() -> bool:
    """False: Rushlight doesn't use oneDNN."""
    return False


def is_acl_available() -> bool:
    """False: Rushlight doesn't use Arm's Compute Library."""
    return False


class verbose:
    """A block in which oneDNN would print its calls: RuntimeError on entering with a level other than VERBOSE_OFF."""

    def __init__(self, level: int) -> None:
        self.level = level

    def __enter__(self) -> Self | None:
        if self.level == VERBOSE_OFF:
            return None
        raise RuntimeError("Failed to set MKLDNN into verbose mode: Rushlight doesn't use oneDNN")

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> Literal[False]:
        return False


def set_flags(
    _enabled: bool | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple[Any, ...]:
    """Set the switches that aren't None; what they were."""
    names = ("enabled", "deterministic", "allow_tf32", "fp32_precision")
    module = sys.modules[__name__]
    before = tuple(getattr(module, name) for name in names)
    for name, value in zip(names, (_enabled, _deterministic, _allow_tf32, _fp32_precision), strict=True):
        if value is not None:
            setattr(module, name, value)
    return before


def flags(
    enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True, fp32_precision: str = "none"
) -> AbstractContextManager[None]:
    """Within the block, the switches have these values."""
    return set_for_a_while(
        sys.modules[__name__],
        enabled=enabled,
        deterministic=deterministic,
        allow_tf32=allow_tf32,
        fp32_precision=fp32_precision,
    )
