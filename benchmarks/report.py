"""`python -m benchmarks.report` puts the figures of runs/bench.json into README.md and docs/performance.md.

A table stands between `<!-- bench: NAME -->` and `<!-- end -->`; NAME is a part of the benchmark, `memory` or `cost`.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGES = (Path("README.md"), Path("docs/performance.md"))
TABLE = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

Result = dict[str, Any]


def _time(seconds: float) -> str:
    for unit, scale in (("µs", 1e6), ("ms", 1e3), ("s", 1.0)):
        if seconds * scale < 1000 or unit == "s":
            return f"{seconds * scale:.3g} {unit}"
    raise AssertionError


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _ratio(row: dict[str, Any]) -> str:
    text = f"{row['ratio']:.2f}"
    return f"**{text}**" if row["ratio"] >= row["required"] else text


def ratios(result: Result, part: str) -> str:
    """A part's ratios beside the figures to reach, with both times and how near ours comes to the floor."""
    rows = []
    compiled = any("compiled_ratio" in row for row in result[part])
    for row in result[part]:
        floor = row["floor_seconds"]
        share = f"{_time(floor)} ({floor / row['rushlight_seconds']:.0%})" if floor else ""
        beside = [f"{row['compiled_ratio']:.2f}"] if compiled else []
        rows.append(
            [row["name"], f"{row['required']:.1f}", _ratio(row), f"{row['low']:.2f} to {row['high']:.2f}",
             _time(row["rushlight_seconds"]), _time(row["torch_seconds"]), share, *beside]
        )  # fmt: skip
    if part == "inference":
        mean = statistics.geometric_mean(row["ratio"] for row in result[part])
        rows.append(["geometric mean", "1.5", f"**{mean:.2f}**" if mean >= 1.5 else f"{mean:.2f}", "", "", "", ""])
        rows[-1] += [""] * compiled
    head = ["workload", "to reach", "ratio", "quartiles", "Rushlight", "PyTorch", "floor (share)"]
    return _table(head + ["ratio to torch.compile"] * compiled, rows)


def needs(result: Result) -> str:
    """The arithmetic and the bytes that each training step needs at least."""
    rows = []
    for row in result["training"]:
        rate = row["flops"] / row["rushlight_seconds"]
        rows.append(
            [row["name"], f"{row['flops'] / 1e9:.3g}", f"{row['bytes'] / 1e6:.3g}", f"{rate / 1e9:.3g}",
             f"{rate / result['peak_flops']:.0%}"]
        )  # fmt: skip
    return _table(["training step", "GFLOP", "MB", "GFLOP/s reached", "of the best product"], rows)


def memory(result: Result) -> str:
    """What a process grows by in its first steps."""
    return _table(
        ["training step", "Rushlight, MB", "PyTorch, MB"],
        [[r["name"], f"{r['rushlight'] / 1e6:.0f}", f"{r['torch'] / 1e6:.0f}"] for r in result["memory"]],
    )


def cost(result: Result) -> str:
    """Import and installation."""
    imports, sizes = result["import"], result["installed_bytes"]
    return _table(
        ["what it costs", "Rushlight", "PyTorch"],
        [
            ["import", *(f"{imports[name][0]:.2f} s" for name in ("rushlight", "torch"))],
            ["memory after import", *(f"{imports[name][1] / 1e6:.0f} MB" for name in ("rushlight", "torch"))],
            ["installed, with what it requires", *(f"{sizes[name] / 1e6:.0f} MB" for name in ("rushlight", "torch"))],
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description="The figures, into the pages.")
    parser.add_argument("--input", type=Path, default=Path("runs/bench.json"))
    result = json.loads(parser.parse_args().input.read_text())
    tables: dict[str, Callable[[Result], str]] = {"memory": memory, "cost": cost, "needs": needs}
    for page in PAGES:
        text = page.read_text()
        filled = TABLE.sub(
            lambda m: m[1] + (tables[m[2]](result) if m[2] in tables else ratios(result, m[2])) + m[3], text
        )
        page.write_text(filled)
        print(f"{page}: {len(TABLE.findall(text))} tables")


if __name__ == "__main__":
    main()
