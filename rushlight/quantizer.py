"""What the codes of a quantized tensor stand for: its scheme, scale and zero point, kept in the dtype of its array.

A quantized tensor's array holds records of one field (`dtypes.qint8` and its kin) and its NumPy dtype carries a
`Quantizer` as metadata, which NumPy hands on from an array to its views and copies. So moving elements about needs no
code of its own, an ordinary tensor knows nothing of all this, and a ufunc that meets such records refuses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes

__all__ = [
    "per_channel_affine", "per_channel_affine_float_qparams", "per_channel_symmetric", "per_tensor_affine",
    "per_tensor_symmetric", "qscheme",
]  # fmt: skip

Array = npt.NDArray[Any]

_KEY = "rushlight.quantizer"


class qscheme:
    """How codes stand for numbers: by one scale or one for each channel, about zero or anywhere.

    >>> import rushlight as torch
    >>> torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8).qscheme()
    torch.per_tensor_affine

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> Any:
        return (_scheme_of_name, (self.name,))

    def __deepcopy__(self, memo: Any) -> qscheme:
        return self

    def __copy__(self) -> qscheme:
        return self


per_tensor_affine = qscheme("per_tensor_affine")
per_channel_affine = qscheme("per_channel_affine")
per_tensor_symmetric = qscheme("per_tensor_symmetric")
per_channel_symmetric = qscheme("per_channel_symmetric")
per_channel_affine_float_qparams = qscheme("per_channel_affine_float_qparams")

SCHEMES = {
    scheme.name: scheme
    for scheme in (
        per_tensor_affine,
        per_channel_affine,
        per_tensor_symmetric,
        per_channel_symmetric,
        per_channel_affine_float_qparams,
    )
}


def _scheme_of_name(name: str) -> qscheme:
    return SCHEMES[name]


@dataclass(frozen=True, eq=False)
class Quantizer:
    """A code q stands for `(q - zero_point) * scale`; `axis` is the dimension of the channels, None for none.

    `scale` and `zero_point` are a float and an int, or arrays with one element for each channel.
    """

    scheme: qscheme
    scale: Any
    zero_point: Any
    axis: int | None = None

    def same(self, other: Quantizer) -> bool:
        """Whether both read codes alike."""
        return (
            self.scheme is other.scheme
            and self.axis == other.axis
            and np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
        )

    def along(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Scale and zero point to broadcast against codes of this shape; RuntimeError where the channels are gone."""
        if self.axis is None:
            return np.float32(self.scale), self.zero_point
        found = shape[self.axis] if self.axis < len(shape) else 0
        if found != len(self.scale):
            raise RuntimeError(f"length of scales must equal to channel, expected {found} got, {len(self.scale)}")
        over = [1] * len(shape)
        over[self.axis] = found
        return self.scale.astype(np.float32).reshape(over), self.zero_point.reshape(over)


def quantizer_of(array: Array) -> Quantizer | None:
    """The quantizer of a tensor's array, None for one of plain numbers."""
    metadata = array.dtype.metadata
    return None if metadata is None else metadata.get(_KEY)


def codes_of(array: Array) -> Array:
    """The integers of a quantized array, as a view."""
    return array.view(array.dtype[0])


def quantized_array(codes: Array, kind: dtypes.dtype, quantizer: Quantizer) -> Array:
    """Codes as the array of a quantized tensor, without a copy."""
    return codes.view(np.dtype(kind.numpy_dtype.descr, metadata={_KEY: quantizer}))


def dequantized(array: Array) -> Array:
    """The numbers that a quantized array stands for, in float32."""
    quantizer = quantizer_of(array)
    if quantizer is None:
        return array
    scale, zero_point = quantizer.along(array.shape)
    codes = codes_of(array)
    if quantizer.scheme is per_channel_affine_float_qparams:
        return (codes.astype(np.float32) - zero_point) * scale
    # The difference of two codes is exact in the wider integer, which is rounded once.
    difference = codes.astype(np.int64 if codes.itemsize > 1 else np.int32) - zero_point
    return np.asarray(difference.astype(np.float32) * scale)
