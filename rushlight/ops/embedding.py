"""Looking rows up in a table, and one-hot vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels.reference.index import add_at

__all__ = ["Embedding", "EmbeddingGrad"]


class Embedding(Operation):
    """The rows of `weight` that `indices` name."""

    node_name = "EmbeddingBackward0"

    @staticmethod
    def forward(ctx: Any, weight: Any, indices: Any, padding_idx: int, scale_grad_by_freq: bool) -> Any:
        table, rows = weight._array, indices._array
        if rows.size and (rows.min() < 0 or rows.max() >= table.shape[0]):
            raise IndexError("index out of range in self")
        ctx.count, ctx.padding_idx, ctx.scale = table.shape[0], padding_idx, scale_grad_by_freq
        ctx.save_for_backward(indices)
        return table[rows]

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (indices,) = ctx.saved_tensors
        return EmbeddingGrad.apply(grad, indices, ctx.count, ctx.padding_idx, ctx.scale), None, None, None


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
