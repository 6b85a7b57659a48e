"""`make bench`: one table of ratios (PyTorch's time over Rushlight's; above 1 is faster), and the same as JSON.

Two processes, one a library, run each workload in short bursts in turn; the figure is the median of the bursts' ratios,
since a single time on a shared machine says little, and the spread beside it says how little.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import footprint
from benchmarks.workloads import WORKLOADS

# A burst starts after the other process's threads have stopped spinning.
_SETTLE_SECONDS = 0.05


class Worker:
    """A library in its own process."""

    def __init__(self, library: str, threads: int) -> None:
        environment = dict(
            os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads)
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", library, str(threads)],
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


def compare(ours: Worker, theirs: Worker, index: int, rounds: int, seconds: float) -> dict[str, Any]:
    """The ratio of one workload, with its quartiles and both times."""
    pairs = []
    for i in range(rounds + 1):
        order = (ours, theirs) if i % 2 else (theirs, ours)
        times = {}
        for worker in order:
            times[worker] = worker.ask(workload=index, seconds=seconds)
            time.sleep(_SETTLE_SECONDS)
        pairs.append((times[ours], times[theirs]))
    pairs = pairs[1:]
    ratios = sorted(b / a for a, b in pairs)
    low, high = (
        (ratios[0], ratios[-1]) if rounds < 4 else (statistics.quantiles(ratios)[0], statistics.quantiles(ratios)[2])
    )
    return {
        "ratio": statistics.median(ratios),
        "low": low,
        "high": high,
        "rushlight_seconds": statistics.median(a for a, _ in pairs),
        "torch_seconds": statistics.median(b for _, b in pairs),
    }


def check_losses(ours: Worker, theirs: Worker) -> list[str]:
    """Where the two libraries' training differs by more than 1e-4 (relative) in the first steps."""
    wrong = []
    for i, workload in enumerate(WORKLOADS):
        a, b = (worker.ask(losses=i, steps=workload.checked) for worker in (ours, theirs))
        for step, (x, y) in enumerate(zip(a, b, strict=True)):
            if x is not None and not math.isclose(x, y, rel_tol=1e-4, abs_tol=1e-5):
                wrong.append(f"{workload.name}: step {step}: rushlight {x}, torch {y}")
                break
    return wrong


def peak_flops() -> float:
    """The rate of the best matrix product seen, in operations a second: what a step's arithmetic is held against."""
    import numpy as np

    from rushlight import kernels

    a = np.ones((1024, 1024), np.float32)
    best = math.inf
    for product in (kernels.gemm, np.matmul):
        for _ in range(30):
            start = time.perf_counter()
            product(a, a)
            best = min(best, time.perf_counter() - start)
    return float(2 * 1024**3 / best)


def format_time(seconds: float) -> str:
    return f"{seconds * 1e6:.2f} us" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def measure(rounds: int, seconds: float, threads: int) -> dict[str, Any]:
    """Everything, as one dictionary."""
    peak = peak_flops()
    ours, theirs = Worker("rushlight", threads), Worker("torch", threads)
    rows = []
    for i, workload in enumerate(WORKLOADS):
        row = {"name": workload.name, "required": workload.required, "floor_seconds": workload.flops / peak}
        row |= compare(ours, theirs, i, rounds, seconds)
        rows.append(row)
        print_row(row)
    wrong = check_losses(ours, theirs)
    ours.close()
    theirs.close()
    return {"workloads": rows, "peak_flops": peak, "losses_differ": wrong}


def print_row(row: dict[str, Any]) -> None:
    floor = format_time(row["floor_seconds"]) if row["floor_seconds"] else "-"
    need = f">= {row['required']:.1f}" if row["required"] else ""
    print(
        f"{row['name']:52} {row['ratio']:6.2f}x  ({row['low']:.2f} to {row['high']:.2f}) {need:8}"
        f" {format_time(row['rushlight_seconds']):>10} {format_time(row['torch_seconds']):>10} {floor:>10}",
        flush=True,
    )


def print_footprint(threads: int, rounds: int) -> dict[str, Any]:
    cost = footprint.import_cost(("rushlight", "torch", "numpy"), rounds)
    sizes = {name: footprint.installed_size(name) for name in ("rushlight", "torch")}
    memory = {name: footprint.training_memory(name, threads) for name in ("rushlight", "torch")}
    mb = 1e6
    print(f"\n{'':52} {'rushlight':>10} {'torch':>10}  target")
    print(
        f"{'import, seconds':52} {cost['rushlight'][0]:10.2f} {cost['torch'][0]:10.2f}  <= 0.30 (numpy: "
        f"{cost['numpy'][0]:.2f})"
    )
    print(f"{'memory after import, MB':52} {cost['rushlight'][1] / mb:10.0f} {cost['torch'][1] / mb:10.0f}  <= 45")
    print(
        f"{'installed with what it requires, MB':52} {sizes['rushlight'] / mb:10.0f} {sizes['torch'] / mb:10.0f}  <= 90"
    )
    third = memory["torch"] / 3 / mb
    print(
        f"{'peak memory of MLP training, MB':52} {memory['rushlight'] / mb:10.0f} {memory['torch'] / mb:10.0f}  <= "
        f"{third:.0f}"
    )
    return {"import": cost, "installed_bytes": sizes, "training_peak_bytes": memory}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and size beside PyTorch.")
    parser.add_argument("--rounds", type=int, default=15, help="bursts of each library for a workload")
    parser.add_argument("--seconds", type=float, default=0.3, help="length of a burst")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--smoke", action="store_true", help="results only: fails on a crash or a wrong result, never on a time"
    )
    parser.add_argument("--output", type=Path, default=Path("runs/bench.json"))
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.seconds = 2, 0.02
    print(f"{'':52} {'ratio':>7}  {'(quartiles)':16} {'target':8} {'rushlight':>10} {'torch':>10} {'floor':>10}")
    result = measure(options.rounds, options.seconds, options.threads)
    result |= print_footprint(options.threads, 1 if options.smoke else 5)
    result |= {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "threads": options.threads,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(
        f"\nwritten to {options.output}; floor: the step's arithmetic at {result['peak_flops'] / 1e9:.0f} GFLOP/s, the "
        "best product seen"
    )
    spread = max((row["high"] - row["low"]) / row["ratio"] for row in result["workloads"])
    if spread > 0.3 and not options.smoke:
        print(
            f"The quartiles are up to {spread:.0%} apart: this machine is noisy now; only the medians of a longer run "
            "mean much."
        )
    for line in result["losses_differ"]:
        print(f"DIFFERS {line}")
    return 1 if result["losses_differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
