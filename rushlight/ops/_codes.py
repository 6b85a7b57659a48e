"""From floats to the codes of quantized arrays, and what writes into such arrays."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes, kernels
from rushlight.kernels import padding
from rushlight.quantizer import (
    Quantizer,
    codes_of,
    dequantized,
    quantized_array,
    quantizer_of,
)

__all__ = ["LIMITS", "alike", "encoded", "fill_codes", "pad_codes", "requantized", "write_codes"]

Array = npt.NDArray[Any]

LIMITS = {dtypes.qint8: (-128, 127), dtypes.quint8: (0, 255), dtypes.qint32: (-(2**31), 2**31 - 1)}


def _codes(values: Array, scale: Any, zero_point: Any, kind: dtypes.dtype) -> Array:
    """Codes of any kind and scheme, in NumPy; the numbers are multiplied with the float32 reciprocal of the scale."""
    low, high = LIMITS[kind]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scaled = values * (np.float32(1) / np.where(scale == 0, np.float32(1), scale).astype(np.float32))
        # PyTorch adds the zero point before it rounds, so ties depend on it.
        whole = np.rint((scaled + np.asarray(zero_point, np.float32)).astype(np.float32)).astype(np.float64)
        # NaN takes the greatest code, as in PyTorch's vectors; the least one among those of 32 bits.
        whole = np.fmin(whole, high) if kind is not dtypes.qint32 else np.minimum(np.fmax(whole, low), high)
        return np.asarray(np.maximum(whole, low).astype(kind.numpy_dtype[0]))


def encoded(values: Array, kind: dtypes.dtype, quantizer: Quantizer) -> Array:
    """The quantized array that stands for float32 numbers most closely."""
    scale, zero_point = quantizer.along(values.shape)
    if quantizer.axis is None and kind is not dtypes.qint32 and scale != 0:
        codes = kernels.int8_quantize(np.ascontiguousarray(values), float(scale), zero_point, *LIMITS[kind])
        return quantized_array(codes.reshape(values.shape), kind, quantizer)
    codes = _codes(values, scale, zero_point, kind)
    return quantized_array(codes, kind, quantizer)


def requantized(array: Array, quantizer: Quantizer) -> Array:
    """A quantized array with the scale and zero point of another."""
    return encoded(dequantized(array), dtypes.from_numpy_dtype(array.dtype), quantizer)


def _quantizer(array: Array) -> Quantizer:
    quantizer = quantizer_of(array)
    if quantizer is None:
        raise RuntimeError("cannot call qscheme on UnknownQuantizer")
    return quantizer


def write_codes(array: Array, given: Array) -> None:
    """Write into a quantized array: floats, which are quantized as it is; codes of the same quantizer."""
    if not array.dtype.names:
        raise RuntimeError(
            "Copying from quantized Tensor to non-quantized Tensor is not allowed, please use dequantize to get a "
            "float Tensor from a quantized Tensor"
        )
    quantizer = _quantizer(array)
    if given.dtype.names:
        if given.dtype != array.dtype:
            raise RuntimeError("Quantized copy only works with same dtypes")
        array[...] = given if quantizer.same(_quantizer(given)) else requantized(given, quantizer)
    elif given.dtype != np.float32:
        raise RuntimeError("Quantized copy only works with kFloat as source Tensor")
    else:
        array[...] = encoded(np.broadcast_to(given, array.shape), dtypes.from_numpy_dtype(array.dtype), quantizer)


def fill_codes(array: Array, value: Any) -> Array:
    """A number as codes of an array's quantizer, in its shape."""
    values = np.full(array.shape, value, np.float32)
    return encoded(values, dtypes.from_numpy_dtype(array.dtype), _quantizer(array))


def pad_codes(array: Array, pads: Any, value: float) -> Array:
    """A quantized array with a number's code around it."""
    if _quantizer(array).axis is not None:
        raise RuntimeError("Only per-tensor padding is supported.")
    filler = fill_codes(np.empty(1, array.dtype), value)
    padded = padding.pad_constant(codes_of(array), pads, codes_of(filler).item())
    return padded.view(array.dtype)


def alike(arrays: list[Array]) -> list[Array]:
    """Quantized arrays with the first's quantizer, to be put side by side."""
    kinds = {array.dtype for array in arrays}
    if len(kinds) > 1:
        raise NotImplementedError("Could not run 'aten::cat': expected quantized tensors of one dtype, got several")
    first = _quantizer(arrays[0])
    if any(_quantizer(array).axis is not None for array in arrays):
        raise RuntimeError("Only per-tensor quantization is supported in 'cat'!")
    if not all(first.same(_quantizer(array)) for array in arrays):
        warnings.warn(
            "All inputs of this cat operator must share the same quantization parameters. Otherwise large numerical "
            "inaccuracies may occur.",
            UserWarning,
            stacklevel=4,
        )
        arrays = [requantized(array, first) for array in arrays]
    # NumPy keeps the metadata of one dtype, not of two that are equal.
    return [array.view(arrays[0].dtype) for array in arrays]
