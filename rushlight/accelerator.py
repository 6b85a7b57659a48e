"""What a program asks about accelerators of any kind: there are none.

Source: https://docs.pytorch.org/docs/2.13/accelerator.html
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NoReturn

from rushlight.device import device as _device

__all__ = [
    "current_accelerator", "current_device_idx", "current_device_index", "current_stream", "device_count",
    "device_index", "empty_cache", "empty_host_cache", "get_device_capability", "get_memory_info", "is_available",
    "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved", "memory_stats",
    "reset_accumulated_memory_stats", "reset_peak_memory_stats", "set_device_idx", "set_device_index", "set_stream",
    "synchronize",
]  # fmt: skip


def _refuse() -> NoReturn:
    raise RuntimeError("Cannot access accelerator device when none is available.")


def is_available() -> bool:
    """False: tensors live on the CPU."""
    return False


def device_count() -> int:
    """0, the number of accelerators."""
    return 0


def current_accelerator(check_available: bool = False) -> _device | None:
    """None: there is no accelerator."""
    return None


def current_device_index() -> int:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def current_device_idx() -> int:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def set_device_index(device: Any, /) -> None:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def set_device_idx(device: Any, /) -> None:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


class device_index:
    """A block on an accelerator: RuntimeError on entering, unless the number is None, which changes nothing."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None:
            _refuse()

    def __exit__(self, *exception: object) -> None:
        return None


def current_stream(device: Any = None, /) -> Any:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def set_stream(stream: Any) -> None:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def synchronize(device: Any = None, /) -> None:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def get_device_capability(device: Any = None, /) -> dict[str, Any]:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def empty_cache() -> None:
    """Raises RuntimeError: there is no accelerator; the CPU's is `rushlight.memory.empty_cache`."""
    _refuse()


def empty_host_cache() -> None:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def get_memory_info(device_index: Any = None, /) -> tuple[int, int]:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def memory_stats(device_index: Any = None, /) -> OrderedDict[str, Any]:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def memory_allocated(device_index: Any = None, /) -> int:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def max_memory_allocated(device_index: Any = None, /) -> int:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def memory_reserved(device_index: Any = None, /) -> int:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def max_memory_reserved(device_index: Any = None, /) -> int:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def reset_accumulated_memory_stats(device_index: Any = None, /) -> None:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()


def reset_peak_memory_stats(device_index: Any = None, /) -> None:
    """Raises RuntimeError: there is no accelerator."""
    _refuse()
