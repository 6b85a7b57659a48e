"""Rules of `vmap`: elementwise operations, reductions, products of matrices, and what works on batches already.

A rule is called with the level, the operation and its arguments, some of which are batched at this level.
"""

from __future__ import annotations

import inspect
import math
from functools import cache
from typing import Any

from rushlight.autograd.transforms import contained, replaced
from rushlight.func._batch import INPLACE_RULES, RULES, BatchLevel, batched
from rushlight.func._kinds import ELEMENTWISE, LEADING, ONE_DIMENSION, PLACEWISE, classes
from rushlight.ops.activation import ThresholdBackward
from rushlight.ops.linear import ColumnSum, Linear
from rushlight.ops.matmul import Bmm, Dot, Mm, Mv
from rushlight.ops.promotion import result_type
from rushlight.ops.random_fill import _Fill
from rushlight.ops.reduce import Mean, MeanDim, Prod, ProdDim, Sum, SumDim
from rushlight.ops.weighted_products import Addbmm, Addmm, Addmv, Addr, Baddbmm
from rushlight.ops.write import Copy, FillTensor
from rushlight.tensor import Tensor

__all__: list[str] = []


def ndim(tensor: Any) -> int:
    """The number of dimensions of a sample."""
    return int(tensor._array.ndim)


def aligned(level: BatchLevel, args: tuple[Any, ...], rank: int | None = None) -> tuple[Any, ...]:
    """Values that broadcast against each other as their samples do: the batch first, then dimensions of one."""
    if rank is None:
        rank = max(ndim(a) for a in contained(args))

    def one(a: Any) -> Any:
        if a._level is not level:
            return a
        value, missing = a._value, rank - ndim(a)
        if missing <= 0:
            return value
        return value.reshape(value.shape[0], *(1,) * missing, *value.shape[1:])

    values: tuple[Any, ...] = replaced(args, one)
    return values


def promoted(level: BatchLevel, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments in the type that their samples have together, where the batch dimension would hide it.

    A tensor without dimensions counts less than others, and a batch of such has one.
    """
    tensors = [a for a in args if isinstance(a, Tensor)]
    if len({a.dtype for a in tensors}) < 2 or all(ndim(a) for a in tensors if a._level is level):
        return args
    given = [a for a in args if isinstance(a, Tensor | int | float | complex)]
    common = result_type(*given)
    return tuple(a.to(common) if isinstance(a, Tensor) and a.dtype is not common else a for a in args)


def elementwise(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """The operation on aligned values."""
    return level.wrapped(operation.apply(*aligned(level, promoted(level, args))))


def elementwise_inplace(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """The operation on aligned values, written into the first."""
    target = args[0]
    level.check_target(target)
    operation.inplace(target._value, *aligned(level, args[1:], ndim(target)))
    return target


@cache
def parameters(operation: Any) -> list[str]:
    """The names of forward's arguments, without ctx."""
    return list(inspect.signature(operation.forward).parameters)[1:]


def shifted(dim: Any, rank: int) -> Any:
    """Dimensions of a sample as dimensions of the batch; none named means all of the sample's."""
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(1, rank + 1))
    if isinstance(dim, int):
        return dim % rank + 1
    return tuple([d % rank + 1 for d in dim])


def one_dimension(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """An operation along some dimensions, which are one further back in a batch."""
    names = parameters(operation)
    places = [i for i, name in enumerate(names) if name in ("dim", "dims")]
    tensors = [a for a in args if isinstance(a, Tensor)]
    rank = max(ndim(a) for a in tensors)
    values = [level.whole(a) if isinstance(a, Tensor) else a for a in args]
    scalar = rank == 0
    if scalar:
        values = [v.unsqueeze(1) if isinstance(v, Tensor) else v for v in values]
        for i, name in enumerate(names[: len(values)]):
            if name == "keepdim":
                values[i] = False
    for i in places:
        if i < len(values):
            values[i] = 1 if scalar and isinstance(values[i], int) else shifted(values[i], max(rank, 1))
    out = operation.apply(*values)
    if scalar:
        outs = out if isinstance(out, tuple) else (out,)
        outs = tuple([o.squeeze(1) if o.dim() == 2 else o for o in outs])
        out = outs if isinstance(out, tuple) else outs[0]
    return level.wrapped(out)


def leading(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """An operation whose leading dimensions are batches already."""
    whole = replaced(args, level.whole)
    ranks = {ndim(a) for a in contained(args)}
    if len(ranks) > 1:
        return level.looped(operation, args)
    return level.wrapped(operation.apply(*whole))


def total(reduction: Any) -> Any:
    """The rule of a reduction of all elements: that of the same over all dimensions of a sample."""

    def rule(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
        value = args[0]._value
        if value.dim() == 1:
            return batched(level, reduction.apply(value.unsqueeze(1), (1,), False))
        return batched(level, reduction.apply(value, tuple(range(1, value.dim())), False))

    return rule


def _prod(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    value = args[0]._value
    return batched(level, ProdDim.apply(value.reshape(value.shape[0], math.prod(value.shape[1:])), 1, False))


def _mm(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    a, b = args
    x, y = level.value(a), level.value(b)
    if b._level is not level:
        size, n, k = x.shape
        return batched(level, Mm.apply(x.reshape(size * n, k), y).reshape(size, n, y.shape[1]))
    return batched(level, Bmm.apply(level.whole(a), y))


def _bmm(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    x, y = level.whole(args[0]), level.whole(args[1])
    size, count = x.shape[:2]
    out = Bmm.apply(x.reshape(size * count, *x.shape[2:]), y.reshape(size * count, *y.shape[2:]))
    return batched(level, out.reshape(size, count, *out.shape[1:]))


def _mv(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    a, v = args
    x, y = level.value(a), level.value(v)
    if a._level is not level:
        return batched(level, Mm.apply(y, x.t()))
    if v._level is not level:
        size, n, k = x.shape
        return batched(level, Mv.apply(x.reshape(size * n, k), y).reshape(size, n))
    return batched(level, Bmm.apply(x, y.unsqueeze(2)).squeeze(2))


def _dot(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    a, b = args
    if a._level is level and b._level is level:
        x, y = a._value, b._value
        return batched(level, Bmm.apply(x.unsqueeze(1), y.unsqueeze(2)).reshape(x.shape[0]))
    x, v = (a._value, b) if a._level is level else (b._value, a)
    return batched(level, Mv.apply(x, v))


def weighted(product: Any) -> Any:
    """The rule of `beta * input + alpha * product`: its parts."""

    def rule(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
        input, a, b, beta, alpha = args
        out = product(a, b)
        out = out if alpha == 1 else out * alpha
        if beta == 0:
            return out
        return out + (input if beta == 1 else input * beta)

    return rule


def _linear(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    bias, input, weight = args
    if bias._level is not level and weight._level is not level:
        value = input._value
        size, count, width = value.shape
        out = Linear.apply(bias, value.reshape(size * count, width), weight)
        return batched(level, out.reshape(size, count, weight.shape[0]))
    return Mm.apply(input, weight.t()) + bias


def _column_sum(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    return batched(level, args[0]._value.sum(1))


def _fill_inplace(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """Numbers drawn for all samples, or the same for each."""
    target = args[0]
    if level.randomness == "same":
        drawn = target._value[0].clone() if target._level is level else target
        operation.inplace(drawn, *args[1:])
        if target._level is level:
            target._value.copy_(drawn)
        return target
    if target._level is not level:
        raise RuntimeError(
            "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same "
            "randomness. If this is necessary for your usage, please file an issue with functorch."
        )
    operation.inplace(target._value, *args[1:])
    return target


def _fill_tensor_inplace(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """Of each sample its own number."""
    target, value = args
    level.check_target(target)
    if value._level is not level:
        operation.inplace(target._value, value)
    else:
        (given,) = aligned(level, (value,), ndim(target))
        Copy.inplace(target._value, given.expand(target._value.shape))
    return target


for _kind in classes(ELEMENTWISE):
    RULES[_kind] = elementwise
    INPLACE_RULES[_kind] = elementwise_inplace
for _kind in classes(PLACEWISE):
    RULES[_kind] = elementwise
    INPLACE_RULES[_kind] = elementwise_inplace
for _kind in classes(ONE_DIMENSION):
    RULES[_kind] = one_dimension
for _kind in classes(LEADING):
    RULES[_kind] = leading
# Its kernel broadcasts nothing.
RULES[ThresholdBackward] = leading
RULES.update({
    Sum: total(SumDim), Mean: total(MeanDim), Prod: _prod, Mm: _mm, Bmm: _bmm, Mv: _mv, Dot: _dot,
    Addmm: weighted(Mm.apply), Addmv: weighted(Mv.apply), Baddbmm: weighted(Bmm.apply),
    Addbmm: weighted(lambda a, b: Bmm.apply(a, b).sum(0)), Addr: weighted(lambda a, b: a.unsqueeze(1) * b.unsqueeze(0)),
    Linear: _linear, ColumnSum: _column_sum,
})  # fmt: skip
INPLACE_RULES[_Fill] = _fill_inplace
INPLACE_RULES[FillTensor] = _fill_tensor_inplace
