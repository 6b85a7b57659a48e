"""The caching allocator behind NumPy."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

import numpy as np
import pytest
from numpy._core.multiarray import get_handler_name

from rushlight import memory

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def fresh_cache():
    memory.install()
    gc.collect()
    memory.empty_cache()
    yield
    memory.set_limit(None)
    memory.install()


def test_arrays_come_from_it_aligned_to_cache_lines():
    for size in (0, 1, 3, 100, 5000, 3 * MEGABYTE):
        for array in (np.empty(size, np.uint8), np.zeros(size, np.uint8), np.arange(size) + 1):
            assert get_handler_name(array) == "rushlight"
            assert array.__array_interface__["data"][0] % 64 == 0


def test_a_freed_block_is_used_again():
    address = np.empty(MEGABYTE, np.uint8).__array_interface__["data"][0]
    before = memory.stats()
    array = np.empty(MEGABYTE - 100, np.uint8)
    after = memory.stats()
    assert array.__array_interface__["data"][0] == address
    assert after["hits"] == before["hits"] + 1 and after["misses"] == before["misses"]


def test_zeros_are_zero_in_a_used_block():
    for size in (10, 1000, MEGABYTE):
        np.full(size, 7.0)
        assert not np.zeros(size).any()


def test_the_counters_follow_arrays():
    memory.reset_peak()
    start = memory.stats()
    array = np.empty(10 * MEGABYTE, np.uint8)
    during = memory.stats()
    del array
    end = memory.stats()
    assert 10 * MEGABYTE <= during["in_use"] - start["in_use"] <= 12.6 * MEGABYTE
    assert during["blocks"] == start["blocks"] + 1 and end["blocks"] == start["blocks"]
    assert end["in_use"] == start["in_use"] and end["peak"] == during["in_use"]
    assert end["cached"] - during["cached"] == during["in_use"] - start["in_use"]


def test_empty_cache_returns_what_was_cached():
    np.empty(5 * MEGABYTE, np.uint8)
    cached = memory.stats()["cached"]
    assert cached >= 5 * MEGABYTE and memory.empty_cache() == cached
    assert memory.stats()["cached"] == 0


def test_the_limit_bounds_the_cache_and_the_oldest_goes_first():
    memory.set_limit(8 * MEGABYTE)
    arrays = [np.empty(size * MEGABYTE, np.uint8) for size in (2, 3, 4)]
    addresses = [array.__array_interface__["data"][0] for array in arrays]
    while arrays:
        arrays.pop(0)
    assert memory.stats()["cached"] <= 8 * MEGABYTE
    again = [np.empty(size * MEGABYTE, np.uint8) for size in (3, 4)]
    assert [array.__array_interface__["data"][0] for array in again] == addresses[1:]
    memory.set_limit(0)
    del again
    assert memory.stats()["cached"] == 0


def test_a_limit_that_makes_no_sense_raises():
    with pytest.raises(ValueError, match="expected a number of bytes"):
        memory.set_limit(-1)
    with pytest.raises(TypeError, match="expected an int"):
        memory.set_limit(1.5)  # type: ignore[arg-type]


def test_resize_keeps_the_contents():
    array = np.arange(10.0)
    for size in (11, 5000, 300_000, 20, 3):
        kept = array[: min(size, array.size)].copy()
        array.resize(size, refcheck=False)
        np.testing.assert_array_equal(array[: kept.size], kept)
        assert not array[kept.size :].any()
        array[...] = np.arange(size)


def test_arrays_from_either_allocator_outlive_the_change():
    with memory.system_allocator():
        assert not memory.installed()
        foreign = np.arange(1000)
    own = np.arange(1000)
    assert get_handler_name(foreign) == "default_allocator" and get_handler_name(own) == "rushlight"
    with memory.system_allocator():
        del own
        foreign.resize(2000, refcheck=False)
    del foreign
    assert memory.installed()


def test_a_size_no_machine_has_raises_memory_error():
    with pytest.raises(MemoryError):
        np.empty(1 << 62, np.uint8)


def test_threads_allocate_and_free_each_others_blocks():
    errors: list[BaseException] = []
    shared: list[np.ndarray] = []

    def work(seed: int) -> None:
        try:
            memory.install()
            rng = np.random.default_rng(seed)
            for _ in range(300):
                array = np.full(int(rng.integers(1, 50_000)), seed)
                shared.append(array)
                if len(shared) > 20:
                    shared.pop(0)
                assert (array == seed).all()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


PROGRAMS = {
    "arrays freed at exit": """
import atexit, numpy as np
early = np.ones(100_000)
import rushlight._native
rushlight._native.install_allocator()
late = np.ones(100_000)
class Holder:
    def __del__(self): self.array = None
holder = Holder(); holder.array = np.ones(10); holder.cycle = holder
atexit.register(lambda: np.ones(1000).sum())
""",
    "import in a thread": """
import threading
def work():
    import rushlight._native as n, numpy as np
    n.install_allocator()
    n.gemm(np.ones((300, 300)), np.ones((300, 300)))
t = threading.Thread(target=work); t.start(); t.join()
import numpy as np, rushlight._native as n
n.gemm(np.ones((300, 300)), np.ones((300, 300)))
""",
    "threads at exit": """
import threading, numpy as np, rushlight._native as n
n.set_num_threads(4)
a = np.ones((400, 400))
def work():
    while True: n.gemm(a, a)
threading.Thread(target=work, daemon=True).start()
n.gemm(a, a)
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_programs_end_cleanly(program):
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""
