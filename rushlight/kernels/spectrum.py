"""Discrete Fourier transforms along several dimensions, each along one compiled where its length has small factors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .dispatch import prefer_native
from .reference import spectrum

__all__ = ["BY_LENGTH", "BY_ROOT", "UNSCALED", "complex_to_complex", "complex_to_real", "real_to_complex"]

Array = npt.NDArray[Any]

# What a transform is multiplied with: 1, 1 / √n, 1 / n of the n points that it goes over.
UNSCALED, BY_ROOT, BY_LENGTH = 0, 1, 2

transform_along = prefer_native(spectrum.transform_along)
spectrum_along = prefer_native(spectrum.spectrum_along)
real_along = prefer_native(spectrum.real_along)


def _factor(n: int, scale: int) -> float:
    if scale == UNSCALED:
        return 1.0
    return 1 / n if scale == BY_LENGTH else 1 / math.sqrt(n)


def complex_to_complex(array: Array, dims: tuple[int, ...], scale: int, forward: bool) -> Array:
    """`Σₖ x[k] exp(∓2πi jk / n)` along each of `dims`: - forward, + else."""
    if not dims:
        return array.copy()
    # The compiled transforms take arrays in row-major order.
    array, out = np.ascontiguousarray(array), None
    for dim in dims[::-1]:
        out = transform_along(array if out is None else out, dim, _factor(array.shape[dim], scale), forward, out)
    assert out is not None
    return out


def real_to_complex(array: Array, dims: tuple[int, ...], scale: int, onesided: bool) -> Array:
    """The transform of real numbers; `onesided`: the first n // 2 + 1 places of the last of `dims` only."""
    out = spectrum_along(np.ascontiguousarray(array), dims[-1], _factor(array.shape[dims[-1]], scale), not onesided)
    for dim in dims[-2::-1]:
        out = transform_along(out, dim, _factor(out.shape[dim], scale), True, out)
    return out


def complex_to_real(array: Array, dims: tuple[int, ...], scale: int, n: int) -> Array:
    """The inverse of the one-sided transform, with n places in the last of `dims`."""
    array, made = np.ascontiguousarray(array), None
    for dim in dims[:-1]:
        made = transform_along(array if made is None else made, dim, _factor(array.shape[dim], scale), False, made)
    return real_along(array if made is None else made, dims[-1], _factor(n, scale), n)
