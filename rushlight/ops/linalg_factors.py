"""Orthogonal factors of matrices, and the exponential: QR, products of reflections, matrix_exp.

Matrices stand in the last two dimensions; those before are a batch.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels, return_types
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels.reference import linalg as reference
from rushlight.ops._numeric import as_result, check_tensor, not_implemented, widened
from rushlight.ops._out import into, into_each
from rushlight.ops.joining import cat
from rushlight.ops.linalg import checked, inverse_of, solve
from rushlight.ops.matmul import product

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["geqrf", "matrix_exp", "orgqr", "ormqr", "qr"]


def _eye_like(matrix: Tensor) -> Tensor:
    return wrap(np.eye(*matrix.shape[-2:], dtype=matrix._array.dtype))


class Qr(Operation):
    """Q with orthonormal columns and R upper triangular, A = Q R."""

    node_name = "LinalgQrBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, mode: Any) -> Any:
        array = input._array
        ctx.mode = mode
        if mode == "r":
            empty = np.empty(0, array.dtype)
            return empty, np.linalg.qr(array, mode="r")
        q, r = map(wrap, kernels.qr_factor(array) if mode == "reduced" else np.linalg.qr(array, mode=mode))
        ctx.save_for_backward(input, q, r)
        return q, r

    @staticmethod
    def backward(ctx: Any, grad_q: Tensor, grad_r: Tensor) -> Any:
        if ctx.mode == "r":
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
            )
        input, q, r = ctx.saved_tensors
        rows, columns = input.shape[-2:]
        if ctx.mode == "complete" and rows > columns:
            raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
        if rows >= columns:
            return _qr_gradient(q, r, grad_q, grad_r), None
        # A = [X Y], Q U = X, R = [U Qᴴ Y].
        to_rest = grad_r[..., rows:]
        to_q = grad_q + input[..., rows:] @ to_rest.mH
        to_first = _qr_gradient(q, r[..., :rows], to_q, grad_r[..., :rows])
        return cat([to_first, q @ to_rest], -1), None


def _qr_gradient(q: Tensor, r: Tensor, grad_q: Tensor, grad_r: Tensor) -> Tensor:
    """The gradient of A = Q R with a square R (Walter and Lehmann, 2010; the diagonal of R real)."""
    half = (grad_r @ r.mH - q.mH @ grad_q).triu()
    diagonal = half.diagonal(0, -2, -1)
    diagonal = diagonal.real.to(half.dtype) if half.is_complex() else diagonal
    whole = half + half.mH - diagonal.diag_embed()
    return solve(r.mH, grad_q + q @ whole, left=False)


def linalg_qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """Q and R of `A = Q R`, as a named tuple: Q has orthonormal columns, R is upper triangular.

    `(*, m, n)` → `(*, m, k)` and `(*, k, n)`: k = min(m, n), or m for the mode "complete"; for "r" Q is empty. The
    gradient is finite where the first k columns are linearly independent. Raises RuntimeError for another mode, for
    what is no matrix of floating point, and from backward in mode "r" and, of a tall matrix, "complete".

    >>> import rushlight as torch
    >>> torch.linalg.qr(torch.tensor([[3.0, 1.0], [4.0, 2.0]])).R
    tensor([[-5.0000, -2.2000],
            [ 0.0000,  0.4000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.qr.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(linalg_qr, A, mode)
    checked("linalg.qr", A, square=False, kernel="geqrf_cpu")
    if mode not in ("reduced", "r", "complete"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return into_each(out, return_types.linalg_qr(Qr.apply(A, mode)))


def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """The old name of `linalg.qr`: "reduced" if `some`, else "complete"; errors as there. Warns.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     Q, R = torch.qr(torch.ones(3, 2))
    >>> Q.shape, R.shape
    (torch.Size([3, 2]), torch.Size([2, 2]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.qr.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(qr, input, some)
    warnings.warn(
        "torch.qr is deprecated in favor of torch.linalg.qr and will be removed in a future PyTorch release.\nThe "
        "boolean parameter 'some' has been replaced with a string parameter 'mode'.\nQ, R = torch.qr(A, some)\nshould "
        "be replaced with\nQ, R = torch.linalg.qr(A, 'reduced' if some else 'complete')",
        stacklevel=2,
    )
    return into_each(out, return_types.qr(linalg_qr(input, "reduced" if some else "complete")))


class Geqrf(Operation):
    """R above, and below the diagonal the reflections that make Q, with their factors tau."""

    node_name = "GeqrfBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        raw, tau = np.linalg.qr(input._array, mode="raw")
        # LAPACK's matrices lie column by column.
        return np.ascontiguousarray(raw.swapaxes(-2, -1)), tau

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        raise NotImplementedError("the derivative for 'geqrf' is not implemented.")


def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """The QR factors as LAPACK computes them: `a`, with R on and above the diagonal and reflections below, and `tau`.

    `(*, m, n)` → `(*, m, n)` and `(*, min(m, n))`; `linalg.householder_product(a, tau)` is Q. There is no gradient.

    Floating-point and complex types; RuntimeError for fewer than two dimensions.

    >>> import rushlight as torch
    >>> a, tau = torch.geqrf(torch.tensor([[3.0], [4.0]]))
    >>> torch.linalg.householder_product(a, tau)
    tensor([[-0.6000],
            [-0.8000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.geqrf.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(geqrf, input)
    check_tensor("geqrf", "input", 1, input)
    array = input._array
    if array.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    if array.dtype.kind not in "fc" or array.itemsize < 4:
        raise not_implemented("geqrf_cpu", array.dtype)
    return into_each(out, return_types.geqrf(Geqrf.apply(input)))


class HouseholderProduct(Operation):
    """The first columns of (I - τ₁ v₁ v₁ᴴ)(I - τ₂ v₂ v₂ᴴ)…, where v is A below its diagonal, and 1 on it.

    The product is `I - V S Vᴴ`, S = T (I + U T)⁻¹, T = diag(τ), U = VᴴV above its diagonal (Schreiber and Van Loan,
    1989): a few products of matrices, which have derivatives of all orders.
    """

    node_name = "LinalgHouseholderProductBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, tau: Tensor) -> Any:
        ctx.save_for_backward(input, tau)
        return reference.householder_product(input._array, tau._array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, tau = ctx.saved_tensors
        count, columns = tau.shape[-1], input.shape[-1]
        v, middle = _reflections(input, tau)
        top = v[..., :columns, :]
        to_middle = -(v.mH @ grad @ top)
        to_v = -(grad @ top @ middle.s.mH)
        to_top = -(grad.mH @ v @ middle.s)
        part, to_tau = middle.gradient(to_middle, v)
        to_v = to_v + part
        to_v = cat([to_v[..., :columns, :] + to_top, to_v[..., columns:, :]], -2)
        return _gradient_of_reflectors(to_v, input, count), to_tau


class _Middle:
    """S of the product I - V S Vᴴ of reflections."""

    def __init__(self, v: Tensor, tau: Tensor) -> None:
        self.t = tau.diag_embed()
        self.upper = (v.mH @ v).triu(1)
        self.inverse = inverse_of(self.upper @ self.t + _eye_like(self.t))
        self.s = self.t @ self.inverse

    def gradient(self, to_s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients of V and of the factors τ by that of S."""
        adjoint = self.inverse.mH
        to_inner = -(self.s.mH @ to_s @ adjoint)
        to_upper = (to_inner @ self.t.mH).triu(1)
        to_t = to_s @ adjoint + self.upper.mH @ to_inner
        return v @ (to_upper + to_upper.mH), to_t.diagonal(0, -2, -1)


def _reflections(input: Tensor, tau: Tensor) -> tuple[Tensor, _Middle]:
    """V, whose columns the reflections are made of, and S."""
    reflectors = input[..., : tau.shape[-1]]
    v = reflectors.tril(-1) + _eye_like(reflectors)
    return v, _Middle(v, tau)


def _gradient_of_reflectors(to_v: Tensor, input: Tensor, count: int) -> Tensor:
    """The gradient of what holds the reflections below its diagonal."""
    result = to_v.tril(-1)
    return cat([result, input[..., count:] * 0], -1) if input.shape[-1] > count else result


def householder_product(input: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first n columns of a product of reflections `I - τ v vᴴ`: v is a column of `input` below the diagonal.

    input `(*, m, n)` with m ≥ n, tau `(*, k)` with k ≤ n → `(*, m, n)`; v is 1 on the diagonal, 0 above. What is on
    and above the diagonal of `input` has no part in it. Raises RuntimeError for other shapes and differing types.

    >>> import rushlight as torch
    >>> torch.linalg.householder_product(torch.zeros(3, 2), torch.tensor([2.0, 0.0]))
    tensor([[-1.,  0.],
            [ 0.,  1.],
            [ 0.,  0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.householder_product.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(householder_product, input, tau)
    check_tensor("linalg_householder_product", "input", 1, input)
    check_tensor("linalg_householder_product", "tau", 2, tau)
    a, factors = input._array, tau._array
    name = "torch.linalg.householder_product:"
    if a.ndim < 2:
        raise RuntimeError(f"{name} input must have at least 2 dimensions.")
    if a.shape[-2] < a.shape[-1]:
        raise RuntimeError(f"{name} input.shape[-2] must be greater than or equal to input.shape[-1]")
    if not factors.ndim or a.shape[-1] < factors.shape[-1]:
        raise RuntimeError(f"{name} input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if factors.shape[:-1] != a.shape[:-2]:
        raise RuntimeError(
            f"{name} Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
            f"{list(factors.shape[:-1])}"
        )
    if a.dtype != factors.dtype:
        raise RuntimeError(
            f"{name} tau dtype {tau.dtype.legacy_name} does not match input dtype {input.dtype.legacy_name}"
        )
    if a.dtype.kind not in "fc" or a.itemsize < 4:
        raise not_implemented("orgqr_cpu", a.dtype)
    return into(out, HouseholderProduct.apply(input, tau))


def orgqr(input: Tensor, input2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.householder_product` by LAPACK's name; `input2` is tau, and errors are as there.

    >>> import rushlight as torch
    >>> torch.orgqr(torch.zeros(2, 1), torch.tensor([2.0]))
    tensor([[-1.],
            [ 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.orgqr.html
    """
    return householder_product(input, input2, out=out)


class Ormqr(Operation):
    """Q C, Qᴴ C, C Q or C Qᴴ, for the whole Q = I - V S Vᴴ of a product of reflections."""

    node_name = "OrmqrBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, tau: Tensor, other: Tensor, left: bool, transpose: bool) -> Any:
        ctx.left, ctx.transpose = left, transpose
        ctx.save_for_backward(input, tau, other)
        c = other._array if left else other._array.swapaxes(-2, -1).conj()
        result = reference.reflect(input._array, tau._array, c, left == transpose)
        return result if left else np.ascontiguousarray(result.swapaxes(-2, -1).conj())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, tau, other = ctx.saved_tensors
        left, transpose = ctx.left, ctx.transpose
        to_other = Ormqr.apply(input, tau, grad, left, not transpose)
        if not any(ctx.needs_input_grad[:2]):
            return None, None, to_other, None, None
        c, g = (other, grad) if left else (other.mH, grad.mH)
        v, middle = _reflections(input, tau)
        # C - V M W, where W = Vᴴ C and M = S or Sᴴ.
        m = middle.s.mH if left == transpose else middle.s
        w, turned = v.mH @ c, v.mH @ g
        to_m = -(turned @ w.mH)
        to_v = -(g @ (m @ w).mH) - c @ (m.mH @ turned).mH
        part, to_tau = middle.gradient(to_m.mH if left == transpose else to_m, v)
        return _gradient_of_reflectors(to_v + part, input, tau.shape[-1]), to_tau, to_other, None, None


def ormqr(
    input: Tensor,
    input2: Tensor,
    input3: Tensor,
    left: bool = True,
    transpose: bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`Q other` (`other Q` unless `left`; Qᴴ for Q if `transpose`), Q the square product of reflections of `geqrf`.

    input `(*, m, k)` and tau `(*, k)` make Q `(*, m, m)`; other is `(*, m, n)`, or `(*, n, m)` unless `left`. Raises
    RuntimeError where shapes or types do not go together, NotImplementedError for integers.

    >>> import rushlight as torch
    >>> a, tau = torch.geqrf(torch.tensor([[3.0], [4.0]]))
    >>> torch.ormqr(a, tau, torch.tensor([[3.0], [4.0]]), transpose=True)
    tensor([[-5.],
            [ 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ormqr.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(ormqr, input, input2, input3, left, transpose)
    _check_ormqr(input, input2, input3, left)
    return into(out, Ormqr.apply(input, input2, input3, bool(left), bool(transpose)))


def _check_ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool) -> None:
    name = "torch.ormqr:"
    for position, (label, tensor) in enumerate((("input", input), ("tau", tau), ("other", other)), 1):
        check_tensor("ormqr", label, position, tensor)
    a, t, c = input._array, tau._array, other._array
    for label, array in (("input", a), ("other", c)):
        if array.ndim < 2:
            raise RuntimeError(f"{name} {label} must have at least 2 dimensions.")
    dim = -2 if left else -1
    if c.shape[dim] != a.shape[-2]:
        raise RuntimeError(f"{name} other.shape[{dim}] must be equal to input.shape[-2]")
    if not t.ndim or min(c.shape[dim], a.shape[-1]) != t.shape[-1]:
        raise RuntimeError(f"{name} tau.shape[-1] must be equal to min(other.shape[{dim}], input.shape[-1])")
    if t.ndim != a.ndim - 1:
        raise RuntimeError(
            f"{name} Expected tau to have one dimension less than input, but got tau.ndim equal to {t.ndim} and "
            f"input.ndim is equal to {a.ndim}"
        )
    if c.ndim != a.ndim:
        raise RuntimeError(
            f"{name} Expected other to have the same number of dimensions as input, but got other.ndim equal to "
            f"{c.ndim} and input.ndim is equal to {a.ndim}"
        )
    for label, batches in (("tau", t.shape[:-1]), ("other", c.shape[:-2])):
        if batches != a.shape[:-2]:
            raise RuntimeError(
                f"{name} Expected batch dimensions of {label} to be equal to input.shape[:-2], but got {list(batches)}"
            )
    for label, tensor in (("tau", tau), ("other", other)):
        if tensor._array.dtype != a.dtype:
            raise RuntimeError(
                f"{name} Expected input and {label} to have the same dtype, but input has dtype"
                f"{input.dtype.legacy_name} and {label} has dtype {tensor.dtype.legacy_name}"
            )
    if a.dtype.char not in "fdFD":
        raise not_implemented("ormqr_cpu", a.dtype)


class MatrixExp(Operation):
    """eᴬ = I + A + A²/2 + …"""

    node_name = "LinalgMatrixExpBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        array = input._array
        return as_result(reference.matrix_exp(widened(array), product), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        # The derivative stands above the diagonal of exp([[A, E], [0, A]]) (Najfeld and Havel, 1995).
        (input,) = ctx.saved_tensors
        n = input.shape[-1]
        adjoint = input.mH
        upper = cat([adjoint, grad], -1)
        lower = cat([adjoint * 0, adjoint], -1)
        return MatrixExp.apply(cat([upper, lower], -2))[..., :n, n:]


def matrix_exp(input: Tensor) -> Tensor:
    """The exponential `eᴬ = Σ Aᵏ / k!` of square matrices, `(*, n, n)` → `(*, n, n)`.

    Raises RuntimeError for matrices that are not square, or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.matrix_exp(torch.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.matrix_exp.html
    """
    check_tensor("linalg_matrix_exp", "A", 1, input)
    array = input._array
    if input.dtype in (dtypes.float16, dtypes.bfloat16):
        if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
            checked("linalg.matrix_exp", input.float())
    else:
        checked("linalg.matrix_exp", input)
    return MatrixExp.apply(input)


class LinalgFactorMethods:
    """These functions as methods of Tensor."""

    def geqrf(self: Any) -> Any:
        """R and the reflections that make Q; see `rushlight.geqrf`."""
        return geqrf(self)

    def qr(self: Any, some: bool = True) -> Any:
        """Q and R; see `rushlight.qr`."""
        return qr(self, some)

    matrix_exp = matrix_exp

    def orgqr(self: Any, input2: Any) -> Any:
        """The product of reflections; see `rushlight.linalg.householder_product`."""
        return householder_product(self, input2)

    def ormqr(self: Any, input2: Any, input3: Any, left: bool = True, transpose: bool = False) -> Any:
        """The product with Q, of which these are the reflections; see `rushlight.ormqr`."""
        return ormqr(self, input2, input3, left, transpose)
