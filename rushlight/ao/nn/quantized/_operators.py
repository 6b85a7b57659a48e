"""Operators of quantized networks: products with packed int8 weights, sums, activations, normalisation.

They take and give quantized tensors; `*_dynamic` ones float tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.ao.nn.quantized._packed import LinearPackedParams, LinearPackedParamsFp16
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.variable import Variable, wrap
from rushlight.nn import functional as F
from rushlight.ops import joining
from rushlight.ops._codes import LIMITS, encoded, requantized
from rushlight.ops._quantized_forms import through_floats, uniform
from rushlight.ops.quantization import dynamic_parameters
from rushlight.quantizer import Quantizer, codes_of, dequantized, per_tensor_affine, quantized_array

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "add", "add_relu", "add_scalar", "batch_norm", "cat", "celu", "dropout", "elu", "group_norm", "hardswish",
    "instance_norm", "layer_norm", "leaky_relu", "linear", "linear_dynamic", "linear_dynamic_fp16", "linear_prepack",
    "linear_prepack_fp16", "linear_relu", "linear_relu_dynamic", "linear_relu_dynamic_fp16", "linear_unpack",
    "linear_unpack_fp16", "matmul", "mul", "mul_relu", "mul_scalar", "prelu", "sigmoid", "softmax",
]  # fmt: skip

Array = np.ndarray[Any, Any]


def activations(x: Any, function: str) -> tuple[Array, float, int]:
    """The codes, scale and zero point of a quint8 tensor; RuntimeError for another."""
    if not isinstance(x, Variable) or x.dtype is not dtypes.quint8:
        found = x.dtype.legacy_name if isinstance(x, Variable) else type(x).__name__
        raise RuntimeError(f"quantized::{function}: Expected input data type QUInt8 but got {found}")
    quantizer = uniform(x)
    return codes_of(x._array), quantizer.scale, quantizer.zero_point


def _quantizer(scale: Any, zero_point: Any) -> Quantizer:
    return Quantizer(per_tensor_affine, float(scale), int(zero_point))


def _floats(x: Tensor, function: str) -> Array:
    if x.dtype is not dtypes.float32:
        raise RuntimeError(f"{function}: expected a Float tensor, got {x.dtype.legacy_name}; .to(torch.float32)")
    return np.ascontiguousarray(x._array)


def linear_prepack(weight: Tensor, bias: Tensor | None = None) -> LinearPackedParams:
    """A qint8 weight (N, K) and a bias, laid out as products read them."""
    return LinearPackedParams(weight, bias)


def linear_unpack(packed: LinearPackedParams) -> tuple[Tensor, Tensor | None]:
    """The weight and the bias of packed parameters."""
    return packed.unpack()


def linear_prepack_fp16(weight: Tensor, bias: Tensor | None = None) -> LinearPackedParamsFp16:
    """A float weight (N, K), rounded to float16, and a bias."""
    return LinearPackedParamsFp16(weight, bias)


def linear_unpack_fp16(packed: LinearPackedParamsFp16) -> tuple[Tensor, Tensor | None]:
    """The weight, in float32, and the bias of packed parameters."""
    return packed.unpack()


def _check_columns(array: Array, packed: LinearPackedParams, function: str) -> Array:
    if array.ndim < 2:
        raise RuntimeError("The dimension of input tensor should be larger than or equal to 2")
    if array.shape[-1] != packed.columns:
        raise RuntimeError(
            f"{function}: The number of columns in the packed weight should be equal to K: {packed.columns}, but the "
            f"input's last dimension is {array.shape[-1]}"
        )
    return np.ascontiguousarray(array).reshape(-1, packed.columns)


def _linear(x: Tensor, packed: LinearPackedParams, scale: float, zero_point: int, relu: bool) -> Tensor:
    codes, x_scale, x_zero = activations(x, "linear")
    rows = _check_columns(codes, packed, "linear")
    out = packed.codes(rows, x_scale, x_zero, scale, zero_point, relu)
    out = out.reshape(*codes.shape[:-1], packed.rows)
    return wrap(quantized_array(out, dtypes.quint8, _quantizer(scale, zero_point)))


def linear(X: Tensor, W_prepack: LinearPackedParams, Y_scale_i: float, Y_zero_point_i: int) -> Tensor:
    """`X Wᵀ + b`, quantized with the given scale and zero point."""
    return _linear(X, W_prepack, Y_scale_i, Y_zero_point_i, False)


def linear_relu(X: Tensor, W_prepack: LinearPackedParams, Y_scale_i: float, Y_zero_point_i: int) -> Tensor:
    """`max(X Wᵀ + b, 0)`, quantized with the given scale and zero point."""
    return _linear(X, W_prepack, Y_scale_i, Y_zero_point_i, True)


def _dynamic(x: Tensor, packed: LinearPackedParams, reduce_range: bool, relu: bool) -> Tensor:
    array = _floats(x, "linear_dynamic")
    rows = _check_columns(array, packed, "linear_dynamic")
    scale, zero_point, low, high = dynamic_parameters(rows, dtypes.quint8, reduce_range)
    codes = kernels.int8_quantize(rows, scale, zero_point, low, high)
    return wrap(packed.floats(codes, scale, zero_point, relu).reshape(*array.shape[:-1], packed.rows))


def linear_dynamic(X: Tensor, W_prepack: LinearPackedParams, reduce_range: bool = False) -> Tensor:
    """`X Wᵀ + b` of a float32 input, which is quantized by its own range for the product; the result is float32."""
    return _dynamic(X, W_prepack, reduce_range, False)


def linear_relu_dynamic(X: Tensor, W_prepack: LinearPackedParams, reduce_range: bool = False) -> Tensor:
    """`max(X Wᵀ + b, 0)` of a float32 input, which is quantized by its own range for the product."""
    return _dynamic(X, W_prepack, reduce_range, True)


def linear_dynamic_fp16(X: Tensor, W_prepack: LinearPackedParamsFp16) -> Tensor:
    """`X Wᵀ + b` with a weight of float16, computed in float32."""
    with no_grad():
        return F.linear(X, *W_prepack.unpack())


def linear_relu_dynamic_fp16(X: Tensor, W_prepack: LinearPackedParamsFp16) -> Tensor:
    """`max(X Wᵀ + b, 0)` with a weight of float16, computed in float32."""
    return F.relu(linear_dynamic_fp16(X, W_prepack))


def _pair(function: Callable[..., Any], relu: bool = False) -> Callable[..., Tensor]:
    def operator(qa: Tensor, qb: Tensor, scale: float, zero_point: int) -> Tensor:
        for q in (qa, qb):
            uniform(q)
        if qa.dtype is not qb.dtype:
            raise RuntimeError("Add operands should have same data type.")
        out = function(dequantized(qa._array), dequantized(qb._array))
        out = np.maximum(out, np.float32(0)) if relu else out
        return wrap(encoded(np.asarray(out, np.float32), qa.dtype, _quantizer(scale, zero_point)))

    return operator


_add, _add_relu = _pair(np.add), _pair(np.add, relu=True)
_mul, _mul_relu = _pair(np.multiply), _pair(np.multiply, relu=True)
_matmul = _pair(np.matmul)


def add(qa: Tensor, qb: Tensor, scale: float, zero_point: int) -> Tensor:
    """`qa + qb`, quantized with the given scale and zero point."""
    return _add(qa, qb, scale, zero_point)


def add_relu(qa: Tensor, qb: Tensor, scale: float, zero_point: int) -> Tensor:
    """`max(qa + qb, 0)`, quantized with the given scale and zero point."""
    return _add_relu(qa, qb, scale, zero_point)


def mul(qa: Tensor, qb: Tensor, scale: float, zero_point: int) -> Tensor:
    """`qa · qb` of each pair of elements, quantized with the given scale and zero point."""
    return _mul(qa, qb, scale, zero_point)


def mul_relu(qa: Tensor, qb: Tensor, scale: float, zero_point: int) -> Tensor:
    """`max(qa · qb, 0)`, quantized with the given scale and zero point."""
    return _mul_relu(qa, qb, scale, zero_point)


def matmul(qa: Tensor, qb: Tensor, scale: float, zero_point: int) -> Tensor:
    """The matrix product of two quantized tensors, quantized with the given scale and zero point."""
    return _matmul(qa, qb, scale, zero_point)


def add_scalar(qa: Tensor, b: float) -> Tensor:
    """`qa + b`: the codes stay where the zero point can take the number in, and are moved where it cannot."""
    quantizer = uniform(qa)
    low, high = LIMITS[qa.dtype]
    scale, zero = quantizer.scale, quantizer.zero_point
    shift = round(b / scale)
    codes = codes_of(qa._array)
    if low <= zero - shift <= high:
        return wrap(quantized_array(codes.copy(), qa.dtype, _quantizer(scale, zero - shift)))
    bound = low if zero - shift < low else high
    # The range that the codes now stand for no longer holds zero: the scale grows until it does.
    reach = (high - (zero - shift)) if bound == low else ((zero - shift) - low)
    wider = reach / (high - low) * scale
    moved = quantized_array(codes, qa.dtype, _quantizer(scale, zero - shift))
    return wrap(requantized(moved, _quantizer(wider, bound)))


def mul_scalar(qa: Tensor, b: float) -> Tensor:
    """`qa · b`: the codes stay and the scale changes; a negative number turns the codes about."""
    quantizer = uniform(qa)
    low, high = LIMITS[qa.dtype]
    codes = codes_of(qa._array)
    if b > 0:
        return wrap(quantized_array(codes.copy(), qa.dtype, _quantizer(quantizer.scale * b, quantizer.zero_point)))
    if b == 0:
        return wrap(quantized_array(np.zeros_like(codes), qa.dtype, _quantizer(1.0, 0)))
    turned = (low + high - codes.astype(np.int64)).astype(codes.dtype)
    zero = high - (quantizer.zero_point - low)
    return wrap(quantized_array(turned, qa.dtype, _quantizer(quantizer.scale * -b, zero)))


def cat(qx: Sequence[Tensor], dim: int, scale: float | None, zero_point: int | None) -> Tensor:
    """Quantized tensors one after the other, with the given scale and zero point (those of the first, if None)."""
    first = uniform(qx[0])
    quantizer = _quantizer(
        first.scale if scale is None else scale, first.zero_point if zero_point is None else zero_point
    )
    parts = [q if uniform(q).same(quantizer) else wrap(requantized(q._array, quantizer)) for q in qx]
    common = parts[0]._array.dtype
    return joining.cat([wrap(part._array.view(common)) for part in parts], dim)


def _activation(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def operator(qx: Tensor, scale: float, zero_point: int, *rest: Any) -> Tensor:
        return through_floats(qx, lambda x: function(x, *rest), _quantizer(scale, zero_point))

    return operator


_elu = _activation(F.elu)
_hardswish = _activation(F.hardswish)
_sigmoid = _activation(F.sigmoid)


def elu(self: Tensor, output_scale: float, output_zero_point: int, alpha: float = 1.0) -> Tensor:
    """ELU, quantized with the given scale and zero point."""
    return _elu(self, output_scale, output_zero_point, alpha)


def celu(self: Tensor, output_scale: float, output_zero_point: int, alpha: float = 1.0) -> Tensor:
    """CELU, quantized with the given scale and zero point."""
    return through_floats(self, lambda x: F.celu(x, alpha), _quantizer(output_scale, output_zero_point))


def hardswish(input: Tensor, output_scale: float, output_zero_point: int) -> Tensor:
    """Hardswish, quantized with the given scale and zero point."""
    return _hardswish(input, output_scale, output_zero_point)


def sigmoid(qx: Tensor, output_scale: float, output_zero_point: int) -> Tensor:
    """The logistic function, quantized with the given scale and zero point."""
    return _sigmoid(qx, output_scale, output_zero_point)


def leaky_relu(qx: Tensor, negative_slope: float, inplace: bool, output_scale: float, output_zero_point: int) -> Tensor:
    """Leaky ReLU, quantized with the given scale and zero point."""
    quantizer = _quantizer(output_scale, output_zero_point)
    return through_floats(qx, lambda x: F.leaky_relu(x, negative_slope), quantizer)


def prelu(qx: Tensor, weight: Tensor, output_scale: float, output_zero_point: int) -> Tensor:
    """PReLU with a quantized weight, quantized with the given scale and zero point."""
    slopes = wrap(dequantized(weight._array))
    return through_floats(qx, lambda x: F.prelu(x, slopes), _quantizer(output_scale, output_zero_point))


def softmax(qx: Tensor, dim: int, output_scale: float, output_zero_point: int) -> Tensor:
    """Softmax along `dim`, quantized with the given scale and zero point."""
    return through_floats(qx, lambda x: F.softmax(x, dim), _quantizer(output_scale, output_zero_point))


def dropout(
    self: Tensor, output_scale: float, output_zero_point: int, p: float = 0.5, training: bool = False
) -> Tensor:
    """The input, with the given scale and zero point: dropout does nothing after training."""
    return wrap(requantized(self._array, _quantizer(output_scale, output_zero_point)))


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    output_scale: float,
    output_zero_point: int,
) -> Tensor:
    """Layer normalisation, quantized with the given scale and zero point."""
    quantizer = _quantizer(output_scale, output_zero_point)
    with no_grad():
        return through_floats(input, lambda x: F.layer_norm(x, tuple(normalized_shape), weight, bias, eps), quantizer)


def group_norm(
    qx: Tensor,
    num_groups: int,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    output_scale: float,
    output_zero_point: int,
) -> Tensor:
    """Group normalisation, quantized with the given scale and zero point."""
    quantizer = _quantizer(output_scale, output_zero_point)
    with no_grad():
        return through_floats(qx, lambda x: F.group_norm(x, num_groups, weight, bias, eps), quantizer)


def instance_norm(
    qx: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, output_scale: float, output_zero_point: int
) -> Tensor:
    """Instance normalisation: group normalisation with a group for each channel."""
    return group_norm(qx, qx.shape[1], weight, bias, eps, output_scale, output_zero_point)


def batch_norm(
    qx: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    var: Tensor,
    eps: float,
    output_scale: float,
    output_zero_point: int,
    relu: bool = False,
) -> Tensor:
    """Batch normalisation with running statistics (then ReLU), quantized with the given scale and zero point."""

    def normalized(x: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        factor = (var._array + np.float32(eps)) ** np.float32(-0.5)
        factor = factor if weight is None else factor * weight._array
        shift = -mean._array * factor if bias is None else bias._array - mean._array * factor
        out = x._array * factor.reshape(shape) + shift.reshape(shape)
        return wrap((np.maximum(out, 0) if relu else out).astype(np.float32))

    return through_floats(qx, normalized, _quantizer(output_scale, output_zero_point))
