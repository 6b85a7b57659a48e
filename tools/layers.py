"""The package's imports, read from its files, and the floor of each module; tests/test_layering.py uses both."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[1] / "rushlight"

# From the top down, as in docs/design.md. The longest prefix counts; a module may import its own floor and those below.
FLOORS = (
    ("rushlight", "rushlight.__main__", "rushlight.cli", "rushlight.functional"),
    (
        "rushlight.ao",
        "rushlight.hub",
        "rushlight.nn.intrinsic",
        "rushlight.nn.qat",
        "rushlight.nn.quantizable",
        "rushlight.nn.quantized",
        "rushlight.quantization",
        "rushlight.vision",
    ),
    (
        "rushlight.amp",
        "rushlight.compiler",
        "rushlight.cpu",
        "rushlight.cuda.amp",
        "rushlight.jit",
        "rushlight.masked",
        "rushlight.multiprocessing",
        "rushlight.process",
        "rushlight.types",
        "rushlight.distributions",
        "rushlight.autograd.forward_ad",
        "rushlight.autograd.functional",
        "rushlight.func",
        "rushlight.optim",
        "rushlight.profiler",
        "rushlight.quasirandom",
        "rushlight.serialization",
        "rushlight.testing",
        "rushlight.utils._misc",
        "rushlight.utils._recomputation",
        "rushlight.utils._selective",
        "rushlight.utils.checkpoint",
        "rushlight.utils.benchmark",
        "rushlight.utils.dlpack",
        "rushlight.utils.data",
    ),
    ("rushlight.nn", "rushlight.nn.parallel", "rushlight.nn.utils"),
    ("rushlight.nn.attention", "rushlight.nn.modules"),
    ("rushlight.nn.functional",),
    ("rushlight.nn.common_types", "rushlight.nn.init", "rushlight.nn.packing", "rushlight.nn.parameter"),
    ("rushlight.control_flow", "rushlight.legacy", "rushlight.legacy_storage", "rushlight.sparse"),
    ("rushlight.tensor",),
    ("rushlight.ops", "rushlight.fft", "rushlight.linalg", "rushlight.signal", "rushlight.special"),
    ("rushlight.autograd",),
    ("rushlight.printing", "rushlight.random", "rushlight.return_types"),
    (
        "rushlight.__config__",
        "rushlight.accelerator",
        "rushlight.backends",
        "rushlight.cuda",
        "rushlight.mps",
        "rushlight.mtia",
        "rushlight.xpu",
    ),
    (
        "rushlight.array_memory",
        "rushlight.kernels",
        "rushlight.memory",
        "rushlight.settings",
        "rushlight.storage",
        "rushlight.threads",
    ),
    (
        "rushlight._later",
        "rushlight._storage_forms",
        "rushlight.constants",
        "rushlight.device",
        "rushlight.dtypes",
        "rushlight.futures",
        "rushlight.layout",
        "rushlight.quantizer",
        "rushlight.size",
        "rushlight.streams",
        "rushlight.symbolic",
        "rushlight.torch_version",
        "rushlight.utils",
        "rushlight.version",
    ),
)
_FLOOR_OF = {prefix: len(FLOORS) - i for i, floor in enumerate(FLOORS) for prefix in floor}


class Import(NamedTuple):
    importer: str
    imported: str
    line: int
    top: bool  # whether it happens when the module is imported


def files() -> Iterator[tuple[str, Path]]:
    """Every module of the package: name and file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("rushlight", *path.relative_to(PACKAGE).with_suffix("").parts)
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@functools.cache
def tree(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text())


def floor(module: str) -> int:
    """The floor of a module, 1 at the bottom."""
    name = module
    while name not in _FLOOR_OF:
        name = name.rpartition(".")[0]
    # The front door is the top floor, but a module that no floor names isn't on it.
    if name == "rushlight" != module:
        raise KeyError(f"{module} has no floor: name it in tools/layers.py and docs/design.md")
    return _FLOOR_OF[name]


def _is_type_checking(node: ast.If) -> bool:
    return any(isinstance(n, ast.Name) and n.id.lstrip("_") == "TYPE_CHECKING" for n in ast.walk(node.test))


def _imports(nodes: list[ast.stmt], top: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, top
        elif isinstance(node, ast.If) and _is_type_checking(node):
            yield from _imports(node.orelse, top)
        else:
            inner = top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for field in ("body", "orelse", "finalbody"):
                yield from _imports(getattr(node, field, []), inner)
            for handler in getattr(node, "handlers", []):
                yield from _imports(handler.body, inner)


@functools.cache
def imports() -> tuple[Import, ...]:
    """Every import of one module of the package by another, those under TYPE_CHECKING left out."""
    known = dict(files())
    found = []
    for name, path in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node, top in _imports(tree(path).body, True):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            else:
                up = package.rsplit(".", node.level - 1)[0] if node.level else ""
                module = ".".join(part for part in (up, node.module) if part)
                # `from rushlight import kernels` imports the module; `from rushlight import Tensor` the front door.
                targets = [f"{module}.{a.name}" if f"{module}.{a.name}" in known else module for a in node.names]
            found += [Import(name, t, node.lineno, top) for t in dict.fromkeys(targets) if t in known and t != name]
    return tuple(found)
