"""The words and numbers of a loss's reduction, where programs import them from."""

from __future__ import annotations

from rushlight.nn.functional._reduction import get_enum, legacy_get_enum, legacy_get_string

__all__ = ["get_enum", "legacy_get_enum", "legacy_get_string"]
