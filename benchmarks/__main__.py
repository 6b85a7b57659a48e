"""`make bench`: tables of ratios (PyTorch's time over Rushlight's; above 1 is faster), and the same as JSON.

Two processes, one a library, run each workload in short bursts in turn; the figure is the median of the bursts' ratios,
since a single time on a shared machine says little, and the spread beside it says how little. With --compile a third
process runs the same under torch.compile. With --isa both libraries are held to an older instruction set.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks import footprint
from benchmarks.limits import peak_bandwidth, peak_flops
from benchmarks.processes import ISAS, Worker, compare, spread
from benchmarks.workloads import INFERENCE, OPERATIONS, SMALL, TRAINING, WORKLOADS, Workload

PARTS = {"training": TRAINING, "small": SMALL, "inference": INFERENCE, "operations": OPERATIONS}
TITLES = {
    "training": "training step",
    "small": "the least a call costs",
    "inference": "inference, one sample",
    "operations": "single operations",
}
INFERENCE_MEAN = 1.5


def format_time(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def print_row(row: dict[str, Any]) -> None:
    floor = format_time(row["floor_seconds"]) if row["floor_seconds"] else "-"
    compiled = f"{row['compiled_ratio']:8.2f}x" if "compiled_ratio" in row else ""
    ours, theirs = format_time(row["rushlight_seconds"]), format_time(row["torch_seconds"])
    spread = f"({row['low']:.2f} to {row['high']:.2f})"
    print(
        f"{row['name']:56} {row['ratio']:6.2f}x  {spread:15} >= {row['required']:.1f} {ours:>10} {theirs:>10}"
        f" {floor:>10}{compiled}",
        flush=True,
    )


class Measurement:
    """The machine's limits, the processes, and how long each burst is."""

    def __init__(self, threads: int, processes: int, rounds: int, seconds: float, smoke: bool, isa: str | None) -> None:
        self.flops = peak_flops(256, 2) if smoke else peak_flops()
        self.bandwidth = peak_bandwidth(8, 2) if smoke else peak_bandwidth()
        self.teams = [[Worker(name, threads, isa) for name in ("rushlight", "torch")] for _ in range(processes)]
        self.threads, self.rounds, self.seconds, self.isa = threads, rounds, seconds, isa

    def row(self, workload: Workload) -> dict[str, Any]:
        """The ratio of one workload, with its quartiles, both times and the floor."""
        ours, theirs = compare(self.teams, workload.request(), self.rounds, self.seconds)
        ratio, low, high = spread(ours, theirs)
        return {
            "name": workload.name,
            "required": workload.required,
            "floor_seconds": max(workload.flops / self.flops, workload.bytes / self.bandwidth),
            "flops": workload.flops,
            "bytes": workload.bytes,
            "ratio": ratio,
            "low": low,
            "high": high,
            "rushlight_seconds": statistics.median(ours),
            "torch_seconds": statistics.median(theirs),
        }

    def compiled(self, row: dict[str, Any], workload: Workload) -> None:
        """Adds torch.compile's time, measured in turn with ours."""
        with Worker("torch.compile", self.threads, self.isa) as third:
            ours, theirs = compare([[self.teams[0][0], third]], workload.request(), self.rounds, self.seconds)
        row["compiled_ratio"], row["compiled_seconds"] = spread(ours, theirs)[0], statistics.median(theirs)

    def differing(self, workloads: list[Workload]) -> list[str]:
        """Where the two libraries' results differ by more than a workload's tolerance in the first steps."""
        wrong = []
        for workload in workloads:
            a, b = (worker.ask(results=workload.request(), steps=workload.checked) for worker in self.teams[0])
            for step, (x, y) in enumerate(zip(a, b, strict=True)):
                if x is not None and not math.isclose(x, y, rel_tol=workload.tolerance, abs_tol=1e-5):
                    wrong.append(f"{workload.name}: step {step}: rushlight {x}, torch {y}")
                    break
        return wrong

    def close(self) -> None:
        for team in self.teams:
            for worker in team:
                worker.close()


def table(measurement: Measurement, part: str, names: list[str], compiled: bool) -> list[dict[str, Any]]:
    """Measures and prints one part's workloads."""
    chosen = [w for w in PARTS[part] if not names or any(name in w.name for name in names)]
    if not chosen:
        return []
    print(
        f"\n{TITLES[part]:56} {'ratio':>7}  {'(quartiles)':15} {'target':6} {'rushlight':>10} {'torch':>10}"
        f" {'floor':>10}{' compiled' if compiled else ''}"
    )
    rows = []
    for workload in chosen:
        row = measurement.row(workload)
        if compiled and part in ("training", "inference"):
            measurement.compiled(row, workload)
        rows.append(row)
        print_row(row)
    if part == "inference":
        mean = statistics.geometric_mean(row["ratio"] for row in rows)
        print(f"{'geometric mean':56} {mean:6.2f}x  {'':15} >= {INFERENCE_MEAN}")
    return rows


def print_memory(names: list[str], threads: int) -> list[dict[str, Any]]:
    """The growth of each library's peak memory in the first steps of each training workload, in fresh processes."""
    print(f"\n{'peak memory of a training step beyond the import, MB':56} {'rushlight':>10} {'torch':>10}  target")
    rows = []
    for workload in TRAINING:
        if names and not any(name in workload.name for name in names):
            continue
        growth = {name: footprint.growth(name, workload.request(), threads) for name in ("rushlight", "torch")}
        rows.append({"name": workload.name, **growth})
        ours, theirs = growth["rushlight"] / 1e6, growth["torch"] / 1e6
        print(f"{workload.name:56} {ours:10.1f} {theirs:10.1f}  <= torch", flush=True)
    return rows


def print_footprint(threads: int, rounds: int) -> dict[str, Any]:
    cost = footprint.import_cost(("rushlight", "torch", "numpy"), rounds)
    sizes = {name: footprint.installed_size(name) for name in ("rushlight", "torch")}
    seconds, memory = ({name: value[i] for name, value in cost.items()} for i in (0, 1))
    print(f"\n{'':56} {'rushlight':>10} {'torch':>10}  target")
    for title, values, unit, digits, target in (
        ("import, seconds", seconds, 1.0, 2, f"<= 0.30 (numpy: {seconds['numpy']:.2f})"),
        ("memory after import, MB", memory, 1e6, 0, "<= 45"),
        ("installed with what it requires, MB", sizes, 1e6, 0, "<= 90"),
    ):
        ours, theirs = values["rushlight"] / unit, values["torch"] / unit
        print(f"{title:56} {ours:10.{digits}f} {theirs:10.{digits}f}  {target}")
    return {"import": cost, "installed_bytes": sizes}


def print_verdict(result: dict[str, Any]) -> None:
    rows = [row for part in PARTS for row in result.get(part, [])]
    missed = [f"{row['name']} {row['ratio']:.2f}" for row in rows if row["ratio"] < row["required"]]
    below = f"; below it: {'; '.join(missed)}" if missed else ""
    print(f"\n{len(rows) - len(missed)} of {len(rows)} reach their figure{below}")
    flops, bandwidth = result["peak_flops"] / 1e9, result["peak_bandwidth"] / 1e9
    print(
        f"floor: a workload's arithmetic at {flops:.0f} GFLOP/s (the best product seen) or its bytes at "
        f"{bandwidth:.0f} GB/s (the best copy seen), whichever takes longer"
    )
    widest = max(((row["high"] - row["low"]) / row["ratio"] for row in rows), default=0)
    if widest > 0.3:
        print(
            f"The quartiles are up to {widest:.0%} apart: this machine is noisy now; a longer run's medians mean more."
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and size beside PyTorch.")
    parser.add_argument("names", nargs="*", help="only workloads whose name contains one of these")
    parts = [*PARTS, "memory", "footprint"]
    parser.add_argument("--part", choices=parts, action="append", help="only this table; may be repeated")
    parser.add_argument("--rounds", type=int, default=9, help="bursts of each library for a workload")
    parser.add_argument("--processes", type=int, default=3, help="of each library, which take turns in its bursts")
    parser.add_argument("--seconds", type=float, default=0.2, help="length of a burst")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--isa", choices=ISAS, help="the instruction set, where it is not to be the machine's")
    parser.add_argument("--compile", action="store_true", help="also under torch.compile (takes minutes)")
    parser.add_argument(
        "--smoke", action="store_true", help="results only: fails on a crash or a wrong result, never on a time"
    )
    parser.add_argument("--output", type=Path, default=Path("runs/bench.json"))
    options = parser.parse_args()
    if options.smoke:
        options.processes, options.rounds, options.seconds = 1, 1, 0.005
    parts = options.part or parts
    measurement = Measurement(
        options.threads, options.processes, options.rounds, options.seconds, options.smoke, options.isa
    )
    result: dict[str, Any] = {"peak_flops": measurement.flops, "peak_bandwidth": measurement.bandwidth}
    for part in PARTS:
        if part in parts:
            result[part] = table(measurement, part, options.names, options.compile)
    measured = {row["name"] for part in PARTS for row in result.get(part, [])}
    result["differ"] = measurement.differing([w for w in WORKLOADS if w.name in measured])
    measurement.close()
    if "memory" in parts:
        result["memory"] = print_memory(options.names, options.threads)
    if "footprint" in parts and not options.names:
        result |= print_footprint(options.threads, 1 if options.smoke else 5)
    result |= {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "threads": options.threads,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    if not options.smoke:
        print_verdict(result)
    print(f"written to {options.output}")
    for line in result["differ"]:
        print(f"DIFFERS {line}")
    return 1 if result["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
