"""Saving and loading: PyTorch's checkpoint formats without PyTorch, and safetensors."""

from __future__ import annotations

from rushlight.serialization import safetensors
from rushlight.serialization.api import DEFAULT_PROTOCOL, get_unsafe_globals_in_checkpoint, load, save
from rushlight.serialization.errors import CorruptFileError, EmptyFileError
from rushlight.serialization.safe_globals import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

__all__ = [
    "DEFAULT_PROTOCOL", "CorruptFileError", "EmptyFileError", "add_safe_globals", "clear_safe_globals",
    "get_safe_globals", "get_unsafe_globals_in_checkpoint", "load", "safe_globals", "safetensors", "save",
]  # fmt: skip
