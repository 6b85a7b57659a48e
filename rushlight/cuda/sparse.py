"""The types of sparse tensors on CUDA devices: nothing is one, and none can be made."""

from __future__ import annotations

from rushlight.cuda._types import _tensor_type

__all__ = [
    "BFloat16Tensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor",
    "LongTensor", "ShortTensor",
]  # fmt: skip

BFloat16Tensor = _tensor_type("BFloat16")
ByteTensor = _tensor_type("Byte")
CharTensor = _tensor_type("Char")
DoubleTensor = _tensor_type("Double")
FloatTensor = _tensor_type("Float")
HalfTensor = _tensor_type("Half")
IntTensor = _tensor_type("Int")
LongTensor = _tensor_type("Long")
ShortTensor = _tensor_type("Short")
