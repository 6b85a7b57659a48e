"""Activations of quantized tensors whose results have a scale and a zero point of their own."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight import dtypes
from rushlight.ao.nn.quantized import _operators as Q
from rushlight.nn import functional as F
from rushlight.nn.modules import activation as _float
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import tensor
from rushlight.ops.quantization import quantize_per_tensor
from rushlight.ops.random import randn
from rushlight.tensor import Tensor

__all__ = ["ELU", "Hardswish", "LeakyReLU", "PReLU", "ReLU6", "Sigmoid", "Softmax"]


def observed(mod: Any) -> tuple[float, int]:
    """The scale and the zero point that a layer's observer found."""
    scale, zero_point = mod.activation_post_process.calculate_qparams()
    return float(scale), int(zero_point)


class ReLU6(_float.ReLU):
    """`min(max(x, 0), 6)` of quantized tensors, in the codes of the input.

    >>> import rushlight as torch
    >>> q = torch.quantize_per_tensor(torch.tensor([-1.0, 7.0]), 0.5, 10, torch.quint8)
    >>> torch.ao.nn.quantized.ReLU6()(q).dequantize()
    tensor([0., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.ReLU6.html
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace)

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, 0.0, 6.0, self.inplace)

    def _get_name(self) -> str:
        return "QuantizedReLU6"

    @staticmethod
    def from_float(mod: Any, use_precomputed_fake_quant: bool = False) -> ReLU6:
        """The quantized form of a float layer."""
        return ReLU6(mod.inplace)


class Hardswish(_float.Hardswish):
    """`x · relu6(x + 3) / 6` of quantized tensors.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.Hardswish.html
    """

    def __init__(self, scale: float, zero_point: int, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.register_buffer("scale", tensor(scale, device=device, dtype=dtype))
        self.register_buffer("zero_point", tensor(zero_point, device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        return Q.hardswish(input, self.scale, self.zero_point)

    def _get_name(self) -> str:
        return "QuantizedHardswish"

    @staticmethod
    def from_float(mod: Any, use_precomputed_fake_quant: bool = False) -> Hardswish:
        """The quantized form of an observed float layer."""
        return Hardswish(*observed(mod))

    @classmethod
    def from_reference(cls, mod: Any, scale: float, zero_point: int) -> Any:
        """The layer with the given scale and zero point."""
        return cls(float(scale), int(zero_point))


class ELU(_float.ELU):
    """ELU of quantized tensors.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.ELU.html
    """

    def __init__(self, scale: float, zero_point: int, alpha: float = 1.0) -> None:
        super().__init__(alpha)
        self.scale, self.zero_point = scale, zero_point

    def forward(self, input: Tensor) -> Tensor:
        return Q.elu(input, self.scale, self.zero_point, self.alpha)

    def _get_name(self) -> str:
        return "QuantizedELU"

    @staticmethod
    def from_float(mod: Any, use_precomputed_fake_quant: bool = False) -> ELU:
        """The quantized form of an observed float layer."""
        return ELU(*observed(mod), mod.alpha)

    @classmethod
    def from_reference(cls, mod: Any, scale: float, zero_point: int) -> Any:
        """The layer with the given scale and zero point."""
        return cls(float(scale), int(zero_point), mod.alpha)


class LeakyReLU(_float.LeakyReLU):
    """Leaky ReLU of quantized tensors.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.LeakyReLU.html
    """

    def __init__(
        self,
        scale: float,
        zero_point: int,
        negative_slope: float = 1e-2,
        inplace: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(negative_slope, inplace)
        self.register_buffer("scale", tensor(scale, device=device, dtype=dtype))
        self.register_buffer("zero_point", tensor(zero_point, device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        return Q.leaky_relu(input, self.negative_slope, self.inplace, self.scale, self.zero_point)

    def _get_name(self) -> str:
        return "QuantizedLeakyReLU"

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of an observed float layer."""
        return cls(*observed(mod), mod.negative_slope, mod.inplace)

    @classmethod
    def from_reference(cls, mod: Any, scale: float, zero_point: int) -> Any:
        """The layer with the given scale and zero point."""
        return cls(float(scale), int(zero_point), mod.negative_slope, mod.inplace)


class Sigmoid(_float.Sigmoid):
    """The logistic function of quantized tensors.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.Sigmoid.html
    """

    def __init__(self, output_scale: float, output_zero_point: int) -> None:
        super().__init__()
        self.output_scale, self.output_zero_point = output_scale, output_zero_point

    def forward(self, input: Tensor) -> Tensor:
        return Q.sigmoid(input, self.output_scale, self.output_zero_point)

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of an observed float layer."""
        return cls(*observed(mod))


class Softmax(_float.Softmax):
    """Softmax of quantized tensors.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(self, dim: int | None = None, scale: float = 1.0, zero_point: int = 0) -> None:
        super().__init__()
        self.dim = dim
        self.scale, self.zero_point = scale, zero_point

    def forward(self, input: Tensor) -> Tensor:
        dim = self.dim
        if dim is None:
            warnings.warn(
                "Implicit dimension choice for softmax has been deprecated. Change the call to include dim=X as an "
                "argument.",
                stacklevel=3,
            )
            dim = 0 if input.ndim in (0, 1, 3) else 1
        return Q.softmax(input, dim, self.scale, self.zero_point)

    def _get_name(self) -> str:
        return "QuantizedSoftmax"

    @staticmethod
    def from_float(mod: Any, use_precomputed_fake_quant: bool = False) -> Softmax:
        """The quantized form of an observed float layer."""
        return Softmax(mod.dim, *observed(mod))

    @classmethod
    def from_reference(cls, mod: Any, scale: float, zero_point: int) -> Any:
        """The layer with the given scale and zero point."""
        return cls(mod.dim, float(scale), int(zero_point))


class PReLU(Module):
    """PReLU of quantized tensors, with a quantized weight.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    weight: Any

    def __init__(self, output_scale: float, output_zero_point: int, num_parameters: int = 1) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.scale, self.zero_point = output_scale, output_zero_point
        self.set_weight(quantize_per_tensor(randn(num_parameters), 1.0, 0, dtypes.quint8))

    def set_weight(self, w: Tensor) -> None:
        """Take a quantized weight."""
        self.weight = w

    def forward(self, input: Tensor) -> Tensor:
        return Q.prelu(input, self.weight, self.scale, self.zero_point)

    def _get_name(self) -> str:
        return "QuantizedPReLU"

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of an observed float layer."""
        return cls.from_reference(mod, *observed(mod))

    @classmethod
    def from_reference(cls, mod: Any, scale: float, zero_point: int) -> Any:
        """The layer with the given scale and zero point."""
        made = cls(float(scale), int(zero_point), mod.num_parameters)
        weight = mod.weight.detach().float()
        observer = mod.qconfig.weight()
        observer(weight)
        if observer.dtype is not dtypes.quint8:
            warnings.warn(f"PReLU's weight observer should have dtype quint8 but got {observer.dtype}", stacklevel=2)
        found_scale, found_zero = observer.calculate_qparams()
        made.set_weight(quantize_per_tensor(weight, float(found_scale), int(found_zero), dtypes.quint8))
        return made
