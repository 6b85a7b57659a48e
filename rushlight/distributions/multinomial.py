"""`Multinomial`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight import dtypes
from rushlight.distributions import constraints
from rushlight.distributions.binomial import Binomial
from rushlight.distributions.categorical import Categorical
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.utils import broadcast_all
from rushlight.ops.creation import ones_like, tensor, zeros
from rushlight.size import Size
from rushlight.tensor import Tensor

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """How often each of K categories comes in n draws: `n! ∏ pᵢ^kᵢ / kᵢ!`.

    n = `total_count` is one int (NotImplementedError for a tensor); `probs` or `logits`, `(*, K)`, as of `Categorical`.

    >>> import rushlight as torch
    >>> torch.distributions.Multinomial(10, torch.tensor([1.0, 1.0, 2.0])).mean
    tensor([2.5000, 2.5000, 5.0000])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.multinomial.Multinomial
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    total_count: int

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        count: Any = total_count
        if not isinstance(count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = count
        self._categorical = Categorical(probs=probs, logits=logits)
        self._binomial = Binomial(total_count=count, probs=self.probs)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._expanded(Multinomial, _instance, batch_shape, "_categorical", "_binomial")
        new.total_count = self.total_count
        return new

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._categorical._new(*args, **kwargs)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> constraints.Constraint:
        """Counts whose sum is at most n."""
        return constraints.multinomial(self.total_count)

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter given: the batch's and K."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        draws = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = zeros(self._extended_shape(sample_shape), dtype=dtypes.int64)
        return counts.scatter_add_(-1, draws, ones_like(draws)).type_as(self.probs)

    def entropy(self) -> Tensor:
        n = tensor(self.total_count)
        # Of k! for each category, which is binomial; 0! adds nothing.
        values = self._binomial.enumerate_support(expand=False)[1:]
        expected = (self._binomial.log_prob(values).exp() * (values + 1).lgamma()).sum((0, -1))
        return n * self._categorical.entropy() - (n + 1).lgamma() + expected

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        # 0 · log 0 is 0.
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0)
        arrangements = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        return arrangements + (logits * value).sum(-1)
