"""The error functions and the normal distribution on arrays, in float64 arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .series import by_blocks, choose, polynomial

__all__ = ["erf", "erfc", "erfcx", "erfinv", "log_ndtr", "ndtri"]

Array = npt.NDArray[Any]

# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969): for |x| <= 0.46875.
_SMALL_TOP = np.array((
    3209.3775891384694, 377.485237685302, 113.86415415105016, 3.1611237438705655, 0.18577770618460315,
))  # fmt: skip
_SMALL_BOTTOM = np.array((
    2844.236833439171, 1282.6165260773723, 244.02463793444417, 23.601290952344122, 1.0,
))  # fmt: skip
_SMALL = 0.46875

# erf(x) / x in x² on [0, 4], fitted by weighted least squares: relative error 2e-9, below float32's 6e-8.
_FLOAT32_TOP = np.array((
    1.12837917, 0.185203129, 0.0543168988, 0.00384960773, 0.000379608741, 4.68477663e-06, -1.32022216e-08,
), np.float32)  # fmt: skip
_FLOAT32_BOTTOM = np.array((
    1.0, 0.497465414, 0.113958378, 0.0154620817, 0.00130756893, 6.31105688e-05,
), np.float32)  # fmt: skip

# exp(y²) erfc(y) (1 + 2y) for y >= 0, in (y - 4) / (y + 4). The quantile of the normal distribution: over q = p - 1/2
# for |q| <= 0.425, in q²; over -r = -√(-log p) for lower p, in (r - 4) / (r + 4). All three are truncated Chebyshev
# series, computed with mpmath at 50 digits, in a variable of [-1, 1]; the ranges are those of M. J. Wichura,
# "Algorithm AS 241", Applied Statistics 37 (1988).
_ERFCX = np.array((
    1.2329951186255526, -0.1396211168405625, 0.015379652102619604, 0.0680970542546904, -0.10103906603630056,
    0.09373283499843826, -0.06633036581218697, 0.03716751553592911, -0.016197734059799265, 0.005031969992669933,
    -0.0007577732613730956, -0.0001992567757633648, 0.0001506214900124047, -2.4398944545280832e-05,
    -1.1221287012353486e-05, 5.709206053072183e-06, 2.919733377963012e-07, -8.249198427508354e-07,
    7.746992727017941e-08, 1.1009737295274889e-07, -2.05606492756992e-08, -1.4709550868669278e-08,
    3.1695881915648173e-09, 1.7903326159489847e-09, -2.659599690242689e-10, -1.374652989001164e-10,
))  # fmt: skip
_NDTRI_CENTRE = np.array((
    2.8067362499056405, 0.3853904235201059, 0.11648711641770224, 0.04407212080216123, 0.01855237574398891,
    0.00831126154464213, 0.003878080167834284, 0.0018621867567386711, 0.0009134254900928586, 0.00045546131012853944,
    0.00023008801671480514, 0.0001174743866769755, 6.050414754831389e-05, 3.139404173454639e-05,
    1.641115094625646e-05, 8.623256441641143e-06, 4.4896610765625e-06, 2.361107706360075e-06,
    1.4053527868778977e-06, 7.840906856108618e-07, 1.4362452929889728e-07, 2.8072250277982878e-08,
    3.878251312015312e-07, 2.5941902739562214e-07, -2.2448798740588678e-07, -1.577448149016001e-07,
    1.6578931565451518e-07, 1.0737566101405861e-07, -5.728976604828177e-08, -3.615528771850107e-08,
    1.2198129135151888e-08, 7.2988254924601275e-09,
))  # fmt: skip
_NDTRI_TAIL = np.array((
    1.3523108036622187, 0.13565495308792594, -0.12741730459128117, 0.08360098506421912, -0.05070987111831643,
    0.029153320962051265, -0.01639619360993596, 0.00903274523722338, -0.004937023806227344, 0.002669283661495301,
    -0.0014395842872939174, 0.0007706029673656001, -0.0004125924972333848, 0.00021946760213544024,
    -0.00011692531021285646, 6.183911061717658e-05, -3.316258144915278e-05, 1.7625719875777957e-05,
    -8.585178920493584e-06, 4.276595875224502e-06, -3.900324826343485e-06, 2.234372917744767e-06,
    1.2997609640058819e-06, -6.29237677825347e-07, -2.4440577895402775e-06, 8.901992068723844e-07,
    1.7218750276166382e-06, -3.8012124094458154e-07, -9.709688122818395e-07, 1.303118668631128e-07,
    3.11151692577548e-07, -1.2703147987749987e-08, -5.1068342756297806e-08,
))  # fmt: skip
_CENTRE = 0.425
# The same for float32, to 2e-9: erfcx, and erfinv, whose r = √(-log (1 - |x|) / 2) ends at 4.2 there.
_FLOAT32_ERFCX = np.array((
    1.232995117439782, -0.13962108647903831, 0.015379768723304961, 0.06809617491082492, -0.10104094077093906,
    0.09374020549562148, -0.0663190440889797, 0.03714045869415886, -0.016230391983383944, 0.005082269577976419,
    -0.0007091327872478604, -0.0002484367302906832, 0.0001142081728424009,
), np.float32)  # fmt: skip
_FLOAT32_CENTRE = np.array((
    0.9923311174618871, 0.1362561008702821, 0.04118443920572464, 0.015581486025046722, 0.006558759555362022,
    0.002942256104265462, 0.0013749409993542392, 0.000641162235707466, 0.0003085796893088843, 0.0002004548215352488,
    0.00010995231836983023, -4.846501015999429e-06, -8.817948375029147e-06, 3.607870965805384e-05,
    2.0646999254608442e-05,
), np.float32)  # fmt: skip
_FLOAT32_TAIL = np.array((
    0.8582495733851992, 0.10449321006601506, -0.06069954142844149, 0.032216154449732526, -0.016320668842196465,
    0.008044567636160673, -0.003893013354563808, 0.0018412800764520823, -0.0008676136694623042,
    0.00045265426711623276, -0.00021745104547511655, 4.266264139554513e-05, -1.559965696418732e-05,
    4.629321337648333e-05, -2.2591148027652433e-05,
), np.float32)  # fmt: skip


def _exp_minus_square(y: Array) -> Array:
    """`exp(-y²)`, with the rounding error of the square made good."""
    head = np.trunc(y * 16) / 16
    return np.exp(-head * head) * np.exp(-(y - head) * (y + head))


def _erf_small(x: Array) -> Array:
    square = x * x
    return x * polynomial(_SMALL_TOP, square) / polynomial(_SMALL_BOTTOM, square)


def _erfc_of_size(y: Array) -> Array:
    """erfc of y >= 0. Beyond 27.5 it is below the least float64."""
    y = np.minimum(y, 27.5)
    return _erfcx_of_size(y) * _exp_minus_square(y)


def erf(x: Array) -> Array:
    """`2/√π ∫₀ˣ exp(-t²) dt`, to the rounding of float64; narrower types within 5e-7."""
    if x.dtype != np.float64:
        return by_blocks(_erf_float32, x, inner=np.float32)
    return by_blocks(_erf, x)


def _erf_float32(x: Array) -> Array:
    inside = np.minimum(np.maximum(x, np.float32(-4)), np.float32(4))
    square = inside * inside
    out = polynomial(_FLOAT32_TOP, square)
    # A step more than 1, so that what is cut off at 1 below is 1 where it should be.
    out *= inside * np.float32(1 + 2.0**-23)
    out /= polynomial(_FLOAT32_BOTTOM, square)
    return np.minimum(np.maximum(out, np.float32(-1)), np.float32(1))


def _erf(x: Array) -> Array:
    def tail(x: Array) -> Array:
        return np.copysign(1 - _erfc_of_size(np.abs(x)), x)

    return choose(x, np.abs(x) <= _SMALL, _erf_small, tail)


def erfc(x: Array) -> Array:
    """`1 - erf(x)`, without cancellation for large x."""
    if x.dtype != np.float64:
        return by_blocks(_erfc_float32, x, inner=np.float32)
    return by_blocks(_erfc, x)


def _erfc_float32(x: Array) -> Array:
    # Beyond 10.5 it is below the least float32.
    y = np.minimum(np.abs(x), np.float32(10.5))
    upper = polynomial(_FLOAT32_ERFCX, 1 - 8 / (y + 4)) / (1 + 2 * y) * _exp_minus_square(y)
    return np.where(x < 0, 2 - upper, upper)


def _erfc(x: Array) -> Array:
    upper = _erfc_of_size(np.abs(x))
    return np.where(x < 0, 2 - upper, upper)


def _quantile_in_tail(p: Array) -> Array:
    """The quantile of a probability below 0.075: negative."""
    r = np.sqrt(-np.log(p))
    low, high = -3 / 7, 9 / 11
    v = (r - 4) / (r + 4)
    return -r * polynomial(_NDTRI_TAIL, (2 * v - (low + high)) / (high - low))


def _quantile_in_centre(q: Array) -> Array:
    return q * polynomial(_NDTRI_CENTRE, q * q * (2 / _CENTRE**2) - 1)


def erfinv(x: Array) -> Array:
    """The inverse of erf on [-1, 1]; infinite at the ends, NaN beyond."""
    if x.dtype != np.float64:
        return by_blocks(_erfinv_float32, x, inner=np.float32)
    return by_blocks(_erfinv, x)


def _erfinv_float32(x: Array) -> Array:
    def centre(x: Array) -> Array:
        return x * polynomial(_FLOAT32_CENTRE, x * x * np.float32(2 / (4 * _CENTRE**2)) - 1)

    def tail(x: Array) -> Array:
        r = np.sqrt(-np.log((1 - np.abs(x)) * np.float32(0.5)))
        t = (r - np.float32(2.925)) * np.float32(1 / 1.325)
        return np.copysign(r * polynomial(_FLOAT32_TAIL, t), x)

    out = choose(x, np.abs(x) <= 2 * _CENTRE, centre, tail)
    end = np.abs(x) == 1
    out[end] = np.copysign(np.float32(np.inf), x[end])
    return out


def _erfinv(x: Array) -> Array:
    def tail(x: Array) -> Array:
        return np.copysign(_quantile_in_tail((1 - np.abs(x)) * 0.5), x)

    out = choose(x, np.abs(x) <= 2 * _CENTRE, lambda x: _quantile_in_centre(x * 0.5), tail) * math.sqrt(0.5)
    end = np.abs(x) == 1
    out[end] = np.copysign(np.inf, x[end])
    return out


def ndtri(p: Array) -> Array:
    """The quantile of the standard normal distribution; infinite at 0 and 1, NaN beyond."""
    return by_blocks(_ndtri, p)


def _ndtri(p: Array) -> Array:
    def tail(p: Array) -> Array:
        return np.copysign(_quantile_in_tail(np.minimum(p, 1 - p)), p - 0.5)

    out = choose(p, np.abs(p - 0.5) <= _CENTRE, lambda p: _quantile_in_centre(p - 0.5), tail)
    out[p == 0] = -np.inf
    out[p == 1] = np.inf
    return out


def _erfcx_of_size(y: Array) -> Array:
    # (y - 4) / (y + 4), so written that an infinity does not become NaN.
    return polynomial(_ERFCX, 1 - 8 / (y + 4)) / (1 + 2 * y)


def erfcx(x: Array) -> Array:
    """`exp(x²) erfc(x)`."""
    return by_blocks(_erfcx, x)


def _erfcx(x: Array) -> Array:
    y = np.abs(x)
    out = _erfcx_of_size(y)
    negative = x < 0
    if negative.any():
        part = y[negative]
        head = np.trunc(part * 64) / 64
        # exp(y²), with the rounding error of the square made good.
        out[negative] = 2 * np.exp(head * head) * np.exp((part - head) * (part + head)) - out[negative]
        out[x == -np.inf] = np.inf
    return out


def log_ndtr(x: Array) -> Array:
    """The logarithm of the standard normal distribution function, exact far below 0."""
    return by_blocks(_log_ndtr, x)


def _log_ndtr(x: Array) -> Array:
    def low(x: Array) -> Array:
        return np.log(_erfcx(x * -math.sqrt(0.5)) * 0.5) - x * x * 0.5

    return choose(x, x < -1, low, lambda x: np.log1p(-0.5 * _erfc(x * math.sqrt(0.5))))
