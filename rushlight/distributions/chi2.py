"""`Chi2`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.gamma import Gamma
from rushlight.tensor import Tensor

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The sum of squares of df normal variables: a `Gamma` of concentration df / 2 and rate 1/2.

    >>> import rushlight as torch
    >>> torch.distributions.Chi2(torch.tensor([1.0, 3.0])).variance
    tensor([2., 6.])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.chi2.Chi2
    """

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(Chi2, _instance))

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self.concentration * 2
