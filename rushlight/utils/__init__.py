"""Helpers around tensors and networks: `hooks`, `data`."""

from __future__ import annotations

from typing import Any

__all__ = ["benchmark", "checkpoint", "data", "dlpack", "hooks"]

_HELPERS = (
    "ThroughputBenchmark", "cmake_prefix_path", "generate_methods_for_privateuse1_backend", "get_cpp_backtrace",
    "rename_privateuse1_backend", "set_module", "swap_tensors",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    # `data` brings multiprocessing with it, so these are imported when first named.
    from importlib import import_module

    if name in __all__:
        return import_module(f"{__name__}.{name}")
    if name in _HELPERS:
        return getattr(import_module(f"{__name__}._misc"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
