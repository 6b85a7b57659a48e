"""Looking rows up in a table, one by one and by bags.

Only rows that were looked up get a gradient, which may be a sparse tensor.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import as_one
from rushlight.autograd.variable import wrap
from rushlight.kernels.index import take_along
from rushlight.ops._numeric import Array, as_result, check_tensor, widened
from rushlight.ops._out import into, plain

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "Embedding", "EmbeddingBag", "EmbeddingGrad", "bag_bounds", "bag_options", "check_indices", "embedding",
    "embedding_bag", "embedding_renorm_", "renormalize",
]  # fmt: skip


class Embedding(Operation):
    """The rows of `weight` that `indices` name."""

    node_name = "EmbeddingBackward0"

    @staticmethod
    def forward(
        ctx: Any, weight: Any, indices: Any, padding_idx: int, scale_grad_by_freq: bool, sparse: bool = False
    ) -> Any:
        table, rows = weight._array, indices._array
        ctx.count, ctx.padding_idx, ctx.scale, ctx.sparse = table.shape[0], padding_idx, scale_grad_by_freq, sparse
        ctx.save_for_backward(indices)
        try:
            taken = take_along(table, 0, rows.reshape(-1).astype(np.int64, copy=False))
        except IndexError:
            raise IndexError("index out of range in self") from None
        return taken.reshape(*rows.shape, table.shape[1])

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (indices,) = ctx.saved_tensors
        to_weight = table_gradient(grad, indices, ctx.count, ctx.padding_idx, ctx.scale, ctx.sparse)
        return to_weight, None, None, None, None


def table_gradient(
    grad: Tensor, indices: Tensor, count: int, padding_idx: int, scale_grad_by_freq: bool, sparse: bool
) -> Tensor:
    """The gradient of a table of `count` rows from those of the rows that were looked up."""
    if not sparse:
        return EmbeddingGrad.apply(grad, indices, count, padding_idx, scale_grad_by_freq)
    if scale_grad_by_freq:
        raise RuntimeError("embedding_backward: scale_grad_by_freq not supported with sparse gradients")
    from rushlight.sparse import rows

    array = grad._array
    index, values = indices._array.reshape(-1), array.reshape(-1, array.shape[-1])
    if padding_idx >= 0:
        kept = index != padding_idx
        index, values = index[kept], values[kept]
    return rows(index, values, count)


class EmbeddingGrad(Operation):
    """Each gradient added to the row its index names; the padding row stays zero."""

    node_name = "EmbeddingDenseBackwardBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Any, indices: Any, count: int, padding_idx: int, scale_grad_by_freq: bool) -> Any:
        array = grad._array
        rows = indices._array.reshape(-1).astype(np.int64, copy=False)
        values = np.ascontiguousarray(array.reshape(len(rows), array.shape[-1]))
        factor = (1 / np.bincount(rows, minlength=count)[rows]).astype(values.dtype) if scale_grad_by_freq else None
        source = None
        weights = factor
        if padding_idx >= 0:
            source = np.flatnonzero(rows != padding_idx)
            rows, weights = rows[source], None if factor is None else factor[source]
        ctx.source, ctx.factor = source, factor
        ctx.save_for_backward(indices)
        return as_result(kernels.scatter_sum(widened(values), source, rows, count, weights), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (indices,) = ctx.saved_tensors
        out = grad[indices]
        size = indices._array.size
        scale = np.ones(size, grad._array.dtype) if ctx.factor is None else ctx.factor
        if ctx.source is not None:
            kept = np.zeros_like(scale)
            kept[ctx.source] = scale[ctx.source]
            scale = kept
        return out * wrap(scale.reshape(*indices._array.shape, 1)), None, None, None, None


class _Bags:
    """Which rows are in which bag: bag b holds the entries of `index` from `bounds[b]` up to `bounds[b + 1]`.

    `kept` says which of the user's entries these are, None for all: entries that are padding, or that no bag holds,
    count for nothing.
    """

    def __init__(self, index: Array, bounds: Array, padding_idx: int) -> None:
        self.all_indices = index
        self.kept: Array | None = None
        if padding_idx >= 0 or bounds[-1] < len(index):
            self.kept = index != padding_idx
            self.kept[bounds[-1] :] = False
            bounds = np.concatenate(([0], np.cumsum(self.kept)))[bounds]
            index = index[self.kept]
        self.index, self.bounds = index.astype(np.int64, copy=False), bounds

    @cached_property
    def counts(self) -> Array:
        """How many entries each bag has."""
        return np.diff(self.bounds)

    @cached_property
    def of_entry(self) -> Array:
        """The bag of each entry."""
        return np.repeat(np.arange(len(self.bounds) - 1), self.counts)

    def of_kept(self, of_all: Tensor) -> Tensor:
        """What belongs to the entries that count, of what belongs to each."""
        return of_all if self.kept is None else of_all[wrap(self.kept)]

    def shares_by_frequency(self) -> Array:
        """What each entry's gradient is multiplied by for `scale_grad_by_freq`.

        As PyTorch computes it: the u-th distinct index is divided by the frequency of the u-th of all indices in order,
        which is its own only while none before it repeats.
        """
        ordered = np.sort(self.all_indices)
        distinct, counts = np.unique(ordered, return_counts=True)
        frequency = counts[np.searchsorted(distinct, ordered[: len(distinct)])]
        return 1 / frequency[np.searchsorted(distinct, self.index)]


def _check_range(index: Array, count: int) -> None:
    """RuntimeError for an index of bags that is not in [0, count)."""
    outside = np.flatnonzero((index < 0) | (index >= count))
    if outside.size:
        at = int(outside[0])
        raise RuntimeError(
            f"Index {at} of input takes value {int(index[at])} which is not in the valid range [0, {count})"
        )


class EmbeddingBag(Operation):
    """The sum, mean or maximum of the rows that each bag of indices names.

    `bags` says where they begin and end; an empty one gives zeros. Indices that are the padding count for nothing. Only
    sums may have a weight for each index.
    """

    node_name = "EmbeddingBagBackward0"

    @staticmethod
    def forward(
        ctx: Any,
        weight: Any,
        indices: Any,
        per_sample_weights: Any,
        bounds: Array,
        mode: str,
        options: tuple[int, bool, bool],
    ) -> Any:
        table = weight._array
        padding_idx, ctx.scale, ctx.sparse = options
        ctx.bags = bags = _Bags(indices._array, bounds, padding_idx)
        if bags.kept is not None:
            _check_range(indices._array, table.shape[0])
        ctx.count, ctx.mode = table.shape[0], mode
        ctx.save_for_backward(weight if per_sample_weights is not None else None, per_sample_weights)
        factors = None
        if per_sample_weights is not None:
            factors = widened(per_sample_weights._array)
            factors = factors if bags.kept is None else factors[bags.kept]
        try:
            rows, index = table, bags.index
            if table.dtype.char not in "fd":
                rows, index = widened(table[index]), np.arange(len(index))
            if mode == "max":
                out, ctx.places = kernels.gather_max(rows, index, bags.bounds)
            else:
                out = kernels.gather_sum(rows, index, bags.bounds, factors, mode == "mean")
        except IndexError:
            _check_range(indices._array, table.shape[0])
            raise
        return as_result(out, table.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        weight, per_sample_weights = ctx.saved_tensors
        bags = ctx.bags
        to_weight = to_samples = None
        if ctx.mode == "max":
            return EmbeddingMaxGrad.apply(grad, bags, ctx.places, ctx.count), None, None, None, None, None
        if ctx.needs_input_grad[0]:
            each = grad
            if ctx.mode == "mean":
                each = grad * wrap((1 / np.maximum(bags.counts, 1))[:, None].astype(grad._array.dtype))
            factors = None if per_sample_weights is None else bags.of_kept(per_sample_weights)
            if ctx.sparse:
                to_weight = _sparse_gradient(each, factors, bags, ctx.count, ctx.scale)
            else:
                if ctx.scale:
                    shares = wrap(bags.shares_by_frequency().astype(grad._array.dtype))
                    factors = shares if factors is None else factors * shares
                to_weight = EmbeddingBagGrad.apply(each, factors, bags, ctx.count)
        if ctx.needs_input_grad[2]:
            to_samples = (grad[wrap(bags.of_entry)] * weight[wrap(bags.index)]).sum(1)
            if bags.kept is not None:
                to_samples = grad.new_zeros(len(bags.kept)).index_put((wrap(bags.kept),), to_samples)
        return to_weight, None, to_samples, None, None, None


def _sparse_gradient(grad: Any, factors: Any, bags: _Bags, count: int, scale_grad_by_freq: bool) -> Tensor:
    """The gradient of a table of `count` rows as a sparse tensor with an entry for each that a bag holds."""
    if scale_grad_by_freq:
        raise RuntimeError("embedding_backward: scale_grad_by_freq not supported with sparse gradients")
    from rushlight.sparse import rows

    array = grad._array
    weights = None if factors is None else widened(factors._array)
    values = kernels.gather_sum(widened(np.ascontiguousarray(array)), bags.of_entry, None, weights)
    return rows(bags.index, as_result(values, array.dtype), count)


class EmbeddingBagGrad(Operation):
    """The gradients of bags, times a factor for each entry, added to the rows of the table that the entries name."""

    @staticmethod
    def forward(ctx: Any, grad: Any, factors: Any, bags: _Bags, count: int) -> Any:
        ctx.bags = bags
        ctx.save_for_backward(grad if factors is not None else None, factors)
        array = grad._array
        weights = None if factors is None else widened(factors._array)
        out = kernels.scatter_sum(widened(np.ascontiguousarray(array)), bags.of_entry, bags.index, count, weights)
        return as_result(out, array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        of_bags, factors = ctx.saved_tensors
        bags = ctx.bags
        index = wrap(bags.index)
        to_factors = None
        if ctx.needs_input_grad[1]:
            to_factors = (of_bags[wrap(bags.of_entry)] * grad[index]).sum(1)
        to_bags = EmbeddingBag.apply(grad, index, factors, bags.bounds, "sum", (-1, False, False))
        return to_bags, to_factors, None, None


class EmbeddingMaxGrad(Operation):
    """The gradient of each maximum added to the element of the table that it was."""

    @staticmethod
    def forward(ctx: Any, grad: Any, bags: _Bags, places: Array, count: int) -> Any:
        array = grad._array
        width = array.shape[1]
        source = np.flatnonzero(places >= 0)
        target = bags.index[places.reshape(-1)[source]] * width + source % width
        ctx.source, ctx.target, ctx.shape = source, target, array.shape
        out = kernels.scatter_sum(widened(np.ascontiguousarray(array)).reshape(-1, 1), source, target, count * width)
        # Not by `reshape`: a gradient that is nobody's view is taken over without a copy.
        out.resize((count, width), refcheck=False)
        return as_result(out, array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        found = grad.reshape(-1)[wrap(ctx.target)]
        out = grad.new_zeros(math.prod(ctx.shape)).index_put((wrap(ctx.source),), found)
        return out.reshape(ctx.shape), None, None, None


@as_one
def renormalize(weight: Tensor, rows: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows in use down to a norm of `max_norm`, in place."""
    used = np.unique(rows._array)
    table = weight._array
    if used.size and (used[0] < 0 or used[-1] >= table.shape[0]):
        raise IndexError("index out of range in self")
    norms = np.linalg.norm(table[used].astype(np.float64), norm_type, axis=1)
    long = norms > max_norm
    table[used[long]] *= (max_norm / (norms[long] + 1e-7)).astype(table.dtype)[:, None]
    weight.bump_version()


def check_indices(indices: Tensor, function: str) -> None:
    """RuntimeError for indices of a type other than int64 and int32."""
    if indices.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{indices.dtype.legacy_name}Tensor instead (while checking arguments for {function})"
        )


def bag_options(
    weight: Tensor, padding_idx: int | None, scale_grad_by_freq: bool, sparse: bool
) -> tuple[int, bool, bool]:
    """The padding as a row or -1, and the two flags; RuntimeError for a padding out of range."""
    count = weight.shape[0]
    if padding_idx is not None and not -count <= padding_idx < count:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, -{count} through {count - 1}, but got {padding_idx}"
        )
    return -1 if padding_idx is None else padding_idx % count, scale_grad_by_freq, sparse


def bag_bounds(offsets: Array, length: int, include_last_offset: bool) -> Array:
    """Where each bag begins, and at last where the last one ends; RuntimeError for offsets that name no bags."""
    if include_last_offset and not len(offsets):
        raise RuntimeError("include_last_offset: number of offset should be at least 1")
    if len(offsets):
        if offsets[0] != 0:
            raise RuntimeError(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
                f"However, got {int(offsets[0])}"
            )
        if offsets[-1] > length:
            raise RuntimeError(
                f"offsets[-1] can not be greater than input's length {length} but got offsets[-1] of {int(offsets[-1])}"
            )
        if (np.diff(offsets) < 0).any():
            raise RuntimeError("offsets must not decrease: each bag begins where the one before it ends")
    if include_last_offset:
        return offsets
    return np.append(offsets, length if len(offsets) else 0)


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The rows of `weight` `(V, D)` that the int64 or int32 `indices` `(*)` name: `(*, D)`.

    The arguments are in ATen's order; `nn.functional.embedding` says what they mean. IndexError for an index out of
    range.

    >>> import rushlight as torch
    >>> torch.embedding(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1]))
    tensor([[3., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.embedding.html
    """
    check_tensor("embedding", "weight", 1, weight)
    check_tensor("embedding", "indices", 2, indices)
    check_indices(indices, "embedding")
    if weight._array.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    return into(out, Embedding.apply(weight, indices, padding_idx, scale_grad_by_freq, sparse), exact=True)


def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Scale the rows of `input` that `indices` name down to a norm of `max_norm`, in place.

    The indices are int64 or int32; RuntimeError for others.

    >>> import rushlight as torch
    >>> torch.embedding_renorm_(torch.tensor([[3.0, 4.0], [6.0, 8.0]]), torch.tensor([1]), 5.0, 2.0)
    tensor([[3., 4.],
            [3., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.embedding.html
    """
    check_tensor("embedding_renorm_", "input", 1, input)
    check_tensor("embedding_renorm_", "indices", 2, indices)
    check_indices(indices, "embedding_renorm_")
    if input._array.ndim != 2:
        raise RuntimeError(f"Expected 2-dimensional tensor for argument #1 'self', but got {input._array.ndim}")
    renormalize(input, indices, max_norm, norm_type)
    return input


_MODES = ("sum", "mean", "max")


def embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The sum (`mode` 0), mean (1) or maximum (2) of the rows of `weight` that each bag of indices names.

    The arguments are in ATen's order; `nn.functional.embedding_bag` says what they mean. Beside the result: the bag of
    each index, the size of each bag, and where the maxima stood; of what a mode does not need, zeros or nothing.

    >>> import rushlight as torch
    >>> table = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.embedding_bag(table, torch.tensor([0, 1]), torch.tensor([0]), mode=1)[0]
    tensor([[2., 3.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.embedding_bag.html
    """
    for position, (name, tensor) in enumerate((("weight", weight), ("indices", indices), ("offsets", offsets)), 1):
        check_tensor("embedding_bag", name, position, tensor)
    check_indices(indices, "embedding_bag")
    check_indices(offsets, "embedding_bag")
    if mode not in (0, 1, 2):
        raise RuntimeError(f"embedding_bag: expected mode 0, 1 or 2, got {mode}")
    if per_sample_weights is not None and mode:
        raise RuntimeError("embedding_bag: per_sample_weights only supported with mode='sum'")
    places = offsets._array.astype(np.int64, copy=False)
    bounds = bag_bounds(places, indices._array.size, include_last_offset)
    options = bag_options(weight, padding_idx, scale_grad_by_freq, sparse)
    result = EmbeddingBag.apply(weight, indices, per_sample_weights, bounds, _MODES[mode], options)
    bags = _Bags(indices._array, bounds, options[0])
    none = np.zeros(len(bounds) - 1, np.int64)
    largest = counts = bags.counts if mode else none
    if mode == 2:
        _, places = kernels.gather_max(widened(weight._array), bags.index, bags.bounds)
        largest = np.where(places >= 0, bags.index[places] if len(bags.index) else 0, 0)
    simple = mode == 0 and options[0] < 0 and weight._array.dtype.char in "fe"
    of_entry = np.repeat(np.arange(len(none)), np.diff(bounds))
    return result, plain(of_entry[:0] if simple else of_entry), plain(counts), plain(largest)
