"""Embeddings as functions, and one-hot vectors."""

from __future__ import annotations

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import Variable
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import plain
from rushlight.ops.embedding import Embedding
from rushlight.tensor import Tensor

__all__ = ["embedding", "one_hot"]


def _renormalize(weight: Tensor, rows: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows in use down to a norm of `max_norm`, in place."""
    used = np.unique(rows._array)
    table = weight._array
    if used.size and (used[0] < 0 or used[-1] >= table.shape[0]):
        raise IndexError("index out of range in self")
    norms = np.linalg.norm(table[used].astype(np.float64), norm_type, axis=1)
    long = norms > max_norm
    table[used[long]] *= (max_norm / (norms[long] + 1e-7)).astype(table.dtype)[:, None]
    weight.bump_version()


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
    with `scale_grad_by_freq` a row's gradient is divided by how often it is named. `sparse` is accepted; the gradient
    is dense. Raises IndexError for an index out of range.

    >>> import rushlight as torch
    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.embedding.html
    """
    if not isinstance(input, Variable):
        raise TypeError(f"embedding(): argument 'indices' (position 2) must be Tensor, not {type(input).__name__}")
    if input.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{input.dtype.legacy_name}Tensor instead (while checking arguments for embedding)"
        )
    check_tensor("embedding", "weight", 1, weight)
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    return Embedding.apply(weight, input, -1 if padding_idx is None else padding_idx, scale_grad_by_freq)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 vectors of length `num_classes` (or the largest class + 1) with a 1 at each class of the int64 `tensor`
    `(*)`.

    Raises RuntimeError for a class out of range or where the number of classes cannot be told.

    >>> import rushlight as torch
    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.one_hot.html
    """
    check_tensor("one_hot", "tensor", 1, tensor)
    array = tensor._array
    if tensor.dtype is not dtypes.int64:
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
