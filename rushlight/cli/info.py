"""`info`: what this installation is and what it computes with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

import numpy as np

from rushlight import memory, threads, version
from rushlight.kernels.dispatch import native

__all__ = ["info"]


def _size(count: int) -> str:
    """A number of bytes for people."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def _installed(package: str) -> str:
    try:
        return installed_version(package)
    except PackageNotFoundError:
        return "not installed"


def info() -> str:
    """A table: version, kernels, instruction set, threads, memory, Python, NumPy and the extras."""
    if native is None:
        kernels, instructions = "NumPy reference (no compiled module, or RUSHLIGHT_NATIVE=0)", "NumPy's own"
    else:
        kernels, instructions = "native", f"{native.isa()} (this CPU can: {', '.join(native.isas())})"
    counters = memory.stats()
    used = ", ".join(f"{_size(counters[key])} {word}" for key, word in (("in_use", "in use"), ("cached", "cached")))
    rows = {
        "Rushlight": version.__version__,
        "names and numbers": f"those of PyTorch {version.pytorch}",
        "kernels": kernels,
        "instruction set": instructions,
        "threads": str(threads.get_num_threads()),
        "memory": f"{used}, cache bound {_size(counters['limit'])}" if native is not None else "NumPy's allocator",
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "NumPy": np.__version__,
        "ml_dtypes": _installed("ml_dtypes"),
        "safetensors": _installed("safetensors"),
        "matplotlib": _installed("matplotlib"),
    }
    width = max(map(len, rows))
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows.items())
