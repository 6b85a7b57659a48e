"""The linear layer that trains towards dynamic quantization."""

from __future__ import annotations

from typing import Any

from rushlight.ao.nn.qat.modules import linear as _static

__all__ = ["Linear"]


class Linear(_static.Linear):
    """`qat.Linear` whose QConfig quantizes activations at run time; ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.qat.dynamic.Linear.html
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        qconfig: Any = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        from rushlight.ao.quantization.utils import activation_is_dynamically_quantized

        super().__init__(in_features, out_features, bias, qconfig, device, dtype)
        if not activation_is_dynamically_quantized(qconfig):
            raise ValueError(
                "Dynamic QAT requires a memoryless observer. This means a MovingAverage observer with averaging "
                "constant equal to 1"
            )
