"""Types for storage: pairs of float16 that count as complex numbers, and bytes that nothing computes with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes

__all__ = ["number_of", "numbers_of", "stored"]

Array = npt.NDArray[Any]


_PAIRS = dtypes.complex32.numpy_dtype
_POWERS = dtypes.float8_e8m0fnu.numpy_dtype


def stored(array: Array, dtype: dtypes.dtype, converted: Callable[[Array, dtypes.dtype], Array]) -> Array | None:
    """The elements in another type, where one of the two is for storage; None where neither is.

    NotImplementedError for a type that nothing computes with, but to itself.
    """
    target, own = dtype.numpy_dtype, array.dtype
    if _PAIRS in (own, target):
        if own == target:
            return array
        if own == _PAIRS:
            return converted(array.astype(np.complex64), dtype)
        wide = converted(array, dtypes.complex64)
        with np.errstate(over="ignore"):
            return wide.astype(target)
    if target == _POWERS:
        # Powers of two alone: the sign goes, and what is below the least becomes it.
        wide = np.abs(converted(array, dtypes.float32))
        return np.maximum(wide, np.float32(2.0**-127)).astype(target)
    if own.names or target.names or not (own.metadata or target.metadata):
        return None
    found = dtypes.from_numpy_dtype(own)
    if found is dtype:
        return array
    bare = found if own.metadata else dtype
    kernel = "copy_kernel" if bare is dtypes.float4_e2m1fn_x2 else "copy_"
    raise NotImplementedError(f"\"{kernel}\" not implemented for '{bare.legacy_name}'")


def numbers_of(array: Array) -> Array:
    """An array whose elements Python can hold; RuntimeError for a type that nothing computes with."""
    kind = array.dtype
    if kind == _PAIRS:
        return array.astype(np.complex64)
    if kind.metadata and not kind.names:
        raise RuntimeError("load_scalar: invalid type")
    # ml_dtypes; 0 is a NumPy type that was unpickled.
    return array.astype(np.float32) if kind.isbuiltin == 2 else array


def number_of(array: Array) -> Any:
    """The only element as Python holds it; NotImplementedError for a type that nothing computes with."""
    if array.dtype.metadata and not array.dtype.names:
        name = dtypes.from_numpy_dtype(array.dtype).legacy_name
        raise NotImplementedError(f"\"_local_scalar_dense_cpu\" not implemented for '{name}'")
    return numbers_of(array).item()
