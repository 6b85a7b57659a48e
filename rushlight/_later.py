"""What the front door imports when it is first named, since most programs start without it."""

from __future__ import annotations

__all__ = ["MODULES", "NAMES"]

# Submodules of the package.
MODULES = frozenset({"ao", "func", "profiler", "quantization", "serialization", "vision"})

# Names of the front door, by the module that they come from.
_FROM = {
    "serialization": ("load", "save"),
}
NAMES = {name: f"rushlight.{module}" for module, names in _FROM.items() for name in names}
