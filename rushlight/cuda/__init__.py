"""What a program asks about CUDA devices: there are none, so that it takes its path for CPUs.

Source: https://docs.pytorch.org/docs/2.13/cuda.html
"""

from __future__ import annotations

from typing import Any

from rushlight.cuda import _core, _types, graphs, memory, random, streams
from rushlight.cuda import nccl as nccl
from rushlight.cuda import nvtx as nvtx
from rushlight.cuda import profiler as profiler
from rushlight.cuda._core import *
from rushlight.cuda._types import *
from rushlight.cuda.graphs import *
from rushlight.cuda.memory import *
from rushlight.cuda.random import *
from rushlight.cuda.streams import *

__all__ = [name for part in (_core, _types, graphs, memory, random, streams) for name in part.__all__]


def __getattr__(name: str) -> Any:
    # Mixed precision stands above what this module imports; these are imported when first named.
    if name in ("amp", "sparse", "tunable"):
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
