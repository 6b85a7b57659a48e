"""The tensor types of PyTorch's first years, `FloatTensor` and its kin: each makes and knows tensors of one dtype."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight import dtypes
from rushlight.device import check_device
from rushlight.tensor import Tensor

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "set_default_tensor_type",
]


class _TensorType(type):
    """The class of these types: calling one gives a `Tensor`, and its instances are the tensors of its dtype."""

    dtype: dtypes.dtype
    is_cuda = False
    is_sparse = False

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        check_device(device)
        made: Tensor = Tensor._legacy_new(args, cls.dtype)
        return made

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and not instance.is_sparse


def _made(dtype: dtypes.dtype) -> _TensorType:
    name = f"{dtype.legacy_name}Tensor"
    text = f"""Tensors of {dtype!r} on the CPU: `{name}(2, 3)` of a shape, `{name}([1, 2])` of numbers.

    Its instances are all tensors of that dtype; `torch.tensor` with a `dtype` stands in its place. Raises TypeError for
    what is neither a shape nor numbers.

    >>> import rushlight as torch
    >>> torch.{name}([1, 0]).dtype
    {dtype!r}

    Source: https://docs.pytorch.org/docs/2.13/tensors.html
    """
    return _TensorType(name, (), {"dtype": dtype, "__doc__": text, "__module__": "rushlight"})


BFloat16Tensor = _made(dtypes.bfloat16)
BoolTensor = _made(dtypes.bool)
ByteTensor = _made(dtypes.uint8)
CharTensor = _made(dtypes.int8)
DoubleTensor = _made(dtypes.float64)
FloatTensor = _made(dtypes.float32)
HalfTensor = _made(dtypes.float16)
IntTensor = _made(dtypes.int32)
LongTensor = _made(dtypes.int64)
ShortTensor = _made(dtypes.int16)


def set_default_tensor_type(t: Any, /) -> None:
    """Let new tensors have the dtype of a type such as `DoubleTensor`, or of its name; deprecated for
    `set_default_dtype`.

    TypeError for what is no type of floating-point tensors.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.set_default_tensor_type(torch.FloatTensor)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_default_tensor_type.html
    """
    warnings.warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives.",
        UserWarning,
        stacklevel=2,
    )
    if isinstance(t, str):
        found = globals().get(t.removeprefix("torch."))
        if not (t.startswith("torch.") and isinstance(found, _TensorType)):
            raise TypeError(f"invalid type object: expected the name of a tensor type, got {t!r}")
        t = found
    if not isinstance(t, _TensorType):
        raise TypeError(f"invalid type object: expected a tensor type, got {t!r}")
    if not t.dtype.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {t.__name__}")
    dtypes.set_default_dtype(t.dtype)
