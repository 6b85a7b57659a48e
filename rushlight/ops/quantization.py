"""Quantized tensors: integers that stand for real numbers by a scale and a zero point.

Their codes are int8, uint8 or int32; arithmetic on them is done by the modules of `ao.nn.quantized`.
"""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd._quantized import LOADERS
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._codes import LIMITS, encoded
from rushlight.ops._numeric import Array, check_tensor
from rushlight.quantizer import (
    Quantizer,
    codes_of,
    dequantized,
    per_channel_affine,
    per_channel_affine_float_qparams,
    per_tensor_affine,
    quantized_array,
    quantizer_of,
)
from rushlight.quantizer import (
    qscheme as Scheme,
)

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "dequantize", "int_repr", "q_per_channel_axis", "q_per_channel_scales", "q_per_channel_zero_points", "q_scale",
    "q_zero_point", "quantize_per_channel", "quantize_per_tensor", "quantize_per_tensor_dynamic",
]  # fmt: skip


def _floats(input: Any, function: str) -> Array:
    check_tensor(function, "input", 1, input)
    array: Array = input._array
    if array.dtype.names:
        raise NotImplementedError(
            f"Could not run 'aten::{function}' with arguments from the 'QuantizedCPU' backend. This could be because "
            "the operator doesn't exist for this backend."
        )
    if array.dtype != np.float32:
        raise RuntimeError(f"Quantize only works on Float Tensor, got {input.dtype.legacy_name}")
    return array


def _limits(dtype: Any, function: str) -> tuple[int, int]:
    if not isinstance(dtype, dtypes.dtype):
        raise TypeError(f"{function}(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
    if dtype not in LIMITS:
        raise RuntimeError(f"ScalarType {dtype.legacy_name} is not supported in new_qtensor.")
    return LIMITS[dtype]


def _within(zero_point: Any, limits: tuple[int, int], fn: str) -> None:
    for value, beyond, word in ((np.max, limits[1], "above upper"), (np.min, limits[0], "below lower")):
        found = value(zero_point, initial=0)
        if (found > beyond) if word[0] == "a" else (found < beyond):
            raise RuntimeError(f"{fn} zero_point {int(found)} is {word} bound.")


def quantize_per_tensor(input: Any, scale: Any, zero_point: Any, dtype: dtypes.dtype) -> Any:
    """Codes `round(input / scale + zero_point)`, kept within the range of `dtype` (qint8, quint8 or qint32).

    `input` is a float32 tensor, `scale` a float and `zero_point` an int, or tensors of one element. A list of tensors
    with tensors of as many scales and zero points gives a tuple. RuntimeError for another type of input or dtype, or a
    zero point out of range.

    >>> import rushlight as torch
    >>> q = torch.quantize_per_tensor(torch.tensor([-1.0, 0.0, 1.0, 2.0]), 0.1, 10, torch.quint8)
    >>> q.int_repr()
    tensor([ 0, 10, 20, 30], dtype=torch.uint8)
    >>> q
    tensor([-1.,  0.,  1.,  2.], size=(4,), dtype=torch.quint8,
           quantization_scheme=torch.per_tensor_affine, scale=0.1, zero_point=10)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.quantize_per_tensor.html
    """
    if isinstance(input, list | tuple):
        scales, zeros = scale.tolist(), zero_point.tolist()
        return tuple([quantize_per_tensor(*each, dtype) for each in zip(input, scales, zeros, strict=True)])
    array = _floats(input, "quantize_per_tensor")
    limits = _limits(dtype, "quantize_per_tensor")
    scale = float(scale._array.item() if isinstance(scale, Variable) else scale)
    zero_point = int(zero_point._array.item() if isinstance(zero_point, Variable) else zero_point)
    _within(zero_point, limits, "quantize_tensor_per_tensor_affine")
    return wrap(encoded(array, dtype, Quantizer(per_tensor_affine, scale, zero_point)))


def _channels(array: Array, scales: Any, zero_points: Any, axis: int, scheme: Scheme | None = None) -> Quantizer:
    scale, zero = scales._array, zero_points._array
    floating = zero.dtype.kind == "f"
    if scale.ndim != 1 or zero.ndim != 1:
        raise RuntimeError("scale and zero_points tensors must be 1-dimensional")
    if scale.shape != zero.shape:
        raise RuntimeError("number of elements in scales and zero_points must match")
    if not 0 <= axis < array.ndim:
        raise RuntimeError(
            f"Channel axis out of range in per channel affine quantization. Got: {axis}Expected: [0, {array.ndim})"
        )
    if array.shape[axis] != scale.size:
        raise RuntimeError(f"length of scales must equal to channel, expected {array.shape[axis]} got, {scale.size}")
    scheme = scheme or (per_channel_affine_float_qparams if floating else per_channel_affine)
    kept = np.float32 if floating else np.float64
    return Quantizer(scheme, scale.astype(kept), zero.astype(np.float32 if floating else np.int64), axis)


def quantize_per_channel(input: Tensor, scales: Tensor, zero_points: Tensor, axis: int, dtype: dtypes.dtype) -> Tensor:
    """Codes `round(input / scale + zero_point)` with a scale and a zero point for each index of dimension `axis`.

    `scales` and `zero_points` are 1-D. Zero points of floats are added before rounding. RuntimeError where sizes don't
    fit.

    >>> import rushlight as torch
    >>> x = torch.tensor([[-1.0, 0.0], [1.0, 2.0]])
    >>> torch.quantize_per_channel(x, torch.tensor([0.1, 0.01]), torch.tensor([10, 0]), 0, torch.quint8).int_repr()
    tensor([[  0,  10],
            [100, 200]], dtype=torch.uint8)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.quantize_per_channel.html
    """
    array = _floats(input, "quantize_per_channel")
    limits = _limits(dtype, "quantize_per_channel")
    for position, (name, value) in enumerate((("scales", scales), ("zero_points", zero_points)), 2):
        check_tensor("quantize_per_channel", name, position, value)
    quantizer = _channels(array, scales, zero_points, axis)
    if quantizer.scheme is per_channel_affine:
        _within(quantizer.zero_point, limits, "quantize_tensor_per_channel_affine")
    return wrap(encoded(array, dtype, quantizer))


def range_parameters(
    low: float, high: float, least: int, greatest: int, symmetric: bool = False, single: bool = False
) -> tuple[float, int]:
    """The scale and zero point that lay [low, high], widened to hold zero, over the codes from least to greatest.

    As FBGEMM chooses them: the zero point is rounded from the end that loses less, a tiny scale is raised to 6.1e-5.
    `single`: the scale is rounded to float32 first.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (greatest - least)
    rounded = float(np.float32(scale))
    if rounded == 0 or math.isinf(1 / rounded):
        scale = 0.1
    if scale < _SMALLEST:
        before, scale = scale, _SMALLEST
        if low == 0:
            high = scale * (greatest - least)
        elif high == 0:
            low = -scale * (greatest - least)
        else:
            low, high = low * (scale / before), high * (scale / before)
    if single:
        scale = float(np.float32(scale))
    from_low, from_high = least - low / scale, greatest - high / scale
    nearer_low = abs(least) - abs(low / scale) < abs(greatest) - abs(high / scale)
    zero = from_low if nearer_low else from_high
    if symmetric and low < 0 < high:
        zero = (least + greatest) / 2
    return scale, max(least, min(greatest, round(zero)))


_SMALLEST = float(np.float32(6.1e-5))


def dynamic_parameters(array: Array, dtype: dtypes.dtype, reduce_range: bool) -> tuple[float, int, int, int]:
    """Scale, zero point and limits for the numbers of an array, by their least and greatest."""
    least, greatest = LIMITS[dtype]
    if reduce_range:
        least, greatest = least // 2, greatest // 2
    low, high = kernels.int8_range(array if array.flags.c_contiguous else np.ascontiguousarray(array))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"In ChooseQuantizationParams, min should be less than or equal to max, got {low}, {high}")
    return *range_parameters(low, high, least, greatest), least, greatest


def quantize_per_tensor_dynamic(input: Tensor, dtype: dtypes.dtype, reduce_range: bool) -> Tensor:
    """`quantize_per_tensor` with the scale and zero point that fit the input's own range; `reduce_range`: 7 bits.

    Float32, of any shape; RuntimeError for another dtype.

    >>> import rushlight as torch
    >>> torch.quantize_per_tensor_dynamic(torch.tensor([-1.0, 0.0, 1.0, 2.0]), torch.quint8, False).int_repr()
    tensor([  0,  85, 170, 255], dtype=torch.uint8)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.quantize_per_tensor_dynamic.html
    """
    array = _floats(input, "quantize_per_tensor_dynamic")
    if dtype not in (dtypes.qint8, dtypes.quint8):
        raise RuntimeError(f"dtype {dtype.legacy_name} not supported; expected QInt8 or QUInt8")
    scale, zero_point, _, _ = dynamic_parameters(array, dtype, reduce_range)
    return wrap(encoded(array, dtype, Quantizer(per_tensor_affine, scale, zero_point)))


def dequantize(input: Any) -> Any:
    """The numbers that codes stand for, `(code - zero_point) * scale`, in float32; of a list of tensors, a tuple.

    A tensor that is not quantized is converted to float32.

    >>> import rushlight as torch
    >>> torch.quantize_per_tensor(torch.tensor([0.26]), 0.1, 0, torch.qint8).dequantize()
    tensor([0.3000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.dequantize.html
    """
    if isinstance(input, list | tuple):
        return tuple([dequantize(each) for each in input])
    check_tensor("dequantize", "input", 1, input)
    if quantizer_of(input._array) is None:
        return input.to(dtypes.float32)
    return wrap(dequantized(input._array))


def _quantizer(input: Any, function: str) -> Quantizer:
    check_tensor(function, "input", 1, input)
    quantizer = quantizer_of(input._array)
    if quantizer is None:
        raise NotImplementedError(
            f"Could not run 'aten::{function}' with arguments from the 'CPU' backend. This could be because the "
            "operator doesn't exist for this backend: it is one of quantized tensors."
        )
    return quantizer


def _of_tensor(input: Any, function: str) -> Quantizer:
    quantizer = _quantizer(input, function)
    if quantizer.axis is not None:
        raise RuntimeError("Expected quantizer->qscheme() == kPerTensorAffine to be true, but got false.")
    return quantizer


def _of_channels(input: Any, function: str) -> Quantizer:
    quantizer = _quantizer(input, function)
    if quantizer.axis is None:
        raise RuntimeError(
            "Expected quantizer->qscheme() == kPerChannelAffine || quantizer->qscheme() == "
            "kPerChannelAffineFloatQParams to be true, but got false."
        )
    quantizer.along(input._array.shape)
    return quantizer


def int_repr(input: Tensor) -> Tensor:
    """The codes of a quantized tensor: a copy of the same shape in int8, uint8 or int32.

    Raises RuntimeError or NotImplementedError for a tensor that is not quantized.

    >>> import rushlight as torch
    >>> torch.int_repr(torch.quantize_per_tensor(torch.tensor([0.5, 1.0]), 0.5, 2, torch.qint8))
    tensor([3, 4], dtype=torch.int8)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.int_repr.html
    """
    _quantizer(input, "int_repr")
    return wrap(codes_of(input._array).copy(order="K"))


def q_scale(input: Tensor) -> float:
    """The scale of a tensor that was quantized with one, a float. Raises RuntimeError for one with a scale for each
    channel.

    >>> import rushlight as torch
    >>> torch.q_scale(torch.quantize_per_tensor(torch.ones(2), 0.5, 2, torch.qint8))
    0.5

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.q_scale.html
    """
    return float(_of_tensor(input, "q_scale").scale)


def q_zero_point(input: Tensor) -> int:
    """The zero point of a tensor that was quantized with one, an int. Raises RuntimeError for one with many.

    >>> import rushlight as torch
    >>> torch.q_zero_point(torch.quantize_per_tensor(torch.ones(2), 0.5, 2, torch.qint8))
    2

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.q_zero_point.html
    """
    return int(_of_tensor(input, "q_zero_point").zero_point)


def q_per_channel_scales(input: Tensor) -> Tensor:
    """The scales `(C,)` of a tensor that was quantized channel by channel, in float64. Raises RuntimeError for others.

    >>> import rushlight as torch
    >>> scales, zeros = torch.tensor([0.5, 0.25]), torch.tensor([0, 1])
    >>> torch.q_per_channel_scales(torch.quantize_per_channel(torch.ones(2, 2), scales, zeros, 0, torch.qint8))
    tensor([0.5000, 0.2500], dtype=torch.float64)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.q_per_channel_scales.html
    """
    return wrap(_of_channels(input, "q_per_channel_scales").scale.copy())


def q_per_channel_zero_points(input: Tensor) -> Tensor:
    """The zero points `(C,)` of a tensor that was quantized channel by channel, in int64. Raises RuntimeError for
    others.

    >>> import rushlight as torch
    >>> scales, zeros = torch.tensor([0.5, 0.25]), torch.tensor([0, 1])
    >>> torch.q_per_channel_zero_points(torch.quantize_per_channel(torch.ones(2, 2), scales, zeros, 0, torch.qint8))
    tensor([0, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.q_per_channel_zero_points.html
    """
    return wrap(_of_channels(input, "q_per_channel_zero_points").zero_point.copy())


def q_per_channel_axis(input: Tensor) -> int:
    """The dimension of the channels of a tensor that was quantized channel by channel. Raises RuntimeError for others.

    >>> import rushlight as torch
    >>> scales, zeros = torch.tensor([0.5, 0.25]), torch.tensor([0, 1])
    >>> torch.q_per_channel_axis(torch.quantize_per_channel(torch.ones(2, 2), scales, zeros, 0, torch.qint8))
    0

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.q_per_channel_axis.html
    """
    axis = _of_channels(input, "q_per_channel_axis").axis
    assert axis is not None
    return axis


def qscheme(input: Tensor) -> Scheme:
    """How a quantized tensor's codes stand for numbers.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.qscheme.html
    """
    return _quantizer(input, "qscheme").scheme


_KINDS = {"u1": dtypes.quint8, "i1": dtypes.qint8, "i4": dtypes.qint32}


def _make_per_tensor_quantized_tensor(input: Tensor, scale: float, zero_point: int) -> Tensor:
    """The quantized tensor of given codes: uint8, int8 or int32."""
    array = input._array.copy(order="K")
    kind = _KINDS[array.dtype.str[1:]]
    return wrap(quantized_array(array, kind, Quantizer(per_tensor_affine, float(scale), int(zero_point))))


def _make_per_channel_quantized_tensor(input: Tensor, scale: Tensor, zero_point: Tensor, axis: int) -> Tensor:
    """The quantized tensor of given codes and channels."""
    array = input._array.copy(order="K")
    return wrap(quantized_array(array, _KINDS[array.dtype.str[1:]], _channels(array, scale, zero_point, axis)))


def _empty_affine_quantized(
    size: Any, *, scale: float = 1.0, zero_point: int = 0, dtype: dtypes.dtype = dtypes.quint8, **_: Any
) -> Tensor:
    """A quantized tensor of any codes."""
    codes = np.zeros(tuple(size), dtype.numpy_dtype[0])
    return wrap(quantized_array(codes, dtype, Quantizer(per_tensor_affine, float(scale), int(zero_point))))


def _empty_per_channel_affine_quantized(
    size: Any, *, scales: Tensor, zero_points: Tensor, axis: int, dtype: dtypes.dtype = dtypes.quint8, **_: Any
) -> Tensor:
    """A quantized tensor of any codes, with channels."""
    codes = np.zeros(tuple(size), dtype.numpy_dtype[0])
    return wrap(quantized_array(codes, dtype, _channels(codes, scales, zero_points, axis)))


def _is_quantized(input: Any) -> bool:
    return quantizer_of(input._array) is not None


def _load_forms() -> None:
    """What activations and their kin do with quantized tensors is read when the first of them is met."""
    importlib.import_module("rushlight.ops._quantized_forms")


LOADERS.append(_load_forms)


class QuantizationMethods:
    """The family's methods of Tensor."""

    dequantize = dequantize
    int_repr = int_repr
    is_quantized = property(_is_quantized, doc="Whether the elements are codes that stand for numbers.")
    q_per_channel_axis = q_per_channel_axis
    q_per_channel_scales = q_per_channel_scales
    q_per_channel_zero_points = q_per_channel_zero_points
    q_scale = q_scale
    q_zero_point = q_zero_point
    qscheme = qscheme
