"""Whether CUDA devices can talk to each other: there are none.

Source: https://docs.pytorch.org/docs/2.13/cuda.html
"""

from __future__ import annotations

from typing import Any

from rushlight.cuda._core import refuse

__all__ = ["is_available", "version"]


def is_available(tensors: Any) -> bool:
    """False: there is no CUDA."""
    return False


def version() -> tuple[int, ...]:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()
