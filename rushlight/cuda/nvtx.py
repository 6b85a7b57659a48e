"""Marks for NVIDIA's profilers: RuntimeError, as there is no CUDA.

Source: https://docs.pytorch.org/docs/2.13/cuda.html#nvidia-tools-extension-nvtx
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]


def _refuse() -> NoReturn:
    raise RuntimeError("NVTX functions not installed. Are you sure you have a CUDA build?")


def range_push(msg: str) -> int:
    """Raises RuntimeError: there is no profiler of NVIDIA's to tell."""
    _refuse()


def range_pop() -> int:
    """Raises RuntimeError: there is no profiler of NVIDIA's to tell."""
    _refuse()


def range_start(msg: str) -> int:
    """Raises RuntimeError: there is no profiler of NVIDIA's to tell."""
    _refuse()


def range_end(range_id: int) -> None:
    """Raises RuntimeError: there is no profiler of NVIDIA's to tell."""
    _refuse()


def mark(msg: str) -> int:
    """Raises RuntimeError: there is no profiler of NVIDIA's to tell."""
    _refuse()


def range(msg: str, *args: Any, **kwargs: Any) -> Any:
    """Raises RuntimeError: there is no profiler of NVIDIA's to tell."""
    _refuse()
