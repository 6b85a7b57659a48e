"""What this installation is made of, as `torch.__config__` tells it."""

from __future__ import annotations

import platform

import numpy as np

from rushlight import memory, threads
from rushlight.kernels.dispatch import native

__all__ = ["parallel_info", "show"]


def _kernels() -> str:
    if native is None:
        return "NumPy reference (the compiled module was not built, or RUSHLIGHT_NATIVE=0)"
    return f"compiled, running on {native.isa()} (this CPU can: {', '.join(native.isas())})"


def show() -> str:
    """A readable description: version, kernels, instruction set, allocator.

    Source: https://docs.pytorch.org/docs/2.13/config_mod.html

    >>> import rushlight as torch
    >>> torch.__config__.show().splitlines()[0]
    'Rushlight built with:'
    """
    from rushlight import __version__  # set once the front door has imported everything, this module too

    lines = [
        f"version: {__version__}",
        f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.system()} {platform.machine()}",
        f"kernels: {_kernels()}",
        f"threads: {threads.get_num_threads()}",
        f"allocator: {'caching, behind NumPy' if memory.installed() else 'that of NumPy'}",
    ]
    return "Rushlight built with:\n" + "".join(f"  - {line}\n" for line in lines)


def parallel_info() -> str:
    """A readable description of the threads in use.

    Source: https://docs.pytorch.org/docs/2.13/config_mod.html
    """
    backend = "Rushlight's thread pool" if native is not None else "none (NumPy reference)"
    return f"Rushlight parallel info:\n\tget_num_threads() : {threads.get_num_threads()}\n\tbackend : {backend}\n"
