"""One library's process: reads requests as JSON lines from its input, answers on its output.

    python -m benchmarks.worker rushlight 2

The library is `rushlight`, `torch` or `torch.compile`. A third argument names the instruction set for our kernels;
PyTorch takes its own from the environment.
A workload is named `[module, function, arguments…]`.
`{"workload": w, "seconds": s}` runs a burst of about s seconds and answers with the seconds a step took; the first time
it makes the workload, warms it up, and forgets the one before.
`{"results": w, "steps": n}` answers with the results of the first n steps of a fresh workload.
`{"growth": w, "steps": n}` answers with the bytes by which the process's peak memory grew in them.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import models
from benchmarks.memory import peak_memory


def burst(step: Callable[[], Any], seconds: float) -> float:
    """The mean time of a step over a burst of about the given length."""
    count, clock = 1, time.perf_counter
    while True:
        start = clock()
        for _ in range(count):
            step()
        spent = clock() - start
        if spent >= seconds / 2:
            return spent / count
        count = max(count * 2, int(count * seconds / max(spent, 1e-6) * 0.8))


def number(result: Any) -> float | None:
    """A step's result as one number that tells wrong results from right ones."""
    if result is None or isinstance(result, float):
        return result
    return float(result.detach().double().abs().sum().item())


class Library:
    """The library under test, and the workload it has ready."""

    def __init__(self, name: str, threads: int) -> None:
        package = name.partition(".")[0]
        self.torch = importlib.import_module(package)
        importlib.import_module(f"{package}.optim")
        self.torch.set_num_threads(threads)
        if name == "torch.compile":
            models.prepare = self.torch.compile
        self.ready: Any = None
        self.step: Callable[[], Any] = lambda: None

    def make(self, workload: list[Any]) -> Callable[[], Any]:
        module, function, *arguments = workload
        return getattr(importlib.import_module(f"benchmarks.{module}"), function)(self.torch, *arguments)

    def answer(self, request: dict[str, Any]) -> Any:
        if "results" in request:
            fresh = self.make(request["results"])
            return [number(fresh()) for _ in range(request["steps"])]
        if "growth" in request:
            before = peak_memory()
            fresh = self.make(request["growth"])
            for _ in range(request["steps"]):
                fresh()
            return peak_memory() - before
        if request["workload"] != self.ready:
            self.step = lambda: None
            self.ready, self.step = request["workload"], self.make(request["workload"])
            for _ in range(3):
                self.step()
        return burst(self.step, request["seconds"])


def main() -> None:
    library = Library(sys.argv[1], int(sys.argv[2]))
    if sys.argv[1] == "rushlight" and len(sys.argv) > 3:
        importlib.import_module("rushlight._native").set_isa(sys.argv[3])
    for line in sys.stdin:
        print(json.dumps(library.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
