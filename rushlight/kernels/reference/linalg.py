"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["gemm"]

Array = NDArray[Any]


def gemm(
    a: Array,
    b: Array,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    bias: Array | None = None,
    relu: bool = False,
    out: Array | None = None,
) -> Array:
    """op(a) @ op(b) (+ bias for each column) (then ReLU), where op transposes if asked; written to `out` if given.

    a: (M, K) or transposed, b: (K, N) or transposed, bias: (N,), out: (M, N).
    """
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError("gemm: a and b must be 2-D")
    left = a.T if transpose_a else a
    right = b.T if transpose_b else b
    if left.shape[1] != right.shape[0]:
        m, k = left.shape
        k2, n = right.shape
        raise ValueError(f"gemm: shapes ({m}x{k}) and ({k2}x{n}) cannot be multiplied")
    shape = (left.shape[0], right.shape[1])
    if bias is not None and bias.shape != shape[1:]:
        raise ValueError("gemm: bias must be 1-D with one element for each column of the result")
    if out is not None and out.shape != shape:
        raise ValueError("gemm: out has the wrong shape")
    if out is not None and not out.flags.writeable:
        raise ValueError("gemm: out is read-only")
    result: Array = left @ right
    if bias is not None:
        result = result + bias
    if relu:
        result = np.maximum(result, result.dtype.type(0))
    if out is None:
        return result
    out[...] = result
    return out
