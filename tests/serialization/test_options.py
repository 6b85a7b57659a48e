"""What programs choose for all their saving and loading."""

from __future__ import annotations

import io
import mmap
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import rushlight as torch

S = torch.serialization


def saved(value: Any) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return file


def test_without_checksums() -> None:
    assert S.get_crc32_options() is True
    S.set_crc32_options(False)
    try:
        file = saved(torch.ones(3))
    finally:
        S.set_crc32_options(True)
    assert {info.CRC for info in zipfile.ZipFile(file).infolist()} == {0}
    file.seek(0)
    assert torch.load(file).tolist() == [1.0, 1.0, 1.0]


def test_without_the_bytes() -> None:
    with S.skip_data():
        file = saved({"a": torch.ones(3)})
    assert torch.load(file)["a"].tolist() == [0.0, 0.0, 0.0]
    file = saved(torch.ones(2))
    with S.skip_data():
        assert torch.load(file).tolist() == [0.0, 0.0]
    file.seek(0)
    assert torch.load(file).tolist() == [1.0, 1.0]


def test_mapped_so_that_writes_reach_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save(torch.ones(2), path)
    torch.load(path, mmap=True)[0] = 5.0
    assert torch.load(path).tolist() == [1.0, 1.0]
    with S.set_default_mmap_options(mmap.MAP_SHARED):
        assert S.get_default_mmap_options() == mmap.MAP_SHARED
        torch.load(path, mmap=True)[0] = 5.0
    assert S.get_default_mmap_options() == mmap.MAP_PRIVATE
    assert torch.load(path, mmap=True).tolist() == [5.0, 1.0]
    with pytest.raises(ValueError, match=r"expected mmap\.MAP_PRIVATE or mmap\.MAP_SHARED, but got 17"):
        S.set_default_mmap_options(17)


def test_the_byte_order_of_files_that_do_not_say() -> None:
    file = io.BytesIO()
    torch.save(torch.tensor([1], dtype=torch.int32), file, _disable_byteorder_record=True)
    for order, expected in ((None, 1), (S.LoadEndianness.LITTLE, 1), (S.LoadEndianness.BIG, 1 << 24)):
        S.set_default_load_endianness(order)
        try:
            file.seek(0)
            assert torch.load(file).tolist() == [expected]
        finally:
            S.set_default_load_endianness(None)
    with pytest.raises(TypeError, match="Invalid argument type"):
        S.set_default_load_endianness("big")  # type: ignore[arg-type]


def test_places_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from rushlight.serialization import options

    monkeypatch.setattr(options, "_packages", list(options._packages))
    restored = []

    def restore(storage: Any, location: str) -> Any:
        if location == "moon":
            restored.append(location)
            return storage
        return None

    S.register_package(5, lambda storage: None, restore)
    assert torch.load(saved(torch.ones(1)), map_location="moon").tolist() == [1.0]
    assert restored == ["moon"]
    storage = torch.ones(1).untyped_storage()
    assert (S.location_tag(storage), S.default_restore_location(storage, "cpu")) == ("cpu", storage)
    with pytest.raises(RuntimeError, match=r"don't know how to restore data location .*tagged with mars"):
        S.default_restore_location(storage, "mars")
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        S.validate_cuda_device("cuda:0")


def test_helpers() -> None:
    assert S.storage_to_tensor_type(torch.FloatStorage(1)) is torch.FloatTensor
    assert S.normalize_storage_type(torch.FloatStorage) is torch.FloatStorage
    module = SimpleNamespace(__version__="1.10.2", __name__="m")
    assert S.check_module_version_greater_or_equal(module, (1, 9))
    assert not S.check_module_version_greater_or_equal(module, (1, 11))
    module.__version__ = "new"
    with pytest.raises(RuntimeError, match="version string is malformed"):
        S.check_module_version_greater_or_equal(module, (1, 9))
    with S.mkdtemp() as path:
        assert Path(path).is_dir()
    assert not Path(path).exists()
