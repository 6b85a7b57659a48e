"""Matrix products, and what is made of them: products of reflections, the exponential."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["gemm", "householder_product", "matrix_exp"]

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


def householder_product(a: Array, tau: Array) -> Array:
    """The first n columns of Π (I - τ v vᴴ), v the columns of `a` below the diagonal with 1 on it.

    a: (*, M, N), tau: (*, K), K ≤ N ≤ M. As I - V S Vᴴ, by products of matrices (Schreiber and Van Loan, 1989).
    """
    columns, count = a.shape[-1], tau.shape[-1]
    v = np.tril(a[..., :count], -1) + np.eye(a.shape[-2], count, dtype=a.dtype)
    adjoint = v.conj().swapaxes(-2, -1)
    above = np.triu(adjoint @ v, 1)
    factors = tau[..., None, :]
    middle = np.linalg.solve(above * factors + np.eye(count, dtype=a.dtype), adjoint[..., :columns])
    result: Array = np.eye(a.shape[-2], columns, dtype=a.dtype) - (v * factors) @ middle
    return result


# The degree of the Padé approximant in each precision, and up to which 1-norm it rounds correctly (Higham, 2005).
_PADE = {"f": (7, 3.925724783138660), "d": (13, 5.371920351148152)}


def matrix_exp(a: Array) -> Array:
    """The exponential of square matrices (*, N, N), by scaling, Padé and squaring; NaN where one is not finite."""
    if not a.size:
        return a.copy()
    real = "f" if a.dtype.char in "fF" else "d"
    degree, bound = _PADE[real]
    norms = np.abs(a).sum(-2).max(-1)
    finite = np.isfinite(norms)
    halvings = np.ceil(np.log2(np.maximum(np.where(finite, norms, 1), bound) / bound)).astype(int)
    scaled = np.where(finite[..., None, None], a, 0) * np.exp2(-halvings)[..., None, None].astype(real)
    result = _pade_exp(scaled, degree)
    for i in range(int(halvings.max())):
        result = np.where((halvings > i)[..., None, None], result @ result, result)
    return np.where(finite[..., None, None], result, np.nan).astype(a.dtype)


def _pade_exp(a: Array, degree: int) -> Array:
    """(V - U)⁻¹ (V + U), the approximant of an odd degree: U is its numerator's odd part, V the even one."""
    weights = [1.0]
    for j in range(1, degree + 1):
        weights.append(weights[-1] * (degree + 1 - j) / (j * (2 * degree + 1 - j)))
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    second = a @ a
    fourth = second @ second
    powers = [eye, second, fourth, fourth @ second]

    def polynomial(first: int) -> Array:
        """The sum of the terms of degree first, first + 2, …, divided by the power `first`."""
        terms = [a.dtype.type(w) for w in weights[first::2]]
        low: Array = sum(w * p for w, p in zip(terms[:4], powers, strict=False))
        if len(terms) == 4:
            return low
        high: Array = sum(w * p for w, p in zip(terms[4:], powers[1:], strict=False))
        return low + powers[3] @ high

    odd, even = a @ polynomial(1), polynomial(0)
    result: Array = np.linalg.solve(even - odd, even + odd)
    return result
