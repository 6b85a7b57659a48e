"""`Dirichlet`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.autograd.function import Function, once_differentiable
from rushlight.distributions import constraints
from rushlight.distributions.exp_family import ExponentialFamily
from rushlight.nn.functional import one_hot
from rushlight.ops.choice import where
from rushlight.ops.random_laws import _dirichlet_grad, _sample_dirichlet
from rushlight.ops.special import xlogy
from rushlight.tensor import Tensor

__all__ = ["Dirichlet"]


class _Dirichlet(Function):
    """Samples, with their implicit gradient."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor) -> Tensor:
        x = _sample_dirichlet(concentration)
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        x, concentration = ctx.saved_tensors
        total = concentration.sum(-1, True).expand_as(concentration)
        return _dirichlet_grad(x, concentration, total) * (grad - (x * grad).sum(-1, True))


class Dirichlet(ExponentialFamily):
    """Probabilities of K categories: density `Γ(Σ aᵢ) ∏ xᵢ^(aᵢ - 1) / Γ(aᵢ)` on the simplex.

    a = `concentration` > 0, `(*, K)`; ValueError for a number.

    >>> import rushlight as torch
    >>> torch.distributions.Dirichlet(torch.tensor([1.0, 1.0, 2.0])).mean
    tensor([0.2500, 0.2500, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.dirichlet.Dirichlet
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return self._expanded(Dirichlet, _instance, batch_shape, "concentration")

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        """`(aᵢ - 1) / Σ (aⱼ - 1)`; the corner of the first category where all aᵢ are less than 1."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        corner = (self.concentration < 1).all(-1)
        if not bool(corner.any()):
            return mode
        corners = one_hot(mode.argmax(-1), mode.shape[-1]).type_as(mode)
        return where(corner.unsqueeze(-1), corners, mode)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return _Dirichlet.apply(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return xlogy(a - 1.0, value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def entropy(self) -> Tensor:
        a = self.concentration
        total = a.sum(-1)
        of_total = total.lgamma() + (a.shape[-1] - total) * total.digamma()
        return a.lgamma().sum(-1) - of_total - ((a - 1.0) * a.digamma()).sum(-1)

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()
