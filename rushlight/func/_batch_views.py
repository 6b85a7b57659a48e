"""Rules of `vmap` for views, which share the batch's memory, for joining and for indexing."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.operation import ViewOperation
from rushlight.func._batch import INPLACE_RULES, RULES, BatchLevel, batched
from rushlight.func._batch_rules import ndim
from rushlight.ops._geometry import inferred_shape
from rushlight.ops.axes import Permute, T, Transpose
from rushlight.ops.broadcast import Expand
from rushlight.ops.index import Index, IndexPut, IndexSum
from rushlight.ops.index_along import IndexSelect
from rushlight.ops.joining import Cat, Stack
from rushlight.ops.rearranging import Repeat, Roll
from rushlight.ops.scatter import Gather, Scatter, ScatterAdd, ScatterReduce, ScatterValue
from rushlight.ops.sequences import arange
from rushlight.ops.shape import Alias, Squeeze, UnsafeView, Unsqueeze, View, ViewDtype
from rushlight.ops.slicing import AsStrided, BasicIndex, DiagEmbed, Diagonal, Embed, Fold, Unfold, select
from rushlight.ops.splitting import Split, Unbind
from rushlight.tensor import Tensor

__all__: list[str] = []


def _same(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    return level.wrapped(operation.apply(args[0]._value, *args[1:]))


def _shape(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    value = args[0]._value
    count = args[0]._array.size
    shape = tuple(args[1])
    if -1 in shape:
        shape = tuple(inferred_shape(shape, count))
    return batched(level, operation.apply(value, (value.shape[0], *shape)))


def _expand(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    value, shape = args[0]._value, tuple(args[1])
    missing = len(shape) - ndim(args[0])
    if missing:
        value = value.view(value.shape[0], *(1,) * missing, *value.shape[1:]) if missing > 0 else value
    return batched(level, operation.apply(value, (value.shape[0], *shape)))


def _permute(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    rank = ndim(args[0])
    return batched(level, Permute.apply(args[0]._value, (0, *[d % rank + 1 for d in args[1]])))


def _transpose(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    rank = ndim(args[0])
    if not rank:
        return batched(level, Alias.apply(args[0]._value))
    return batched(level, operation.apply(args[0]._value, args[1] % rank + 1, args[2] % rank + 1))


def _t(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    if ndim(args[0]) < 2:
        return batched(level, Alias.apply(args[0]._value))
    return batched(level, Transpose.apply(args[0]._value, 1, 2))


def _squeeze(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    return batched(level, operation.apply(args[0]._value, tuple([d + 1 for d in args[1]])))


def _unsqueeze(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    return batched(level, operation.apply(args[0]._value, args[1] + 1))


def _later(key: Any) -> tuple[Any, ...]:
    """A basic index of a sample as one of the batch."""
    return (slice(None), *(key if isinstance(key, tuple) else (key,)))


def _basic(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    return batched(level, operation.apply(args[0]._value, _later(args[1])))


def _diagonal(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    value, offset, dim1, dim2 = args[0]._value, *args[1:]
    return batched(level, operation.apply(value, offset, dim1 + 1, dim2 + 1))


def _unfold(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    if not ndim(args[0]):
        return batched(level, args[0]._value.unsqueeze(1)[:, : args[2]])
    return batched(level, operation.apply(args[0]._value, args[1] + 1, *args[2:]))


def _pieces(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    return level.wrapped(operation.apply(args[0]._value, args[1] + 1, *args[2:]))


def _embed(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    grad, shape, view, arguments = args
    whole = (level.size, *shape)
    if issubclass(view, BasicIndex):
        return batched(level, Embed.apply(grad._value, whole, view, (_later(arguments[0]), *arguments[1:])))
    if issubclass(view, Diagonal):
        offset, dim1, dim2 = arguments
        return batched(level, Embed.apply(grad._value, whole, view, (offset, dim1 + 1, dim2 + 1)))
    return level.looped(operation, args)


def _fold(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    grad, shape, dim, size, step = args
    if not shape:
        return level.looped(operation, args)
    return batched(level, operation.apply(grad._value, (level.size, *shape), dim + 1, size, step))


def _cat(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    dim, tensors = args[0], args[1:]
    rank = max(ndim(t) for t in tensors)
    kept = [t for t in tensors if tuple(t.shape) != (0,) or rank == 1] or list(tensors)
    values = [level.whole(t) for t in kept]
    return batched(level, operation.apply(dim + 1 if dim >= 0 else dim, *values))


def _stack(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    return batched(level, operation.apply(args[0] + 1, *[level.whole(t) for t in args[1:]]))


def _repeat(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    value, repeats = args[0]._value, tuple(args[1])
    missing = len(repeats) - ndim(args[0])
    if missing:
        value = value.reshape(value.shape[0], *(1,) * missing, *value.shape[1:])
    return batched(level, operation.apply(value, (1, *repeats)))


def _roll(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    value, shifts, dims = args[0]._value, args[1], args[2]
    if dims is None or isinstance(dims, int) or not len(dims) or not ndim(args[0]):
        return level.looped(operation, args)
    rank = ndim(args[0])
    return batched(level, operation.apply(value, shifts, tuple([d % rank + 1 for d in dims])))


def _diag_embed(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    value, offset, dim1, dim2 = args[0]._value, *args[1:]
    return batched(level, operation.apply(value, offset, dim1 + 1, dim2 + 1))


def _along(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """Gather and scatter: a batch is one more dimension along which nothing moves."""
    tensors = [a for a in args if isinstance(a, Tensor)]
    rank = ndim(args[0])
    if not rank or any(ndim(t) != rank for t in tensors):
        return level.looped(operation, args)
    values = [level.whole(a) if isinstance(a, Tensor) else a for a in args]
    values[1] = values[1] % rank + 1
    return batched(level, operation.apply(*values))


def _along_inplace(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    target = args[0]
    level.check_target(target)
    tensors = [a for a in args if isinstance(a, Tensor)]
    rank = ndim(target)
    if not rank or any(ndim(t) != rank for t in tensors):
        return level.looped_inplace(operation, args)
    values = [level.whole(a) if isinstance(a, Tensor) else a for a in args]
    values[1] = values[1] % rank + 1
    operation.inplace(*values)
    return target


def _index_select(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    input, dim, index = args
    rank = ndim(input)
    if not rank or ndim(index) > 1:
        return level.looped(operation, args)
    if index._level is not level:
        return batched(level, operation.apply(input._value, dim % rank + 1, index))
    if ndim(index) != 1:
        return level.looped(operation, args)
    value = level.whole(input)
    place = dim % rank + 1
    shape = [value.shape[0], *[1] * rank]
    shape[place] = index._value.shape[1]
    full = list(value.shape)
    full[place] = index._value.shape[1]
    return batched(level, Gather.apply(value, place, index._value.reshape(shape).expand(full)))


def _indices(level: BatchLevel, layout: tuple[bool, ...], indices: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Layout and index tensors of the batch; None where a rule would put dimensions elsewhere than a sample does."""
    if any(i.dtype.name in ("bool", "uint8") for i in indices):
        return None
    rank = max(ndim(i) for i in indices)
    if not any(i._level is level for i in indices):
        return ((False, *layout), indices)
    places = [k for k, indexed in enumerate(layout) if indexed]
    if places != list(range(len(places))):
        # Gathered dimensions would move between those that stay.
        return None
    samples = arange(level.size).reshape(level.size, *(1,) * rank)

    def one(i: Any) -> Any:
        if i._level is not level:
            return i
        return i._value.reshape(level.size, *(1,) * (rank - ndim(i)), *i._value.shape[1:])

    return ((True, *layout), (samples, *[one(i) for i in indices]))


def _separated(layout: tuple[bool, ...]) -> bool:
    """Whether the indexed dimensions are apart, so that what they gather comes first."""
    places = [k for k, indexed in enumerate(layout) if indexed]
    return bool(places) and places[-1] - places[0] + 1 != len(places)


def _index(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    input, layout, indices = args[0], args[1], args[2:]
    if any(i.dtype.name in ("bool", "uint8") and i._level is level for i in indices):
        raise RuntimeError(
            "vmap: We do not support batching operators that can support dynamic shape. Attempting "
            "to batch over indexing "
            "with a boolean mask."
        )
    found = _indices(level, layout, indices)
    if found is None or _separated(layout):
        return level.looped(operation, args)
    return batched(level, operation.apply(level.whole(input), found[0], *found[1]))


def _index_sum(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    grad, shape, layout, indices = args[0], args[1], args[2], args[3:]
    found = _indices(level, layout, indices)
    if found is None or _separated(layout):
        return level.looped(operation, args)
    return batched(level, operation.apply(level.whole(grad), (level.size, *shape), found[0], *found[1]))


def _index_put_parts(level: BatchLevel, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    input, values, accumulate, inplace, layout, indices = *args[:5], args[5:]
    found = _indices(level, layout, indices)
    if found is None or _separated(layout):
        return None
    gathered = max(ndim(i) for i in indices) + len(layout) - sum(layout) + max(0, ndim(input) - len(layout))
    value = level.value(values)
    if values._level is level and ndim(values) < gathered:
        value = value.reshape(level.size, *(1,) * (gathered - ndim(values)), *value.shape[1:])
    first = layout[0] if layout else False
    if values._level is level and not first and not any(i._level is level for i in indices):
        # The batch leads, and what is gathered stands where it was.
        pass
    return (level.whole(input), value, accumulate, inplace, found[0], *found[1])


def _index_put(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    found = _index_put_parts(level, args)
    return level.looped(operation, args) if found is None else batched(level, operation.apply(*found))


def _index_put_inplace(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    level.check_target(args[0])
    found = _index_put_parts(level, args)
    if found is None:
        return level.looped_inplace(operation, args)
    operation.inplace(*found)
    return args[0]


def _strided(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """The storage under other strides, from where each sample begins in it."""
    value, size, stride, offset = args[0]._value, *args[1:]
    first = offset - args[0].storage_offset()
    rows = [select(value, 0, i) for i in range(level.size)]
    return level.stacked([operation.apply(row, size, stride, row.storage_offset() + first) for row in rows])


def _view_fallback(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """A view without a rule: of each sample one, put together as a copy."""
    return level.looped(operation, args)


RULES[ViewOperation] = _view_fallback
RULES[AsStrided] = _strided
RULES.update({
    View: _shape, UnsafeView: _shape, ViewDtype: _same, Alias: _same, Expand: _expand, Permute: _permute,
    Transpose: _transpose, T: _t, Squeeze: _squeeze, Unsqueeze: _unsqueeze, BasicIndex: _basic, Diagonal: _diagonal,
    Unfold: _unfold, Split: _pieces, Unbind: _pieces, Embed: _embed, Fold: _fold, Cat: _cat, Stack: _stack,
    Repeat: _repeat, Roll: _roll, DiagEmbed: _diag_embed, Gather: _along, Scatter: _along, ScatterValue: _along,
    ScatterAdd: _along, ScatterReduce: _along, IndexSelect: _index_select, Index: _index, IndexSum: _index_sum,
    IndexPut: _index_put,
})  # fmt: skip
INPLACE_RULES.update({
    Scatter: _along_inplace, ScatterValue: _along_inplace, ScatterAdd: _along_inplace, ScatterReduce: _along_inplace,
    IndexPut: _index_put_inplace,
})  # fmt: skip
