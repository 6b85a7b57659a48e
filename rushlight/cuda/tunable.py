"""The search for CUDA's fastest matrix products: it can be asked about, and not be turned on.

Source: https://docs.pytorch.org/docs/2.13/cuda.tunable.html
"""

from __future__ import annotations

from rushlight.cuda._core import refuse

__all__ = ["enable", "is_enabled", "tuning_enable", "tuning_is_enabled"]


def is_enabled() -> bool:
    """False: there is no CUDA."""
    return False


def tuning_is_enabled() -> bool:
    """False: there is no CUDA."""
    return False


def enable(val: bool = True) -> None:
    """Raises AssertionError to turn it on, as there is no CUDA."""
    if val:
        refuse()


def tuning_enable(val: bool = True) -> None:
    """Raises AssertionError to turn it on, as there is no CUDA."""
    if val:
        refuse()
