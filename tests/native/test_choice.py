"""The choice between compiled kernels and references, and what the installation says of itself."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import numpy as np
import pytest

import rushlight
from rushlight import _native, kernels
from rushlight.kernels.dispatch import prefer_native

COMPILED = [name for name in kernels.__all__ if hasattr(_native, name)]


@pytest.mark.parametrize("name", COMPILED)
def test_a_kernel_keeps_its_references_name_signature_and_docstring(name):
    kernel = getattr(kernels, name)
    assert kernel.__name__ == name and kernel.__doc__
    assert inspect.signature(kernel) == inspect.signature(kernel.__wrapped__)


def test_without_a_compiled_kernel_the_reference_is_the_kernel():
    def no_such_kernel(x: int) -> int:
        return x

    assert prefer_native(no_such_kernel) is no_such_kernel


def test_errors_of_either_side_reach_the_caller():
    with pytest.raises(TypeError):
        kernels.softmax()
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _native.softmax(np.ones((2, 2)), 3, 4)


def test_an_unknown_instruction_set_raises():
    with pytest.raises(ValueError, match="unknown instruction set"):
        _native.set_isa("mmx")
    assert _native.isa() in _native.isas()


def run(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_environment_turns_the_compiled_kernels_off():
    program = """
import rushlight as r, numpy as np
from rushlight import kernels
from rushlight.kernels.reference import linalg
assert not kernels.native_available() and kernels.gemm is linalg.gemm and not r.memory.installed()
r.set_num_threads(2); r.memory.empty_cache(); r.memory.set_limit(10); r.memory.install()
print(r.get_num_threads(), sum(r.memory.stats().values()), 'reference' in r.__config__.show())
"""
    assert run(program, RUSHLIGHT_NATIVE="0") == "1 0 True"


def test_the_compiled_module_imports_without_a_warning():
    assert run("import numpy, rushlight._native as n; print(n.isa())", RUSHLIGHT_NATIVE="1") in _native.isas()


def test_show_names_the_instruction_set_and_the_threads():
    text = rushlight.__config__.show()
    assert f"compiled, running on {_native.isa()}" in text and f"threads: {_native.get_num_threads()}" in text
    assert "get_num_threads()" in rushlight.__config__.parallel_info()
