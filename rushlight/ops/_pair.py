"""Two operands of a special function, of which one may be a number, as tensors of one floating-point type."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops.promotion import NUMBERS, result_type

__all__ = ["number_pair"]


def number_pair(name: str, input: Any, other: Any) -> tuple[Any, Any]:
    """The operands as tensors of the promoted type, a number as one without dimensions; integers become the default
    floating-point type.

    Raises TypeError unless one is a tensor and the other a tensor or a number.
    """
    if isinstance(input, Variable) and isinstance(other, Variable):
        kind = input._array.dtype
        if kind is other._array.dtype and kind.char in "fd":
            return input, other
    if not (isinstance(input, Variable) or isinstance(other, Variable)) or not all(
        isinstance(v, (Variable, *NUMBERS)) for v in (input, other)
    ):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got "
            f"({type(input).__name__}, {type(other).__name__}), but expected a Tensor and a Tensor or a Number"
        )
    dtype = result_type(input, other)
    if dtype.category < dtypes.float32.category:
        dtype = dtypes.get_default_dtype()

    def as_tensor(value: Any) -> Any:
        if isinstance(value, Variable):
            tensor: Any = value
            return tensor if tensor.dtype is dtype else tensor.to(dtype)
        return wrap(np.asarray(value).astype(dtype.numpy_dtype))

    return as_tensor(input), as_tensor(other)
