"""The machine's limits: the rate of the best matrix product seen, and of the best copy."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

__all__ = ["peak_bandwidth", "peak_flops"]


def _best(function: Callable[[], Any], repeats: int) -> float:
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def peak_flops(size: int = 1024, repeats: int = 30) -> float:
    """Operations a second of the best product of two square matrices: ours, or NumPy's where threads may be used."""
    import numpy as np

    from rushlight import get_num_threads, kernels

    a = np.ones((size, size), np.float32)
    best = _best(lambda: kernels.gemm(a, a), repeats)
    if get_num_threads() > 1:
        best = min(best, _best(lambda: np.matmul(a, a), repeats))
    return 2 * size**3 / best


def peak_bandwidth(megabytes: int = 128, repeats: int = 10) -> float:
    """Bytes a second, read and written, of the best copy of an array far larger than the caches."""
    import numpy as np

    import rushlight

    a = rushlight.ones(megabytes << 18)
    b = rushlight.zeros(megabytes << 18)
    x, y = a.numpy(), b.numpy()
    return 2 * a.numel() * 4 / min(_best(lambda: b.copy_(a), repeats), _best(lambda: np.copyto(y, x), repeats))
