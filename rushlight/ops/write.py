"""Writes into a whole tensor: `copy_`, `fill_`, `zero_`, `fill_diagonal_`.

Each bumps the tensor's version, by which backward passes notice the change.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.copy_.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import Operation, check_apart, writes_freely
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._codes import fill_codes, write_codes
from rushlight.ops._data import fill_array, from_data
from rushlight.ops._geometry import Array, Shape, check_no_overlap, shape_text, sum_to_shape
from rushlight.ops._numeric import check_tensor
from rushlight.ops.conversion import converted, to
from rushlight.ops.shape import reshape

if TYPE_CHECKING:
    from rushlight.tensor import Tensor


__all__ = ["fill", "fill_", "zero_"]


class Copy(Operation):
    """The elements of another tensor, written in place."""

    node_name = "CopyBackwards"

    @staticmethod
    def forward(ctx: Any, target: Tensor, source: Tensor) -> Array:
        array, given = target._array, source._array
        ctx.shape, ctx.dtype = given.shape, given.dtype
        if source is not target:
            check_no_overlap(array)
            write_array(array, given)
        return array

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        source = None
        if ctx.needs_input_grad[1]:
            source = to_shape(grad, ctx.shape)
            if source._array.dtype.kind == "c" and ctx.dtype.kind != "c":
                source = source.real
            source = to(source, dtypes.from_numpy_dtype(ctx.dtype))
        return (_zeros_like(grad) if ctx.needs_input_grad[0] else None), source


class Fill(Operation):
    """One number everywhere, written in place."""

    node_name = "FillBackward2"
    checks_overlap = False

    @staticmethod
    def forward(ctx: Any, target: Tensor, value: Any) -> Array:
        array = target._array
        array[...] = fill_value_array(value, array)
        return array

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _zeros_like(grad), None


class FillTensor(Fill):
    """One tensor's number everywhere, written in place."""

    node_name = "FillBackward3"

    @staticmethod
    def forward(ctx: Any, target: Tensor, value: Any) -> Array:
        check_no_overlap(target._array)
        return Fill.forward(ctx, target, value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _zeros_like(grad), grad.sum() if ctx.needs_input_grad[1] else None


class Zero(Fill):
    """Zeros, written in place."""

    node_name = "ZeroBackward0"


class FillCopy(Operation):
    """A tensor's shape filled with one number."""

    node_name = "FillBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, value: Any) -> Array:
        out = np.empty_like(input._array)
        out[...] = fill_value_array(value, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _zeros_like(grad), grad.sum() if ctx.needs_input_grad[1] else None


def _zeros_like(grad: Tensor) -> Tensor:
    return wrap(np.zeros_like(grad._array))


def to_shape(grad: Tensor, shape: Shape) -> Tensor:
    """A gradient summed to the shape of what was broadcast, which may have had leading dimensions of one."""
    extra = len(shape) - grad._array.ndim
    return sum_to_shape(grad, shape) if extra <= 0 else reshape(sum_to_shape(grad, shape[extra:]), shape)


def fill_value_array(value: Any, array: Array) -> Array:
    """A number as an array of another's type; RuntimeError if the type can't hold it."""
    if array.dtype.names:
        return fill_codes(array, value._array.item() if isinstance(value, Variable) else value)
    if isinstance(value, Variable):
        return converted(value._array, dtypes.from_numpy_dtype(array.dtype))
    return fill_array(value, dtypes.from_numpy_dtype(array.dtype))


def write_array(array: Array, given: Array) -> None:
    """Write one array into another: broadcast, and converted as `to` converts."""
    if given.shape != array.shape:
        try:
            fits = np.broadcast_shapes(given.shape, array.shape) == array.shape
        except ValueError:
            raise RuntimeError(_mismatch(array.shape, given.shape)) from None
        if not fits:
            shape = np.broadcast_shapes(given.shape, array.shape)
            raise RuntimeError(
                f"output with shape {shape_text(array.shape)} doesn't match the broadcast shape {shape_text(shape)}"
            )
    if given.dtype is not array.dtype:
        if given.dtype.names or array.dtype.names:
            write_codes(array, given)
            return
        given = converted(given, dtypes.from_numpy_dtype(array.dtype))
    _copy(array, given)


# From so many elements on, two threads pay.
_MANY = 1 << 14


def _copy(array: Array, given: Array) -> None:
    if array.size < _MANY:
        array[...] = given
    else:
        kernels.copy_into(array, given if given.shape == array.shape else np.broadcast_to(given, array.shape))


def _mismatch(a: Shape, b: Shape) -> str:
    for back in range(1, min(len(a), len(b)) + 1):
        if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
            dim = max(len(a), len(b)) - back
            return (
                f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) at non-singleton "
                f"dimension {dim}"
            )
    return f"shapes {shape_text(a)} and {shape_text(b)} don't fit"


def _copies_freely(input: Tensor, src: Tensor) -> bool:
    """Write elements of the same type and shape where no history is kept; False if it is, or anything else is amiss."""
    if src._requires_grad or src._view is not None or not writes_freely(input):
        return False
    array, given = input._array, src._array
    if array.dtype is not given.dtype or array.shape != given.shape:
        return False
    check_apart(input, src)
    _copy(array, given)
    input.bump_version()
    return True


def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Write `src`, broadcast and converted, into `input`. RuntimeError if its shape doesn't fit.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.copy_.html
    """
    if src.__class__ is input.__class__ and _copies_freely(input, src):
        return input
    if isinstance(src, (bool, int, float, complex, np.generic)):
        src = wrap(from_data(src, None, copy=False))
    check_tensor("copy_", "other", 1, src)
    return Copy.inplace(input, src)


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of `input`'s shape and dtype filled with one number, or with that of a scalar tensor.

    Raises RuntimeError for a tensor with dimensions.

    >>> import rushlight as torch
    >>> torch.fill(torch.zeros(2), 3)
    tensor([3., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.fill_.html
    """
    return FillCopy.apply(input, _single(value))


def fill_(input: Tensor, value: Any) -> Tensor:
    """Write one number everywhere, or that of a scalar tensor.

    Raises RuntimeError if the dtype can't hold it, or for a tensor with dimensions.

    >>> import rushlight as torch
    >>> torch.fill_(torch.zeros(2), 3)
    tensor([3., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.fill_.html
    """
    check_tensor("fill_", "input", 1, input)
    kind = value.__class__
    if (kind is float or kind is int) and -65504 <= value <= 65504 and writes_freely(input):
        input._array.fill(value)
        input.bump_version()
        return input
    value = _single(value)
    return FillTensor.inplace(input, value) if isinstance(value, Variable) else Fill.inplace(input, value)


def _single(value: Any) -> Any:
    if isinstance(value, Variable):
        if value._array.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value._array.ndim} dimensions."
            )
    elif not isinstance(value, (int, float, complex, np.number, np.bool_)):
        raise TypeError(
            f"fill_() received an invalid combination of arguments - got ({type(value).__name__}), expected a number"
        )
    return value


def zero_(input: Tensor) -> Tensor:
    """Write zeros everywhere.

    >>> import rushlight as torch
    >>> torch.zero_(torch.ones(2))
    tensor([0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.zero_.html
    """
    check_tensor("zero_", "input", 1, input)
    if writes_freely(input):
        input._array.fill(0)
        input.bump_version()
        return input
    return Zero.inplace(input, 0)


def fill_diagonal_(input: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write one number on the main diagonal; `wrap` starts it again in a tall matrix.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.fill_diagonal_.html
    """
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    strides = input.stride()
    count, step = min(shape), sum(strides)
    offset = input.storage_offset()
    input.as_strided((count,), (step,), offset).fill_(fill_value)
    if wrap and len(shape) == 2 and shape[0] > shape[1] + 1:
        for first in range(shape[1] + 1, shape[0], shape[1] + 1):
            length = min(shape[1], shape[0] - first)
            input.as_strided((length,), (step,), offset + strides[0] * first).fill_(fill_value)
    return input


class WriteMethods:
    """Tensor's methods of this family."""

    copy_ = copy_
    fill_ = fill_
    fill_diagonal_ = fill_diagonal_
    zero_ = zero_
