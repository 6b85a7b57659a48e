"""What a library costs beside its speed: import time, memory after import, installed size, memory of a workload."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.processes import Worker

_IMPORT = """
import time
start = time.perf_counter()
import {library}
spent = time.perf_counter() - start
from benchmarks.memory import peak_memory
print(spent, peak_memory())
"""


def import_cost(libraries: tuple[str, ...], rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds and bytes that importing takes, each the median over fresh interpreters, the libraries in turn."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in libraries}
    # An installed package has its bytecode; where the environment forbids writing it, a source tree would not.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(rounds + 1):
        for name in libraries:
            command = [sys.executable, "-c", _IMPORT.format(library=name)]
            out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            seconds, memory = out.stdout.split()
            times[name].append((float(seconds), float(memory)))
    # The first round reads files from the disk and writes bytecode.
    return {
        name: (statistics.median(t for t, _ in runs[1:]), statistics.median(m for _, m in runs[1:]))
        for name, runs in times.items()
    }


def growth(library: str, workload: list[Any], threads: int, steps: int = 4) -> float:
    """Bytes by which a fresh process's peak memory grows, after the import, in the first steps of a workload."""
    with Worker(library, threads) as worker:
        return float(worker.ask(growth=workload, steps=steps))


def _requirements(name: str, seen: set[str]) -> set[str]:
    name = name.lower().replace("_", "-")
    if name in seen:
        return seen
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return seen
    seen.add(name)
    for text in distribution.requires or []:
        if "extra ==" in text:
            continue
        requirement = text.split(";")[0].strip()
        bare = requirement
        for mark in "<>=!~ [(":
            bare = bare.split(mark)[0]
        _requirements(bare, seen)
    return seen


def installed_size(name: str) -> float:
    """Bytes of a distribution and of everything that it requires, as their records list them."""
    total = 0.0
    for required in _requirements(name, set()):
        for file in metadata.distribution(required).files or []:
            path = Path(str(file.locate()))
            if path.is_file() and path.suffix != ".pyc":
                total += path.stat().st_size
    if name == "rushlight":
        # An editable install lists pointers only: what counts is the package itself.
        import rushlight

        package = Path(rushlight.__file__).parent
        files = {Path(str(f.locate())).resolve() for f in metadata.distribution(name).files or []}
        if package / "__init__.py" not in files:
            total += sum(f.stat().st_size for f in package.rglob("*") if f.is_file() and f.suffix != ".pyc")
    return total
