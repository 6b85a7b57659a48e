"""The processes that are compared, one a library, and how they are timed in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

__all__ = ["ISAS", "Worker", "compare", "spread"]

# What keeps PyTorch's own kernels and those of its libraries to an instruction set.
_LIMITS = {"avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}}
ISAS = tuple(_LIMITS)

# A burst starts after the other process's threads have stopped spinning.
_SETTLE_SECONDS = 0.05


class Worker:
    """A library in its own process; with an instruction set, held to that one."""

    def __init__(self, library: str, threads: int, isa: str | None = None) -> None:
        environment = dict(
            os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads)
        )
        environment |= _LIMITS[isa] if isa else {}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.worker", library, str(threads), *([isa] if isa else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, **request: Any) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a benchmark process ended with status {self.process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def compare(teams: list[list[Worker]], workload: list[Any], rounds: int, seconds: float) -> list[list[float]]:
    """Each library's times of a workload, round by round, in bursts that take turns.

    A team is a process of each library. Teams take turns too, since a process may be slow or fast for good by where its
    memory lies; the first round of each warms up.
    """
    times: list[list[float]] = [[] for _ in teams[0]]
    for i in range(-len(teams), rounds):
        team = teams[i % len(teams)]
        order = list(range(len(team)))
        for at in order if i % 2 else order[::-1]:
            taken = team[at].ask(workload=workload, seconds=seconds)
            if i >= 0:
                times[at].append(taken)
            time.sleep(_SETTLE_SECONDS)
    return times


def spread(ours: list[float], theirs: list[float]) -> tuple[float, float, float]:
    """The median and the quartiles of the ratios, theirs over ours."""
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    if len(ratios) < 4:
        return statistics.median(ratios), ratios[0], ratios[-1]
    low, _, high = statistics.quantiles(ratios)
    return statistics.median(ratios), low, high
