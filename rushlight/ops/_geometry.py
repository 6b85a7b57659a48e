"""Dimensions, sizes and strides: the checks and conversions which the shape, index and creation operations share."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from rushlight import kernels
from rushlight.dtypes import from_numpy_dtype
from rushlight.layout import channels_last, channels_last_3d, contiguous_format, memory_format, preserve_format

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

__all__ = [
    "Array", "Shape", "channel_order", "check_no_overlap", "copy_in_format", "dense_copy", "empty_in_order",
    "expand_array", "expanded_shape", "in_order", "inferred_shape", "same_dims", "shape_text",
    "sizes", "sum_to_shape", "warn_of_overlap", "wrap_dim", "wrap_dims",
]  # fmt: skip


def _as_dim(dim: Any) -> int:
    try:
        return operator.index(dim)
    except TypeError:
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}") from None


def wrap_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front; IndexError if a tensor of `ndim` dimensions has no such dimension."""
    if dim.__class__ is not int:
        dim = _as_dim(dim)
    if 0 <= dim < ndim:
        return dim
    limit = ndim or 1
    if -limit <= dim < limit:
        return dim + limit if dim < 0 else dim
    raise IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})")


def wrap_dims(dims: int | Iterable[int], ndim: int) -> Shape:
    """Each of `dims` counted from the front; RuntimeError if one appears twice."""
    if not hasattr(dims, "__iter__"):
        dims = _as_dim(dims)
    wrapped = (wrap_dim(dims, ndim),) if isinstance(dims, int) else tuple([wrap_dim(dim, ndim) for dim in dims])
    if len(set(wrapped)) != len(wrapped):
        twice = next(dim for dim in wrapped if wrapped.count(dim) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return wrapped


def same_dims(dim: int, shape: Sequence[int]) -> tuple[slice, ...]:
    """The index that keeps the dimensions before `dim` whole."""
    return (slice(None),) * wrap_dim(dim, len(shape))


def sizes(args: tuple[Any, ...], function: str, name: str = "size") -> Shape:
    """A shape given as one sequence or as several ints; TypeError for anything else."""
    place = ""
    if len(args) == 1:
        first, place = args[0], " (position 1)"
        if isinstance(first, int) and first.__class__ is not bool:
            return (int(first),)
        if isinstance(first, (tuple, list)):
            args = tuple(first)
        elif first.__class__ is bool or not hasattr(first, "__index__"):
            given = type(first).__name__
            raise TypeError(f"{function}(): argument '{name}' (position 1) must be tuple of ints, not {given}")
    elif not args:
        raise TypeError(f'{function}() missing 1 required positional arguments: "{name}"')
    try:
        # As PyTorch has it, the first may not be a bool; of the others it is not asked.
        if args and args[0].__class__ is bool:
            raise TypeError
        return tuple([int(operator.index(size)) for size in args])
    except TypeError:
        bad = next((i for i, size in enumerate(args) if size.__class__ is not int), 0)
        given = type(args[bad]).__name__
        raise TypeError(
            f"{function}(): argument '{name}'{place} must be tuple of ints, but found element of type {given} at pos "
            f"{bad}"
        ) from None


def shape_text(shape: Iterable[int]) -> str:
    """A shape as PyTorch's messages write it: `[2, 3]`."""
    return f"[{', '.join(map(str, shape))}]"


def inferred_shape(shape: Shape, count: int) -> Shape:
    """`shape` with a -1 replaced by what `count` elements leave for it; RuntimeError if they don't fit."""
    unknown = [i for i, size in enumerate(shape) if size == -1]
    if len(unknown) > 1:
        raise RuntimeError("only one dimension can be inferred")
    for i, size in enumerate(shape):
        if size < -1:
            raise RuntimeError(f"invalid shape dimension {size} at index {i} of shape {shape_text(shape)}")
    known = math.prod(size for size in shape if size != -1)
    if unknown:
        if known == 0 and count == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {shape_text(shape)} because the unspecified dimension "
                "size -1 can be any value and is ambiguous"
            )
        if known and count % known == 0:
            at = unknown[0]
            return (*shape[:at], count // known, *shape[at + 1 :])
    elif known == count:
        return shape
    raise RuntimeError(f"shape '{shape_text(shape)}' is invalid for input of size {count}")


def expanded_shape(array: Array, shape: Shape) -> Shape:
    """The shape which `array` expands to, with each -1 replaced; RuntimeError if it can't."""
    own = array.shape
    new = len(shape) - len(own)
    if new < 0:
        raise RuntimeError(
            f"expand(torch.{from_numpy_dtype(array.dtype).legacy_name}Tensor{{{shape_text(own)}}}, "
            f"size={shape_text(shape)}): the number of sizes provided ({len(shape)}) must "
            f"be greater or equal to the number of dimensions in the tensor ({len(own)})"
        )
    result = list(shape)
    for i in range(len(shape) - 1, -1, -1):
        size = shape[i]
        if i < new:
            if size < 0:
                raise RuntimeError(
                    f"The expanded size of the tensor ({size}) isn't allowed in a leading, non-existing dimension {i}"
                )
        elif size == -1:
            result[i] = own[i - new]
        elif size != own[i - new] and (own[i - new] != 1 or size < 0):
            raise RuntimeError(
                f"The expanded size of the tensor ({size}) must match the existing size ({own[i - new]}) at "
                f"non-singleton dimension {i}.  Target sizes: {shape_text(shape)}.  Tensor sizes: {shape_text(own)}"
            )
    return tuple(result)


def expand_array(array: Array, shape: Shape) -> Array:
    """A view of `array` repeated to `shape` with strides of zero, which must fit."""
    if array.shape == shape:
        return array[...]
    new = len(shape) - array.ndim
    strides = [0] * new
    strides += [
        stride if size == own else 0 for size, own, stride in zip(shape[new:], array.shape, array.strides, strict=True)
    ]
    return kernels.strided_view(array, shape, strides)


def sum_to_shape(grad: Tensor, shape: Shape) -> Tensor:
    """The sum of a gradient over the dimensions along which a tensor of `shape` was repeated."""
    own = grad.shape
    if own == shape:
        return grad
    new = len(own) - len(shape)
    dims = [*range(new), *[i + new for i, size in enumerate(shape) if size == 1 and own[i + new] != 1]]
    return grad.sum(dims, keepdim=True).reshape(shape) if dims else grad.reshape(shape)


def check_no_overlap(array: Array) -> None:
    """RuntimeError if two elements of `array` share memory because it was expanded."""
    if (
        0 in array.strides
        and array.size
        and any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True))
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


def warn_of_overlap(array: Array, function: str) -> None:
    """Warn if two elements of `array` share memory because it was expanded, where a write is allowed all the same."""
    try:
        check_no_overlap(array)
    except RuntimeError:
        warnings.warn(
            f"Use of {function} on expanded tensors is deprecated. Please clone() the tensor before performing this "
            "operation. This also applies to advanced indexing e.g. tensor[mask] = scalar",
            UserWarning,
            stacklevel=5,
        )


def channel_order(format_: memory_format, ndim: int) -> Shape:
    """The dimensions from the slowest to the fastest in memory; RuntimeError if the format needs another rank."""
    if format_ is not channels_last and format_ is not channels_last_3d:
        raise TypeError(f"argument 'memory_format' must be torch.memory_format, not {type(format_).__name__}")
    rank = 4 if format_ is channels_last else 5
    if ndim != rank:
        raise RuntimeError(f"required rank {rank} tensor to use {format_.name} format")
    return (0, *range(2, rank), 1)


# From so many elements on, two threads and blocks that are turned in registers pay for their call.
_MANY = 1 << 12


def dense_copy(array: Array, order: Literal["C", "K"] = "C") -> Array:
    """A copy whose elements lie in row-major order, or with "K" in the order that they have."""
    if array.size < _MANY:
        return array.copy(order)
    out = np.empty_like(array, order=order)
    kernels.copy_into(out, array)
    return out


def in_order(array: Array) -> Array:
    """The array if its elements lie in row-major order, else a copy of which that is so."""
    return array if array.flags.c_contiguous else dense_copy(array)


def empty_in_order(shape: tuple[int, ...], strides: tuple[int, ...], dtype: Any) -> Array:
    """A dense array whose dimensions follow one another in memory as those of an array of these strides do."""
    order = sorted(range(len(shape)), key=lambda d: -abs(strides[d]))
    return np.empty([shape[d] for d in order], dtype).transpose(np.argsort(order))


def copy_in_format(array: Array, format_: memory_format | None = None) -> Array:
    """A copy of `array` in a memory format; `preserve_format` (the default) keeps the order of its dimensions."""
    if format_ is None or format_ is preserve_format:
        # A dimension of stride zero would become the fastest one.
        return dense_copy(array, "C" if 0 in array.strides else "K")
    if format_ is contiguous_format:
        return dense_copy(array)
    order = channel_order(format_, array.ndim)
    return dense_copy(array.transpose(order)).transpose(np.argsort(order))
