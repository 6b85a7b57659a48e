"""Gathering and scattering along a dimension: `gather`, `scatter` and its kin.

An index tensor says for each element which place along the dimension it comes from or goes to.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.gather.html, https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.scatter_.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import elements
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.index import copied, first_outside, gather_along, scatter_along
from rushlight.ops._geometry import Array, Shape, check_no_overlap, shape_text, wrap_dim
from rushlight.ops._indexed import gathered, scattered
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import apart_from, into
from rushlight.ops.broadcast import expand
from rushlight.ops.shape import reshape
from rushlight.ops.write import fill_value_array

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["gather", "scatter", "scatter_add", "scatter_reduce", "take_along_dim"]


def target_array(input: Tensor, inplace: bool) -> Array:
    """The array that an operation writes into: the tensor's own, or a copy of it."""
    if not inplace:
        return copied(input._array)
    check_no_overlap(input._array)
    return input._array


class Gather(Operation):
    """The elements of a dimension that an index of the result's shape names."""

    node_name = "GatherBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor) -> Array:
        array, places = input._array, index._array
        ctx.shape, ctx.dim = array.shape, dim
        ctx.save_for_backward(index)
        if not places.size:
            return np.empty(places.shape, array.dtype)
        if not places.ndim or not array.ndim:
            return gather_along(array.reshape(-1), 0, places.reshape(-1)).reshape(places.shape)
        return gather_along(array, dim, places)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        zeros = wrap(np.zeros(ctx.shape, grad._array.dtype))
        # Into the zeros themselves: nothing else holds them.
        return ScatterAdd.apply(zeros, ctx.dim, index, grad, True), None, None


class Scatter(Operation):
    """A tensor with elements of another written where an index names."""

    node_name = "ScatterBackward0"
    refuses_itself = True

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor, src: Tensor, inplace: bool) -> Array:
        ctx.dim, ctx.shape = dim, src._array.shape
        ctx.save_for_backward(index)
        out = target_array(input, inplace)
        _write("copy", out, dim, index._array, _cut(src._array, index._array.shape))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        rest = ScatterValue.apply(grad, ctx.dim, index, 0, False) if ctx.needs_input_grad[0] else None
        given = _padded(Gather.apply(grad, ctx.dim, index), ctx.shape) if ctx.needs_input_grad[3] else None
        return rest, None, None, given, None


class ScatterValue(Operation):
    """A tensor with one number written where an index names."""

    node_name = "ScatterBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor, value: Any, inplace: bool) -> Array:
        ctx.dim = dim
        ctx.save_for_backward(index)
        out = target_array(input, inplace)
        _write("copy", out, dim, index._array, fill_value_array(value, out))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return ScatterValue.apply(grad, ctx.dim, index, 0, False), None, None, None, None


class ScatterAdd(Operation):
    """A tensor with elements of another added where an index names."""

    node_name = "ScatterAddBackward0"
    refuses_itself = True

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor, src: Tensor, inplace: bool) -> Array:
        ctx.dim, ctx.shape = dim, src._array.shape
        ctx.save_for_backward(index)
        out = target_array(input, inplace)
        _write("add", out, dim, index._array, _cut(src._array, index._array.shape))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        given = _padded(Gather.apply(grad, ctx.dim, index), ctx.shape) if ctx.needs_input_grad[3] else None
        return grad, None, None, given, None


class ScatterReduce(Operation):
    """A tensor with elements of another combined with its own where an index names."""

    node_name = "ScatterReduceBackward0"
    refuses_itself = True

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool, inplace: bool
    ) -> Any:
        ctx.arguments = dim, reduce, include_self
        out = target_array(input, inplace)
        before = wrap(input._array.copy()) if inplace and ctx.needs_input_grad[0] else input
        given = _cut(src._array, index._array.shape)
        places = index._array
        if not include_self:
            _write("copy", out, dim, places, np.asarray(_neutral(reduce, out.dtype), out.dtype))
        _write(_REDUCERS[reduce], out, dim, places, given)
        if reduce == "mean":
            count = _counts(out, dim, places, include_self)
            out[...] = (np.floor_divide if out.dtype.kind in "iu" else np.divide)(out, count)
        result = wrap(out)
        ctx.save_for_backward(before, index, src, result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, index, src, result = ctx.saved_tensors
        dim, reduce, include_self = ctx.arguments
        shape = src._array.shape
        if shape != index._array.shape:
            src = src[tuple([slice(length) for length in index._array.shape])]
        own, given = _REDUCE_GRADIENTS[reduce](grad, input, dim, index, src, result, include_self)
        if not include_self:
            own = ScatterValue.apply(own, dim, index, 0, False)
        return own, None, None, _padded(given, shape), None, None, None


def _sum_gradients(grad: Any, input: Any, dim: int, index: Any, src: Any, result: Any, include_self: bool) -> Any:
    return grad, Gather.apply(grad, dim, index)


def _mean_gradients(grad: Any, input: Any, dim: int, index: Any, src: Any, result: Any, include_self: bool) -> Any:
    count = wrap(_counts(grad._array, dim, index._array, include_self).astype(grad._array.dtype, copy=False))
    share = grad / count
    return share, Gather.apply(share, dim, index)


def _product_gradients(grad: Any, input: Any, dim: int, index: Any, src: Any, result: Any, include_self: bool) -> Any:
    # What is divided by may not be zero: a factor of zero is taken for one where the others' product is wanted.
    start = input.masked_fill(input == 0, 1)
    own = grad * (ScatterReduce.apply(start, dim, index, src, "prod", include_self, False) / start)
    zero = src == 0
    none = wrap(np.zeros(input._array.shape, grad._array.dtype))
    count = Gather.apply(ScatterAdd.apply(none, dim, index, zero.to(grad.dtype), False), dim, index)
    alone = zero & (count == 1)
    others = ScatterReduce.apply(input, dim, index, src.masked_fill(alone, 1), "prod", include_self, False)
    of_zero = Gather.apply(grad * others, dim, index)
    of_rest = Gather.apply(grad * result, dim, index) / src.masked_fill(zero, 1)
    given = of_rest.masked_fill(alone, 0) + of_zero.masked_fill(~alone, 0)
    return own, OnceOnly.apply(given) if (count._array > 1).any() else given


class OnceOnly(Operation):
    """A gradient that has none itself: where two factors are zero, the formula misses their second derivative."""

    node_name = "DelayedError"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        return input._array[...]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        raise RuntimeError(
            "scatter_reduce(): Double backward is unsupported for src when >1 zeros in src are scattered to the same "
            "position in self"
        )


def _extremum_gradients(grad: Any, input: Any, dim: int, index: Any, src: Any, result: Any, include_self: bool) -> Any:
    # Equal extremes share the gradient.
    dtype = grad.dtype
    chosen = (src == Gather.apply(result, dim, index)).to(dtype).detach()
    own = (input == result).to(dtype).detach()
    ties = ScatterAdd.apply(own if include_self else own * 0, dim, index, chosen, False)
    if not include_self:
        ties = ties + (ties == 0).to(dtype)
    share = grad / ties.masked_fill(ties == 0, 1)
    if not include_self:
        own = wrap(np.ones(input._array.shape, grad._array.dtype))
        return grad * own, Gather.apply(share, dim, index) * chosen
    return share * own, Gather.apply(share, dim, index) * chosen


_REDUCERS = {"sum": "add", "mean": "add", "prod": "multiply", "amax": "maximum", "amin": "minimum"}
# Those that are one kernel.
_QUICK = {"sum": "add", "prod": "multiply", "amax": "maximum", "amin": "minimum"}
_REDUCE_GRADIENTS = {
    "sum": _sum_gradients, "mean": _mean_gradients, "prod": _product_gradients, "amax": _extremum_gradients,
    "amin": _extremum_gradients,
}  # fmt: skip


def _neutral(reduce: str, dtype: np.dtype[Any]) -> Any:
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    highest = reduce == "amin"
    if dtype.kind in "iu":
        return np.iinfo(dtype).max if highest else np.iinfo(dtype).min
    if dtype.kind == "b":
        return highest
    return np.inf if highest else -np.inf


def _counts(out: Array, dim: int, places: Array, include_self: bool) -> Array:
    """How many numbers meet in each place, 1 where none do: in the result's type, if that has numbers enough."""
    dtype = out.dtype if out.dtype.char in "fd" and places.size < 1 << 24 else np.dtype(np.int64)
    count = np.ones(out.shape, dtype) if include_self else np.zeros(out.shape, dtype)
    _write("add", count, dim, places, np.ones((), dtype))
    return count if include_self else np.maximum(count, 1, out=count)


def _write(how: str, out: Array, dim: int, places: Array, values: Array) -> None:
    if not places.size:
        return
    if not out.ndim:
        out, dim, places = out.reshape(1), 0, places.reshape(-1)
        values = values.reshape(-1)
    elif not places.ndim:
        places, values = places.reshape(1), values.reshape(1)
    scatter_along(how, out, dim, places, values)


def _cut(src: Array, shape: Shape) -> Array:
    return src if src.shape == shape else src[tuple([slice(length) for length in shape])]


def _padded(grad: Tensor, shape: Shape) -> Tensor:
    if grad._array.shape == shape:
        return grad
    from rushlight.ops.slicing import Embed, Slice

    return Embed.apply(grad, shape, Slice, (tuple([slice(length) for length in grad._array.shape]),))


def check_index(function: str, input: Tensor, dim: int, index: Any, src: Tensor | None) -> int:
    """The dimension counted from the front, once the shapes and types of index and source were checked.

    RuntimeError or IndexError where they don't fit. What the index holds is looked at by the kernels.
    """
    check_tensor(function, "input", 1, input)
    array = input._array
    dim = wrap_dim(dim, array.ndim)
    if not isinstance(index, Variable):
        raise TypeError(f"{function}(): argument 'index' must be Tensor, not {type(index).__name__}")
    places = index._array
    if not places.size:
        return dim
    if places.dtype.kind != "i" or places.itemsize < 4:
        raise RuntimeError(f"{function}(): Expected dtype int32/int64 for index")
    if max(places.ndim, 1) != max(array.ndim, 1):
        whose = "input" if function == "gather" else "self"
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {whose} tensor")
    _check_sizes(array, dim, places, None if src is None else src._array)
    if src is not None and src._array.dtype != array.dtype:
        raise RuntimeError(f"{function}(): Expected self.dtype to be equal to src.dtype")
    return dim


def applied(operation: type[Operation], inplace: bool, input: Tensor, dim: int, index: Tensor, *args: Any) -> Tensor:
    """What an operation makes of its arguments; RuntimeError in PyTorch's words where the index is out of range."""
    try:
        return (operation.inplace if inplace else operation.apply)(input, dim, index, *args)
    except IndexError:
        length = input._array.shape[dim] if input._array.ndim else 1
        places = elements(index)
        at = first_outside(places, length)
        if at is None:
            raise
        bad = places.reshape(-1)[at]
        raise RuntimeError(f"index {bad} is out of bounds for dimension {dim} with size {length}") from None


def _check_sizes(array: Array, dim: int, places: Array, src: Array | None) -> None:
    shape, own = places.shape or (1,), array.shape or (1,)
    for d, length in enumerate(shape):
        if d != dim and length > own[d]:
            if src is None:
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {shape_text(shape)} to be no larger than "
                    f"self {shape_text(own)} apart from dimension {dim}"
                )
            break
    else:
        if src is None or all(length <= more for length, more in zip(shape, src.shape or (1,), strict=False)):
            return
    assert src is not None
    raise RuntimeError(
        f"Expected index {shape_text(shape)} to be no larger than self {shape_text(own)} apart from dimension {dim} "
        f"and to be no larger size than src {shape_text(src.shape)}"
    )


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """The elements `input[..., index[..., i, ...], ...]` along `dim`, in the shape of `index`.

    RuntimeError for an index out of range, or longer than `input` in another dimension.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).gather(1, torch.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.gather.html
    """
    if out is None and (quick := gathered(input, dim, index)) is not None:
        return quick
    check_tensor("gather", "input", 1, input)
    dim = check_index("gather", input, dim, index, None)
    apart_from(out, input, index, shape=index._array.shape)
    return into(out, applied(Gather, False, input, dim, index), exact=True)


def _scatter(input: Tensor, dim: int, index: Tensor, src: Any, reduce: str | None, inplace: bool) -> Tensor:
    given: Any = src if isinstance(src, Variable) else None
    if given is not None and reduce is None:
        quick = scattered("copy", input, dim, index, src, inplace)
        if quick is not None:
            return quick
    dim = check_index("scatter", input, dim, index, given)
    if reduce is not None:
        names = {"add": "sum", "multiply": "prod"}
        if reduce not in names:
            raise RuntimeError("reduce argument must be either add or multiply.")
        if given is None:
            given = wrap(np.broadcast_to(fill_value_array(src, input._array), index._array.shape))
        return applied(ScatterReduce, inplace, input, dim, index, given, names[reduce], True, inplace)
    return applied(ScatterValue if given is None else Scatter, inplace, input, dim, index, src, inplace)


def _one_source(src: Any, value: Any) -> Any:
    if (src is None) == (value is None):
        raise TypeError("scatter() received an invalid combination of arguments - expected either src or value")
    return value if src is None else src


def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of `input` with elements of `src` (or one number) written at `index` along `dim`.

    `reduce="add"` or `"multiply"` combines with what is there. RuntimeError for an index out of range.

    >>> import rushlight as torch
    >>> torch.zeros(1, 3).scatter(1, torch.tensor([[2]]), 5.0)
    tensor([[0., 0., 5.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.scatter.html
    """
    given = _one_source(src, value)
    apart_from(out, index, given)
    return into(out, _scatter(input, dim, index, given, reduce, False), exact=True)


def scatter_(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """`scatter` in place."""
    return _scatter(input, dim, index, _one_source(src, value), reduce, True)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input` with elements of `src` added at `index` along `dim`.

    Shapes and errors are those of `scatter`, with a `src` of the input's dtype.

    >>> import rushlight as torch
    >>> torch.zeros(2).scatter_add(0, torch.tensor([1, 1]), torch.ones(2))
    tensor([0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.scatter_add.html
    """
    if out is None and (quick := scattered("add", input, dim, index, src, False)) is not None:
        return quick
    check_tensor("scatter_add", "input", 1, input)
    dim = check_index("scatter", input, dim, index, src)
    apart_from(out, index, src)
    return into(out, applied(ScatterAdd, False, input, dim, index, src, False), exact=True)


def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`scatter_add` in place."""
    quick = scattered("add", input, dim, index, src, True)
    if quick is not None:
        return quick
    return applied(ScatterAdd, True, input, check_index("scatter", input, dim, index, src), index, src, True)


def _reduction(reduce: str) -> str:
    reduce = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    if reduce not in _REDUCERS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    return reduce


def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of `input` with elements of `src` reduced ("sum", "prod", "mean", "amax", "amin") at `index` along `dim`.

    `include_self=False` leaves out what `input` holds at those places.

    Shapes and errors are those of `scatter`; RuntimeError for another reduction.

    >>> import rushlight as torch
    >>> torch.zeros(2).scatter_reduce(0, torch.tensor([1, 1]), torch.tensor([3.0, 5.0]), "amax")
    tensor([0., 5.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.scatter_reduce.html
    """
    if out is None and include_self and (how := _QUICK.get(reduce)) is not None:
        quick = scattered(how, input, dim, index, src, False)
        if quick is not None:
            return quick
    check_tensor("scatter_reduce", "input", 1, input)
    dim = check_index("scatter", input, dim, index, src)
    apart_from(out, index, src)
    result = applied(ScatterReduce, False, input, dim, index, src, _reduction(reduce), include_self, False)
    return into(out, result, exact=True)


def scatter_reduce_(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`scatter_reduce` in place."""
    dim = check_index("scatter", input, dim, index, src)
    return applied(ScatterReduce, True, input, dim, index, src, _reduction(reduce), include_self, True)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """`gather` whose index is broadcast with `input`; through all elements in a row without `dim`.

    Raises RuntimeError for an index that is not int64 or has another number of dimensions.

    >>> import rushlight as torch
    >>> x = torch.tensor([[3, 1], [2, 5]])
    >>> torch.take_along_dim(x, x.argsort(dim=1), dim=1)
    tensor([[1, 3],
            [2, 5]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.take_along_dim.html
    """
    if out is None and dim is not None and (quick := gathered(input, dim, indices)) is not None:
        return quick
    check_tensor("take_along_dim", "input", 1, input)
    check_tensor("take_along_dim", "indices", 2, indices)
    if indices._array.dtype != np.int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype.legacy_name}"
        )
    length = input._array.size if dim is None else input.size(dim)
    if indices._array.size and elements(indices).min() < 0:
        indices = indices.remainder(length)
    if dim is None:
        return gather(reshape(input, (-1,)), 0, reshape(indices, (-1,)), out=out)
    own, other = input._array.shape, indices._array.shape
    if len(own) != len(other):
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{len(own)} dimensions for input, and {len(other)} dimensions for indices"
        )
    dim = wrap_dim(dim, len(own))
    shape = np.broadcast_shapes((*own[:dim], 1, *own[dim + 1 :]), (*other[:dim], 1, *other[dim + 1 :]))
    wide = expand(input, (*shape[:dim], own[dim], *shape[dim + 1 :]))
    return gather(wide, dim, expand(indices, (*shape[:dim], other[dim], *shape[dim + 1 :])), out=out)


class ScatterMethods:
    """Tensor's methods of this family."""

    gather = gather
    scatter = scatter
    scatter_ = scatter_
    scatter_add = scatter_add
    scatter_add_ = scatter_add_
    scatter_reduce = scatter_reduce
    scatter_reduce_ = scatter_reduce_
    take_along_dim = take_along_dim
