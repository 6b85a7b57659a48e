"""Scaled dot-product attention: one operation that never holds all scores, and the plain composition.

The operation's kernel goes over blocks of queries and keys. A block of scores is made, used and dropped, in the forward
pass and again in the backward pass, so what it keeps grows with the sequence and not with its square.

Source: T. Dao et al., "FlashAttention", 2022 (recomputing the weights in the backward pass)
"""

from __future__ import annotations

import math
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
from rushlight.ops.matmul import matmul
from rushlight.ops.softmax import softmax_along, softmax_gradient

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["FlashAttention", "SafeSoftmax", "composed_attention"]


def _rows(array: Array) -> Array:
    """The numbers as the kernels read them: in a type to compute in, the elements of a row side by side."""
    array = widened(array)
    return array if array.strides[-1] == array.itemsize else np.ascontiguousarray(array)


def _mask_rows(mask: Tensor | None, query: Array, keys: int) -> Array | None:
    """A mask as the kernels read it: of 4 dimensions, a choice or number for each key."""
    if mask is None:
        return None
    array = mask._array
    if array.dtype.kind != "b":
        array = widened(array).astype(query.dtype, copy=False)
    array = array.reshape((1,) * (4 - array.ndim) + array.shape)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:3], keys)))


class FlashAttention(Operation):
    """softmax(Q Kᵀ · scale + mask) V for heads (B, H, L, E), without a matrix of all scores."""

    node_name = "ScaledDotProductFlashAttentionForCpuBackward0"

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float
    ) -> Any:
        q, k, v = _rows(query._array), _rows(key._array), _rows(value._array)
        # PyTorch lays the result out as the queries are, and so does the kernel.
        out, normalizer = kernels.attention(q, k, v, _mask_rows(mask, q, k.shape[2]), causal, scale)
        result = wrap(as_result(out, query._array.dtype))
        ctx.save_for_backward(query, key, value, mask, result)
        ctx.normalizer, ctx.causal, ctx.scale = normalizer, causal, scale
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        query, key, value, mask, out = ctx.saved_tensors
        if state.enabled:
            found = _composed_gradients(grad, query, key, value, mask, ctx.causal, ctx.scale)
            return (*found, None, None, None)
        q, k, v = _rows(query._array), _rows(key._array), _rows(value._array)
        arrays = kernels.attention_backward(
            _rows(grad._array),
            q,
            k,
            v,
            _rows(out._array),
            ctx.normalizer,
            _mask_rows(mask, q, k.shape[2]),
            ctx.causal,
            ctx.scale,
        )
        dtype = query._array.dtype
        return (*[wrap(as_result(a, dtype)) for a in arrays], None, None, None)


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
