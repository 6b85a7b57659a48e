"""Tensors made in another's dtype: `new_zeros`, `new_tensor` and their kin.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.new_zeros.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.device import cpu
from rushlight.ops._data import from_data
from rushlight.ops.creation import _ones, empty_strided, filled, finished, full

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__: list[str] = []


def _here(options: dict[str, Any]) -> dict[str, Any]:
    """Options with this tensor's device where none is given."""
    return {**options, "device": options.get("device") or cpu}


def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any
) -> Tensor:
    """`tensor(data)` in this tensor's dtype."""
    array = from_data(data, self.dtype if dtype is None else dtype, copy=True)
    return finished(array, device or cpu, requires_grad, bool(options.get("pin_memory")))


def new_zeros(self: Tensor, *size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """`zeros(size)` in this tensor's dtype."""
    return filled("new_zeros", np.zeros, size, dtype=self.dtype if dtype is None else dtype, **_here(options))


def new_ones(self: Tensor, *size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """`ones(size)` in this tensor's dtype."""
    return filled("new_ones", _ones, size, dtype=self.dtype if dtype is None else dtype, **_here(options))


def new_empty(self: Tensor, *size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """`empty(size)` in this tensor's dtype."""
    return filled("new_empty", np.empty, size, dtype=self.dtype if dtype is None else dtype, **_here(options))


def new_empty_strided(
    self: Tensor, size: Sequence[int], stride: Sequence[int], dtype: Any = None, **options: Any
) -> Tensor:
    """`empty_strided(size, stride)` in this tensor's dtype."""
    return empty_strided(size, stride, dtype=self.dtype if dtype is None else dtype, **_here(options))


def new_full(self: Tensor, size: Sequence[int], fill_value: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """`full(size, fill_value)` in this tensor's dtype."""
    return full(size, fill_value, dtype=self.dtype if dtype is None else dtype, **_here(options))


class CreationMethods:
    """Tensor's methods of this family."""

    new_empty = new_empty
    new_empty_strided = new_empty_strided
    new_full = new_full
    new_ones = new_ones
    new_tensor = new_tensor
    new_zeros = new_zeros
