"""The greatest singular values and vectors of large matrices, found through a random subspace.

They cost a few products with a thin matrix, where the whole decomposition costs its cube.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.ops.linalg_factors import linalg_qr
from rushlight.ops.random import randn
from rushlight.ops.spectral import linalg_svd

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["pca_lowrank", "svd_lowrank"]


class _Matrix:
    """A - M, of which only products are asked; A may be sparse."""

    def __init__(self, a: Any, m: Any) -> None:
        self.a, self.m = a, m

    def __matmul__(self, other: Tensor) -> Tensor:
        result: Tensor = self.a.matmul(other)
        return result if self.m is None else result - self.m.matmul(other)

    @property
    def mH(self) -> _Matrix:
        """The adjoint."""
        return _Matrix(_adjoint(self.a), None if self.m is None else _adjoint(self.m))

    def left_of(self, other: Tensor) -> Tensor:
        """otherᴴ (A - M)."""
        if self.a.is_sparse:
            return (self.mH @ other).mH
        result: Tensor = other.mH.matmul(self.a)
        return result if self.m is None else result - other.mH.matmul(self.m)


def _adjoint(a: Any) -> Any:
    return (a.t().conj() if a.is_complex() else a.t()) if a.is_sparse else a.mH


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """U, S and V of `A ≈ U diag(S) Vᴴ` with q singular values, the greatest if A has about that rank.

    `(*, m, n)` → `(*, m, q)`, `(*, q)` and `(*, n, q)`. A is multiplied with q random vectors (drawn from the default
    generator), `niter` times more with what that gives (Halko, Martinsson and Tropp, 2009). M is taken from A first; A
    may be sparse.

    >>> import rushlight as torch
    >>> U, S, V = torch.svd_lowrank(torch.diag(torch.tensor([3.0, 2.0, 0.0])), q=2)
    >>> S
    tensor([3.0000, 2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.svd_lowrank.html
    """
    q = 6 if q is None else q
    rows, columns = A.shape[-2:]
    matrix = _Matrix(A, None if M is None else M.broadcast_to(A.shape))
    wide = rows < columns
    if wide:
        matrix = matrix.mH
    kind = A.dtype if A.is_complex() or A.dtype in (dtypes.float16, dtypes.float32, dtypes.float64) else dtypes.float32
    basis = linalg_qr(matrix @ randn(min(rows, columns), q, dtype=kind)).Q
    for _ in range(2 if niter is None else niter):
        basis = linalg_qr(matrix.mH @ basis).Q
        basis = linalg_qr(matrix @ basis).Q
    u, s, vh = linalg_svd(matrix.left_of(basis), False)
    left, right = basis.matmul(u), vh.mH
    return (right, s, left) if wide else (left, s, right)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components of samples in A's rows: `svd_lowrank` of A less the mean of its rows, if `center`.

    `(*, m, n)` → `(*, m, q)`, `(*, q)` and `(*, n, q)`: V's columns are the principal directions; q = min(6, m, n) if
    None. A may be sparse. Raises ValueError for a q above min(m, n) or below 0, and a negative `niter`.

    >>> import rushlight as torch
    >>> U, S, V = torch.pca_lowrank(torch.tensor([[1.0, 0.0], [3.0, 0.0]]), q=1)
    >>> S
    tensor([1.4142])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.pca_lowrank.html
    """
    rows, columns = A.shape[-2:]
    if q is None:
        q = min(6, rows, columns)
    elif not 0 <= q <= min(rows, columns):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(rows, columns)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if not center:
        return svd_lowrank(A, q, niter)
    if not A.is_sparse:
        return svd_lowrank(A - A.mean(-2, True), q, niter)
    if A.ndim != 2:
        raise ValueError("pca_lowrank input is expected to be 2-dimensional tensor")
    mean: Any = A.sum(0)
    mean = mean.to_dense() if mean.is_sparse else mean
    return svd_lowrank(A, q, niter, (mean / rows).expand(rows, columns))
