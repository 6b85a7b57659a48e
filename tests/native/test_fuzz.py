"""Random calls with arguments that make little sense return or raise; the interpreter lives on. See fuzz.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("what", ["functions", "methods", "layers", "kernels"])
def test_no_call_crashes_hangs_or_fails_inside(what, seed, tmp_path):
    program, log = Path(__file__).with_name("fuzz.py"), tmp_path / "last_call"
    command = [sys.executable, str(program), "--what", what, "--seed", str(seed), "--calls", "250", "--log", str(log)]
    env = {**os.environ, "PYTHONPATH": str(program.parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300, check=False, env=env)
    last = log.read_text(encoding="utf-8", errors="replace")[:2000] if log.exists() else "none"
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}\nthe last call: {last}"
