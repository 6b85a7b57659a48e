"""`MixtureSameFamily`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.autograd.grad_mode import no_grad
from rushlight.distributions import constraints
from rushlight.distributions.categorical import Categorical
from rushlight.distributions.distribution import Distribution
from rushlight.size import Size
from rushlight.tensor import Tensor

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """One of K distributions of a kind, chosen by a `Categorical`: density `Σ pᵢ fᵢ(x)`.

    The K components are the last dimension of the batch of `component_distribution`. ValueError for a mixture that is
    no Categorical, or whose shape or number of categories does not fit.

    >>> import rushlight as torch
    >>> distributions = torch.distributions
    >>> weights = distributions.Categorical(torch.tensor([0.25, 0.75]))
    >>> mixture = distributions.MixtureSameFamily(weights, distributions.Normal(torch.tensor([0.0, 4.0]), 1.0))
    >>> mixture.mean, mixture.variance
    (tensor(3.), tensor(4.))

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.mixture_same_family.MixtureSameFamily
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    has_rsample = False

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        mixture: Any = mixture_distribution
        components: Any = component_distribution
        if not isinstance(mixture, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an  instance of torch.distributions.Categorical, got "
                f"{type(mixture).__name__}"
            )
        if not isinstance(components, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of torch.distributions.Distribution, got "
                f"{type(components).__name__}"
            )
        batch = components.batch_shape[:-1]
        for ours, theirs in zip(reversed(mixture.batch_shape), reversed(batch), strict=False):
            if ours != theirs and 1 not in (ours, theirs):
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixture.batch_shape}) is not compatible with "
                    f"`component_distribution.batch_shape`({batch})"
                )
        count = mixture.logits.shape[-1]
        if count != components.batch_shape[-1]:
            raise ValueError(
                f"`mixture_distribution component` ({count}) does not equal `component_distribution.batch_shape[-1]` "
                f"({components.batch_shape[-1]})"
            )
        self._mixture_distribution = mixture
        self._component_distribution = components
        self._num_component = count
        self._event_ndims = len(components.event_shape)
        super().__init__(batch, components.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._expanded(MixtureSameFamily, _instance, batch_shape, "_component_distribution")
        new._mixture_distribution = self._mixture_distribution.expand(new.batch_shape)
        new._num_component = self._num_component
        new._event_ndims = self._event_ndims
        return new

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """What all components can give."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution that chooses."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The distributions chosen from."""
        return self._component_distribution

    def _weights(self) -> Tensor:
        """The probabilities of the components, with the dimensions of their events."""
        probs = self._mixture_distribution.probs
        chosen = len(self._mixture_distribution.batch_shape)
        missing = 0 if chosen == 1 else len(self.batch_shape) - chosen
        return probs.reshape(probs.shape[:-1] + (1,) * missing + probs.shape[-1:] + (1,) * self._event_ndims)

    def _mixed(self, values: Tensor) -> Tensor:
        """The mean over the components."""
        return (self._weights() * values).sum(-1 - self._event_ndims)

    def _pad(self, value: Tensor) -> Tensor:
        """A value with the dimension of the components."""
        return value.unsqueeze(-1 - self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return self._mixed(self._component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        between = (self._component_distribution.mean - self._pad(self.mean)).pow(2.0)
        return self._mixed(self._component_distribution.variance) + self._mixed(between)

    def cdf(self, x: Tensor) -> Tensor:
        return (self._component_distribution.cdf(self._pad(x)) * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(x)
        log_prob = self._component_distribution.log_prob(self._pad(x))
        return (log_prob + self._mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            chosen = self._mixture_distribution.sample(sample_shape)
            values = self._component_distribution.sample(sample_shape)
            dim = len(sample_shape) + len(self.batch_shape)
            index = chosen.reshape(chosen.shape + (1,) * (self._event_ndims + 1))
            index = index.expand(chosen.shape + Size((1,)) + self.event_shape)
            return values.gather(dim, index).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
