"""Small questions about quantization: ranges of codes, kinds of schemes, what a QConfig asks for."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight import dtypes
from rushlight.ao._kinds import has_no_children_ignoring_parametrizations, is_per_channel, is_per_tensor
from rushlight.ao.quantization.quant_type import QuantType
from rushlight.dtypes import dtype as Dtype
from rushlight.nn.modules.module import Module
from rushlight.quantizer import (
    per_channel_affine,
    per_channel_affine_float_qparams,
    per_channel_symmetric,
    per_tensor_affine,
    per_tensor_symmetric,
    qscheme,
)
from rushlight.tensor import Tensor

__all__ = [
    "MatchAllNode", "NodePattern", "Pattern", "activation_dtype", "activation_is_dynamically_quantized",
    "activation_is_int8_quantized", "activation_is_int32_quantized", "activation_is_statically_quantized",
    "calculate_qmin_qmax", "check_min_max_valid", "determine_qparams", "get_combined_dict", "get_qconfig_dtypes",
    "get_qparam_dict", "get_quant_type", "getattr_from_fqn", "has_no_children_ignoring_parametrizations",
    "is_per_channel", "is_per_tensor", "op_is_int8_dynamically_quantized", "to_underlying_dtype",
    "validate_qmin_qmax", "weight_dtype", "weight_is_quantized", "weight_is_statically_quantized",
]  # fmt: skip

Pattern = Any
NodePattern = Any


class MatchAllNode:
    """Stands in a pattern for any module."""


_EIGHT = (dtypes.quint8, dtypes.qint8, dtypes.uint8, dtypes.int8)
_STATIC = (*_EIGHT, dtypes.qint32, dtypes.int16, dtypes.int32, dtypes.float8_e5m2, dtypes.float8_e4m3fn)


def get_combined_dict(default_dict: dict[Any, Any], additional_dict: dict[Any, Any]) -> dict[Any, Any]:
    """Both dictionaries, the second first where they differ."""
    return {**default_dict, **additional_dict}


def getattr_from_fqn(obj: Any, fqn: str) -> Any:
    """An attribute by its dotted path."""
    for name in fqn.split("."):
        obj = getattr(obj, name)
    return obj


_UNDERLYING = {dtypes.quint8: dtypes.uint8, dtypes.qint8: dtypes.int8, dtypes.qint32: dtypes.int32}


def to_underlying_dtype(qdtype: Dtype) -> Dtype:
    """The type of the codes of a quantized type."""
    if qdtype not in _UNDERLYING and qdtype not in _STATIC:
        raise AssertionError(f"Unsupported dtype: {qdtype}")
    return _UNDERLYING.get(qdtype, qdtype)


def get_qparam_dict(observer_or_fake_quant: Any) -> dict[str, Any]:
    """What an observer found: scheme, dtype, scale, zero point and, where there is one, the axis."""
    scheme = getattr(observer_or_fake_quant, "qscheme", None)
    found: dict[str, Any] = {"qscheme": scheme, "dtype": observer_or_fake_quant.dtype}
    if not scheme or (isinstance(observer_or_fake_quant, Module) and not hasattr(observer_or_fake_quant, "quant_min")):
        return {"qscheme": None, "dtype": observer_or_fake_quant.dtype}
    # A symmetric scheme is one of affine codes whose zero point happens to be in the middle.
    if is_per_tensor(scheme):
        found["qscheme"] = per_tensor_affine
    elif scheme is not per_channel_affine_float_qparams:
        found["qscheme"] = per_channel_affine
    if is_per_channel(scheme):
        found["axis"] = observer_or_fake_quant.ch_axis
    found["scale"], found["zero_point"] = observer_or_fake_quant.calculate_qparams()
    for name in ("quant_min", "quant_max"):
        if hasattr(observer_or_fake_quant, name):
            found[name] = getattr(observer_or_fake_quant, name)
    return found


def get_qconfig_dtypes(qconfig: Any) -> tuple[Dtype, Dtype, bool]:
    """The dtypes of activations and weights that a QConfig asks for, and whether the former are found at run time."""
    if qconfig is None:
        raise AssertionError("qconfig must be provided to extract dtypes")
    activation, weight = qconfig.activation(), qconfig.weight()
    return activation.dtype, weight.dtype, getattr(activation, "is_dynamic", False)


def activation_dtype(qconfig: Any) -> Dtype:
    """The dtype of activations that a QConfig asks for."""
    if qconfig is None:
        raise AssertionError("qconfig must be provided to determine activation dtype")
    return qconfig.activation().dtype


def weight_dtype(qconfig: Any) -> Dtype:
    """The dtype of weights that a QConfig asks for."""
    if qconfig is None:
        raise AssertionError("qconfig must be provided to determine weight dtype")
    return qconfig.weight().dtype


def activation_is_dynamically_quantized(qconfig: Any) -> bool:
    """Whether a QConfig has activations quantized at run time, by their own range."""
    return get_qconfig_dtypes(qconfig)[2]


def activation_is_statically_quantized(qconfig: Any) -> bool:
    """Whether a QConfig has activations quantized by a range found before."""
    found, _, dynamic = get_qconfig_dtypes(qconfig)
    return found in (*_STATIC, dtypes.float16) and not dynamic


def activation_is_int8_quantized(qconfig: Any) -> bool:
    """Whether a QConfig has activations of 8 bits."""
    return activation_dtype(qconfig) in _EIGHT


def activation_is_int32_quantized(qconfig: Any) -> bool:
    """Whether a QConfig has activations of 32 bits."""
    return activation_dtype(qconfig) in (dtypes.qint32, dtypes.int32)


def weight_is_quantized(qconfig: Any) -> bool:
    """Whether a QConfig has weights in fewer bits."""
    return weight_dtype(qconfig) in (*_STATIC, dtypes.float16)


def weight_is_statically_quantized(qconfig: Any) -> bool:
    """Whether a QConfig has weights of 8 bits."""
    return weight_dtype(qconfig) in _EIGHT


def op_is_int8_dynamically_quantized(qconfig: Any) -> bool:
    """Whether a QConfig has weights of 8 bits, and activations quantized to as many at run time."""
    activation, weight, dynamic = get_qconfig_dtypes(qconfig)
    return activation in (dtypes.quint8, dtypes.uint8) and weight in (dtypes.qint8, dtypes.int8) and dynamic


def get_quant_type(qconfig: Any) -> QuantType:
    """Whether a QConfig asks for dynamic or static quantization, or that of weights only."""
    activation, weight, dynamic = get_qconfig_dtypes(qconfig)
    if weight in _STATIC or weight is dtypes.float16:
        if dynamic:
            return QuantType.DYNAMIC
        if activation in (_STATIC if weight in _STATIC else (dtypes.float16,)):
            return QuantType.STATIC
        if weight in _STATIC:
            return QuantType.WEIGHT_ONLY
    raise Exception(f"Unrecognized dtype combination in get_quant_type: activation({activation}),weight({weight})")


_RANGES = {
    dtypes.qint8: (-128, 127),
    dtypes.int8: (-128, 127),
    dtypes.quint8: (0, 255),
    dtypes.uint8: (0, 255),
    dtypes.qint32: (-(2**31), 2**31 - 1),
    dtypes.int32: (-(2**31), 2**31 - 1),
    dtypes.uint16: (0, 2**16 - 1),
    dtypes.int16: (-(2**15), 2**15 - 1),
}


def calculate_qmin_qmax(
    quant_min: int, quant_max: int, has_customized_qrange: bool, dtype: Dtype, reduce_range: bool
) -> tuple[int, int]:
    """The least and greatest code: those given, or the dtype's; with `reduce_range` in one bit less."""
    if has_customized_qrange:
        bits = {dtypes.qint8: 8, dtypes.int8: 8, dtypes.qint32: 32, dtypes.int32: 32}.get(dtype)
        if bits is not None and not 0 < quant_max - quant_min + 1 <= 2**bits:
            raise AssertionError(
                f"quantization range should be positive and not exceed the maximum bit range (={2**bits})."
            )
        return (quant_min // 2, quant_max // 2) if reduce_range else (quant_min, quant_max)
    low, high = _RANGES.get(dtype, (0, 15))
    return (low // 2, high // 2) if reduce_range and dtype in _EIGHT else (low, high)


def validate_qmin_qmax(quant_min: int, quant_max: int) -> None:
    """AssertionError unless the codes' range is not empty and holds zero."""
    if not quant_min <= 0 <= quant_max:
        raise AssertionError("Used-specified quantization range must include 0.")
    if quant_min >= quant_max:
        raise AssertionError("qmin must be strictly less than qmax for user-specified quantization range.")


def check_min_max_valid(min_val: Tensor, max_val: Tensor) -> bool:
    """Whether an observer has seen anything; warns if not. AssertionError for a least beyond the greatest."""
    unseen = min_val.numel() == 0 or max_val.numel() == 0
    if not unseen and (min_val.dim() == 0 or max_val.dim() == 0):
        unseen = bool(min_val == float("inf")) and bool(max_val == float("-inf"))
    if unseen:
        warnings.warn("must run observer before calling calculate_qparams. Returning default values.", stacklevel=3)
        return False
    if bool((min_val > max_val).any()):
        raise AssertionError(f"min {min_val} should be less than max {max_val}")
    return True


def determine_qparams(
    min_val: Tensor,
    max_val: Tensor,
    quant_min: int,
    quant_max: int,
    dtype: Dtype,
    eps: Tensor,
    has_customized_qrange: bool,
    qscheme: qscheme = per_tensor_affine,
) -> tuple[Tensor, Tensor]:
    """The scale and zero point, each (channels,) or (1,), that lay [min_val, max_val] over the codes.

    Affine schemes widen the range to hold zero, symmetric ones to be symmetric about it;
    `per_channel_affine_float_qparams` takes it as it is, with a zero point that is no whole number. A scale is at least
    `eps`.
    """
    from rushlight.ops.choice import maximum, minimum, where
    from rushlight.ops.creation import full_like, ones, ones_like, tensor, zeros, zeros_like
    from rushlight.ops.rounding import clamp

    if not check_min_max_valid(min_val, max_val):
        return tensor([1.0]), tensor([0])
    below, above = minimum(min_val, zeros_like(min_val)), maximum(max_val, zeros_like(max_val))
    scale = ones(below.size(), dtype=dtypes.float32)
    zero_point = zeros(below.size(), dtype=dtypes.int64)
    if qscheme in (per_tensor_symmetric, per_channel_symmetric):
        scale = maximum(maximum(-below, above) / (float(quant_max - quant_min) / 2), eps.reshape(-1)[0])
        if dtype in (dtypes.quint8, dtypes.uint8):
            zero_point = full_like(zero_point, (quant_min + quant_max) // 2 if has_customized_qrange else 128)
        elif dtype is dtypes.uint16:
            zero_point = full_like(zero_point, 2**15)
    elif qscheme is per_channel_affine_float_qparams:
        scale = (max_val - min_val) / float(quant_max - quant_min)
        scale = where(scale > eps, scale, ones_like(scale))
        zero_point = -1 * min_val / scale
    else:
        scale = maximum((above - below) / float(quant_max - quant_min), eps.reshape(-1)[0])
        zero_point = quant_min - (below / scale).round().to(dtypes.int32)
        zero_point = clamp(zero_point, quant_min, quant_max)
    return scale.reshape(-1), zero_point.reshape(-1)
