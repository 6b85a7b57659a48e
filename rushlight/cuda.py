"""What a program asks about CUDA devices: there are none, so that it takes its path for CPUs.

Source: https://docs.pytorch.org/docs/2.13/cuda.html
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "get_device_properties",
    "init",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "synchronize",
]


def _refuse() -> NoReturn:
    raise AssertionError("Torch not compiled with CUDA enabled: Rushlight computes on the CPU")


def is_available() -> bool:
    """False: tensors live on the CPU."""
    return False


def device_count() -> int:
    """0, the number of CUDA devices."""
    return 0


def is_initialized() -> bool:
    """False: there is nothing to initialise."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: no CUDA device computes in bfloat16."""
    return False


def init() -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    _refuse()


def current_device() -> int:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    _refuse()


def get_device_name(device: Any = None) -> str:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    _refuse()


def get_device_properties(device: Any = None) -> Any:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    _refuse()


def set_device(device: Any) -> None:
    """Raises AssertionError unless `device` is a negative index, which means no device."""
    if not isinstance(device, int) or device >= 0:
        _refuse()


def synchronize(device: Any = None) -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    _refuse()


def manual_seed(seed: int) -> None:
    """Takes the seed of a device that isn't there; the CPU's is `rushlight.manual_seed`."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Takes the seed of all CUDA devices, of which there are none."""
    int(seed)


def seed() -> None:
    """Does nothing: there is no generator to seed."""


def seed_all() -> None:
    """Does nothing: there is no generator to seed."""


def empty_cache() -> None:
    """Does nothing: there is no CUDA memory; the CPU's is `rushlight.memory.empty_cache`."""


def memory_allocated(device: Any = None) -> int:
    """0 bytes of CUDA memory."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0 bytes of CUDA memory."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0 bytes of CUDA memory."""
    return 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Does nothing: there is no CUDA memory to count."""
