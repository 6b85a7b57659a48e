"""The types of tensors and storages on CUDA devices: nothing is one, and none can be made.

Source: https://docs.pytorch.org/docs/2.13/tensors.html
"""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.cuda._core import refuse

__all__ = [
    "BFloat16Storage", "BFloat16Tensor", "BoolStorage", "BoolTensor", "ByteStorage", "ByteTensor", "CharStorage",
    "CharTensor", "ComplexDoubleStorage", "ComplexFloatStorage", "DoubleStorage", "DoubleTensor", "FloatStorage",
    "FloatTensor", "HalfStorage", "HalfTensor", "IntStorage", "IntTensor", "LongStorage", "LongTensor", "ShortStorage",
    "ShortTensor",
]  # fmt: skip


class _TensorType(type):
    """The class of these types, which have no instances."""

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled.")


class _StorageType(type):
    """The class of these types, which have no instances."""

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        refuse()


def _tensor_type(name: str) -> Any:
    return _TensorType(f"{name}Tensor", (), {"__doc__": "Tensors on CUDA devices: there are none.", "is_cuda": True})


def _storage_type(name: str) -> Any:
    return _StorageType(f"{name}Storage", (), {"__doc__": "Storages on CUDA devices: there are none.", "is_cuda": True})


BFloat16Tensor, BFloat16Storage = _tensor_type("BFloat16"), _storage_type("BFloat16")
BoolTensor, BoolStorage = _tensor_type("Bool"), _storage_type("Bool")
ByteTensor, ByteStorage = _tensor_type("Byte"), _storage_type("Byte")
CharTensor, CharStorage = _tensor_type("Char"), _storage_type("Char")
DoubleTensor, DoubleStorage = _tensor_type("Double"), _storage_type("Double")
FloatTensor, FloatStorage = _tensor_type("Float"), _storage_type("Float")
HalfTensor, HalfStorage = _tensor_type("Half"), _storage_type("Half")
IntTensor, IntStorage = _tensor_type("Int"), _storage_type("Int")
LongTensor, LongStorage = _tensor_type("Long"), _storage_type("Long")
ShortTensor, ShortStorage = _tensor_type("Short"), _storage_type("Short")
ComplexFloatStorage, ComplexDoubleStorage = _storage_type("ComplexFloat"), _storage_type("ComplexDouble")
