"""Writes what the programs of tests/programs print on PyTorch into tests/programs/expected.

Run with a Python that has PyTorch 2.13.0: `python tools/make_program_outputs.py [NAME…]`. torchvision needn't be there:
the programs only name it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = Path(__file__).parents[1] / "tests" / "programs"
SOURCE_OF_TORCHVISION = (
    "from types import ModuleType\ndatasets, transforms = ModuleType('datasets'), ModuleType('transforms')\n"
)


def main() -> None:
    """Runs the named programs, or all."""
    everything = [path.stem for path in sorted(PROGRAMS.glob("*.py")) if not path.stem.startswith("test_")]
    scripts = [PROGRAMS / f"{name}.py" for name in sys.argv[1:] or everything]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "torchvision.py").write_text(SOURCE_OF_TORCHVISION)
        environment = {**os.environ, "PYTHONPATH": folder, "OMP_NUM_THREADS": "2"}
        for script in scripts:
            done = subprocess.run([sys.executable, script], env=environment, check=True, capture_output=True, text=True)
            (PROGRAMS / "expected" / f"{script.stem}.txt").write_text(done.stdout, encoding="utf-8")
            print(f"{script.stem}: {len(done.stdout.splitlines())} lines")
            if done.stderr:
                print(done.stderr, file=sys.stderr)


if __name__ == "__main__":
    main()
