"""The storage types of PyTorch's first years, `FloatStorage` and its kin: each makes and knows those of one dtype."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.storage import TypedStorage, UntypedStorage

__all__ = [
    "BFloat16Storage",
    "BoolStorage",
    "ByteStorage",
    "CharStorage",
    "ComplexDoubleStorage",
    "ComplexFloatStorage",
    "DoubleStorage",
    "FloatStorage",
    "HalfStorage",
    "IntStorage",
    "LongStorage",
    "QInt8Storage",
    "QInt32Storage",
    "QUInt8Storage",
    "ShortStorage",
]  # fmt: skip

_ARGUMENTS = (
    "{}.__new__ received an invalid combination of arguments. Expected one of:\n * no arguments\n * (int size)\n"
    " * (Sequence data)\n * (*, UntypedStorage wrap_storage)\n"
)


class _StorageType(type(TypedStorage)):  # type: ignore[misc]
    """The class of these types: calling one gives a `TypedStorage`, and its instances are those of its dtype."""

    dtype: dtypes.dtype

    def __call__(cls, *args: Any, wrap_storage: Any = None, **others: Any) -> TypedStorage:
        if others or len(args) > 1 or (args and wrap_storage is not None):
            raise RuntimeError(_ARGUMENTS.format(cls) + "\nGot others, or more of them")
        if wrap_storage is not None:
            if not isinstance(wrap_storage, UntypedStorage):
                raise TypeError(_ARGUMENTS.format(cls) + f"\nArgument type not recognized: {type(wrap_storage)}")
            return TypedStorage(wrap_storage=wrap_storage, dtype=cls.dtype)
        return TypedStorage(*args, dtype=cls.dtype)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is cls.dtype


def _made(dtype: dtypes.dtype) -> Any:
    name = f"{dtype.legacy_name}Storage"
    text = f"""Storages of {dtype!r}: `{name}(3)` of so many elements, `{name}([1, 2])` of these.

    Its instances are all storages of that dtype. Raises RuntimeError for more arguments, TypeError for what is neither
    a size nor a sequence.

    >>> import rushlight as torch
    >>> torch.{name}(3).dtype, len(torch.{name}(3))
    ({dtype!r}, 3)

    Source: https://docs.pytorch.org/docs/2.13/storage.html
    """
    return _StorageType(name, (TypedStorage,), {"dtype": dtype, "__doc__": text, "__module__": "rushlight"})


BFloat16Storage = _made(dtypes.bfloat16)
BoolStorage = _made(dtypes.bool)
ByteStorage = _made(dtypes.uint8)
CharStorage = _made(dtypes.int8)
ComplexDoubleStorage = _made(dtypes.complex128)
ComplexFloatStorage = _made(dtypes.complex64)
DoubleStorage = _made(dtypes.float64)
FloatStorage = _made(dtypes.float32)
HalfStorage = _made(dtypes.float16)
IntStorage = _made(dtypes.int32)
LongStorage = _made(dtypes.int64)
QInt32Storage = _made(dtypes.qint32)
QInt8Storage = _made(dtypes.qint8)
QUInt8Storage = _made(dtypes.quint8)
ShortStorage = _made(dtypes.int16)
