"""Embeddings as functions, and one-hot vectors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.transforms import as_one
from rushlight.autograd.variable import Variable
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import plain
from rushlight.ops.embedding import Embedding, EmbeddingBag, bag_bounds, bag_options, check_indices, renormalize
from rushlight.tensor import Tensor

__all__ = ["embedding", "embedding_bag", "one_hot"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` `(V, D)` that the int64 or int32 `input` `(*)` names: `(*, D)`.

    Row `padding_idx` gets no gradient; with `max_norm` the rows in use are first scaled down to that norm, in place;
    with `scale_grad_by_freq` a row's gradient is divided by how often it is named. With `sparse` the gradient is a
    sparse tensor of the rows that were named. Raises IndexError for an index out of range.

    >>> import rushlight as torch
    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.embedding.html
    """
    if not isinstance(input, Variable):
        raise TypeError(f"embedding(): argument 'indices' (position 2) must be Tensor, not {type(input).__name__}")
    check_indices(input, "embedding")
    check_tensor("embedding", "weight", 1, weight)
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    if max_norm is not None:
        renormalize(weight, input, max_norm, norm_type)
    return Embedding.apply(weight, input, -1 if padding_idx is None else padding_idx, scale_grad_by_freq, sparse)


@as_one
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or maximum (`mode`) of the rows of `weight` `(V, D)` that each bag of indices names: `(B, D)`.

    The bags are the rows of an `input` `(B, N)`, or the runs of an `input` `(N,)` that begin at `offsets` `(B,)`; with
    `include_last_offset` the last offset is where the last bag ends. int64 or int32. Indices equal to `padding_idx`
    count for nothing, and an empty bag gives zeros. `per_sample_weights`, of the input's shape, are for sums only. The
    rest is as in `embedding`. Raises ValueError for shapes and modes that don't fit, RuntimeError for indices or
    offsets out of range.

    >>> import rushlight as torch
    >>> table = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> torch.nn.functional.embedding_bag(torch.tensor([0, 1, 2]), table, torch.tensor([0, 2]), mode="sum")
    tensor([[4., 6.],
            [5., 6.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.embedding_bag.html
    """
    check_tensor("embedding_bag", "input", 1, input)
    check_tensor("embedding_bag", "weight", 2, weight)
    if weight.dtype is dtypes.int64 and input.is_floating_point():
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is "
            "deprecated, and should now be `embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        weight, input = input, weight
    if weight.dim() != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    index, bounds = _bags(input, offsets, include_last_offset)
    _check_bag_mode(mode, scale_grad_by_freq, sparse)
    if per_sample_weights is not None:
        _check_sample_weights(per_sample_weights, input, weight, mode)
    if max_norm is not None:
        renormalize(weight, input, max_norm, norm_type)
    if per_sample_weights is not None:
        per_sample_weights = per_sample_weights.reshape(-1)
    return EmbeddingBag.apply(
        weight,
        index,
        per_sample_weights,
        bounds,
        mode,
        bag_options(weight, padding_idx, scale_grad_by_freq, sparse),
    )


def _check_sample_weights(weights: Tensor, input: Tensor, table: Tensor, mode: str) -> None:
    if input.shape != weights.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({weights.shape}) is not None, then it must have the same shape as "
            f"the input ({input.shape})"
        )
    if mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    if weights.dtype is not table.dtype:
        kinds = [f"torch.{t.dtype.legacy_name}Tensor" for t in (table, weights)]
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 "
            f"'per_sample_weights'; but type {kinds[0]} does not equal {kinds[1]} (while checking arguments for "
            "embedding_bag)"
        )


def _check_bag_mode(mode: str, scale_grad_by_freq: bool, sparse: bool) -> None:
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> tuple[Tensor, Any]:
    """All indices as a vector, and the array of where each bag begins in it, and at last where the last one ends."""
    for tensor in (input, offsets):
        if tensor is not None:
            check_indices(tensor, "embedding_bag")
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        count, length = input.shape
        if not length:
            raise RuntimeError("step must be nonzero: got bags of no indices, as rows of a 2D input")
        return input.reshape(-1), np.arange(0, count * length + 1, length)
    if input.dim() != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    return input, bag_bounds(offsets._array.astype(np.int64, copy=False), input.shape[0], include_last_offset)


@as_one
def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """int64 vectors of length `num_classes` (or the largest class + 1) with a 1 at each class of the int64 `input`
    `(*)`.

    Raises RuntimeError for a class out of range or where the number of classes cannot be told.

    >>> import rushlight as torch
    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.one_hot.html
    """
    check_tensor("one_hot", "input", 1, input)
    array = input._array
    if input.dtype is not dtypes.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if array.size == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return plain(np.zeros((*array.shape, num_classes), np.int64))
    if array.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(array.max()) + 1
    elif array.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return plain((array[..., None] == np.arange(num_classes)).astype(np.int64))
