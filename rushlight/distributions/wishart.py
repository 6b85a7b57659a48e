"""`Wishart`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from rushlight import dtypes, special
from rushlight.distributions import constraints
from rushlight.distributions._matrices import factor_of_inverse, log_diagonal
from rushlight.distributions.chi2 import Chi2
from rushlight.distributions.exp_family import ExponentialFamily
from rushlight.distributions.utils import lazy_property
from rushlight.linalg import cholesky, slogdet
from rushlight.ops.broadcast import broadcast_shapes
from rushlight.ops.creation import tensor
from rushlight.ops.random import randn
from rushlight.ops.sequences import arange, eye, tril_indices
from rushlight.ops.triangular import cholesky_solve
from rushlight.size import Size
from rushlight.tensor import Tensor

__all__ = ["Wishart"]


def _multivariate_digamma(x: Tensor, p: int) -> Tensor:
    """The derivative of `multigammaln(x, p)`."""
    if not bool((x > (p - 1) / 2).all()):
        raise AssertionError("Wrong domain for multivariate digamma function.")
    return (x.unsqueeze(-1) - arange(p, dtype=x.dtype) / 2).digamma().sum(-1)


class Wishart(ExponentialFamily):
    """Positive definite matrices: X Xᵀ for a p × df matrix X of normal columns with the covariance Σ.

    Density `det(V)^((df - p - 1) / 2) exp(-tr(Σ⁻¹ V) / 2) / (2^(df p / 2) det(Σ)^(df / 2) Γₚ(df / 2))`. `df` > p - 1
    need not be whole; of `covariance_matrix` Σ, `precision_matrix` Σ⁻¹ and `scale_tril`, the lower Cholesky factor of
    Σ, all `(*, p, p)`, give one: AssertionError else. Warns of df < p, and, as PyTorch 2.13, of each sample.

    >>> import rushlight as torch
    >>> wishart = torch.distributions.Wishart(torch.tensor(3.0), covariance_matrix=torch.eye(2))
    >>> wishart.mean
    tensor([[3., 0.],
            [0., 3.]])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.wishart.Wishart
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        df: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: matrix for name, matrix in matrices.items() if matrix is not None}
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        if isinstance(df, Tensor):
            batch_shape = Size(broadcast_shapes(matrix.shape[:-2], df.shape))
            self.df = df.expand(batch_shape)
        else:
            batch_shape = matrix.shape[:-2]
            self.df = tensor(df, dtype=matrix.dtype)
        p = matrix.shape[-1]
        if bool((self.df <= p - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {p - 1}.")
        self.__dict__[name] = matrix.expand((*batch_shape, -1, -1))
        if bool((self.df < p).any()):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        super().__init__(batch_shape, matrix.shape[-2:], validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = factor_of_inverse(matrix)
        self._set_chi2()

    def _set_chi2(self) -> None:
        """The distributions of the squared diagonal of a sample's Cholesky factor, for Σ = I."""
        steps = arange(self._event_shape[-1], dtype=self._unbroadcasted_scale_tril.dtype)
        self._dist_chi2 = Chi2(df=self.df.unsqueeze(-1).expand((*self._batch_shape, 1)) - steps)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        matrices = "covariance_matrix", "scale_tril", "precision_matrix"
        new = self._expanded(Wishart, _instance, batch_shape, *matrices)
        new.df = self.df.expand(new.batch_shape)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril.expand(new.batch_shape + self.event_shape)
        new._set_chi2()
        return new

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """Those of the matrices, and df > p - 1."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def _for_batch(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of Σ."""
        return self._for_batch(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Σ."""
        factor = self._unbroadcasted_scale_tril
        return self._for_batch(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Σ⁻¹."""
        factor = self._unbroadcasted_scale_tril
        return self._for_batch(cholesky_solve(eye(self._event_shape[-1], dtype=factor.dtype), factor))

    def _of_matrices(self, numbers: Tensor) -> Tensor:
        """Numbers of the batch, to be multiplied with matrices."""
        return numbers.view((*self._batch_shape, 1, 1))

    @property
    def mean(self) -> Tensor:
        return self._of_matrices(self.df) * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        """`(df - p - 1) Σ`; NaN for df ≤ p + 1."""
        factor = self.df - self._event_shape[-1] - 1
        return self._of_matrices(factor.masked_fill(factor <= 0, math.nan)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        """The variance of each element: `df (Σᵢⱼ² + Σᵢᵢ Σⱼⱼ)`."""
        sigma = self.covariance_matrix
        diagonal = sigma.diagonal(0, -2, -1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._of_matrices(self.df) * (sigma.pow(2) + products)

    def _bartlett(self, sample_shape: Sequence[int]) -> Tensor:
        """Samples from their Cholesky factors: chi variables on the diagonal, normal ones below (Bartlett, 1933)."""
        p = self._event_shape[-1]
        diagonal = self._dist_chi2.rsample(sample_shape).sqrt()
        noise = diagonal.clamp(min=dtypes.finfo(diagonal.dtype).eps).diag_embed()
        rows, columns = tril_indices(p, p, -1)
        below = (*sample_shape, *self._batch_shape, p * (p - 1) // 2)
        noise[..., rows, columns] = randn(below, dtype=noise.dtype)
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def _any_of_batch(self, flags: Tensor) -> Tensor:
        dims = tuple(range(-len(self._batch_shape), 0))
        return flags.any(dims) if dims else flags

    def rsample(self, sample_shape: Sequence[int] = (), max_try_correction: int | None = None) -> Tensor:
        """Random matrices, with gradients; those found singular are drawn anew, up to 10 or `max_try_correction` times.

        As in PyTorch 2.13, the first draw is discarded, with a warning, where it is *not* singular: the numbers for a
        seed depend on it.
        """
        tries = 10 if max_try_correction is None else max_try_correction
        sample = self._bartlett(sample_shape)
        again = self._any_of_batch(self.support.check(sample))
        if not bool(again.any()):
            return sample
        warnings.warn("Singular sample detected.", stacklevel=2)
        for _ in range(tries):
            drawn = self._bartlett((int(again.sum()),))
            sample[again] = drawn
            # A new tensor: the assignment's gradient needs the old one.
            remaining = again.clone()
            remaining[again] = self._any_of_batch(~self.support.check(drawn))
            again = remaining
            if not bool(again.any()):
                break
        return sample

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        nu, p, factor = self.df, self._event_shape[-1], self._unbroadcasted_scale_tril
        trace = cholesky_solve(value, factor).diagonal(0, -2, -1).sum(-1)
        log_divisor = nu * (p * math.log(2) / 2 + log_diagonal(factor)) + special.multigammaln(nu / 2, p)
        return (nu - p - 1) / 2 * slogdet(value).logabsdet - trace / 2 - log_divisor

    def entropy(self) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        size = p * math.log(2) / 2 + log_diagonal(self._unbroadcasted_scale_tril)
        shape = special.multigammaln(nu / 2, p) - (nu - p - 1) / 2 * _multivariate_digamma(nu / 2, p)
        return (p + 1) * size + shape + nu * p / 2

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        p = self._event_shape[-1]
        half = y + (p + 1) / 2
        return half * (math.log(2) * p - slogdet(-2 * x).logabsdet) + special.multigammaln(half, p)
