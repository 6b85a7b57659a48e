"""Switches and questions about backends, as `torch.backends` has them."""

from typing import Any as _Any

from rushlight.backends import cpu as cpu
from rushlight.backends import cuda as cuda
from rushlight.backends import cudnn as cudnn
from rushlight.backends import mha as mha
from rushlight.backends import mkl as mkl
from rushlight.backends import mkldnn as mkldnn
from rushlight.backends import mps as mps
from rushlight.backends import openmp as openmp
from rushlight.backends import quantized as quantized

__all__ = [
    "cpu", "cuda", "cudnn", "cusparselt", "kleidiai", "mha", "mkl", "mkldnn", "mps", "nnpack", "openmp", "opt_einsum",
    "quantized",
]  # fmt: skip


def __getattr__(name: str) -> _Any:
    # Few programs ask about these.
    if name in ("cusparselt", "kleidiai", "nnpack", "opt_einsum"):
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
