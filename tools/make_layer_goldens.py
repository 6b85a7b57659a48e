"""Golden values of tests/cases, computed by PyTorch 2.13: `python tools/make_layer_goldens.py [FAMILY …]`.

For each case, in float32 and float64: outputs, gradients of inputs and parameters, the state before and after the call,
and the repr; in tests/golden/layers/FAMILY.npz, the texts as one JSON array of bytes.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.cases.case import FAMILIES, Case, array, call, cases, gradients, is_plain  # noqa: E402

FOLDER = ROOT / "tests" / "golden" / "layers"
SEED = 2013
DTYPES = ("float32", "float64")


def arrays(case: Case, t: Any, dtype: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The numbers and the texts of one case."""
    made = call(case, t, dtype, SEED)
    numbers = {f"out{i}": array(out) for i, out in enumerate(made.outputs)}
    numbers |= {f"grad{i}": array(g) for i, g in enumerate(gradients(t, made)) if g is not None}
    texts: dict[str, Any] = {"leaves": len(made.leaves)}
    if isinstance(made.callee, t.nn.Module):
        state = {k: v for k, v in made.callee.state_dict().items() if is_plain(v)}
        texts |= {"repr": repr(made.callee), "state": list(made.callee.state_dict())}
        if dtype == "float32":
            numbers |= {f"initial.{key}": array(value) for key, value in made.initial.items()}
        buffers = {name for name, _ in made.callee.named_buffers()}
        numbers |= {f"state.{key}": array(value) for key, value in state.items() if key in buffers}
    return numbers, texts


def write(family: str) -> None:
    import torch

    numbers: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in cases(family):
            if case.name in texts:
                raise ValueError(f"tests/cases/{family}.py names {case.name!r} twice")
            for dtype in DTYPES:
                found, texts[case.name] = arrays(case, torch, dtype)
                numbers |= {f"{case.name}|{dtype}|{key}": value for key, value in found.items()}
    document = np.frombuffer(json.dumps(texts, ensure_ascii=False).encode(), np.uint8)
    np.savez_compressed(FOLDER / f"{family}.npz", texts=document, **numbers)
    print(f"{family}: {len(texts)} cases, {(FOLDER / f'{family}.npz').stat().st_size:,} bytes")


if __name__ == "__main__":
    for family in sys.argv[1:] or FAMILIES:
        write(family)
