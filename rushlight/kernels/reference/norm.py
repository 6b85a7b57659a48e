"""Normalisation: `(x - mean) / sqrt(var + eps) * weight + bias`, and its gradients.

x is seen in the shape `view`; the statistics are over `axes`; weight and bias are seen in the shape `affine`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["normalize", "normalize_backward", "rms_normalize", "rms_normalize_backward", "wide"]

Array = NDArray[Any]
Shape = tuple[int, ...]

_LOW_PRECISION = 2


def wide(array: Array) -> Array:
    """An array in a type good enough for statistics: 16-bit floats become float32."""
    return array.astype(np.float32) if array.dtype.itemsize <= _LOW_PRECISION else array


def normalize(
    x: Array, weight: Array | None, bias: Array | None, view: Shape, axes: Shape, affine: Shape, eps: float
) -> tuple[Array, Array, Array, Array]:
    """The normalised x in its own shape, then mean, biased variance and `1 / sqrt(var + eps)`, dimensions kept."""
    seen = wide(x).reshape(view)
    mean = seen.mean(axes, keepdims=True)
    out = seen - mean
    var = np.square(out).mean(axes, keepdims=True)
    rstd = 1 / np.sqrt(var + seen.dtype.type(eps))
    out *= rstd
    if weight is not None:
        out *= wide(weight).reshape(affine)
    if bias is not None:
        out += wide(bias).reshape(affine)
    return out.reshape(x.shape).astype(x.dtype, copy=False), mean, var, rstd


def normalize_backward(
    grad: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    rstd: Array,
    view: Shape,
    axes: Shape,
    affine: Shape,
    for_weight: bool,
    reuse: bool = False,
) -> tuple[Array, Array | None, Array | None]:
    """The gradients of x, weight and bias (the last two one-dimensional; None unless `for_weight`).

    `reuse` allows that of x to be written into grad.
    """
    seen, g = wide(x).reshape(view), wide(grad).reshape(view)
    normal = (seen - mean) * rstd
    scaled = g if weight is None else g * wide(weight).reshape(affine)
    pull = scaled.mean(axes, keepdims=True) + normal * (scaled * normal).mean(axes, keepdims=True)
    to_x = ((scaled - pull) * rstd).reshape(x.shape).astype(x.dtype, copy=False)
    if not for_weight:
        return to_x, None, None
    lead = len(view) - len(affine)
    over = tuple(i for i in range(len(view)) if i < lead or affine[i - lead] == 1)
    return to_x, (g * normal).sum(over).reshape(-1), g.sum(over).reshape(-1)


def rms_normalize(x: Array, weight: Array | None, count: int, eps: float) -> tuple[Array, Array]:
    """`x / sqrt(E[x²] + eps) * weight` over the last `count` elements, and `1 / sqrt(E[x²] + eps)`, one a row."""
    rows = wide(x).reshape(-1, count) if count else wide(x).reshape(0, 0)
    scale = np.einsum("ij,ij->i", rows, rows)[:, None] / rows.dtype.type(max(count, 1))
    scale = 1 / np.sqrt(scale + rows.dtype.type(eps))
    out = rows * scale
    if weight is not None:
        out *= wide(weight).reshape(-1).astype(rows.dtype, copy=False)
    return out.reshape(x.shape).astype(x.dtype, copy=False), scale


def rms_normalize_backward(
    grad: Array, x: Array, weight: Array | None, scale: Array, count: int, for_weight: bool
) -> tuple[Array, Array | None]:
    """The gradients of x and, if `for_weight`, of the weight (one-dimensional)."""
    normal, g = wide(x).reshape(len(scale), count) * scale, wide(grad).reshape(len(scale), count)
    product = g * normal
    to_weight = product.sum(0) if for_weight else None
    if weight is None:
        pull, scaled = product.sum(1), g.copy()
    else:
        row = wide(weight).reshape(-1).astype(g.dtype, copy=False)
        # BLAS threads would go on spinning after a product as small as this.
        pull, scaled = np.einsum("ij,j->i", product, row), g * row
    normal *= (pull / g.dtype.type(max(count, 1)))[:, None]
    scaled -= normal
    scaled *= scale
    return scaled.reshape(x.shape).astype(x.dtype, copy=False), to_weight
