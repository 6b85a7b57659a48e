"""Linear and ReLU, their input quantized by its own range at every call."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.ao.nn.quantized import _operators as Q
from rushlight.ao.nn.quantized.dynamic.modules import linear as _dynamic
from rushlight.dtypes import dtype as Dtype
from rushlight.tensor import Tensor

__all__ = ["LinearReLU"]


class LinearReLU(_dynamic.Linear):
    """`max(x Aᵀ + b, 0)` of float tensors with a weight of int8 (or float16).

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.quantized.dynamic.LinearReLU.html
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, dtype: Dtype = dtypes.qint8) -> None:
        super().__init__(in_features, out_features, bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        packed = self._packed_params
        if packed.dtype is dtypes.float16:
            return Q.linear_relu_dynamic_fp16(x, packed._packed_params).to(x.dtype)
        return Q.linear_relu_dynamic(x, packed._packed_params, reduce_range=True)

    def _get_name(self) -> str:
        return "DynamicQuantizedLinearReLU"

    @classmethod
    def from_reference(cls, ref_qlinear_relu: Any) -> Any:  # type: ignore[override]
        """The layer that computes what a fused reference layer does."""
        return super().from_reference(ref_qlinear_relu[0])
