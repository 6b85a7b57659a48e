"""Copies that join, repeat or turn tensors: `cat`, `stack`, `repeat`, `flip`, `roll`, `tril`.

Source: https://docs.pytorch.org/docs/2.13/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.function import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._geometry import Array, Shape, checked_out, shape_text, sizes, wrap_dim, wrap_dims
from rushlight.ops.promotion import result_type
from rushlight.ops.shape import atleast_1d, atleast_2d, atleast_3d, expand, reshape, unsqueeze, view
from rushlight.ops.slicing import Slice

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "block_diag", "cat", "column_stack", "concat", "concatenate", "dstack", "flip", "fliplr", "flipud", "hstack", "repeat",
    "repeat_interleave", "roll", "rot90", "row_stack", "stack", "tile", "trace", "tril", "triu", "vstack",
]  # fmt: skip

Tensors = Sequence["Tensor"]


class Cat(Operation):
    """Tensors one after the other along a dimension."""

    node_name = "CatBackward0"

    @staticmethod
    def forward(ctx: Any, dim: int, *tensors: Tensor) -> Array:
        arrays = [tensor._array for tensor in tensors]
        first = arrays[0].dtype
        for array in arrays:
            if array.dtype is not first:
                common = result_type(*tensors).numpy_dtype
                arrays = [array.astype(common, copy=False) for array in arrays]
                break
        ctx.dim = dim
        ctx.pieces = [(array.shape, tensor._array.dtype) for array, tensor in zip(arrays, tensors, strict=True)]
        return np.concatenate([array for array in arrays if array.shape != (0,)] or arrays, dim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        grads: list[Any] = [None]
        before = (slice(None),) * ctx.dim
        start = 0
        for (shape, dtype), needed in zip(ctx.pieces, ctx.needs_input_grad[1:], strict=True):
            if shape == (0,):
                grads.append(wrap(np.zeros(0, dtype)) if needed else None)
                continue
            end = start + shape[ctx.dim]
            piece = Slice.apply(grad, (*before, slice(start, end))) if needed else None
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
        ctx.dtypes = [array.dtype for array in arrays]
        if len(set(ctx.dtypes)) > 1:
            common = result_type(*tensors).numpy_dtype
            arrays = [array.astype(common, copy=False) for array in arrays]
        key = (slice(None),) * dim + (None,)
        return np.concatenate([array[key] for array in arrays], dim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        pieces = grad.unbind(ctx.dim)
        needs = ctx.needs_input_grad[1:]
        return None, *[
            _cast(piece, dtype) if needed else None for piece, dtype, needed in zip(pieces, ctx.dtypes, needs, strict=True)
        ]


def _cast(grad: Any, dtype: np.dtype[Any]) -> Any:
    if grad is None or grad._array.dtype == dtype:
        return grad
    if grad._array.dtype.kind == "c" and dtype.kind != "c":
        grad = grad.real
    return grad.to(dtypes.from_numpy_dtype(dtype))


class Repeat(Operation):
    """The tensor laid side by side with itself."""

    node_name = "RepeatBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, repeats: Shape) -> Array:
        array = input._array
        ctx.shape, ctx.repeats = array.shape, repeats
        return np.tile(array, repeats) if repeats else array.copy()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        shape, repeats = ctx.shape, ctx.repeats
        if 0 in repeats:
            return wrap(np.zeros(shape, grad._array.dtype)), None
        new = len(repeats) - len(shape)
        split: list[int] = []
        for count, length in zip(repeats, (1,) * new + shape, strict=True):
            split += [count, length]
        dims = list(range(0, len(split), 2))
        total = reshape(grad, tuple(split)).sum(dims) if dims else grad
        return reshape(total, shape), None


class Flip(Operation):
    """Dimensions reversed."""

    node_name = "FlipBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: Shape) -> Array:
        ctx.dims = dims
        array = input._array
        return np.flip(array, dims).copy("K") if dims and array.ndim else array.copy("K")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Flip.apply(grad, ctx.dims), None


class Roll(Operation):
    """Elements moved along dimensions, those that leave at one end entering at the other."""

    node_name = "RollBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, shifts: Shape, dims: Shape) -> Array:
        ctx.shifts, ctx.dims = shifts, dims
        if not dims:
            return np.roll(input._array, shifts[0])
        return np.roll(input._array, shifts, dims)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Roll.apply(grad, tuple([-shift for shift in ctx.shifts]), ctx.dims), None, None


class Rot90(Operation):
    """Turned by quarter turns in a plane."""

    node_name = "Rot90Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, k: int, dims: Shape) -> Array:
        ctx.k, ctx.dims = k, dims
        return np.rot90(input._array, k, dims).copy("K")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Rot90.apply(grad, -ctx.k, ctx.dims), None, None


class Tril(Operation):
    """The lower triangle of matrices, zeros above."""

    node_name = "TrilBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, diagonal: int) -> Array:
        ctx.diagonal = diagonal
        return np.tril(input._array, diagonal)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Tril.apply(grad, ctx.diagonal), None


class Triu(Operation):
    """The upper triangle of matrices, zeros below."""

    node_name = "TriuBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, diagonal: int) -> Array:
        ctx.diagonal = diagonal
        return np.triu(input._array, diagonal)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Triu.apply(grad, ctx.diagonal), None


class Trace(Operation):
    """The sum of a matrix's diagonal."""

    node_name = "TraceBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        array = input._array
        ctx.shape = array.shape
        total = array.trace()
        return np.asarray(total, np.int64 if array.dtype.kind in "iu" else array.dtype)

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
        raise TypeError(f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}")
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
    found = _listed(tensors, "cat")
    if not found:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    dim = _checked_cat([tensor._array.shape for tensor in found], dim if axis is None else axis)
    return checked_out(Cat.apply(dim, *found), out)


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
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {expected} but got size {length} for "
                    f"tensor number {i} in the list."
                )
    return dim


def concat(tensors: Tensors, dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """`cat` under another name."""
    return cat(tensors, dim, out=out)


def concatenate(tensors: Tensors, dim: int = 0, *, axis: int | None = None, out: Tensor | None = None) -> Tensor:
    """`cat` under NumPy's name."""
    return cat(tensors, dim, axis=axis, out=out)


def stack(tensors: Tensors, dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors, all of one shape, along a new dimension. RuntimeError where shapes differ.

    >>> import rushlight as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.stack.html
    """
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
    return checked_out(Stack.apply(wrap_dim(dim, len(shape) + 1), *found), out)


def _stacked(tensors: Any, name: str) -> tuple[Tensor, ...]:
    found = _listed(tensors, name)
    if not found:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return found


def hstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side: `cat` along dimension 1, or 0 of vectors.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.hstack.html
    """
    found = atleast_1d(_stacked(tensors, "hstack"))
    return cat(found, 0 if found[0]._array.ndim == 1 else 1, out=out)


def vstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The tensors as rows one above the other.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.vstack.html
    """
    return cat(atleast_2d(_stacked(tensors, "vstack")), 0, out=out)


def row_stack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """`vstack` under another name."""
    return vstack(tensors, out=out)


def dstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The tensors behind each other: `cat` along dimension 2.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.dstack.html
    """
    return cat(atleast_3d(_stacked(tensors, "dstack")), 2, out=out)


def column_stack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side, each vector as a column.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.column_stack.html
    """
    columns = [
        tensor if tensor._array.ndim > 1 else view(tensor.contiguous(), (tensor._array.size, 1))
        for tensor in _stacked(tensors, "column_stack")
    ]
    return hstack(columns, out=out)


def repeat(input: Tensor, *repeats: Any, **named: Any) -> Tensor:
    """The tensor laid side by side with itself so many times along each dimension (a copy).

    RuntimeError for fewer numbers than dimensions.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.repeat.html
    """
    counts = sizes((named["repeats"],) if named else repeats, "repeat", "repeats")
    shape = input._array.shape
    if len(counts) < len(shape):
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    full = [count * length for count, length in zip(counts, (1,) * (len(counts) - len(shape)) + shape, strict=True)]
    if any(count < 0 for count in counts):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(full)}: {shape_text(full)}")
    return Repeat.apply(input, counts)


def tile(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """`repeat` that takes fewer numbers than dimensions, meaning the last ones.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tile.html
    """
    counts = sizes((named["dims"],) if named else dims, "tile", "dims")
    return repeat(input, (1,) * (input._array.ndim - len(counts)) + counts)


def repeat_interleave(
    input: Tensor, repeats: int | Tensor | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element of a dimension (of all elements in a row without `dim`) repeated in place, all as often or each its own number.

    Given one tensor alone: each index as often as the tensor says.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2]).repeat_interleave(torch.tensor([2, 1]))
    tensor([1, 1, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.repeat_interleave.html
    """
    if repeats is None:
        return wrap(np.repeat(np.arange(input._array.size), _counts(input)))
    if dim is None:
        input, dim = reshape(input, (-1,) if input._array.size else (0,)), 0
    dim = wrap_dim(dim, input._array.ndim)
    shape = input._array.shape
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        wide = expand(unsqueeze(input, dim + 1), (*shape[: dim + 1], repeats, *shape[dim + 1 :]))
        return reshape(wide.clone(), (*shape[:dim], shape[dim] * repeats, *shape[dim + 1 :]))
    counts = _counts(repeats)
    if counts.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if counts.size == 1:
        counts = np.full(shape[dim], counts.reshape(-1)[0])
    if counts.size != shape[dim]:
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and input.size({dim}) = "
            f"{shape[dim]}"
        )
    if output_size is not None and output_size != counts.sum():
        raise RuntimeError("allocated size does not match required size")
    return input.index_select(dim, wrap(np.repeat(np.arange(shape[dim]), counts)))


def _counts(repeats: Tensor) -> Array:
    counts = repeats._array
    if counts.dtype.kind not in "iu":
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{repeats.dtype.legacy_name}'")
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    return counts


def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """A copy with dimensions reversed.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).flip(1)
    tensor([[2, 1],
            [4, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.flip.html
    """
    chosen = sizes((named["dims"],) if named else dims, "flip", "dims")
    return Flip.apply(input, wrap_dims(chosen, input._array.ndim))


def fliplr(input: Tensor) -> Tensor:
    """`flip` of dimension 1.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fliplr.html
    """
    if input._array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return Flip.apply(input, (1,))


def flipud(input: Tensor) -> Tensor:
    """`flip` of dimension 0.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.flipud.html
    """
    if input._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return Flip.apply(input, (0,))


def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """Elements moved by `shifts` along `dims`, wrapping around; without `dims`, through all elements in a row.

    >>> import rushlight as torch
    >>> torch.arange(4).roll(1)
    tensor([3, 0, 1, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.roll.html
    """
    steps = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    chosen = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not steps:
        raise RuntimeError("`shifts` required")
    if len(steps) != len(chosen) and (chosen or len(steps) != 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(chosen)}")
    return Roll.apply(input, steps, tuple([wrap_dim(dim, input._array.ndim) for dim in chosen]))


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A copy turned by `k` quarter turns from the first towards the second of two dimensions.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.rot90.html
    """
    ndim = input._array.ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    plane = tuple([wrap_dim(dim, ndim) for dim in dims])
    if plane[0] == plane[1]:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    return Rot90.apply(input, k, plane)


def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangle of matrices (*, M, N), with zeros above the given diagonal.

    >>> import rushlight as torch
    >>> torch.ones(2, 2).tril()
    tensor([[1., 0.],
            [1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tril.html
    """
    return checked_out(Tril.apply(_matrices(input, "tril"), diagonal), out)


def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangle of matrices (*, M, N), with zeros below the given diagonal.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.triu.html
    """
    return checked_out(Triu.apply(_matrices(input, "triu"), diagonal), out)


def tril_(input: Tensor, diagonal: int = 0) -> Tensor:
    """`tril` in place."""
    return Tril.inplace(_matrices(input, "tril"), diagonal)


def triu_(input: Tensor, diagonal: int = 0) -> Tensor:
    """`triu` in place."""
    return Triu.inplace(_matrices(input, "triu"), diagonal)


def _matrices(input: Tensor, name: str) -> Tensor:
    if input._array.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    return input


def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.trace.html
    """
    if input._array.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input._array.ndim}")
    if input._array.dtype.kind == "b":
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return Trace.apply(input)


def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices along the diagonal of one, zeros elsewhere; a vector counts as a row.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.block_diag.html
    """
    for i, tensor in enumerate(tensors):
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

    flip = flip
    fliplr = fliplr
    flipud = flipud
    repeat = repeat
    repeat_interleave = repeat_interleave
    roll = roll
    rot90 = rot90
    tile = tile
    trace = trace
    tril = tril
    tril_ = tril_
    triu = triu
    triu_ = triu_
