"""What a program asks about Intel's XPUs: there are none, so that it takes its path for CPUs.

Source: https://docs.pytorch.org/docs/2.13/xpu.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

__all__ = [
    "can_device_access_peer", "current_device", "current_stream", "device_count", "empty_cache", "get_arch_list",
    "get_device_capability", "get_device_name", "get_device_properties", "get_gencode_flags",
    "get_per_process_memory_fraction", "get_rng_state", "get_rng_state_all", "get_stream_from_external", "init",
    "initial_seed", "is_available", "is_bf16_supported", "is_initialized", "is_tf32_supported", "manual_seed",
    "manual_seed_all", "max_memory_allocated", "max_memory_reserved", "mem_get_info", "memory_allocated",
    "memory_reserved", "memory_snapshot", "memory_stats", "memory_stats_as_nested_dict",
    "reset_accumulated_memory_stats", "reset_peak_memory_stats", "seed", "seed_all", "set_device",
    "set_per_process_memory_fraction", "set_rng_state", "set_rng_state_all", "set_stream", "synchronize",
]  # fmt: skip


def _refuse() -> NoReturn:
    raise AssertionError("Torch not compiled with XPU enabled")


def is_available() -> bool:
    """False: tensors live on the CPU."""
    return False


def device_count() -> int:
    """0, the number of XPU devices."""
    return 0


def is_initialized() -> bool:
    """False: there is nothing to initialise."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: no XPU computes in bfloat16."""
    return False


def is_tf32_supported() -> bool:
    """False: no XPU computes in TF32."""
    return False


def get_arch_list() -> list[str]:
    """The architectures of XPUs that this was compiled for: none."""
    return []


def get_gencode_flags() -> str:
    """The flags that this was compiled for XPUs with: none."""
    return ""


def init() -> None:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def current_device() -> int:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def current_stream(device: Any = None) -> Any:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def get_device_capability(device: Any = None) -> dict[str, Any]:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def get_device_name(device: Any = None) -> str:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def get_device_properties(device: Any = None) -> Any:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def can_device_access_peer(device: Any, peer: Any) -> bool:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def set_device(device: Any) -> None:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def synchronize(device: Any = None) -> None:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def initial_seed() -> int:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def get_rng_state(device: Any = "xpu") -> Any:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def get_per_process_memory_fraction(device: Any = None) -> float:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def get_stream_from_external(data_ptr: int, device: Any = None) -> Any:
    """Raises AssertionError, as a PyTorch without XPU does."""
    _refuse()


def manual_seed(seed: int) -> None:
    """Takes the seed of a device that isn't there; the CPU's is `rushlight.manual_seed`."""


def manual_seed_all(seed: int) -> None:
    """Takes the seed of all XPU devices, of which there are none."""


def seed() -> None:
    """Does nothing: there is no generator to seed."""


def seed_all() -> None:
    """Does nothing: there is no generator to seed."""


def get_rng_state_all() -> list[Any]:
    """The states of all XPU devices: none."""
    return []


def set_rng_state(new_state: Any, device: Any = "xpu") -> None:
    """Takes the state of a device that isn't there."""


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Takes the states of all XPUs, of which there are none."""


def empty_cache() -> None:
    """Does nothing: there is no memory of XPUs."""


def set_stream(stream: Any) -> None:
    """Does nothing: there is no XPU whose work could go elsewhere."""


def memory_allocated(device: Any = None) -> int:
    """0 bytes of memory of XPUs."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0 bytes of memory of XPUs."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0 bytes of memory of XPUs."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """0 bytes of memory of XPUs."""
    return 0


def memory_stats(device: Any = None) -> dict[str, Any]:
    """An empty dictionary: there is no memory of XPUs to count."""
    return {}


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    """An empty dictionary: there is no memory of XPUs to count."""
    return {}


def memory_snapshot(mempool_id: Any = None) -> list[Any]:
    """An empty list: there is no memory of XPUs to show."""
    return []


def reset_peak_memory_stats(device: Any = None) -> None:
    """Does nothing: there is no memory of XPUs to count."""


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Does nothing: there is no memory of XPUs to count."""
