"""Convolutions with weights of int8, their input quantized by its own range at every call."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.ao.nn.quantized.modules import conv as _static
from rushlight.autograd.variable import wrap
from rushlight.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _Dynamic(_static._ConvNd):
    def forward(self, input: Tensor, reduce_range: bool = True) -> Tensor:
        x = self._bordered(input)
        if x.dtype is not dtypes.float32:
            raise RuntimeError(f"expected a Float tensor, got {x.dtype.legacy_name}; .to(torch.float32)")
        return wrap(self._packed_params.dynamic(np.ascontiguousarray(x._array), reduce_range))

    def _get_name(self) -> str:
        return "DynamicQuantized" + type(self).__name__


class Conv1d(_Dynamic, _static.Conv1d):
    """Convolution of float signals (N, C, L) with weights of int8. The call says `reduce_range`, as in PyTorch.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
        reduce_range: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )


class Conv2d(_Dynamic, _static.Conv2d):
    """Convolution of float images (N, C, H, W) with weights of int8.

    >>> import rushlight as torch
    >>> torch.ao.nn.quantized.dynamic.Conv2d(3, 8, 3)(torch.randn(2, 3, 10, 10)).shape
    torch.Size([2, 8, 8, 8])

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """


class Conv3d(_Dynamic, _static.Conv3d):
    """Convolution of float volumes (N, C, D, H, W) with weights of int8.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """


class ConvTranspose1d(_Dynamic, _static.ConvTranspose1d):
    """Transposed convolution of float signals (N, C, L) with weights of int8.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """


class ConvTranspose2d(_Dynamic, _static.ConvTranspose2d):
    """Transposed convolution of float images (N, C, H, W) with weights of int8.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """


class ConvTranspose3d(_Dynamic, _static.ConvTranspose3d):
    """Transposed convolution of float volumes (N, C, D, H, W) with weights of int8.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
