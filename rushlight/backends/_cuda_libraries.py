"""Which libraries a PyTorch with CUDA prefers, how it caches, and its switches of matrix products.

All can be set and read as far as PyTorch without CUDA lets one; nothing depends on them.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar, NoReturn

__all__ = [
    "blas_workspace_size", "cuBLASModule", "cuFFTPlanCache", "cuFFTPlanCacheAttrContextProp", "cuFFTPlanCacheManager",
    "cublas_workspace_size", "cublaslt_workspace_size", "cufft_plan_cache", "matmul", "preferred_blas_library",
    "preferred_linalg_library", "preferred_rocm_fa_library",
]  # fmt: skip


def _refuse() -> NoReturn:
    raise AssertionError("Torch not compiled with CUDA enabled")


class cuBLASModule:
    """The switches of CUDA's matrix products; AttributeError for another name."""

    _defaults: ClassVar[dict[str, Any]] = {
        "allow_tf32": False,
        "allow_fp16_reduced_precision_reduction": True,
        "allow_bf16_reduced_precision_reduction": True,
        "allow_fp16_accumulation": False,
        "fp32_precision": "none",
    }

    def __init__(self) -> None:
        self.__dict__.update(self._defaults)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Unknown attribute {name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._defaults:
            raise AttributeError(f"Unknown attribute {name}")
        self.__dict__[name] = value


matmul = cuBLASModule()


class cuFFTPlanCacheAttrContextProp:
    """A property of a device's cache, read and written by two functions of the device's number."""

    def __init__(self, getter: Any, setter: Any) -> None:
        self.getter = getter
        self.setter = setter

    def __get__(self, obj: Any, objtype: Any) -> Any:
        return self.getter(obj.device_index)

    def __set__(self, obj: Any, val: Any) -> None:
        self.setter(obj.device_index, val)


def _no_cache(*args: Any) -> NoReturn:
    _refuse()


class cuFFTPlanCache:
    """The cache of a device's Fourier transforms: AssertionError when asked, as there is no CUDA."""

    size = cuFFTPlanCacheAttrContextProp(_no_cache, _no_cache)
    max_size = cuFFTPlanCacheAttrContextProp(_no_cache, _no_cache)

    def __init__(self, device_index: int) -> None:
        self.device_index = device_index

    def clear(self) -> None:
        """Raises AssertionError, as a PyTorch without CUDA does."""
        _refuse()


class cuFFTPlanCacheManager:
    """The caches of all devices: AssertionError when asked, as there is no CUDA."""

    def __getitem__(self, device: Any) -> Any:
        _refuse()

    def __getattr__(self, name: str) -> Any:
        if name in ("size", "max_size", "clear"):
            _refuse()
        raise AttributeError(f"Unknown attribute {name}")


cufft_plan_cache = cuFFTPlanCacheManager()


class _Library(enum.Enum):
    """A preference."""

    def __repr__(self) -> str:
        return f"<{self}: {self.value}>"


class _LinalgBackend(_Library):
    Default = 0
    Cusolver = 1
    Magma = 2


class _BlasBackend(_Library):
    Default = 0
    Cublas = 1
    Cublaslt = 2
    Ck = 3


class _ROCmFABackend(_Library):
    Default = 0
    AOTriton = 1
    Ck = 2


_preferred: dict[str, Any] = {
    "linalg": _LinalgBackend.Default, "blas": _BlasBackend.Cublas, "rocm_fa": _ROCmFABackend.Default,
}  # fmt: skip
_NAMES: dict[str, dict[str, Any]] = {
    "linalg": {
        "default": _LinalgBackend.Default, "cusolver": _LinalgBackend.Cusolver, "magma": _LinalgBackend.Magma,
    },
    "blas": {
        "default": _BlasBackend.Default, "cublas": _BlasBackend.Cublas, "hipblas": _BlasBackend.Cublas,
        "cublaslt": _BlasBackend.Cublaslt, "hipblaslt": _BlasBackend.Cublaslt, "ck": _BlasBackend.Ck,
    },
    "rocm_fa": {"default": _ROCmFABackend.Default, "aotriton": _ROCmFABackend.AOTriton, "ck": _ROCmFABackend.Ck},
}  # fmt: skip


def _prefer(kind: str, backend: Any) -> Any:
    if backend is None:
        return _preferred[kind]
    if isinstance(backend, str):
        if backend not in _NAMES[kind]:
            raise RuntimeError(f"Unknown input value. Choose from: {', '.join(_NAMES[kind])}.")
        backend = _NAMES[kind][backend]
    elif not isinstance(backend, type(_preferred[kind])):
        raise RuntimeError("Unknown input value type.")
    if backend is _LinalgBackend.Magma:
        raise RuntimeError("Cannot set preferred backend to MAGMA if PyTorch has not been compiled with MAGMA.")
    _preferred[kind] = backend
    return backend


def preferred_linalg_library(backend: Any = None) -> Any:
    """Which library CUDA's linear algebra prefers: "default", "cusolver" or "magma"; RuntimeError for another."""
    return _prefer("linalg", backend)


def preferred_blas_library(backend: Any = None) -> Any:
    """Which library CUDA's matrix products prefer: "cublas", "cublaslt" and others; RuntimeError for another."""
    return _prefer("blas", backend)


def preferred_rocm_fa_library(backend: Any = None) -> Any:
    """Which library attention on AMD's GPUs prefers: "default", "aotriton" or "ck"; RuntimeError for another."""
    return _prefer("rocm_fa", backend)


def cublas_workspace_size(size: int | None = None) -> int:
    """Raises AssertionError, as there is no CUDA."""
    _refuse()


def cublaslt_workspace_size(size: int | None = None) -> int:
    """Raises AssertionError, as there is no CUDA."""
    _refuse()


def blas_workspace_size(size: int | None = None, backend: Any = None) -> int:
    """Raises AssertionError, as there is no CUDA."""
    _refuse()
