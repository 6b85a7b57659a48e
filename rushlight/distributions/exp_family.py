"""`ExponentialFamily`: distributions whose log density is linear in the statistics of a sample."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.engine import grad
from rushlight.distributions.distribution import Distribution
from rushlight.tensor import Tensor

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Distributions of density `exp(⟨t(x), θ⟩ - F(θ) + k(x))`, θ being the natural parameters.

    A distribution that states θ (`_natural_params`), F (`_log_normalizer`) and the mean of k
    (`_mean_carrier_measure`) has an entropy, and a `kl_divergence` with one of its own kind, from the gradient of F.

    >>> import rushlight as torch
    >>> isinstance(torch.distributions.Gamma(1.0, 1.0), torch.distributions.ExponentialFamily)
    True

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.exp_family.ExponentialFamily
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError(f"{type(self).__name__} does not state its natural parameters")

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not state its log normalizer")

    @property
    def _mean_carrier_measure(self) -> float:
        raise NotImplementedError(f"{type(self).__name__} does not state its mean carrier measure")

    def entropy(self) -> Tensor:
        """`F(θ) - ⟨θ, ∇F(θ)⟩ - E[k]`, of shape `batch_shape`."""
        carrier = self._mean_carrier_measure
        natural = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*natural)
        gradients = grad(normalizer.sum(), natural, create_graph=True)
        result = normalizer - carrier
        for parameter, gradient in zip(natural, gradients, strict=True):
            result = result - (parameter * gradient).reshape((*self._batch_shape, -1)).sum(-1)
        return result
