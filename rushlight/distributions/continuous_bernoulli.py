"""`ContinuousBernoulli`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.autograd.grad_mode import no_grad
from rushlight.distributions import constraints
from rushlight.distributions._odds import GivenOdds
from rushlight.distributions.exp_family import ExponentialFamily
from rushlight.distributions.utils import (
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    one_of_probs_and_logits,
)
from rushlight.nn.functional import binary_cross_entropy_with_logits
from rushlight.ops.choice import where
from rushlight.ops.creation import full_like, ones_like, zeros_like
from rushlight.ops.random import rand
from rushlight.tensor import Tensor

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(GivenOdds, ExponentialFamily):
    """Numbers of [0, 1] with the density `C p^x (1 - p)^(1 - x)`, C = 2 artanh(1 - 2p) / (1 - 2p).

    Give `probs` = p of (0, 1), or `logits` = log(p / (1 - p)); ValueError for both or none. Between `lims`, around
    1/2 where the formulas cancel, Taylor series take their place.

    >>> import rushlight as torch
    >>> torch.distributions.ContinuousBernoulli(torch.tensor([0.1, 0.5])).mean
    tensor([0.3301, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.continuous_bernoulli.ContinuousBernoulli
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    _mean_carrier_measure = 0
    has_rsample = True

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        name, given = one_of_probs_and_logits(probs, logits)
        (self._param,) = broadcast_all(given)
        if name == "probs":
            # Probabilities kept within (0, 1) would all be found valid.
            if validate_args is not None and not bool(constraints.unit_interval.check(self._param).all()):
                raise ValueError("The parameter probs has invalid values")
            self._param = clamp_probs(self._param)
        self.__dict__[name] = self._param
        self._lims = lims
        super().__init__(self._param.size(), validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._expanded(ContinuousBernoulli, _instance, batch_shape, "probs", "logits", "_param")
        new._lims = self._lims
        return new

    @lazy_property
    def probs(self) -> Tensor:
        """The probability of the underlying Bernoulli variable."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _far(self) -> Tensor:
        """Where p is so far from 1/2 that the formulas hold."""
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _chosen(self, formula: Tensor, taylor: Tensor) -> Tensor:
        return where(self._far(), formula, taylor)

    def _cut_probs(self) -> Tensor:
        """p where the formulas hold, else a number at which they do no harm."""
        return self._chosen(self.probs, self._lims[0] * ones_like(self.probs))

    def _cont_bern_log_norm(self) -> Tensor:
        """`log C`."""
        p = self._cut_probs()
        low = p <= 0.5
        below, above = where(low, p, zeros_like(p)), where(p >= 0.5, p, ones_like(p))
        spread = ((-p).log1p() - p.log()).abs().log()
        formula = spread - where(low, (-2.0 * below).log1p(), (2.0 * above - 1.0).log())
        x = (self.probs - 0.5).pow(2)
        return self._chosen(formula, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Tensor:
        p = self._cut_probs()
        formula = p / (2.0 * p - 1.0) + 1.0 / ((-p).log1p() - p.log())
        x = self.probs - 0.5
        return self._chosen(formula, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def variance(self) -> Tensor:
        p = self._cut_probs()
        formula = p * (p - 1.0) / (1.0 - 2.0 * p).pow(2) + 1.0 / ((-p).log1p() - p.log()).pow(2)
        x = (self.probs - 0.5).pow(2)
        return self._chosen(formula, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return self._cont_bern_log_norm() - binary_cross_entropy_with_logits(logits, value, reduction="none")

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        p = self._cut_probs()
        formula = (p.pow(value) * (1.0 - p).pow(1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        inside = self._chosen(formula, value)
        return where(value <= 0.0, zeros_like(value), where(value >= 1.0, ones_like(value), inside))

    def icdf(self, value: Tensor) -> Tensor:
        p = self._cut_probs()
        rest = (-p).log1p()
        formula = ((-p + value * (2.0 * p - 1.0)).log1p() - rest) / (p.log() - rest)
        return self._chosen(formula, value)

    def entropy(self) -> Tensor:
        fails, succeeds = (-self.probs).log1p(), self.probs.log()
        return self.mean * (fails - succeeds) - self._cont_bern_log_norm() - fails

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        low, high = (limit - 0.5 for limit in self._lims)
        far = (x <= low) | (x > high)
        safe = where(far, x, full_like(x, low))
        formula = safe.expm1().abs().log() - safe.abs().log()
        return where(far, formula, 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0)
