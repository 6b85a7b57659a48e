"""What storages of bytes and of elements have in common: the forms they can be turned into, files, sharing."""

from __future__ import annotations

import mmap
import os
from typing import Any, Self

import numpy as np

from rushlight import dtypes
from rushlight.device import check_device

__all__ = ["StorageForms", "bytes_of_file", "swapped_bytes"]


def swapped_bytes(memory: np.ndarray[Any, Any], kind: dtypes.dtype) -> None:
    """Turn the bytes of each number of a type around, in place."""
    unit = kind.itemsize // 2 if kind.is_complex else kind.itemsize
    if unit > 1:
        memory[: memory.size // unit * unit].view(f"u{unit}").byteswap(inplace=True)


def bytes_of_file(filename: str, shared: bool, count: int, permissions: int = 0o600) -> np.ndarray[Any, Any]:
    """The first bytes of a file, as memory: writes go to the file if `shared`, which also makes it and lets it grow."""
    mode = os.O_RDWR | os.O_CREAT if shared else os.O_RDONLY
    try:
        fd = os.open(filename, mode, permissions)
    except OSError as error:
        how = "read-write" if shared else "read-only"
        raise RuntimeError(
            f"unable to open file <{filename}> in {how} mode: {error.strerror} ({error.errno})"
        ) from None
    try:
        length = os.fstat(fd).st_size
        if length < count:
            if not shared:
                raise RuntimeError(
                    f"file <{filename}> size <{length}> is smaller than the required mapping size <{count}>"
                )
            os.ftruncate(fd, count)
        if not count:
            return np.empty(0, np.uint8)
        memory = mmap.mmap(fd, count, access=mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY)
    finally:
        os.close(fd)
    return np.frombuffer(memory, np.uint8)


class StorageForms:
    """The methods of storages that rest on two: the elements in another type, and the bytes."""

    __slots__ = ()

    is_sparse = False
    is_sparse_csr = False
    is_hpu = False
    filename: str | None

    def _converted(self, kind: dtypes.dtype) -> Any:
        raise TypeError(f"{type(self).__name__} converts to no {kind}")

    def _bytes(self) -> Any:
        raise TypeError(f"{type(self).__name__} has no bytes")

    def bfloat16(self) -> Any:
        """The elements as bfloat16, in a storage of their own where they have another type."""
        return self._converted(dtypes.bfloat16)

    def bool(self) -> Any:
        """The elements as bools, in a storage of their own where they have another type."""
        return self._converted(dtypes.bool)

    def byte(self) -> Any:
        """The elements as uint8, in a storage of their own where they have another type."""
        return self._converted(dtypes.uint8)

    def char(self) -> Any:
        """The elements as int8, in a storage of their own where they have another type."""
        return self._converted(dtypes.int8)

    def complex_double(self) -> Any:
        """The elements as complex128, in a storage of their own where they have another type."""
        return self._converted(dtypes.complex128)

    def complex_float(self) -> Any:
        """The elements as complex64, in a storage of their own where they have another type."""
        return self._converted(dtypes.complex64)

    def double(self) -> Any:
        """The elements as float64, in a storage of their own where they have another type."""
        return self._converted(dtypes.float64)

    def float(self) -> Any:
        """The elements as float32, in a storage of their own where they have another type."""
        return self._converted(dtypes.float32)

    def float8_e4m3fn(self) -> Any:
        """The elements as float8_e4m3fn, in a storage of their own where they have another type."""
        return self._converted(dtypes.float8_e4m3fn)

    def float8_e4m3fnuz(self) -> Any:
        """The elements as float8_e4m3fnuz, in a storage of their own where they have another type."""
        return self._converted(dtypes.float8_e4m3fnuz)

    def float8_e5m2(self) -> Any:
        """The elements as float8_e5m2, in a storage of their own where they have another type."""
        return self._converted(dtypes.float8_e5m2)

    def float8_e5m2fnuz(self) -> Any:
        """The elements as float8_e5m2fnuz, in a storage of their own where they have another type."""
        return self._converted(dtypes.float8_e5m2fnuz)

    def half(self) -> Any:
        """The elements as float16, in a storage of their own where they have another type."""
        return self._converted(dtypes.float16)

    def int(self) -> Any:
        """The elements as int32, in a storage of their own where they have another type."""
        return self._converted(dtypes.int32)

    def long(self) -> Any:
        """The elements as int64, in a storage of their own where they have another type."""
        return self._converted(dtypes.int64)

    def short(self) -> Any:
        """The elements as int16, in a storage of their own where they have another type."""
        return self._converted(dtypes.int16)

    def cuda(self, device: Any = None, non_blocking: Any = False) -> Any:
        """Raises AssertionError, as a PyTorch without CUDA does."""
        raise AssertionError("Torch not compiled with CUDA enabled")

    def hpu(self, device: Any = None, non_blocking: Any = False) -> Any:
        """Raises AssertionError, as a PyTorch without HPUs does."""
        raise AssertionError("HPU device module is not loaded")

    def mps(self) -> Any:
        """Raises RuntimeError, as a PyTorch without MPS does."""
        raise RuntimeError("Cannot move a storage to MPS: there is no such device")

    def to(self, *, device: Any, non_blocking: Any = False) -> Self:
        """This storage, for the CPU; raises for a device that isn't there."""
        check_device(device)
        return self

    def get_device(self) -> Any:
        """The number of an accelerator: None, for the CPU."""
        return None

    def is_pinned(self, device: Any = None) -> Any:
        """False: no memory is held in place for an accelerator."""
        return False

    def pin_memory(self, device: Any = None) -> Any:
        """Raises RuntimeError: there is no accelerator to hold memory in place for."""
        raise RuntimeError("Cannot access accelerator device when none is available.")

    def is_shared(self) -> Any:
        """Whether the memory is shared with other processes, which `share_memory_` and files do."""
        memory = self._bytes()
        while isinstance(memory, np.ndarray):
            memory = memory.base
        return isinstance(memory.obj if isinstance(memory, memoryview) else memory, mmap.mmap)

    def resizable(self) -> Any:
        """Whether `resize_` can be called: True."""
        return True
