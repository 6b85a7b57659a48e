"""Factors by elimination: LU with exchanged rows, LDL of symmetric matrices, and the systems that they solve.

Matrices stand in the last two dimensions; pivots count from 1, as in LAPACK.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels, return_types
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import elements
from rushlight.autograd.variable import wrap
from rushlight.kernels.reference import factors
from rushlight.ops._numeric import Array, check_tensor, not_implemented
from rushlight.ops._out import into, into_each, write_out
from rushlight.ops.joining import cat
from rushlight.ops.linalg import (
    check_equation,
    check_floating,
    check_leading,
    check_matrix,
    check_same_type,
    checked,
    failure,
)
from rushlight.ops.matmul import product
from rushlight.ops.promotion import unbroadcast
from rushlight.ops.triangular import solve_with

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["lu", "lu_solve", "lu_unpack"]

_ZERO_PIVOT = (
    "U[{},{}] is zero and using it on lu_solve would result in a division by zero. If you still want to perform the "
    "factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
)


def _permutation_matrix(pivots: Array, rows: int, dtype: Any) -> Array:
    """P of A = P L U."""
    order = factors.permutation(pivots, rows)
    result = np.zeros((*order.shape, rows), dtype)
    if order.size == rows:
        # Of one matrix: which place of each column is 1, counted through all.
        result.reshape(-1)[order.reshape(-1) * rows + np.arange(rows)] = 1
    else:
        np.put_along_axis(result, order[..., None, :], 1, -2)
    return result


def _unpacked(lu_: Array) -> tuple[Array, Array]:
    rows, columns = lu_.shape[-2:]
    k = min(rows, columns)
    lower = kernels.triangle(lu_[..., :k], -1, True)
    for matrix in lower.reshape(math.prod(lower.shape[:-2]), rows * k):
        matrix[:: k + 1][:k] = 1
    return lower, kernels.triangle(lu_[..., :k, :], 0, False)


def _lu_gradient(grad_l: Tensor | None, grad_u: Tensor | None, p: Tensor, lower: Tensor, upper: Tensor) -> Any:
    """The gradient of A = P L U: of its leading square block, and of what is below it or right of it."""
    k = lower.shape[-1]
    tall, wide = lower.shape[-2] > k, upper.shape[-1] > k
    square_l, square_u = lower[..., :k, :], upper[..., :k]
    to_l = to_u = None
    if grad_l is not None:
        to_l = square_l.mH @ grad_l[..., :k, :]
        if tall:
            to_u = -(lower[..., k:, :].mH @ grad_l[..., k:, :])
    if grad_u is not None:
        part = grad_u[..., :k] @ square_u.mH
        to_u = part if to_u is None else to_u + part
        if wide:
            part = -(grad_u[..., k:] @ upper[..., k:].mH)
            to_l = part if to_l is None else to_l + part
    parts = [*([] if to_l is None else [to_l.tril(-1)]), *([] if to_u is None else [to_u.triu()])]
    middle: Any = parts[0] + parts[1] if len(parts) == 2 else parts[0]
    if wide:
        rest = grad_u[..., k:] if grad_u is not None else upper[..., k:] * 0
        square = solve_with(square_u.mH, middle, False, False)
        return p @ solve_with(square_l.mH, cat([square, rest], -1), True, True, True)
    square = solve_with(square_l.mH, middle, True, True, True)
    if tall:
        rest = grad_l[..., k:, :] if grad_l is not None else lower[..., k:, :] * 0
        square = cat([square, rest], -2)
    return p @ solve_with(square_u.mH, square, False, False)


class Lu(Operation):
    """P, L and U of A = P L U."""

    node_name = "LinalgLuBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        array = input._array
        packed, pivots, _ = kernels.lu_factor(array, product)
        p = wrap(_permutation_matrix(pivots, array.shape[-2], array.dtype))
        lower, upper = map(wrap, _unpacked(packed))
        ctx.mark_non_differentiable(p)
        ctx.save_for_backward(p, lower, upper)
        return p, lower, upper

    @staticmethod
    def backward(ctx: Any, grad_p: None, grad_l: Tensor | None, grad_u: Tensor | None) -> Any:
        if grad_l is None and grad_u is None:
            return None
        return _lu_gradient(grad_l, grad_u, *ctx.saved_tensors)


class LuFactor(Operation):
    """L and U in one matrix, the rows exchanged, and where U's diagonal is zero; with a name, an error there."""

    node_name = "LinalgLuFactorExBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, name: str) -> Any:
        packed, pivots, info = kernels.lu_factor(input._array, product)
        if name and info.any():
            raise RuntimeError(failure(name, info, _ZERO_PIVOT))
        out = wrap(packed)
        ctx.pivots = pivots
        ctx.save_for_backward(out)
        return out, pivots, info

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_pivots: None, grad_info: None) -> Any:
        if grad is None:
            return None, None
        (packed,) = ctx.saved_tensors
        k = min(packed.shape[-2:])
        p = wrap(_permutation_matrix(ctx.pivots, packed.shape[-2], packed._array.dtype))
        lower = packed[..., :k].tril(-1) + wrap(np.eye(packed.shape[-2], k, dtype=packed._array.dtype))
        upper = packed[..., :k, :].triu()
        return _lu_gradient(grad[..., :k], grad[..., :k, :], p, lower, upper), None


def _check_lu(name: str, A: Tensor, pivot: bool) -> None:
    check_tensor(name.replace(".", "_"), "A", 1, A)
    array = A._array
    if array.ndim < 2:
        prefix = name if name == "linalg.lu" else f"torch.{name.removeprefix('linalg.')}"
        raise RuntimeError(
            f"{prefix}: Expected tensor with 2 or more dimensions. Got size: {list(array.shape)} instead"
        )
    if array.dtype.char not in "fdFD":
        raise not_implemented("lu_cpu", array.dtype)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


def linalg_lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """P, L and U of `A = P L U`, as a named tuple: a permutation, a lower factor with a diagonal of ones, an upper one.

    `(*, m, n)` → `(*, m, m)`, `(*, m, k)` and `(*, k, n)`, k = min(m, n). The gradient is finite where A's leading k
    columns or rows are independent. Raises RuntimeError for what is no matrix and without `pivot`, which only GPUs
    have; NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.linalg.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]])).U
    tensor([[2., 2.],
            [0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.lu.html
    """
    _check_lu("linalg.lu", A, pivot)
    return into_each(out, return_types.linalg_lu(Lu.apply(A)))


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """L and U of `A = P L U` in one matrix, and the rows exchanged at each step, counted from 1, as a named tuple.

    `(*, m, n)` → `(*, m, n)` and int32 `(*, min(m, n))`; L's diagonal, of ones, is left out. Raises RuntimeError where
    U has a zero on its diagonal, for what is no matrix, and without `pivot`; NotImplementedError for integers.

    >>> import rushlight as torch
    >>> LU, pivots = torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> LU, pivots
    (tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]]), tensor([2, 2], dtype=torch.int32))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.lu_factor.html
    """
    _check_lu("linalg.lu_factor", A, pivot)
    return into_each(out, return_types.linalg_lu_factor(LuFactor.apply(A, "torch.linalg.lu_factor")[:2]))


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """The factors of `lu_factor`, and `info`: 0, or where U's diagonal first is zero, counted from 1, int32 `(*)`.

    Raises RuntimeError for a zero there if `check_errors`, for what is no matrix, and without `pivot`.

    >>> import rushlight as torch
    >>> torch.linalg.lu_factor_ex(torch.zeros(2, 2)).info
    tensor(1, dtype=torch.int32)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.lu_factor_ex.html
    """
    _check_lu("linalg.lu_factor", A, pivot)
    found = LuFactor.apply(A, "torch.linalg.lu_factor_ex" if check_errors else "")
    return into_each(out, return_types.linalg_lu_factor_ex(found))


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """The factors of `linalg.lu_factor` as a plain tuple, with `linalg.lu_factor_ex`'s info if `get_infos`. Warns.

    `(*, m, n)` gives `(*, m, n)` and int32 pivots `(*, min(m, n))`; errors as for `linalg.lu_factor`.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     LU, pivots = torch.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> pivots
    tensor([2, 2], dtype=torch.int32)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lu.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(lu, A, pivot, get_infos, out)
    warnings.warn(
        "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex and will be removed in "
        "a future PyTorch release.\nLU, pivots = torch.lu(A, compute_pivots)\nshould be replaced with\nLU, pivots = "
        "torch.linalg.lu_factor(A, compute_pivots)\nand\nLU, pivots, info = torch.lu(A, compute_pivots, get_infos=True)"
        "\nshould be replaced with\nLU, pivots, info = torch.linalg.lu_factor_ex(A, compute_pivots)",
        stacklevel=2,
    )
    _check_lu("linalg.lu_factor", A, pivot)
    found = tuple(LuFactor.apply(A, ""))[: 3 if get_infos else 2]
    if out is None:
        return found
    if len(out) != len(found):
        raise TypeError(f"expected tuple of {len(found)} elements but got {len(out)}")
    # Any type that the numbers can be converted to will do here.
    return type(out)([write_out(o, part._array) for o, part in zip(out, found, strict=True)])


class LuUnpack(Operation):
    """P, L and U from the packed factors."""

    node_name = "LuUnpackBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, data: Tensor, pivots: Tensor, unpack_data: bool, unpack_pivots: bool) -> Any:
        array = data._array
        ctx.shape = array.shape
        p = lower = upper = np.zeros(0, array.dtype)
        if unpack_pivots:
            p = _permutation_matrix(pivots._array, array.shape[-2], array.dtype)
        if unpack_data:
            lower, upper = _unpacked(array)
        first = wrap(p)
        ctx.mark_non_differentiable(first)
        return first, lower.copy() if lower is p else lower, upper.copy() if upper is p else upper

    @staticmethod
    def backward(ctx: Any, grad_p: None, grad_l: Tensor | None, grad_u: Tensor | None) -> Any:
        rows, columns = ctx.shape[-2:]
        result = None
        if grad_l is not None:
            result = grad_l.tril(-1)
            if columns > rows:
                zeros = wrap(np.zeros((*ctx.shape[:-1], columns - rows), grad_l._array.dtype))
                result = cat([result, zeros], -1)
        if grad_u is not None:
            part = grad_u.triu()
            if rows > columns:
                zeros = wrap(np.zeros((*ctx.shape[:-2], rows - columns, columns), grad_u._array.dtype))
                part = cat([part, zeros], -2)
            result = part if result is None else result + part
        return result, None, None, None


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> Any:
    """P, L and U of `A = P L U` from what `linalg.lu_factor` gave, as a named tuple.

    LU_data `(*, m, n)`, LU_pivots int32 `(*, k)` → `(*, m, m)`, `(*, m, k)` and `(*, k, n)`, k = min(m, n); L and U are
    empty without `unpack_data`, P without `unpack_pivots`. Raises RuntimeError for pivots that are not int32.

    >>> import rushlight as torch
    >>> P, L, U = torch.lu_unpack(*torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 2.0]])))
    >>> P @ L @ U
    tensor([[1., 2.],
            [2., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lu_unpack.html
    """
    check_tensor("lu_unpack", "LU_data", 1, LU_data)
    check_tensor("lu_unpack", "LU_pivots", 2, LU_pivots)
    if unpack_pivots and LU_pivots.dtype is not dtypes.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this "
            "function is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    if LU_data._array.ndim < 2:
        raise RuntimeError(
            f"torch.lu_unpack: Expected tensor with 2 or more dimensions. Got size: {list(LU_data.shape)} instead"
        )
    found = LuUnpack.apply(LU_data, LU_pivots, bool(unpack_data), bool(unpack_pivots))
    return into_each(out, return_types.lu_unpack(found))


class LuSolve(Operation):
    """X of A X = B, or of Aᴴ X = B, from A's packed factors."""

    node_name = "LinalgLuSolveBackward0"

    @staticmethod
    def forward(ctx: Any, LU: Tensor, pivots: Tensor, B: Tensor, adjoint: bool) -> Any:
        ctx.adjoint = adjoint
        out = wrap(factors.lu_solve(LU._array, pivots._array, B._array, adjoint, product))
        ctx.save_for_backward(LU, pivots, B, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        LU, pivots, B, x = ctx.saved_tensors
        to_b = LuSolve.apply(LU, pivots, grad, not ctx.adjoint)
        to_lu = None
        if ctx.needs_input_grad[0]:
            if ctx.adjoint:
                # With Y = Pᵀ X: Uᴴ (Lᴴ Y) = B, and the gradient of Y is Pᵀ grad.
                p = wrap(_permutation_matrix(pivots._array, LU.shape[-1], LU._array.dtype)).mT
                y, to_y = p @ x, p @ grad
                inner = (LU.tril(-1).mH + wrap(np.eye(LU.shape[-1], dtype=LU._array.dtype))) @ y
                to_inner = solve_with(LU, to_y, False, True, True)
                to_l = -(y @ to_inner.mH)
                to_u = -(inner @ solve_with(LU, to_inner, True).mH)
            else:
                to_u = -(solve_with(LU.mH, grad, False) @ x.mH)
                to_l = solve_with(LU.mH, to_u @ LU.triu().mH, True, True, True)
            to_lu = unbroadcast(to_l.tril(-1) + to_u.triu(), LU)
        return to_lu, None, unbroadcast(to_b, B), None


def linalg_lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """X of `A X = B` (`X A = B` unless `left`; Aᴴ for A if `adjoint`) from A's factors by `linalg.lu_factor`.

    LU `(*, n, n)`, pivots int32 `(*, n)`, B `(*, n, k)` (`(*, k, n)` unless `left`), broadcast. Raises RuntimeError
    where types or shapes do not go together.

    >>> import rushlight as torch
    >>> LU, pivots = torch.linalg.lu_factor(torch.tensor([[0.0, 2.0], [4.0, 0.0]]))
    >>> torch.linalg.lu_solve(LU, pivots, torch.ones(2, 1))
    tensor([[0.2500],
            [0.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.lu_solve.html
    """
    check_floating("torch.linalg.lu_solve", LU)
    check_tensor("linalg_lu_solve", "pivots", 2, pivots)
    check_tensor("linalg_lu_solve", "B", 3, B)
    check_same_type("linalg.lu_solve", LU, B, "LU")
    if pivots.dtype is not dtypes.int32:
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    a = check_matrix("torch.linalg.lu_solve", LU)
    b = check_matrix("linalg.lu_solve", B, "B", square=False)
    check_equation("linalg.lu_solve", a, b, left)
    if pivots._array.shape[-1:] != a.shape[-1:]:
        raise RuntimeError("linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix")
    if pivots._array.shape != a.shape[:-1]:
        raise RuntimeError(
            "linalg.lu_solve: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead"
        )
    if left:
        return into(out, LuSolve.apply(LU, pivots, B, bool(adjoint)))
    return into(out, LuSolve.apply(LU, pivots, B.mH, not adjoint).mH)


def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.lu_solve` by its old name and order of arguments; errors as there. Warns.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     X = torch.lu_solve(torch.ones(1, 1), *torch.linalg.lu_factor(torch.tensor([[2.0]])))
    >>> X
    tensor([[0.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lu_solve.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(lu_solve, input, LU_data, LU_pivots)
    given = {"input": input, "LU_data": LU_data, "LU_pivots": LU_pivots}
    for position, (argument, value) in enumerate(given.items(), 1):
        check_tensor("lu_solve", argument, position, value)
    warnings.warn(
        "torch.lu_solve is deprecated in favor of torch.linalg.lu_solveand will be removed in a future PyTorch release."
        "\nNote that torch.linalg.lu_solve has its arguments reversed.\nX = torch.lu_solve(B, LU, pivots)\nshould be "
        "replaced with\nX = torch.linalg.lu_solve(LU, pivots, B)",
        stacklevel=2,
    )
    return linalg_lu_solve(LU_data, LU_pivots, input, out=out)


class LdlFactor(Operation):
    """L and D of A = L D Lᵀ (or Lᴴ) in one matrix, the rows exchanged, and where D is zero."""

    node_name = "NotImplemented"

    @staticmethod
    def forward(ctx: Any, input: Tensor, hermitian: bool) -> Any:
        array = input._array
        return factors.ldl_factor(array, hermitian and array.dtype.kind == "c")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError("derivative for aten::linalg_ldl_factor_ex is not implemented")


def _ldl(A: Tensor, hermitian: bool, name: str) -> Any:
    checked("torch.linalg.ldl_factor_ex", A, kernel="ldl_factor_kernel_cpu")
    found = LdlFactor.apply(A, bool(hermitian))
    if name and elements(found[2]).any():
        raise RuntimeError(failure(name, elements(found[2]), "D[{},{}] is zero and cannot be used to solve equations."))
    return found


def ldl_factor(input: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """L and D of `A = L D Lᵀ` (`L D Lᴴ` if `hermitian`) in one matrix, and the rows exchanged, as a named tuple.

    `(*, n, n)`, of which the lower triangle is read → `(*, n, n)` and int32 `(*, n)`, packed as LAPACK's sytrf and
    hetrf have it: for `linalg.ldl_solve`. There is no gradient. Raises RuntimeError where D has a zero block, for what
    is not square or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.ldl_factor(torch.tensor([[4.0, 2.0], [2.0, 3.0]])).LD
    tensor([[4.0000, 0.0000],
            [0.5000, 2.0000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.ldl_factor.html
    """
    return into_each(out, return_types.linalg_ldl_factor(_ldl(input, hermitian, "torch.linalg.ldl_factor")[:2]))


def ldl_factor_ex(input: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """The factors of `ldl_factor`, and `info`: 0, or which block of D is zero, counted from 1, int32 `(*)`.

    Raises RuntimeError for a zero block if `check_errors`.

    >>> import rushlight as torch
    >>> torch.linalg.ldl_factor_ex(torch.zeros(2, 2)).info
    tensor(1, dtype=torch.int32)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.ldl_factor_ex.html
    """
    found = _ldl(input, hermitian, "torch.linalg.ldl_factor_ex" if check_errors else "")
    return into_each(out, return_types.linalg_ldl_factor_ex(found))


class LdlSolve(Operation):
    """X of A X = B from the factors of A."""

    node_name = "NotImplemented"

    @staticmethod
    def forward(ctx: Any, LD: Tensor, pivots: Tensor, B: Tensor, hermitian: bool) -> Any:
        ld = LD._array
        return factors.ldl_solve(ld, pivots._array, B._array, hermitian and ld.dtype.kind == "c", product)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        raise RuntimeError("derivative for aten::linalg_ldl_solve is not implemented")


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None) -> Tensor:
    """X of `A X = B` from A's factors by `linalg.ldl_factor`, with the same `hermitian`.

    LD `(*, n, n)`, pivots `(*, n)`, B `(*, n, k)`, broadcast. There is no gradient. Raises RuntimeError where types or
    shapes do not go together.

    >>> import rushlight as torch
    >>> LD, pivots = torch.linalg.ldl_factor(torch.tensor([[4.0, 2.0], [2.0, 3.0]]))
    >>> torch.linalg.ldl_solve(LD, pivots, torch.tensor([[6.0], [5.0]]))
    tensor([[1.],
            [1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.ldl_solve.html
    """
    name = "torch.linalg.ldl_solve"
    a = check_matrix(name, LD)
    check_tensor("linalg_ldl_solve", "pivots", 2, pivots)
    check_tensor("linalg_ldl_solve", "B", 3, B)
    b, order = B._array, pivots._array
    if b.ndim < 2:
        raise IndexError(f"Dimension out of range (expected to be in range of [-1, 0], but got -2) in {name}")
    if b.dtype != a.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {B.dtype.legacy_name} and A of type "
            f"{LD.dtype.legacy_name} instead."
        )
    if b.shape[-2] != a.shape[-1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {a.shape[-1]} by {a.shape[-1]} but each b matrix "
            f"is {b.shape[-2]} by {b.shape[-1]}"
        )
    if order.shape != a.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(order.shape)} instead"
        )
    if order.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {pivots.dtype.legacy_name}")
    check_leading(b, a)
    check_floating(name, LD, "ldl_solve_kernel_cpu")
    return into(out, LdlSolve.apply(LD, pivots, B, bool(hermitian)))


class LuMethods:
    """These functions as methods of Tensor."""

    def lu(self: Any, pivot: bool = True, get_infos: bool = False) -> Any:
        """The LU factors; see `rushlight.lu`."""
        return lu(self, pivot, get_infos)

    def lu_solve(self: Any, LU_data: Any, LU_pivots: Any) -> Any:
        """The solution of equations with this right side; see `rushlight.lu_solve`."""
        return lu_solve(self, LU_data, LU_pivots)
