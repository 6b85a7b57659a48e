"""Imports point downwards only (docs/design.md), and files and functions stay small."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.layers import PACKAGE, Import, files, floor, imports, tree

ROOT = PACKAGE.parent

# Imports inside functions that point upwards, each with its reason.
UPWARDS_WHEN_CALLED = {
    ("rushlight.__config__", "rushlight"): "the version, which the front door names last",
    ("rushlight.autograd.engine", "rushlight.func._vmap"): "batched gradients",
    ("rushlight.autograd.gradcheck", "rushlight.func._gradcheck"): "tangents and batches are checked by transforms",
    ("rushlight.ops.embedding", "rushlight.sparse"): "the gradient of some rows is a sparse tensor",
    ("rushlight.ops.sparsity", "rushlight.sparse._convert"): "a dense tensor makes a sparse one",
    ("rushlight.ops.sparsity", "rushlight.sparse._products"): "products in sparse form are methods, too",
    ("rushlight.printing", "rushlight.nn.parameter"): "a Parameter prints its class's name",
    ("rushlight.printing", "rushlight.tensor"): "a subclass of Tensor prints its name",
    ("rushlight.random", "rushlight.autograd.variable"): "a generator's state is a tensor",
    ("rushlight.storage", "rushlight.legacy_storage"): "the type of a tensor's storage has a name",
    ("rushlight.utils.hooks", "rushlight.autograd.grad_mode"): "BackwardHook",
    ("rushlight.utils.hooks", "rushlight.nn.modules._functions"): "BackwardHook",
    ("rushlight.utils.hooks", "rushlight.tensor"): "BackwardHook",
}

MOST_LINES = 600
MOST_LINES_OF_A_FUNCTION = 60

# One task each that reads better in one piece.
LONG_FUNCTIONS = {"rushlight.serialization.api.load", "rushlight.serialization.pickler.pickler_type"}

# Text files that people read: the package, its native part, tests and tools.
SOURCES = [
    path
    for folder in ("rushlight", "native", "tests", "tools", "benchmarks")
    for suffix in ("*.py", "*.cpp", "*.h")
    for path in sorted((ROOT / folder).rglob(suffix))
]


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module, path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{node.name}", node


def describe(found: Import) -> str:
    return f"{found.importer}:{found.line} imports {found.imported}"


def test_every_module_has_a_floor() -> None:
    for module, _ in files():
        floor(module)


def test_imports_point_downwards() -> None:
    upwards = [i for i in imports() if floor(i.imported) > floor(i.importer)]
    assert [describe(i) for i in upwards if i.top] == []
    strange = [i for i in upwards if not i.top and (i.importer, i.imported) not in UPWARDS_WHEN_CALLED]
    assert [describe(i) for i in strange] == []


def test_the_list_of_exceptions_is_not_stale() -> None:
    assert set(UPWARDS_WHEN_CALLED) - {(i.importer, i.imported) for i in imports()} == set()
    assert LONG_FUNCTIONS - {name for name, _ in functions()} == set()


def test_no_cycles() -> None:
    graph = defaultdict(set)
    for found in imports():
        # A package's own `__init__` gathers names from below; its modules may name each other.
        if found.top and not found.importer.startswith(found.imported + "."):
            graph[found.importer].add(found.imported)
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module in done:
            return
        for imported in sorted(graph[module]):
            visit(imported, (*path, module))
        done.add(module)

    for module in sorted(graph):
        visit(module, ())


def test_the_reference_kernels_know_no_tensors() -> None:
    above = [
        i for i in imports() if i.importer.startswith("rushlight.kernels") and floor(i.imported) > floor(i.importer)
    ]
    assert [describe(i) for i in above] == []


def test_native_kernels_know_no_python() -> None:
    kernels = [p for p in (ROOT / "native").rglob("*") if p.suffix in (".cpp", ".h") and "bindings" not in p.parts]
    assert kernels
    header = re.compile(r"#\s*include\s*[<\"](Python\.h|nanobind/|pybind11/|numpy/)")
    assert [str(p) for p in kernels if header.search(p.read_text())] == []


def test_files_are_short() -> None:
    assert {m: n for m, path in files() if (n := len(path.read_text().splitlines())) > MOST_LINES} == {}


def test_functions_are_short() -> None:
    lengths = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in functions()}
    assert {n: k for n, k in lengths.items() if k > MOST_LINES_OF_A_FUNCTION and n not in LONG_FUNCTIONS} == {}


def test_no_stubs() -> None:
    """NotImplementedError says what is missing: an abstract method, or a dtype that PyTorch refuses too."""
    bare = []
    for name, function in functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id == "NotImplementedError":
                bare.append(f"{name}:{node.lineno}")
        declared = any(
            isinstance(d, ast.Name) and d.id in ("overload", "abstractmethod") for d in function.decorator_list
        )
        if not declared and ast.unparse(function.body[-1]) == "...":
            bare.append(f"{name}:{function.lineno} is empty")
    assert bare == []


def comments(path: Path) -> Iterator[tuple[int, str]]:
    if path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    else:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if "//" in line:
                yield number, line[line.index("//") :]


@pytest.mark.parametrize(
    ("what", "pattern"),
    [("a reminder", r"\b(TODO|FIXME|XXX|HACK)\b"), ("a banner", r"^(#|//)\s*([-=*#~─═])\2{3,}|([-=*#~─═])\3{3,}\s*$")],
)
def test_no_comment_is(what: str, pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {text}"
        for path in SOURCES
        for line, text in comments(path)
        if re.search(pattern, text)
    ]
    assert found == [], f"{what} in a comment"
