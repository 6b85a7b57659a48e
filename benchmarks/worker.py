"""One library's process: reads requests as JSON lines from its input, answers on its output.

    python -m benchmarks.worker rushlight

`{"workload": i, "seconds": s}` runs a burst of workload i of about s seconds and answers with the seconds a step took.
`{"losses": i, "steps": n}` answers with the results of the first n steps of a fresh workload i.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

from benchmarks.memory import peak_memory
from benchmarks.workloads import WORKLOADS


def burst(step: Any, seconds: float) -> float:
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


def main() -> None:
    library, threads = sys.argv[1], int(sys.argv[2])
    torch = importlib.import_module(library)
    importlib.import_module(f"{library}.optim")
    torch.set_num_threads(threads)
    steps: dict[int, Any] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "losses" in request:
            fresh = WORKLOADS[request["losses"]].make(torch)
            answer: Any = [fresh() for _ in range(request["steps"])]
        elif "memory" in request:
            answer = peak_memory()
        else:
            i = request["workload"]
            if i not in steps:
                steps[i] = WORKLOADS[i].make(torch)
                for _ in range(3):
                    steps[i]()
            answer = burst(steps[i], request["seconds"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
