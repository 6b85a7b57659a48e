"""The safetensors format: round trips, what it cannot hold, damaged files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight import dtypes
from rushlight.autograd.variable import wrap
from rushlight.nn.parameter import Parameter
from rushlight.serialization import safetensors

KINDS = [kind for kind in dtypes._ALL if kind is not dtypes.complex128]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_dtype(kind: dtypes.dtype, tmp_path: Path) -> None:
    tensor = wrap(np.array([[0, 1, 3], [2, 5, 1]]).astype(kind.numpy_dtype))
    back = safetensors.load(safetensors.save({"x": tensor}))["x"]
    assert back.dtype is kind
    assert back._array.tobytes() == tensor._array.tobytes()
    assert back.shape == (2, 3)
    assert back._array.flags.writeable
    safetensors.save_file({"x": tensor}, tmp_path / "x.safetensors")
    assert torch.load(tmp_path / "x.safetensors")["x"]._array.tobytes() == tensor._array.tobytes()


def test_the_bytes_are_the_format_s() -> None:
    data = safetensors.save({"w": Parameter(torch.arange(2.0))}, {"made": "here"})
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert header == {"__metadata__": {"made": "here"}, "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    assert data[8 + length :] == np.arange(2, dtype=np.float32).tobytes()


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3)])
def test_empty_and_scalar(shape: tuple[int, ...]) -> None:
    assert safetensors.load(safetensors.save({"x": torch.zeros(shape)}))["x"].shape == shape


@pytest.mark.parametrize(
    ("tensors", "error", "match"),
    [
        ([1], ValueError, r"Expected a dict of \[str, torch.Tensor\] but received <class 'list'>"),
        ({"a": 3}, ValueError, "Key `a` is invalid, expected torch.Tensor but received <class 'int'>"),
        ({"a": wrap(np.ones((2, 3)).T)}, ValueError, "trying to save a non contiguous tensor: `a`"),
        (
            {"a": torch.ones(1, dtype=torch.complex128)},
            ValueError,
            "`a` has dtype torch.complex128, which the safetensors",
        ),
    ],
)
def test_what_the_format_cannot_hold(tensors: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        safetensors.save(tensors)


def test_shared_memory_is_refused() -> None:
    base = np.zeros(4)
    with pytest.raises(RuntimeError, match="Some tensors share memory"):
        safetensors.save({"a": wrap(base[:2]), "b": wrap(base[2:])})


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    data = safetensors.save({"x": torch.ones(3)})
    for broken in (b"", data[:5], data[:30], data[:-1], b"\xff" * 40, data + b"more"):
        path.write_bytes(broken)
        with pytest.raises(RuntimeError, match=str(path)):
            safetensors.load_file(path)
    with pytest.raises(FileNotFoundError):
        safetensors.load_file(tmp_path / "absent.safetensors")


def test_devices(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.save_file({"x": torch.ones(3)}, path)
    assert torch.load(path, map_location=torch.device("cpu"))["x"].shape == (3,)
    with pytest.raises(AssertionError, match="not compiled with CUDA"):
        safetensors.load_file(path, device="cuda")
    with pytest.raises(RuntimeError, match="with dict map_location is not supported"):
        torch.load(path, map_location={})
    with pytest.raises(RuntimeError, match="with callable map_location is not supported"):
        torch.load(path, map_location=lambda storage, location: storage)
