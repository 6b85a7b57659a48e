"""Square matrices in the last two dimensions: inverses, systems of equations, determinants.

Dimensions before these are a batch, and a singular matrix raises `linalg.LinAlgError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from rushlight import kernels, return_types
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels.reference import factors
from rushlight.ops._numeric import Array, check_tensor, not_implemented
from rushlight.ops._out import into, into_each
from rushlight.ops.matmul import product
from rushlight.ops.promotion import check_broadcast, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["LinAlgError", "det", "inv", "inv_ex", "inverse", "linalg_det", "logdet", "slogdet", "solve", "solve_ex"]


class LinAlgError(RuntimeError):
    """A matrix for which the result does not exist or was not found: a RuntimeError.

    >>> import rushlight as torch
    >>> try:
    ...     torch.linalg.inv(torch.zeros(2, 2))
    ... except torch.linalg.LinAlgError:
    ...     print("singular")
    singular

    Source: https://docs.pytorch.org/docs/2.13/torch.html
    """


def fail(name: str, info: Array, text: str) -> NoReturn:
    """Raise LinAlgError for the first matrix whose `info` is not 0; `{}` in the text is that number."""
    raise LinAlgError(failure(name, info, text))


def failure(name: str, info: Array, text: str) -> str:
    """The message of `fail`."""
    place = int(np.flatnonzero(info)[0])
    batch = f"(Batch element {place}): " if info.ndim else ""
    return f"{name}: {batch}{text.replace('{}', str(info.reshape(-1)[place]))}"


SINGULAR = "The diagonal element {} is zero, the inversion could not be completed because the input matrix is singular."
UNSOLVABLE = "The solver failed because the input matrix is singular."


def check_matrix(name: str, input: Tensor, argument: str = "A", square: bool = True) -> Array:
    """The array of a tensor of matrices; RuntimeError for what is none."""
    check_tensor(name.replace(".", "_"), argument, 1, input)
    array: Array = input._array
    if array.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")
    rows, columns = array.shape[-2:]
    if square and rows != columns:
        raise RuntimeError(
            f"{name}: {argument} must be batches of square matrices, but they are {rows} by {columns} matrices"
        )
    return array


def check_floating(name: str, input: Tensor, kernel: str = "") -> None:
    """RuntimeError for integers, and for the types of 16 bits (NotImplementedError where the kernel is named)."""
    dtype = input._array.dtype
    if dtype.char in "fdFD":
        return
    if dtype.kind in "biu":
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {input.dtype.legacy_name}"
        )
    if kernel:
        raise not_implemented(kernel, dtype)
    raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {input.dtype.legacy_name}")


def checked(name: str, input: Tensor, square: bool = True, kernel: str = "") -> Array:
    """The array of a tensor of matrices of floating point; RuntimeError for anything else."""
    array = check_matrix(name, input, square=square)
    check_floating(name, input, kernel)
    return array


def check_equation(name: str, a: Array, b: Array, left: bool = True) -> None:
    """RuntimeError where A and B do not go together in A X = B, or X A = B."""
    if b.shape[-2 if left else -1] != a.shape[-1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})"
        )
    check_leading(a, b)


def check_leading(a: Any, b: Any) -> None:
    """RuntimeError where the dimensions before the last two do not broadcast."""
    if a.shape[:-2] != b.shape[:-2]:
        check_broadcast(np.empty(a.shape[:-2], bool), np.empty(b.shape[:-2], bool))


def check_same_type(name: str, a: Tensor, b: Tensor, first: str = "A", second: str = "B") -> None:
    """RuntimeError where two tensors differ in type."""
    if a._array.dtype != b._array.dtype:
        raise RuntimeError(
            f"{name}: Expected {first} and {second} to have the same dtype, but found {first} of type "
            f"{a.dtype.legacy_name} and {second} of type {b.dtype.legacy_name} instead"
        )


class Inverse(Operation):
    """The inverse A⁻¹, and which element of U's diagonal is zero; with a name, LinAlgError where one is."""

    node_name = "LinalgInvExBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, name: str) -> Any:
        array = input._array
        info = np.zeros(array.shape[:-2], np.int32)
        try:
            out = wrap(np.linalg.inv(array))
        except np.linalg.LinAlgError:
            lu, pivots, info = kernels.lu_factor(array, product)
            if name and info.any():
                fail(name, info, SINGULAR)
            out = wrap(factors.lu_solve(lu, pivots, np.eye(array.shape[-1], dtype=array.dtype), False, product))
        ctx.save_for_backward(out)
        return out, info

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_info: None) -> Any:
        if grad is None:
            return None, None
        (out,) = ctx.saved_tensors
        adjoint = out.mH
        return -(adjoint @ grad @ adjoint), None


def inverse_of(matrix: Tensor) -> Tensor:
    """The inverse, with infinities or NaNs where there is none."""
    result: Tensor = Inverse.apply(matrix, "")[0]
    return result


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of square matrices, `(*, n, n)` → `(*, n, n)`.

    Raises LinAlgError for a singular matrix, RuntimeError for one that is not square or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.inv.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(inv, A)
    checked("linalg.inv", A)
    return into(out, Inverse.apply(A, "linalg.inv")[0])


def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.inv` by its older name: `(*, n, n)` stays; errors as there.

    >>> import rushlight as torch
    >>> torch.inverse(torch.tensor([[2.0]]))
    tensor([[0.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.inverse.html
    """
    return inv(input, out=out)


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """The inverse, and `info`: 0, or which element of U's diagonal is zero in A's LU factors, int32 `(*)`.

    Raises LinAlgError for a singular matrix if `check_errors`; else what stands for its inverse holds infinities or
    NaNs. RuntimeError for a matrix that is not square or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.inv_ex(torch.tensor([[2.0, 0.0], [0.0, 0.0]])).info
    tensor(2, dtype=torch.int32)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.inv_ex.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(inv_ex, A, check_errors=check_errors)
    checked("linalg.inv", A)
    return into_each(out, return_types.linalg_inv_ex(Inverse.apply(A, "linalg.inv_ex" if check_errors else "")))


class Solve(Operation):
    """X of A X = B (X A = B unless `left`), and which element of U's diagonal is zero.

    B holds matrices, or vectors if `vector`. With a name, LinAlgError for a singular matrix.
    """

    node_name = "LinalgSolveExBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, A: Tensor, B: Tensor, left: bool, vector: bool, name: str) -> Any:
        a, b = A._array, B._array
        b = b[..., None] if vector else b
        ctx.left, ctx.vector = left, vector
        info = np.zeros(a.shape[:-2], np.int32)
        if not left:
            a, b = a.swapaxes(-2, -1), b.swapaxes(-2, -1)
        try:
            x = np.linalg.solve(a, b)
        except np.linalg.LinAlgError:
            lu, pivots, info = kernels.lu_factor(a, product)
            if name and info.any():
                fail(f"torch.{name}", info, UNSOLVABLE)
            x = factors.lu_solve(lu, pivots, b, False, product)
        if not left:
            x = np.ascontiguousarray(x.swapaxes(-2, -1))
        out = wrap(x[..., 0] if vector else x)
        ctx.save_for_backward(A, B, out)
        return out, info

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_info: None) -> Any:
        if grad is None:
            return (None,) * 5
        A, B, out = ctx.saved_tensors
        to_b = Solve.apply(A.mH, grad, ctx.left, ctx.vector, "")[0]
        to_a = None
        if ctx.needs_input_grad[0]:
            g, x = (to_b.unsqueeze(-1), out.unsqueeze(-1)) if ctx.vector else (to_b, out)
            to_a = unbroadcast(-(g @ x.mH if ctx.left else x.mH @ g), A)
        return to_a, unbroadcast(to_b, B), None, None, None


def is_vector(a: Array, b: Array) -> bool:
    """Whether B of A X = B holds vectors rather than matrices."""
    return b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])


def _solve(A: Tensor, B: Tensor, left: bool, raised: str) -> Any:
    a = checked("linalg.solve", A, kernel="lu_cpu")
    check_tensor("linalg_solve", "B", 2, B)
    b = B._array
    check_same_type("linalg.solve", A, B)
    vector = is_vector(a, b)
    columns = np.empty((*b.shape, 1), bool) if vector else b
    check_equation("linalg.solve", a, columns, left)
    if vector and not left:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False.")
    return Solve.apply(A, B, left, vector, raised)


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """X of `A X = B` (`X A = B` unless `left`), for square matrices A `(*, n, n)` and B `(*, n, k)` or `(*, n)`.

    Raises LinAlgError for a singular matrix, RuntimeError where types or shapes do not go together.

    >>> import rushlight as torch
    >>> torch.linalg.solve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.solve.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(solve, A, B, left=left)
    return into(out, _solve(A, B, left, "linalg.solve")[0])


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """The solution of `solve`, and `info`: 0, or which element of U's diagonal is zero in A's LU factors, int32 `(*)`.

    Raises LinAlgError for a singular matrix if `check_errors`; else its solution holds infinities or NaNs.

    >>> import rushlight as torch
    >>> torch.linalg.solve_ex(torch.zeros(2, 2), torch.ones(2)).info
    tensor(1, dtype=torch.int32)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.solve_ex.html
    """
    found = _solve(A, B, left, "linalg.solve_ex" if check_errors else "")
    return into_each(out, return_types.linalg_solve_ex(found))


class Determinant(Operation):
    """The determinant |A|."""

    node_name = "LinalgDetBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(np.linalg.det(input._array))
        ctx.regular = bool(out._array.all())
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        grad = grad.unsqueeze(-1).unsqueeze(-1)
        if input.shape[-1] == 1:
            return grad
        if ctx.regular:
            return grad * out.unsqueeze(-1).unsqueeze(-1).conj() * inverse_of(input).mH
        return grad * _cofactors(input).conj()


def _cofactors(matrix: Tensor) -> Tensor:
    """The derivative of the determinant by each element, whether or not there is an inverse."""
    n = matrix.shape[-1]
    others = np.array([[j for j in range(n) if j != i] for i in range(n)], np.int64)
    minors = matrix[..., wrap(others[:, None, :, None]), wrap(others[None, :, None, :])]
    sign = np.where(np.add.outer(np.arange(n), np.arange(n)) % 2, -1, 1).astype(matrix._array.dtype)
    return Determinant.apply(minors) * wrap(sign)


def linalg_det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of square matrices, `(*, n, n)` → `(*)`.

    Raises RuntimeError for a matrix that is not square or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.det(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(8.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.det.html
    """
    checked("linalg.det", A, kernel="lu_cpu")
    return into(out, Determinant.apply(A))


def det(input: Tensor) -> Tensor:
    """`linalg.det` by its older name: `(*, n, n)` gives `(*)`; errors as there.

    >>> import rushlight as torch
    >>> torch.det(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(8.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.det.html
    """
    return linalg_det(input)


class LogDeterminant(Operation):
    """The sign of the determinant, and the logarithm of its size."""

    node_name = "LinalgSlogdetBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        sign, size = np.linalg.slogdet(input._array)
        sign = wrap(sign)
        ctx.save_for_backward(input, sign)
        return sign, size

    @staticmethod
    def backward(ctx: Any, grad_sign: Tensor | None, grad_size: Tensor | None) -> Any:
        input, sign = ctx.saved_tensors
        is_complex = input.is_complex()
        weight = None if grad_size is None else grad_size.to(input.dtype)
        if is_complex and grad_sign is not None:
            # The sign is a phase: it turns with the imaginary part of the trace of A⁻¹ dA.
            turn = (grad_sign.conj() * sign).imag
            weight = (0 if weight is None else weight) - turn * 1j
        if weight is None:
            return input * 0
        adjoint = input.mH
        return Solve.apply(adjoint, weight.unsqueeze(-1).unsqueeze(-1) * _eye(input), True, False, "")[0]


def _eye(matrix: Tensor) -> Tensor:
    return wrap(np.eye(matrix.shape[-1], dtype=matrix._array.dtype))


def slogdet_of(name: str, A: Tensor) -> Any:
    """The pair of `slogdet`, with errors in that name."""
    checked(name, A)
    return LogDeterminant.apply(A)


def linalg_slogdet(A: Tensor, *, out: Any = None) -> Any:
    """The sign of the determinant of square matrices and the logarithm of its size: `det = sign · exp(logabsdet)`.

    `(*, n, n)` → `(*)` and a real `(*)`, as a named tuple. Of a singular matrix they are 0 and -inf. Raises
    RuntimeError for a matrix that is not square or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.slogdet(torch.tensor([[0.0, 1.0], [1.0, 0.0]])).sign
    tensor(-1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.slogdet.html
    """
    return into_each(out, return_types.linalg_slogdet(slogdet_of("linalg.slogdet", A)))


def slogdet(input: Tensor, *, out: Any = None) -> Any:
    """`linalg.slogdet` by its old name: the sign and `log |det|` of `(*, n, n)`, each `(*)`; errors as there.

    >>> import rushlight as torch
    >>> torch.slogdet(torch.eye(2)).logabsdet
    tensor(0.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.slogdet.html
    """
    return into_each(out, return_types.slogdet(slogdet_of("linalg.slogdet", input)))


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant of square matrices, `(*, n, n)` → `(*)`.

    NaN for a negative determinant, -inf for 0. Raises RuntimeError for a matrix that is not square or not of floating
    point.

    >>> import rushlight as torch
    >>> torch.logdet(torch.tensor([[2.0, 0.0], [0.0, 2.0]]))
    tensor(1.3863)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logdet.html
    """
    sign, size = slogdet_of("logdet", input)
    if input.is_complex():
        result: Tensor = sign.log() + size
        return result
    result = size.masked_fill(sign == -1.0, np.nan)
    return result


class LinalgMethods:
    """These functions as methods of Tensor."""

    det = det
    inverse = inverse
    logdet = logdet

    def slogdet(self: Any) -> Any:
        """The sign and the logarithm of the size of the determinant; see `rushlight.slogdet`."""
        return slogdet(self)
