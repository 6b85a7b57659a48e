"""A save that is killed, or fails, leaves the old file whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rushlight as torch
from rushlight.serialization import safetensors
from rushlight.serialization.atomic import replacing

ROOT = Path(__file__).parents[2]

# Kills itself after a number of writes, so that every moment of a save can be met without a clock.
SCRIPT = """
import os, signal, sys
import rushlight as torch
from rushlight.serialization import archive, atomic

path, moment = sys.argv[1], sys.argv[2]
kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if moment.isdigit():
    left = int(moment)
    put = archive.ArchiveWriter._put
    def dying_put(self, data):
        global left
        left -= 1
        if left < 0:
            self._file.write(bytes(data)[: len(data) // 2])
            self._file.flush()
            kill()
        put(self, data)
    archive.ArchiveWriter._put = dying_put
else:
    setattr(atomic.os, moment, kill)
torch.save({"a": torch.ones(100000)}, path)
"""


@pytest.mark.parametrize("moment", ["0", "1", "3", "12", "20", "fsync", "replace"])
def test_killed_in_the_middle(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "x.pt"
    torch.save({"a": torch.zeros(3)}, path)
    before = path.read_bytes()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path), moment], env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert path.read_bytes() == before
    assert torch.load(path)["a"].shape == (3,)
    assert [item.name for item in tmp_path.iterdir() if not item.name.startswith(".")] == ["x.pt"]


def test_killed_before_there_was_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path), "5"], env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not path.exists()


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="disk"), replacing(path) as file:
        file.write(b"ne")
        raise OSError("the disk is full")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["x"]


def test_a_device_is_written_directly() -> None:
    torch.save(torch.ones(3), os.devnull)
    assert not os.path.isfile(os.devnull)


def test_the_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    torch.save(1, tmp_path / "x.pt")
    assert (tmp_path / "x.pt").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_failed_safetensors_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.save_file({"a": torch.zeros(2)}, path)

    def broken(source: str, target: str) -> None:
        raise OSError("no room")

    monkeypatch.setattr("rushlight.serialization.atomic.os.replace", broken)
    with pytest.raises(OSError, match="no room"):
        safetensors.save_file({"a": torch.ones(2)}, path)
    assert safetensors.load_file(path)["a"]._array.tolist() == [0, 0]
    assert [item.name for item in tmp_path.iterdir()] == ["x.safetensors"]
