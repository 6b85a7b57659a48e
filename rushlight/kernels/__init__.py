"""Numeric kernels, array in and array out: the compiled one where it takes the arrays, else the NumPy reference."""

from __future__ import annotations

from .dispatch import native_available, prefer_native
from .reference import elementwise, linalg, loss, optim

__all__ = [
    "adam_step",
    "bias_grad",
    "gemm",
    "log_softmax",
    "log_softmax_backward",
    "native_available",
    "relu_forward",
    "sgd_step",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "threshold_backward",
]

gemm = prefer_native(linalg.gemm)

bias_grad = prefer_native(elementwise.bias_grad)
relu_forward = prefer_native(elementwise.relu_forward)
threshold_backward = prefer_native(elementwise.threshold_backward)

log_softmax = prefer_native(loss.log_softmax)
log_softmax_backward = prefer_native(loss.log_softmax_backward)
softmax = prefer_native(loss.softmax)
softmax_backward = prefer_native(loss.softmax_backward)
softmax_cross_entropy = prefer_native(loss.softmax_cross_entropy)
softmax_cross_entropy_backward = prefer_native(loss.softmax_cross_entropy_backward)

adam_step = prefer_native(optim.adam_step)
sgd_step = prefer_native(optim.sgd_step)
