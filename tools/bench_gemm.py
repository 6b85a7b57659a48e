"""Prints the speed of matrix products: the compiled kernel, NumPy's BLAS and, where installed, PyTorch.

Each runs in processes of its own, in turn, since their thread pools disturb one another; the best median is shown.

    python tools/bench_gemm.py [--threads 2] [--rounds 3] [--isa avx2]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

# name, m, k, n, transpose_a, transpose_b, dtype
SHAPES = [
    ("forward  (64,784) x (512,784).T", 64, 784, 512, False, True, "f"),
    ("input    (64,512) x (512,784)", 64, 512, 784, False, False, "f"),
    ("weight   (64,512).T x (64,784)", 512, 64, 784, True, False, "f"),
    ("forward  (64,512) x (512,512).T", 64, 512, 512, False, True, "f"),
    ("input    (64,512) x (512,512)", 64, 512, 512, False, False, "f"),
    ("weight   (64,512).T x (64,512)", 512, 64, 512, True, False, "f"),
    ("forward  (64,512) x (10,512).T", 64, 512, 10, False, True, "f"),
    ("input    (64,10) x (10,512)", 64, 10, 512, False, False, "f"),
    ("weight   (64,10).T x (64,512)", 10, 64, 512, True, False, "f"),
    ("8 cubed", 8, 8, 8, False, False, "f"),
    ("128 cubed", 128, 128, 128, False, False, "f"),
    ("512 cubed", 512, 512, 512, False, False, "f"),
    ("1024 cubed", 1024, 1024, 1024, False, False, "f"),
    ("512 cubed, float64", 512, 512, 512, False, False, "d"),
]


def product(who: str, a: Any, b: Any, transpose_a: bool, transpose_b: bool) -> Callable[[], object]:
    if who == "rushlight":
        from rushlight.kernels import gemm

        return lambda: gemm(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    if who == "torch":
        import torch

        a, b = torch.from_numpy(a), torch.from_numpy(b)
    left, right = a.T if transpose_a else a, b.T if transpose_b else b
    return lambda: left @ right


def measure(who: str, isa: str | None) -> None:
    """One contestant's medians in microseconds, as JSON."""
    if who == "rushlight":
        import rushlight.memory  # noqa: F401
        from rushlight.kernels.dispatch import native

        if isa and native:
            native.set_isa(isa)
    rng = np.random.default_rng(0)
    medians = []
    for _, m, k, n, transpose_a, transpose_b, dtype in SHAPES:
        a = rng.random((k, m) if transpose_a else (m, k)).astype(dtype)
        b = rng.random((n, k) if transpose_b else (k, n)).astype(dtype)
        call = product(who, a, b, transpose_a, transpose_b)
        times = []
        for _ in range(max(5, min(400, int(1e9 / (m * k * n))))):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        medians.append(statistics.median(times) * 1e6)
    print(json.dumps(medians))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--isa")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measure(options.measure, options.isa)
    contestants = ["rushlight", "numpy"] + (["torch"] if importlib.util.find_spec("torch") else [])
    best: dict[str, list[float]] = {}
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "PYTHONPATH": root}
    for _ in range(options.rounds):
        for who in contestants:
            command = [sys.executable, __file__, "--measure", who, *(["--isa", options.isa] if options.isa else [])]
            times = json.loads(
                subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
            )
            best[who] = [min(pair) for pair in zip(best.get(who, times), times, strict=True)]
    print(f"{'GFLOP/s (µs)':34}" + "".join(f"{who:>20}" for who in contestants))
    for i, (name, m, k, n, *_) in enumerate(SHAPES):
        cells = (f"{2 * m * k * n / best[who][i] / 1e3:.1f} ({best[who][i]:.1f})" for who in contestants)
        print(f"{name:34}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
