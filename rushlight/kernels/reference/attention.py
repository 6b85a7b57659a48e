"""Scaled dot-product attention of heads, and its gradients, some queries at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["attention", "attention_backward"]

Array = NDArray[Any]

# How many scores a block holds: they stay in a core's second-level cache.
_BLOCK = 1 << 17


def _check(function: str, query: Array, key: Array, value: Array, mask: Array | None) -> None:
    if not query.ndim == key.ndim == value.ndim == 4:
        raise ValueError(f"{function}: expected query, key and value of 4 dimensions")
    if key.shape != value.shape:
        raise ValueError(f"{function}: key and value must have the same shape")
    if query.shape[0] != key.shape[0] or query.shape[3] != key.shape[3]:
        raise ValueError(f"{function}: query and key must have the same batch size and width")
    if not (query.size and key.size):
        raise ValueError(f"{function}: expected arrays with elements")
    if query.shape[1] % key.shape[1]:
        raise ValueError(f"{function}: the heads of key must divide those of query")
    if mask is not None:
        full = (*query.shape[:3], key.shape[2])
        if (
            mask.ndim != 4
            or mask.shape[3] != full[3]
            or any(m not in (1, n) for m, n in zip(mask.shape, full, strict=True))
        ):
            raise ValueError(f"{function}: mask must be (B | 1, H | 1, L | 1, S)")


def _scores(
    query: Array, key: Array, mask: Array | None, causal: bool, scale: float
) -> Iterator[tuple[int, int, slice, Array]]:
    """The scores of some queries of one head: which sample, head and queries, and the scores of all keys."""
    batch, heads, length, _ = query.shape
    keys = key.shape[2]
    group = heads // key.shape[1]
    rows = max(16, min(length, _BLOCK // keys))
    for sample in range(batch):
        for head in range(heads):
            for first in range(0, length, rows):
                which = slice(first, min(first + rows, length))
                scores = (query[sample, head, which] @ key[sample, head // group].T) * query.dtype.type(scale)
                if causal:
                    hidden = np.arange(keys) > np.arange(which.start, which.stop)[:, None]
                    scores[hidden] = -np.inf
                if mask is not None:
                    rows_of_mask = which if mask.shape[2] > 1 else slice(None)
                    part = mask[sample % mask.shape[0], head % mask.shape[1], rows_of_mask]
                    if part.dtype == bool:
                        scores = np.where(part, scores, scores.dtype.type(-np.inf))
                    else:
                        scores += part
                yield sample, head, which, scores


def attention(
    query: Array, key: Array, value: Array, mask: Array | None = None, causal: bool = False, scale: float = 1.0
) -> tuple[Array, Array]:
    """softmax(Q Kᵀ · scale + mask) V, and of each query the logarithm of the sum of its scores' exponentials.

    query (B, H, L, E); key and value (B, Hk, S, E), each head for H / Hk of the query's; mask (B | 1, H | 1, L | 1, S),
    bool (which keys are seen) or added to the scores; with `causal`, query i sees keys 0 … i. The result lies in memory
    as the query does. A query that sees no key gets zeros, and infinity for the logarithm.
    """
    _check("attention", query, key, value, mask)
    group = query.shape[1] // key.shape[1]
    out = np.empty_like(query)
    normalizer = np.empty(query.shape[:3], query.dtype)
    for sample, head, which, scores in _scores(query, key, mask, causal, scale):
        top = scores.max(axis=1, keepdims=True)
        top[top == -np.inf] = 0
        with np.errstate(invalid="ignore", divide="ignore"):
            weights = np.exp(scores - top)
            total = weights.sum(axis=1, keepdims=True)
            result = weights @ value[sample, head // group] / total
            logarithm = top + np.log(total)
        hidden = total == 0
        out[sample, head, which] = np.where(hidden, 0, result)
        normalizer[sample, head, which] = np.where(hidden, np.inf, logarithm)[:, 0]
    return out, normalizer


def attention_backward(
    grad: Array,
    query: Array,
    key: Array,
    value: Array,
    out: Array,
    normalizer: Array,
    mask: Array | None = None,
    causal: bool = False,
    scale: float = 1.0,
) -> tuple[Array, Array, Array]:
    """The gradients of query, key and value from that of the result; `out` and `normalizer` are what `attention` gave.

    Each lies in memory as its argument does.
    """
    function = "attention_backward"
    _check(function, query, key, value, mask)
    if not grad.shape == out.shape == query.shape:
        raise ValueError(f"{function}: grad and out must have query's shape")
    if normalizer.shape != query.shape[:3]:
        raise ValueError(f"{function}: normalizer must be (B, H, L)")
    group = query.shape[1] // key.shape[1]
    to_query, to_key, to_value = np.empty_like(query), np.zeros_like(key), np.zeros_like(value)
    factor = query.dtype.type(scale)
    for sample, head, which, scores in _scores(query, key, mask, causal, scale):
        shared = head // group
        with np.errstate(invalid="ignore"):
            weights = np.exp(scores - normalizer[sample, head, which, None])
            g = grad[sample, head, which]
            delta = (g * out[sample, head, which]).sum(axis=1, keepdims=True)
            slopes = weights * (g @ value[sample, shared].T - delta)
        to_value[sample, shared] += weights.T @ g
        to_key[sample, shared] += slopes.T @ query[sample, head, which] * factor
        to_query[sample, head, which] = slopes @ key[sample, shared] * factor
    return to_query, to_key, to_value
