"""Looking rows up in a table, one by one and by bags.

Only rows that were looked up get a gradient, which may be a sparse tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import as_one
from rushlight.autograd.variable import wrap
from rushlight.kernels.index import add_at
from rushlight.ops._numeric import as_result, check_tensor, widened
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
        if rows.size and (rows.min() < 0 or rows.max() >= table.shape[0]):
            raise IndexError("index out of range in self")
        ctx.count, ctx.padding_idx, ctx.scale, ctx.sparse = table.shape[0], padding_idx, scale_grad_by_freq, sparse
        ctx.save_for_backward(indices)
        return table[rows]

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
        rows = indices._array.reshape(-1)
        values = array.reshape(len(rows), array.shape[-1])
        keep = rows != padding_idx
        factor = None
        if scale_grad_by_freq:
            factor = (1 / np.bincount(rows, minlength=count)[rows]).astype(values.dtype)
            values = values * factor[:, None]
        ctx.keep, ctx.factor = keep, factor
        ctx.save_for_backward(indices)
        out = np.zeros((count, array.shape[-1]), array.dtype)
        add_at(out, (rows[keep],), values[keep])
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (indices,) = ctx.saved_tensors
        out = grad[indices]
        scale = ctx.keep.astype(grad._array.dtype)
        if ctx.factor is not None:
            scale = scale * ctx.factor
        return out * wrap(scale.reshape(*indices._array.shape, 1)), None, None, None, None


class EmbeddingBag(Operation):
    """The sum, mean or maximum of the rows that each bag of indices names.

    Bag b holds the indices from `starts[b]` up to `ends[b]`; an empty one gives zeros. Indices that are the padding
    count for nothing. Only sums may have a weight for each index.
    """

    node_name = "EmbeddingBagBackward0"

    @staticmethod
    def forward(
        ctx: Any,
        weight: Any,
        indices: Any,
        per_sample_weights: Any,
        bags: Any,
        mode: str,
        options: tuple[int, bool, bool],
    ) -> Any:
        table, (starts, ends) = weight._array, bags
        index = indices._array
        ctx.padding_idx, ctx.scale, ctx.sparse = options
        kept = index != ctx.padding_idx
        # What no bag holds (after the last one's end) counts as padding does.
        kept[ends[-1] if len(ends) else 0 :] = False
        bag = np.repeat(np.arange(len(starts)), ends - starts)
        ctx.all_indices = index
        bag, index = bag[kept[: len(bag)]], index[kept]
        ctx.count, ctx.mode, ctx.kept, ctx.bag, ctx.index = table.shape[0], mode, kept, bag, index
        ctx.counts = np.bincount(bag, minlength=len(starts))
        ctx.save_for_backward(weight if per_sample_weights is not None else None, per_sample_weights)
        rows = widened(table[index])
        if per_sample_weights is not None:
            rows = rows * widened(per_sample_weights._array)[kept][:, None]
        if mode == "max":
            out, ctx.places = _largest(rows, bag, ctx.counts)
            return as_result(out, table.dtype)
        out = _sums(rows, bag, ctx.counts)
        if mode == "mean":
            out /= np.maximum(ctx.counts, 1).astype(out.dtype)[:, None]
        return as_result(out, table.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        weight, per_sample_weights = ctx.saved_tensors
        needs = ctx.needs_input_grad
        to_weight = to_samples = None
        bag, index = wrap(ctx.bag), wrap(ctx.index)
        if ctx.mode == "max":
            return _to_largest(ctx, grad), None, None, None, None, None
        rows = grad[bag]
        if needs[0]:
            scaled = rows
            if ctx.mode == "mean":
                share = (1 / np.maximum(ctx.counts, 1))[ctx.bag, None]
                scaled = rows * wrap(share.astype(grad._array.dtype))
            if per_sample_weights is not None:
                scaled = rows * per_sample_weights[wrap(ctx.kept)].unsqueeze(1)
            if ctx.scale and not ctx.sparse:
                scaled = scaled * wrap(_shares_by_frequency(ctx).astype(grad._array.dtype))
            # A sparse gradient refuses to be scaled.
            to_weight = table_gradient(scaled, index, ctx.count, -1, ctx.scale and ctx.sparse, ctx.sparse)
        if needs[2]:
            products = (rows * weight[index]).sum(1)
            to_samples = grad.new_zeros(len(ctx.kept)).index_put((wrap(ctx.kept),), products)
        return to_weight, None, to_samples, None, None, None


def _shares_by_frequency(ctx: Any) -> Any:
    """What each row's gradient is multiplied by for `scale_grad_by_freq`, as a column.

    As PyTorch computes it: the u-th distinct index is divided by the frequency of the u-th of all indices in order,
    which is its own only while none before it repeats.
    """
    ordered = np.sort(ctx.all_indices)
    distinct, counts = np.unique(ordered, return_counts=True)
    frequency = counts[np.searchsorted(distinct, ordered[: len(distinct)])]
    return 1 / frequency[np.searchsorted(distinct, ctx.index), None]


def _nonempty(counts: Any) -> tuple[Any, Any]:
    """Which bags hold something, and where each of these begins."""
    full = np.flatnonzero(counts)
    return full, (np.cumsum(counts) - counts)[full]


def _sums(rows: Any, bag: Any, counts: Any) -> Any:
    """The sum of each bag's rows."""
    if len(counts) and len(rows) == len(counts) * counts[0] and (counts == counts[0]).all():
        return rows.reshape(len(counts), int(counts[0]), rows.shape[1]).sum(axis=1)
    out = np.zeros((len(counts), rows.shape[1]), rows.dtype)
    full, begins = _nonempty(counts)
    if len(full):
        out[full] = np.add.reduceat(rows, begins, axis=0)
    return out


def _largest(rows: Any, bag: Any, counts: Any) -> tuple[Any, Any]:
    """The largest of each bag's rows by column, and in which of all the rows it first stands; -1 for an empty bag."""
    shape = (len(counts), rows.shape[1])
    out, places = np.zeros(shape, rows.dtype), np.full(shape, -1)
    full, begins = _nonempty(counts)
    if len(full):
        out[full] = np.maximum.reduceat(rows, begins, axis=0)
        position = np.where(rows == out[bag], np.arange(len(rows))[:, None], len(rows))
        places[full] = np.minimum.reduceat(position, begins, axis=0)
    return out, places


def _to_largest(ctx: Any, grad: Any) -> Any:
    """Each gradient of a maximum to the element that was it."""
    bag, column = np.nonzero(ctx.places >= 0)
    row = ctx.index[ctx.places[bag, column]]
    zeros = grad.new_zeros((ctx.count, grad.shape[1]))
    return zeros.index_put((wrap(row), wrap(column)), grad[wrap(bag), wrap(column)], accumulate=True)


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
    weight: Tensor, index: Tensor, padding_idx: int | None, scale_grad_by_freq: bool, sparse: bool
) -> tuple[int, bool, bool]:
    """The padding as a row or -1, and the two flags; RuntimeError for indices or a padding out of range."""
    count, array = weight.shape[0], index._array
    outside = np.flatnonzero((array < 0) | (array >= count))
    if outside.size:
        at = int(outside[0])
        raise RuntimeError(
            f"Index {at} of input takes value {int(array[at])} which is not in the valid range [0, {count})"
        )
    if padding_idx is not None and not -count <= padding_idx < count:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, -{count} through {count - 1}, but got {padding_idx}"
        )
    return -1 if padding_idx is None else padding_idx % count, scale_grad_by_freq, sparse


def bag_bounds(offsets: Any, length: int, include_last_offset: bool) -> tuple[Any, Any]:
    """Where each bag begins and ends, from where it begins; RuntimeError for offsets that name no bags."""
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
        return offsets[:-1], offsets[1:]
    return offsets, np.append(offsets[1:], length) if len(offsets) else offsets


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
    starts, ends = bag_bounds(places, indices._array.size, include_last_offset)
    options = bag_options(weight, indices, padding_idx, scale_grad_by_freq, sparse)
    result = EmbeddingBag.apply(weight, indices, per_sample_weights, (starts, ends), _MODES[mode], options)
    bag = np.repeat(np.arange(len(starts)), ends - starts)
    kept = indices._array[: len(bag)] != options[0]
    counts = np.bincount(bag[kept], minlength=len(starts)) if mode else np.zeros(len(starts), np.int64)
    simple = mode == 0 and options[0] < 0 and weight._array.dtype.char in "fe"
    largest = counts
    if mode == 2:
        rows = np.flatnonzero(kept)
        _, at = _largest(widened(weight._array[indices._array[rows]]), bag[kept], counts)
        largest = np.where(at >= 0, indices._array[rows[at]] if len(rows) else 0, 0)
    return result, plain(np.empty(0, np.int64) if simple else bag), plain(counts), plain(largest)
