"""Helpers around tensors and networks: `hooks`, `data`."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    # `torch.utils.data` works without an import of its own; a program that loads no data doesn't pay for it.
    if name == "data":
        return importlib.import_module("rushlight.utils.data")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
