"""`LowRankMultivariateNormal`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions._matrices import (
    capacitance_factor,
    low_rank_log_determinant,
    low_rank_mahalanobis,
    matrix_times_vector,
)
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.utils import _standard_normal, lazy_property
from rushlight.linalg import cholesky
from rushlight.ops.broadcast import broadcast_tensors
from rushlight.ops.sequences import eye
from rushlight.ops.triangular import solve_triangular
from rushlight.tensor import Tensor

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """Normal vectors whose covariance is W Wᵀ + D: a few columns W, and D diagonal.

    `loc` and `cov_diag` (of D) are `(*, n)`, `cov_factor` W is `(*, n, m)`; only m × m matrices are factored.
    ValueError where the shapes do not fit.

    >>> import rushlight as torch
    >>> W = torch.tensor([[1.0], [0.0]])
    >>> torch.distributions.LowRankMultivariateNormal(torch.zeros(2), W, torch.ones(2)).covariance_matrix
    tensor([[2., 0.],
            [0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.lowrank_multivariate_normal.LowRankMultivariateNormal
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            columns = broadcast_tensors(loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_factor, self.cov_diag = columns[0][..., 0], columns[1], columns[2][..., 0]
        self._unbroadcasted_cov_factor = cov_factor
        self._unbroadcasted_cov_diag = cov_diag
        self._capacitance_tril = capacitance_factor(cov_factor, cov_diag)
        super().__init__(self.loc.shape[:-1], event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        own = LowRankMultivariateNormal
        new = self._expanded(own, _instance, batch_shape, "loc", "cov_factor", "cov_diag")
        new._unbroadcasted_cov_factor = self._unbroadcasted_cov_factor
        new._unbroadcasted_cov_diag = self._unbroadcasted_cov_diag
        new._capacitance_tril = self._capacitance_tril
        return new

    def _parts(self) -> tuple[Tensor, Tensor]:
        """W and the diagonal of D, as given."""
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag

    def _for_batch(self, tensor: Tensor, *event: int) -> Tensor:
        return tensor.expand(self._batch_shape + event)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """The diagonal of the covariance."""
        factor, diagonal = self._parts()
        return self._for_batch(factor.pow(2).sum(-1) + diagonal, *self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of the covariance: √D times that of I + V Vᵀ, V = D^-½ W."""
        factor, diagonal = self._parts()
        root = diagonal.sqrt().unsqueeze(-1)
        scaled = factor / root
        inner = scaled @ scaled.mT + eye(self._event_shape[0], dtype=factor.dtype)
        return self._for_batch(root * cholesky(inner), *self._event_shape * 2)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """W Wᵀ + D."""
        factor, diagonal = self._parts()
        return self._for_batch(factor @ factor.mT + diagonal.diag_embed(), *self._event_shape * 2)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """D⁻¹ - Aᵀ A, A = C⁻¹ Wᵀ D⁻¹, C Cᵀ being I + Wᵀ D⁻¹ W (Woodbury)."""
        factor, diagonal = self._parts()
        solved = solve_triangular(self._capacitance_tril, factor.mT / diagonal.unsqueeze(-2), upper=False)
        precision = diagonal.reciprocal().diag_embed() - solved.mT @ solved
        return self._for_batch(precision, *self._event_shape * 2)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        factor, diagonal = self._parts()
        of_factor = _standard_normal(shape[:-1] + factor.shape[-1:], self.loc.dtype, self.loc.device)
        of_diagonal = _standard_normal(shape, self.loc.dtype, self.loc.device)
        return self.loc + matrix_times_vector(factor, of_factor) + diagonal.sqrt() * of_diagonal

    def _log_determinant(self) -> Tensor:
        return low_rank_log_determinant(*self._parts(), self._capacitance_tril)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = low_rank_mahalanobis(*self._parts(), value - self.loc, self._capacitance_tril)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_determinant() + distance)

    def entropy(self) -> Tensor:
        constant = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return self._for_batch(0.5 * (constant + self._log_determinant()))
