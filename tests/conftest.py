"""Every test begins with seeds of its own, named when it fails, and leaves the global state as it found it."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator

import numpy as np
import pytest

import rushlight
from rushlight.autograd import grad_mode


@pytest.fixture(autouse=True)
def seeds(request: pytest.FixtureRequest) -> int:
    """Seeds Rushlight, NumPy and Python by the test's name, so that a test draws the same alone and among others."""
    seed = zlib.crc32(request.node.nodeid.encode())
    rushlight.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    request.node.add_report_section("setup", "seed", f"manual_seed({seed}), numpy.random.seed, random.seed")
    return seed


@pytest.fixture(autouse=True)
def global_state() -> Iterator[None]:
    """Restores the default dtype, the gradient mode, the options of printing and the number of threads."""
    dtype, options, threads = rushlight.get_default_dtype(), rushlight.get_printoptions(), rushlight.get_num_threads()
    mode = grad_mode.state
    enabled, inference = mode.enabled, mode.inference
    yield
    mode.enabled, mode.inference = enabled, inference
    rushlight.set_default_dtype(dtype)
    rushlight.set_printoptions(**options)
    rushlight.set_num_threads(threads)
