"""Every configuration of every optimizer ends where PyTorch's ends, with its losses and its state.

tests/golden/optim.npz holds what PyTorch computed; tools/make_optim_goldens.py made it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight
from tests.optim.configurations import CONFIGURATIONS, close, run


@cache
def golden() -> dict[str, Any]:
    with np.load(Path(__file__).parents[1] / "golden" / "optim.npz") as archive:
        return dict(archive)


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trajectory(name: str, dtype: str) -> None:
    ours = run(rushlight, name, dtype)
    keys = str(golden()[f"{name}/{dtype}/keys"]).split("\n")
    numbers = golden()[f"{name}/{dtype}"]
    theirs, offset = {}, 0
    for key in keys:
        size = ours[key].size if key in ours else 1
        theirs[key] = numbers[offset : offset + size].reshape(ours[key].shape if key in ours else ())
        offset += size
    assert offset == numbers.size
    close(name, dtype, ours, theirs)
