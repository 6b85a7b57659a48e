"""Matrices without an inverse: least squares, pseudoinverses, ranks, condition numbers.

They rest on singular values and on orthogonal factors; small singular values count as zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._numeric import Array, check_tensor
from rushlight.ops._out import into
from rushlight.ops.linalg import (
    LinAlgError,
    check_floating,
    check_leading,
    check_matrix,
    inverse_of,
    is_vector,
)
from rushlight.ops.matmul import product
from rushlight.ops.norms import last_two, nuclear_norm_of, vector_norm
from rushlight.ops.promotion import unbroadcast
from rushlight.ops.spectral import Eigh, Eigvalsh, Svd, Svdvals, svdvals

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["pinverse"]

Tolerance = Any


def _epsilon(array: Array) -> float:
    return float(np.finfo(array.dtype).eps) * max(array.shape[-2:])


def _check_tolerances(name: str, atol: Tolerance, rtol: Tolerance) -> None:
    """TypeError or RuntimeError for tolerances of the wrong kind."""
    function = name.replace(".", "_")
    for label, value in (("atol", atol), ("rtol", rtol)):
        if isinstance(value, Variable) and value._array.dtype.kind == "c":
            raise RuntimeError(
                f"torch.{name}: {label} tensor of complex type is not supported. Got {value.dtype.legacy_name}"
            )
        if value is not None and not isinstance(value, Variable | int | float):
            raise TypeError(f"{function}(): argument '{label}' must be Tensor or float, not {type(value).__name__}")
    if atol is not None and rtol is not None and isinstance(atol, Variable) != isinstance(rtol, Variable):
        raise TypeError(f"{function}() takes atol and rtol both as numbers or both as tensors")


def _limit(array: Array, sizes: Array, atol: Tolerance, rtol: Tolerance) -> Array:
    """max(atol, rtol · the greatest size) of each matrix: singular values up to it count as zero."""
    absolute, relative = (t._array if isinstance(t, Variable) else t for t in (atol, rtol))
    if absolute is None:
        absolute = 0.0
    if relative is None:
        # The rounding error of the greatest singular value, unless an atol above 0 is given.
        relative = np.where(np.greater(absolute, 0), 0.0, _epsilon(array))
    greatest = sizes.max(-1)
    limit: Array = np.maximum(greatest * relative, absolute)
    return limit.astype(sizes.dtype)[..., None]


class MatrixRank(Operation):
    """How many singular values, or sizes of eigenvalues, lie above a limit."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, atol: Tolerance, rtol: Tolerance, hermitian: bool) -> Any:
        array = input._array
        if not array.size:
            # Where there are no singular values the rank is 0.
            shapes = [t._array.shape for t in (atol, rtol) if isinstance(t, Variable)]
            return np.zeros(np.broadcast_shapes(array.shape[:-2], *shapes), np.int64)
        sizes = np.abs(Eigvalsh.forward(ctx, input, "L")) if hermitian else Svdvals.forward(ctx, input)
        return np.asarray((sizes > _limit(array, sizes, atol, rtol)).sum(-1))


def matrix_rank(
    input: Tensor,
    tol: Tolerance = None,
    hermitian: bool = False,
    *,
    atol: Tolerance = None,
    rtol: Tolerance = None,
    out: Tensor | None = None,
) -> Tensor:
    """How many singular values (sizes of eigenvalues if `hermitian`) lie above `max(atol, rtol · σ₁)`, int64.

    `(*, m, n)` → `(*)`. Tolerances are numbers, or tensors that broadcast with the result; rtol is max(m, n) times
    the precision of A's type where neither it nor an atol above 0 is given. `tol` is an older name of atol. Raises
    RuntimeError for what is no matrix of floating point, LinAlgError for one that is not finite.

    >>> import rushlight as torch
    >>> torch.linalg.matrix_rank(torch.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.matrix_rank.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(matrix_rank, input, tol, hermitian, atol=atol, rtol=rtol)
    array = check_matrix("torch.linalg.matrix_rank", input, "input", square=False)
    if tol is not None and (atol is not None or rtol is not None):
        raise TypeError("linalg_matrix_rank() takes tol, or atol and rtol, not both")
    if array.dtype.char not in "fdFD":
        raise RuntimeError("This function doesn't handle types other than float and double")
    if tol is not None:
        atol, rtol = tol, wrap(np.zeros((), tol._array.dtype)) if isinstance(tol, Variable) else 0.0
    _check_tolerances("linalg.matrix_rank", atol, rtol)
    if hermitian:
        check_matrix("linalg.eigh", input)
    return into(out, MatrixRank.apply(input, atol, rtol, bool(hermitian)))


class Pinv(Operation):
    """The pseudoinverse V diag(1/σ) Uᴴ, where the singular values up to a limit are left out."""

    node_name = "LinalgPinvBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, atol: Tolerance, rtol: Tolerance, hermitian: bool) -> Any:
        array = input._array
        if not array.size:
            return np.zeros((*array.shape[:-2], array.shape[-1], array.shape[-2]), array.dtype)
        if hermitian:
            values, left = (t._array for t in Eigh.forward(ctx, input, "L"))
            right = np.swapaxes(left, -2, -1).conj()
            sizes = np.abs(values)
            right = right * np.where(values < 0, -1, 1).astype(values.dtype)[..., None]
        else:
            left, sizes, right = (t._array for t in Svd.forward(ctx, input, False))
        kept = sizes > _limit(array, sizes, atol, rtol)
        weights = np.where(kept, 1 / np.where(kept, sizes, 1), 0).astype(sizes.dtype)
        right = right.swapaxes(-2, -1).conj() * weights[..., None, :]
        out = wrap(np.matmul(right, np.swapaxes(left, -2, -1).conj()))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        if not ctx._saved:
            return None, None, None, None
        return pinv_gradient(grad, *ctx.saved_tensors), None, None, None


def pinv_gradient(grad: Tensor, A: Tensor, inverse: Tensor) -> Tensor:
    """The gradient of A by that of its pseudoinverse P, where A's rank stays (Golub and Pereyra, 1973):

    dP = -P dA P + P Pᴴ dAᴴ (I - A P) + (I - P A) dAᴴ Pᴴ P.
    """
    adjoint, turned = inverse.mH, grad.mH
    through = turned @ inverse @ adjoint
    back = adjoint @ inverse @ turned
    result = -(adjoint @ grad @ adjoint)
    return result + (through - A @ (inverse @ through)) + (back - (back @ inverse) @ A)


def pinv(
    input: Tensor,
    rcond: Tolerance = None,
    hermitian: bool = False,
    *,
    atol: Tolerance = None,
    rtol: Tolerance = None,
    out: Tensor | None = None,
) -> Tensor:
    """The pseudoinverse (Moore and Penrose's) of matrices, `(*, m, n)` → `(*, n, m)`.

    Singular values (sizes of eigenvalues if `hermitian`) up to `max(atol, rtol · σ₁)` count as zero. Tolerances are
    numbers, or tensors that broadcast with the batch; rtol is max(m, n) times the precision of A's type where neither
    it nor an atol above 0 is given. `rcond` is an older name of rtol. The gradient holds where the rank stays. Raises
    RuntimeError for what is no matrix of floating point, LinAlgError for one that is not finite.

    >>> import rushlight as torch
    >>> torch.linalg.pinv(torch.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.pinv.html
    """
    check_tensor("linalg_pinv", "input", 1, input)
    array = input._array
    if array.ndim < 2 or array.dtype.char not in "fdFD":
        given = f"{input.dtype.legacy_name}{{{list(input.shape)}}}"
        raise RuntimeError(
            f"linalg.pinv({given}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble "
            "types"
        )
    if rcond is not None:
        if atol is not None or rtol is not None:
            raise TypeError("linalg_pinv() takes rcond, or atol and rtol, not both")
        atol, rtol = None, rcond
    if hermitian:
        check_matrix("linalg.eigh", input)
    _check_tolerances("linalg.pinv", atol, rtol)
    return into(out, Pinv.apply(input, atol, rtol, bool(hermitian)))


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` with the relative tolerance `rcond`: `(*, m, n)` gives `(*, n, m)`; errors as there.

    >>> import rushlight as torch
    >>> torch.pinverse(torch.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.pinverse.html
    """
    if state.casts is not None:
        return state.casts.float32(pinverse, input, rcond)
    return pinv(input, rcond)


class Lstsq(Operation):
    """X that makes ‖A X - B‖ least, what is left, A's rank and singular values."""

    node_name = "LinalgLstsqBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, A: Tensor, B: Tensor, rcond: float, driver: str) -> Any:
        a, b = A._array, B._array
        x, rank, values = _full_rank(a, b) if driver == "gels" else _by_singular_values(a, b, rcond)
        rows, columns = a.shape[-2:]
        left = np.zeros(0, x.real.dtype)
        known = driver != "gelsy" and rows > columns and (driver == "gels" or bool((rank == columns).all()))
        if known:
            difference = b - product(*_of_one_shape(a, x))
            left = (difference.real**2 + difference.imag**2).sum(-2)
        ctx.known = known
        out = wrap(x)
        ctx.save_for_backward(A, B, out)
        values = values if driver in ("gelsd", "gelss") else np.zeros(0, values.dtype)
        shown = wrap(values)
        ctx.mark_non_differentiable(shown)
        return out, left, rank, shown

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_left: Tensor | None, *others: None) -> Any:
        A, B, x = ctx.saved_tensors
        to_a = to_b = None
        if grad is not None:
            inverse = pinv(A)
            to_b = inverse.mH @ grad
            to_a = pinv_gradient(grad @ B.mH, A, inverse) if ctx.needs_input_grad[0] else None
        if grad_left is not None and ctx.known:
            weighted = 2 * (B - A @ x) * grad_left.unsqueeze(-2)
            to_b = weighted if to_b is None else to_b + weighted
            part = -(weighted @ x.mH)
            to_a = part if to_a is None else to_a + part
        return (
            None if to_a is None else unbroadcast(to_a, A),
            None if to_b is None else unbroadcast(to_b, B),
            None,
            None,
        )


def _of_one_shape(a: Array, b: Array) -> tuple[Array, Array]:
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return np.broadcast_to(a, (*lead, *a.shape[-2:])), np.broadcast_to(b, (*lead, *b.shape[-2:]))


def _full_rank(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """By orthogonal factors, for matrices of full rank; of no rows or columns, or zeros, the solution is zero."""
    rows, columns = a.shape[-2:]
    rank, values = np.zeros(0, np.int64), np.zeros(0, a.real.dtype)
    zero = np.asarray(~a.any((-2, -1)))
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if not a.size or not b.size or zero.all():
        return np.zeros((*lead, columns, b.shape[-1]), a.dtype), rank, values
    a = np.where(zero[..., None, None], np.eye(rows, columns, dtype=a.dtype), a)
    adjoint = a.swapaxes(-2, -1).conj()
    q, r = np.linalg.qr(a if rows >= columns else adjoint)
    if rows >= columns:
        x = np.linalg.solve(r, np.matmul(q.swapaxes(-2, -1).conj(), b))
    else:
        x = np.matmul(q, np.linalg.solve(r.swapaxes(-2, -1).conj(), b))
    return np.where(zero[..., None, None], a.dtype.type(0), x), rank, values


def _by_singular_values(a: Array, b: Array, rcond: float) -> tuple[Array, Array, Array]:
    """The solution of least length, singular values up to `rcond` times the greatest counting as zero."""
    try:
        left, sizes, right = np.linalg.svd(a, False)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "torch.linalg.lstsq: The least squares solution could not be computed because the input matrix contained "
            "non-finite values."
        ) from None
    kept = sizes > rcond * sizes.max(-1, initial=0, keepdims=True)
    weights = np.where(kept, 1 / np.where(kept, sizes, 1), 0).astype(sizes.dtype)
    inner = np.matmul(left.swapaxes(-2, -1).conj(), b)
    return np.matmul(right.swapaxes(-2, -1).conj(), weights[..., None] * inner), np.asarray(kept.sum(-1)), sizes


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def lstsq(input: Tensor, b: Tensor, rcond: float | None = None, *, driver: str | None = None, out: Any = None) -> Any:
    """X that makes `‖A X - B‖` least, and of those the shortest, as a named tuple with what is known beside it.

    A `(*, m, n)`, B `(*, m, k)` or `(*, m)`, broadcast → solution `(*, n, k)`; residuals `(*, k)`, the squared lengths
    of `A X - B`, where m > n and each rank is n (empty otherwise, and for "gelsy"); rank `(*)` (empty for "gels");
    singular_values `(*, min(m, n))` (empty for "gels" and "gelsy"). `driver` says how LAPACK would go about it: "gels"
    takes A to have full rank; for "gelsy" (the default), "gelsd" and "gelss" singular values up to `rcond` times the
    greatest count as zero (max(m, n) times the precision of A's type, if None). Raises RuntimeError for another driver,
    and where types or shapes do not go together.

    >>> import rushlight as torch
    >>> torch.linalg.lstsq(torch.tensor([[2.0], [0.0]]), torch.tensor([[1.0], [3.0]])).solution
    tensor([[0.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.lstsq.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(lstsq, input, b, rcond, driver=driver)
    a, array = _check_lstsq(input, b)
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    if array.dtype != a.dtype:
        raise RuntimeError(
            "torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's dtype "
            f"{input.dtype.legacy_name} and other's dtype {b.dtype.legacy_name}"
        )
    vector = is_vector(a, array)
    right = b.unsqueeze(-1) if vector else b
    if right.shape[-2] != a.shape[-2]:
        dim = "-1" if vector else "-2"
        raise RuntimeError(f"torch.linalg.lstsq: input.size(-2) should match other.size({dim})")
    check_leading(a, right._array)
    limit = _epsilon(a) if rcond is None else float(rcond)
    x, left, rank, values = Lstsq.apply(input, right, limit, driver or "gelsy")
    if vector:
        x = x.squeeze(-1)
        left = left.squeeze(-1) if left.ndim and left.shape[-1] == 1 else left
    results = (x, left, rank, values)
    if out is None:
        return return_types.linalg_lstsq(results)
    if len(out) != len(results):
        raise TypeError(f"expected out to be a tuple of {len(results)} tensors, got {len(out)}")
    return return_types.linalg_lstsq_out([into(o, r, exact=True) for o, r in zip(out, results, strict=True)])


def _check_lstsq(A: Tensor, B: Tensor) -> tuple[Array, Array]:
    check_tensor("linalg_lstsq", "input", 1, A)
    check_tensor("linalg_lstsq", "b", 2, B)
    a, b = A._array, B._array
    if a.ndim < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if b.ndim < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    if a.dtype.char not in "fdFD":
        raise RuntimeError("This function doesn't handle types other than float and double")
    return a, b


def cond(input: Tensor, p: float | str | None = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number `‖A‖ · ‖A⁻¹‖` of matrices, `(*, m, n)` → a real `(*)`; 0 for a matrix without elements.

    The norm is `linalg.matrix_norm`'s of that order. For None, 2 and -2 it is a ratio of singular values, and A need
    not be square; for "fro", "nuc", ±inf and ±1 a singular matrix's is inf. Raises RuntimeError for another order, and
    for what is no matrix of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.cond(torch.tensor([[4.0, 0.0], [0.0, 2.0]]))
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.cond.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(cond, input, p)
    check_tensor("linalg_cond", "input", 1, input)
    array = input._array
    if array.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    known = p in ("fro", "nuc") if isinstance(p, str) else p is None or abs(p) in (1, 2, math.inf)
    if not known:
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if 0 in array.shape[-2:]:
        return into(out, wrap(np.zeros(array.shape[:-2], array.real.dtype)))
    if p in (None, 2, -2):
        values = svdvals(input)
        first, last = values[..., :1], values[..., -1:]
        return into(out, (last / first if p == -2 else first / last).squeeze(-1))
    rows, columns = array.shape[-2:]
    if rows != columns:
        raise RuntimeError(
            f"linalg.cond(ord={p}): A must be batches of square matrices, but they are {rows} by {columns} matrices"
        )
    assert p is not None
    check_floating("linalg.inv", input)
    inverse = inverse_of(input)
    result = matrix_norm_of(input, p) * matrix_norm_of(inverse, p)
    return into(out, result.nan_to_num(math.inf, math.inf, -math.inf))


def matrix_norm_of(A: Tensor, order: float | str, dims: tuple[int, ...] = (-2, -1), keepdim: bool = False) -> Tensor:
    """The norm of that order of the matrices in two dimensions; RuntimeError for another order."""
    if order == "fro":
        return vector_norm(A, 2.0, dims, keepdim)
    if order == "nuc":
        check_floating("linalg.matrix_norm", A)
        return nuclear_norm_of(A, dims, keepdim)
    if isinstance(order, str) or abs(order) not in (1, 2, math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {order} not supported.")
    first, last = (d % A.ndim for d in dims)
    if abs(order) == 2:
        check_floating("linalg.matrix_norm", A)
        sums, place = svdvals(last_two(A, first, last)), -1
    else:
        summed, place = (first, last) if abs(order) == 1 else (last, first)
        place -= place > summed
        sums = vector_norm(A, 1.0, summed)
    if order > 0 and not sums.shape[place]:
        # The greatest of no sums of sizes.
        result = sums.sum(place)
    else:
        result = sums.amax(place) if order > 0 else sums.amin(place)
    return result.unsqueeze(min(first, last)).unsqueeze(max(first, last)) if keepdim else result


class LeastSquaresMethods:
    """The pseudoinverse as a method of Tensor."""

    def pinverse(self: Any, rcond: float = 1e-15) -> Any:
        """The pseudoinverse; see `rushlight.pinverse`."""
        return pinverse(self, rcond)
