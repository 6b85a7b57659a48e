"""`GeneralizedPareto`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.utils import broadcast_all
from rushlight.ops.choice import where
from rushlight.ops.comparison import isclose
from rushlight.ops.creation import ones_like, zeros_like
from rushlight.ops.random import rand
from rushlight.tensor import Tensor

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """Excesses over a threshold: density `(1 + k z)^(-1/k - 1) / scale` of z = (x - loc) / scale ≥ 0.

    k = `concentration` may have any sign; for 0 the density is `exp(-z) / scale`, for k < 0 samples end at
    loc - scale / k.

    >>> import rushlight as torch
    >>> torch.distributions.GeneralizedPareto(0.0, 1.0, torch.tensor([0.0, 0.5])).mean
    tensor([1., 2.])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.generalized_pareto.GeneralizedPareto
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return self._expanded(GeneralizedPareto, _instance, batch_shape, "loc", "scale", "concentration")

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """[loc, loc - scale / k], without an end for k ≥ 0."""
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, where(self.concentration < 0, end, math.inf))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def _exponential_or_k(self) -> tuple[Tensor, Tensor]:
        """Where k is 0, and k elsewhere (there 1)."""
        exponential = isclose(self.concentration, zeros_like(self.concentration))
        return exponential, where(exponential, ones_like(self.concentration), self.concentration)

    def _z(self, value: Tensor) -> Tensor:
        return (value - self.loc) / self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        exponential, k = self._exponential_or_k()
        power = 1 / k + ones_like(z)
        # 0 · log 0 is 0, at the end of the uniform distribution that k = -1 makes.
        fall = where(power == 0, power, power * (k * z).log1p())
        return -self.scale.log() - where(exponential, z, fall)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of samples greater than a value."""
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        exponential, k = self._exponential_or_k()
        return where(exponential, -z, -(k * z).log1p() / k)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of `cdf`."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        return self.log_cdf(value).exp()

    def icdf(self, value: Tensor) -> Tensor:
        exponential, k = self._exponential_or_k()
        log_rest = (-value).log1p()
        formula = self.loc + self.scale / k * (-k * log_rest).expm1()
        return where(exponential, self.loc - self.scale * log_rest, formula)

    @property
    def mean(self) -> Tensor:
        """`loc + scale / (1 - k)`; NaN for k ≥ 1."""
        valid = self.concentration < 1
        k = where(valid, self.concentration, 0.5)
        return where(valid, self.loc + self.scale / (1 - k), math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """`scale² / ((1 - k)² (1 - 2k))`; NaN for k ≥ 1/2."""
        valid = self.concentration < 0.5
        k = where(valid, self.concentration, 0.25)
        return where(valid, self.scale**2 / ((1 - k) ** 2 * (1 - 2 * k)), math.nan)

    def entropy(self) -> Tensor:
        return (self.scale.log() + self.concentration + 1).expand(self._batch_shape)
