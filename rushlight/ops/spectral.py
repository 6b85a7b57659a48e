"""Eigenvalues and singular values, with their vectors.

Matrices stand in the last two dimensions; gradients need values that differ from each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import Array, not_implemented
from rushlight.ops._out import into, into_each
from rushlight.ops.linalg import LinAlgError, check_matrix, checked, failure, inverse_of

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["svd"]

_PHASE = (
    "{} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss function depends on "
    "this "
)
_OF_EIGENVECTORS = _PHASE + "quantity, so it is ill-defined."
_OF_SINGULAR_VECTORS = _PHASE + "phase term, making it ill-defined."


def _fail(name: str, array: Array) -> LinAlgError:
    """The error of an iteration that did not end well."""
    finite = np.asarray(np.isfinite(array).all((-2, -1)))
    if not finite.all():
        text = "The algorithm failed to converge because the input matrix contained non-finite values."
        return LinAlgError(failure(name, ~finite, text))
    return LinAlgError(
        f"{name}: The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
        "repeated eigenvalues or singular values."
    )


def _check_phase(message: str, turn: Tensor) -> None:
    """RuntimeError where a gradient depends on the phases of complex vectors, which are free."""
    if turn.is_complex() and turn._level is None:
        phase = np.diagonal(turn._array, 0, -2, -1).imag
        if not np.allclose(phase, 0, 1e-2, 1e-2):
            raise RuntimeError(message)


def _without_diagonal(matrix: Tensor) -> Tensor:
    return matrix - matrix.diagonal(0, -2, -1).diag_embed()


def _eye(n: int, like: Tensor) -> Tensor:
    return wrap(np.eye(n, dtype=like._array.dtype))


class Eigh(Operation):
    """The eigenvalues and eigenvectors of Hermitian matrices."""

    node_name = "LinalgEighBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, uplo: str) -> Any:
        array = input._array
        try:
            values, vectors = np.linalg.eigh(array, uplo)  # type: ignore[call-overload]
        except np.linalg.LinAlgError:
            if np.isfinite(array).all():
                raise _fail("linalg.eigh", array) from None
            values = np.full(array.shape[:-1], np.nan, array.real.dtype)
            vectors = np.full(array.shape, np.nan, array.dtype)
        found = wrap(values), wrap(vectors)
        ctx.save_for_backward(*found)
        return found

    @staticmethod
    def backward(ctx: Any, grad_values: Tensor | None, grad_vectors: Tensor | None) -> Any:
        values, vectors = ctx.saved_tensors
        if grad_vectors is None:
            if grad_values is None:
                return None, None
            return (vectors * grad_values.unsqueeze(-2)) @ vectors.mH, None
        turn = vectors.mH @ grad_vectors
        _check_phase(_OF_EIGENVECTORS.format("linalg_eigh_backward: The eigenvectors"), turn)
        gaps = values.unsqueeze(-2) - values.unsqueeze(-1) + _eye(values.shape[-1], values)
        # A is taken to be Hermitian, and so is its gradient.
        middle = _without_diagonal((turn - turn.mH) / (2 * gaps))
        if grad_values is not None:
            middle = middle + grad_values.diag_embed()
        return vectors @ middle @ vectors.mH, None


class Eigvalsh(Operation):
    """The eigenvalues of Hermitian matrices, where no gradient is wanted."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, uplo: str) -> Any:
        try:
            return np.linalg.eigvalsh(input._array, uplo)  # type: ignore[call-overload]
        except np.linalg.LinAlgError:
            return np.asarray(Eigh.forward(ctx, input, uplo)[0]._array)


def _triangle_of(A: Tensor, UPLO: str) -> str:
    checked("linalg.eigh", A, kernel="linalg_eigh_cpu")
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()


def eigh(input: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """The eigenvalues (ascending) and eigenvectors of symmetric or Hermitian matrices, as a named tuple.

    `(*, n, n)` → `(*, n)` and `(*, n, n)`; only the lower triangle is read (`UPLO="U"`: the upper one). The gradient of
    the vectors is finite where the eigenvalues differ. Raises RuntimeError for what is not square or of floating point,
    and from backward where a loss depends on the phases of complex vectors.

    >>> import rushlight as torch
    >>> torch.linalg.eigh(torch.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.eigh.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(eigh, input, UPLO)
    return into_each(out, return_types.linalg_eigh(Eigh.apply(input, _triangle_of(input, UPLO))))


def eigvalsh(input: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of `eigh` alone, in ascending order: `(*, n, n)` gives real `(*, n)`; errors as there.

    >>> import rushlight as torch
    >>> torch.linalg.eigvalsh(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([1., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.eigvalsh.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(eigvalsh, input, UPLO)
    uplo = _triangle_of(input, UPLO)
    return into(
        out,
        Eigh.apply(input, uplo)[0] if input.requires_grad or input._level is not None else Eigvalsh.apply(input, uplo),
    )


class Eig(Operation):
    """The eigenvalues and eigenvectors of square matrices, complex."""

    node_name = "LinalgEigBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        array = input._array
        if not np.isfinite(array).all():
            raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
        try:
            values, vectors = np.linalg.eig(array)
        except np.linalg.LinAlgError:
            raise _fail("linalg.eig", array) from None
        kind = np.dtype("F" if array.dtype.char in "fF" else "D")
        found = wrap(values.astype(kind, copy=False)), wrap(vectors.astype(kind, copy=False))
        ctx.real = array.dtype.kind == "f"
        ctx.save_for_backward(*found)
        return found

    @staticmethod
    def backward(ctx: Any, grad_values: Tensor | None, grad_vectors: Tensor | None) -> Any:
        values, vectors = ctx.saved_tensors
        if grad_vectors is None:
            if grad_values is None:
                return None
            middle = grad_values.diag_embed()
        else:
            adjoint = vectors.mH
            turn = adjoint @ grad_vectors
            _check_phase(_OF_EIGENVECTORS.format("linalg_eig_backward: The eigenvectors"), turn)
            # Each vector keeps its length.
            along = turn.diagonal(0, -2, -1).real.unsqueeze(-2)
            gaps = (values.unsqueeze(-2) - values.unsqueeze(-1)).conj() + _eye(values.shape[-1], values)
            middle = _without_diagonal((turn - adjoint @ (vectors * along)) / gaps)
            if grad_values is not None:
                middle = middle + grad_values.diag_embed()
        result = inverse_of(vectors.mH) @ middle @ vectors.mH
        return result.real if ctx.real else result


def _check_eig(name: str, A: Tensor) -> None:
    array = check_matrix(name, A)
    if array.dtype.kind in "biu":
        raise RuntimeError(f"Unknown Complex ScalarType for {A.dtype.legacy_name}")
    if array.dtype.char not in "fdFD":
        raise not_implemented("linalg_eig_out_cpu", array.dtype)


def eig(input: Tensor, *, out: Any = None) -> Any:
    """The eigenvalues and eigenvectors of square matrices, both complex, as a named tuple.

    `(*, n, n)` → `(*, n)` and `(*, n, n)`, the vectors as columns of length 1. They are in no particular order. The
    gradient of the vectors is finite where the eigenvalues differ. Raises RuntimeError for a matrix that is not square,
    not of floating point or not finite, and from backward where a loss depends on the vectors' phases.

    >>> import rushlight as torch
    >>> torch.linalg.eig(torch.tensor([[0.0, 1.0], [-1.0, 0.0]])).eigenvalues
    tensor([0.+1.j, 0.-1.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.eig.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(eig, input)
    _check_eig("linalg.eig", input)
    return into_each(out, return_types.linalg_eig(Eig.apply(input)))


class Eigvals(Operation):
    """The eigenvalues of square matrices, where no gradient is wanted."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        array = input._array
        if not np.isfinite(array).all():
            raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
        try:
            values = np.linalg.eigvals(array)
        except np.linalg.LinAlgError:
            raise _fail("linalg.eig", array) from None
        return values.astype("F" if array.dtype.char in "fF" else "D", copy=False)


def eigvals(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of `eig` alone: `(*, n, n)` gives complex `(*, n)`; errors as there.

    >>> import rushlight as torch
    >>> torch.linalg.eigvals(torch.tensor([[2.0, 1.0], [0.0, 3.0]]))
    tensor([2.+0.j, 3.+0.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.eigvals.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(eigvals, input)
    _check_eig("linalg.eigvals", input)
    return into(out, Eig.apply(input)[0] if input.requires_grad or input._level is not None else Eigvals.apply(input))


class Svd(Operation):
    """U, S and Vᴴ of A = U S Vᴴ: U and V have orthonormal columns, S is what is on a diagonal."""

    node_name = "LinalgSvdBackward0"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, full: bool) -> Any:
        array = input._array
        try:
            found = np.linalg.svd(array, full)
        except np.linalg.LinAlgError:
            raise _fail("linalg.svd", array) from None
        u, s, vh = map(wrap, found)
        ctx.save_for_backward(u, s, vh)
        return u, s, vh

    @staticmethod
    def backward(ctx: Any, grad_u: Tensor | None, grad_s: Tensor | None, grad_vh: Tensor | None) -> Any:
        u, s, vh = ctx.saved_tensors
        k = s.shape[-1]
        # What is beyond the k-th of a full U or V is free.
        u, vh = u[..., :k], vh[..., :k, :]
        if grad_u is None and grad_vh is None:
            if grad_s is None:
                return None, None
            return (u * grad_s.unsqueeze(-2)) @ vh, None
        grad_u = None if grad_u is None else grad_u[..., :k]
        grad_vh = None if grad_vh is None else grad_vh[..., :k, :]
        return _svd_gradient(u, s, vh, grad_u, grad_s, grad_vh), None


def _svd_gradient(
    u: Tensor, s: Tensor, vh: Tensor, grad_u: Tensor | None, grad_s: Tensor | None, grad_vh: Tensor | None
) -> Any:
    """The gradient of a matrix by those of its thin factors (Townsend, "Differentiating the SVD", 2016)."""
    k, row, column = s.shape[-1], s.unsqueeze(-2), s.unsqueeze(-1)
    turn_u = None if grad_u is None else u.mH @ grad_u
    turn_v = None if grad_vh is None else vh @ grad_vh.mH
    turns = [t for t in (turn_u, turn_v) if t is not None]
    message = _OF_SINGULAR_VECTORS.format("svd_backward: The singular vectors")
    _check_phase(message, turns[0] + turns[1] if len(turns) == 2 else turns[0])
    gaps = row * row - column * column + _eye(k, s)
    middle: Any = 0
    if turn_u is not None:
        middle = (turn_u - turn_u.mH) / gaps * row
        if u.is_complex():
            # Of the phase that U and V share, U takes its part.
            middle = middle + _phase_part(turn_u, s)
    if turn_v is not None:
        middle = middle + (turn_v - turn_v.mH) / gaps * column
    if grad_s is not None:
        middle = middle + grad_s.diag_embed()
    middle = middle.to(u.dtype)
    result = u @ middle @ vh
    if grad_u is not None and u.shape[-2] > k:
        scaled = grad_u / row
        result = result + (scaled - u @ (u.mH @ scaled)) @ vh
    if grad_vh is not None and vh.shape[-1] > k:
        scaled = grad_vh / column
        result = result + u @ (scaled - (scaled @ vh.mH) @ vh)
    return result


def _phase_part(turn: Tensor, s: Tensor) -> Tensor:
    return (turn.diagonal(0, -2, -1).imag / s * 1j).diag_embed()


class Svdvals(Operation):
    """The singular values, where no gradient is wanted."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        try:
            return np.linalg.svd(input._array, compute_uv=False)
        except np.linalg.LinAlgError:
            raise _fail("linalg.svd", input._array) from None


def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None) -> Any:
    """U, S and Vh of `A = U diag(S) Vh`, as a named tuple: U and V have orthonormal columns, S ≥ 0 descends.

    `(*, m, n)` → `(*, m, m)`, `(*, min(m, n))` and `(*, n, n)`; without `full_matrices` U and Vh hold the first
    min(m, n) vectors. Gradients of U and Vh are finite where the singular values differ from each other and, if m ≠ n,
    from 0. `driver` chooses among CUDA's ways and must be None. Raises RuntimeError for what is no matrix of floating
    point, LinAlgError for one that is not finite, and RuntimeError from backward where a loss depends on the phases of
    complex vectors.

    >>> import rushlight as torch
    >>> torch.linalg.svd(torch.tensor([[0.0, 3.0], [4.0, 0.0]])).S
    tensor([4., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.svd.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(linalg_svd, A, full_matrices, driver=driver)
    checked("linalg.svd", A, square=False, kernel="linalg_svd_cpu")
    _check_driver(driver)
    return into_each(out, return_types.linalg_svd(Svd.apply(A, bool(full_matrices))))


def _check_driver(driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values of matrices in descending order, `(*, m, n)` → `(*, min(m, n))`.

    Floating-point and complex types; RuntimeError for others and for fewer than two dimensions.

    >>> import rushlight as torch
    >>> torch.linalg.svdvals(torch.tensor([[0.0, 3.0], [4.0, 0.0]]))
    tensor([4., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.svdvals.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(svdvals, A, driver=driver)
    checked("linalg.svd", A, square=False, kernel="linalg_svd_cpu")
    _check_driver(driver)
    return into(out, Svd.apply(A, False)[1] if A.requires_grad or A._level is not None else Svdvals.apply(A))


def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """U, S and V of `input = U diag(S) Vᴴ`, as a named tuple: `linalg.svd` with V itself.

    `(*, m, n)` → `(*, m, k)`, `(*, k)` and `(*, n, k)`, k = min(m, n); U and V are square unless `some`. Without
    `compute_uv` they are square too, and zero.

    >>> import rushlight as torch
    >>> torch.svd(torch.tensor([[0.0, 3.0], [4.0, 0.0]])).S
    tensor([4., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.svd.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(svd, input, some, compute_uv)
    if hasattr(input, "_array") and input._array.ndim < 2:
        raise RuntimeError(
            f"linalg.svd: input should have at least 2 dimensions, but has {input._array.ndim} dimensions instead"
        )
    if compute_uv:
        u, s, vh = linalg_svd(input, not some)
        return into_each(out, return_types.svd((u, s, vh.mH)))
    s = svdvals(input)
    *lead, m, n = input.shape
    zeros = [wrap(np.zeros((*lead, k, k), input._array.dtype)) for k in (m, n)]
    return into_each(out, return_types.svd((zeros[0], s, zeros[1])))


class SpectralMethods:
    """The singular values as a method of Tensor."""

    def svd(self: Any, some: bool = True, compute_uv: bool = True) -> Any:
        """U, S and V; see `rushlight.svd`."""
        return svd(self, some, compute_uv)
