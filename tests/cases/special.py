"""The special functions: `torch.special`, and those of its names that are at the front door and methods of Tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases.case import Case, Refusal, fixed, given, integers, normal, uniform

# Where functions begin, end, or have poles; no derivative is compared there.
ENDS = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, float("inf"), -float("inf"), float("nan")])
DEGREES = np.array([-1, 0, 1, 2, 5, 9])


def _special(name: str) -> Any:
    return lambda t: getattr(t.special, name)


def _at_ends(name: str, tolerance: float = 1.0) -> Case:
    """A function of one tensor at special numbers."""
    return Case(f"{name} at its ends", _special(name), (fixed(given(ENDS)),), halves=(), tolerance=tolerance)


def _integers(name: str) -> Case:
    # The results are float32 whatever the type of a run.
    return Case(f"{name} of integers", _special(name), (integers(4, 5, low=1),), tolerance=1000)


# Those that PyTorch differentiates, and the range to draw from.
DIFFERENTIABLE = {
    "digamma": (0.5, 5.0), "entr": (0.1, 2.0), "erf": (-2.0, 2.0), "erfc": (-2.0, 2.0), "erfcx": (-1.0, 3.0),
    "erfinv": (-0.9, 0.9), "exp2": (-2.0, 2.0), "expit": (-2.0, 2.0), "expm1": (-1.0, 1.0), "gammaln": (0.5, 6.0),
    "i0": (-4.0, 4.0), "i0e": (0.3, 4.0), "i1": (-4.0, 4.0), "i1e": (0.3, 4.0), "log1p": (-0.5, 2.0),
    "log_ndtr": (-6.0, 3.0), "logit": (0.1, 0.9), "ndtr": (-3.0, 3.0), "ndtri": (0.02, 0.98), "psi": (0.5, 5.0),
    "sinc": (0.1, 2.0),
}  # fmt: skip
# These have no 16-bit kernel.
FULL_PRECISION = ("erfcx", "log_ndtr", "ndtri")
# Those that give results without a gradient, and a range where PyTorch's own error is below the tolerance.
PLAIN = {
    "airy_ai": (-1.5, 6.0), "bessel_j0": (0.1, 1.5), "bessel_j1": (0.1, 1.5), "bessel_y0": (0.1, 1.5),
    "bessel_y1": (0.2, 1.5), "modified_bessel_i0": (-9.0, 9.0), "modified_bessel_i1": (-9.0, 9.0),
    "modified_bessel_k0": (0.1, 6.0), "modified_bessel_k1": (0.1, 6.0), "scaled_modified_bessel_k0": (0.1, 6.0),
    "scaled_modified_bessel_k1": (0.1, 6.0), "spherical_bessel_j0": (-6.0, 6.0),
}  # fmt: skip
POLYNOMIALS = (
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
)  # fmt: skip
HALVES = ("float16", "bfloat16")

CASES = [
    *(
        Case(name, _special(name), (uniform(low, high, 2, 4),), halves=() if name in FULL_PRECISION else HALVES)
        for name, (low, high) in DIFFERENTIABLE.items()
    ),
    *(Case(name, _special(name), (fixed(uniform(low, high, 12)),), halves=()) for name, (low, high) in PLAIN.items()),
    *(_at_ends(name) for name in (*DIFFERENTIABLE, *PLAIN) if not name.startswith("bessel") and name != "airy_ai"),
    *map(_integers, ("airy_ai", "digamma", "erf", "i0", "ndtr", "spherical_bessel_j0")),
    *(
        Case(name, _special(name), (fixed(uniform(-1.2, 1.2, 3, 1)), given(DEGREES)), halves=())
        for name in POLYNOMIALS
    ),
    Case("polynomial of a number", _special("legendre_polynomial_p"), (0.5, given(DEGREES))),
    Case("polynomial of a fixed degree", _special("hermite_polynomial_he"), (fixed(uniform(-2.0, 2.0, 5)), 4), halves=()),
    Case("gammainc", _special("gammainc"), (fixed(uniform(0.5, 5.0, 3, 1)), uniform(0.2, 8.0, 4))),
    Case("gammaincc", _special("gammaincc"), (fixed(uniform(0.5, 5.0, 3, 1)), uniform(0.2, 8.0, 4))),
    Case("gammainc of large numbers", _special("gammainc"), (fixed(uniform(25.0, 60.0, 3, 1)), fixed(uniform(20, 70, 6))),
         tolerance=10, halves=()),
    Case("gammaincc of small numbers", _special("gammaincc"), (fixed(uniform(0.01, 0.4, 3, 1)), fixed(uniform(0.01, 1, 6)))),
    Case("gammainc at its ends", _special("gammainc"), (fixed(given(ENDS[:, None])), fixed(given(ENDS))), halves=()),
    Case("gammaincc at its ends", _special("gammaincc"), (fixed(given(ENDS[:, None])), fixed(given(ENDS))), halves=()),
    Case("igamma", lambda t: lambda a, x: a.igamma(x), (fixed(uniform(0.5, 5.0, 4)), uniform(0.2, 8.0, 4))),
    Case("igammac", lambda t: t.igammac, (fixed(uniform(0.5, 5.0, 4)), uniform(0.2, 8.0, 4))),
    Case("igamma_", lambda t: lambda a, x: (a * 1).igamma_(x), (fixed(uniform(0.5, 5.0, 4)), fixed(uniform(0.2, 8.0, 4)))),
    Case("multigammaln", _special("multigammaln"), (uniform(2.0, 5.0, 4), 3)),
    Case("mvlgamma of integers", lambda t: t.mvlgamma, (integers(9, 4, low=3), 2), tolerance=100),
    Case("mvlgamma_", lambda t: lambda x: (x * 1).mvlgamma_(2), (uniform(2.0, 5.0, 4),)),
    Case("polygamma", _special("polygamma"), (2, uniform(0.5, 5.0, 5))),
    Case("polygamma below zero", lambda t: t.polygamma, (1, uniform(-0.9, -0.1, 5)), halves=()),
    Case("polygamma_", lambda t: lambda x: (x * 1).polygamma_(3), (uniform(1.0, 5.0, 4),)),
    Case("xlog1py", _special("xlog1py"), (normal(3, 1), uniform(-0.5, 2.0, 4))),
    Case("xlog1py of numbers", lambda t: lambda x: t.special.xlog1py(x, 2) + t.special.xlog1py(3, x), (uniform(0.1, 2, 4),)),
    Case("xlog1py at its ends", _special("xlog1py"), (fixed(given(ENDS[:, None])), fixed(given(ENDS))), halves=()),
    Case("xlogy", _special("xlogy"), (normal(3, 1), uniform(0.1, 2.0, 4))),
    Case("xlogy at its ends", _special("xlogy"), (fixed(given(ENDS[:, None])), fixed(given(ENDS))), halves=()),
    Case("xlogy_", lambda t: lambda x, y: (x * 1).xlogy_(y), (normal(4), uniform(0.1, 2.0, 4))),
    Case("zeta", _special("zeta"), (fixed(uniform(1.5, 5.0, 3, 1)), uniform(0.3, 4.0, 4)), halves=()),
    Case("zeta of numbers", lambda t: lambda x: t.special.zeta(2, x) + t.special.zeta(3.5, x), (uniform(0.3, 4.0, 4),),
         halves=()),
    Case("zeta at its ends", _special("zeta"), (fixed(given(ENDS[:, None])), fixed(given(ENDS))), halves=()),
    Case("round", _special("round"), (fixed(uniform(-9.0, 9.0, 6)),), {"decimals": 1}, halves=()),
    Case("softmax", _special("softmax"), (normal(2, 3), 1)),
    Case("log_softmax", _special("log_softmax"), (normal(2, 3), 0)),
    Case("logsumexp", _special("logsumexp"), (normal(2, 3), 1)),
    Case("i0_", lambda t: lambda x: (x * 1).i0_(), (normal(4),)),
    Case("erfinv_", lambda t: lambda x: (x * 1).erfinv_(), (uniform(-0.9, 0.9, 4),)),
    Case("sinc_", lambda t: lambda x: (x * 1).sinc_(), (uniform(0.1, 2.0, 4),)),
    Case("logit within eps", lambda t: t.logit, (uniform(0.0, 1.0, 6), 0.2), smooth=False),
]  # fmt: skip

REFUSALS = [
    Refusal("gammainc of integers", lambda t: t.special.gammainc(t.tensor([1]), t.tensor([2])), NotImplementedError,
            "not implemented for 'Long'"),
    Refusal("igamma of a number", lambda t: t.igamma(t.ones(2), 1.0), TypeError, "must be Tensor"),
    Refusal("igamma's first gradient",
            lambda t: t.igamma(t.ones(2, requires_grad=True), t.ones(2)).sum().backward(), NotImplementedError,
            "derivative for 'igamma: input' is not implemented"),
    Refusal("zeta's first gradient",
            lambda t: t.special.zeta(t.full((2,), 2.0, requires_grad=True), t.ones(2)).sum().backward(),
            NotImplementedError, "derivative for 'zeta' is not implemented"),
    Refusal("zeta of numbers only", lambda t: t.special.zeta(2.0, 1.0), TypeError, "invalid combination of arguments"),
    Refusal("ndtri of half", lambda t: t.special.ndtri(t.ones(2).half()), NotImplementedError, "not implemented for 'Half'"),
    Refusal("i0 of complex", lambda t: t.i0(t.ones(2, dtype=t.complex64)), NotImplementedError,
            "not implemented for 'ComplexFloat'"),
    Refusal("bessel of half", lambda t: t.special.bessel_j0(t.ones(2).bfloat16()), NotImplementedError,
            "not implemented for 'BFloat16'"),
    Refusal("polynomial of numbers only", lambda t: t.special.chebyshev_polynomial_t(0.5, 2), TypeError,
            "invalid combination of arguments"),
    Refusal("mvlgamma of p 0", lambda t: t.mvlgamma(t.ones(2), 0), RuntimeError, "p has to be greater than or equal to 1"),
    Refusal("mvlgamma of bool", lambda t: t.mvlgamma(t.tensor([True]), 1), RuntimeError, "may not be a boolean tensor"),
    Refusal("polygamma below 0", lambda t: t.polygamma(-1, t.ones(2)), RuntimeError, "does not support negative n"),
    Refusal("polygamma of a fraction", lambda t: t.polygamma(1.5, t.ones(2)), TypeError, "must be int"),
    Refusal("round of integers", lambda t: t.special.round(t.tensor([1])), NotImplementedError, "not implemented for 'Long'"),
    Refusal("xlogy_ of integers", lambda t: t.tensor([1, 2]).xlogy_(t.tensor([1, 2])), RuntimeError, "can't be cast"),
    Refusal("erf of complex", lambda t: t.erf(t.ones(2, dtype=t.complex64)), NotImplementedError,
            "not implemented for 'ComplexFloat'"),
]  # fmt: skip
