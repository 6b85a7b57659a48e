"""Reductions under a mask, and tensors that have one.

Source: https://docs.pytorch.org/docs/2.13/masked.html
"""

from __future__ import annotations

from rushlight.masked import _rules as _rules
from rushlight.masked._reductions import *
from rushlight.masked._tensor import MaskedTensor, as_masked_tensor, is_masked_tensor, masked_tensor

__all__ = [
    "MaskedTensor", "amax", "amin", "argmax", "argmin", "as_masked_tensor", "cumprod", "cumsum", "is_masked_tensor",
    "log_softmax", "logaddexp", "logsumexp", "masked_tensor", "mean", "median", "norm", "normalize", "prod", "softmax",
    "softmin", "std", "sum", "var",
]  # fmt: skip
