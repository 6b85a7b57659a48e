"""Each program here prints what it prints on PyTorch 2.13; note*.py come from the notes that the project began with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = sorted(path for path in HERE.glob("*.py") if not path.stem.startswith("test_"))


def test_each_program_has_an_expected_output_and_the_reverse() -> None:
    assert [p.stem for p in PROGRAMS] == sorted(p.stem for p in (HERE / "expected").glob("*.txt"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_prints_what_it_prints_on_pytorch(program: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    command = [sys.executable, "-m", "rushlight", "run", str(program)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == (HERE / "expected" / f"{program.stem}.txt").read_text(encoding="utf-8")
