"""How costs grow as the work grows, beside PyTorch's: `python -m benchmarks.scaling` draws docs/performance.png.

Batch size, depth and sequence length each run over a factor of 32, with one thread and with two. The figure is a rate:
the least arithmetic of a step over its time, against the best matrix product seen; for attention the memory too. Bursts
of both libraries take turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import footprint
from benchmarks.limits import peak_bandwidth, peak_flops
from benchmarks.processes import Worker, compare
from benchmarks.workloads import GPT_TOKEN, MLP

LIBRARIES = ("rushlight", "torch")
COLOURS = {"rushlight": "#c8641c", "torch": "#4c6a92"}


@dataclass(frozen=True)
class Curve:
    """A workload over a range of sizes: what names it to a worker, and the least arithmetic of a step at each size."""

    title: str
    label: str
    module: str
    function: str
    sizes: tuple[int, ...]
    first: tuple[Any, ...]
    flops: Any

    def request(self, size: int) -> list[Any]:
        return [self.module, self.function, *self.first, size]


CURVES = (
    Curve(
        "batch size: MLP 784-512-512-10, SGD step", "samples", "networks", "mlp", (4, 8, 16, 32, 64, 128, 256, 512), (),
        lambda n: 2.0 * n * (3 * MLP - 784 * 512),
    ),
    Curve(
        "depth: layers 256-256, batch 64, SGD step", "layers", "networks", "tower", (1, 2, 4, 8, 16, 32), (),
        lambda n: 2.0 * 64 * 256 * 256 * (3 * n - 1),
    ),
    Curve(
        "length: GPT, 4 layers, d 192, batch 8, AdamW step", "tokens", "networks", "gpt",
        (16, 32, 64, 128, 256, 512), (),
        lambda n: 6.0 * 8 * n * (GPT_TOKEN + 4 * n * 192),
    ),
    Curve(
        "length: attention, 4 heads of 64, forward and backward", "tokens", "micro", "attention",
        (128, 256, 512, 1024, 2048, 4096), (), lambda n: 12.0 * 4 * n**2 * 64,
    ),
)  # fmt: skip


def measure(threads: int, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Each curve's times, a library and a size each."""
    workers = [Worker(name, threads) for name in LIBRARIES]
    rows = []
    for curve in CURVES:
        for size in curve.sizes:
            times = compare([workers], curve.request(size), rounds, seconds)
            row = {"curve": curve.title, "size": size, "threads": threads, "flops": curve.flops(size)}
            row |= {name: statistics.median(t) for name, t in zip(LIBRARIES, times, strict=True)}
            rows.append(row)
            print(f"{curve.title:56} {size:6} {threads} threads {row['torch'] / row['rushlight']:6.2f}x", flush=True)
    for worker in workers:
        worker.close()
    return rows


def attention_memory() -> list[dict[str, Any]]:
    """The growth of the peak memory in attention's forward and backward pass at each length."""
    curve = CURVES[-1]
    return [
        {"size": size} | {name: footprint.growth(name, curve.request(size), 2, 1) for name in LIBRARIES}
        for size in curve.sizes
    ]


def _ticks(panel: Any, sizes: tuple[int, ...], label: str) -> None:
    panel.set_xscale("log", base=2)
    panel.set_xticks(sizes, [str(n) for n in sizes])
    panel.minorticks_off()
    panel.set_xlabel(label)


def _draw_rates(panel: Any, curve: Curve, result: dict[str, Any]) -> None:
    for threads, style in ((1, "--"), (2, "-")):
        rows = [r for r in result["rows"] if (r["curve"], r["threads"]) == (curve.title, threads)]
        for name in LIBRARIES:
            panel.plot(
                curve.sizes, [r["flops"] / r[name] / 1e9 for r in rows], style, marker="o", ms=3, color=COLOURS[name],
                label=f"{name}, {threads} thread{'s' * (threads > 1)}",
            )  # fmt: skip
        panel.axhline(result["peak_flops"][str(threads)] / 1e9, color="#999999", ls=style, lw=0.8)
    panel.set(ylabel="GFLOP/s", ylim=(0, None))
    panel.set_title(curve.title, fontsize=9)
    _ticks(panel, curve.sizes, curve.label)


def _draw_memory(panel: Any, rows: list[dict[str, Any]]) -> None:
    for name in LIBRARIES:
        panel.plot(
            [r["size"] for r in rows], [r[name] / 1e6 for r in rows], "-o", ms=3, color=COLOURS[name], label=name
        )
    panel.set(ylabel="MB", ylim=(0, None))
    panel.set_title("attention: growth of the peak memory", fontsize=9)
    panel.set_xlabel("tokens")


def _draw_gain(panel: Any, result: dict[str, Any]) -> None:
    for curve, marker in zip(CURVES, "osd^", strict=True):
        one, two = (
            [r["rushlight"] for r in result["rows"] if (r["curve"], r["threads"]) == (curve.title, n)] for n in (1, 2)
        )
        gain = [a / b for a, b in zip(one, two, strict=True)]
        panel.plot(range(len(gain)), gain, f"-{marker}", ms=4, label=curve.title.split(",")[0])
    panel.axhline(2, color="#999999", lw=0.8)
    panel.set(xlabel="doublings of the size", ylabel="times faster", ylim=(0, 2.5))
    panel.set_title("rushlight: gain of the second thread", fontsize=9)


def draw(result: dict[str, Any], path: Path) -> None:
    """One panel a curve, then attention's memory and the second thread's gain; grey lines are the machine's limit."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(13, 7), layout="constrained")
    panels = list(axes.flat)
    for curve, panel in zip(CURVES, panels, strict=False):
        _draw_rates(panel, curve, result)
    _draw_memory(panels[4], result["attention_memory"])
    _draw_gain(panels[5], result)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description="How costs grow, as a picture.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--output", type=Path, default=Path("runs/scaling.json"))
    parser.add_argument("--picture", type=Path, default=Path("docs/performance.png"))
    options = parser.parse_args()
    result: dict[str, Any] = {"rows": [], "peak_flops": {}, "peak_bandwidth": peak_bandwidth()}
    for threads in (1, 2):
        import rushlight

        rushlight.set_num_threads(threads)
        result["peak_flops"][str(threads)] = peak_flops()
        result["rows"] += measure(threads, options.rounds, options.seconds)
    result["attention_memory"] = attention_memory()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    draw(result, options.picture)
    print(f"written to {options.output} and {options.picture}")


if __name__ == "__main__":
    main()
