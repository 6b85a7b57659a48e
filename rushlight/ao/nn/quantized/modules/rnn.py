"""The long short-term memory of quantized parts."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight.ao.nn import quantizable as _quantizable

__all__ = ["LSTM"]


class LSTM(_quantizable.LSTM):
    """`nn.LSTM` whose parts are quantized: what `convert` makes of the observed form.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _quantizable.LSTM

    def _get_name(self) -> str:
        return "QuantizedLSTM"

    @classmethod
    def from_float(cls, *args: Any, **kwargs: Any) -> Any:
        """NotImplementedError: a float LSTM is observed first."""
        raise NotImplementedError(
            "It looks like you are trying to convert a non-observed LSTM module. Please, see the examples on "
            "quantizable LSTMs."
        )

    @classmethod
    def from_observed(cls, other: Any) -> Any:
        """The quantized form of an observed LSTM."""
        from rushlight.ao.quantization.quantize import convert

        if not isinstance(other, cls._FLOAT_MODULE):
            raise AssertionError(f"Expected module type {cls._FLOAT_MODULE}, got {type(other)}")
        made = convert(other, inplace=False, remove_qconfig=True)
        made.__class__ = cls
        return made
