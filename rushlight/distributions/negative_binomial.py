"""`NegativeBinomial`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.autograd.grad_mode import no_grad
from rushlight.distributions import constraints
from rushlight.distributions._odds import GivenOdds
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.gamma import Gamma
from rushlight.distributions.utils import lazy_property
from rushlight.nn.functional import logsigmoid
from rushlight.ops.random_laws import poisson
from rushlight.tensor import Tensor

__all__ = ["NegativeBinomial"]


class NegativeBinomial(GivenOdds, Distribution):
    """The number of successes before r failures, in trials that succeed with probability p.

    `Γ(r + k) / (k! Γ(r)) p^k (1 - p)^r`, r = `total_count` ≥ 0, not necessarily whole. Give `probs` = p of [0, 1),
    or `logits` = log(p / (1 - p)); ValueError for both or none.

    >>> import rushlight as torch
    >>> torch.distributions.NegativeBinomial(3, torch.tensor([0.5, 0.75])).mean
    tensor([3., 9.])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.negative_binomial.NegativeBinomial
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._param = self._set_counted_odds(total_count, probs, logits)
        super().__init__(self._param.size(), validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return self._expanded(NegativeBinomial, _instance, batch_shape, "total_count", "probs", "logits", "_param")

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / (-self.logits).sigmoid()

    @lazy_property
    def _gamma(self) -> Gamma:
        """The distribution of the rate of the Poisson variable that the number is."""
        return Gamma(concentration=self.total_count, rate=(-self.logits).exp(), validate_args=False)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        r = self.total_count
        log_powers = r * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        log_divisor = -(r + value).lgamma() + (1.0 + value).lgamma() + r.lgamma()
        return log_powers - log_divisor.masked_fill(r + value == 0.0, 0.0)
