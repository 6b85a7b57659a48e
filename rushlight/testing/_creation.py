"""Tensors to test with: random numbers of any type, within bounds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.ops.complex_views import view_as_real
from rushlight.ops.creation import empty
from rushlight.ops.random import randint

if TYPE_CHECKING:
    from rushlight.device import device as Device
    from rushlight.dtypes import dtype as Dtype
    from rushlight.layout import memory_format as MemoryFormat
    from rushlight.tensor import Tensor

__all__ = ["make_tensor"]

_WHOLE = (
    dtypes.bool, dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint16, dtypes.uint32,
    dtypes.uint64,
)  # fmt: skip
_SMALL_FLOATS = (dtypes.float8_e4m3fn, dtypes.float8_e5m2, dtypes.float8_e4m3fnuz, dtypes.float8_e5m2fnuz)
_FLOATS = (
    dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128,
)  # fmt: skip


def _limits(dtype: Dtype) -> tuple[float, float, float, float]:
    """The least number of a type, the one that is too large, and what is taken where no bounds are given."""
    if dtype is dtypes.bool:
        return 0, 2, 0, 2
    if dtype in _WHOLE:
        info = dtypes.iinfo(dtype)
        # `randint` has int64 bounds, and can't go up to the largest of them.
        return info.min, info.max + (dtype is not dtypes.int64), -9, 10
    limits = dtypes.finfo(dtype)
    return limits.min, limits.max, -9, 9


def _bounds(dtype: Dtype, low: float | None, high: float | None) -> tuple[Any, Any]:
    """The bounds to draw within, of the type's range."""
    least, beyond, usual_low, usual_high = _limits(dtype)
    low = usual_low if low is None else low
    high = usual_high if high is None else high
    if any(isinstance(value, float) and math.isnan(value) for value in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and dtype in _FLOATS:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 "
            "and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= beyond:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} only supports "
            f"[{least}, {beyond})"
        )
    low, high = min(max(low, least), beyond), min(max(high, least), beyond)
    return (math.ceil(low), math.ceil(high)) if dtype in _WHOLE else (low, high)


def _fill(tensor: Tensor, low: float, high: float) -> None:
    """Uniform numbers, also where the range is larger than the largest number."""
    if high - low >= dtypes.finfo(tensor.dtype).max:
        tensor.uniform_(low / 2, high / 2).mul_(2)
    else:
        tensor.uniform_(low, high)


def make_tensor(
    *shape: int | Sequence[int], dtype: Dtype, device: Device | str, low: float | None = None,
    high: float | None = None, requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor:  # fmt: skip
    """A tensor of uniform random numbers of [low, high): [-9, 9) for floats and complex parts, -9 … 9 for integers,
    if no bounds are given, cut to the type's range.

    `noncontiguous` gives every other element of a larger tensor; `exclude_zero` puts 1, or the smallest normal number,
    for 0. Raises ValueError for bounds without numbers of the type between them, for a gradient of integers, for a
    memory format that isn't to be contiguous.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.testing.make_tensor(3, dtype=torch.int64, device="cpu")
    tensor([ 6, -5, -9])

    Source: https://docs.pytorch.org/docs/2.13/testing.html#torch.testing.make_tensor
    """
    sizes: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    sizes = tuple(sizes)
    if noncontiguous and memory_format is not None:
        raise ValueError(
            f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got {noncontiguous=} and "
            f"{memory_format=}"
        )
    if requires_grad and dtype in _WHOLE:
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}")
    stepped = noncontiguous and math.prod(sizes) > 1
    result = _drawn((*sizes[:-1], 2 * sizes[-1]) if stepped else sizes, dtype, device, low, high)
    if stepped:
        # Beginning at 1, so that an offset that is forgotten shows.
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = 1 if dtype in _WHOLE else dtypes.finfo(dtype).tiny
    if dtype in _FLOATS:
        result.requires_grad = requires_grad
    return result


def _drawn(sizes: tuple[int, ...], dtype: Dtype, device: Any, low: float | None, high: float | None) -> Tensor:
    if dtype in _WHOLE:
        return randint(*_bounds(dtype, low, high), sizes, device=device, dtype=dtype)
    if dtype not in _FLOATS and dtype not in _SMALL_FLOATS:
        raise TypeError(
            f"The requested dtype '{dtype}' is not supported by torch.testing.make_tensor(): expected a number type"
        )
    low, high = _bounds(dtype, low, high)
    small = dtype in _SMALL_FLOATS
    result = empty(sizes, device=device, dtype=dtypes.float32 if small else dtype)
    _fill(view_as_real(result) if dtype.is_complex else result, low, high)
    return result.to(dtype) if small else result
