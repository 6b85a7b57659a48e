"""Every kernel test runs on each instruction set of this CPU, with one thread and with two."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from rushlight.kernels.dispatch import native

if native is None:
    collect_ignore_glob = ["test_*.py"]

ISAS = [] if native is None else native.isas()


@pytest.fixture(params=[(isa, threads) for isa in ISAS for threads in (1, 2)], ids=lambda p: f"{p[0]}-{p[1]}")
def machine(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """Sets an instruction set and a number of threads for one test."""
    isa, threads = native.isa(), native.get_num_threads()
    native.set_isa(request.param[0])
    native.set_num_threads(request.param[1])
    yield request.param
    native.set_isa(isa)
    native.set_num_threads(threads)


@pytest.fixture(params=[0, 1, 2], ids=lambda seed: f"seed{seed}")
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.default_rng(request.param)


@pytest.fixture(params=[np.float32, np.float64], ids=["f32", "f64"])
def dtype(request: pytest.FixtureRequest) -> type[np.floating]:
    return request.param


@pytest.fixture
def no_cache() -> Iterator[None]:
    """Lets kernels take every result to be too large for the caches."""
    native.set_last_cache_bytes(1)
    yield
    native.set_last_cache_bytes(0)
