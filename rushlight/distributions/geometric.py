"""`Geometric`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.distributions import constraints
from rushlight.distributions._odds import Odds
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.utils import broadcast_all
from rushlight.nn.functional import binary_cross_entropy_with_logits
from rushlight.ops.creation import zeros_like
from rushlight.tensor import Tensor

__all__ = ["Geometric"]


class Geometric(Odds, Distribution):
    """The number of failures before the first success, in trials that succeed with probability p: `p (1 - p)^k`.

    Give `probs` = p of (0, 1], or `logits` = log(p / (1 - p)); ValueError for both or none.

    >>> import rushlight as torch
    >>> torch.distributions.Geometric(torch.tensor([0.25, 0.5])).mean
    tensor([3., 1.])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.geometric.Geometric
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        parameter = self._set_odds(probs, logits)
        super().__init__(parameter.size(), validate_args=validate_args)
        if self._validate_args and probs is not None and not bool((parameter > 0).all()):
            wrong = parameter.detach()[~(parameter > 0)]
            raise ValueError(
                f"Expected parameter probs ({type(parameter).__name__} of shape {tuple(parameter.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n{wrong}"
            )

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return self._expanded(Geometric, _instance, batch_shape, "probs", "logits")

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            tiny = dtypes.finfo(self.probs.dtype).tiny
            u = self.probs.new_empty(self._extended_shape(sample_shape)).uniform_(tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        # 0 · log(1 - p) is 0 for p = 1 too.
        failure = probs.masked_fill((probs == 1) & (value == 0), 0)
        return value * (-failure).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
