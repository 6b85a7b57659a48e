"""Whole slices of one dimension by an index vector: `index_select`, `index_add`, `index_copy`, `index_fill`.

The index may name a place several times, and in any order.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.index_select.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import elements
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.index import add_along, first_outside, put_along, take_along
from rushlight.ops._geometry import Array, Shape, check_no_overlap, shape_text, warn_of_overlap, wrap_dim
from rushlight.ops._indexed import selected, with_slices
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import apart_from, into
from rushlight.ops.scatter import ScatterReduce, applied, check_index, target_array
from rushlight.ops.shape import reshape
from rushlight.ops.write import fill_value_array

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["index_add", "index_copy", "index_fill", "index_reduce", "index_select"]


class IndexSelect(Operation):
    """The slices of a dimension that a vector names."""

    node_name = "IndexSelectBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor) -> Array:
        array = input._array
        ctx.shape, ctx.dim = array.shape, dim
        ctx.save_for_backward(index)
        places = index._array
        if not array.ndim:
            return array.reshape(1)[places.reshape(-1)].reshape(())
        return take_along(array, dim, places if places.ndim == 1 else places.reshape(1))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return SumInto.apply(grad, ctx.shape, ctx.dim, index), None, None


class SumInto(Operation):
    """Zeros of a shape with slices added where a vector names."""

    node_name = "IndexAddBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, shape: Shape, dim: int, index: Tensor) -> Array:
        ctx.dim = dim
        ctx.save_for_backward(index)
        out = np.zeros(shape, grad._array.dtype)
        _add(out, dim, index._array, grad._array)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return IndexSelect.apply(grad, ctx.dim, index), None, None, None


class IndexAdd(Operation):
    """A tensor with slices of another, times a number, added where a vector names."""

    node_name = "IndexAddBackward0"
    refuses_itself = True

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any, inplace: bool) -> Array:
        ctx.dim, ctx.alpha, ctx.shape = dim, alpha, source._array.shape
        ctx.save_for_backward(index, source if ctx.needs_input_grad[3] else None)
        out = target_array(input, inplace)
        given = source._array
        if alpha != 1:
            # A negative number goes into an unsigned type as the sum does: modulo.
            wide = out.dtype.kind in "iu" and isinstance(alpha, int)
            given = given.astype(np.int64) * alpha if wide else given * alpha
        _add(out, dim, index._array, given.astype(out.dtype, copy=False))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        index, _ = ctx.saved_tensors
        source = None
        if ctx.needs_input_grad[3]:
            source = reshape(IndexSelect.apply(grad, ctx.dim, index), ctx.shape)
            source = source if ctx.alpha == 1 else source * ctx.alpha
        return grad, None, None, source, None, None


def _add(out: Array, dim: int, places: Array, given: Array) -> None:
    if not out.ndim:
        out, given = out.reshape(1), given.reshape(-1)
    add_along(out, dim, places.reshape(-1), given.reshape((*out.shape[:dim], places.size, *out.shape[dim + 1 :])))


class IndexCopy(Operation):
    """A tensor with slices of another written where a vector names."""

    node_name = "IndexCopyBackward0"
    refuses_itself = True

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor, source: Tensor, inplace: bool) -> Array:
        ctx.dim, ctx.shape = dim, source._array.shape
        ctx.save_for_backward(index, source if ctx.needs_input_grad[3] else None)
        out = target_array(input, inplace)
        if out.ndim:
            given = np.ascontiguousarray(source._array)
            put_along(out, dim, index._array.reshape(-1), given if source._array.ndim else given.reshape(1))
        else:
            out[...] = source._array.reshape(-1)[-1]
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        index, _ = ctx.saved_tensors
        rest = IndexFill.apply(grad, ctx.dim, index, 0, False) if ctx.needs_input_grad[0] else None
        source = reshape(IndexSelect.apply(grad, ctx.dim, index), ctx.shape) if ctx.needs_input_grad[3] else None
        return rest, None, None, source, None


class IndexFill(Operation):
    """A tensor with one number written where a vector names slices."""

    node_name = "IndexFillBackward0"
    checks_overlap = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor, value: Any, inplace: bool) -> Array:
        ctx.dim = dim
        ctx.save_for_backward(index)
        out = input._array if inplace else input._array.copy("K")
        if inplace:
            warn_of_overlap(out, "index_fill_")
        if out.ndim:
            try:
                put_along(out, dim, index._array.reshape(-1), np.asarray(fill_value_array(value, out)), True)
            except IndexError as error:
                raise IndexError(str(error).replace("for axis", "for dimension")) from None
        else:
            out[...] = fill_value_array(value, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        value = None
        if ctx.needs_input_grad[3]:
            # What is named twice is written once.
            value = IndexSelect.apply(grad, ctx.dim, wrap(np.unique(index._array))).sum()
        return IndexFill.apply(grad, ctx.dim, index, 0, False), None, None, value, None


class IndexFillTensor(IndexFill):
    """As `IndexFill`, with the number in a tensor."""

    node_name = "IndexFillBackward1"


def _vector(function: str, index: Tensor, kinds: str = "Expected dtype int32 or int64 for index") -> Array:
    if not isinstance(index, Variable):
        raise TypeError(f"{function}(): argument 'index' (position 2) must be Tensor, not {type(index).__name__}")
    places = index._array
    if places.ndim > 1:
        raise IndexError(f"{function}(): Index is supposed to be a vector")
    if places.dtype.kind != "i" or places.itemsize < 4:
        raise RuntimeError(f"{function}(): {kinds}")
    return places


def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of a dimension named by a vector of indices (N): the dimension's length becomes N.

    IndexError for an index out of range.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).index_select(1, torch.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.index_select.html
    """
    if out is None and (quick := selected(input, dim, index)) is not None:
        return quick
    check_tensor("index_select", "input", 1, input)
    places = _vector("index_select", index)
    shape = input._array.shape
    dim = wrap_dim(dim, len(shape))
    length = shape[dim] if shape else 1
    places = elements(index)
    if first_outside(places, length) is not None:
        raise IndexError("index out of range in self")
    apart_from(out, input, index)
    return into(out, IndexSelect.apply(input, dim, index))


def _index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any, inplace: bool) -> Tensor:
    if alpha.__class__ is int and alpha == 1:
        quick = with_slices(add_along, input, dim, index, source, inplace)
        if quick is not None:
            return quick
    check_tensor("index_add_", "input", 1, input)
    check_tensor("index_add_", "source", 4, source)
    places = _vector("index_add_", index, "Expected dtype int32/int64 for index")
    dim = wrap_dim(dim, input._array.ndim)
    _check_source("index_add_", RuntimeError, input, dim, places, source)
    if source._array.dtype != input._array.dtype:
        raise RuntimeError(
            f"index_add_(): self ({input.dtype.legacy_name}) and source ({source.dtype.legacy_name}) must have the "
            "same scalar type"
        )
    length = input._array.shape[dim] if input._array.ndim else 1
    places = elements(index).reshape(-1)
    at = first_outside(places, length)
    if at is not None:
        bad = places[at]
        # PyTorch tells the two apart by the way it goes: a vector has its own.
        if input._array.ndim <= 1:
            raise IndexError("index out of range in self")
        raise RuntimeError(f"index {bad} is out of bounds for dimension {dim} with size {length}")
    if inplace:
        return IndexAdd.inplace(input, dim, index, source, alpha, True)
    return IndexAdd.apply(input, dim, index, source, alpha, False)


def _check_source(
    function: str, error: type[Exception], input: Tensor, dim: int, places: Array, source: Tensor
) -> None:
    own, given = input._array.shape, source._array.shape
    if function != "index_add_" and own and given and len(own) != len(given):
        raise error(
            f"{function}(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({len(given)}), destination dimensionality ({len(own)})"
        )
    count = given[dim] if given else 1
    if places.size != count:
        tail = f": ({count}), for dim: {dim}" if error is RuntimeError else f" ({count})"
        raise error(f"{function}(): Number of indices ({places.size}) should be equal to source.size(dim){tail}")
    if own[:dim] + own[dim + 1 :] != given[:dim] + given[dim + 1 :]:
        if function == "index_add_":
            raise error(
                "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
                f"{shape_text(own)} source.shape = {shape_text(given)}"
            )
        slices = [" ".join(map(str, shape[:dim] + shape[dim + 1 :])) for shape in (own, given)]
        raise RuntimeError(
            f"{function}(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{slices[0]} at dimension {dim} and source slice shape: {slices[1]} at dimension 0."
        )


def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """A copy of `input` `(…, n, …)` with `alpha` times the slices of `source` added at the places in `index` `(k,)` of
    `dim`.

    Raises RuntimeError for shapes or dtypes that do not fit and for an index of another dtype than int32 or int64.

    >>> import rushlight as torch
    >>> torch.zeros(3).index_add(0, torch.tensor([0, 0]), torch.ones(2))
    tensor([2., 0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.index_add.html
    """
    apart_from(out, index, source)
    return into(out, _index_add(input, dim, index, source, alpha, False), exact=True)


def index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """`index_add` in place."""
    return _index_add(input, dim, index, source, alpha, True)


def _index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, inplace: bool) -> Tensor:
    quick = with_slices(put_along, input, dim, index, source, inplace)
    if quick is not None:
        return quick
    check_tensor("index_copy_", "input", 1, input)
    check_tensor("index_copy_", "source", 4, source)
    if inplace:
        check_no_overlap(input._array)
    places = _vector("index_copy_", index, "Expected a long tensor for index")
    dim = wrap_dim(dim, input._array.ndim)
    _check_source("index_copy_", IndexError, input, dim, places, source)
    if source._array.dtype != input._array.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{input.dtype.legacy_name} and (source) {source.dtype.legacy_name}"
        )
    length = input._array.shape[dim] if input._array.ndim else 1
    places = elements(index).reshape(-1)
    at = first_outside(places, length)
    if at is not None:
        bad = places[at]
        raise IndexError(f"index_copy_(): index {bad} is out of bounds for dimension {dim} with size {length}")
    if inplace:
        return IndexCopy.inplace(input, dim, index, source, True)
    return IndexCopy.apply(input, dim, index, source, False)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input` `(…, n, …)` with the slices of `source` `(…, k, …)` written at the places in `index` `(k,)` of
    `dim`.

    Raises RuntimeError for shapes or dtypes that do not fit, IndexError for places out of range.

    >>> import rushlight as torch
    >>> torch.index_copy(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.index_copy.html
    """
    if state.casts is not None and out is None:
        return state.casts.promote(index_copy, input, dim, index, source)
    apart_from(out, index, source)
    return into(out, _index_copy(input, dim, index, source, False), exact=True)


def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`index_copy` in place."""
    return _index_copy(input, dim, index, source, True)


def _index_fill(input: Tensor, dim: int, index: Tensor, value: Any, inplace: bool) -> Tensor:
    if value.__class__ is float or value.__class__ is int:
        quick = with_slices(put_along, input, dim, index, value, inplace)
        if quick is not None:
            return quick
    _vector("index_fill_", index, "Expected dtype int64 for index.")
    operation: type[IndexFill] = IndexFill
    if isinstance(value, Variable):
        if value._array.ndim:
            raise RuntimeError(
                f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value._array.ndim} "
                "dimension(s)."
            )
        operation = IndexFillTensor
    elif isinstance(value, complex) and not input.dtype.is_complex:
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    check_tensor("index_fill", "input", 1, input)
    dim = wrap_dim(dim, input._array.ndim)
    if inplace:
        return operation.inplace(input, dim, index, value, True)
    return operation.apply(input, dim, index, value, False)


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of `input` `(…, n, …)` with one number, or a scalar tensor, written at the places in `index` `(k,)` of
    `dim`.

    The index is int64. Raises IndexError for places out of range, RuntimeError for a value with dimensions.

    >>> import rushlight as torch
    >>> torch.index_fill(torch.zeros(3), 0, torch.tensor([0, 2]), 7)
    tensor([7., 0., 7.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.index_fill_.html
    """
    return _index_fill(input, dim, index, value, False)


def index_fill_(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """`index_fill` in place."""
    return _index_fill(input, dim, index, value, True)


class IndexReduce(ScatterReduce):
    """A tensor with slices of another combined with its own where a vector names."""

    node_name = "IndexReduceBackward0"


def _reduced_places(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str) -> tuple[int, Tensor]:
    """The dimension and, for each element of `source`, the index along it, once all were checked."""
    check_tensor("index_reduce_", "source", 4, source)
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce_(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    places = _vector("index_reduce_", index, "Expected dtype int32/int64 for index")
    dim = wrap_dim(dim, input._array.ndim)
    _check_source("index_reduce_", IndexError, input, dim, places, source)
    shape = [-1 if i == dim else 1 for i in range(source._array.ndim)]
    wide = index.reshape(shape).expand(source._array.shape)
    return check_index("index_reduce_", input, dim, wide, source), wide


def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of `input` `(…, n, …)` with the slices of `source` reduced into the places in `index` `(k,)` of `dim`.

    `reduce` is "prod", "mean", "amax" or "amin"; `include_self` lets what stood there count. Raises RuntimeError for
    another one, for shapes or dtypes that do not fit, and for an index of another dtype than int32 or int64.

    >>> import rushlight as torch
    >>> torch.index_reduce(torch.ones(2), 0, torch.tensor([0, 0]), torch.tensor([3.0, 5.0]), "amax")
    tensor([5., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.index_reduce.html
    """
    check_tensor("index_reduce", "input", 1, input)
    arguments = _reduced_places(input, dim, index, source, reduce)
    apart_from(out, index, source)
    return into(out, applied(IndexReduce, False, input, *arguments, source, reduce, include_self, False), exact=True)


def index_reduce_(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`index_reduce` in place."""
    arguments = _reduced_places(input, dim, index, source, reduce)
    return applied(IndexReduce, True, input, *arguments, source, reduce, include_self, True)


class IndexAlongMethods:
    """Tensor's methods of this family."""

    index_add = index_add
    index_add_ = index_add_
    index_copy = index_copy
    index_copy_ = index_copy_
    index_fill = index_fill
    index_fill_ = index_fill_
    index_reduce = index_reduce
    index_reduce_ = index_reduce_
    index_select = index_select
