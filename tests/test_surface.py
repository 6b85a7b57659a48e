"""What the package offers: a snapshot of its public names, PyTorch's spelling, and nothing by accident."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import rushlight
from tools.public_names import GOLDEN, NAMESPACES, public_names, snapshot

# Names of ours that PyTorch lacks, on purpose.
OWN = {
    "rushlight": {"get_printoptions"},
    "rushlight.autograd": {"is_anomaly_enabled"},
    "rushlight.autograd.grad_mode": {"is_grad_enabled", "is_inference_mode_enabled"},
    "rushlight.nn": {"L2Loss"},
    "rushlight.serialization": {"CorruptFileError", "EmptyFileError", "safetensors"},
}

# Namespaces of ours under another name in PyTorch's world, or in none.
OWN_NAMESPACES = {"rushlight.memory", "rushlight.serialization.safetensors"} | {
    space for space in NAMESPACES if space.startswith("rushlight.vision")
}

# Submodules that are attributes of the package because it imports them; `vision` and `serialization` come when named.
SUBMODULES = {
    "accelerator", "amp", "ao", "array_memory", "autograd", "backends", "compiler", "constants", "cpu", "cuda",
    "distributions", "dtypes", "fft", "func", "functional", "futures", "hub", "jit", "kernels", "legacy", "masked",
    "legacy_storage", "linalg", "memory", "mps", "mtia", "multiprocessing", "nn", "ops", "optim", "printing",
    "process", "profiler", "quantization", "quantizer", "quasirandom", "random", "return_types", "serialization",
    "settings", "signal", "size", "sparse", "special", "storage", "streams", "symbolic", "testing", "threads",
    "torch_version", "types", "utils", "version", "vision", "xpu",
}  # fmt: skip

# Families whose functions reach users through `nn.functional` or as methods only.
NOT_AT_THE_FRONT_DOOR = {
    "attention",
    "fold",
    "fourier",
    "fourier_grid",
    "fractional_pool",
    "grouped",
    "linear_cross_entropy",
    "loss",
    "mapping",
    "margin_loss",
    "max_pool",
    "new_forms",
    "norm",
    "older_names",
    "normal_distribution",
    "orthogonal",
    "packing",
    "pointwise_loss",
    "random_fill",
    "recurrent",
    "resample",
    "sharing",
    "sparsity",
    "unpool",
}


def modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(rushlight.__path__, "rushlight."):
        if not info.name.endswith(("._native", ".__main__")):
            yield importlib.import_module(info.name)


def front_door() -> dict[str, list[str]]:
    """The names that rushlight/__init__.py takes from each module."""
    taken: dict[str, list[str]] = {}
    for node in ast.parse(Path(rushlight.__file__).read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            taken.setdefault(node.module, []).extend(alias.name for alias in node.names)
    return taken


def in_a_new_process(program: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_public_names_are_those_of_the_snapshot() -> None:
    before, now = set(GOLDEN.read_text().split()), set(snapshot().split())
    assert (sorted(now - before), sorted(before - now)) == ([], []), "if meant: python tools/public_names.py"


@pytest.mark.parametrize("space", sorted(set(NAMESPACES) - OWN_NAMESPACES))
def test_names_are_spelled_as_in_pytorch(space: str) -> None:
    pytest.importorskip("torch")
    theirs = importlib.import_module("torch" + space.removeprefix("rushlight"))
    strange = {n for n in public_names(importlib.import_module(space)) if not hasattr(theirs, n)}
    assert strange == OWN.get(space, set())


def test_every_listed_name_exists_once() -> None:
    wrong = []
    for module in modules():
        listed = getattr(module, "__all__", [])
        wrong += [f"{module.__name__}.{n} is listed twice" for n in set(listed) if listed.count(n) > 1]
        wrong += [f"{module.__name__}.{n} is missing" for n in listed if not hasattr(module, n)]
    assert wrong == []


def test_public_modules_list_their_names() -> None:
    def gathers_only(module: ModuleType) -> bool:
        assert module.__file__ is not None
        body = ast.parse(Path(module.__file__).read_text()).body
        return all(isinstance(node, ast.ImportFrom | ast.Expr | ast.If) for node in body)

    unlisted = [
        m.__name__ for m in modules() if "._" not in m.__name__ and not hasattr(m, "__all__") and not gathers_only(m)
    ]
    assert unlisted == []


def test_no_family_of_operations_shadows_another() -> None:
    seen: dict[str, Any] = {}
    wrong = []
    for name, taken in front_door().items():
        if taken != ["*"]:
            continue
        module = importlib.import_module(name)
        for public in module.__all__:
            thing = getattr(module, public)
            if seen.setdefault(public, thing) is not thing:
                wrong.append(f"{name}.{public} hides another of that name")
            if getattr(rushlight, public) is not thing:
                wrong.append(f"rushlight.{public} is not {name}.{public}")
    assert wrong == []


def test_every_family_of_operations_is_at_the_front_door() -> None:
    taken = front_door()
    families = {m.name for m in pkgutil.iter_modules(rushlight.ops.__path__) if not m.name.startswith("_")}
    assert {f for f in families if f"rushlight.ops.{f}" not in taken} == NOT_AT_THE_FRONT_DOOR


def test_nothing_leaks_from_the_front_door() -> None:
    # In a new process, since other tests import more of the package.
    program = "import rushlight as r, types; print(*(n for n in dir(r) if isinstance(getattr(r, n), types.ModuleType)))"
    assert {n for n in in_a_new_process(program).split() if not n.startswith("_")} - SUBMODULES == set()
    foreign = [
        n
        for n in public_names(rushlight)
        if not getattr(getattr(rushlight, n), "__module__", "rushlight").startswith("rushlight")
    ]
    assert foreign == []


def test_import_brings_only_what_every_program_needs() -> None:
    heavy = {
        "hashlib", "json", "logging", "matplotlib", "multiprocessing", "PIL", "rushlight.serialization",
        "rushlight.utils.data", "rushlight.vision", "safetensors", "scipy", "secrets", "socket", "tempfile", "torch",
        "tqdm", "traceback", "urllib", "zipfile",
    }  # fmt: skip
    # What NumPy itself imports costs nothing more.
    program = (
        "import sys, numpy, ml_dtypes; before = set(sys.modules); import rushlight; print(*set(sys.modules) - before)"
    )
    assert heavy & set(in_a_new_process(program).split()) == set()


@pytest.mark.parametrize(
    "expression",
    [
        "save",
        "load",
        "serialization.save",
        "utils.data.DataLoader",
        "vision.transforms.ToTensor",
        "nn.functional.relu",
        "nn.modules.batchnorm.BatchNorm1d",
        "nn.utils",
        "optim.lr_scheduler.StepLR",
        "distributions.normal.Normal",
        "autograd.Function",
        "cuda.is_available",
    ],
)
def test_one_import_reaches_every_subpackage(expression: str) -> None:
    assert in_a_new_process(f"import rushlight as torch; torch.{expression}; print('found')") == "found"


def test_a_name_that_is_missing_says_so() -> None:
    with pytest.raises(AttributeError, match="module 'rushlight' has no attribute 'linsolve'"):
        rushlight.linsolve  # noqa: B018
