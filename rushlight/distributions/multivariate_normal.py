"""`MultivariateNormal`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions._matrices import factor_of_inverse, log_diagonal, mahalanobis, matrix_times_vector
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.utils import _standard_normal, lazy_property
from rushlight.linalg import cholesky
from rushlight.ops.broadcast import broadcast_shapes
from rushlight.ops.triangular import cholesky_inverse
from rushlight.size import Size
from rushlight.tensor import Tensor

__all__ = ["MultivariateNormal"]


class MultivariateNormal(Distribution):
    """Normal vectors: density `exp(-½ (x - loc)ᵀ Σ⁻¹ (x - loc)) / √det(2π Σ)`.

    `loc` is `(*, n)`; of `covariance_matrix` Σ, `precision_matrix` Σ⁻¹ and `scale_tril`, the lower Cholesky factor of
    Σ, all `(*, n, n)`, give one: ValueError else. The factor is what is computed with.

    >>> import rushlight as torch
    >>> normal = torch.distributions.MultivariateNormal(torch.zeros(2), covariance_matrix=torch.eye(2))
    >>> normal.log_prob(torch.tensor([0.0, 1.0]))
    tensor(-2.3379)

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.multivariate_normal.MultivariateNormal
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: matrix for name, matrix in matrices.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            what = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(f"{what} must be at least two-dimensional, with optional leading batch dimensions")
        batch_shape = Size(broadcast_shapes(matrix.shape[:-2], loc.shape[:-1]))
        self.__dict__[name] = matrix.expand((*batch_shape, -1, -1))
        self.loc = loc.expand((*batch_shape, -1))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = factor_of_inverse(matrix)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        matrices = "covariance_matrix", "scale_tril", "precision_matrix"
        new = self._expanded(MultivariateNormal, _instance, batch_shape, "loc", *matrices)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        return new

    def _for_batch(self, tensor: Tensor, *event: int) -> Tensor:
        return tensor.expand(self._batch_shape + event)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of Σ."""
        return self._for_batch(self._unbroadcasted_scale_tril, *self._event_shape * 2)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Σ."""
        factor = self._unbroadcasted_scale_tril
        return self._for_batch(factor @ factor.mT, *self._event_shape * 2)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Σ⁻¹."""
        return self._for_batch(cholesky_inverse(self._unbroadcasted_scale_tril), *self._event_shape * 2)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The diagonal of Σ."""
        return self._for_batch(self._unbroadcasted_scale_tril.pow(2).sum(-1), *self._event_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        noise = _standard_normal(self._extended_shape(sample_shape), self.loc.dtype, self.loc.device)
        return self.loc + matrix_times_vector(self._unbroadcasted_scale_tril, noise)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + distance) - log_diagonal(self._unbroadcasted_scale_tril)

    def entropy(self) -> Tensor:
        constant = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return self._for_batch(constant + log_diagonal(self._unbroadcasted_scale_tril))
