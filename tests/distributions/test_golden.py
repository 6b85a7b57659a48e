"""Distributions give what PyTorch 2.13 gave: tests/golden/distributions.npz."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

import rushlight
from tests.distributions.divergences import MULTIVARIATE, UNIVARIATE, divergence
from tests.distributions.observations import CASES, Plain, close, copies, observations
from tests.distributions.transforms import TRANSFORMS, seen_of_a_transform
from tools.make_distribution_goldens import GOLDEN


def read() -> dict[str, dict[str, Any]]:
    """By case, what was observed: arrays and texts."""
    found: dict[str, dict[str, Any]] = {}
    with np.load(GOLDEN) as file:
        numbers, start = file["numbers"], 0
        for case, label, *value in json.loads(file["index"].tobytes()):
            kept = value[0]
            if len(value) == 2:
                size = int(np.prod(value[1], dtype=int))
                kept = numbers[start : start + size].reshape(value[1]).astype(value[0])
                start += size
            found.setdefault(case, {})[label] = kept
    return found


WANTED = read()


def check(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    assert wanted.keys() - found.keys() == set()
    for label, value in wanted.items():
        if isinstance(value, str):
            assert found[label] == value, label
        else:
            assert not isinstance(found[label], str), f"{label}: {found[label]}"
            close(found[label], value, label)


@pytest.mark.parametrize(("name", "make"), CASES, ids=[name for name, _ in CASES])
def test_distributions(name: str, make: Any) -> None:
    check(WANTED[name], observations(rushlight, make, "float64", False))


@pytest.mark.parametrize(("name", "make", "values"), TRANSFORMS, ids=[t[0] for t in TRANSFORMS])
def test_transforms(name: str, make: Any, values: Any) -> None:
    seen = seen_of_a_transform(rushlight, make, values)
    found = {f"{i} {label}": v if isinstance(v, np.ndarray) else repr(v) for i, (label, v) in enumerate(seen)}
    check(WANTED[f"transform {name}"], found)


@pytest.mark.parametrize("cases", [UNIVARIATE, MULTIVARIATE], ids=["univariate", "multivariate"])
def test_divergences_of_all_pairs(cases: list[Any]) -> None:
    for (p, of_p), (q, of_q) in itertools.product(cases, repeat=2):
        found = divergence(rushlight, of_p, of_q)
        value = found.__name__ if isinstance(found, type) else found[0]
        check({f"from {p}": WANTED[f"divergence of {q}"][f"from {p}"]}, {f"from {p}": value})


@pytest.mark.parametrize(("name", "make"), CASES, ids=[name for name, _ in CASES])
def test_copies(name: str, make: Any) -> None:
    d = make(rushlight.distributions, Plain(rushlight, "float64"))
    for copied in copies(d):
        assert type(copied) is type(d)
        assert (copied.batch_shape, copied.event_shape, repr(copied)) == (d.batch_shape, d.event_shape, repr(d))
