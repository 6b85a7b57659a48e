"""What a program asks about CUDA devices: there are none, so that it takes its path for CPUs.

Source: https://docs.pytorch.org/docs/2.13/cuda.html
"""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.device import device as _device

__all__ = [
    "CudaError", "DeferredCudaCallError", "can_device_access_peer", "check_error", "clock_rate", "cudaStatus", "cudart",
    "current_blas_handle", "current_device", "current_solver_handle", "default_generators", "device_count",
    "device_memory_used", "get_arch_list", "get_device_capability", "get_device_name", "get_device_properties",
    "get_gencode_flags", "get_sync_debug_mode", "has_half", "has_magma", "init", "ipc_collect", "is_available",
    "is_bf16_supported", "is_initialized", "is_tf32_supported", "memory_usage", "power_draw", "set_device",
    "set_sync_debug_mode", "synchronize", "temperature", "utilization",
]  # fmt: skip

default_generators: tuple[Any, ...] = ()
has_half = True
has_magma = False

_NO_NVML = "nvidia-ml-py does not seem to be installed or it can't be imported."


def refuse() -> NoReturn:
    """Raise AssertionError, as a PyTorch without CUDA does."""
    raise AssertionError("Torch not compiled with CUDA enabled: Rushlight computes on the CPU")


class CudaError(RuntimeError):
    """An error of CUDA's, by its number."""

    def __init__(self, code: int) -> None:
        super().__init__(f"CUDA error {code}")


class DeferredCudaCallError(Exception):
    """An error of a call that waited for CUDA's start."""


class cudaStatus:
    """The numbers by which CUDA says how a call went."""

    SUCCESS = 0
    ERROR_NOT_READY = 34


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


def is_tf32_supported() -> bool:
    """False: no CUDA device computes in TF32."""
    return False


def get_arch_list() -> list[str]:
    """The architectures of CUDA that this was compiled for: none."""
    return []


def get_gencode_flags() -> str:
    """The flags that this was compiled for CUDA with: none."""
    return ""


def init() -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def current_device() -> int:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def get_device_name(device: Any = None) -> str:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def get_device_properties(device: Any = None) -> Any:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def index_of(device: Any, allow_none: bool = True) -> int:
    """The number of a CUDA device, -1 for None; ValueError for what names no CUDA device."""
    if device is None and allow_none:
        return -1
    if isinstance(device, str):
        device = _device(device)
    if isinstance(device, _device):
        if device.type != "cuda":
            raise ValueError(f"Expected a cuda device, but got: {device}")
        return 0 if device.index is None else device.index
    if not isinstance(device, int):
        raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")
    return device


def set_device(device: Any) -> None:
    """Raises AssertionError unless `device` is a negative index, which means no device; ValueError for another kind."""
    if index_of(device) >= 0:
        refuse()


def synchronize(device: Any = None) -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def ipc_collect() -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def cudart() -> Any:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def check_error(res: int) -> None:
    """Raises CudaError for a number other than 0."""
    if res != cudaStatus.SUCCESS:
        raise CudaError(res)


def current_blas_handle() -> int:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def current_solver_handle() -> int:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def get_sync_debug_mode() -> int:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def set_sync_debug_mode(debug_mode: int | str) -> None:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def clock_rate(device: Any = None) -> int:
    """Raises ModuleNotFoundError: nothing here asks NVIDIA's driver."""
    raise ModuleNotFoundError(_NO_NVML)


def device_memory_used(device: Any = None) -> int:
    """Raises ModuleNotFoundError: nothing here asks NVIDIA's driver."""
    raise ModuleNotFoundError(_NO_NVML)


def memory_usage(device: Any = None) -> int:
    """Raises ModuleNotFoundError: nothing here asks NVIDIA's driver."""
    raise ModuleNotFoundError(_NO_NVML)


def power_draw(device: Any = None) -> int:
    """Raises ModuleNotFoundError: nothing here asks NVIDIA's driver."""
    raise ModuleNotFoundError(_NO_NVML)


def temperature(device: Any = None) -> int:
    """Raises ModuleNotFoundError: nothing here asks NVIDIA's driver."""
    raise ModuleNotFoundError(_NO_NVML)


def utilization(device: Any = None) -> int:
    """Raises ModuleNotFoundError: nothing here asks NVIDIA's driver."""
    raise ModuleNotFoundError(_NO_NVML)
