"""Every docstring's example runs, and every public name keeps the docstring contract (CONTRIBUTING.md)."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import sys
from pathlib import Path

import pytest

import rushlight
from tools.docstring_contract import CONTRACT, faults
from tools.reference import out_of_date

MODULES = ["rushlight", *sorted(m.name for m in pkgutil.walk_packages(rushlight.__path__, "rushlight."))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", [m for m in MODULES if not m.endswith(("_native", "__main__"))])
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    dtype, options, threads = rushlight.get_default_dtype(), rushlight.get_printoptions(), rushlight.get_num_threads()
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    # An example sees nothing but what it imports.
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, name, module, globs={}):
        rushlight.manual_seed(0)
        runner.run(example, out=report.append)
        rushlight.set_default_dtype(dtype)
        rushlight.set_printoptions(**options)
        rushlight.set_num_threads(threads)
    assert not runner.failures, "".join(report)


@pytest.mark.parametrize("space", CONTRACT)
def test_public_names_keep_the_docstring_contract(space: str) -> None:
    assert faults(space) == []


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other versions of Python print some defaults otherwise")
def test_the_reference_is_what_the_docstrings_say() -> None:
    assert out_of_date() == [], "python tools/reference.py"
