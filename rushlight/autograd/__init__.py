"""Automatic differentiation: the names of `torch.autograd`."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from rushlight.autograd import function as function
from rushlight.autograd import grad_mode as grad_mode
from rushlight.autograd import graph as graph
from rushlight.autograd.anomaly_mode import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from rushlight.autograd.engine import backward, grad
from rushlight.autograd.function import Function, NestedIOFunction
from rushlight.autograd.grad_mode import (
    enable_grad,
    enforce_grad_layout_policy,
    inference_mode,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from rushlight.autograd.gradcheck import GradcheckError as GradcheckError
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck
from rushlight.autograd.variable import Variable

__all__ = [
    "Function", "NestedIOFunction", "Variable", "backward", "detect_anomaly", "enable_grad",
    "enforce_grad_layout_policy", "grad", "gradcheck", "gradgradcheck", "inference_mode", "is_anomaly_enabled",
    "no_grad", "set_detect_anomaly", "set_grad_enabled", "set_multithreading_enabled",
]  # fmt: skip

if _TYPE_CHECKING:
    from rushlight.autograd import forward_ad as forward_ad
    from rushlight.autograd import functional as functional
    from rushlight.autograd import profiler as profiler
else:

    def __getattr__(name: str) -> object:
        # What few programs use is imported when first named.
        from importlib import import_module

        if name in ("forward_ad", "functional", "profiler", "profiler_util"):
            return import_module(f"rushlight.autograd.{name}")
        raise AttributeError(f"module 'rushlight.autograd' has no attribute '{name}'")
