"""Fused quantized layers: one product, and its result clamped, added to or bent before it is quantized."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight import dtypes
from rushlight.ao.nn import quantized as _nnq
from rushlight.ao.nn.intrinsic.modules import fused as _fused
from rushlight.ao.nn.quantized import _operators as Q
from rushlight.ao.nn.quantized.modules import batchnorm as _norm
from rushlight.ao.nn.quantized.modules.utils import observed_dtype, quantize_weight
from rushlight.autograd.variable import wrap
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import functional as F
from rushlight.ops._codes import encoded
from rushlight.quantizer import Quantizer, per_tensor_affine
from rushlight.tensor import Tensor

__all__ = [
    "BNReLU2d", "BNReLU3d", "ConvAdd2d", "ConvAddReLU2d", "ConvReLU1d", "ConvReLU2d", "ConvReLU3d",
    "LinearLeakyReLU", "LinearReLU", "LinearTanh",
]  # fmt: skip


class _FusedConv:
    """A quantized convolution made of a fused float layer, whose first part is the convolution."""

    _FUSED: ClassVar[Any]

    @classmethod
    def _float_module(cls) -> Any:
        return cls._FUSED

    @classmethod
    def from_reference(cls: Any, ref_qconv: Any, output_scale: float, output_zero_point: int) -> Any:
        """The layer that computes what a fused reference layer does."""
        return super().from_reference(ref_qconv[0], output_scale, output_zero_point)  # type: ignore[misc]


class ConvReLU1d(_FusedConv, _nnq.Conv1d):
    """Conv1d and ReLU of quantized signals.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.quantized.ConvReLU1d.html
    """

    _FUSED, _relu = _fused.ConvReLU1d, True


class ConvReLU2d(_FusedConv, _nnq.Conv2d):
    """Conv2d and ReLU of quantized images.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.quantized.ConvReLU2d.html
    """

    _FUSED, _relu = _fused.ConvReLU2d, True


class ConvReLU3d(_FusedConv, _nnq.Conv3d):
    """Conv3d and ReLU of quantized volumes.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.quantized.ConvReLU3d.html
    """

    _FUSED, _relu = _fused.ConvReLU3d, True


class ConvAdd2d(_FusedConv, _nnq.Conv2d):
    """Conv2d of quantized images and the sum with a second input.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FUSED: ClassVar[Any] = _fused.ConvAdd2d
    _relu_after: ClassVar[bool] = False

    def forward(self, input: Tensor, extra_input: Tensor) -> Tensor:  # type: ignore[override]
        out = _nnq.Conv2d.forward(self, input)
        add = Q.add_relu if self._relu_after else Q.add
        return add(out, extra_input, self.scale, self.zero_point)


class ConvAddReLU2d(ConvAdd2d):
    """Conv2d of quantized images, the sum with a second input, and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FUSED: ClassVar[Any] = _fused.ConvAddReLU2d
    _relu_after: ClassVar[bool] = True


class BNReLU2d(_norm.BatchNorm2d):
    """BatchNorm2d and ReLU of quantized images.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.quantized.BNReLU2d.html
    """

    _relu = True


class BNReLU3d(_norm.BatchNorm3d):
    """BatchNorm3d and ReLU of quantized volumes.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.quantized.BNReLU3d.html
    """

    _relu = True


class LinearReLU(_nnq.Linear):
    """Linear and ReLU of quantized tensors.

    >>> import rushlight as torch
    >>> layer = torch.ao.nn.intrinsic.quantized.LinearReLU(20, 30)
    >>> layer(torch.quantize_per_tensor(torch.randn(128, 20), 1.0, 0, torch.quint8)).shape
    torch.Size([128, 30])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.quantized.LinearReLU.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.LinearReLU

    def __init__(self, in_features: int, out_features: int, bias: bool = True, dtype: Dtype = dtypes.qint8) -> None:
        super().__init__(in_features, out_features, bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        return Q.linear_relu(x, self._packed_params._packed_params, self.scale, self.zero_point)

    def _get_name(self) -> str:
        return "QuantizedLinearReLU"

    @classmethod
    def from_reference(cls, ref_linear_relu: Any, output_scale: float, output_zero_point: int) -> Any:
        """The layer that computes what a fused reference layer does."""
        return super().from_reference(ref_linear_relu[0], output_scale, output_zero_point)


class _Bent(_nnq.Linear):
    """A linear layer whose float result passes a function before it is quantized."""

    def _bend(self, x: Tensor) -> Tensor:
        return x

    def forward(self, x: Tensor) -> Tensor:
        codes, scale, zero_point = Q.activations(x, "linear")
        packed = self._packed_params._packed_params
        out = packed.floats(Q._check_columns(codes, packed, "linear"), scale, zero_point, False)
        out = self._bend(wrap(out.reshape(*codes.shape[:-1], packed.rows)))._array
        return wrap(encoded(out, dtypes.quint8, Quantizer(per_tensor_affine, self.scale, self.zero_point)))

    def _get_name(self) -> str:
        return "Quantized" + type(self).__name__

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of an observed fused float layer."""
        if type(mod) is not cls._FLOAT_MODULE:
            raise AssertionError(f"Input float module should be {cls._FLOAT_MODULE.__name__}")
        if not hasattr(mod, "qconfig"):
            raise AssertionError("Input float module must have qconfig defined")
        linear = mod[0]
        observer = getattr(linear, "qconfig", mod.qconfig).weight()
        observer(linear.weight)
        observed_dtype(observer, cls.__name__)
        scale, zero_point = mod.activation_post_process.calculate_qparams()
        return cls._bent(mod, quantize_weight(linear.weight.float(), observer), float(scale), int(zero_point))

    @classmethod
    def from_reference(cls, ref_mod: Any, output_scale: float, output_zero_point: int) -> Any:
        """The layer that computes what a fused reference layer does."""
        return cls._bent(ref_mod, ref_mod[0].get_quantized_weight(), float(output_scale), int(output_zero_point))

    @classmethod
    def _bent(cls, mod: Any, weight: Tensor, scale: float, zero_point: int) -> Any:
        made = cls._empty(mod)
        made.set_weight_bias(weight, mod[0].bias)
        made.scale, made.zero_point = scale, zero_point
        return made

    @classmethod
    def _empty(cls, mod: Any) -> Any:
        return cls(mod[0].in_features, mod[0].out_features)


class LinearLeakyReLU(_Bent):
    """Linear and LeakyReLU of quantized tensors.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.LinearLeakyReLU

    def __init__(
        self,
        in_features: int,
        out_features: int,
        negative_slope: float,
        bias: bool = True,
        dtype: Dtype = dtypes.qint8,
    ) -> None:
        super().__init__(in_features, out_features, bias, dtype)
        self.negative_slope = negative_slope

    def _bend(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.negative_slope)

    @classmethod
    def _empty(cls, mod: Any) -> Any:
        return cls(mod[0].in_features, mod[0].out_features, mod[1].negative_slope)


class LinearTanh(_Bent):
    """Linear and Tanh of quantized tensors.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.LinearTanh

    def __init__(self, in_features: int, out_features: int, bias: bool = True, dtype: Dtype = dtypes.qint8) -> None:
        super().__init__(in_features, out_features, bias, dtype)

    def _bend(self, x: Tensor) -> Tensor:
        return F.tanh(x)
