"""Memory shared with NumPy by DLPack, and with files."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.utils import dlpack

MAKERS: dict[str, Any] = {
    "contiguous": lambda: torch.ones(2, 3),
    "transposed": lambda: torch.ones(2, 3).t(),
    "stepped": lambda: torch.ones(3, 4)[:, ::2],
    "expanded": lambda: torch.ones(3).expand(2, 3),
    "scalar": lambda: torch.ones(()),
    "empty": lambda: torch.ones(0, 3),
}
PLAIN = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128")
NARROW = ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("dtype", PLAIN + NARROW)
def test_there_and_back(dtype: str, maker: str) -> None:
    tensor = MAKERS[maker]().to(getattr(torch, dtype))
    for copied in (torch.from_dlpack(tensor), dlpack.from_dlpack(torch.to_dlpack(tensor))):
        assert copied.dtype is tensor.dtype
        assert copied.shape == tensor.shape
        assert copied.stride() == tensor.stride() or tensor.numel() < 2
        assert copied.data_ptr() == tensor.data_ptr() or not tensor.numel()
        assert torch.equal(copied, tensor) if dtype in PLAIN else True


@pytest.mark.parametrize("dtype", PLAIN)
def test_numpy_reads_and_writes_the_same_memory(dtype: str) -> None:
    tensor = torch.zeros(2, 2).to(getattr(torch, dtype))
    array = np.from_dlpack(tensor)
    array[0, 1] = 1
    assert tensor.float().tolist() == [[0, 1], [0, 0]] if "complex" not in dtype else True
    back = torch.from_dlpack(array)
    back[1, 1] = 1
    assert array[1, 1] == 1
    assert back.data_ptr() == tensor.data_ptr()


def test_memory_outlives_its_first_owner() -> None:
    tensor = torch.from_dlpack(torch.to_dlpack(torch.full((1000,), 3.0)))
    gc.collect()
    assert tensor.sum() == 3000
    array = np.from_dlpack(torch.full((1000,), 2.0))
    gc.collect()
    assert array.sum() == 2000


def test_a_read_only_array_is_taken_as_pytorch_does() -> None:
    array = np.zeros(3)
    array.flags.writeable = False
    torch.from_dlpack(array)[0] = 1
    assert array[0] == 1


def test_copies_are_made_where_asked_for() -> None:
    array = np.zeros(3)
    copied = torch.from_dlpack(array, copy=True)
    copied[0] = 1
    assert array[0] == 0
    assert torch.from_dlpack(array, copy=False, device="cpu").data_ptr() == array.__array_interface__["data"][0]
    tensor = torch.zeros(2)
    assert np.from_dlpack(tensor, copy=True).__array_interface__["data"][0] != tensor.data_ptr()


class _Old:
    """An object of a library that knows no versions yet."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    def __dlpack__(self, stream: Any = None) -> Any:
        return torch.to_dlpack(self.tensor)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def test_objects_of_older_libraries() -> None:
    tensor = torch.arange(3.0)
    assert torch.from_dlpack(_Old(tensor)).data_ptr() == tensor.data_ptr()
    copied = torch.from_dlpack(_Old(tensor), copy=True, device="cpu")
    assert copied.data_ptr() != tensor.data_ptr()
    assert torch.asarray(_Old(tensor)).data_ptr() == tensor.data_ptr()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: torch.from_dlpack(3), RuntimeError, "invalid capsule"),
        (lambda: torch.from_dlpack(np.ones(2)[::-1]), ValueError, "negative"),
        (lambda: torch.from_dlpack(torch.ones(2, requires_grad=True)), BufferError, "detach"),
        (lambda: torch.ones(2).to_sparse().__dlpack__(), BufferError, "strided"),
        (lambda: torch.to_dlpack(torch.ones(2).to_sparse()), RuntimeError, "storage"),
        (lambda: torch.to_dlpack(3), TypeError, "must be Tensor, not int"),
        (lambda: torch.ones(2).__dlpack__(stream=3), AssertionError, "stream should be None"),
        (lambda: torch.ones(2).__dlpack__(stream="a"), TypeError, "stream must be"),
        (lambda: torch.ones(2).__dlpack__(dl_device=(2, 0), copy=False), ValueError, "without copying"),
        (lambda: torch.ones(2).__dlpack__(dl_device=(2, 0)), NotImplementedError, "no device"),
        (lambda: torch.from_dlpack(torch.to_dlpack(torch.ones(2)), device="cpu"), AssertionError, "already"),
    ],
)
def test_refusals(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_a_capsule_is_read_once() -> None:
    capsule = torch.to_dlpack(torch.ones(2))
    torch.from_dlpack(capsule)
    with pytest.raises(RuntimeError, match="only once"):
        torch.from_dlpack(capsule)


def test_devices() -> None:
    assert torch.ones(1).__dlpack_device__() == (dlpack.DLDeviceType.kDLCPU, 0)


@pytest.mark.parametrize("shared", [True, False])
def test_files(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "numbers"
    np.arange(6, dtype=np.float32).tofile(path)
    tensor = torch.from_file(str(path), shared=shared, size=4)
    assert tensor.tolist() == [0, 1, 2, 3]
    tensor[0] = 7
    assert np.fromfile(path, np.float32)[0] == (7 if shared else 0)
    assert torch.from_file(str(path), shared=shared, size=2, dtype=torch.int64).dtype is torch.int64


def test_files_that_are_made_longer_or_are_too_short(tmp_path: Path) -> None:
    path = tmp_path / "new"
    assert torch.from_file(str(path), True, 3).tolist() == [0, 0, 0]
    assert path.stat().st_size == 12
    with pytest.raises(RuntimeError, match="smaller than the required mapping size <40>"):
        torch.from_file(str(path), False, 10)
    with pytest.raises(RuntimeError, match="read-only mode: No such file"):
        torch.from_file(str(tmp_path / "none"), size=1)
    with pytest.raises(RuntimeError, match="cannot be pinned"):
        torch.from_file(str(path), size=1, pin_memory=True)
    with pytest.raises(TypeError, match="must be str, not int"):
        torch.from_file(3)  # type: ignore[arg-type]


def test_asarray_keeps_a_history_unless_told_otherwise() -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="unspecified requires_grad"):
        assert torch.asarray(x) is x
    assert not torch.asarray(x, requires_grad=False).requires_grad
    assert not torch.asarray(x, copy=True).requires_grad
    assert torch.asarray(x, copy=True, requires_grad=True).grad_fn is not None
    with pytest.raises(ValueError, match="can't alias tensor with dtype 'Float' into dtype 'Double'"):
        torch.asarray(x, dtype=torch.float64, copy=False)
