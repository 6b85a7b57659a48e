"""The choice between a compiled kernel and its reference."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import ParamSpec, TypeVar, cast

__all__ = ["load_native", "native", "native_available", "prefer_native"]

P = ParamSpec("P")
R = TypeVar("R")


def load_native() -> ModuleType | None:
    """The compiled module, or None where it was not built or `RUSHLIGHT_NATIVE=0` forbids it."""
    if os.environ.get("RUSHLIGHT_NATIVE", "1") == "0":
        return None
    try:
        return importlib.import_module("rushlight._native")
    except ModuleNotFoundError:
        return None


native = load_native()


def native_available() -> bool:
    """Whether the compiled kernels are in use."""
    return native is not None


def prefer_native(reference: Callable[P, R]) -> Callable[P, R]:
    """The compiled kernel of the reference's name where there is one and it takes the arrays; else the reference.

    A compiled kernel returns NotImplemented for arrays it isn't fast at.
    """
    compiled = getattr(native, reference.__name__, None)
    if native is None or compiled is None:
        return reference
    kernel = native.choice(compiled, reference)  # the choice itself costs less in C than one Python frame
    return cast(Callable[P, R], functools.update_wrapper(kernel, reference))
