"""How operands of different types and shapes meet: PyTorch's type promotion, and its reverse for gradients.

Tensors with dimensions count before those without, and these before Python's numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import NUMBERS, like
from rushlight.autograd.variable import Variable
from rushlight.quantizer import dequantized

__all__ = [
    "NUMBERS", "binary", "can_cast", "check_broadcast", "check_fits", "like", "operands", "result_type", "unbroadcast",
]  # fmt: skip

_LOW_PRECISION = (dtypes.float16, dtypes.bfloat16)
_float32 = np.dtype(np.float32)
# The kernels that PyTorch does not have for some types: wide unsigned integers, complex numbers.
_WIDE_UNSIGNED, _COMPLEX = "HILQ", "FD"
_REFUSED = {
    "add": ("add_stub", _WIDE_UNSIGNED),
    "subtract": ("add_stub", _WIDE_UNSIGNED),
    "floor_divide": ("div_floor_cpu", _WIDE_UNSIGNED + _COMPLEX),
    "remainder": ("remainder_cpu", _WIDE_UNSIGNED + _COMPLEX),
    "fmod": ("fmod_cpu", _WIDE_UNSIGNED + _COMPLEX),
    "_power": ("pow", _WIDE_UNSIGNED),
    "power": ("pow", _WIDE_UNSIGNED),
    "maximum": ("maximum_cpu", _WIDE_UNSIGNED + _COMPLEX),
    "minimum": ("minimum_cpu", _WIDE_UNSIGNED + _COMPLEX),
    "fmax": ("maximum_cpu", _WIDE_UNSIGNED + _COMPLEX),
    "fmin": ("minimum_cpu", _WIDE_UNSIGNED + _COMPLEX),
    "arctan2": ("atan2_cpu", _COMPLEX),
    "_hypot": ("hypot_cpu", _COMPLEX),
    "hypot": ("hypot_cpu", _COMPLEX),
    "copysign": ("copysign_cpu", _COMPLEX),
    "logaddexp2": ("logaddexp2_cpu", _COMPLEX),
    "gcd": ("gcd_cpu", _WIDE_UNSIGNED),
    "lcm": ("lcm_cpu", _WIDE_UNSIGNED),
}
_C_NAMES = {
    dtypes.float32: "float", dtypes.float64: "double", dtypes.float16: "c10::Half", dtypes.bfloat16: "c10::BFloat16",
}  # fmt: skip


def _number_type(value: Any) -> dtypes.dtype:
    if isinstance(value, (bool, np.bool_)):
        return dtypes.bool
    if isinstance(value, (int, np.integer)):
        return dtypes.int64
    if isinstance(value, (float, np.floating)):
        return dtypes.get_default_dtype()
    if isinstance(value, (complex, np.complexfloating)):
        return dtypes.get_default_dtype().to_complex()
    raise TypeError(f"expected a Tensor or a number, got {type(value).__name__}")


def result_type(*values: Any) -> dtypes.dtype:
    """The type that an operation on these tensors and numbers has.

    Tensors with dimensions count first, then tensors without, then numbers: a later group changes the type only if it
    is of a higher kind (bool, integer, floating point, complex).

    >>> import rushlight as torch
    >>> torch.result_type(torch.ones(2, dtype=torch.int8), 1.5)
    torch.float32

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.result_type.html
    """
    groups: list[dtypes.dtype | None] = [None, None, None]
    for value in values:
        if isinstance(value, Variable):
            rank, type_ = (0 if value._array.ndim else 1), value.dtype
        else:
            rank, type_ = 2, _number_type(value)
        known = groups[rank]
        groups[rank] = type_ if known is None else dtypes.promote_types(known, type_)
    result: dtypes.dtype | None = None
    for type_found in groups:
        if type_found is None:
            continue
        if result is None:
            result = type_found
        elif result.is_floating_point:
            # The precision of a float stays for a complex.
            result = result.to_complex() if type_found.is_complex else result
        elif result is dtypes.bool or type_found.category > result.category:
            # A number or 0-dim tensor of a higher kind brings its kind.
            result = type_found if type_found.is_complex else dtypes.promote_types(result, type_found)
    if result is None:
        raise TypeError("result_type() expected at least one Tensor or number")
    return result


def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether a value of one type may be written where the other is stored.

    Not complex to real, real to integer, nor anything but bool to bool. Raises TypeError for what is no dtype.

    >>> import rushlight as torch
    >>> torch.can_cast(torch.float64, torch.float32), torch.can_cast(torch.float32, torch.int64)
    (True, False)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.can_cast.html
    """
    for position, (name, type_) in enumerate((("from_", from_), ("to", to)), 1):
        if not isinstance(type_, dtypes.dtype):
            raise TypeError(
                f"can_cast(): argument '{name}' (position {position}) must be torch.dtype, not {type(type_).__name__}"
            )
    if to is dtypes.bool:
        return from_ is dtypes.bool
    return from_.category <= to.category


def operands(input: Any, other: Any) -> tuple[Any, Any]:
    """The arrays of two operands, of one type; a number may stay a number where NumPy treats it as PyTorch does."""
    if isinstance(input, Variable):
        a = input._array
        if isinstance(other, Variable):
            b = other._array
            if a.dtype is b.dtype:
                return a, b
            numpy_dtype = result_type(input, other).numpy_dtype
            if numpy_dtype.names:
                return dequantized(a), dequantized(b)
            return a.astype(numpy_dtype, copy=False), b.astype(numpy_dtype, copy=False)
        return _with_number(input, other)
    if isinstance(other, Variable):
        b, a = _with_number(other, input)
        return a, b
    if not (isinstance(input, NUMBERS) and isinstance(other, NUMBERS)):
        raise TypeError(
            f"expected Tensors or numbers as operands, got {type(input).__name__} and {type(other).__name__}"
        )
    numpy_dtype = result_type(input, other).numpy_dtype
    return np.asarray(input, numpy_dtype), np.asarray(other, numpy_dtype)


def _with_number(tensor: Any, number: Any) -> tuple[Any, Any]:
    array = tensor._array
    kind = array.dtype.kind
    if (kind == "f" or kind == "c") and (number.__class__ is float or number.__class__ is int):
        return array, float(number)
    type_ = result_type(tensor, number)
    numpy_dtype = type_.numpy_dtype
    if type_.category == dtypes.int64.category and not isinstance(number, (bool, np.bool_)):
        # Out-of-range integers wrap around, as a C cast does.
        scalar = np.asarray(int(number) & 0xFFFFFFFFFFFFFFFF, dtype=np.uint64).astype(numpy_dtype)
    else:
        scalar = np.asarray(number).astype(numpy_dtype)
    return array.astype(numpy_dtype, copy=False), scalar


def binary(ufunc: Callable[..., Any], input: Any, other: Any, out: Any = None, *, exact_number: bool = False) -> Any:
    """A ufunc of two operands after promotion; float16 and bfloat16 with a number are computed in float32.

    The number is first rounded to the tensor's type; with `exact_number`, as PyTorch has it for products and quotients,
    it is not. `out` is written into where it has the result's type and shape. Raises RuntimeError for shapes that do
    not broadcast.
    """
    if isinstance(input, Variable) and isinstance(other, Variable):
        a, b = input._array, other._array
        if a.dtype is not b.dtype:
            if exact_number and b.ndim == 0 and a.ndim and a.dtype.itemsize == 2 and a.dtype.kind in "fV":
                # PyTorch reads a second operand without dimensions as a number.
                return binary(ufunc, input, b.item(), out, exact_number=True)
            a, b = operands(input, other)
    else:
        tensor, number = (input, other) if isinstance(input, Variable) else (other, input)
        if isinstance(tensor, Variable) and tensor._array.dtype.itemsize == 2 and isinstance(number, (float, int)):
            type_ = result_type(tensor, number)
            if type_ in _LOW_PRECISION:
                wide = kernels.convert(tensor._array, _float32)
                number = np.asarray(number, _float32 if exact_number else type_.numpy_dtype).astype(_float32)
                result = ufunc(wide, number) if tensor is input else ufunc(number, wide)
                return kernels.convert(np.asarray(result), type_.numpy_dtype)
        a, b = operands(input, other)
    array = a if isinstance(a, np.ndarray) else b
    if array.dtype.kind not in "fib" or array.dtype.itemsize == 1:
        _check_kernel(ufunc, array.dtype)
    try:
        fits = out is not None and out.dtype is a.dtype
        if fits and (not isinstance(b, np.ndarray) or b.ndim == 0 or out.shape == b.shape):
            return ufunc(a, b, out=out)
        return ufunc(a, b)
    except TypeError as error:
        # A type that is there to be stored: NumPy computes nothing with it.
        raise NotImplementedError(str(error)) from None
    except ValueError:
        check_broadcast(a, b)
        raise


def _check_kernel(ufunc: Any, dtype: np.dtype[Any]) -> None:
    """Raise NotImplementedError where PyTorch has no kernel for a type."""
    kernel, refused = _REFUSED.get(ufunc.__name__, (f"{ufunc.__name__.strip('_')}_cpu", ""))
    if dtype.char in refused or (dtype.itemsize == 1 and dtype.kind in "fV" and ufunc.__name__ != "multiply"):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{dtypes.from_numpy_dtype(dtype).legacy_name}'")


def check_fits(number: Any, type_: dtypes.dtype) -> None:
    """Raise RuntimeError if a finite number lies beyond the range of a floating-point type."""
    if type_.is_floating_point and isinstance(number, (int, float)) and math.isfinite(number):
        greatest = dtypes.finfo(type_).max
        if not -greatest <= number <= greatest:
            name = _C_NAMES.get(type_, type_.name)
            raise RuntimeError(f"value cannot be converted to type {name} without overflow")


def check_broadcast(a: Any, b: Any) -> None:
    """Raise RuntimeError, naming the dimension, if two arrays' shapes do not broadcast."""
    left, right = np.shape(a), np.shape(b)
    rank = max(len(left), len(right))
    for dim in range(1, rank + 1):
        m = left[-dim] if dim <= len(left) else 1
        n = right[-dim] if dim <= len(right) else 1
        if m != n and m != 1 and n != 1:
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension "
                f"{rank - dim}"
            )


def unbroadcast(gradient: Any, model: Any) -> Any:
    """A gradient summed to the shape and cast to the type of the operand it is for (a Tensor or its `like`).

    None for a number.
    """
    if model.__class__ is not tuple:
        model = like(model)
    if model is None:
        return None
    shape, numpy_dtype = model
    array = gradient._array
    if array.shape != shape:
        gradient = gradient.sum_to_size(shape)
    if array.dtype is not numpy_dtype and array.dtype != numpy_dtype:
        if array.dtype.kind == "c" and numpy_dtype.kind != "c":
            gradient = gradient.real
        gradient = gradient.to(dtypes.from_numpy_dtype(numpy_dtype))
    return gradient
