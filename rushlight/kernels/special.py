"""The special functions of each element: the compiled one where it takes the arrays, else the NumPy reference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .dispatch import native, prefer_native
from .reference import bessel, division, pairs, special
from .reference import gamma as gamma_functions
from .reference.bessel import airy_ai, spherical_j0
from .reference.division import floor_divide

__all__ = [
    "airy_ai", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "floor_divide", "fmod", "hypot", "i0", "i0e", "i1",
    "i1e", "j0", "j1", "k0", "k0e", "k1", "k1e", "lgamma", "log_ndtr", "logaddexp", "ndtri", "polygamma", "remainder",
    "sinc", "spherical_j0", "xlog1py", "xlogy", "y0", "y1", "zeta",
]  # fmt: skip

Array = npt.NDArray[Any]

erf = prefer_native(special.erf)
erfc = prefer_native(special.erfc)
erfcx = prefer_native(special.erfcx)
erfinv = prefer_native(special.erfinv)
log_ndtr = prefer_native(special.log_ndtr)
ndtri = prefer_native(special.ndtri)

digamma = prefer_native(gamma_functions.digamma)
lgamma = prefer_native(gamma_functions.lgamma)
zeta = prefer_native(gamma_functions.zeta)

i0 = prefer_native(bessel.i0)
i0e = prefer_native(bessel.i0e)
i1 = prefer_native(bessel.i1)
i1e = prefer_native(bessel.i1e)
j0 = prefer_native(bessel.j0)
j1 = prefer_native(bessel.j1)
k0 = prefer_native(bessel.k0)
k0e = prefer_native(bessel.k0e)
k1 = prefer_native(bessel.k1)
k1e = prefer_native(bessel.k1e)
y0 = prefer_native(bessel.y0)
y1 = prefer_native(bessel.y1)

fmod = prefer_native(division.fmod)
remainder = prefer_native(division.remainder)

entr = prefer_native(pairs.entr)
hypot = prefer_native(pairs.hypot)
logaddexp = prefer_native(pairs.logaddexp)
sinc = prefer_native(pairs.sinc)
xlog1py = prefer_native(pairs.xlog1py)
xlogy = prefer_native(pairs.xlogy)

_trigamma = getattr(native, "trigamma", None)


def polygamma(n: int, x: Array) -> Array:
    """The n-th derivative of digamma."""
    if n == 0:
        return digamma(x)
    if _trigamma is None or x.dtype.char not in "fd":
        return gamma_functions.polygamma(n, x)
    if n == 1:
        out = _trigamma(x)
        return gamma_functions.polygamma(n, x) if out is NotImplemented else out
    # Beyond 170 a factorial is no float64 any more, and float32 ends long before its product with zeta does.
    factorial = float(math.factorial(n)) if n <= 170 else math.inf
    sums = zeta(np.asarray(n + 1.0), x.astype(np.float64, copy=False))
    return np.asarray(sums * (-factorial if n % 2 == 0 else factorial)).astype(x.dtype, copy=False)
