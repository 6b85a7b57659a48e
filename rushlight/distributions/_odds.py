"""Distributions of events, given by their probability or by the logarithm of their odds."""

from __future__ import annotations

from typing import Any

from rushlight.distributions.utils import (
    broadcast_all,
    lazy_property,
    logits_to_probs,
    one_of_probs_and_logits,
    probs_to_logits,
)
from rushlight.size import Size
from rushlight.tensor import Tensor


class Odds:
    """`probs` and `logits`, of which one is given and the other computed when first read."""

    def _set_odds(self, probs: Any, logits: Any) -> Tensor:
        """Keep the one that is given, as a tensor, and return it."""
        name, given = one_of_probs_and_logits(probs, logits)
        (parameter,) = broadcast_all(given)
        self.__dict__[name] = parameter
        return parameter

    @lazy_property
    def logits(self) -> Tensor:
        """`log(p / (1 - p))`."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability."""
        return logits_to_probs(self.logits, is_binary=True)


class GivenOdds(Odds):
    """Odds that remember which of the two was given."""

    _param: Tensor

    def _set_counted_odds(self, total_count: Any, probs: Any, logits: Any) -> Tensor:
        """As `_set_odds`, with a `total_count` of the same shape and dtype."""
        name, given = one_of_probs_and_logits(probs, logits)
        total_count, parameter = broadcast_all(total_count, given)
        self.total_count = total_count.type_as(parameter)
        self.__dict__[name] = parameter
        return parameter

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._param.new(*args, **kwargs)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter given."""
        return self._param.size()
