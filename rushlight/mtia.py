"""What a program asks about Meta's accelerators: there are none, so that it takes its path for CPUs.

Source: https://docs.pytorch.org/docs/2.13/mtia.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

__all__ = [
    "current_device", "current_stream", "default_stream", "device_count", "empty_cache", "get_device_capability",
    "get_device_properties", "get_rng_state", "get_rng_state_all", "init", "initial_seed", "is_available",
    "is_bf16_supported", "is_initialized", "manual_seed", "manual_seed_all", "max_memory_allocated",
    "memory_allocated", "memory_stats", "reset_peak_memory_stats", "seed", "seed_all", "set_device", "set_rng_state",
    "set_rng_state_all", "set_stream", "snapshot", "synchronize",
]  # fmt: skip


def _refuse(name: str) -> NoReturn:
    raise RuntimeError(f"Cannot execute {name}() without MTIA backend.")


def is_available() -> bool:
    """False: tensors live on the CPU."""
    return False


def device_count() -> int:
    """0, the number of MTIA devices."""
    return 0


def is_initialized() -> bool:
    """False: there is nothing to initialise."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """True: what a device of this kind could do."""
    return True


def current_device() -> int:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("getCurrentDevice")


def current_stream(device: Any = None) -> Any:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("getCurrentDevice")


def default_stream(device: Any = None) -> Any:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("getCurrentDevice")


def empty_cache() -> None:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("emptyCache")


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("getCurrentDevice")


def get_device_properties(device: Any = None) -> dict[str, Any]:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("getCurrentDevice")


def set_device(device: Any) -> None:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("setCurrentDevice")


def synchronize(device: Any = None) -> None:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("getCurrentDevice")


def snapshot() -> dict[str, Any]:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("memorySnapshot")


def set_rng_state(new_state: Any, device: Any = "mtia") -> None:
    """Raises RuntimeError, as a PyTorch without MTIA does."""
    _refuse("getCurrentDevice")


def manual_seed(seed: int) -> None:
    """Takes the seed of a device that isn't there; the CPU's is `rushlight.manual_seed`."""


def manual_seed_all(seed: int) -> None:
    """Takes the seed of all MTIA devices, of which there are none."""


def seed() -> None:
    """Does nothing: there is no generator to seed."""


def seed_all() -> None:
    """Does nothing: there is no generator to seed."""


def get_rng_state_all() -> list[Any]:
    """The states of all MTIA devices: none."""
    return []


def init() -> None:
    """Raises AssertionError, as a PyTorch without MTIA does."""
    raise AssertionError("Torch not compiled with MTIA enabled.")


def initial_seed() -> int:
    """Raises AssertionError, as a PyTorch without MTIA does."""
    raise AssertionError("Torch not compiled with MTIA enabled.")


def get_rng_state(device: Any = "mtia") -> Any:
    """Raises AssertionError, as a PyTorch without MTIA does."""
    raise AssertionError("Torch not compiled with MTIA enabled.")


def memory_allocated(device: Any = None) -> int:
    """0 bytes of memory of such devices."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0 bytes of memory of such devices."""
    return 0


def memory_stats(device: Any = None) -> dict[str, Any]:
    """An empty dictionary: there is no memory of such devices to count."""
    return {}


def reset_peak_memory_stats(device: Any = None) -> None:
    """Does nothing: there is no memory of such devices to count."""


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Takes the states of all such devices, of which there are none."""


def set_stream(stream: Any) -> None:
    """Does nothing: there is no device whose work could go elsewhere."""
