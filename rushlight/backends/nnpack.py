"""What a program asks about NNPACK, and its switch: Rushlight doesn't use it.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.nnpack
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

from rushlight.backends._flags import set_for_a_while

__all__ = ["flags", "is_available", "set_flags"]

enabled = True


def is_available() -> bool:
    """False: Rushlight doesn't use NNPACK."""
    return False


def set_flags(_enabled: bool) -> tuple[bool]:
    """Set the switch; what it was."""
    module: Any = sys.modules[__name__]
    before = enabled
    module.enabled = _enabled
    return (before,)


def flags(enabled: bool = False) -> AbstractContextManager[None]:
    """Within the block, the switch has this value."""
    return set_for_a_while(sys.modules[__name__], enabled=enabled)
