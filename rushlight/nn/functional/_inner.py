"""Names from inside PyTorch's file of functions that other libraries use, most of them in attention of their own."""

from __future__ import annotations

import math

from rushlight.nn.functional import _reduction as _Reduction
from rushlight.nn.functional._tuples import _list_with_default, _pair, _single, _triple
from rushlight.nn.functional.activation import _softmax_dim
from rushlight.nn.functional.linear import linear
from rushlight.nn.functional.multi_head import _check_dims, canonical_mask, dtype_or_none
from rushlight.tensor import Tensor

__all__ = [
    "_Reduction",
    "_canonical_mask",
    "_get_softmax_dim",
    "_in_projection",
    "_in_projection_packed",
    "_list_with_default",
    "_mha_shape_check",
    "_none_or_dtype",
    "_pair",
    "_single",
    "_triple",
    "_verify_batch_size",
]

_canonical_mask = canonical_mask
_get_softmax_dim = _softmax_dim
_mha_shape_check = _check_dims
_none_or_dtype = dtype_or_none


def _in_projection_packed(
    q: Tensor, k: Tensor, v: Tensor, w: Tensor, b: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (…, E) by one weight (3 E, E), whose rows come in that order."""
    width = q.size(-1)
    if q is k and k is v:
        queries, keys, values = linear(q, w, b).unflatten(-1, (3, width)).movedim(-2, 0).contiguous().unbind(0)
        return queries, keys, values
    b_q, b_k, b_v = (None, None, None) if b is None else b.chunk(3)
    w_q, w_k, w_v = w.chunk(3)
    return linear(q, w_q, b_q), linear(k, w_k, b_k), linear(v, w_v, b_v)


def _in_projection(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    w_q: Tensor,
    w_k: Tensor,
    w_v: Tensor,
    b_q: Tensor | None = None,
    b_k: Tensor | None = None,
    b_v: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, all as wide as the queries, by a weight each; AssertionError for other shapes."""
    width = q.size(-1)
    for letter, x, weight, bias in (("q", q, w_q, b_q), ("k", k, w_k, b_k), ("v", v, w_v, b_v)):
        if weight.shape != (width, x.size(-1)):
            raise AssertionError(f"expecting w_{letter} weights shape of {(width, x.size(-1))}, but got {weight.shape}")
        if bias is not None and bias.shape != (width,):
            raise AssertionError(f"expecting b_{letter} bias shape of {(width,)}, but got {bias.shape}")
    return linear(q, w_q, b_q), linear(k, w_k, b_k), linear(v, w_v, b_v)


def _verify_batch_size(size: list[int]) -> None:
    """ValueError for one value a channel, of which there is no variance."""
    if size[0] * math.prod(size[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")
