"""What a program asks about Apple's GPUs: there are none, so that it takes its path for CPUs.

Source: https://docs.pytorch.org/docs/2.13/mps.html
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "current_allocated_memory", "device_count", "driver_allocated_memory", "empty_cache", "get_rng_state",
    "is_available", "manual_seed", "recommended_max_memory", "seed", "set_per_process_memory_fraction",
    "set_rng_state", "synchronize",
]  # fmt: skip


def _refuse(name: str) -> NoReturn:
    raise RuntimeError(f"Cannot execute {name}() without MPS backend.")


def is_available() -> bool:
    """False: tensors live on the CPU."""
    return False


def device_count() -> int:
    """0, the number of MPS devices."""
    return 0


def manual_seed(seed: int) -> None:
    """Takes the seed of a device that isn't there; the CPU's is `rushlight.manual_seed`."""


def current_allocated_memory() -> int:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("getCurrentAllocatedMemory")


def driver_allocated_memory() -> int:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("getDriverAllocatedMemory")


def recommended_max_memory() -> int:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("getRecommendedMaxMemory")


def empty_cache() -> None:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("emptyCache")


def get_rng_state(device: Any = "mps") -> Any:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("getDefaultGenerator")


def seed() -> None:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("getDefaultGenerator")


def set_per_process_memory_fraction(fraction: float) -> None:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("setMemoryFraction")


def set_rng_state(new_state: Any, device: Any = "mps") -> None:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("getDefaultGenerator")


def synchronize() -> None:
    """Raises RuntimeError, as a PyTorch without MPS does."""
    _refuse("deviceSynchronize")
