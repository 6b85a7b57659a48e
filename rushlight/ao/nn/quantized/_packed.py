"""Weights of quantized layers laid out as the int8 product reads them, and what the product needs beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.variable import wrap
from rushlight.quantizer import codes_of, quantizer_of

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["LinearPackedParams", "LinearPackedParamsFp16", "ProductWeights"]

Array = np.ndarray[Any, Any]


class ProductWeights:
    """Rows (N, K) of int8 weights, packed, with their scales and zero points; made once, used for every product."""

    def __init__(self, weight: Array, scale: Any, zero_point: Any, bias: Array | None) -> None:
        rows, columns = weight.shape
        self.rows, self.columns = rows, columns
        self.packed = kernels.int8_pack(weight)
        self.sums = weight.sum(axis=1, dtype=np.int32)
        self.scales = np.ascontiguousarray(np.broadcast_to(np.asarray(scale, np.float32), (rows,)))
        zeros = np.ascontiguousarray(np.broadcast_to(np.asarray(zero_point, np.int32), (rows,)))
        self.zero_points = zeros if zeros.any() else None
        self.bias = None if bias is None else np.ascontiguousarray(bias, np.float32)
        # The last input's scale and what was computed of it: calls of one network mostly repeat theirs.
        self._known: tuple[Any, ...] = ()

    def floats(self, codes: Array, scale: float, zero_point: int, relu: bool) -> Array:
        """The product with codes (M, K), uint8, in float32: (M, N)."""
        scales = self.scales * np.float32(scale)
        return kernels.int8_product(
            codes, self.packed, zero_point, self.sums, self.zero_points, scales, self.bias, relu=relu
        )

    def codes(self, codes: Array, scale: float, zero_point: int, out_scale: float, out_zero: int, relu: bool) -> Array:
        """The product with codes (M, K), uint8, as codes of another scale and zero point: (M, N), uint8."""
        key = scale, out_scale
        if not self._known or self._known[0] != key:
            units = self.scales * np.float32(scale)
            bias = None if self.bias is None else self.bias / units
            self._known = key, units / np.float32(out_scale), bias
        _, factors, bias = self._known
        limits = (out_zero, out_zero if relu else 0, 255)
        return kernels.int8_product(
            codes, self.packed, zero_point, self.sums, self.zero_points, factors, bias, codes=limits
        )


def row_parameters(weight: Tensor, function: str, axis: int = 0) -> tuple[Any, Any]:
    """The scale and zero point of a qint8 weight: numbers, or arrays with one element for each of `axis`."""
    quantizer = quantizer_of(weight._array)
    if quantizer is None or weight.dtype is not dtypes.qint8:
        raise RuntimeError(f"{function}: expected a weight of QInt8, got {weight.dtype.legacy_name}")
    if quantizer.axis not in (None, axis):
        raise RuntimeError(f"{function}: expected the weight's channels on dimension {axis}, got {quantizer.axis}")
    return quantizer.scale, quantizer.zero_point


class LinearPackedParams(ProductWeights):
    """The packed weight and bias of a linear layer."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        if weight.ndim != 2:
            raise RuntimeError("The weight tensor for quantized::linear_prepack (fbgemm) should be 2-dimensional.")
        scale, zero_point = row_parameters(weight, "quantized::linear_prepack")
        if bias is not None and tuple(bias.shape) != (weight.shape[0],):
            raise RuntimeError(f"bias should have N elements: {weight.shape[0]}")
        self._weight, self._bias = weight.detach(), bias
        array = None if bias is None else bias._array
        super().__init__(codes_of(weight._array), scale, zero_point, array)

    def unpack(self) -> tuple[Tensor, Tensor | None]:
        """The weight, quantized, and the bias."""
        return self._weight, self._bias

    def __reduce__(self) -> Any:
        return type(self), self.unpack()


_LARGEST_HALF = 65504.0


class LinearPackedParamsFp16:
    """The weight of a linear layer in float16, and its bias."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self._half = np.clip(weight._array, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
        self._bias = bias

    def unpack(self) -> tuple[Tensor, Tensor | None]:
        """The weight, in float32, and the bias."""
        return wrap(self._half.astype(np.float32)), self._bias

    def __reduce__(self) -> Any:
        return type(self), self.unpack()
