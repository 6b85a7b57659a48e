"""Functions of quantized tensors."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight import dtypes
from rushlight.ao.nn.quantized import _operators as Q
from rushlight.ao.nn.quantized._packed_conv import ConvPackedParams, quantized_result
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import functional as F
from rushlight.ops.rounding import clamp as _clamp
from rushlight.tensor import Tensor

__all__ = [
    "adaptive_avg_pool2d", "adaptive_avg_pool3d", "avg_pool2d", "avg_pool3d", "celu", "clamp", "conv1d", "conv2d",
    "conv3d", "elu", "hardsigmoid", "hardswish", "hardtanh", "interpolate", "leaky_relu", "linear", "max_pool1d",
    "max_pool2d", "threshold", "upsample", "upsample_bilinear", "upsample_nearest",
]  # fmt: skip

Ints = int | tuple[int, ...]


def _check(input: Tensor, name: str) -> None:
    if not input.is_quantized:
        raise ValueError(f"Input to 'quantized.{name}' must be quantized!")


def avg_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """`nn.functional.avg_pool2d` of a quantized tensor; ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.avg_pool2d.html
    """
    _check(input, "avg_pool2d")
    return F.avg_pool2d(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """`nn.functional.avg_pool3d` of a quantized tensor; ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.avg_pool3d.html
    """
    _check(input, "avg_pool3d")
    return F.avg_pool3d(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """`nn.functional.adaptive_avg_pool2d` of a quantized tensor; ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.adaptive_avg_pool2d.html
    """
    _check(input, "functional.adaptive_avg_pool2d")
    return F.adaptive_avg_pool2d(input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """`nn.functional.adaptive_avg_pool3d` of a quantized tensor; ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.adaptive_avg_pool3d.html
    """
    _check(input, "functional.adaptive_avg_pool3d")
    return F.adaptive_avg_pool3d(input, output_size)


_LETTERS = {1: "L", 2: "H, W", 3: "D, H, W"}


def _conv(
    rank: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Ints, padding: Ints, dilation: Ints,
    groups: int, padding_mode: str, scale: float, zero_point: int,
) -> Tensor:  # fmt: skip
    if padding_mode != "zeros":
        raise NotImplementedError("Only zero-padding is supported!")
    if input.dtype is not dtypes.quint8:
        raise NotImplementedError("Only torch.quint8 is supported for activation tensor!")
    if weight.dtype is not dtypes.qint8:
        raise NotImplementedError("Only torch.qint8 is supported for weight tensor!")
    if input.ndim != rank + 2:
        raise ValueError(f"Input shape must be `(N, C, {_LETTERS[rank]})`!")
    steps, border, apart = ((n,) * rank if isinstance(n, int) else tuple(n) for n in (stride, padding, dilation))
    packed = ConvPackedParams(weight, bias, steps, border, apart, groups)
    out = packed.codes(*Q.activations(input, f"conv{rank}d"), scale, zero_point, False)
    return quantized_result(out, scale, zero_point)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    scale: float = 1.0,
    zero_point: int = 0,
    dtype: Dtype = dtypes.quint8,
) -> Tensor:
    """Convolution of a quint8 signal (N, C, L) with a qint8 weight; the result has `scale` and `zero_point`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.conv1d.html
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups, padding_mode, scale, zero_point)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    scale: float = 1.0,
    zero_point: int = 0,
    dtype: Dtype = dtypes.quint8,
) -> Tensor:
    """Convolution of a quint8 image (N, C, H, W) with a qint8 weight; the result has `scale` and `zero_point`.

    >>> import rushlight as torch
    >>> x = torch.quantize_per_tensor(torch.ones(1, 1, 3, 3), 0.1, 0, torch.quint8)
    >>> w = torch.quantize_per_tensor(torch.ones(1, 1, 2, 2), 0.1, 0, torch.qint8)
    >>> torch.ao.nn.quantized.functional.conv2d(x, w, None, scale=0.5).int_repr()
    tensor([[[[8, 8],
              [8, 8]]]], dtype=torch.uint8)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.conv2d.html
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups, padding_mode, scale, zero_point)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    scale: float = 1.0,
    zero_point: int = 0,
    dtype: Dtype = dtypes.quint8,
) -> Tensor:
    """Convolution of a quint8 volume (N, C, D, H, W) with a qint8 weight; the result has `scale` and `zero_point`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.conv3d.html
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups, padding_mode, scale, zero_point)


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`nn.functional.interpolate` of a quantized tensor, `mode` "nearest" or "bilinear"; ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.interpolate.html
    """
    _check(input, "interpolate")
    return F.interpolate(input, size, scale_factor, mode, align_corners)


def linear(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    scale: float | None = None,
    zero_point: int | None = None,
) -> Tensor:
    """`x Aᵀ + b` of a quint8 input and a qint8 weight; the result has `scale` and `zero_point`, or the input's.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.linear.html
    """
    scale = input.q_scale() if scale is None else scale
    zero_point = input.q_zero_point() if zero_point is None else zero_point
    return Q.linear(input, Q.linear_prepack(weight, bias), scale, zero_point)


def max_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """`nn.functional.max_pool1d` of a quantized tensor, without indices.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.max_pool1d.html
    """
    if return_indices:
        raise NotImplementedError("return_indices is not yet implemented!")
    return F.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)


def max_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """`nn.functional.max_pool2d` of a quantized tensor, without indices.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.max_pool2d.html
    """
    if return_indices:
        raise NotImplementedError("return_indices is not yet implemented!")
    return F.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)


def celu(input: Tensor, scale: float, zero_point: int, alpha: float = 1.0) -> Tensor:
    """CELU of a quantized tensor; the result has `scale` and `zero_point`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.celu.html
    """
    _check(input, "celu")
    return Q.celu(input, scale, zero_point, alpha)


def leaky_relu(
    input: Tensor,
    negative_slope: float = 0.01,
    inplace: bool = False,
    scale: float | None = None,
    zero_point: int | None = None,
) -> Tensor:
    """Leaky ReLU of a quantized tensor; the result has `scale` and `zero_point`, or the input's.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.leaky_relu.html
    """
    if scale is None or zero_point is None:
        return F.leaky_relu(input, negative_slope, inplace)
    if inplace:
        raise AssertionError("Cannot rescale with `inplace`")
    return Q.leaky_relu(input, negative_slope, inplace, scale, zero_point)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """`nn.functional.hardtanh` of a quantized tensor; ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.hardtanh.html
    """
    _check(input, "hardtanh")
    return F.hardtanh(input, min_val, max_val, inplace)


def hardswish(input: Tensor, scale: float, zero_point: int) -> Tensor:
    """Hardswish of a quantized tensor; the result has `scale` and `zero_point`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.hardswish.html
    """
    _check(input, "hardswish")
    return Q.hardswish(input, scale, zero_point)


def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """`nn.functional.threshold` of a quantized tensor; ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.threshold.html
    """
    _check(input, "threshold")
    if threshold is None:
        raise ValueError("Input to 'threshold' must be specified!")
    if value is None:
        raise ValueError("Input to 'value' must be specified!")
    return F.threshold(input, threshold, value)


def elu(input: Tensor, scale: float, zero_point: int, alpha: float = 1.0) -> Tensor:
    """ELU of a quantized tensor; the result has `scale` and `zero_point`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.elu.html
    """
    _check(input, "elu")
    return Q.elu(input, scale, zero_point, alpha)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """`nn.functional.hardsigmoid` of a quantized tensor, in codes over [0, 1); ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.hardsigmoid.html
    """
    _check(input, "hardsigmoid")
    return F.hardsigmoid(input, inplace)


def clamp(input: Tensor, min_: float, max_: float) -> Tensor:
    """`clamp` of a quantized tensor; ValueError for another.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.clamp.html
    """
    _check(input, "clamp")
    return _clamp(input, min_, max_)


def _deprecated(name: str) -> None:
    warnings.warn(
        f"nn.quantized.functional.{name} is deprecated. Use nn.quantized.functional.interpolate instead.",
        stacklevel=3,
    )


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate`, by its older name; warns.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.upsample.html
    """
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners; warns.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.upsample_bilinear.html
    """
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "nearest"; warns.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.functional.upsample_nearest.html
    """
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")
