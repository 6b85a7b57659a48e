"""The switches of cuDNN, which programs set: they can be set and read, and nothing depends on them.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.cudnn
"""

from __future__ import annotations

__all__ = ["allow_tf32", "benchmark", "deterministic", "enabled", "is_available", "version"]

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """False: Rushlight doesn't use cuDNN."""
    return False


def version() -> int | None:
    """None: there is no cuDNN."""
    return None
