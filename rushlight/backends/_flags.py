"""Switches that programs set for a while: the `flags()` of a backend's module."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

__all__ = ["set_for_a_while"]


@contextlib.contextmanager
def set_for_a_while(module: ModuleType, **values: Any) -> Iterator[None]:
    """Within the block, the module's switches have these values; None leaves one as it is."""
    before = {name: getattr(module, name) for name, value in values.items() if value is not None}
    try:
        for name in before:
            setattr(module, name, values[name])
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)
