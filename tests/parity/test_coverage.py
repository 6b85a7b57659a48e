"""Nothing of the namespaces that tools/coverage_of_torch.py compares is missing."""

from __future__ import annotations

import inspect
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

from tools.coverage_of_torch import NAMESPACES, compare_parameters, public_names, report


def test_nothing_is_missing() -> None:
    assert report(NAMESPACES) == []


def theirs(a: int, b: int = 2, *, c: bool = False) -> None: ...


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (lambda a, b=2, *, c=False: None, []),
        (lambda a, b=2, c=False, more=0: None, []),
        (lambda a, b=2: None, ["f(c): parameter missing"]),
        (lambda a, b=3, *, c=False: None, ["f(b): default 3, expected 2"]),
        (lambda a, b, *, c=False: None, ["f(b): needs a default, 2"]),
        (lambda b=2, a=0, *, c=False: None, ["f: parameters in the order ['b', 'a'], expected ['a', 'b']"]),
        (lambda a, x, b=2, *, c=False: None, ["f(x): PyTorch has no such required parameter"]),
    ],
)
def test_differences_of_parameters_are_found(ours: Any, said: list[str]) -> None:
    assert list(compare_parameters("f", ours, theirs)) == said


def test_public_names_are_a_modules_own() -> None:
    module = ModuleType("m")
    vars(module).update(
        own=SimpleNamespace(), _private=1, inspect=inspect, Any=Any, Iterator=__import__("typing").Iterator
    )
    assert public_names(module) == ["own"]
