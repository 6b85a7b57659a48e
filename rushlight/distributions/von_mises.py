"""`VonMises`."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.distributions import constraints
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.utils import broadcast_all, lazy_property
from rushlight.ops.choice import where
from rushlight.ops.creation import zeros
from rushlight.ops.random import rand
from rushlight.size import Size
from rushlight.tensor import Tensor

__all__ = ["VonMises"]

# Abramowitz and Stegun, Handbook of Mathematical Functions, 9.8.1 to 9.8.4: I₀ and I₁ below and above 3.75.
_SMALL = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411),
)
_LARGE = (
    (0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377),
    (0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312, 0.01787654, -0.00420059),
)


def _polynomial(x: Tensor, coefficients: Sequence[float]) -> Any:
    return functools.reduce(lambda value, c: c + x * value, reversed(coefficients))


def _log_bessel(x: Tensor, order: int) -> Tensor:
    """`log I₀(x)` or `log I₁(x)` of positive numbers."""
    small = _polynomial((x / 3.75) ** 2, _SMALL[order])
    if order == 1:
        small = x.abs() * small
    large = x - 0.5 * x.log() + _polynomial(3.75 / x, _LARGE[order]).log()
    return where(x < 3.75, small.log(), large)


class VonMises(Distribution):
    """Angles around `loc`: density `exp(κ cos(x - loc)) / (2π I₀(κ))`, κ = `concentration` > 0.

    Values may be any angles; samples lie in [-π, π). They have no gradients.

    >>> import rushlight as torch
    >>> circle = torch.distributions.VonMises(torch.tensor(0.0), torch.tensor(1.0))
    >>> circle.log_prob(torch.tensor([0.0, 3.0]))
    tensor([-1.0738, -3.0638])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.von_mises.VonMises
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc: Tensor, concentration: Tensor, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.size(), Size(), validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        loc, concentration = self.loc.expand(batch_shape), self.concentration.expand(batch_shape)
        return type(self)(loc, concentration, validate_args=self.__dict__.get("_validate_args"))

    @property
    def mean(self) -> Tensor:
        """The circular mean."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """The circular variance: `1 - I₁(κ) / I₀(κ)`."""
        return 1 - (_log_bessel(self.concentration, 1) - _log_bessel(self.concentration, 0)).exp()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        height = self.concentration * (value - self.loc).cos()
        return height - math.log(2 * math.pi) - _log_bessel(self.concentration, 0)

    @lazy_property
    def _proposal(self) -> Tensor:
        """The parameter r of the wrapped Cauchy distribution that samples are proposed from."""
        kappa = self.concentration.to(dtypes.float64)
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        # Near 0 the formula cancels.
        return where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Angles of [-π, π), by rejection (Best and Fisher, 1979), in double precision whatever the dtype."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            loc, kappa = self.loc.to(dtypes.float64), self.concentration.to(dtypes.float64)
            r = self._proposal
            angles = zeros(shape, dtype=dtypes.float64)
            done = zeros(shape, dtype=dtypes.bool)
            while not bool(done.all()):
                u1, u2, u3 = rand((3, *shape), dtype=dtypes.float64).unbind()
                z = (math.pi * u1).cos()
                f = (1 + r * z) / (r + z)
                c = kappa * (r - f)
                accepted = ((c * (2 - c) - u2) > 0) | ((c / u2).log() + 1 - c >= 0)
                angles = where(accepted, (u3 - 0.5).sign() * f.acos(), angles)
                done = done | accepted
            return ((angles + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)
