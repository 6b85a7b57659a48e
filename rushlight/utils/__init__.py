"""Helpers around tensors and networks: `hooks`, `data`."""

from __future__ import annotations

from typing import Any

__all__ = ["benchmark", "checkpoint", "data", "hooks"]


def __getattr__(name: str) -> Any:
    # `data` brings multiprocessing with it, so it is imported when first named.
    if name in __all__:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
