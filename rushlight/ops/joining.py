"""Copies that join, repeat or turn tensors: `cat`, `stack`, `repeat`, `flip`, `roll`, `tril`.

The parts may differ in dtype, which is then promoted, and in nothing but the length joined along.

Source: https://docs.pytorch.org/docs/2.13/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, may_be_parted, wrap
from rushlight.ops._codes import alike
from rushlight.ops._geometry import Array, Shape, empty_in_order, shape_text, wrap_dim
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import apart_from, into, plain
from rushlight.ops._quick import free
from rushlight.ops.broadcast import atleast_1d, atleast_2d, atleast_3d
from rushlight.ops.promotion import result_type
from rushlight.ops.shape import reshape, view
from rushlight.ops.slicing import Slice

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "block_diag", "cat", "column_stack", "concat", "concatenate", "dstack", "hstack", "row_stack", "stack", "trace",
    "vstack",
]  # fmt: skip

Tensors = Sequence["Tensor"]


# From so many elements on, blocks that are turned in registers pay for a call an array.
_MANY = 1 << 12

_is_dense = operator.attrgetter("flags.c_contiguous")


def concatenated(arrays: list[Array], dim: int) -> Array:
    """Arrays of one type one after the other, channels last in memory where all of them are, else in row-major order.

    ValueError or IndexError where they don't fit.
    """
    if all(map(_is_dense, arrays)):
        return kernels.joined(arrays, dim)
    first = arrays[0]
    if any(array.ndim != first.ndim for array in arrays):
        raise ValueError("numbers of dimensions differ")
    dim = wrap_dim(dim, first.ndim)
    shape = (*first.shape[:dim], sum([array.shape[dim] for array in arrays]), *first.shape[dim + 1 :])
    if all(_is_channels_last(array) for array in arrays):
        out = empty_in_order(shape, first.strides, first.dtype)
    else:
        out = np.empty(shape, first.dtype)
    if out.size < _MANY:
        return np.concatenate(arrays, dim, out)
    start = 0
    for array in arrays:
        end = start + array.shape[dim]
        kernels.copy_into(out[(*(slice(None),) * dim, slice(start, end))], array)
        start = end
    return out


def stacked(arrays: list[Array], dim: int) -> Array:
    """Arrays of one type and shape along a new dimension, in memory as `concatenated` has it.

    ValueError or IndexError where they don't fit.
    """
    if all(map(_is_dense, arrays)):
        return kernels.stacked(arrays, dim)
    shape = arrays[0].shape
    if any(array.shape != shape for array in arrays):
        raise ValueError("shapes differ")
    dim = wrap_dim(dim, len(shape) + 1)
    if dim == len(shape):
        return concatenated([array[..., None] for array in arrays], dim)
    return concatenated(arrays, dim).reshape(*shape[:dim], len(arrays), *shape[dim:])


def _is_channels_last(array: Array) -> bool:
    """Whether the steps in memory grow from the channels over the places to the batch."""
    if array.ndim not in (4, 5) or not array.size or not array.strides[1]:
        return False
    least = 0
    for d in (1, *range(array.ndim - 1, 1, -1), 0):
        if array.strides[d] < least:
            return False
        least = array.strides[d] * array.shape[d]
    # All places and channels being one, the order of the two can't be told.
    return least != array.strides[1] * array.shape[0] or array.strides[0] != array.strides[1]


class Cat(Operation):
    """Tensors one after the other along a dimension."""

    node_name = "CatBackward0"

    @staticmethod
    def forward(ctx: Any, dim: int, *tensors: Tensor) -> Array:
        arrays = [tensor._array for tensor in tensors]
        first = arrays[0].dtype
        for array in arrays:
            if array.dtype is not first:
                if first.names:
                    arrays = alike(arrays)
                    break
                common = result_type(*tensors).numpy_dtype
                arrays = [array.astype(common, copy=False) for array in arrays]
                break
        ctx.dim = dim if dim >= 0 else dim + max([array.ndim for array in arrays])
        if ctx._edges:
            ctx.pieces = [(array.shape, tensor._array.dtype) for array, tensor in zip(arrays, tensors, strict=True)]
        try:
            return concatenated(arrays, dim)
        except ValueError:
            # A tensor of shape (0,) goes with tensors of any number of dimensions.
            return concatenated([array for array in arrays if array.shape != (0,)] or arrays, dim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        grads: list[Any] = [None]
        before = (slice(None),) * ctx.dim
        # As PyTorch does: a leaf may keep its part of the memory as its gradient, without a copy.
        parting = may_be_parted(grad)
        start = 0
        for (shape, dtype), needed in zip(ctx.pieces, ctx.needs_input_grad[1:], strict=True):
            if shape == (0,):
                grads.append(wrap(np.zeros(0, dtype)) if needed else None)
                continue
            end = start + shape[ctx.dim]
            piece = Slice.apply(grad, (*before, slice(start, end))) if needed else None
            if parting and piece is not None:
                piece._part_of_gradient = True
            grads.append(_cast(piece, dtype))
            start = end
        return tuple(grads)


class Stack(Operation):
    """Tensors of one shape along a new dimension."""

    node_name = "StackBackward0"

    @staticmethod
    def forward(ctx: Any, dim: int, *tensors: Tensor) -> Array:
        arrays = [tensor._array for tensor in tensors]
        ctx.dim = dim
        ctx.dtypes = found = [array.dtype for array in arrays]
        if found[0].names:
            arrays = alike(arrays)
        elif any(dtype is not found[0] for dtype in found):
            common = result_type(*tensors).numpy_dtype
            arrays = [array.astype(common, copy=False) for array in arrays]
        return stacked(arrays, dim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        pieces = grad.unbind(ctx.dim)
        needs = ctx.needs_input_grad[1:]
        return None, *[
            _cast(piece, dtype) if needed else None
            for piece, dtype, needed in zip(pieces, ctx.dtypes, needs, strict=True)
        ]


def _cast(grad: Any, dtype: np.dtype[Any]) -> Any:
    if grad is None or grad._array.dtype == dtype:
        return grad
    if grad._array.dtype.kind == "c" and dtype.kind != "c":
        grad = grad.real
    return grad.to(dtypes.from_numpy_dtype(dtype))


class Trace(Operation):
    """The sum of a matrix's diagonal."""

    node_name = "TraceBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        array = input._array
        ctx.shape = array.shape
        if array.dtype.char in "fd":
            return kernels.trace(array)
        return np.asarray(array.trace(), np.int64 if array.dtype.kind in "iu" else array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        rows, columns = ctx.shape
        eye = wrap(np.eye(rows, columns, dtype=grad._array.dtype))
        return grad * eye


class BlockDiag(Operation):
    """Matrices along the diagonal of one."""

    node_name = "BlockDiagBackward0"

    @staticmethod
    def forward(ctx: Any, *matrices: Tensor) -> Array:
        common = functools.reduce(dtypes.promote_types, [matrix.dtype for matrix in matrices])
        ctx.inputs = [(matrix._array.shape, matrix._array.dtype) for matrix in matrices]
        arrays = [np.atleast_2d(matrix._array) for matrix in matrices]
        out = np.zeros([sum(array.shape[i] for array in arrays) for i in (0, 1)], common.numpy_dtype)
        row = column = 0
        for array in arrays:
            height, width = array.shape
            out[row : row + height, column : column + width] = array
            row, column = row + height, column + width
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        grads = []
        row = column = 0
        for shape, dtype in ctx.inputs:
            height, width = (1, 1, *shape)[-2:] if len(shape) < 2 else shape
            block = Slice.apply(grad, (slice(row, row + height), slice(column, column + width)))
            grads.append(_cast(reshape(block, shape), dtype))
            row, column = row + height, column + width
        return tuple(grads)


def _listed(tensors: Any, function: str) -> tuple[Tensor, ...]:
    if isinstance(tensors, Variable) or not hasattr(tensors, "__iter__"):
        raise TypeError(
            f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    found = tuple(tensors)
    for i, tensor in enumerate(found):
        if not isinstance(tensor, Variable):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
    return found


def cat(tensors: Tensors, dim: int = 0, *, axis: int | None = None, out: Tensor | None = None) -> Tensor:
    """The tensors one after the other along a dimension; their other lengths must be equal.

    Types are promoted; a tensor of shape (0,) goes with any other. RuntimeError where lengths differ.

    >>> import rushlight as torch
    >>> torch.cat([torch.ones(1, 2), torch.zeros(2, 2)])
    tensor([[1., 1.],
            [0., 0.],
            [0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cat.html
    """
    if state.casts is not None and out is None:
        return state.casts.promote(cat, tensors, dim, axis=axis)
    if axis is not None:
        dim = axis
    if out is None and (tensors.__class__ is list or tensors.__class__ is tuple) and len(tensors) > 0:
        arrays = plain_arrays(tensors)
        try:
            if arrays is not None:
                return plain(concatenated(arrays, dim))
            return Cat.apply(dim, *tensors)
        except (ValueError, IndexError, TypeError, AttributeError):
            # NumPy's checks come for nothing; what is wrong is said below.
            pass
    found = _listed(tensors, "cat")
    if not found:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    apart_from(out, *found)
    return _joined(out, Cat.apply(_checked_cat([tensor._array.shape for tensor in found], dim), *found))


def _joined(out: Tensor | None, result: Tensor) -> Tensor:
    """The result, in `out` if that is given; here PyTorch raises TypeError for a type that does not go in."""
    if out is not None:
        check_tensor("cat", "out", 2, out)
    if out is not None and not result.requires_grad and result.dtype.category > out.dtype.category:
        raise TypeError(f"torch.cat(): input types can't be cast to the desired output type {out.dtype.legacy_name}")
    return into(out, result)


def _checked_cat(shapes: list[Shape], dim: int) -> int:
    for i, shape in enumerate(shapes):
        if not shape:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    first = next((shape for shape in shapes if shape != (0,)), shapes[0])
    dim = wrap_dim(dim, len(first))
    for i, shape in enumerate(shapes):
        if shape == first or shape == (0,):
            continue
        if len(shape) != len(first):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
        for d, (expected, length) in enumerate(zip(first, shape, strict=True)):
            if d != dim and expected != length:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {expected} but got size "
                    f"{length} for tensor number {i} in the list."
                )
    return dim


def plain_arrays(tensors: Any) -> list[Array] | None:
    """The arrays of tensors of one type that want no gradient and are no views; None if any differs."""
    arrays = []
    kind = None
    try:
        for tensor in tensors:
            if tensor._requires_grad or tensor._view is not None:
                return None
            array = tensor._array
            if kind is None:
                kind = array.dtype
            elif array.dtype is not kind:
                return None
            arrays.append(array)
    except (AttributeError, TypeError, RuntimeError):
        return None
    return None if kind is None or kind.names or state.levels else arrays


def concat(tensors: Tensors, dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """`cat` under another name: the tensors one after the other along `dim`.

    >>> import rushlight as torch
    >>> torch.concat((torch.tensor([1]), torch.tensor([2, 3])))
    tensor([1, 2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.concat.html
    """
    return cat(tensors, dim, out=out)


def concatenate(tensors: Tensors, dim: int = 0, *, axis: int | None = None, out: Tensor | None = None) -> Tensor:
    """`cat` under NumPy's name: the tensors one after the other along `dim`, or `axis`.

    >>> import rushlight as torch
    >>> torch.concatenate((torch.tensor([1]), torch.tensor([2, 3])), axis=0)
    tensor([1, 2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.concatenate.html
    """
    return cat(tensors, dim, axis=axis, out=out)


def stack(tensors: Tensors, dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors, all of one shape, along a new dimension. RuntimeError where shapes differ.

    >>> import rushlight as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.stack.html
    """
    if state.casts is not None and out is None:
        return state.casts.promote(stack, tensors, dim)
    if out is None and (tensors.__class__ is list or tensors.__class__ is tuple):
        arrays = plain_arrays(tensors)
        if arrays is not None:
            try:
                return plain(stacked(arrays, dim))
            except (ValueError, IndexError):
                # What is wrong is said below.
                pass
    found = _listed(tensors, "stack")
    if not found:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = found[0]._array.shape
    for i, tensor in enumerate(found):
        if tensor._array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {shape_text(shape)} at entry 0 and "
                f"{shape_text(tensor._array.shape)} at entry {i}"
            )
    apart_from(out, *found)
    return _joined(out, Stack.apply(wrap_dim(dim, len(shape) + 1), *found))


def _stacked(tensors: Any, name: str) -> tuple[Tensor, ...]:
    found = _listed(tensors, name)
    if not found:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return found


def _raised(tensors: Any, ndim: int, raise_: Any, name: str) -> Any:
    """The tensors, by `raise_` given at least so many dimensions."""
    found = _stacked(tensors, name)
    for tensor in found:
        if tensor._array.ndim < ndim:
            return raise_(found)
    return found


def _joined_quickly(tensors: Any, dim: int) -> Tensor | None:
    """Tensors of two or more dimensions and of one type along one of them; None of others, and of what does not fit."""
    if state.casts is not None or tensors.__class__ not in (tuple, list):
        return None
    arrays = plain_arrays(tensors)
    if arrays is None or arrays[0].ndim < 2:
        return None
    try:
        return plain(concatenated(arrays, dim))
    except (ValueError, IndexError):
        return None


def hstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side: `cat` along dimension 1, or along 0 where they are vectors.

    Raises RuntimeError for an empty sequence and for other lengths that differ.

    >>> import rushlight as torch
    >>> torch.hstack((torch.tensor([1, 2]), torch.tensor([3])))
    tensor([1, 2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.hstack.html
    """
    if out is None and (made := _joined_quickly(tensors, 1)) is not None:
        return made
    found = _raised(tensors, 1, atleast_1d, "hstack")
    return cat(found, 0 if found[0]._array.ndim == 1 else 1, out=out)


def vstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The tensors as rows one above the other: `cat` along dimension 0, where a vector `(n,)` counts as `(1, n)`.

    Raises RuntimeError for an empty sequence and for widths that differ.

    >>> import rushlight as torch
    >>> torch.vstack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 2],
            [3, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.vstack.html
    """
    if out is None and (made := _joined_quickly(tensors, 0)) is not None:
        return made
    return cat(_raised(tensors, 2, atleast_2d, "vstack"), 0, out=out)


def row_stack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """`vstack` under another name: the tensors as rows one above the other.

    >>> import rushlight as torch
    >>> torch.row_stack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 2],
            [3, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.row_stack.html
    """
    return vstack(tensors, out=out)


def dstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The tensors behind each other: `cat` along dimension 2, where `(n,)` counts as `(1, n, 1)` and `(m, n)` as
    `(m, n, 1)`.

    Raises RuntimeError for an empty sequence and for other lengths that differ.

    >>> import rushlight as torch
    >>> torch.dstack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[[1, 3],
             [2, 4]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.dstack.html
    """
    if out is None and (made := _beside(tensors, 3)) is not None:
        return made
    return cat(_raised(tensors, 3, atleast_3d, "dstack"), 2, out=out)


def _beside(tensors: Tensors, ndim: int) -> Any:
    """Tensors of one shape, one dimension fewer than the result's or two, along its last; None of others.

    None, too, of those that want a gradient.
    """
    if tensors.__class__ not in (tuple, list) or not tensors:
        return None
    arrays = [free(tensor) for tensor in tensors]
    first = arrays[0]
    if any(array is None or array.shape != first.shape or array.dtype is not first.dtype for array in arrays):
        return None
    if first.ndim != 1 and (first.ndim != 2 or ndim == 2):
        return None
    made = np.empty((*first.shape, len(arrays)), first.dtype)
    for i, array in enumerate(arrays):
        made[..., i] = array
    return plain(made if made.ndim == ndim else made[None])


def column_stack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side, joined along dimension 1: each vector `(n,)` as a column `(n, 1)`.

    Raises RuntimeError for an empty sequence and for heights that differ.

    >>> import rushlight as torch
    >>> torch.column_stack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.column_stack.html
    """
    if out is None and (made := _beside(tensors, 2)) is not None:
        return made
    columns = [
        tensor if tensor._array.ndim > 1 else view(tensor.contiguous(), (tensor._array.size, 1))
        for tensor in _stacked(tensors, "column_stack")
    ]
    return hstack(columns, out=out)


def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix `(m, n)`: a scalar; integers add up in int64.

    Raises RuntimeError for other numbers of dimensions.

    >>> import rushlight as torch
    >>> torch.trace(torch.tensor([[1, 2], [3, 4]]))
    tensor(5)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.trace.html
    """
    if state.casts is not None:
        return state.casts.float32(trace, input)
    array = free(input)
    if array is not None and array.ndim == 2:
        return plain(kernels.trace(array))
    check_tensor("trace", "input", 1, input)
    if input._array.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input._array.ndim}")
    if input._array.dtype.kind == "b":
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return Trace.apply(input)


def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices along the diagonal of one, zeros elsewhere; a vector counts as a row, a scalar as a matrix `(1, 1)`.

    The result is as high and as wide as all of them together, of the type they promote to. Raises RuntimeError for more
    than two dimensions.

    >>> import rushlight as torch
    >>> torch.block_diag(torch.tensor([[1, 2], [3, 4]]), torch.tensor([5]))
    tensor([[1, 2, 0],
            [3, 4, 0],
            [0, 0, 5]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.block_diag.html
    """
    for i, tensor in enumerate(tensors):
        check_tensor("block_diag", "tensors", i + 1, tensor)
        if tensor._array.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{i} has {tensor._array.ndim} dimensions"
            )
    if not tensors:
        return wrap(np.empty((1, 0), dtypes.get_default_dtype().numpy_dtype))
    return BlockDiag.apply(*tensors)


class JoiningMethods:
    """Tensor's methods of this family."""

    trace = trace
