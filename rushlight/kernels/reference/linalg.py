"""Matrix products, and what is made of them: products of reflections, the exponential."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rushlight.kernels.reference.factors import triangle, unit

__all__ = ["gemm", "householder_product", "linear_backward", "matrix_exp", "reflect"]

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

    a: (*, M, K) or transposed, b: (*, K, N) or transposed, bias: (N,), out: (*, M, N); stacks of matrices broadcast.
    a and b may be vectors (K,), and the result then lacks M or N; beside a vector b the bias is (M,).
    """
    if not a.ndim or not b.ndim:
        raise ValueError("gemm: a and b must be matrices or vectors")
    if a.ndim == b.ndim == 1:
        return gemm(a, b[:, None], bias=bias, relu=relu, out=None if out is None else out[None])[0, ...]
    if b.ndim == 1:
        return gemm(b, a, transpose_b=not transpose_a, bias=bias, relu=relu, out=out)
    left = a[None] if a.ndim == 1 else a.swapaxes(-2, -1) if transpose_a else a
    right = b.swapaxes(-2, -1) if transpose_b else b
    m, k = left.shape[-2:]
    k2, n = right.shape[-2:]
    if k != k2:
        raise ValueError(f"gemm: shapes ({m}x{k}) and ({k2}x{n}) cannot be multiplied")
    try:
        shape = (*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), *((m, n) if a.ndim > 1 else (n,)))
    except ValueError:
        raise ValueError("gemm: the stacks of matrices do not broadcast") from None
    if bias is not None and bias.shape != (n,):
        raise ValueError("gemm: bias must be 1-D with one element for each column of the result")
    if out is not None and out.shape != shape:
        raise ValueError("gemm: out has the wrong shape")
    if out is not None and not out.flags.writeable:
        raise ValueError("gemm: out is read-only")
    result: Array = (left if a.ndim > 1 else a) @ right
    if bias is not None:
        result = result + bias
    if relu:
        result = np.maximum(result, result.dtype.type(0))
    if out is None:
        return result
    out[...] = result
    return out


def linear_backward(
    grad: Array, input: Array | None, weight: Array | None, bias: bool
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of a linear layer's bias, input and weight from that of its result, those that are wanted.

    grad: (N, O). That of the bias (O,) if `bias`, that of the input (N, I) if `weight` (O, I) is given, and that of the
    weight (O, I) if `input` (N, I) is.
    """
    if any(matrix is not None and matrix.ndim != 2 for matrix in (grad, input, weight)):
        raise ValueError("linear_backward: grad, input and weight must be matrices")
    return (
        grad.sum(0) if bias else None,
        None if weight is None else gemm(grad, weight),
        None if input is None else gemm(grad, input, transpose_a=True),
    )


def _reflectors(a: Array, tau: Array) -> tuple[Array, Array]:
    """V, whose columns are those of `a` below the diagonal with 1 on it, and (I + U T)⁻¹, U the rest of VᴴV."""
    count = tau.shape[-1]
    v = triangle(a[..., :count], False, -1) + unit(a.shape[-2], count, a.dtype.char)
    above = triangle(v.conj().swapaxes(-2, -1) @ v, True, 1)
    return v, above * tau[..., None, :] + unit(count, count, a.dtype.char)


def householder_product(a: Array, tau: Array) -> Array:
    """The first n columns of Π (I - τ v vᴴ), v the columns of `a` below the diagonal with 1 on it.

    a: (*, M, N), tau: (*, K), K ≤ N ≤ M. As I - V S Vᴴ, by products of matrices (Schreiber and Van Loan, 1989).
    """
    columns = a.shape[-1]
    v, inner = _reflectors(a, tau)
    middle = np.linalg.solve(inner, v.conj().swapaxes(-2, -1)[..., :columns])
    result: Array = unit(a.shape[-2], columns, a.dtype.char) - (v * tau[..., None, :]) @ middle
    return result


def reflect(a: Array, tau: Array, c: Array, adjoint: bool) -> Array:
    """Q C, or Qᴴ C, where Q is the whole square product of reflections.

    a: (*, M, N), tau: (*, K), K ≤ N, c: (*, M, L).
    """
    v, inner = _reflectors(a, tau)
    across = v.conj().swapaxes(-2, -1) @ c
    if adjoint:
        middle = np.linalg.solve(inner.conj().swapaxes(-2, -1), tau.conj()[..., None] * across)
    else:
        middle = tau[..., None] * np.linalg.solve(inner, across)
    result: Array = c - v @ middle
    return result


# Degrees of the Taylor polynomial in each precision, and up to which 1-norm they are exact (Al-Mohy and Higham, 2011).
_DEGREES = {"f": ((6, 0.13), (12, 1.0), (16, 2.2)), "d": ((6, 2.4e-3), (12, 0.14), (16, 0.64))}


def matrix_exp(a: Array, multiply: Callable[[Array, Array], Array] = np.matmul) -> Array:
    """The exponential of square matrices (*, N, N): halved until they are small, the series, squared as often.

    NaN for a matrix with an element that is not finite. `multiply` is the product of matrices to use.
    """
    if not a.size:
        return a.copy()
    real = "f" if a.dtype.char in "fF" else "d"
    norms = np.abs(a).sum(-2).max(-1)
    finite = np.isfinite(norms)
    norms = np.where(finite, norms, 0)
    largest = float(norms.max())
    degree, bound = next((pair for pair in _DEGREES[real] if largest <= pair[1]), _DEGREES[real][-1])
    halvings = np.ceil(np.log2(np.maximum(norms, bound) / bound)).astype(int)
    scaled = np.where(finite[..., None, None], a, 0) * np.exp2(-halvings)[..., None, None].astype(real)
    result = _taylor_exp(scaled.astype(a.dtype, copy=False), degree, multiply)
    least, most = int(halvings.min()), int(halvings.max())
    for i in range(most):
        squared = multiply(result, result)
        result = squared if i < least else np.where((halvings > i)[..., None, None], squared, result)
    return result if finite.all() else np.where(finite[..., None, None], result, np.nan).astype(a.dtype)


def _taylor_exp(a: Array, degree: int, multiply: Callable[[Array, Array], Array]) -> Array:
    """Σ Aᵏ / k! up to a degree, by few products: polynomials in A of degree s are coefficients of one in Aˢ
    (Paterson and Stockmeyer, 1973)."""
    stretch = math.isqrt(degree)
    powers = [np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape), a]
    while len(powers) <= stretch:
        powers.append(multiply(powers[-1], a))
    weights = [a.dtype.type(1 / math.factorial(k)) for k in range(degree + 1)]
    result: Array = weights[degree] * powers[degree % stretch or stretch]
    first = degree - (degree % stretch or stretch)
    for k in range(1, degree - first):
        result = result + weights[first + k] * powers[k]
    while first:
        # What came so far is a polynomial without a constant.
        result = multiply(result + weights[first] * powers[0], powers[stretch])
        first -= stretch
        for k in range(1, stretch):
            result = result + weights[first + k] * powers[k]
    return result + powers[0]
