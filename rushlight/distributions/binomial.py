"""`Binomial`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.autograd.grad_mode import no_grad
from rushlight.distributions import constraints
from rushlight.distributions._odds import GivenOdds
from rushlight.distributions.distribution import Distribution
from rushlight.ops.random_laws import binomial
from rushlight.ops.sequences import arange
from rushlight.tensor import Tensor

__all__ = ["Binomial"]


class Binomial(GivenOdds, Distribution):
    """The number of successes in n trials that succeed with probability p: `C(n, k) p^k (1 - p)^(n - k)`.

    n = `total_count`, a number or a tensor of whole numbers. Give `probs` = p of [0, 1], or `logits` =
    log(p / (1 - p)); ValueError for both or none. Lists of values, and entropies, need the same n throughout a batch.

    >>> import rushlight as torch
    >>> torch.distributions.Binomial(10, torch.tensor([0.1, 0.5])).mean
    tensor([1., 5.])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.binomial.Binomial
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Tensor | int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._param = self._set_counted_odds(total_count, probs, logits)
        super().__init__(self._param.size(), validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return self._expanded(Binomial, _instance, batch_shape, "total_count", "probs", "logits", "_param")

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """Whole numbers of [0, n]."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, logits = self.total_count, self.logits
        # log(1 - p) = -max(logits, 0) - log(1 + exp(-|logits|)), with the gradient 1/2 of the maximum at 0.
        positive = (logits.clamp(min=0) + logits - logits.clamp(max=0)) / 2
        failures = n * positive + n * (-logits.abs()).exp().log1p()
        arrangements = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        return value * logits - failures + arrangements

    def _same_total_count(self, function: str) -> int:
        most = int(self.total_count.max())
        if self.total_count.min() != most:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{function}`.")
        return most

    def entropy(self) -> Tensor:
        self._same_total_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(1 + self._same_total_count("enumerate_support"), dtype=self._param.dtype)
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values
