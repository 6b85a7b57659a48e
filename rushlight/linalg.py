"""Linear algebra under the names of `torch.linalg`.

Source: https://docs.pytorch.org/docs/2.13/linalg.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Dims
from rushlight.ops._out import into
from rushlight.ops.least_squares import cond, lstsq, matrix_norm_of, matrix_rank, pinv
from rushlight.ops.linalg import LinAlgError, check_matrix, inv, inv_ex, linalg_det, linalg_slogdet, solve, solve_ex
from rushlight.ops.linalg_factors import householder_product, linalg_qr
from rushlight.ops.linalg_factors import matrix_exp as _matrix_exp
from rushlight.ops.lu import ldl_factor, ldl_factor_ex, ldl_solve, linalg_lu, linalg_lu_solve, lu_factor, lu_factor_ex
from rushlight.ops.matmul import matmul
from rushlight.ops.matrix_products import (
    diagonal,
    linalg_cross,
    matrix_power,
    multi_dot,
    tensorinv,
    tensorsolve,
    vander,
    vecdot,
)
from rushlight.ops.norms import in_norm_type
from rushlight.ops.norms import vector_norm as _vector_norm
from rushlight.ops.spectral import eig, eigh, eigvals, eigvalsh, linalg_svd, svdvals
from rushlight.ops.triangular import cholesky_ex, linalg_cholesky, solve_triangular

if TYPE_CHECKING:
    from rushlight.dtypes import dtype as Dtype
    from rushlight.tensor import Tensor

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu", "lu_factor",
    "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot",
    "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv",
    "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip

cholesky = linalg_cholesky
cross = linalg_cross
det = linalg_det
lu = linalg_lu
lu_solve = linalg_lu_solve
qr = linalg_qr
slogdet = linalg_slogdet
svd = linalg_svd


def matrix_exp(input: Tensor) -> Tensor:
    """The exponential `eᴬ = Σ Aᵏ / k!` of square matrices, `(*, n, n)` → `(*, n, n)`.

    Raises RuntimeError for matrices that are not square, or not of floating point.

    >>> import rushlight as torch
    >>> torch.linalg.matrix_exp(torch.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.matrix_exp.html
    """
    return _matrix_exp(input)


def vector_norm(
    input: Tensor,
    ord: float = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """`(Σ |x|^ord)^(1/ord)` over `dim`, or all elements; 0 counts those that are not 0, ±inf is an extremum.

    Raises RuntimeError for integers and for an infinite order over no elements.

    >>> import rushlight as torch
    >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.vector_norm.html
    """
    given: Any = ord
    if isinstance(given, str):
        raise TypeError("linalg_vector_norm(): argument 'ord' (position 2) must be Number, not str")
    return into(out, _vector_norm(input, ord, dim, keepdim, dtype))


def matrix_norm(
    input: Tensor,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A norm of the matrices in two dimensions.

    "fro": the root of the sum of squares; "nuc": the sum of the singular values; ±2: the greatest or least of these;
    ±1, ±inf: the greatest or least sum of sizes of a column, of a row. Raises RuntimeError for another order, fewer
    than two dimensions, and integers.

    >>> import rushlight as torch
    >>> torch.linalg.matrix_norm(torch.tensor([[3.0, 0.0], [0.0, -4.0]]), 1)
    tensor(4.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.matrix_norm.html
    """
    check_matrix("linalg.matrix_norm", input, square=False)
    input = in_norm_type("linalg.matrix_norm", input, dtype)
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}")
    first, last = (wrap_dim(d, input.ndim) for d in dim)
    if first == last:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({first}, {last})")
    return into(out, matrix_norm_of(input, ord, (first, last), keepdim))


def norm(
    input: Tensor,
    ord: float | str | None = None,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The norm of vectors (one `dim`) or of matrices (two); without `ord` the root of the sum of squares of all.

    Raises RuntimeError for an order that vectors or matrices do not have, and for integers.

    >>> import rushlight as torch
    >>> torch.linalg.norm(torch.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.norm.html
    """
    if ord is None:
        return vector_norm(input, 2, dim, keepdim, dtype=dtype, out=out)
    if dim is None and input.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {input.ndim}D."
        )
    if not (dim is None or isinstance(dim, int)) and len(dim) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    count = input.ndim if dim is None else 1 if isinstance(dim, int) else len(dim)
    if count == 2:
        pair: Any = (-2, -1) if dim is None else dim
        return matrix_norm(input, ord, pair, keepdim, dtype=dtype, out=out)
    if isinstance(ord, str):
        if ord not in ("fro", "nuc"):
            raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}")
    return vector_norm(input, ord, dim, keepdim, dtype=dtype, out=out)
