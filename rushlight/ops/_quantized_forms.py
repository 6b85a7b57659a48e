"""What activations, pooling and means compute on quantized tensors: codes in, codes out.

Imported when the first such call is made. An operation not listed here refuses such tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd._quantized import FORMS
from rushlight.autograd.variable import wrap
from rushlight.ops import (
    activation,
    extremum,
    gated,
    max_pool,
    pool,
    reduce,
    resample,
    rounding,
    special,
    trigonometric,
)
from rushlight.ops._codes import encoded
from rushlight.quantizer import (
    Quantizer,
    codes_of,
    dequantized,
    per_tensor_affine,
    quantized_array,
    quantizer_of,
)

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["through_floats", "uniform"]


def uniform(input: Any) -> Quantizer:
    """The quantizer of a tensor quantized as a whole; RuntimeError for one quantized channel by channel."""
    quantizer = quantizer_of(input._array)
    if quantizer is None or quantizer.axis is not None:
        raise RuntimeError("Expected quantizer->qscheme() == kPerTensorAffine to be true, but got false.")
    return quantizer


def through_floats(input: Tensor, function: Callable[[Tensor], Tensor], quantizer: Quantizer | None = None) -> Tensor:
    """A function of the numbers that codes stand for, quantized as the input is, or by another quantizer."""
    own = uniform(input)
    out = function(wrap(dequantized(input._array)))
    return wrap(encoded(out._array, input.dtype, quantizer or own))


def _keeping(operation: Any, input: Tensor, *rest: Any) -> Tensor:
    return through_floats(input, lambda x: operation.apply(x, *rest))


def _relu(operation: Any, input: Tensor) -> Tensor:
    quantizer = uniform(input)
    codes = codes_of(input._array)
    return wrap(quantized_array(np.maximum(codes, codes.dtype.type(quantizer.zero_point)), input.dtype, quantizer))


def _averaging(operation: Any, input: Tensor, *rest: Any) -> Tensor:
    """A mean, in units of the scale: sums of whole numbers are exact and halves are rounded as PyTorch rounds them."""
    quantizer = uniform(input)
    units = Quantizer(per_tensor_affine, 1.0, quantizer.zero_point)
    array = quantized_array(codes_of(input._array), input.dtype, units)
    out = encoded(operation.apply(wrap(dequantized(array)), *rest)._array, input.dtype, units)
    return wrap(quantized_array(codes_of(out), input.dtype, quantizer))


def _pooled(operation: Any, input: Tensor, settings: Any, return_indices: bool = False) -> Any:
    if return_indices:
        values, indices = operation.apply(wrap(dequantized(input._array)), settings, True)
        return wrap(encoded(values._array, input.dtype, uniform(input))), indices
    return through_floats(input, lambda x: operation.apply(x, settings, False))


def _gelu(operation: Any, input: Tensor, *rest: Any) -> Tensor:
    own = uniform(input)
    single = Quantizer(own.scheme, float(np.float32(own.scale)), own.zero_point)
    return through_floats(input, lambda x: operation.apply(x, *rest), single)


def _ranged(low: int) -> Callable[..., Tensor]:
    """A function with results in [low, 1), which the codes of the result span."""

    def form(operation: Any, input: Tensor, *rest: Any) -> Tensor:
        bits = 8 * input.dtype.itemsize
        least = 0 if input.dtype is dtypes.quint8 else -(2 ** (bits - 1))
        zero = least if low == 0 else least + 2 ** (bits - 1)
        quantizer = Quantizer(per_tensor_affine, (1 - low) / 2**bits, zero)
        return through_floats(input, lambda x: operation.apply(x, *rest), quantizer)

    return form


FORMS.update({
    activation.Relu: _relu,
    activation.Threshold: _keeping,
    activation.LeakyRelu: _keeping,
    activation.Hardtanh: _keeping,
    activation.Hardsigmoid: _ranged(0),
    special.Sigmoid: _ranged(0),
    trigonometric.Tanh: _ranged(-1),
    gated.Gelu: _gelu,
    rounding.Clamp: _keeping,
    extremum.Amax: _keeping,
    reduce.Mean: _keeping,
    reduce.MeanDim: _keeping,
    max_pool.MaxPool: _pooled,
    pool.AvgPool: _averaging,
    pool.AdaptiveAvgPool: _averaging,
    resample.Resample: _keeping,
})  # fmt: skip
