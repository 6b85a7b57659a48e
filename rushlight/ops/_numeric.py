"""What the families of numeric operations share: dims, working types, the errors of types that have no kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import writes_freely
from rushlight.autograd.transforms import Intercept
from rushlight.autograd.variable import wrap
from rushlight.ops._geometry import wrap_dim, wrap_dims

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

Array = npt.NDArray[Any]
Dims = int | tuple[int, ...] | list[int] | None

_FLOAT32 = np.dtype(np.float32)
_INT64 = np.dtype(np.int64)

# NumPy's stubs do not know the positional form, which costs less than keywords: (array, axis, dtype, out, keepdims,
# initial).
add_reduce: Any = np.add.reduce
maximum_reduce: Any = np.maximum.reduce
minimum_reduce: Any = np.minimum.reduce
multiply_reduce: Any = np.multiply.reduce


def floating(input: Tensor) -> Array:
    """The array of a tensor, with integers and booleans converted to the default floating-point type.

    Raises NotImplementedError for types of 8 bits.
    """
    array = input._array
    dtype = array.dtype
    if dtype.kind in "biu":
        return array.astype(dtypes.get_default_dtype().numpy_dtype)
    if dtype.itemsize == 1 and dtype.kind in "fV":
        refuse_float8(dtype)
    return array


def real_floating(input: Tensor, kernel: str) -> Array:
    """The floating-point array of a tensor; NotImplementedError for complex types and those of 8 bits."""
    array = floating(input)
    if array.dtype.kind == "c":
        raise not_implemented(kernel, array.dtype)
    refuse_float8(array.dtype, kernel)
    return array


def full_precision(input: Tensor, kernel: str) -> Array:
    """The float32 or float64 array of a tensor, integers converted; NotImplementedError for all other types."""
    array = floating(input)
    if array.dtype.char not in "fd":
        raise not_implemented(kernel, array.dtype)
    return array


def widened(array: Array) -> Array:
    """The array in float32 where its type holds fewer bits; a formula of several steps then rounds once."""
    dtype = array.dtype
    if dtype.kind == "V" or (dtype.kind == "f" and dtype.itemsize <= 2):
        refuse_float8(dtype)
        return kernels.convert(array, _FLOAT32)
    return array


def refuse_float8(dtype: np.dtype[Any], kernel: str = "arithmetic") -> None:
    """NotImplementedError for the types of 8 bits, which are for storage: they convert, move and compare equal."""
    if dtype.itemsize == 1 and dtype.kind in "fV":
        raise not_implemented(kernel, dtype)


def refuse_wide_unsigned(dtype: np.dtype[Any], kernel: str) -> None:
    """NotImplementedError for unsigned integers of 16 bits and more, which PyTorch has few kernels for."""
    if dtype.kind == "u" and dtype.itemsize > 1:
        raise not_implemented(kernel, dtype)


def accumulator(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The type to add up in: float32 for narrower floats, int64 for integers and booleans, None for the type itself."""
    kind = dtype.kind
    if kind == "f" and dtype.itemsize > 2:
        return None
    if kind in "fV":
        refuse_float8(dtype, "sum_cpu")
        return _FLOAT32
    return _INT64 if kind in "biu" else None


def as_result(array: Any, dtype: np.dtype[Any]) -> Array:
    """An accumulated value in its final type: narrow floats are rounded, all else stays."""
    narrow = dtype.kind == "V" or (dtype.kind == "f" and dtype.itemsize <= 2)
    return kernels.convert(np.asarray(array), dtype) if narrow else array


def normalize_dims(dim: Dims, ndim: int) -> tuple[int, ...]:
    """The reduced dimensions in order, counted from the front; None and () mean all of them."""
    if isinstance(dim, int):
        dims: tuple[int, ...] = (wrap_dim(dim, ndim),)
    elif not dim:
        return tuple(range(ndim))
    else:
        dims = tuple(sorted(wrap_dims(dim, ndim)))
    return dims if ndim else ()


def kept_shape(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a reduction that keeps its reduced dimensions, with length 1."""
    return tuple([1 if i in dims else n for i, n in enumerate(shape)])


def spread(value: Tensor, ctx: Any) -> Tensor:
    """A reduced value stretched over the dimensions that `ctx` reduced (shape, dims, keepdim)."""
    shape, dims = ctx.shape, ctx.dims
    if not state.enabled and value._array.dtype.char in "fd" and value._array.flags.c_contiguous:
        array = value._array if ctx.keepdim else value._array.reshape(kept_shape(shape, dims))
        strides = tuple([0 if i in dims else stride for i, stride in enumerate(array.strides)])
        return wrap(np.ndarray(shape, array.dtype, array, 0, strides))
    if not ctx.keepdim:
        value = value.reshape(kept_shape(shape, dims))
    return value.expand(shape)


def not_implemented(kernel: str, dtype: np.dtype[Any]) -> NotImplementedError:
    """The error for a type that an operation does not take, in PyTorch's words."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{dtypes.from_numpy_dtype(dtype).legacy_name}'")


def require_floating(array: Array, kernel: str) -> Array:
    """The array, if its type is real floating point; NotImplementedError otherwise."""
    if array.dtype.kind in "biuc":
        raise not_implemented(kernel, array.dtype)
    refuse_float8(array.dtype, kernel)
    return array


def check_tensor(function: str, name: str, position: int, value: object) -> None:
    """TypeError if an argument that must be a tensor is a number or anything else."""
    if not hasattr(value, "_array"):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
        )


def inplace(operation: Any, kernel: Callable[..., Any] | None = None) -> Any:
    """The function that computes an operation of one or two operands and writes the result into the first.

    A `kernel` of one operand (a `UnaryOperation` has one) takes the short way where the tensor is free for it.
    """
    code = operation.forward.__code__
    operands = [name for name in code.co_varnames[1 : code.co_argcount] if name != "out"]
    apply_inplace: Any
    if len(operands) > 1:

        def apply_inplace(input: Any, other: Any) -> Any:
            return operation.inplace(input, other)

    elif kernel := kernel or getattr(operation, "kernel", None):

        def apply_inplace(input: Any) -> Any:
            try:
                if writes_freely(input):
                    array = input._array
                    np.copyto(array, kernel(array))
                    input.bump_version()
                    return input
            except (AttributeError, Intercept):
                pass
            return operation.inplace(input)

    else:

        def apply_inplace(input: Any) -> Any:
            return operation.inplace(input)

    apply_inplace.__doc__ = f"{operation.__doc__} The result is written into the tensor."
    return apply_inplace


def inplace_of_two(operation: Any, name: str) -> Any:
    """The function that computes an operation of two tensors, TypeError for a number, and writes it into the first."""

    def apply_inplace(input: Any, other: Any) -> Any:
        check_tensor(name, "other", 1, other)
        return operation.inplace(input, other)

    apply_inplace.__doc__ = f"{operation.__doc__} The result is written into the tensor."
    return apply_inplace


def elementwise(input: Tensor, kernel: str, function: Callable[[Array], Array]) -> Array:
    """A formula applied to a floating-point tensor in at least float32; NotImplementedError for other types."""
    array = require_floating(input._array, kernel)
    return as_result(np.asarray(function(widened(array))), array.dtype)
