"""The thread pool, seen through the kernels that use it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import rushlight
from rushlight import _native


@pytest.fixture(autouse=True)
def threads():
    before = _native.get_num_threads()
    yield
    _native.set_num_threads(before)


A = np.random.default_rng(0).standard_normal((150, 150))
WANT = A @ A


def product_is_right() -> bool:
    return bool(np.allclose(_native.gemm(A, A), WANT))


@pytest.mark.parametrize("n", [1, 2, 3, 8, 64, 256])
def test_any_number_of_threads_gives_the_same_result(n):
    _native.set_num_threads(n)
    assert _native.get_num_threads() == n
    first = _native.gemm(A, A)
    assert product_is_right()
    for _ in range(20):
        np.testing.assert_array_equal(_native.gemm(A, A), first)


def test_the_number_of_threads_can_change_between_calls():
    for n in (4, 1, 7, 2, 16, 3):
        rushlight.set_num_threads(n)
        assert rushlight.get_num_threads() == n and product_is_right()


@pytest.mark.parametrize("n", [0, -1])
def test_a_number_that_is_not_positive_raises(n):
    with pytest.raises(RuntimeError, match="set_num_threads expects a positive integer"):
        rushlight.set_num_threads(n)


@pytest.mark.parametrize("n", ["2", 1.5, None, True])
def test_what_is_no_integer_raises(n):
    with pytest.raises(RuntimeError, match=f"set_num_threads expects an int, but got {type(n).__name__}"):
        rushlight.set_num_threads(n)


def test_python_threads_may_use_the_pool_at_once():
    _native.set_num_threads(3)
    results: list[bool] = []
    callers = [
        threading.Thread(target=lambda: results.append(all(product_is_right() for _ in range(30)))) for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert results == [True] * 4


@pytest.mark.parametrize("n", [2, 3, 8])
def test_each_part_is_done_once_also_where_others_take_it(n):
    _native.set_num_threads(n)
    x = np.arange(1 << 21, dtype=np.float32)
    for i in range(1, 16):  # what a call before left in memory is no right result
        x += 1
        np.testing.assert_array_equal(_native.relu_forward(x), np.arange(i, len(x) + i, dtype=np.float32))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is a POSIX call")
def test_a_forked_child_has_a_pool_of_its_own():
    program = """
import os, numpy as np, rushlight._native as n
n.set_num_threads(3); n.install_allocator()
a = np.ones((200, 200)); n.gemm(a, a)
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        ok = all((n.gemm(a, a) == 200).all() for _ in range(5)) and n.get_num_threads() == 3
        os._exit(0 if ok else 1)
    assert (n.gemm(a, a) == 200).all()
    assert os.waitpid(pid, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("variables", "want"),
    [
        ({"RUSHLIGHT_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"OMP_NUM_THREADS": "5,2"}, 5),
        ({"OMP_NUM_THREADS": "none"}, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None),
    ],
)
def test_the_environment_sets_the_default(variables, want):
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")} | variables
    program = "import rushlight._native as n; print(n.get_num_threads())"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert want is None or done.stdout.strip() == str(want), done.stderr
