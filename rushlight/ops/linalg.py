"""Linear algebra of matrices in the last two dimensions: inverses, systems of equations, determinants, factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import Array, check_tensor
from rushlight.ops._out import into, into_each
from rushlight.ops.promotion import unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["LinAlgError", "cholesky", "det", "eigh", "eigvalsh", "inv", "solve", "svdvals"]


class LinAlgError(RuntimeError):
    """A matrix for which the result does not exist or was not found."""


def _checked(name: str, input: Tensor, square: bool = True) -> Array:
    """The array of matrices; RuntimeError for what is none."""
    check_tensor(f"linalg_{name}", "A", 1, input)
    array = input._array
    if array.ndim < 2:
        raise RuntimeError(f"linalg.{name}: The input tensor A must have at least 2 dimensions.")
    rows, columns = array.shape[-2:]
    if square and rows != columns:
        raise RuntimeError(
            f"linalg.{name}: A must be batches of square matrices, but they are {rows} by {columns} matrices"
        )
    if array.dtype.kind not in "fc" or array.itemsize < 4:
        if array.dtype.kind in "biu":
            raise RuntimeError(
                f"linalg.{name}: Expected a floating point or complex tensor as input. Got {input.dtype.legacy_name}"
            )
        raise RuntimeError(f"linalg.{name}: Low precision dtypes not supported. Got {input.dtype.legacy_name}")
    return array


def _found(compute: Callable[..., Any], message: str, *arguments: Any) -> Any:
    try:
        return compute(*arguments)
    except np.linalg.LinAlgError:
        raise LinAlgError(message) from None


class Inverse(Operation):
    """The inverse A⁻¹."""

    node_name = "LinalgInvExBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        message = "linalg.inv: The inversion could not be completed because the input matrix is singular."
        out = wrap(_found(np.linalg.inv, message, input._array))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return -(out.mH @ grad @ out.mH)


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of square matrices, `(*, n, n)` → `(*, n, n)`.

    Raises LinAlgError for a singular matrix, RuntimeError for one that is not square or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.inv.html
    """
    _checked("inv", A)
    return into(out, Inverse.apply(A))


class Solve(Operation):
    """X of A X = B, for matrices B."""

    node_name = "LinalgSolveExBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor, B: Tensor) -> Any:
        message = "torch.linalg.solve: The solver failed because the input matrix is singular."
        out = wrap(_found(np.linalg.solve, message, A._array, B._array))
        ctx.save_for_backward(A, B, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        A, B, out = ctx.saved_tensors
        to_b = Solve.apply(A.mH, grad)
        return unbroadcast(-(to_b @ out.mH), A), unbroadcast(to_b, B)


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """X of `A X = B` (`X A = B` unless `left`), for square matrices A `(*, n, n)` and B `(*, n, k)` or `(*, n)`.

    Raises LinAlgError for a singular matrix, RuntimeError where types or shapes do not go together.

    >>> import rushlight as torch
    >>> torch.linalg.solve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.solve.html
    """
    a = _checked("solve", A)
    check_tensor("linalg_solve", "B", 2, B)
    b = B._array
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type {A.dtype.legacy_name} and B "
            f"of type {B.dtype.legacy_name} instead"
        )
    is_vector = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    rows = B.unsqueeze(-1) if is_vector else B
    if rows.shape[-2 if left or is_vector else -1] != a.shape[-1]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({a.shape[-2]}x{a.shape[-1]} and {rows.shape[-2]}x{rows.shape[-1]})"
        )
    if left:
        result = Solve.apply(A, rows)
    elif is_vector:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False.")
    else:
        result = Solve.apply(A.mT, rows.mT).mT
    return into(out, result.squeeze(-1) if is_vector else result)


class Determinant(Operation):
    """The determinant |A|."""

    node_name = "LinalgDetBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(np.linalg.det(input._array))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        grad = grad.unsqueeze(-1).unsqueeze(-1)
        if out._array.all():
            return grad * out.unsqueeze(-1).unsqueeze(-1).conj() * Inverse.apply(input).mH
        return grad * _cofactors(input).conj()


def _cofactors(matrix: Tensor) -> Tensor:
    """The derivative of the determinant by each element, whether or not there is an inverse."""
    n = matrix.shape[-1]
    if n == 1:
        return matrix * 0 + 1
    others = np.array([[j for j in range(n) if j != i] for i in range(n)], np.int64)
    minors = matrix[..., wrap(others[:, None, :, None]), wrap(others[None, :, None, :])]
    sign = np.where(np.add.outer(np.arange(n), np.arange(n)) % 2, -1, 1).astype(matrix._array.dtype)
    return Determinant.apply(minors) * wrap(sign)


def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of square matrices, `(*, n, n)` → `(*)`.

    Raises RuntimeError for a matrix that is not square or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.det(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(8.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.det.html
    """
    _checked("det", A)
    return into(out, Determinant.apply(A))


class Cholesky(Operation):
    """L of A = L Lᴴ, with zeros above its diagonal."""

    node_name = "LinalgCholeskyExBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        message = (
            "linalg.cholesky: The factorization could not be completed because the input is not positive-definite."
        )
        out = wrap(_found(np.linalg.cholesky, message, input._array))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        # Murray, "Differentiation of the Cholesky decomposition", 2016.
        (factor,) = ctx.saved_tensors
        lower = (factor.mH @ grad).tril()
        half = lower - lower.diagonal(0, -2, -1).diag_embed() / 2
        inverse = Inverse.apply(factor)
        result = inverse.mH @ half @ inverse
        return (result + result.mH) / 2


def cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """L of `A = L Lᴴ` for Hermitian positive definite matrices `(*, n, n)`; with `upper` its adjoint.

    Raises LinAlgError where A is not positive definite, RuntimeError where it is not square or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.cholesky.html
    """
    _checked("cholesky", A)
    result = Cholesky.apply(A.mH if upper else A)
    return into(out, result.mH if upper else result)


class Eigh(Operation):
    """The eigenvalues and eigenvectors of Hermitian matrices."""

    node_name = "LinalgEighBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, uplo: str) -> Any:
        message = "linalg.eigh: The algorithm failed to converge because the input matrix is ill-conditioned."
        values, vectors = map(wrap, _found(np.linalg.eigh, message, input._array, uplo))
        ctx.save_for_backward(values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx: Any, grad_values: Tensor, grad_vectors: Tensor) -> Any:
        values, vectors = ctx.saved_tensors
        middle = grad_values.diag_embed()
        if grad_vectors._array.any() or grad_vectors.requires_grad:
            gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
            gaps = gaps + wrap(np.eye(values.shape[-1], dtype=values._array.dtype))
            turn = (vectors.mH @ grad_vectors) / gaps
            middle = turn - turn.diagonal(0, -2, -1).diag_embed() + middle
        elif vectors.is_complex():
            middle = middle.to(vectors.dtype)
        return vectors @ middle @ vectors.mH, None


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """The eigenvalues (ascending) and eigenvectors of symmetric or Hermitian matrices, as a named tuple.

    `(*, n, n)` → `(*, n)` and `(*, n, n)`; only the lower triangle is read (`UPLO="U"`: the upper one). The gradient of
    the vectors is finite where the eigenvalues differ. Raises RuntimeError for what is not square or of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.eigh(torch.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.eigh.html
    """
    _checked("eigh", A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return into_each(out, return_types.linalg_eigh(Eigh.apply(A, UPLO.upper())))


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of `eigh` alone.

    >>> import rushlight as torch
    >>> torch.linalg.eigvalsh(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([1., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.eigvalsh.html
    """
    return into(out, eigh(A, UPLO)[0])


class Svdvals(Operation):
    """The singular values."""

    node_name = "LinalgSvdBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        message = "linalg.svd: The algorithm failed to converge because the input matrix is ill-conditioned."
        return _found(lambda a: np.linalg.svd(a, compute_uv=False), message, input._array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        # By the eigenvectors of AᴴA, which have a gradient themselves: U = A V / S.
        (input,) = ctx.saved_tensors
        tall = input if input.shape[-2] >= input.shape[-1] else input.mH
        squares, right = Eigh.apply(tall.mH @ tall, "L")
        weights = (grad.flip(-1) / squares.clamp(min=0).sqrt()).masked_fill(squares <= 0, 0)
        result = tall @ right @ weights.diag_embed().to(right.dtype) @ right.mH
        return result if tall is input else result.mH


def svdvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The singular values of matrices in descending order, `(*, m, n)` → `(*, min(m, n))`.

    >>> import rushlight as torch
    >>> torch.linalg.svdvals(torch.tensor([[0.0, 3.0], [4.0, 0.0]]))
    tensor([4., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.svdvals.html
    """
    _checked("svdvals", A, square=False)
    return into(out, Svdvals.apply(A))


class LinalgMethods:
    """The determinant and the inverse as methods of Tensor."""

    det = det
    inverse = inv
