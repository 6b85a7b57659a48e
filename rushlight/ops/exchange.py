"""Memory shared with other libraries by DLPack, and with files.

NumPy makes and reads the capsules. Types that it lacks (bfloat16, 8-bit floats) pass through it as whole numbers of the
same size: the capsule's type is written over on the way out and on the way in.

Source: https://docs.pytorch.org/docs/2.13/dlpack.html (the layout of capsules: dlpack.h, DLPack 1.0)
"""

from __future__ import annotations

import ctypes
import enum
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight._storage_forms import bytes_of_file
from rushlight.autograd.variable import Variable, wrap
from rushlight.device import check_new, device
from rushlight.layout import strided
from rushlight.ops._data import checked_array
from rushlight.ops._geometry import Array
from rushlight.ops.conversion import as_dtype
from rushlight.ops.creation import finished

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["from_dlpack", "from_file", "to_dlpack"]


# DLPack's own numbers, under the names that PyTorch has them.
DLDeviceType = enum.IntEnum(
    "DLDeviceType",
    {
        "kDLCPU": 1, "kDLCUDA": 2, "kDLCUDAHost": 3, "kDLOpenCL": 4, "kDLVulkan": 7, "kDLMetal": 8, "kDLVPI": 9,
        "kDLROCM": 10, "kDLROCMHost": 11, "kDLExtDev": 12, "kDLCUDAManaged": 13, "kDLOneAPI": 14, "kDLWebGPU": 15,
        "kDLHexagon": 16, "kDLMAIA": 17,
    },
)  # fmt: skip
DLDeviceType.__doc__ = """Where memory lies, as DLPack numbers it: `kDLCPU` for all tensors of this library.

>>> import rushlight as torch
>>> from rushlight.utils.dlpack import DLDeviceType
>>> torch.ones(2).__dlpack_device__()[0] == DLDeviceType.kDLCPU
True

Source: https://docs.pytorch.org/docs/2.13/dlpack.html
"""

_INVALID = (
    "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might have "
    "already constructed a tensor from it once."
)
# DLPack's codes of the types that NumPy doesn't have.
_CODES = {
    dtypes.bfloat16: 4, dtypes.float8_e4m3fn: 10, dtypes.float8_e4m3fnuz: 11, dtypes.float8_e5m2: 12,
    dtypes.float8_e5m2fnuz: 13,
}  # fmt: skip
_TYPES = {code: dtype for dtype, code in _CODES.items()}
_WHOLE = 1
# Where a capsule of each kind keeps the type's code: after the data's address, the device and the number of
# dimensions, which in the newer kind stand behind a version, an owner, a function and flags.
_PLACE_OF_CODE = {b"dltensor": 20, b"dltensor_versioned": 52}
_FLAGS_PLACE = 24
_READ_ONLY = 1

_name_of = ctypes.pythonapi.PyCapsule_GetName
_name_of.argtypes, _name_of.restype = [ctypes.py_object], ctypes.c_char_p
_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.argtypes, _pointer_of.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p


def _bytes_of(capsule: Any) -> tuple[bytes, Any]:
    """A capsule's kind, and what it holds as bytes that can be written; RuntimeError for what is no fresh capsule."""
    if type(capsule).__name__ != "PyCapsule":
        raise RuntimeError(_INVALID)
    name = _name_of(capsule)
    if name not in _PLACE_OF_CODE:
        raise RuntimeError(_INVALID)
    held = (ctypes.c_uint8 * (_PLACE_OF_CODE[name] + 1)).from_address(_pointer_of(capsule, name))
    return name, held


def _writable(array: Array) -> Array:
    """The same memory as an array that may be written; the array is kept alive by it."""
    if array.flags.writeable:
        return array
    span = (
        sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)) + array.itemsize if array.size else 0
    )
    memory = (ctypes.c_uint8 * span).from_address(array.__array_interface__["data"][0])
    memory.owner = array  # type: ignore[attr-defined]
    buffer: Any = memory
    return np.ndarray(array.shape, array.dtype, buffer, 0, array.strides)


def _exported(input: Tensor, versioned: bool, copy: bool | None) -> Any:
    """A capsule of a tensor's memory."""
    if input.layout is not strided:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")
    array = input._array
    if array.dtype.names:
        raise BufferError("QUInt/QInt types are not supported by dlpack")
    if copy:
        array = array.copy()
    code = _CODES.get(input.dtype)
    carrier = _writable(array)
    if code is not None:
        carrier = carrier.view(np.dtype(f"u{array.itemsize}"))
    capsule = carrier.__dlpack__(max_version=(1, 0) if versioned else None)
    if code is not None:
        name, held = _bytes_of(capsule)
        held[_PLACE_OF_CODE[name]] = code
    return capsule


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of a tensor's memory, of the kind before version 1.0: it can be read once, with `from_dlpack`.

    Raises RuntimeError for a sparse tensor, BufferError for a quantized one.

    >>> import rushlight as torch
    >>> torch.from_dlpack(torch.to_dlpack(torch.ones(2)))
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/dlpack.html#torch.utils.dlpack.to_dlpack
    """
    if not isinstance(tensor, Variable):
        raise TypeError(f"_to_dlpack(): argument 'data' (position 1) must be Tensor, not {type(tensor).__name__}")
    return _exported(tensor, False, None)


class _Carrier:
    """What NumPy takes: an object that hands a capsule over."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def _imported(capsule: Any) -> Tensor:
    """A tensor of a capsule's memory."""
    name, held = _bytes_of(capsule)
    place = _PLACE_OF_CODE[name]
    dtype = _TYPES.get(held[place])
    if dtype is not None:
        held[place] = _WHOLE
    array = np.from_dlpack(_Carrier(capsule))
    if dtype is not None:
        array = array.view(dtype.numpy_dtype)
    # Tensors have no read-only memory; what an old capsule holds NumPy takes for that.
    return wrap(checked_array(_writable(array)))


def _capsule_of(ext_tensor: Any, wanted: dict[str, Any]) -> tuple[Any, bool]:
    """The capsule of an object, asked for with as much as it understands; whether it was asked for a copy."""
    for dropped in ("", "max_version", "copy", "dl_device"):
        wanted.pop(dropped, None)
        try:
            return ext_tensor.__dlpack__(**wanted), "copy" in wanted
        except TypeError:
            if dropped == "dl_device":
                raise
    raise AssertionError


def from_dlpack(ext_tensor: Any, *, device: device | str | None = None, copy: bool | None = None) -> Tensor:
    """A tensor of the memory of any object that speaks DLPack (`__dlpack__`), or of a capsule, which can be read once.

    `copy=True` copies, `copy=False` lets the object refuse where it would have to. Raises RuntimeError for what is no
    fresh capsule, AssertionError for another device than the CPU.

    >>> import numpy, rushlight as torch
    >>> array = numpy.zeros(2)
    >>> tensor = torch.from_dlpack(array)
    >>> array[0] = 1
    >>> tensor
    tensor([1., 0.], dtype=torch.float64)

    Source: https://docs.pytorch.org/docs/2.13/dlpack.html#torch.from_dlpack
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        if device is not None or copy is not None:
            raise AssertionError("device and copy kwargs not supported when ext_tensor is already a DLPack capsule.")
        return _imported(ext_tensor)
    check_new(device)
    place = ext_tensor.__dlpack_device__()
    if place[0] != DLDeviceType.kDLCPU:
        raise RuntimeError(f"from_dlpack: memory on {place} can't be read: only that of the CPU (1, 0)")
    wanted: dict[str, Any] = {"max_version": (1, 0)}
    if copy is not None:
        wanted["copy"] = copy
    if device is not None:
        wanted["dl_device"] = (DLDeviceType.kDLCPU, 0)
    capsule, asked = _capsule_of(ext_tensor, wanted)
    tensor = _imported(capsule)
    return tensor.clone() if copy and not asked else tensor


def _dlpack(
    self: Tensor,
    *,
    stream: Any = -1,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A DLPack capsule of this tensor's memory for any library's `from_dlpack`, of version 1.0 if `max_version` allows.

    Raises BufferError for a tensor that requires a gradient or isn't strided, ValueError or NotImplementedError for
    another device.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.__dlpack__.html
    """
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if self.layout is not strided:
        raise BufferError("Can't export tensors with layout other than torch.strided")
    if stream is not None and type(stream) is not int:
        raise TypeError("stream must be ``int`` or ``none``")
    if stream is not None and stream != -1:
        raise AssertionError("stream should be None on cpu.")
    if dl_device is not None and dl_device[0] != DLDeviceType.kDLCPU:
        if copy is False:
            raise ValueError(f"cannot move (i.e. copy=False) tensor from cpu to {tuple(dl_device)} without copying.")
        raise NotImplementedError(f"there is no device {tuple(dl_device)} to copy a tensor to")
    return _exported(self, max_version is not None and max_version[0] >= 1, copy)


def _dlpack_device(self: Tensor) -> tuple[DLDeviceType, int]:
    """Where this tensor's memory lies: `(kDLCPU, 0)`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.__dlpack_device__.html
    """
    return DLDeviceType.kDLCPU, 0


def from_file(
    filename: str,
    shared: bool | None = None,
    size: int | None = 0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of `size` elements whose memory is a file's.

    `shared`: what is written into the tensor goes into the file, which is made or made longer if need be; else the file
    stays as it is and must be long enough. Raises RuntimeError for a file that can't be opened or is too short.

    >>> import tempfile, rushlight as torch
    >>> file = tempfile.NamedTemporaryFile()
    >>> torch.from_file(file.name, shared=True, size=3).fill_(2)
    tensor([2., 2., 2.])
    >>> torch.from_file(file.name, size=2)
    tensor([2., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.from_file.html
    """
    if not isinstance(filename, str):
        raise TypeError(f"from_file(): argument 'filename' (position 1) must be str, not {type(filename).__name__}")
    check_new(device)
    if layout not in (None, strided):
        raise NotImplementedError(f"Could not run 'aten::from_file' with the layout {layout}: only torch.strided")
    if pin_memory:
        raise RuntimeError("tensors constructed from a file cannot be pinned")
    kind = dtypes.get_default_dtype() if dtype is None else as_dtype(dtype, "from_file")
    count = 0 if size is None else size
    needed = count * kind.itemsize
    if count < 0:
        raise RuntimeError(f"unable to mmap {needed} bytes from file <{filename}>: the size must not be negative")
    array = bytes_of_file(filename, bool(shared), needed, 0o666).view(kind.numpy_dtype)
    return finished(array, device, requires_grad, False)


class ExchangeMethods:
    """The family's methods of Tensor."""

    __dlpack__ = _dlpack
    __dlpack_device__ = _dlpack_device
