"""The profiler of CUDA's own: AssertionError, as there is no CUDA. `torch.profiler` is for the CPU.

Source: https://docs.pytorch.org/docs/2.13/cuda.html
"""

from __future__ import annotations

from typing import Any

from rushlight.cuda._core import refuse

__all__ = ["init", "profile", "start", "stop"]


def init(output_file: str, flags: Any = None, output_mode: str = "key_value") -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def start() -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def stop() -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def profile() -> Any:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()
