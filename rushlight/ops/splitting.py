"""A dimension cut into pieces: `split`, `chunk`, `tensor_split`, `unbind`.

The pieces are views, and gradients of all are joined again.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.split.html
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.operation import Operation, ViewOperation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._geometry import empty_in_order, wrap_dim
from rushlight.ops._numeric import check_tensor

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

from rushlight.ops.slicing import slice_

__all__ = [
    "chunk", "dsplit", "hsplit", "split", "split_with_sizes", "tensor_split", "unbind", "unsafe_chunk",
    "unsafe_split", "unsafe_split_with_sizes", "vsplit",
]  # fmt: skip


class Split(ViewOperation):
    """Pieces of a dimension, cut at given places."""

    node_name = "SplitBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, bounds: tuple[int, ...]) -> Any:
        array = input._array
        ctx.dim = dim
        before = (slice(None),) * dim
        return tuple([array[(*before, slice(a, b))] for a, b in itertools.pairwise(bounds)])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        from rushlight.ops.joining import cat

        return cat(grads, ctx.dim), None, None


class SplitWithSizes(Split):
    """Pieces of given lengths."""

    node_name = "SplitWithSizesBackward0"


class Unbind(ViewOperation):
    """Every index of a dimension."""

    node_name = "UnbindBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Any:
        array = input._array
        ctx.dim, ctx.shape, ctx.strides = dim, array.shape, array.strides
        moved = array if dim == 0 else np.moveaxis(array, dim, 0)
        return tuple([moved[i, ...] for i in range(moved.shape[0])])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        from rushlight.ops.joining import plain_arrays, stack

        arrays = plain_arrays(grads)
        if arrays is None:
            return stack(grads, ctx.dim), None
        whole = _side_by_side(arrays) if ctx.dim == 0 else None
        if whole is not None:
            return wrap(whole), None
        # In the input's order: where it is a view of a product, so is its gradient.
        moved = empty_in_order(ctx.shape, ctx.strides, arrays[0].dtype)
        parts = np.moveaxis(moved, ctx.dim, 0)
        for i, array in enumerate(arrays):
            kernels.copy_into(parts[i, ...], array)
        return wrap(moved), None


def _side_by_side(arrays: Sequence[Any]) -> Any:
    """The array that others, which fill all of one block of memory, are the rows of; None where they don't."""
    first = arrays[0]
    block = first.base
    if not isinstance(block, np.ndarray) or block.size != len(arrays) * first.size or not block.flags.c_contiguous:
        return None
    start = kernels.address(first)
    step = (kernels.address(arrays[-1]) - start) // max(len(arrays) - 1, 1)
    if step <= 0 or block.dtype != first.dtype:
        return None
    for i, array in enumerate(arrays):
        alike = array.base is block and array.strides == first.strides and array.shape == first.shape
        if not alike or kernels.address(array) != start + i * step:
            return None
    shape, strides = (len(arrays), *first.shape), (step, *first.strides)
    return np.ndarray(shape, first.dtype, block, start - kernels.address(block), strides)


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of pieces of a dimension, of one length (the last may be shorter) or of given lengths.

    Raises RuntimeError for lengths that don't add up to the dimension's and for negative ones, IndexError for a dim out
    of range.

    >>> import rushlight as torch
    >>> torch.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.split.html
    """
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    try:
        size, shape = split_size_or_sections, tensor._array.shape
    except AttributeError:
        check_tensor("split", "tensor", 1, tensor)
        raise
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    dim = wrap_dim(dim, len(shape))
    length = shape[dim]
    if size == 0:
        if length:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {length}")
        return Split.apply(tensor, dim, (0, 0))
    bounds = (*range(0, length, size), length) if length else (0, 0)
    return Split.apply(tensor, dim, bounds)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of pieces of given lengths along `dim`. Raises RuntimeError where they do not add up to the dimension's.

    >>> import rushlight as torch
    >>> torch.split_with_sizes(torch.arange(4), [1, 3])
    (tensor([0]), tensor([1, 2, 3]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.split.html
    """
    check_tensor("split_with_sizes", "input", 1, input)
    lengths, shape = [operator.index(size) for size in split_sizes], input._array.shape
    if not shape:
        raise RuntimeError("split_with_sizes expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, len(shape))
    if any(length < 0 for length in lengths):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={lengths}"
        )
    if sum(lengths) != shape[dim]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {shape[dim]} (input tensor's size at dimension "
            f"{dim}), but got split_sizes={lengths}"
        )
    bounds = [0]
    for length in lengths:
        bounds.append(bounds[-1] + length)
    return SplitWithSizes.apply(input, dim, tuple(bounds))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most `chunks` pieces of one length along `dim` (the last may be shorter).

    Raises RuntimeError for fewer than one, and for a scalar.

    >>> import rushlight as torch
    >>> torch.chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.chunk.html
    """
    check_tensor("chunk", "input", 1, input)
    shape = input._array.shape
    if not shape:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = wrap_dim(dim, len(shape))
    if not shape[dim]:
        return SplitWithSizes.apply(input, dim, (0,) * (chunks + 1))
    return split(input, -(-shape[dim] // chunks), dim)


def tensor_split(input: Tensor, sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of a number of pieces along `dim` whose lengths differ by one at most, or of the pieces between given
    indices.

    Raises RuntimeError for fewer than one piece and for a scalar.

    >>> import rushlight as torch
    >>> torch.tensor_split(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    >>> torch.tensor_split(torch.arange(5), (1, 4))
    (tensor([0]), tensor([1, 2, 3]), tensor([4]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tensor_split.html
    """
    check_tensor("tensor_split", "input", 1, input)
    shape = input._array.shape
    if not shape:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = wrap_dim(dim, len(shape))
    if isinstance(sections, Variable):
        sections = sections._array.tolist()
    if isinstance(sections, int):
        sections = sections
        if sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
        least, more = divmod(shape[dim], sections)
        try:
            bounds = [0] * (sections + 1)
        except (MemoryError, OverflowError):
            raise RuntimeError("cannot create std::vector larger than max_size()") from None
        for i in range(sections):
            bounds[i + 1] = bounds[i] + least + (i < more)
    else:
        bounds = [0, *sections, shape[dim]]
    return tuple([slice_(input, dim, a, b) for a, b in itertools.pairwise(bounds)])


def _named_split(input: Tensor, sections: Any, name: str, least: int, dim: int) -> tuple[Tensor, ...]:
    shape = input._array.shape
    if len(shape) < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {len(shape)} "
            "dimensions!"
        )
    if isinstance(sections, int) and (sections <= 0 or shape[dim] % sections):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {shape[dim]} is not "
            f"divisible by the split_size {sections}!"
        )
    return tensor_split(input, sections, dim)


def hsplit(input: Tensor, sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` of the columns, dimension 1, or 0 of a vector, at indices or into a number of pieces.

    Raises RuntimeError for a number that does not divide the length, and for a scalar.

    >>> import rushlight as torch
    >>> torch.hsplit(torch.tensor([[1, 2], [3, 4]]), 2)[1]
    tensor([[2],
            [4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.hsplit.html
    """
    check_tensor("hsplit", "input", 1, input)
    return _named_split(input, sections, "hsplit", 1, 0 if input._array.ndim == 1 else 1)


def vsplit(input: Tensor, sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` of the rows, dimension 0, at indices or into a number of pieces.

    Raises RuntimeError for a number that does not divide the length, and for fewer than two dimensions.

    >>> import rushlight as torch
    >>> torch.vsplit(torch.tensor([[1, 2], [3, 4]]), 2)
    (tensor([[1, 2]]), tensor([[3, 4]]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.vsplit.html
    """
    check_tensor("vsplit", "input", 1, input)
    return _named_split(input, sections, "vsplit", 2, 0)


def dsplit(input: Tensor, sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` of dimension 2, at indices or into a number of pieces.

    Raises RuntimeError for a number that does not divide the length, and for fewer than three dimensions.

    >>> import rushlight as torch
    >>> [piece.shape for piece in torch.dsplit(torch.ones(1, 1, 4), 2)]
    [torch.Size([1, 1, 2]), torch.Size([1, 1, 2])]

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.dsplit.html
    """
    check_tensor("dsplit", "input", 1, input)
    return _named_split(input, sections, "dsplit", 3, 2)


class UnsafeSplit(Operation):
    """Pieces of a dimension that share its memory and count as fresh tensors: writes into them are not followed."""

    node_name = "UnsafeSplitBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, bounds: tuple[int, ...]) -> Any:
        return Split.forward(ctx, input, dim, bounds)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return Split.backward(ctx, *grads)


class UnsafeSplitWithSizes(UnsafeSplit):
    """As `UnsafeSplit`, of given lengths."""

    node_name = "UnsafeSplitWithSizesBackward0"


def _unsafe(input: Tensor, pieces: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The pieces that a function made, as tensors of their own over the same memory."""
    step: Any = pieces[0]._view
    if step.operation is None:
        # Inside a transform, whose pieces have no view of their own.
        return pieces
    operation = UnsafeSplitWithSizes if step.operation is SplitWithSizes else UnsafeSplit
    return operation.apply(input, *step.arguments)


def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces as `split` makes them, over the same memory, that autograd takes for fresh tensors.

    They may be changed in place, as the outputs of `split` may not, as long as nothing else needs the old numbers.

    >>> import rushlight as torch
    >>> torch.unsafe_split(torch.arange(5), 3)
    (tensor([0, 1, 2]), tensor([3, 4]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unsafe_split.html
    """
    check_tensor("unsafe_split", "input", 1, input)
    return _unsafe(input, split(input, split_size, dim))


def unsafe_split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces as `split_with_sizes` makes them, over the same memory, that autograd takes for fresh tensors.

    >>> import rushlight as torch
    >>> torch.unsafe_split_with_sizes(torch.arange(4), [1, 3])
    (tensor([0]), tensor([1, 2, 3]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unsafe_split.html
    """
    check_tensor("unsafe_split_with_sizes", "input", 1, input)
    return _unsafe(input, split_with_sizes(input, split_sizes, dim))


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces as `chunk` makes them, over the same memory, that autograd takes for fresh tensors.

    >>> import rushlight as torch
    >>> torch.unsafe_chunk(torch.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unsafe_chunk.html
    """
    check_tensor("unsafe_chunk", "input", 1, input)
    return _unsafe(input, chunk(input, chunks, dim))


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The views at every index of a dimension, as a tuple: `(…, n, …)` gives n of `(…, …)`.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).unbind(1)
    (tensor([1, 3]), tensor([2, 4]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unbind.html
    """
    check_tensor("unbind", "input", 1, input)
    ndim = input._array.ndim
    if not ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return Unbind.apply(input, wrap_dim(dim, ndim))


class SplittingMethods:
    """Tensor's methods of this family."""

    chunk = chunk
    dsplit = dsplit
    hsplit = hsplit
    split = split
    split_with_sizes = split_with_sizes
    tensor_split = tensor_split
    unbind = unbind
    unsafe_chunk = unsafe_chunk
    unsafe_split = unsafe_split
    unsafe_split_with_sizes = unsafe_split_with_sizes
    vsplit = vsplit
