"""Discrete Fourier transforms of arrays, by NumPy's pocketfft, which keeps single precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BY_LENGTH", "BY_ROOT", "UNSCALED", "complex_to_complex", "complex_to_real", "real_to_complex"]

Array = npt.NDArray[Any]

# What a transform is multiplied with: 1, 1 / √n, 1 / n of the n points that it goes over.
UNSCALED, BY_ROOT, BY_LENGTH = 0, 1, 2

_COMPLEX: dict[Any, Any] = {np.dtype(np.float32): np.dtype(np.complex64), np.dtype(np.float64): np.dtype(np.complex128)}
_REAL: dict[Any, Any] = {c: r for r, c in _COMPLEX.items()}
_FORWARD = ("backward", "ortho", "forward")
_INVERSE = _FORWARD[::-1]


class _Pocketfft:
    """NumPy's transforms as ufuncs `(array, factor)`: its functions cost more than a short transform does.

    Imported at the first use, since NumPy leaves its Fourier module to then too.
    """

    ufuncs: Any = None
    looked = False

    @classmethod
    def found(cls) -> Any:
        if not cls.looked:
            cls.looked = True
            cls.ufuncs = getattr(np.fft, "_pocketfft_umath", None)
        return cls.ufuncs


def _factor(n: int, scale: int, real: np.dtype[Any]) -> Any:
    if scale == UNSCALED:
        return 1
    return real.type(1 / n if scale == BY_LENGTH else 1 / math.sqrt(n))


def _along(array: Array, dim: int, scale: int, forward: bool, out: Array | None = None) -> Array:
    """The transform of complex or real numbers along a dimension, whole."""
    ufuncs = _Pocketfft.found()
    if ufuncs is None:
        norm: Any = (_FORWARD if forward else _INVERSE)[scale]
        return (np.fft.fft if forward else np.fft.ifft)(array, axis=dim, norm=norm, out=out)
    kind = array.dtype
    if out is None:
        out = np.empty(array.shape, _COMPLEX.get(kind, kind))
    factor = _factor(array.shape[dim], scale, _REAL.get(kind, kind))
    (ufuncs.fft if forward else ufuncs.ifft)(array, factor, axes=[(dim,), (), (dim,)], out=out)
    return out


def complex_to_complex(array: Array, dims: tuple[int, ...], scale: int, forward: bool) -> Array:
    """`Σₖ x[k] exp(∓2πi jk / n)` along each of `dims`: - forward, + else."""
    if not dims:
        return array.copy()
    out = _along(array, dims[-1], scale, forward)
    for dim in dims[-2::-1]:
        _along(out, dim, scale, forward, out)
    return out


def real_to_complex(array: Array, dims: tuple[int, ...], scale: int, onesided: bool) -> Array:
    """The transform of real numbers; `onesided`: the first n // 2 + 1 places of the last of `dims` only."""
    dim = dims[-1]
    out = _half(array, dim, scale) if onesided else _along(array, dim, scale, True)
    for other in dims[-2::-1]:
        _along(out, other, scale, True, out)
    return out


def _half(array: Array, dim: int, scale: int) -> Array:
    ufuncs = _Pocketfft.found()
    if ufuncs is None:
        norm: Any = _FORWARD[scale]
        return np.fft.rfft(array, axis=dim, norm=norm)
    n = array.shape[dim]
    out = np.empty((*array.shape[:dim], n // 2 + 1, *array.shape[dim + 1 :]), _COMPLEX[array.dtype])
    ufunc = ufuncs.rfft_n_odd if n % 2 else ufuncs.rfft_n_even
    ufunc(array, _factor(n, scale, array.dtype), axes=[(dim,), (), (dim,)], out=out)
    return out


def complex_to_real(array: Array, dims: tuple[int, ...], scale: int, n: int) -> Array:
    """The inverse of the one-sided transform, with n places in the last of `dims`."""
    for i, dim in enumerate(dims[:-1]):
        array = _along(array, dim, scale, False, array if i else None)
    dim, ufuncs = dims[-1], _Pocketfft.found()
    if ufuncs is None:
        norm: Any = _INVERSE[scale]
        return np.fft.irfft(array, n, axis=dim, norm=norm)
    real = _REAL[array.dtype]
    out = np.empty((*array.shape[:dim], n, *array.shape[dim + 1 :]), real)
    ufuncs.irfft(array, _factor(n, scale, real), axes=[(dim,), (), (dim,)], out=out)
    return out
