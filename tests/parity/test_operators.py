"""Every operator of PyTorch's own table, with its sample inputs, against the PyTorch installed here."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")

from tests.parity import operators
from tests.parity.operators import CHECKS, OPERATORS, work

THINNING = 4

DIFFERENCES = {
    entry: group["reason"]
    for group in tomllib.loads(Path(__file__).with_name("operator_differences.toml").read_text()).get("differs", [])
    for entry in group["entries"]
}


def reason(check: str, name: str, dtype: str) -> str | None:
    """Why this is not compared."""
    place = f"{check} {name} {dtype}"
    return next((why for entry, why in DIFFERENCES.items() if fnmatch.fnmatchcase(place, entry)), None)


@pytest.mark.parametrize(("check", "name", "dtype"), [pytest.param(*item, id="-".join(item)) for item in work()])
def test_operator(check: str, name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "thinning", THINNING)
    why = reason(check, name, dtype)
    if why is not None:
        pytest.skip(why)
    CHECKS[check](OPERATORS[name], dtype)


def test_every_difference_names_an_operator() -> None:
    known = {" ".join(item) for item in work()}
    assert [e for e in DIFFERENCES if not fnmatch.filter(known, e)] == []
