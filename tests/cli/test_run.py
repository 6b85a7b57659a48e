"""`python -m rushlight run` does with a PyTorch program what `python` does, on Rushlight."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WORKERS = """
import torch
from torch.utils.data import DataLoader, Dataset

class Squares(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return torch.tensor(index) ** 2, torch.__name__

if __name__ == "__main__":
    loader = DataLoader(Squares(), batch_size=2, num_workers=2, multiprocessing_context={context!r})
    print([(squares.tolist(), names[0]) for squares, names in loader])
"""

FAILING = """
def divide(a, b):
    return a / b

divide(1, 0)
"""


def python(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    everything = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=everything, cwd=cwd, capture_output=True, text=True, timeout=120)


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "rushlight", "run", *arguments, cwd=cwd, **environment)


def program(folder: Path, text: str, name: str = "program.py") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def output(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


IMPORTS = [
    ("import torch", "torch", "rushlight"),
    ("import torch.nn as nn", "nn", "rushlight.nn"),
    ("import torch.nn.functional as F", "F", "rushlight.nn.functional"),
    ("import torch.nn.modules.linear as m", "m", "rushlight.nn.modules.linear"),
    ("from torch import nn, optim", "optim", "rushlight.optim"),
    ("import torch", "torch.utils.data", "rushlight.utils.data"),
    ("import torch.utils.data as d", "d", "rushlight.utils.data"),
    ("import torch.backends.cudnn as cudnn", "cudnn", "rushlight.backends.cudnn"),
    ("import torchvision", "torchvision", "rushlight.vision"),
    ("import torchvision.transforms as T", "T", "rushlight.vision.transforms"),
    ("from torchvision import datasets, transforms", "datasets", "rushlight.vision.datasets"),
]


def test_names_of_pytorch_are_rushlights_own_modules(tmp_path: Path) -> None:
    lines = ["import importlib, sys"]
    for statement, name, real in IMPORTS:
        lines += [statement, f"assert {name} is importlib.import_module({real!r}), {statement!r}"]
        lines += [f"assert {name}.__spec__.name == {real!r}"]
    lines += ["assert sys.modules['torch.nn.modules.linear'] is sys.modules['rushlight.nn.modules.linear']"]
    assert output(run(program(tmp_path, "\n".join(lines)))) == ""


def test_the_program_sees_what_python_would_show_it(tmp_path: Path) -> None:
    program(tmp_path, "name = __name__", "beside.py")
    text = (
        "import sys, os, beside\n"
        "print(sys.argv, __name__, __file__, sys.path[0], beside.name, __spec__, __package__)\n"
        "print(sys.modules['__main__'].__dict__ is globals(), sorted(globals()))\n"
    )
    path = program(tmp_path, text)
    assert output(run(path, "--epochs", "3", "-m", "--help", "x y")) == output(
        python(path, "--epochs", "3", "-m", "--help", "x y")
    )


def test_a_module_runs_by_its_name(tmp_path: Path) -> None:
    text = (
        "import sys\nimport torch\nfrom . import part\nprint(sys.argv, __name__, __package__, part.name, sys.path[0])\n"
    )
    program(tmp_path, text, "pack/__main__.py")
    program(tmp_path, "name = __name__", "pack/part.py")
    program(tmp_path, "", "pack/__init__.py")
    assert output(run("-m", "pack", "-v", cwd=tmp_path)) == (
        f"['{tmp_path}/pack/__main__.py', '-v'] __main__ pack pack.part {tmp_path}\n"
    )


@pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])
def test_workers_see_rushlight_too(tmp_path: Path, context: str) -> None:
    done = run(program(tmp_path, WORKERS.format(context=context)))
    assert output(done) == "[([0, 1], 'rushlight'), ([4, 9], 'rushlight'), ([16], 'rushlight')]\n"


def test_a_worker_of_a_module_sees_rushlight_too(tmp_path: Path) -> None:
    program(tmp_path, WORKERS.format(context="spawn"), "squares.py")
    assert output(run("-m", "squares", cwd=tmp_path)).startswith("[([0, 1], 'rushlight')")


@pytest.mark.parametrize(
    ("text", "status"),
    [("", 0), ("raise SystemExit(7)", 7), ("import sys\nsys.exit('bye')", 1), ("import os\nos._exit(5)", 5)],
)
def test_exit_statuses_are_the_programs(tmp_path: Path, text: str, status: int) -> None:
    path = program(tmp_path, text)
    done, plain = run(path), python(path)
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr)
    assert done.returncode == status


@pytest.mark.parametrize("text", [FAILING, "def broken(:\n", "raise KeyboardInterrupt", "import no_such_module"])
def test_tracebacks_are_those_of_python(tmp_path: Path, text: str) -> None:
    path = program(tmp_path, text)
    done, plain = run(path), python(path)
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr)


def test_the_programs_own_excepthook_is_called(tmp_path: Path) -> None:
    text = "import sys\nsys.excepthook = lambda kind, error, trace: print(kind.__name__, trace.tb_lineno)\n1 / 0\n"
    done = run(program(tmp_path, text))
    assert (done.returncode, done.stdout, done.stderr) == (1, "ZeroDivisionError 3\n", "")


MISSING = [
    ("import torch.fx", "ModuleNotFoundError: Rushlight has no 'torch.fx' (no module 'rushlight.fx')"),
    ("import torch.nn.nothing", "ModuleNotFoundError: Rushlight has no 'torch.nn.nothing' (no module 'rushlight"),
    ("import torchvision.ops", "ModuleNotFoundError: Rushlight has no 'torchvision.ops' (no module 'rushlight.vi"),
    ("import torch\ntorch.nothing", "AttributeError: Rushlight has no 'torch.nothing'"),
    ("import torch\ntorch.nn.Nothing", "AttributeError: module 'rushlight.nn' has no attribute 'Nothing'"),
    ("import torch.nn as nn\nnn.Nothing", "AttributeError: Rushlight has no 'torch.nn.Nothing'"),
    ("from torch import nothing", "ImportError: cannot import name 'nothing' from 'rushlight'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISSING)
def test_what_rushlight_lacks_is_named(tmp_path: Path, text: str, message: str) -> None:
    done = run(program(tmp_path, text))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(message)


def test_what_is_missing_elsewhere_keeps_its_own_message(tmp_path: Path) -> None:
    done = run(program(tmp_path, "import no_such_module"))
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'no_such_module'\n")


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    done = run(str(tmp_path / "none.py"))
    assert done.returncode == 2
    assert "can't open file" in done.stderr
    assert "none.py" in done.stderr
    done = run("-m", "no_such_module_here")
    assert done.returncode == 1
    assert "No module named no_such_module_here" in done.stderr


def test_programs_that_ask_for_versions_and_devices_get_answers(tmp_path: Path) -> None:
    text = """
import torch
major, minor = map(int, torch.__version__.split(".")[:2])
print((major, minor), torch.__version__.partition("+")[2].startswith("rushlight"), torch.version.cuda)
print(torch.cuda.is_available(), torch.cuda.device_count(), torch.backends.mps.is_available())
print(torch.backends.mkldnn.is_available(), torch.accelerator.is_available(), torch.accelerator.current_accelerator())
torch.cuda.manual_seed_all(0)
torch.cuda.empty_cache()
torch.backends.cudnn.benchmark = True
torch.backends.cudnn.deterministic = True
try:
    torch.cuda.current_device()
except AssertionError as error:
    print(str(error)[:35])
"""
    assert output(run(program(tmp_path, text))) == (
        "(2, 13) True None\nFalse 0 False\nFalse False None\nTorch not compiled with CUDA enable\n"
    )
