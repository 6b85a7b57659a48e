"""The special functions under the names of `torch.special`.

Source: https://docs.pytorch.org/docs/2.13/special.html
"""

from __future__ import annotations

from rushlight.ops.bessel import i0, i1
from rushlight.ops.pointwise import exp2, expm1, log1p
from rushlight.ops.reduce import logsumexp
from rushlight.ops.rounding import round
from rushlight.ops.softmax import log_softmax, softmax
from rushlight.ops.special import digamma, erf, erfc, erfinv, logit, sinc, xlogy
from rushlight.ops.special import lgamma as gammaln
from rushlight.ops.special import sigmoid as expit

__all__ = [
    "digamma", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammaln", "i0", "i1", "log1p", "log_softmax",
    "logit", "logsumexp", "psi", "round", "sinc", "softmax", "xlogy",
]  # fmt: skip

psi = digamma
