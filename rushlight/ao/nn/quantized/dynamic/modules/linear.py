"""The linear layer whose weight is int8 and whose input is quantized by its own range at every call."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.ao.nn.quantized import _operators as Q
from rushlight.ao.nn.quantized.modules import linear as _static
from rushlight.ao.nn.quantized.modules.utils import quantize_weight
from rushlight.dtypes import dtype as Dtype
from rushlight.nn.modules import linear as _float
from rushlight.tensor import Tensor

__all__ = ["Linear"]


class Linear(_static.Linear):
    """The affine map y = x Aᵀ + b of float tensors with a weight of int8 (or float16).

    Shapes: (*, in_features), float32 → (*, out_features), float32. Each call finds the range of `x`, quantizes it to 7
    bits, multiplies in integers and gives floats.

    >>> import rushlight as torch
    >>> layer = torch.ao.nn.quantized.dynamic.Linear(20, 30)
    >>> layer(torch.randn(128, 20)).shape
    torch.Size([128, 30])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.dynamic.Linear.html
    """

    _version = 4

    def __init__(self, in_features: int, out_features: int, bias_: bool = True, dtype: Dtype = dtypes.qint8) -> None:
        super().__init__(in_features, out_features, bias_, dtype=dtype)
        self.version: int | None = 4

    def forward(self, x: Tensor) -> Tensor:
        packed = self._packed_params
        if packed.dtype is dtypes.float16:
            return Q.linear_dynamic_fp16(x, packed._packed_params).to(x.dtype)
        # Layers saved by old versions were calibrated for all 8 bits.
        reduce_range = self.version is not None and self.version >= 4
        return Q.linear_dynamic(x, packed._packed_params, reduce_range)

    def _get_name(self) -> str:
        return "DynamicQuantizedLinear"

    def extra_repr(self) -> str:
        text = f"in_features={self.in_features}, out_features={self.out_features}, dtype={self._packed_params.dtype}"
        if self._packed_params.dtype is dtypes.qint8:
            text += f", qscheme={self.weight().qscheme()}"
        return text

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, *rest: Any
    ) -> None:
        self.version = local_metadata.get("version")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, False, *rest)

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of a float layer."""
        from rushlight.ao.nn.intrinsic.modules.fused import LinearReLU
        from rushlight.ao.nn.qat.dynamic.modules.linear import Linear as TrainedLinear
        from rushlight.ao.quantization.qconfig import default_dynamic_qconfig

        kinds = [_float.Linear, _float.NonDynamicallyQuantizableLinear, LinearReLU, TrainedLinear]
        if type(mod) not in kinds:
            raise AssertionError(
                "nn.quantized.dynamic.Linear.from_float only works for one of"
                f"{[kind.__name__ for kind in kinds]}, got {type(mod)}"
            )
        if not hasattr(mod, "qconfig"):
            raise AssertionError("Input float module must have qconfig defined")
        qconfig = mod.qconfig
        if type(mod) is LinearReLU:
            mod = mod[0]
        has_weight = qconfig is not None and qconfig.weight is not None
        observer = (qconfig if has_weight else default_dynamic_qconfig).weight()
        if observer.dtype not in (dtypes.qint8, dtypes.float16):
            raise AssertionError(
                f"The only supported dtypes for dynamic quantized linear are qint8 and float16, got: {observer.dtype}"
            )
        observer(mod.weight)
        half = observer.dtype is dtypes.float16
        weight = mod.weight.detach().float() if half else quantize_weight(mod.weight.float(), observer)
        made = cls(mod.in_features, mod.out_features, dtype=observer.dtype)
        made.set_weight_bias(weight, mod.bias)
        return made

    @classmethod
    def from_reference(cls, ref_qlinear: Any) -> Any:  # type: ignore[override]
        """The layer that computes what a reference layer does."""
        made = cls(ref_qlinear.in_features, ref_qlinear.out_features, dtype=ref_qlinear.weight_dtype)
        made.set_weight_bias(ref_qlinear.get_quantized_weight(), ref_qlinear.bias)
        return made
