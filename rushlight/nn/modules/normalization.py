"""Normalisation that keeps no statistics: over the last dimensions, groups of channels, neighbouring channels."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

from rushlight.dtypes import dtype as _dtype
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.ops.creation import empty
from rushlight.ops.norm import CrossMapLRN
from rushlight.size import Size
from rushlight.tensor import Tensor

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


_shape_t = int | list[int] | Size


def _sizes(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (
        (int(normalized_shape),) if isinstance(normalized_shape, numbers.Integral) else tuple(normalized_shape)  # type: ignore[arg-type]
    )


class LayerNorm(Module):
    """Normalisation over the last dimensions: see `functional.layer_norm`.

    input `(*, normalized_shape)`. weight starts at 1, bias at 0.

    >>> import rushlight as torch
    >>> torch.nn.LayerNorm(4)(torch.randn(2, 4)).shape
    torch.Size([2, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LayerNorm.html
    """

    __constants__: ClassVar[list[str]] = ["normalized_shape", "eps", "elementwise_affine"]
    normalized_shape: tuple[int, ...]

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: _dtype | None = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight", Parameter(empty(self.normalized_shape, **options)) if elementwise_affine else None
        )
        has_bias = elementwise_affine and bias
        self.register_parameter("bias", Parameter(empty(self.normalized_shape, **options)) if has_bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """weight to 1, bias to 0."""
        if self.elementwise_affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class GroupNorm(Module):
    """Normalisation over groups of channels: see `functional.group_norm`.

    input `(N, num_channels, *)`. weight starts at 1, bias at 0. Raises ValueError unless `num_channels` is a multiple
    of `num_groups`.

    >>> import rushlight as torch
    >>> torch.nn.GroupNorm(2, 4)(torch.randn(2, 4, 3)).shape
    torch.Size([2, 4, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.GroupNorm.html
    """

    __constants__: ClassVar[list[str]] = ["num_groups", "num_channels", "eps", "affine"]

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: _dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(empty(num_channels, **options)) if affine else None)
        self.register_parameter("bias", Parameter(empty(num_channels, **options)) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """weight to 1, bias to 0."""
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        has_bias = self.bias is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={has_bias}"


class RMSNorm(Module):
    """Division by the root of the mean square over the last dimensions: see `functional.rms_norm`.

    input `(*, normalized_shape)`. weight starts at 1; there is no shift.

    >>> import rushlight as torch
    >>> torch.nn.RMSNorm(2, elementwise_affine=False)(torch.tensor([[1.0, 7.0]]))
    tensor([[0.2000, 1.4000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RMSNorm.html
    """

    __constants__: ClassVar[list[str]] = ["normalized_shape", "eps", "elementwise_affine"]
    normalized_shape: tuple[int, ...]
    eps: float | None
    elementwise_affine: bool

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: _dtype | None = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight", Parameter(empty(self.normalized_shape, **options)) if elementwise_affine else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """weight to 1."""
        if self.elementwise_affine:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class _AcrossChannels(Module):
    """What normalisation by neighbouring channels is told."""

    size: int
    alpha: float
    beta: float
    k: float

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LocalResponseNorm(_AcrossChannels):
    """Normalisation by the squares of neighbouring channels: see `functional.local_response_norm`.

    input `(N, C, *)`. ValueError, from the call, for fewer than 3 dimensions.

    >>> import rushlight as torch
    >>> torch.nn.LocalResponseNorm(2)(torch.randn(2, 4, 5, 5)).shape
    torch.Size([2, 4, 5, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LocalResponseNorm.html
    """

    __constants__: ClassVar[list[str]] = ["size", "alpha", "beta", "k"]

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


class CrossMapLRN2d(_AcrossChannels):
    """An older `LocalResponseNorm` for images, with PyTorch's own sums: see `ops.norm.CrossMapLRN`.

    input `(N, C, H, W)`. ValueError, from the call, for another number of dimensions.

    >>> import rushlight as torch
    >>> torch.nn.CrossMapLRN2d(2)(torch.randn(2, 4, 5, 5)).shape
    torch.Size([2, 4, 5, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.CrossMapLRN2d.html
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.ndim}D instead.")
        return CrossMapLRN.apply(input, self.size, self.alpha, self.beta, self.k)
