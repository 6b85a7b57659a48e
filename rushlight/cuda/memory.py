"""What a program asks about the memory of CUDA devices: none is used, and none can be had.

Source: https://docs.pytorch.org/docs/2.13/cuda.html#memory-management
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from rushlight.cuda._core import refuse

__all__ = [
    "CUDAPluggableAllocator", "MemPool", "caching_allocator_alloc", "caching_allocator_delete",
    "caching_allocator_disabled", "caching_allocator_enable", "change_current_allocator", "empty_cache",
    "get_allocator_backend", "get_per_process_memory_fraction", "host_memory_stats",
    "host_memory_stats_as_nested_dict", "list_gpu_processes", "max_memory_allocated", "max_memory_cached",
    "max_memory_reserved", "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved", "memory_snapshot",
    "memory_stats", "memory_stats_as_nested_dict", "memory_summary", "reset_accumulated_host_memory_stats",
    "reset_accumulated_memory_stats", "reset_max_memory_allocated", "reset_max_memory_cached",
    "reset_peak_host_memory_stats", "reset_peak_memory_stats", "set_per_process_memory_fraction", "use_mem_pool",
]  # fmt: skip


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


def max_memory_reserved(device: Any = None) -> int:
    """0 bytes of CUDA memory."""
    return 0


def memory_cached(device: Any = None) -> int:
    """0 bytes of CUDA memory: `memory_reserved` by its older name."""
    return 0


def max_memory_cached(device: Any = None) -> int:
    """0 bytes of CUDA memory: `max_memory_reserved` by its older name."""
    return 0


def memory_stats(device: Any = None) -> dict[str, Any]:
    """An empty dictionary: there is no CUDA memory to count."""
    return OrderedDict()


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    """An empty dictionary: there is no CUDA memory to count."""
    return {}


def host_memory_stats() -> dict[str, Any]:
    """An empty dictionary: there is no pinned memory to count."""
    return OrderedDict()


def host_memory_stats_as_nested_dict() -> dict[str, Any]:
    """An empty dictionary: there is no pinned memory to count."""
    return {}


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """A line that says that there is no CUDA memory."""
    return "no CUDA device: no memory allocated"


def memory_snapshot(mempool_id: Any = None, include_traces: bool = True) -> Any:
    """An empty list: there is no CUDA memory to show."""
    return []


def list_gpu_processes(device: Any = None) -> str:
    """A line that says that NVIDIA's driver isn't asked."""
    return "pynvml module not found, please install nvidia-ml-py"


def reset_peak_memory_stats(device: Any = None) -> None:
    """Does nothing: there is no CUDA memory to count."""


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Does nothing: there is no CUDA memory to count."""


def reset_max_memory_allocated(device: Any = None) -> None:
    """Does nothing: there is no CUDA memory to count."""


def reset_max_memory_cached(device: Any = None) -> None:
    """Does nothing: there is no CUDA memory to count."""


def reset_peak_host_memory_stats() -> None:
    """Does nothing: there is no pinned memory to count."""


def reset_accumulated_host_memory_stats() -> None:
    """Does nothing: there is no pinned memory to count."""


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def get_per_process_memory_fraction(device: Any = None) -> float:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def get_allocator_backend() -> str:
    """ "native", the allocator that PyTorch starts with."""
    return "native"


def caching_allocator_alloc(size: int, device: Any = None, stream: Any = None) -> int:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def caching_allocator_delete(mem_ptr: int) -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def caching_allocator_enable(value: bool = True) -> None:
    """Does nothing: there is no CUDA memory to keep."""


@contextlib.contextmanager
def caching_allocator_disabled() -> Iterator[None]:
    """A block without a cache of CUDA memory, of which there is none."""
    yield


class CUDAPluggableAllocator:
    """An allocator of CUDA memory from a library: AssertionError, as there is no CUDA."""

    def __init__(self, path_to_so_file: str, alloc_fn_name: str, free_fn_name: str) -> None:
        refuse()


def change_current_allocator(allocator: Any) -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


class MemPool:
    """A pool of CUDA memory: RuntimeError, as there is no CUDA."""

    def __init__(self, allocator: Any = None, use_on_oom: bool = False, no_split: bool = False) -> None:
        raise RuntimeError("Tried to instantiate dummy base class MemPool")


@contextlib.contextmanager
def use_mem_pool(pool: MemPool, device: Any = None) -> Iterator[None]:
    """Raises AssertionError when entered, as a PyTorch without CUDA does."""
    yield refuse()
