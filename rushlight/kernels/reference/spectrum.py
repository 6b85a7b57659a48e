"""Discrete Fourier transforms of arrays, by NumPy's pocketfft, which keeps single precision."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["BY_LENGTH", "BY_ROOT", "UNSCALED", "complex_to_complex", "complex_to_real", "real_to_complex"]

Array = npt.NDArray[Any]
Norm = Literal["backward", "ortho", "forward"]

# What a transform is multiplied with: 1, 1 / √n, 1 / n of the n points that it goes over.
UNSCALED, BY_ROOT, BY_LENGTH = 0, 1, 2
_FORWARD: tuple[Norm, ...] = ("backward", "ortho", "forward")
_INVERSE: tuple[Norm, ...] = ("forward", "ortho", "backward")


def complex_to_complex(array: Array, dims: tuple[int, ...], scale: int, forward: bool) -> Array:
    """`Σₖ x[k] exp(∓2πi jk / n)` along each of `dims`: - forward, + else."""
    transform, norm = (np.fft.fft, _FORWARD[scale]) if forward else (np.fft.ifft, _INVERSE[scale])
    if not dims:
        return array.copy()
    out = transform(array, axis=dims[-1], norm=norm)
    for dim in dims[-2::-1]:
        transform(out, axis=dim, norm=norm, out=out)
    return out


def real_to_complex(array: Array, dims: tuple[int, ...], scale: int, onesided: bool) -> Array:
    """The transform of real numbers; `onesided`: the first n // 2 + 1 places of the last of `dims` only."""
    norm = _FORWARD[scale]
    out = (np.fft.rfft if onesided else np.fft.fft)(array, axis=dims[-1], norm=norm)
    for dim in dims[-2::-1]:
        np.fft.fft(out, axis=dim, norm=norm, out=out)
    return out


def complex_to_real(array: Array, dims: tuple[int, ...], scale: int, n: int) -> Array:
    """The inverse of the one-sided transform, with n places in the last of `dims`."""
    norm = _INVERSE[scale]
    for i, dim in enumerate(dims[:-1]):
        array = np.fft.ifft(array, axis=dim, norm=norm, out=array if i else None)
    return np.fft.irfft(array, n, axis=dims[-1], norm=norm)
