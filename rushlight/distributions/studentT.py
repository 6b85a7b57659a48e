# PyTorch's name of the module.
# ruff: noqa: N999
"""`StudentT`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.chi2 import Chi2
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.utils import _standard_normal, broadcast_all
from rushlight.ops.choice import where
from rushlight.tensor import Tensor

__all__ = ["StudentT"]


class StudentT(Distribution):
    """Student's t distribution: loc + scale · z / √(c / df) of a normal z and a chi-squared c.

    `df` > 0 are the degrees of freedom.

    >>> import rushlight as torch
    >>> torch.distributions.StudentT(torch.tensor([1.0, 2.0, 4.0])).variance
    tensor([nan, inf, 2.])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.studentT.StudentT
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        df: Tensor | float,
        loc: Tensor | float = 0.0,
        scale: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return self._expanded(StudentT, _instance, batch_shape, "df", "loc", "scale", "_chi2")

    @property
    def mean(self) -> Tensor:
        """NaN for df ≤ 1."""
        return self.loc.masked_fill(self.df <= 1, math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """`scale² df / (df - 2)`; infinite for df ≤ 2, NaN for df ≤ 1."""
        finite = self.df > 2
        df = where(finite, self.df, 3)
        variance = where(finite, self.scale.pow(2) * df / (df - 2), math.inf)
        return variance.masked_fill(self.df <= 1, math.nan)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        z = _standard_normal(self._extended_shape(sample_shape), self.df.dtype, self.df.device)
        chi2 = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (z * (chi2 / self.df).rsqrt())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        half = 0.5 * self.df
        gammas = half.lgamma() - (0.5 * (self.df + 1.0)).lgamma()
        log_divisor = self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi) + gammas
        return -0.5 * (self.df + 1.0) * (y**2.0 / self.df).log1p() - log_divisor

    def entropy(self) -> Tensor:
        low, high = 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = low.lgamma() + math.lgamma(0.5) - high.lgamma()
        return self.scale.log() + high * (high.digamma() - low.digamma()) + 0.5 * self.df.log() + log_beta
