"""Attention as functions.

Source: https://docs.pytorch.org/docs/2.13/nn.functional.html#attention-mechanisms
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.backends import _sdp
from rushlight.ops._numeric import check_tensor
from rushlight.ops.attention import FlashAttention, composed_attention, empty_attention
from rushlight.ops.matmul import _legacy
from rushlight.tensor import Tensor

__all__ = ["scaled_dot_product_attention"]

_FLOATS = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)


def _check(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, dropout_p: float) -> None:
    for position, (name, tensor) in enumerate((("query", query), ("key", key), ("value", value)), 1):
        check_tensor("scaled_dot_product_attention", name, position, tensor)
    q, k, v = map(_legacy, (query, key, value))
    if not q == k == v:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {q} key.dtype: {k} and "
            f"value.dtype: {v} instead."
        )
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.dim()} key.dim: {key.dim()} and value.dim: {value.dim()} instead."
        )
    if attn_mask is not None:
        check_tensor("scaled_dot_product_attention", "attn_mask", 4, attn_mask)
        if attn_mask.dtype not in (dtypes.bool, dtypes.float32, query.dtype):
            raise RuntimeError(
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{_legacy(attn_mask)} and  query.dtype: {q} instead."
            )
    if not dropout_p >= 0:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")


def _check_groups(query: Tensor, key: Tensor, value: Tensor) -> None:
    heads = query.size(-3)
    if any(t.size(-3) == 0 or heads % t.size(-3) for t in (key, value)):
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query, but got "
            f"{key.size(-3)} and {value.size(-3)} heads for {heads}"
        )


def _why_not_fused(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout_p: float, enable_gqa: bool
) -> str | None:
    """What stands against the fused operation; None if nothing does."""
    if dropout_p > 0:
        return "Both fused kernels do not support non-zero dropout."
    dims = (query.dim(), key.dim(), value.dim())
    if dims != (4, 4, 4):
        return (
            "All fused kernels requires query, key and value to be 4 dimensional, but got Query dim: "
            f"{dims[0]}, Key dim: {dims[1]}, Value dim: {dims[2]} instead."
        )
    q, k, v = query.shape, key.shape, value.shape
    same_heads = k[1] == v[1] and (q[1] == k[1] or (enable_gqa and k[1] > 0 and q[1] % k[1] == 0))
    if not (q[0] == k[0] == v[0] and same_heads):
        return f"The fused kernel needs the same batch size and heads, but got sizes {q[:2]}, {k[:2]} and {v[:2]}."
    if not q[3] == k[3] == v[3] or k[2] != v[2]:
        return f"The fused kernel needs the same last dimensions, but got sizes {q[2:]}, {k[2:]} and {v[2:]}."
    if query.dtype not in _FLOATS:
        return f"The fused kernel takes floating-point types, but got {query.dtype}."
    if any(t.stride(-1) != 1 for t in (query, key, value)):
        return "All fused kernels require the last dimension of the input to have stride 1."
    if mask is not None:
        if mask.requires_grad:
            return "The fused kernel has no gradient of attn_mask."
        mask.size(-2)  # IndexError for a mask of one dimension
        full = (q[0], q[1], q[2], k[2])
        fits = all(n in (1, m) for n, m in zip(mask.shape, full[4 - mask.dim() :], strict=True))
        if mask.dim() not in (2, 4) or not fits:
            return f"The fused kernel takes masks that broadcast to {full}, of 2 or 4 dimensions, not {mask.shape}."
    return None


def _use_fused(*arguments: Any) -> bool:
    """Whether the fused operation computes the call, by PyTorch's rules and the program's switches."""
    flash, composed = (_sdp.allowed(b) for b in (_sdp.SDPBackend.FLASH_ATTENTION, _sdp.SDPBackend.MATH))
    if not (flash or composed):
        raise RuntimeError(
            "No viable backend for scaled_dot_product_attention was found. This is likely due to turning off both the "
            "math kernel and the fused kernels."
        )
    reason = _why_not_fused(*arguments) if flash else ""
    if reason is None:
        return True
    if not composed:
        warnings.warn("Flash attention kernel not used because:", UserWarning, stacklevel=3)
        warnings.warn(reason, UserWarning, stacklevel=3)
        raise RuntimeError("No available kernel.  Aborting execution.")
    return False


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(Q Kᵀ · scale + mask) V: for each query, the mean of the values weighted by how well their keys match.

    Shapes: query (*, H, L, E), key (*, H, S, E), value (*, H, S, Ev) → (*, H, L, Ev), from 2 dimensions on, broadcast;
    with `enable_gqa`, key and value may have fewer heads, each for several of the query's. Floating-point dtypes.

    - attn_mask: broadcast to (*, L, S); bool (True: may be attended) or added to the scores (-∞: may not). A query that
      may attend to nothing gets zeros.
    - dropout_p: which part of the weights is zeroed, whether training or not.
    - is_causal: query i sees keys 0 … i only.
    - scale: 1/√E if None.

    RuntimeError for different dtypes, fewer than 2 dimensions, shapes that don't match, and a mask of another type.

    >>> import rushlight as torch
    >>> q = k = torch.eye(2)
    >>> torch.nn.functional.scaled_dot_product_attention(q, k, torch.tensor([[1.0], [2.0]]), is_causal=True)
    tensor([[1.0000],
            [1.6698]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.scaled_dot_product_attention.html
    """
    if state.casts is not None:
        return state.casts.lower(
            scaled_dot_product_attention,
            query,
            key,
            value,
            attn_mask,
            dropout_p,
            is_causal,
            scale=scale,
            enable_gqa=enable_gqa,
        )
    dispatch = getattr(attn_mask, "_attend", None)
    if dispatch is not None:
        return dispatch(query, key, value, dropout_p, is_causal, scale, enable_gqa)
    _check(query, key, value, attn_mask, dropout_p)
    if not (query.numel() and key.numel() and value.numel()):
        return empty_attention(query, key, value)
    if scale is not None and not isinstance(scale, int | float):
        raise TypeError(f"scaled_dot_product_attention(): argument 'scale' must be float, not {type(scale).__name__}")
    factor = 1 / math.sqrt(query.size(-1)) if scale is None else float(scale)
    if enable_gqa:
        _check_groups(query, key, value)
    if _use_fused(query, key, value, attn_mask, dropout_p, enable_gqa):
        return FlashAttention.apply(query, key, value, attn_mask, is_causal, factor)
    if is_causal and attn_mask is not None:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    return composed_attention(query, key, value, attn_mask, dropout_p, is_causal, factor, enable_gqa)
