"""`LKJCholesky`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight import dtypes, special
from rushlight.autograd.grad_mode import no_grad
from rushlight.distributions import constraints
from rushlight.distributions.beta import Beta
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.utils import broadcast_all
from rushlight.ops.joining import cat
from rushlight.ops.random import randn
from rushlight.ops.sequences import arange
from rushlight.size import Size
from rushlight.tensor import Tensor

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower Cholesky factors of correlation matrices M of the density `det(M)^(concentration - 1) / c`.

    Concentration 1 makes all correlation matrices equally likely, a greater one those near the identity. `dim` is the
    size of the matrices; ValueError below 2.

    >>> import rushlight as torch
    >>> factor = torch.distributions.LKJCholesky(3, 0.5).sample()
    >>> torch.distributions.constraints.corr_cholesky.check(factor)
    tensor(True)

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.lkj_cholesky.LKJCholesky
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        # The squared length of each row left of the diagonal, its first included, is a beta variable.
        before = arange(dim - 1, dtype=self.concentration.dtype)
        before = cat([before.new_zeros((1,)), before])
        rest = (self.concentration + 0.5 * (dim - 2)).unsqueeze(-1) - 0.5 * before
        self._beta = Beta(before + 0.5, rest)
        super().__init__(self.concentration.size(), Size((dim, dim)), validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._expanded(LKJCholesky, _instance, batch_shape, "concentration", "_beta")
        new.dim = self.dim
        return new

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Factors by the onion method (Lewandowski, Kurowicka and Joe, 2009): row by row, a length and a direction.

        From the third row on, PyTorch's lengths, which these are, are somewhat greater than the density asks.
        """
        with no_grad():
            squared_length = self._beta.sample(sample_shape).unsqueeze(-1)
            normal = randn(self._extended_shape(sample_shape), dtype=squared_length.dtype).tril(-1)
            direction = normal / normal.norm(dim=-1, keepdim=True)
            # The first row has nothing left of the diagonal.
            direction[..., 0, :].fill_(0.0)
            rows = squared_length.sqrt() * direction
            left = (1 - (rows**2).sum(-1)).clamp(min=dtypes.finfo(rows.dtype).tiny)
            return rows + left.sqrt().diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.dim
        # det(M) and the Jacobian of L Lᵀ are products of powers of L's diagonal.
        powers = 2 * (self.concentration - 1).unsqueeze(-1) + n - arange(2, n + 1)
        log_product = (powers * value.diagonal(0, -1, -2)[..., 1:].log()).sum(-1)
        alpha = self.concentration + 0.5 * (n - 1)
        log_c = special.multigammaln(alpha - 0.5, n - 1) - alpha.lgamma() * (n - 1)
        return log_product - (0.5 * (n - 1) * math.log(math.pi) + log_c)
