"""`Bernoulli`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.autograd.grad_mode import no_grad
from rushlight.distributions import constraints
from rushlight.distributions._odds import GivenOdds
from rushlight.distributions.exp_family import ExponentialFamily
from rushlight.distributions.utils import broadcast_all
from rushlight.nn.functional import binary_cross_entropy_with_logits
from rushlight.ops.random import bernoulli
from rushlight.ops.sequences import arange
from rushlight.ops.special import logit
from rushlight.tensor import Tensor

__all__ = ["Bernoulli"]


class Bernoulli(GivenOdds, ExponentialFamily):
    """1 with probability p, else 0: `p^x (1 - p)^(1 - x)`.

    Give `probs` = p of [0, 1], or `logits` = log(p / (1 - p)); ValueError for both or none.

    >>> import rushlight as torch
    >>> coin = torch.distributions.Bernoulli(torch.tensor([0.5, 0.9]))
    >>> coin.log_prob(torch.tensor([1.0, 0.0]))
    tensor([-0.6931, -2.3026])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.bernoulli.Bernoulli
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._param = self._set_odds(probs, logits)
        super().__init__(self._param.size(), validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return self._expanded(Bernoulli, _instance, batch_shape, "probs", "logits", "_param")

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The likelier of 0 and 1, NaN where both are equally likely."""
        return (self.probs >= 0.5).type_as(self.probs).masked_fill(self.probs == 0.5, math.nan)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(2, dtype=self._param.dtype).view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (logit(self.probs),)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.exp().log1p()
