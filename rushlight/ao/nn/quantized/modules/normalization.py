"""Layer, group and instance normalisation of quantized tensors."""

from __future__ import annotations

from typing import Any

from rushlight.ao.nn.quantized import _operators as Q
from rushlight.ao.nn.quantized.modules.activation import observed
from rushlight.nn.modules import instancenorm as _instance
from rushlight.nn.modules import normalization as _float
from rushlight.ops.creation import tensor
from rushlight.tensor import Tensor

__all__ = ["GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm"]


def _take(module: Any, weight: Any, bias: Any, scale: float, zero_point: int, **options: Any) -> None:
    """Give a layer its weight and bias, and the codes of its result."""
    module.weight, module.bias = weight, bias
    module.register_buffer("scale", tensor(scale, **options))
    module.register_buffer("zero_point", tensor(zero_point, **options))


class LayerNorm(_float.LayerNorm):
    """Layer normalisation of quantized tensors.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.LayerNorm.html
    """

    def __init__(
        self,
        normalized_shape: Any,
        weight: Any,
        bias: Any,
        scale: float,
        zero_point: int,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine, device=device, dtype=dtype)
        _take(self, weight, bias, scale, zero_point, device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        return Q.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps, self.scale, self.zero_point)

    def _get_name(self) -> str:
        return "QuantizedLayerNorm"

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of an observed float layer."""
        return cls.from_reference(mod, *observed(mod))

    @classmethod
    def from_reference(cls, mod: Any, scale: float, zero_point: int) -> Any:
        """The layer with the given scale and zero point."""
        return cls(
            mod.normalized_shape, mod.weight, mod.bias, float(scale), int(zero_point), mod.eps, mod.elementwise_affine
        )


class GroupNorm(_float.GroupNorm):
    """Group normalisation of quantized tensors.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.GroupNorm.html
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        weight: Any,
        bias: Any,
        scale: float,
        zero_point: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_groups, num_channels, eps, affine, device=device, dtype=dtype)
        _take(self, weight, bias, scale, zero_point, device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        return Q.group_norm(input, self.num_groups, self.weight, self.bias, self.eps, self.scale, self.zero_point)

    def _get_name(self) -> str:
        return "QuantizedGroupNorm"

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of an observed float layer."""
        return cls(mod.num_groups, mod.num_channels, mod.weight, mod.bias, *observed(mod), mod.eps, mod.affine)


class _InstanceNorm(_instance._InstanceNorm):
    def __init__(
        self,
        num_features: int,
        weight: Any,
        bias: Any,
        scale: float,
        zero_point: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device=device, dtype=dtype)
        _take(self, weight, bias, scale, zero_point, device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        return Q.instance_norm(input, self.weight, self.bias, self.eps, self.scale, self.zero_point)

    def _get_name(self) -> str:
        return "Quantized" + type(self).__name__

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of an observed float layer."""
        return cls.from_reference(mod, *observed(mod))

    @classmethod
    def from_reference(cls, mod: Any, scale: float, zero_point: int) -> Any:
        """The layer with the given scale and zero point."""
        return cls(mod.num_features, mod.weight, mod.bias, float(scale), int(zero_point), mod.eps, mod.affine)


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of quantized signals (N, C, L).

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.InstanceNorm1d.html
    """


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of quantized images (N, C, H, W).

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.InstanceNorm2d.html
    """


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of quantized volumes (N, C, D, H, W).

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.InstanceNorm3d.html
    """
