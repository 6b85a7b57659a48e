"""The public names of Rushlight's namespaces: `python tools/public_names.py` writes tests/golden/public_names.txt.

A namespace's public names are its `__all__`, else those without a leading underscore that are no modules.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parents[1]))

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "public_names.txt"

NAMESPACES = (
    "rushlight",
    "rushlight.autograd",
    "rushlight.autograd.grad_mode",
    "rushlight.autograd.graph",
    "rushlight.linalg",
    "rushlight.memory",
    "rushlight.nn",
    "rushlight.nn.functional",
    "rushlight.nn.init",
    "rushlight.nn.parameter",
    "rushlight.optim",
    "rushlight.optim.lr_scheduler",
    "rushlight.serialization",
    "rushlight.serialization.safetensors",
    "rushlight.special",
    "rushlight.utils.data",
    "rushlight.utils.hooks",
    "rushlight.vision.datasets",
    "rushlight.vision.transforms",
    "rushlight.vision.transforms.functional",
)


def public_names(module: ModuleType) -> list[str]:
    """The names that `module` offers, sorted."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed)
    return [n for n in dir(module) if not n.startswith("_") and not isinstance(getattr(module, n), ModuleType)]


def snapshot() -> str:
    """One line for each public name, by namespace."""
    lines = [f"{space}.{name}" for space in NAMESPACES for name in public_names(importlib.import_module(space))]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(snapshot())
    print(f"{GOLDEN}: {snapshot().count(chr(10))} names")
