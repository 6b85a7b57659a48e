"""Attention of quantized parts."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight import dtypes
from rushlight.ao.nn import quantizable as _quantizable
from rushlight.ops.quantization import quantize_per_tensor_dynamic

__all__ = ["MultiheadAttention"]


class MultiheadAttention(_quantizable.MultiheadAttention):
    """`nn.MultiheadAttention` whose projections are quantized: what `convert` makes of the observed form.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _quantizable.MultiheadAttention

    def _get_name(self) -> str:
        return "QuantizedMultiheadAttention"

    @classmethod
    def from_float(cls, other: Any) -> Any:
        """NotImplementedError: a float layer is observed first."""
        raise NotImplementedError(
            "It looks like you are trying to convert a non-observed MHA module. Please, see the examples on "
            "quantizable MHAs."
        )

    @classmethod
    def from_observed(cls, other: Any) -> Any:
        """The quantized form of an observed layer."""
        from rushlight.ao.quantization.quantize import convert

        made = convert(other, inplace=False, remove_qconfig=True)
        made.__class__ = cls
        for name in ("bias_k", "bias_v"):
            if getattr(made, name) is not None:
                row = made._parameters.pop(name).detach()
                setattr(made, name, quantize_per_tensor_dynamic(row, dtypes.quint8, False))
        # The projections hold what these held.
        for name in ("in_proj_weight", "in_proj_bias"):
            delattr(made, name)
        return made
