"""Scaled dot-product attention: one operation that never holds all scores, and the plain composition.

The operation goes over blocks of queries. A block's scores against all keys are made, used and dropped, in the forward
pass and again in the backward pass, so what it keeps grows with the sequence and not with its square.

Source: T. Dao et al., "FlashAttention", 2022 (recomputing the weights in the backward pass)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import Array, as_result, not_implemented, widened
from rushlight.ops.conversion import in_type
from rushlight.ops.creation import zeros
from rushlight.ops.dropout import dropout
from rushlight.ops.matmul import matmul, products
from rushlight.ops.softmax import softmax_along, softmax_gradient

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["FlashAttention", "SafeSoftmax", "composed_attention"]

# How many scores a block holds: they stay in a core's second-level cache.
_BLOCK = 1 << 17


class _Heads:
    """The heads of one call as stacks of matrices, and their softmax weights block by block.

    Queries are (N, L, E), N heads of all samples, multiplied by the scale; keys and values are (N, S, E), where those
    that several heads of queries share are repeated.
    """

    def __init__(self, query: Array, key: Array, value: Array, mask: Array | None, causal: bool, scale: float) -> None:
        batch, self.heads, length, width = query.shape
        self.group = self.heads // key.shape[1] if key.shape[1] else 1
        self.query = np.multiply(widened(query), scale, order="C").reshape(batch * self.heads, length, width)
        self.key, self.value = self._stacked(key), self._stacked(value)
        self.mask = None if mask is None else mask.reshape((1,) * (4 - mask.ndim) + mask.shape)
        self.causal = causal

    def _stacked(self, array: Array) -> Array:
        array = np.ascontiguousarray(widened(array))
        if self.group > 1:
            array = array.repeat(self.group, axis=1)
        return array.reshape(-1, *array.shape[2:])

    def blocks(self) -> Iterator[tuple[slice, slice, slice]]:
        """Which heads, which of their queries, and the keys that these may see."""
        count, length = self.query.shape[:2]
        keys = self.key.shape[1]
        rows = max(16, min(length, _BLOCK // keys))
        several = max(1, _BLOCK // (rows * keys))
        for head in range(0, count, several):
            for first in range(0, length, rows):
                last = min(first + rows, length)
                yield slice(head, head + several), slice(first, last), slice(min(last, keys) if self.causal else keys)

    def weights(self, heads: slice, rows: slice, keys: slice) -> Array:
        """softmax(Q Kᵀ · scale + mask) of a block: (n, rows, keys)."""
        scores = products(self.query[heads, rows], self.key[heads, keys], transpose_b=True)
        if self.causal:
            hidden = scores[:, :, rows.start :]
            hidden += np.triu(np.full(hidden.shape[1:], -np.inf, scores.dtype), 1)
        if self.mask is not None:
            scores = self._masked(scores, heads, rows, keys)
        out = kernels.softmax(scores.reshape(-1, scores.shape[-1])).reshape(scores.shape)
        if self.mask is not None and np.isnan(out[..., 0]).any():
            # A query that may see no key gets nothing.
            out[(scores == -np.inf).all(axis=-1)] = 0
        return out

    def _masked(self, scores: Array, heads: slice, rows: slice, keys: slice) -> Array:
        mask: Any = self.mask
        rows = rows if mask.shape[2] > 1 else slice(None)
        keys = keys if mask.shape[3] > 1 else slice(None)
        if mask.shape[0] == mask.shape[1] == 1:
            part = mask[0, 0, rows, keys]
        else:
            sample, head = np.divmod(np.arange(heads.start, heads.start + scores.shape[0]), self.heads)
            part = mask[sample % mask.shape[0], head % mask.shape[1], rows, keys]
        if part.dtype.kind == "b":
            return np.where(part, scores, scores.dtype.type(-np.inf))
        scores += part
        return scores


class FlashAttention(Operation):
    """softmax(Q Kᵀ · scale + mask) V for heads (B, H, L, E), without a matrix of all scores."""

    node_name = "ScaledDotProductFlashAttentionForCpuBackward0"

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float
    ) -> Any:
        ctx.save_for_backward(query, key, value, mask)
        ctx.causal, ctx.scale = causal, scale
        q = query._array
        heads = _Heads(q, key._array, value._array, None if mask is None else widened(mask._array), causal, scale)
        out = np.empty(heads.query.shape, heads.query.dtype)
        for block in heads.blocks():
            out[block[:2]] = products(heads.weights(*block), heads.value[block[0], block[2]])
        # PyTorch lays the result out as the queries are.
        result = np.empty_like(q)
        result[...] = out.reshape(q.shape)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        query, key, value, mask = ctx.saved_tensors
        if state.enabled:
            found = _composed_gradients(grad, query, key, value, mask, ctx.causal, ctx.scale)
        else:
            found = _gradients(grad, query, key, value, mask, ctx.causal, ctx.scale)
        return (*found, None, None, None)


def _gradients(
    grad: Tensor, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float
) -> tuple[Tensor, ...]:
    """The gradients of query, key and value, the weights made again block by block."""
    q, k = query._array, key._array
    heads = _Heads(q, k, value._array, None if mask is None else widened(mask._array), causal, scale)
    outer = np.ascontiguousarray(widened(grad._array)).reshape(heads.query.shape)
    of_query, of_key, of_value = (np.zeros_like(a) for a in (heads.query, heads.key, heads.value))
    for block in heads.blocks():
        which, rows, keys = block
        weights, g = heads.weights(*block), outer[which, rows]
        of_value[which, keys] += products(weights, g, transpose_a=True)
        of_weights = products(g, heads.value[which, keys], transpose_b=True)
        flat = of_weights.reshape(-1, of_weights.shape[-1])
        of_scores = kernels.softmax_backward(flat, weights.reshape(flat.shape)).reshape(weights.shape)
        of_query[which, rows] = products(of_scores, heads.key[which, keys])
        of_key[which, keys] += products(of_scores, heads.query[which, rows], transpose_a=True)
    of_query *= scale
    shared = (k.shape[0], k.shape[1], heads.group, *k.shape[2:])
    return (
        wrap(as_result(of_query.reshape(q.shape), q.dtype)),
        *(wrap(as_result(g.reshape(shared).sum(axis=2), k.dtype)) for g in (of_key, of_value)),
    )


def _composed_gradients(
    grad: Tensor, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float
) -> tuple[Tensor, ...]:
    """The same in Tensor operations, which can be differentiated again."""
    single = query.dtype.itemsize < 4
    q, k, v, g = (t.float() if single else t for t in (query, key, value, grad))
    group = q.shape[1] // k.shape[1]
    k, v = (t.repeat_interleave(group, dim=1) if group > 1 else t for t in (k, v))
    weights = SafeSoftmax.apply(_scores(q * scale, k, mask, causal), -1)
    of_scores = softmax_gradient(g @ v.transpose(-2, -1), weights, -1)
    found = [of_scores @ k * scale, of_scores.transpose(-2, -1) @ (q * scale), weights.transpose(-2, -1) @ g]
    if group > 1:
        found[1:] = [f.unflatten(1, (-1, group)).sum(2) for f in found[1:]]
    return tuple(f.to(query.dtype) if single else f for f in found)


class SafeSoftmax(Operation):
    """Softmax along a dimension, where slices that are -∞ throughout become zeros rather than NaN."""

    node_name = "SafeSoftmaxBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Any:
        array = input._array
        if array.dtype.kind not in "fV":
            raise not_implemented("softmax_lastdim_kernel_impl", array.dtype)
        out = softmax_along(widened(array), dim)
        hidden = (array == -np.inf).all(axis=dim, keepdims=True)
        if hidden.any():
            out = np.where(hidden, out.dtype.type(0), out)
        ctx.dim = dim
        result = wrap(as_result(out, array.dtype))
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return softmax_gradient(grad, out, ctx.dim), None


def additive(mask: Tensor, dtype: dtypes.dtype) -> Tensor:
    """A mask to be added to scores: where a bool one is False, -∞."""
    if mask.dtype is not dtypes.bool:
        return mask
    return wrap(np.where(mask._array, np.float32(0), np.float32(-np.inf)).astype(dtype.numpy_dtype))


def _scores(query: Tensor, key: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    scores = matmul(query, key.transpose(-2, -1))
    if causal:
        later = np.triu(np.full(scores._array.shape[-2:], -np.inf, np.float32), 1)
        scores = scores + wrap(later.astype(scores._array.dtype))
    return scores if mask is None else scores + additive(mask, scores.dtype)


def composed_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout_p: float,
    causal: bool,
    scale: float,
    enable_gqa: bool,
) -> Tensor:
    """Attention as matrix products around a softmax: any rank, dropout, gradients of the mask."""
    type_ = query.dtype
    if type_ in (dtypes.float16, dtypes.bfloat16):
        query, key, value = (in_type(t, dtypes.float32, "attention") for t in (query, key, value))
    if enable_gqa:
        key, value = (
            t.repeat_interleave(query.size(-3) // t.size(-3), dim=-3) if t.size(-3) != query.size(-3) else t
            for t in (key, value)
        )
    # Each side takes half of the scale, so that neither overflows first.
    half = math.sqrt(abs(scale))
    weights = SafeSoftmax.apply(_scores(query * math.copysign(half, scale), key * half, mask, causal), -1)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p, True)
    return in_type(matmul(weights, value), type_, "attention")


def empty_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Zeros of the result's shape where an argument has no elements, connected to all three for their gradients."""
    shape = (*query.shape[:-1], value.size(-1))
    return zeros(shape, dtype=query.dtype) + (query.sum() + key.sum() + value.sum()) * 0
