"""The switch of PyTorch's search for the order of an einsum's products, which asks a package that isn't used here.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.opt_einsum
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

from rushlight.backends._flags import set_for_a_while

__all__ = ["enabled", "flags", "get_opt_einsum", "is_available", "set_flags", "strategy"]

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """False: Rushlight doesn't use opt_einsum."""
    return False


def get_opt_einsum() -> Any:
    """None: Rushlight doesn't use opt_einsum."""
    return None


def set_flags(_enabled: bool | None = None, _strategy: str | None = None) -> tuple[bool, str | None]:
    """Set the switches that aren't None; what they were."""
    module: Any = sys.modules[__name__]
    before = (enabled, strategy)
    module.enabled = before[0] if _enabled is None else _enabled
    module.strategy = before[1] if _strategy is None else _strategy
    return before


def flags(enabled: bool | None = None, strategy: str | None = None) -> AbstractContextManager[None]:
    """Within the block, the switches have these values."""
    return set_for_a_while(sys.modules[__name__], enabled=enabled, strategy=strategy)
