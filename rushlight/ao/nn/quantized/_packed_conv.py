"""Weights of quantized convolutions, packed, and the convolution of codes as a product of patches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.ao.nn.quantized._packed import ProductWeights, row_parameters
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.variable import wrap
from rushlight.nn import functional as F
from rushlight.ops.quantization import dynamic_parameters
from rushlight.quantizer import Quantizer, codes_of, per_tensor_affine, quantized_array

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["ConvPackedParams"]

Array = np.ndarray[Any, Any]
Ints = tuple[int, ...]

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def _patches(codes: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, fill: int) -> tuple[Array, Ints]:
    """What each output sees, (N · outputs, kernel · C), and the outputs of each dimension; the border is `fill`.

    The channels of a place lie side by side, so that a patch is copied in runs of them.
    """
    sizes = codes.shape[2:]
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    wide = tuple(n + 2 * p for n, p in zip(sizes, padding, strict=True))
    if any(n < r for n, r in zip(wide, reach, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: {wide}. Kernel size: {reach}. Kernel size can't be greater "
            "than actual input size"
        )
    last = np.moveaxis(codes, 1, -1)
    if any(padding):
        whole = np.full((codes.shape[0], *wide, codes.shape[1]), fill, np.uint8)
        whole[(slice(None), *(slice(p, p + n) for p, n in zip(padding, sizes, strict=True)))] = last
    else:
        whole = np.ascontiguousarray(last)
    outputs = tuple((n - r) // s + 1 for n, r, s in zip(wide, reach, stride, strict=True))
    first, *steps, one = whole.strides
    strides = (
        first,
        *(step * s for step, s in zip(steps, stride, strict=True)),
        *(step * d for step, d in zip(steps, dilation, strict=True)),
        one,
    )
    shape = (codes.shape[0], *outputs, *kernel, codes.shape[1])
    windows = np.lib.stride_tricks.as_strided(whole, shape, strides, writeable=False)
    return windows.reshape(codes.shape[0] * math.prod(outputs), -1), outputs


class ConvPackedParams:
    """The packed weight and bias of a convolution of `rank` dimensions, with its settings."""

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        stride: Ints,
        padding: Ints,
        dilation: Ints,
        groups: int,
        output_padding: Ints = (),
        transpose: bool = False,
    ) -> None:
        self.settings = (tuple(stride), tuple(padding), tuple(dilation), groups, tuple(output_padding), transpose)
        self._weight, self._bias = weight.detach(), bias
        self.groups, self.transpose = groups, transpose
        codes = codes_of(weight._array)
        self.rank = codes.ndim - 2
        scale, zero_point = row_parameters(weight, "quantized::conv_prepack", 1 if transpose else 0)
        channels = codes.shape[1] * groups if transpose else codes.shape[0]
        array = None if bias is None else bias._array
        self.channels, self.kernel = channels, codes.shape[2:]
        self.inputs = codes.shape[0] if transpose else codes.shape[1] * groups
        # A convolution of one group is a product of patches; the others are done in floats, which hold every sum
        # exactly: their rows are short.
        self._product: ProductWeights | None = None
        if groups == 1 and not transpose:
            rows = np.ascontiguousarray(np.moveaxis(codes, 1, -1)).reshape(channels, -1)
            self._product = ProductWeights(rows, scale, zero_point, array)
            return
        self._scales = np.broadcast_to(np.asarray(scale, np.float32), (channels,))
        zeros = np.asarray(zero_point).reshape(
            ((1, -1) if transpose else (-1,)) + (1,) * self.rank + (1,) * (not transpose)
        )
        wide = codes.astype(np.int32) - zeros
        exact = math.prod(codes.shape[1:]) * (codes.shape[0] if transpose else 1) * 255 * 256 < 2**24
        self._units = wide.astype(np.float32 if exact else np.float64)

    def unpack(self) -> tuple[Tensor, Tensor | None]:
        """The weight, quantized, and the bias."""
        return self._weight, self._bias

    def __reduce__(self) -> Any:
        stride, padding, dilation, groups, output_padding, transpose = self.settings
        return type(self), (*self.unpack(), stride, padding, dilation, groups, output_padding, transpose)

    def _sums(self, codes: Array, zero_point: int) -> Array:
        """The exact sums (N, channels, outputs), in floats."""
        stride, padding, dilation, groups, output_padding, transpose = self.settings
        x = wrap(codes.astype(self._units.dtype) - zero_point)
        with no_grad():
            if transpose:
                function: Any = _CONV_TRANSPOSE[self.rank]
                out = function(x, wrap(self._units), None, stride, padding, output_padding, groups, dilation)
            else:
                out = _CONV[self.rank](x, wrap(self._units), None, stride, padding, dilation, groups)
        return out._array.astype(np.float32)

    def _check(self, codes: Array) -> None:
        if codes.ndim != self.rank + 2 or codes.shape[1] != self.inputs:
            raise RuntimeError(
                f"Given groups={self.groups}, weight of size {list(self._weight.shape)}, expected input"
                f"{list(codes.shape)} to have {self.inputs} channels and {self.rank} dimensions after them"
            )

    def codes(self, codes: Array, scale: float, zero_point: int, out_scale: float, out_zero: int, relu: bool) -> Array:
        """The convolution of codes (N, C, …), uint8, as codes of another scale and zero point."""
        self._check(codes)
        if self._product is not None:
            stride, padding, dilation, *_ = self.settings
            rows, outputs = _patches(codes, self.kernel, stride, padding, dilation, zero_point)
            out = self._product.codes(rows, scale, zero_point, out_scale, out_zero, relu)
            return self._planes(out, codes.shape[0], outputs)
        units = self._scales * np.float32(scale)
        total = self._sums(codes, zero_point)
        over = (1, -1) + (1,) * self.rank
        if self._bias is not None:
            total += (self._bias._array / units).reshape(over)
        total *= (units / np.float32(out_scale)).reshape(over)
        low = out_zero if relu else 0
        return (np.rint(np.clip(total, low - out_zero, 255 - out_zero)) + np.float32(out_zero)).astype(np.uint8)

    def _planes(self, out: Array, images: int, outputs: Ints) -> Array:
        """Rows of channels as (N, channels, …); they stay where they are, as in PyTorch."""
        return np.moveaxis(out.reshape(images, *outputs, self.channels), -1, 1)

    def dynamic(self, x: Array, reduce_range: bool) -> Array:
        """The convolution of floats (N, C, …), quantized by their own range for it, in float32.

        As in PyTorch, the result is rounded to codes of the input's range on the way.
        """
        self._check(x)
        scale, zero_point, low, high = dynamic_parameters(x, dtypes.quint8, reduce_range)
        codes = kernels.int8_quantize(np.ascontiguousarray(x), scale, zero_point, low, high)
        out = self.codes(codes, scale, zero_point, scale, zero_point, False)
        return (out.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)


def quantized_result(codes: Array, scale: float, zero_point: int) -> Tensor:
    """Codes of uint8 as a tensor."""
    return wrap(quantized_array(codes, dtypes.quint8, Quantizer(per_tensor_affine, float(scale), int(zero_point))))
