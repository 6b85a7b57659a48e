"""Products and quadratic forms of batches of matrices and vectors."""

from __future__ import annotations

import math

from rushlight.linalg import cholesky
from rushlight.ops.broadcast import broadcast_shapes
from rushlight.ops.sequences import eye
from rushlight.ops.triangular import solve_triangular
from rushlight.tensor import Tensor


def matrix_times_vector(matrix: Tensor, vector: Tensor) -> Tensor:
    """`A v`, broadcast."""
    if matrix.dim() == 2 and vector.dim() > 1:
        # One product of matrices for all vectors.
        return vector @ matrix.mT
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def log_diagonal(factor: Tensor) -> Tensor:
    """The logarithm of a triangular matrix's determinant."""
    return factor.diagonal(0, -2, -1).log().sum(-1)


def mahalanobis(factor: Tensor, vector: Tensor) -> Tensor:
    """`xᵀ (L Lᵀ)⁻¹ x`, broadcast, for lower triangular L.

    Vectors that share one L are columns of one system, so that L is not repeated for each.
    """
    n = vector.shape[-1]
    batch = broadcast_shapes(vector.shape[:-1], factor.shape[:-2])
    first = len(batch) - (factor.dim() - 2)
    own = [first + i for i, length in enumerate(factor.shape[:-2]) if length != 1]
    shared = [i for i in range(len(batch)) if i not in own]
    systems, columns = [batch[i] for i in own], [batch[i] for i in shared]
    right = vector.expand((*batch, n)).permute(*own, len(batch), *shared).reshape(*systems, n, math.prod(columns))
    solved = solve_triangular(factor.reshape(*systems, n, n), right, upper=False)
    order = own + shared
    squares = solved.pow(2).sum(-2).reshape((*systems, *columns))
    return squares.permute([order.index(i) for i in range(len(batch))])


def factor_of_inverse(matrix: Tensor) -> Tensor:
    """The lower Cholesky factor of the inverse of a positive definite matrix, which is not inverted."""
    # That of the matrix turned about both ways, turned back, is an upper factor: P = U Uᵀ, and U⁻ᵀ the one wanted.
    upper = cholesky(matrix.flip((-2, -1))).flip((-2, -1))
    return solve_triangular(upper.mT, eye(matrix.shape[-1], dtype=matrix.dtype), upper=False)


def capacitance_factor(factor: Tensor, diagonal: Tensor) -> Tensor:
    """The lower Cholesky factor of `I + Wᵀ D⁻¹ W`, by which W Wᵀ + D is inverted (Woodbury)."""
    scaled = factor.mT / diagonal.unsqueeze(-2)
    return cholesky(scaled @ factor + eye(factor.shape[-1], dtype=factor.dtype))


def low_rank_log_determinant(factor: Tensor, diagonal: Tensor, capacitance: Tensor) -> Tensor:
    """`log det(W Wᵀ + D)`."""
    return 2 * log_diagonal(capacitance) + diagonal.log().sum(-1)


def low_rank_mahalanobis(factor: Tensor, diagonal: Tensor, vector: Tensor, capacitance: Tensor) -> Tensor:
    """`xᵀ (W Wᵀ + D)⁻¹ x`."""
    scaled = factor.mT / diagonal.unsqueeze(-2)
    outside = mahalanobis(capacitance, matrix_times_vector(scaled, vector))
    return (vector.pow(2) / diagonal).sum(-1) - outside
