"""Batch normalisation of quantized tensors, with the statistics of training."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight.ao.nn.quantized import _operators as Q
from rushlight.nn.modules import batchnorm as _float
from rushlight.ops.creation import tensor
from rushlight.tensor import Tensor

__all__ = ["BatchNorm2d", "BatchNorm3d"]


class _QuantizedBatchNorm(_float._BatchNorm):
    _dims: ClassVar[int]
    _letters: ClassVar[str]
    _relu: ClassVar[bool] = False

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(num_features, eps, momentum, True, True, device=device, dtype=dtype)
        self.register_buffer("scale", tensor(1.0, device=device, dtype=dtype))
        self.register_buffer("zero_point", tensor(0, device=device, dtype=dtype))

    def _get_name(self) -> str:
        return "Quantized" + type(self).__name__

    def _check_input_dim(self, input: Tensor) -> None:
        if len(input.shape) != self._dims:
            raise ValueError(f"Input shape must be `(N, C, {self._letters})`!")

    def forward(self, input: Tensor) -> Tensor:
        if self._relu:
            self._check_input_dim(input)
        return Q.batch_norm(
            input, self.weight, self.bias, self.running_mean, self.running_var, self.eps, self.scale, self.zero_point,
            self._relu,
        )  # fmt: skip

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of an observed float layer."""
        scale, zero_point = mod.activation_post_process.calculate_qparams()
        # A fused layer holds the normalisation first.
        return cls._made(mod if isinstance(mod, _float._BatchNorm) else mod[0], scale, zero_point)

    @classmethod
    def from_reference(cls, bn: Any, output_scale: Any, output_zero_point: Any) -> Any:
        """The layer with the given scale and zero point."""
        return cls._made(bn, output_scale, output_zero_point)

    @classmethod
    def _made(cls, bn: Any, scale: Any, zero_point: Any) -> Any:
        made = cls(bn.num_features, bn.eps)
        for name in ("weight", "bias", "running_mean", "running_var"):
            setattr(made, name, getattr(bn, name))
        made.scale = scale if isinstance(scale, Tensor) else tensor(scale)
        made.zero_point = zero_point if isinstance(zero_point, Tensor) else tensor(zero_point)
        return made


class BatchNorm2d(_QuantizedBatchNorm):
    """Batch normalisation of quantized images (N, C, H, W).

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.BatchNorm2d.html
    """

    _dims, _letters = 4, "H, W"


class BatchNorm3d(_QuantizedBatchNorm):
    """Batch normalisation of quantized volumes (N, C, D, H, W).

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.BatchNorm3d.html
    """

    _dims, _letters = 5, "D, H, W"
