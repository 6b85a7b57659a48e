"""Instance normalisation."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight.dtypes import dtype as _dtype
from rushlight.nn import functional as F
from rushlight.nn.modules.batchnorm import _NormBase
from rushlight.tensor import Tensor

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class _InstanceNorm(_NormBase):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: _dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _dims(self) -> tuple[int, ...]:
        """The numbers of dimensions of an unbatched and of a batched input."""
        raise TypeError(
            f"{type(self).__name__} does not say which inputs it takes; derive from InstanceNorm1d, 2d or 3d"
        )

    def forward(self, input: Tensor) -> Tensor:
        unbatched, batched = self._dims()
        if input.ndim not in (unbatched, batched):
            raise ValueError(f"expected {unbatched}D or {batched}D input (got {input.ndim}D input)")
        dim = input.ndim - unbatched
        if input.shape[dim] != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features ({self.num_features}), but got: "
                    f"{input.shape[dim]}."
                )
            warnings.warn(
                f"input's size at dim={dim} does not match num_features. You can silence this warning by not passing "
                "in num_features, which is not used because affine=False",
                UserWarning,
                stacklevel=2,
            )
        if input.ndim == unbatched:
            return self._normalize(input.unsqueeze(0)).squeeze(0)
        return self._normalize(input)

    def _normalize(self, input: Tensor) -> Tensor:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of `(N, C, L)` or `(C, L)`: see `functional.instance_norm`.

    With `affine`, weight starts at 1 and bias at 0. Raises ValueError for another number of dimensions.

    >>> import rushlight as torch
    >>> torch.nn.InstanceNorm1d(3)(torch.randn(2, 3, 4)).shape
    torch.Size([2, 3, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.InstanceNorm1d.html
    """

    def _dims(self) -> tuple[int, ...]:
        return 2, 3


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of `(N, C, H, W)` or `(C, H, W)`: see `functional.instance_norm`.

    >>> import rushlight as torch
    >>> torch.nn.InstanceNorm2d(3)(torch.randn(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.InstanceNorm2d.html
    """

    def _dims(self) -> tuple[int, ...]:
        return 3, 4


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of `(N, C, D, H, W)` or `(C, D, H, W)`: see `functional.instance_norm`.

    >>> import rushlight as torch
    >>> torch.nn.InstanceNorm3d(3)(torch.randn(2, 3, 2, 2, 2)).shape
    torch.Size([2, 3, 2, 2, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.InstanceNorm3d.html
    """

    def _dims(self) -> tuple[int, ...]:
        return 4, 5
