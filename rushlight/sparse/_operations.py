"""What is computed on the dense parts of sparse tensors: their values, and dense tensors, along a pattern of places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels.reference.sparse import Pattern, product, reduced_product, sampled_product, segment_reduce
from rushlight.ops._numeric import as_result, widened
from rushlight.ops.arithmetic import conj_of

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["Gather", "Groups", "Product", "ReducedProduct", "SampledProduct", "Spread", "Total", "renamed"]


class Product(Operation):
    """A sparse matrix of these values, times a dense matrix."""

    node_name = "SparseAddmmBackward0"

    @staticmethod
    def forward(ctx: Any, values: Tensor, dense: Tensor, pattern: Pattern) -> Any:
        needs = ctx.needs_input_grad
        ctx.save_for_backward(values if needs[1] else None, dense if needs[0] else None)
        ctx.pattern = pattern
        found = product(pattern, widened(values._array), widened(dense._array))
        return as_result(found, values._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        values, dense = ctx.saved_tensors
        needs, pattern = ctx.needs_input_grad, ctx.pattern
        return (
            SampledProduct.apply(grad, conj_of(dense), pattern) if needs[0] else None,
            Product.apply(conj_of(values), grad, pattern.flipped) if needs[1] else None,
            None,
        )


class SampledProduct(Operation):
    """The elements along a pattern of `left` `(n, m)` times the transpose of `right` `(k, m)`."""

    node_name = "SparseSampledAddmmBackward0"

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, pattern: Pattern) -> Any:
        needs = ctx.needs_input_grad
        ctx.save_for_backward(left if needs[1] else None, right if needs[0] else None)
        ctx.pattern = pattern
        found = sampled_product(pattern, widened(left._array), widened(right._array))
        return as_result(found, left._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        left, right = ctx.saved_tensors
        needs, pattern = ctx.needs_input_grad, ctx.pattern
        return (
            Product.apply(grad, conj_of(right), pattern) if needs[0] else None,
            Product.apply(grad, conj_of(left), pattern.flipped) if needs[1] else None,
            None,
        )


class ReducedProduct(Operation):
    """A sparse matrix times a dense one, with another reduction than the sum: "mean", "amax", "amin"."""

    node_name = "SparseMmReduceImplBackward0"

    @staticmethod
    def forward(ctx: Any, values: Tensor, dense: Tensor, pattern: Pattern, how: str) -> Any:
        ctx.save_for_backward(values, dense)
        found, ctx.which = reduced_product(pattern, widened(values._array), widened(dense._array), how)
        ctx.pattern, ctx.how = pattern, how
        return as_result(found, values._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        values, dense = ctx.saved_tensors
        pattern = ctx.pattern
        if ctx.which is None:
            if ctx.how == "mean":
                grad = grad / wrap(np.maximum(pattern.counts, 1)[:, None].astype(grad._array.dtype))
            of_values = SampledProduct.apply(grad, dense, pattern)
            return of_values, Product.apply(values, grad, pattern.flipped), None, None
        chosen = ctx.which >= 0
        column = wrap(np.broadcast_to(np.arange(chosen.shape[1]), chosen.shape)[chosen])
        entry, taken = wrap(ctx.which[chosen]), grad[wrap(chosen)]
        row = wrap(pattern.col)[entry]
        of_values = values.new_zeros(values.shape).index_put((entry,), taken * dense[row, column], accumulate=True)
        of_dense = dense.new_zeros(dense.shape).index_put((row, column), taken * values[entry], accumulate=True)
        return of_values, of_dense, None, None


class Groups:
    """Which of the values belong together: the order that brings them together, and where each group begins."""

    def __init__(self, keys: Any) -> None:
        in_order = keys.size < 2 or bool((keys[1:] >= keys[:-1]).all())
        self.order, ordered = None, keys
        if not in_order:
            ordered, self.order = kernels.sort_along(keys, 0, False, True)
        first = np.ones(len(ordered), np.bool_)
        first[1:] = ordered[1:] != ordered[:-1]
        self.starts = np.flatnonzero(first)
        # The key of each group.
        self.keys = ordered[self.starts]
        rank = np.cumsum(first) - 1
        # The group of each value.
        self.of_value = rank
        if self.order is not None:
            self.of_value = np.empty_like(rank)
            self.of_value[self.order] = rank

    def first(self) -> Any:
        """The first value of each group."""
        return self.starts if self.order is None else self.order[self.starts]

    def reduce(self, ufunc: Any, values: Any) -> Any:
        """The reduction of each group."""
        if ufunc is np.add and self.order is not None and values.ndim > 1:
            # Whatever the dimensions of a value, it is a row of a table.
            bounds = np.append(self.starts, len(values))
            found = kernels.gather_sum(values.reshape(len(values), -1), self.order, bounds)
            return found.reshape(len(self.starts), *values.shape[1:])
        return segment_reduce(ufunc, values, self.order, self.starts)


class Total(Operation):
    """The sum of each group of values."""

    node_name = "CoalesceBackward0"

    @staticmethod
    def forward(ctx: Any, values: Tensor, groups: Groups) -> Any:
        ctx.groups = groups
        array = values._array
        # Of truths, whether one of them is true.
        ufunc = np.logical_or if array.dtype == np.bool_ else np.add
        return as_result(groups.reduce(ufunc, widened(array)), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad[wrap(ctx.groups.of_value)], None


class Spread(Operation):
    """A dense tensor of zeros with values at the places that `coordinates` `(dims, nnz)` name; equal places add up."""

    node_name = "ToDenseBackward0"

    @staticmethod
    def forward(ctx: Any, values: Tensor, coordinates: Any, size: tuple[int, ...], once: bool) -> Any:
        array = values._array
        ctx.arguments = coordinates, size, once
        out = np.zeros(size, array.dtype)
        if not len(coordinates):
            # No dimension names a place: all values are at the one there is.
            out[...] = as_result(widened(array).sum(axis=0, dtype=widened(array).dtype), array.dtype)
            return out
        if not once:
            lengths = size[: len(coordinates)]
            groups = Groups(np.ravel_multi_index(tuple(coordinates), lengths)) if array.size else None
            if groups is not None and len(groups.keys) < len(array):
                ufunc = np.logical_or if array.dtype == np.bool_ else np.add
                array = as_result(groups.reduce(ufunc, widened(array)), array.dtype)
                coordinates = coordinates[:, groups.first()]
        out[tuple(coordinates)] = array
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Gather.apply(grad, *ctx.arguments), None, None, None


class Gather(Operation):
    """The elements of a dense tensor at the places that `coordinates` `(dims, nnz)` name."""

    node_name = "ToSparseBackward0"

    @staticmethod
    def forward(ctx: Any, dense: Tensor, coordinates: Any, size: tuple[int, ...], once: bool) -> Any:
        ctx.arguments = coordinates, size, once
        array = dense._array
        if not len(coordinates):
            return np.broadcast_to(array, (coordinates.shape[1], *array.shape)).copy()
        return array[tuple(coordinates)]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Spread.apply(grad, *ctx.arguments), None, None, None


class GatherMasked(Gather):
    """`Gather`, as the values of `sparse_mask`."""

    node_name = "SparseMaskBackward0"


class _Renamed(Operation):
    """The same values, by the name of another step."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Any:
        return values._array.view()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad


_NAMED: dict[str, type[_Renamed]] = {}


def renamed(values: Any, node_name: str) -> Any:
    """Values whose place in the graph is a step of their own; themselves where nothing is recorded.

    The values are in memory of their own, which nothing else is going to write to.
    """
    if not values.requires_grad:
        return values
    kind = _NAMED.get(node_name)
    if kind is None:
        kind = _NAMED[node_name] = type("Renamed", (_Renamed,), {"node_name": node_name, "__doc__": _Renamed.__doc__})
    return kind.apply(values)
