"""Choosing by masks and by flat positions: `masked_select`, `masked_scatter`, `take`, `put`, `nonzero`.

What is chosen is a copy; gradients go back to where it was taken from.

Source: https://docs.pytorch.org/docs/2.13/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd._quantized import refuse
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import as_one, elements, of_values
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.index import add_along, place_masked, places_of, put_along, select_masked, take_along
from rushlight.ops._geometry import Array, check_no_overlap, expanded_shape
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import apart_from, into, plain
from rushlight.ops._quick import free
from rushlight.ops.broadcast import common_shape, expand
from rushlight.ops.index import IndexSum
from rushlight.ops.joining import cat
from rushlight.ops.scatter import target_array
from rushlight.ops.shape import reshape
from rushlight.ops.write import to_shape

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["argwhere", "masked_scatter", "masked_select", "nonzero", "nonzero_static", "put", "take"]


class MaskedSelect(Operation):
    """The elements where a mask is true, in one dimension."""

    node_name = "MaskedSelectBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, mask: Tensor) -> Array:
        array, chosen = np.broadcast_arrays(input._array, mask._array)
        ctx.shape, ctx.wide = input._array.shape, array.shape
        ctx.save_for_backward(mask)
        return select_masked(array, chosen)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (mask,) = ctx.saved_tensors
        wide = IndexSum.apply(grad, ctx.wide, (True,), expand(mask, ctx.wide))
        return to_shape(wide, ctx.shape), None


class MaskedScatter(Operation):
    """A tensor with the elements of another, in order, where a mask is true."""

    node_name = "MaskedScatterBackward0"
    checks_overlap = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, mask: Tensor, source: Tensor, inplace: bool) -> Array:
        ctx.shape, ctx.own = source._array.shape, input._array.shape
        ctx.save_for_backward(mask)
        if inplace:
            check_no_overlap(input._array)
            expanded_shape(mask._array, input._array.shape)
            out = input._array
        else:
            out = np.broadcast_to(input._array, np.broadcast_shapes(input._array.shape, mask._array.shape)).copy()
        chosen = np.broadcast_to(mask._array, out.shape)
        try:
            place_masked(out, chosen, source._array.reshape(-1))
        except ValueError:
            raise RuntimeError("Number of elements of source < number of ones in mask") from None
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (mask,) = ctx.saved_tensors
        rest = to_shape(grad.masked_fill(mask, 0), ctx.own) if ctx.needs_input_grad[0] else None
        source = None
        if ctx.needs_input_grad[2]:
            used = MaskedSelect.apply(grad, mask)
            count = int(np.prod(ctx.shape, dtype=np.int64)) - used._array.size
            source = reshape(cat([used, wrap(np.zeros(count, grad._array.dtype))]), ctx.shape)
        return rest, None, source, None


class Take(Operation):
    """Elements by their position in row-major order."""

    node_name = "TakeBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, index: Tensor) -> Array:
        ctx.shape = input._array.shape
        ctx.save_for_backward(index)
        places = index._array
        return take_along(input._array.reshape(-1), 0, places.reshape(-1), True).reshape(places.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        zeros = wrap(np.zeros(ctx.shape, grad._array.dtype))
        return Put.apply(zeros, index, grad, True, False), None


class Put(Operation):
    """A tensor with elements of another written, or added, by their position in row-major order."""

    node_name = "PutBackward0"
    refuses_itself = True

    @staticmethod
    def forward(ctx: Any, input: Tensor, index: Tensor, source: Tensor, accumulate: bool, inplace: bool) -> Array:
        ctx.accumulate, ctx.shape = accumulate, source._array.shape
        ctx.save_for_backward(index)
        out = target_array(input, inplace)
        places, given = index._array.reshape(-1), source._array.reshape(-1)
        flat = out.reshape(-1)
        if accumulate:
            add_along(flat, 0, places, given, True)
        else:
            put_along(flat, 0, places, given, True)
        if flat.base is None or not np.shares_memory(flat, out):
            out[...] = flat.reshape(out.shape)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        rest = grad
        if not ctx.accumulate and ctx.needs_input_grad[0]:
            zeros = wrap(np.zeros(index._array.shape, grad._array.dtype))
            rest = Put.apply(grad, index, zeros, False, False)
        source = reshape(Take.apply(grad, index), ctx.shape) if ctx.needs_input_grad[2] else None
        return rest, None, source, None, None


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where the mask, broadcast with `input`, is true: a copy `(count,)`.

    Raises RuntimeError for a mask that is not of bools, and for shapes that don't broadcast.

    >>> import rushlight as torch
    >>> x = torch.tensor([1, 5, 3])
    >>> x.masked_select(x > 2)
    tensor([5, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked_select.html
    """
    if not isinstance(mask, Variable) or mask._array.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    common_shape([mask._array.shape, input._array.shape])
    apart_from(out, input, mask)
    return into(out, MaskedSelect.apply(input, mask))


def _check_masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> None:
    check_tensor("masked_scatter_", "mask", 1, mask)
    check_tensor("masked_scatter_", "source", 2, source)
    if mask._array.dtype.kind != "b":
        raise RuntimeError(
            f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype.legacy_name}"
        )
    if source._array.dtype != input._array.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{input.dtype.legacy_name} and {source.dtype.legacy_name}"
        )
    common_shape([input._array.shape, mask._array.shape])


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with the elements of `source`, in order, where the mask is true; mask and input broadcast.

    Raises RuntimeError if there are too few elements, for a mask that is no bool tensor and for another dtype.

    >>> import rushlight as torch
    >>> torch.masked_scatter(torch.zeros(3), torch.tensor([True, False, True]), torch.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.masked_scatter_.html
    """
    check_tensor("masked_scatter", "mask", 2, mask)
    _check_masked_scatter(input, mask, source)
    return MaskedScatter.apply(input, mask, source, False)


def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """`masked_scatter` in place."""
    check_tensor("masked_scatter_", "mask", 2, mask)
    _check_masked_scatter(input, mask, source)
    return MaskedScatter.inplace(input, mask, source, True)


def _check_positions(function: str, index: Tensor) -> None:
    if index._array.dtype != np.int64:
        raise RuntimeError(f"{function}(): Expected a long tensor for index, but got {index.dtype.legacy_name}")


def _in_range(call: Callable[..., Tensor], input: Tensor, index: Tensor, *args: Any) -> Tensor:
    """What an operation makes of its arguments; IndexError in PyTorch's words where a position is out of range."""
    try:
        return call(input, index, *args)
    except IndexError:
        places, size = elements(index), input._array.size
        outside = ((places < -size) | (places >= size)).reshape(-1)
        if not outside.any():
            raise
        bad = places.reshape(-1)[int(np.argmax(outside))]
        message = f"out of range: tried to access index {bad} on a tensor of {size} elements."
        raise IndexError(message) from None


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements at positions in row-major order, in the shape of `index`.

    Raises IndexError for positions out of range, RuntimeError for an index that is not int64.

    >>> import rushlight as torch
    >>> torch.tensor([[4, 3], [5, 6]]).take(torch.tensor([0, 3]))
    tensor([4, 6])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.take.html
    """
    if out is None:
        array, places = free(input), free(index, "l")
        if array is not None and places is not None:
            try:
                return plain(take_along(array.reshape(-1), 0, places.reshape(-1), True).reshape(places.shape))
            except IndexError:
                pass
    check_tensor("take", "input", 1, input)
    check_tensor("take", "index", 2, index)
    _check_positions("take", index)
    apart_from(out, input, index, shape=index._array.shape)
    return into(out, _in_range(Take.apply, input, index))


def _check_put(input: Tensor, index: Tensor, source: Tensor) -> None:
    for position, (name, tensor) in enumerate((("input", input), ("index", index), ("source", source)), 1):
        check_tensor("put_", name, position, tensor)
    _check_positions("put_", index)
    if source._array.size != index._array.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source._array.size}, index.numel() = {index._array.size}"
        )
    if source._array.dtype != input._array.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{input.dtype.legacy_name} and source.dtype = {source.dtype.legacy_name}"
        )


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with the elements of `source` at positions in row-major order; added there if `accumulate`.

    Index and source have as many elements as each other. Raises IndexError for positions out of range, RuntimeError for
    another dtype of the source and for an index that is not int64.

    >>> import rushlight as torch
    >>> torch.put(torch.zeros(2, 2), torch.tensor([3, 0]), torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.put_.html
    """
    check_tensor("put", "input", 1, input)
    check_tensor("put", "index", 2, index)
    _check_put(input, index, source)
    return _in_range(Put.apply, input, index, source, accumulate, False)


def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """`put` in place."""
    check_tensor("put_", "index", 2, index)
    _check_put(input, index, source)
    return _in_range(Put.inplace, input, index, source, accumulate, True)


@of_values("nonzero")
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The indices of all elements that are not zero, int64: `(count, ndim)`, or with `as_tuple` a vector for each
    dimension.

    Any dtype; in row-major order.

    >>> import rushlight as torch
    >>> torch.nonzero(torch.tensor([0, 3, 4]))
    tensor([[1],
            [2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nonzero.html
    """
    check_tensor("nonzero", "input", 1, input)
    array = input._array
    if array.dtype.names:
        refuse("nonzero")
    if not array.ndim and not as_tuple:
        return into(out, plain(np.empty((int(bool(array)), 0), np.int64)))
    mask = array if array.dtype.kind == "b" else array != 0
    places = places_of(mask if array.ndim else mask.reshape(1))
    if as_tuple:
        return tuple([plain(row.copy()) for row in places])
    return into(out, plain(places.T))


@as_one
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first `size` rows of `nonzero`, filled up with `fill_value`: int64 `(size, ndim)`, whatever the elements are.

    >>> import rushlight as torch
    >>> torch.nonzero_static(torch.tensor([0, 1, 2]), size=3)
    tensor([[ 1],
            [ 2],
            [-1]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nonzero_static.html
    """
    check_tensor("nonzero_static", "input", 1, input)
    found = nonzero(input)._array[:size]
    result = np.full((size, found.shape[1]), fill_value, np.int64)
    result[: len(found)] = found
    return wrap(result)


@as_one
def argwhere(input: Tensor) -> Tensor:
    """The places of the elements that are not zero, one a row: `nonzero` under NumPy's name, int64 `(count, ndim)`.

    >>> import rushlight as torch
    >>> torch.argwhere(torch.tensor([[0, 1], [2, 0]]))
    tensor([[0, 1],
            [1, 0]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.argwhere.html
    """
    check_tensor("argwhere", "input", 1, input)
    return nonzero(input)


class MaskedMethods:
    """Tensor's methods of this family."""

    argwhere = argwhere
    masked_scatter = masked_scatter
    masked_scatter_ = masked_scatter_
    masked_select = masked_select
    nonzero = nonzero
    nonzero_static = nonzero_static
    put = put
    put_ = put_
    take = take
