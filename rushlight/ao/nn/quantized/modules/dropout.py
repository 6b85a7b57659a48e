"""Dropout after training."""

from __future__ import annotations

from typing import Any

from rushlight.nn.modules import dropout as _float
from rushlight.tensor import Tensor

__all__ = ["Dropout"]


class Dropout(_float.Dropout):
    """Its input, unchanged: a quantized network doesn't train.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return input

    def _get_name(self) -> str:
        return "QuantizedDropout"

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of a float layer."""
        return cls(mod.p, mod.inplace)

    @classmethod
    def from_reference(cls, mod: Any, scale: float, zero_point: int) -> Any:
        """The quantized form of a float layer."""
        return cls(mod.p, mod.inplace)
