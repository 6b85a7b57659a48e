"""Triangular matrices: systems of equations, and the Cholesky factor, which is one.

The other triangle is never read.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels, return_types
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels.reference import factors
from rushlight.ops._numeric import Array, check_tensor, not_implemented
from rushlight.ops._out import into, into_each
from rushlight.ops.linalg import (
    SINGULAR,
    check_equation,
    check_leading,
    check_matrix,
    checked,
    fail,
)
from rushlight.ops.matmul import product
from rushlight.ops.promotion import unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["cholesky", "cholesky_inverse", "cholesky_solve", "triangular_solve"]


def _part(matrix: Tensor, upper: bool, unitriangular: bool = False) -> Tensor:
    """The triangle that counts."""
    return matrix.triu(int(unitriangular)) if upper else matrix.tril(-int(unitriangular))


class SolveTriangular(Operation):
    """X of A X = B (X A = B unless `left`), where one triangle of A counts, without its diagonal if that is of ones."""

    node_name = "LinalgSolveTriangularBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor, B: Tensor, upper: bool, left: bool, unitriangular: bool) -> Any:
        ctx.upper, ctx.left, ctx.unitriangular = upper, left, unitriangular
        a, b = A._array, B._array
        if left:
            x = kernels.solve_triangular(a, b, upper, unitriangular, product)
        else:
            a, b = a.swapaxes(-2, -1), b.swapaxes(-2, -1)
            x = kernels.solve_triangular(a, b, not upper, unitriangular, product).swapaxes(-2, -1)
        out = wrap(np.ascontiguousarray(x))
        ctx.save_for_backward(A, B, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        A, B, x = ctx.saved_tensors
        upper, left, unitriangular = ctx.upper, ctx.left, ctx.unitriangular
        to_b = solve_with(A.mH, grad, not upper, left, unitriangular)
        to_a = None
        if ctx.needs_input_grad[0]:
            to_a = unbroadcast(_part(-(to_b @ x.mH if left else x.mH @ to_b), upper, unitriangular), A)
        return to_a, unbroadcast(to_b, B), None, None, None


def solve_with(A: Tensor, B: Tensor, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """`linalg.solve_triangular` of arguments that are known to be right."""
    result: Tensor = SolveTriangular.apply(A, B, upper, left, unitriangular)
    return result


def solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Tensor | None = None
) -> Tensor:
    """X of `A X = B` (`X A = B` unless `left`), where A is upper triangular, or lower triangular unless `upper`.

    A `(*, n, n)`, B `(*, n, k)` (`(*, k, n)` unless `left`), broadcast. What is in A's other triangle doesn't count,
    nor its diagonal if `unitriangular`: that is of ones. A zero on the diagonal gives infinities and NaNs. Raises
    RuntimeError where shapes do not go together, NotImplementedError for integers and the types of 16 bits.

    >>> import rushlight as torch
    >>> torch.linalg.solve_triangular(torch.tensor([[2.0, 1.0], [0.0, 4.0]]), torch.ones(2, 1), upper=True)
    tensor([[0.3750],
            [0.2500]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.solve_triangular.html
    """
    name = "linalg.solve_triangular"
    a = check_matrix(name, input)
    b = check_matrix(name, B, "B", square=False)
    check_equation(name, a, b, left)
    if a.dtype.char not in "fdFD":
        raise not_implemented("triangular_solve_cpu", a.dtype)
    return into(out, solve_with(input, B, bool(upper), bool(left), bool(unitriangular)))


def _check_old_solver(name: str, b: Tensor, A: Tensor, label: str) -> None:
    """RuntimeError where b and A of the older functions do not go together."""
    if b._array.dtype != A._array.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {b.dtype.legacy_name} and A of type "
            f"{A.dtype.legacy_name} instead."
        )
    rows, columns = A._array.shape[-2:]
    if rows != columns:
        raise RuntimeError(f"A must be batches of square matrices, but they are {rows} by {columns} matrices")
    if rows != b._array.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for {label}: each A matrix is {rows} by {rows} but each b matrix is "
            f"{b._array.shape[-2]} by {b._array.shape[-1]}"
        )
    check_leading(b._array, A._array)
    if b._array.dtype.char not in "fdFD":
        raise not_implemented(name, b._array.dtype)


class TriangularSolve(Operation):
    """X of A X = B, or Aᵀ X = B, and a copy of A."""

    node_name = "TriangularSolveBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, b: Tensor, A: Tensor, upper: bool, transpose: bool, unitriangular: bool) -> Any:
        ctx.options = upper, transpose, unitriangular
        a, right = A._array, b._array
        turned = a.swapaxes(-2, -1) if transpose else a
        x = kernels.solve_triangular(turned, right, upper != transpose, unitriangular, product)
        out = wrap(np.ascontiguousarray(x))
        ctx.save_for_backward(b, A, out)
        return out, np.array(np.broadcast_to(a, (*x.shape[:-2], *a.shape[-2:])))

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_copy: Tensor | None) -> Any:
        b, A, x = ctx.saved_tensors
        upper, transpose, unitriangular = ctx.options
        to_b, to_a = None, None if grad_copy is None else unbroadcast(grad_copy, A)
        if grad is not None:
            turned = A.conj() if transpose else A.mH
            to_b = solve_with(turned, grad, upper == transpose, True, unitriangular)
            part = -(x.conj() @ to_b.mT if transpose else to_b @ x.mH)
            part = unbroadcast(_part(part, upper, unitriangular), A)
            to_a = part if to_a is None else to_a + part
            to_b = unbroadcast(to_b, b)
        return to_b, to_a, None, None, None


def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """X of `A X = b` (`Aᵀ X = b` if `transpose`) for triangular A, and a copy of A; `linalg.solve_triangular` is newer.

    A `(*, n, n)`, b `(*, n, k)`, broadcast. Warns.

    Raises RuntimeError for matrices that are not square and for dtypes that differ.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     X = torch.triangular_solve(torch.ones(2, 1), torch.tensor([[2.0, 1.0], [0.0, 4.0]])).solution
    >>> X
    tensor([[0.3750],
            [0.2500]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.triangular_solve.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(triangular_solve, input, A, upper, transpose, unitriangular)
    for position, (name, tensor) in enumerate((("b", input), ("A", A)), 1):
        check_tensor("triangular_solve", name, position, tensor)
        if tensor._array.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has "
                f"{tensor._array.ndim} dimensions instead"
            )
    _check_old_solver("triangular_solve_cpu", input, A, "triangular_solve")
    warnings.warn(
        "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangularand will be removed in a future "
        "PyTorch release.\ntorch.linalg.solve_triangular has its arguments reversed and does not return a copy of one "
        "of the inputs.\nX = torch.triangular_solve(B, A).solution\nshould be replaced with\nX = "
        "torch.linalg.solve_triangular(A, B).",
        stacklevel=2,
    )
    found = TriangularSolve.apply(input, A, bool(upper), bool(transpose), bool(unitriangular))
    return into_each(out, return_types.triangular_solve(found))


_INDEFINITE = (
    "The factorization could not be completed because the input is not positive-definite (the leading minor of order "
    "{} is not positive-definite)."
)


class Cholesky(Operation):
    """L of A = L Lᴴ, with zeros above its diagonal (or Lᴴ, if `upper`), and where A is not positive definite."""

    node_name = "LinalgCholeskyExBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, upper: bool, name: str) -> Any:
        array = input._array.swapaxes(-2, -1).conj() if upper else input._array
        info = np.zeros(array.shape[:-2], np.int32)
        try:
            factor: Array = np.linalg.cholesky(array)
        except np.linalg.LinAlgError:
            factor, info = factors.cholesky_until(array)
            if name and info.any():
                fail(name, info, _INDEFINITE)
        out = wrap(np.ascontiguousarray(factor.swapaxes(-2, -1).conj()) if upper else factor)
        ctx.upper = upper
        ctx.save_for_backward(out)
        return out, info

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_info: None = None) -> Any:
        # Murray, "Differentiation of the Cholesky decomposition", 2016.
        if grad is None:
            return None, None, None
        (factor,) = ctx.saved_tensors
        if ctx.upper:
            factor, grad = factor.mH, grad.mH
        lower = (factor.mH @ grad).tril()
        middle = (lower + lower.tril(-1).mH) / 2
        right = solve_with(factor.mH, middle, True)
        return solve_with(factor, right, False, False), None, None


class OldCholesky(Cholesky):
    """The same, as the older function computes it."""

    node_name = "CholeskyBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, upper: bool, name: str) -> Any:
        return Cholesky.forward(ctx, input, upper, name)[0]


def linalg_cholesky(input: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """L of `A = L Lᴴ` for Hermitian positive definite matrices `(*, n, n)`; with `upper` its adjoint.

    One triangle of A is read, that of the result. Raises LinAlgError where A is not positive definite, RuntimeError
    where it is not square or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.cholesky.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(linalg_cholesky, input, upper=upper)
    checked("linalg.cholesky", input, kernel="cholesky_cpu")
    return into(out, Cholesky.apply(input, bool(upper), "linalg.cholesky")[0])


def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """The factor of `cholesky`, and `info`: 0, or the order of the first leading minor not positive, int32 `(*)`.

    Raises LinAlgError for a matrix that is not positive definite if `check_errors`; else its factor ends where that
    minor does.

    >>> import rushlight as torch
    >>> torch.linalg.cholesky_ex(torch.tensor([[1.0, 0.0], [0.0, -1.0]])).info
    tensor(2, dtype=torch.int32)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.cholesky_ex.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(cholesky_ex, input, upper=upper, check_errors=check_errors)
    checked("linalg.cholesky", input, kernel="cholesky_cpu")
    found = Cholesky.apply(input, bool(upper), "linalg.cholesky_ex" if check_errors else "")
    return into_each(out, return_types.linalg_cholesky_ex(found))


def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """`linalg.cholesky` by its old name; errors as there. Warns.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     L = torch.cholesky(torch.tensor([[4.0]]))
    >>> L
    tensor([[2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cholesky.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(cholesky, input, upper)
    warnings.warn(
        "torch.cholesky is deprecated in favor of torch.linalg.cholesky and will be removed in a future PyTorch "
        "release.\nL = torch.cholesky(A)\nshould be replaced with\nL = torch.linalg.cholesky(A)\nand\nU = "
        "torch.cholesky(A, upper=True)\nshould be replaced with\nU = torch.linalg.cholesky(A).mH\nThis transform will "
        "produce equivalent results for all valid (symmetric positive definite) inputs.",
        stacklevel=2,
    )
    array = check_matrix("cholesky", input)
    if array.dtype.char not in "fdFD":
        raise not_implemented("cholesky_cpu", array.dtype)
    return into(out, OldCholesky.apply(input, bool(upper), "cholesky"))


class CholeskySolve(Operation):
    """X of L Lᴴ X = B, or of Uᴴ U X = B."""

    node_name = "CholeskySolveBackward0"

    @staticmethod
    def forward(ctx: Any, B: Tensor, L: Tensor, upper: bool) -> Any:
        ctx.upper = upper
        factor = L._array
        adjoint = factor.swapaxes(-2, -1).conj()
        first, second = (adjoint, factor) if upper else (factor, adjoint)
        x = kernels.solve_triangular(first, B._array, False, False, product)
        out = wrap(np.ascontiguousarray(kernels.solve_triangular(second, x, True, False, product)))
        ctx.save_for_backward(B, L, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        B, L, x = ctx.saved_tensors
        to_b = CholeskySolve.apply(grad, L, ctx.upper)
        to_l = None
        if ctx.needs_input_grad[1]:
            both = to_b @ x.mH
            both = both + both.mH
            to_l = unbroadcast(-(L @ both if ctx.upper else both @ L), L)
        return unbroadcast(to_b, B), to_l, None


def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """X of `A X = B`, where L is A's Cholesky factor: `A = L Lᴴ` (`Lᴴ L` if `upper`).

    B `(*, n, k)`, L `(*, n, n)`, broadcast. Raises RuntimeError where shapes or types do not go together.

    >>> import rushlight as torch
    >>> torch.cholesky_solve(torch.tensor([[8.0]]), torch.tensor([[2.0]]))
    tensor([[2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cholesky_solve.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(cholesky_solve, input, input2, upper)
    for position, (name, letter, tensor) in enumerate((("B", "b", input), ("L", "u", input2)), 1):
        check_tensor("cholesky_solve", name, position, tensor)
        if tensor._array.ndim < 2:
            raise RuntimeError(
                f"{letter} should have at least 2 dimensions, but has {tensor._array.ndim} dimensions instead"
            )
    _check_old_solver("cholesky_solve_cpu", input, input2, "cholesky_solve")
    return into(out, CholeskySolve.apply(input, input2, bool(upper)))


class CholeskyInverse(Operation):
    """(L Lᴴ)⁻¹, or (Uᴴ U)⁻¹."""

    node_name = "CholeskyInverseBackward0"

    @staticmethod
    def forward(ctx: Any, L: Tensor, upper: bool) -> Any:
        ctx.upper = upper
        factor = L._array
        zero = np.diagonal(factor, 0, -2, -1) == 0
        if zero.any():
            info = np.where(zero.any(-1), zero.argmax(-1) + 1, 0) if factor.size else zero.any(-1)
            fail("cholesky_inverse", np.asarray(info), SINGULAR)
        inverse = kernels.solve_triangular(factor, np.eye(factor.shape[-1], dtype=factor.dtype), upper, False, product)
        adjoint = inverse.swapaxes(-2, -1).conj()
        out = wrap(product(inverse, adjoint) if upper else product(adjoint, inverse))
        ctx.save_for_backward(L, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        L, inverse = ctx.saved_tensors
        both = inverse @ (grad + grad.mH) @ inverse
        return -(L @ both if ctx.upper else both @ L), None


def cholesky_inverse(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of `A = L Lᴴ` (`Lᴴ L` if `upper`) from its Cholesky factor, `(*, n, n)` → `(*, n, n)`.

    Raises LinAlgError for a zero on L's diagonal, RuntimeError where L is not square, NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.cholesky_inverse(torch.tensor([[2.0]]))
    tensor([[0.2500]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cholesky_inverse.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(cholesky_inverse, input, upper)
    array = check_matrix("cholesky_inverse", input)
    if array.dtype.char not in "fdFD":
        raise not_implemented("cholesky_inverse_out_cpu", array.dtype)
    return into(out, CholeskyInverse.apply(input, bool(upper)))


class TriangularMethods:
    """These functions as methods of Tensor."""

    def cholesky(self: Any, upper: bool = False) -> Any:
        """The Cholesky factor; see `rushlight.cholesky`."""
        return cholesky(self, upper)

    def cholesky_inverse(self: Any, upper: bool = False) -> Any:
        """The inverse of what this is the Cholesky factor of; see `rushlight.cholesky_inverse`."""
        return cholesky_inverse(self, upper)

    def cholesky_solve(self: Any, input2: Any, upper: bool = False) -> Any:
        """The solution of the equations with this right side; see `rushlight.cholesky_solve`."""
        return cholesky_solve(self, input2, upper)

    def triangular_solve(
        self: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
    ) -> Any:
        """The solution of triangular equations with this right side; see `rushlight.triangular_solve`."""
        return triangular_solve(self, A, upper, transpose, unitriangular)
