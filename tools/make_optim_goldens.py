"""Writes tests/golden/optim.npz: what PyTorch's optimizers and schedules make of the tests' problem.

`python tools/make_optim_goldens.py`, with PyTorch 2.13.0 installed. For each configuration and type: the losses, the
parameters and the state at the end, one after the other, and the names of them.
For each schedule: the rates and momenta, epoch by epoch.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.optim import schedules  # noqa: E402
from tests.optim.configurations import CONFIGURATIONS, run  # noqa: E402


def main() -> None:
    """Run every configuration, and write what came out."""
    torch.set_num_threads(1)
    arrays: dict[str, Any] = {}
    for name in CONFIGURATIONS:
        for dtype in ("float32", "float64"):
            found = run(torch, name, dtype)
            # One array a run: an archive of thousands of small ones is mostly their names.
            arrays[f"{name}/{dtype}"] = np.concatenate([np.asarray(value, dtype).ravel() for value in found.values()])
            arrays[f"{name}/{dtype}/keys"] = np.array("\n".join(found))
    for name in (*schedules.SCHEDULES, *schedules.PLATEAUS):
        arrays[f"schedule/{name}"] = np.array(schedules.run(torch, name))
    np.savez_compressed(ROOT / "tests" / "golden" / "optim.npz", **arrays)


if __name__ == "__main__":
    main()
