"""Python data as arrays: what `tensor(data)` makes of numbers, nested lists, arrays and tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import Variable
from rushlight.ops._geometry import Array, Shape, shape_text
from rushlight.ops.conversion import as_dtype, converted

if TYPE_CHECKING:
    pass


__all__ = ["checked_array", "fill_array", "fill_number", "from_data", "number_array", "number_dtype"]


def from_data(data: Any, dtype: Any, copy: bool) -> Array:
    """The array of nested data, in its own or the given type."""
    wanted = None if dtype is None else as_dtype(dtype, "tensor")
    if data.__class__ is list:
        return _from_sequence(data, wanted)
    if isinstance(data, Variable):
        array = data._array
    elif isinstance(data, (np.ndarray, np.generic)):
        array = checked_array(np.asarray(data))
    elif isinstance(data, (bool, int, float, complex)):
        return _from_number(data, wanted)
    else:
        return _from_sequence(data, wanted)
    if wanted is not None and array.dtype is not wanted.numpy_dtype:
        return converted(array, wanted)
    return array.copy("K") if copy else array


def checked_array(array: Array) -> Array:
    """An ndarray that a tensor can be; ValueError or TypeError for strides and types that it can't have."""
    if any(stride < 0 for stride in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with "
            "array.copy().) "
        )
    if not array.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is "
            "currently not supported."
        )
    known = dtypes.from_numpy_dtype(array.dtype)
    return array if array.dtype is known.numpy_dtype else array.view(known.numpy_dtype)


def number_dtype(value: Any) -> dtypes.dtype:
    """The dtype that a number has as a tensor."""
    if isinstance(value, (np.generic, np.ndarray)):
        return dtypes.from_numpy_dtype(value.dtype)
    if isinstance(value, bool):
        return dtypes.bool
    if isinstance(value, int):
        return dtypes.int64
    default = dtypes.get_default_dtype()
    return default if isinstance(value, float) else default.to_complex()


def _from_number(value: Any, wanted: dtypes.dtype | None) -> Array:
    return number_array(value, wanted or number_dtype(value))


def number_array(value: Any, dtype: dtypes.dtype) -> Array:
    """A number as an array without dimensions; RuntimeError if an integer type cannot hold it."""
    target = dtype.numpy_dtype
    if target.kind == "b":
        return np.asarray(bool(value))
    if target.kind not in "cW" and isinstance(value, (complex, np.complexfloating)):
        raise TypeError(f"must be real number, not {type(value).__name__}")
    if target.kind in "iu":
        return _integer_array(value, target)
    with np.errstate(over="ignore"):
        return (
            np.asarray(value).astype(target)
            if not isinstance(value, int)
            else np.asarray(complex(value) if target.kind in "cW" else float(value)).astype(target)
        )


def _integer_array(value: Any, target: np.dtype[Any]) -> Array:
    info = np.iinfo(target)
    if value != value or value in (float("inf"), float("-inf")):
        raise RuntimeError(f"value cannot be converted to type {target.name} without overflow")
    whole = int(value)
    if target.kind == "u" and -info.max <= whole < 0:
        whole += info.max + 1
    if not info.min <= whole <= info.max:
        if target.itemsize == 8:
            raise ValueError("Overflow when unpacking long long")
        raise RuntimeError(f"value cannot be converted to type {target.name} without overflow")
    return np.asarray(whole, dtype=target)


def _from_sequence(data: Any, wanted: dtypes.dtype | None) -> Array:
    if data.__class__ is not list:
        if isinstance(data, str):
            raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
        interface = getattr(data, "__array__", None)
        if interface is not None:
            return from_data(np.array(interface()), wanted, copy=False)
        if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")) or isinstance(data, dict):
            raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    shape = _nested_shape(data)
    leaves: list[Any] = []
    _collect(data, shape, 0, leaves)
    kinds = set(map(type, leaves))
    if wanted is None:
        wanted = _leaf_dtype(leaves, kinds)
    if kinds <= {float, bool} or (kinds <= {int, bool} and wanted.category >= dtypes.float32.category):
        with np.errstate(over="ignore"):
            if wanted.numpy_dtype.kind not in "iu":
                return np.array(leaves, dtype=np.float64).reshape(shape).astype(wanted.numpy_dtype)
    elif wanted is dtypes.int64 and kinds <= {int, bool}:
        try:
            return np.array(leaves, dtype=np.int64).reshape(shape)
        except OverflowError:
            raise ValueError("Overflow when unpacking long long") from None
    out = np.empty(len(leaves), wanted.numpy_dtype)
    for i, leaf in enumerate(leaves):
        out[i] = number_array(_leaf_number(leaf), wanted)
    return out.reshape(shape)


def _leaf_number(leaf: Any) -> Any:
    if isinstance(leaf, Variable):
        return leaf._array.item()
    return leaf.item() if isinstance(leaf, (np.generic, np.ndarray)) else leaf


def _leaf_dtype(leaves: list[Any], kinds: set[type]) -> dtypes.dtype:
    if not leaves:
        return dtypes.get_default_dtype()
    if kinds <= {bool, int, float, complex}:
        return number_dtype(
            (1j if complex in kinds else 1.0) if kinds & {float, complex} else 1 if int in kinds else True
        )
    result: dtypes.dtype | None = None
    for leaf in leaves:
        if isinstance(leaf, (Variable, bool, int, float, complex, np.generic, np.ndarray)):
            found = leaf.dtype if isinstance(leaf, Variable) else number_dtype(leaf)
            result = found if result is None else dtypes.promote_types(result, found)
        elif isinstance(leaf, str):
            raise ValueError(f"too many dimensions '{type(leaf).__name__}'")
        else:
            raise RuntimeError(f"Could not infer dtype of {type(leaf).__name__}")
    assert result is not None
    return result


_NUMBERS = frozenset((bool, int, float, complex))


def _is_sequence(item: Any) -> bool:
    if item.__class__ in _NUMBERS:
        return False
    if isinstance(item, (list, tuple)):
        return True
    if isinstance(item, (np.ndarray, Variable)):
        return item.ndim > 0 and not (isinstance(item, Variable) and item._array.size == 1)
    return (
        hasattr(item, "__len__")
        and hasattr(item, "__getitem__")
        and not isinstance(item, (str, dict, Variable, np.generic))
    )


def _nested_shape(data: Any) -> Shape:
    shape: list[int] = []
    while _is_sequence(data):
        if isinstance(data, Variable):
            raise ValueError("only one element tensors can be converted to Python scalars")
        if isinstance(data, np.ndarray):
            return (*shape, *data.shape)
        shape.append(len(data))
        if not len(data):
            break
        data = data[0]
    return tuple(shape)


def _collect(data: Any, shape: Shape, depth: int, leaves: list[Any]) -> None:
    if depth == len(shape):
        if _is_sequence(data):
            raise TypeError(f"'{type(data).__name__}' object cannot be interpreted as a number at dim {depth}")
        leaves.append(data)
        return
    if not _is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    if isinstance(data, np.ndarray):
        if data.shape != shape[depth:]:
            raise ValueError(
                f"expected sequence of shape {shape_text(shape[depth:])} at dim {depth} (got {shape_text(data.shape)})"
            )
        leaves.extend(data.reshape(-1))
    elif depth == len(shape) - 1:
        if not _NUMBERS.issuperset(map(type, data)) and any(map(_is_sequence, data)):
            raise TypeError(f"expected numbers at dim {depth + 1}, got a sequence among them")
        leaves.extend(data)
    else:
        for item in data:
            _collect(item, shape, depth + 1, leaves)


# PyTorch's messages name these types as its compiler does; the others are `int8_t` and so on.
_C_NAMES = {
    dtypes.float32: "float", dtypes.float64: "double", dtypes.float16: "c10::Half", dtypes.bfloat16: "c10::BFloat16",
    dtypes.int32: "int", dtypes.complex64: "c10::complex<float>", dtypes.complex128: "c10::complex<double>",
    dtypes.complex32: "c10::complex<c10::Half>",
}  # fmt: skip


def fill_array(value: Any, dtype: dtypes.dtype) -> Array:
    """A number to fill with as an array; RuntimeError if the dtype can't hold it."""
    kind = dtype.numpy_dtype.kind
    try:
        if kind not in "cbW" and isinstance(value, (complex, np.complexfloating)):
            if value.imag:
                raise ValueError
            value = value.real
        if dtype.itemsize < 8 and kind in "fV":
            _check_range(value, dtype)
        elif kind in "cW" and dtype.itemsize < 16:
            whole = complex(value)
            _check_range(whole.real, dtype.to_real())
            _check_range(whole.imag, dtype.to_real())
        return number_array(value, dtype)
    except (RuntimeError, ValueError, OverflowError):
        name = _C_NAMES.get(dtype, f"{dtype.name}_t")
        raise RuntimeError(f"value cannot be converted to type {name} without overflow") from None


def _check_range(value: Any, dtype: dtypes.dtype) -> None:
    if not -65504 <= value <= 65504 and math.isfinite(value) and abs(value) > dtypes.finfo(dtype).max:
        raise ValueError


def fill_number(value: Any, function: str, position: int = 2) -> Any:
    """A Python number to fill with; TypeError for what is none."""
    if isinstance(value, Variable):
        return value._array.item()
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, (bool, int, float, complex)):
        raise TypeError(
            f"{function}(): argument 'fill_value' (position {position}) must be Number, not {type(value).__name__}"
        )
    return value
