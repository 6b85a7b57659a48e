"""Functions that PyTorch removed and keeps to say so: calls name what stands in their place.

Each raises RuntimeError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["eig", "lstsq", "matrix_rank", "solve", "symeig"]

_SINCE = "This function was deprecated since version 1.9 and is now removed."
_EIG = (
    f"{_SINCE} `torch.linalg.eig` returns complex tensors of dtype `cfloat` or `cdouble` rather than real tensors "
    "mimicking complex tensors.\n\nL, _ = torch.eig(A) should be replaced with:\n"
    "L_complex = torch.linalg.eigvals(A)\n\nand\n\nL, V = torch.eig(A, eigenvectors=True) should be replaced with:\n"
    "L_complex, V_complex = torch.linalg.eig(A)"
)
_LSTSQ = (
    f"{_SINCE} `torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`.\n`torch.linalg.lstsq` has reversed "
    "arguments and does not return the QR decomposition in the returned tuple (although it returns other information "
    "about the problem).\n\nTo get the QR decomposition consider using `torch.linalg.qr`.\n\nX, _ = torch.lstsq(B, "
    "A).solution[:A.size(1)]\nshould be replaced with:\nX = torch.linalg.lstsq(A, B).solution"
)
_MATRIX_RANK = (
    f"{_SINCE}\nPlease use the `torch.linalg.matrix_rank` function instead. The parameter 'symmetric' was renamed in "
    "`torch.linalg.matrix_rank()` to 'hermitian'."
)
_SOLVE = (
    f"{_SINCE} `torch.solve` is deprecated in favor of `torch.linalg.solve`. `torch.linalg.solve` has its arguments "
    "reversed and does not return the LU factorization.\n\nTo get the LU factorization see `torch.lu`, which can be "
    "used with `torch.lu_solve` or `torch.lu_unpack`.\nX = torch.solve(B, A).solution should be replaced with:\nX = "
    "torch.linalg.solve(A, B)"
)
_SYMEIG = (
    f"{_SINCE} The default behavior has changed from using the upper triangular portion of the matrix by default to "
    "using the lower triangular portion.\n\nL, _ = torch.symeig(A, upper=upper) should be replaced with:\nL = "
    "torch.linalg.eigvalsh(A, UPLO='U' if upper else 'L')\n\nand\n\nL, V = torch.symeig(A, eigenvectors=True) should "
    "be replaced with:\nL, V = torch.linalg.eigh(A, UPLO='U' if upper else 'L')"
)


def eig(self: Tensor, eigenvectors: bool = False, *, e: Any = None, v: Any = None) -> NoReturn:
    """Raise RuntimeError: `linalg.eig` stands in its place.

    >>> import rushlight as torch
    >>> try:
    ...     torch.eig(torch.eye(2))
    ... except RuntimeError as error:
    ...     print("torch.linalg.eig" in str(error))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.eig.html
    """
    raise RuntimeError(_EIG)


def lstsq(input: Tensor, A: Tensor, *, out: Any = None) -> NoReturn:
    """Raise RuntimeError: `linalg.lstsq` stands in its place.

    >>> import rushlight as torch
    >>> try:
    ...     torch.lstsq(torch.eye(2), torch.eye(2))
    ... except RuntimeError as error:
    ...     print("torch.linalg.lstsq" in str(error))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.lstsq.html
    """
    raise RuntimeError(_LSTSQ)


def matrix_rank(input: Tensor, tol: Any = None, symmetric: bool = False, *, out: Any = None) -> NoReturn:
    """Raise RuntimeError: `linalg.matrix_rank` stands in its place.

    >>> import rushlight as torch
    >>> try:
    ...     torch.matrix_rank(torch.eye(2))
    ... except RuntimeError as error:
    ...     print("torch.linalg.matrix_rank" in str(error))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.matrix_rank.html
    """
    raise RuntimeError(_MATRIX_RANK)


def solve(input: Tensor, A: Tensor, *, out: Any = None) -> NoReturn:
    """Raise RuntimeError: `linalg.solve` stands in its place.

    >>> import rushlight as torch
    >>> try:
    ...     torch.solve(torch.eye(2), torch.eye(2))
    ... except RuntimeError as error:
    ...     print("torch.linalg.solve" in str(error))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.solve.html
    """
    raise RuntimeError(_SOLVE)


def symeig(input: Tensor, eigenvectors: bool = False, upper: bool = True, *, out: Any = None) -> NoReturn:
    """Raise RuntimeError: `linalg.eigh` stands in its place.

    >>> import rushlight as torch
    >>> try:
    ...     torch.symeig(torch.eye(2))
    ... except RuntimeError as error:
    ...     print("torch.linalg.eigh" in str(error))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.eigh.html
    """
    raise RuntimeError(_SYMEIG)


class RemovedMethods:
    """The removed methods of Tensor."""

    def eig(self: Any, eigenvectors: bool = False) -> NoReturn:
        """Raise RuntimeError: `linalg.eig` stands in its place."""
        raise RuntimeError(_EIG)

    def lstsq(self: Any, other: Any) -> NoReturn:
        """Raise RuntimeError: `linalg.lstsq` stands in its place."""
        raise RuntimeError(_LSTSQ)

    def solve(self: Any, other: Any) -> NoReturn:
        """Raise RuntimeError: `linalg.solve` stands in its place."""
        raise RuntimeError(_SOLVE)

    def symeig(self: Any, eigenvectors: bool = False) -> NoReturn:
        """Raise RuntimeError: `linalg.eigh` stands in its place."""
        raise RuntimeError(_SYMEIG)
