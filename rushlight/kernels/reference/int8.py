"""Products of 8-bit integers, and the way from floats to them and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["int8_pack", "int8_product", "int8_quantize", "int8_range"]

Array = NDArray[Any]

# Weights are packed in blocks of so many rows and, within a block, groups of so many elements of each row: what one
# instruction multiplies and adds.
ROWS, GROUP = 16, 4


def int8_range(x: Array) -> tuple[float, float]:
    """The least and the greatest element of a float32 array; NaN if there is one, zeros if there is none."""
    if not x.size:
        return 0.0, 0.0
    return float(x.min()), float(x.max())


def int8_quantize(x: Array, scale: float, zero_point: int, low: int, high: int) -> Array:
    """`clamp(round(x / scale + zero_point), low, high)` of a float32 array, halves to the even neighbour.

    The codes are uint8, or int8 where `low` is negative. As in PyTorch, x is multiplied by the float32 reciprocal of
    the scale and the zero point added in the same step (rounded once, as by fma), before rounding. NaN becomes `high`.
    """
    inverse = np.float64(np.float32(1) / np.float32(scale))
    scaled = (x.astype(np.float64) * inverse + zero_point).astype(np.float32)
    # Clamped before rounding: the bounds are whole numbers, and nothing too large for an integer is left.
    scaled = np.maximum(np.fmin(scaled, np.float32(high)), np.float32(low))
    return np.rint(scaled).astype(np.int8 if low < 0 else np.uint8)


def int8_pack(weight: Array) -> Array:
    """An (N, K) int8 matrix in the order in which the product reads it: (N/16, K/4, 16, 4), zeros beyond its edges."""
    if weight.ndim != 2 or weight.dtype != np.int8:
        raise ValueError("int8_pack: expected a 2-D array of int8")
    n, k = weight.shape
    blocks, groups = -(-n // ROWS), -(-k // GROUP)
    padded = np.zeros((blocks * ROWS, groups * GROUP), np.int8)
    padded[:n, :k] = weight
    return np.ascontiguousarray(padded.reshape(blocks, ROWS, groups, GROUP).transpose(0, 2, 1, 3))


def _unpacked(packed: Array, n: int, k: int) -> Array:
    blocks, groups = packed.shape[:2]
    return packed.transpose(0, 2, 1, 3).reshape(blocks * ROWS, groups * GROUP)[:n, :k]


def int8_product(
    a: Array,
    packed: Array,
    zero_point: int,
    sums: Array,
    weight_zero_points: Array | None,
    scales: Array,
    bias: Array | None,
    *,
    relu: bool = False,
    codes: tuple[int, int, int] | None = None,
) -> Array:
    """The product of activations (M, K), uint8, and packed weights (N, K), int8, with what turns it into numbers.

    `S[m, n] = Σ_k (a[m, k] - zero_point) (w[n, k] - weight_zero_points[n])` is exact, in int32. `sums` (N,), int32, are
    the sums of the weights' rows. Then

    * `codes` None: `S * scales + bias` (then ReLU), float32;
    * `codes` (zero, low, high): `clamp(round((S + bias) * scales) + zero, low, high)`, uint8 or, where `low` is
      negative, int8. ReLU is a `low` of `zero`.
    """
    if a.ndim != 2 or a.dtype != np.uint8:
        raise ValueError("int8_product: a must be a 2-D array of uint8")
    k, n = a.shape[1], sums.shape[0]
    if packed.ndim != 4 or packed.shape != (-(-n // ROWS), -(-k // GROUP), ROWS, GROUP) or packed.dtype != np.int8:
        raise ValueError("int8_product: the packed weights don't fit a and sums")
    for name, array in (("weight_zero_points", weight_zero_points), ("scales", scales), ("bias", bias)):
        if array is not None and array.shape != (n,):
            raise ValueError(f"int8_product: {name} must have one element for each column of the result")
    # float64 holds every such sum exactly, and its product is BLAS's.
    weights = _unpacked(packed, n, k).astype(np.float64)
    if weight_zero_points is not None:
        weights -= weight_zero_points[:, None]
    exact = (a.astype(np.float64) - zero_point) @ weights.T
    total = exact.astype(np.float32)
    if codes is None:
        out = total * scales
        if bias is not None:
            out += bias
        return np.maximum(out, np.float32(0)) if relu else out
    zero, low, high = codes
    if bias is not None:
        total += bias
    total *= scales
    total = np.maximum(np.fmin(total, np.float32(high - zero)), np.float32(low - zero))
    return (np.rint(total).astype(np.int32) + np.int32(zero)).astype(np.int8 if low < 0 else np.uint8)
