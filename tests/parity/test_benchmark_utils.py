"""torch.utils.benchmark: what measurements and tables print, and what fuzzers draw."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.utils.benchmark as theirs  # noqa: E402

import rushlight  # noqa: E402
import rushlight.utils.benchmark as ours  # noqa: E402


def measurements(library: Any, seed: int) -> list[Any]:
    """Random measurements of random tasks."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(rng.integers(1, 14)):
        spec = library.TaskSpec(
            stmt=str(rng.choice(["x + 1", "a longer statement(x)"])),
            setup=str(rng.choice(["pass", "y = 3", "two\nlines"])),
            label=rng.choice(["add", "multiply", None]),
            sub_label=str(rng.choice(["n = 1", "n = 1000", ""])),
            description=str(rng.choice(["ours", "theirs with a long name", "b"])),
            env=str(rng.choice(["here", "over there"])) if seed % 3 == 0 else None,
            num_threads=int(rng.integers(1, 3)),
        )
        times = 10.0 ** rng.uniform(-8, -2.5) * np.exp(
            10.0 ** rng.uniform(-4, 0) * rng.standard_normal(rng.integers(1, 9))
        )
        made.append(library.Measurement(int(rng.integers(1, 5)), times.tolist(), spec))
    return made


@pytest.mark.parametrize("seed", range(30))
def test_measurements_print_the_same(seed: int) -> None:
    for a, b in zip(measurements(ours, seed), measurements(theirs, seed), strict=True):
        assert repr(a).split("\n")[1:] == repr(b).split("\n")[1:]
        for name in ("median", "mean", "iqr"):
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-12), name
        for name in ("significant_figures", "has_warnings", "title", "env", "as_row_name", "label"):
            assert getattr(a, name) == getattr(b, name), name


@pytest.mark.parametrize(
    "steps",
    [
        (),
        ("highlight_warnings",),
        ("trim_significant_figures",),
        ("colorize", True),
        ("colorize", "trim_significant_figures", "highlight_warnings"),
    ],
)
@pytest.mark.parametrize("seed", range(20))
def test_tables_print_the_same(seed: int, steps: tuple[Any, ...]) -> None:
    texts = []
    for library in (ours, theirs):
        table = library.Compare(measurements(library, seed))
        for step in steps:
            if step is not True:
                getattr(table, step)(*[True] if step == "colorize" and True in steps else [])
        texts.append(str(table))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("seed", range(5))
def test_fuzzers_draw_the_same(seed: int) -> None:
    def samples(t: Any, library: Any) -> list[Any]:
        fuzzer = library.Fuzzer(
            [
                library.FuzzedParameter("n", 1, 16, "loguniform"),
                [library.FuzzedParameter("s", 1, 3, "uniform"), library.FuzzedParameter("f", 0.5, 3.0, "uniform")],
                library.FuzzedParameter("w", 1, 30, "loguniform", strict=True),
            ],
            [
                library.FuzzedTensor("x", size=("n", "w"), steps=("s",), max_elements=100, probability_contiguous=0.3),
                library.FuzzedTensor("y", size=("n", 3, "s"), dtype=t.int64, min_elements=9),
            ],
            constraints=[lambda p: p["n"] != 3],
            seed=seed,
        )
        found = []
        for tensors, properties, params in fuzzer.take(4):
            found.append((params, [(v.tolist(), v.stride()) for v in tensors.values()]))
            found.append(
                [{k: list(p) if k in ("order", "steps") else p for k, p in one.items()} for one in properties.values()]
            )
        return [*found, fuzzer.rejection_rate]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert re.sub("rushlight|torch", "", repr(samples(rushlight, ours))) == re.sub(
            "torch", "", repr(samples(torch, theirs))
        )
