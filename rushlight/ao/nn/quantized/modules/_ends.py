"""Where tensors become quantized, and floats again."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.dtypes import dtype as Dtype
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import tensor
from rushlight.ops.quantization import quantize_per_tensor
from rushlight.tensor import Tensor

__all__ = ["DeQuantize", "Quantize"]


class Quantize(Module):
    """Floats to codes of a fixed scale and zero point.

    >>> import rushlight as torch
    >>> layer = torch.ao.nn.quantized.Quantize(1.0, 2, torch.quint8)
    >>> layer(torch.tensor([[1.0, -1.0]])).int_repr()
    tensor([[3, 1]], dtype=torch.uint8)

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    scale: Tensor
    zero_point: Tensor

    def __init__(
        self, scale: float, zero_point: int, dtype: Dtype, factory_kwargs: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        options = dict(factory_kwargs or {})
        self.register_buffer("scale", tensor([scale], **options))
        self.register_buffer("zero_point", tensor([zero_point], **{**options, "dtype": dtypes.int64}))
        self.dtype = dtype

    def forward(self, X: Tensor) -> Tensor:
        return quantize_per_tensor(X, float(self.scale), int(self.zero_point), self.dtype)

    @staticmethod
    def from_float(mod: Any, use_precomputed_fake_quant: bool = False) -> Quantize:
        """What an observed QuantStub becomes."""
        if not hasattr(mod, "activation_post_process"):
            raise AssertionError(f"Module {type(mod).__name__} must have activation_post_process attribute")
        observer = mod.activation_post_process
        scale, zero_point = observer.calculate_qparams()
        return Quantize(scale.float().item(), int(zero_point.item()), observer.dtype)

    def extra_repr(self) -> str:
        return f"scale={self.scale}, zero_point={self.zero_point}, dtype={self.dtype}"


class DeQuantize(Module):
    """Codes to floats.

    >>> import rushlight as torch
    >>> q = torch.quantize_per_tensor(torch.tensor([1.26]), 0.5, 0, torch.quint8)
    >>> torch.ao.nn.quantized.DeQuantize()(q)
    tensor([1.5000])

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def forward(self, Xq: Tensor) -> Tensor:
        return Xq.dequantize()

    @staticmethod
    def from_float(mod: Any, use_precomputed_fake_quant: bool = False) -> DeQuantize:
        """What a DeQuantStub becomes."""
        return DeQuantize()
