"""What a program asks about cuSPARSELt: Rushlight doesn't use it.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.cusparselt
"""

from __future__ import annotations

__all__ = ["get_max_alg_id", "is_available", "version"]


def is_available() -> bool:
    """False: Rushlight doesn't use cuSPARSELt."""
    return False


def version() -> int | None:
    """None: there is no cuSPARSELt."""
    return None


def get_max_alg_id() -> int | None:
    """None: there is no cuSPARSELt."""
    return None
