"""Discrete Fourier transforms along one dimension, by NumPy's pocketfft, which keeps single precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["real_along", "spectrum_along", "transform_along"]

Array = npt.NDArray[Any]

_COMPLEX: dict[Any, Any] = {np.dtype(np.float32): np.dtype(np.complex64), np.dtype(np.float64): np.dtype(np.complex128)}
_REAL: dict[Any, Any] = {c: r for r, c in _COMPLEX.items()}


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


def _scaled(array: Array, scale: float) -> Array:
    if scale != 1:
        array *= array.real.dtype.type(scale)
    return array


def transform_along(x: Array, dim: int, scale: float, forward: bool, out: Array | None = None) -> Array:
    """`scale Σₖ x[k] exp(∓2πi jk / n)` along `dim`, - forward and + else; x may be real, and `out` x itself."""
    ufuncs = _Pocketfft.found()
    if ufuncs is None:
        if forward:
            return _scaled(np.fft.fft(x, axis=dim, out=out), scale)
        return _scaled(np.fft.ifft(x, axis=dim, norm="forward", out=out), scale)
    kind = x.dtype
    if out is None:
        out = np.empty(x.shape, _COMPLEX.get(kind, kind))
    (ufuncs.fft if forward else ufuncs.ifft)(x, _REAL.get(kind, kind).type(scale), axes=[(dim,), (), (dim,)], out=out)
    return out


def spectrum_along(x: Array, dim: int, scale: float, whole: bool) -> Array:
    """The transform of real numbers: `whole`, or the first n // 2 + 1 places."""
    if whole:
        return transform_along(x, dim, scale, True)
    ufuncs = _Pocketfft.found()
    if ufuncs is None:
        return _scaled(np.fft.rfft(x, axis=dim), scale)
    n = x.shape[dim]
    out = np.empty((*x.shape[:dim], n // 2 + 1, *x.shape[dim + 1 :]), _COMPLEX[x.dtype])
    ufunc = ufuncs.rfft_n_odd if n % 2 else ufuncs.rfft_n_even
    ufunc(x, x.dtype.type(scale), axes=[(dim,), (), (dim,)], out=out)
    return out


def real_along(x: Array, dim: int, scale: float, n: int) -> Array:
    """The n real numbers of which the one-sided transform, times `scale n`, is given."""
    ufuncs = _Pocketfft.found()
    if ufuncs is None:
        return _scaled(np.fft.irfft(x, n, axis=dim, norm="forward"), scale)
    real = _REAL[x.dtype]
    out = np.empty((*x.shape[:dim], n, *x.shape[dim + 1 :]), real)
    ufuncs.irfft(x, real.type(scale), axes=[(dim,), (), (dim,)], out=out)
    return out
