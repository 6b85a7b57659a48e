"""What `load` must refuse: globals that are not on its list, streams that reach too far, files that are damaged."""

from __future__ import annotations

import io
import os
import pickle
import random
import re
import struct
import zipfile
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.serialization import CorruptFileError, EmptyFileError

TRIED: list[str] = []


def attack(text: str) -> None:
    TRIED.append(text)


class Attack:
    """Calls a function of this file when it is unpickled."""

    def __reduce__(self) -> Any:
        return attack, ("called",)


class System:
    def __reduce__(self) -> Any:
        return os.system, ("true",)


class Slots:
    """A class that a program may trust."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


def saved(value: Any, **how: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    torch.save(value, buffer, **how)
    buffer.seek(0)
    return buffer


def with_stream(stream: bytes, data: bytes = b"") -> io.BytesIO:
    """A checkpoint with a pickle stream written by hand and one storage."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", stream)
        archive.writestr("archive/data/0", data)
        archive.writestr("archive/version", "3\n")
    buffer.seek(0)
    return buffer


STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK%ctQ"


def tensor_stream(numel: int, offset: bytes, size: bytes, stride: bytes) -> bytes:
    storage = STORAGE.replace(b"K%c", b"K" + bytes([numel]))
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + size + stride + b"\x89}tR."


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}])
def test_a_call_is_refused(how: dict[str, Any]) -> None:
    TRIED.clear()
    with pytest.raises(pickle.UnpicklingError) as caught:
        torch.load(saved([torch.ones(1), Attack()], **how))
    name = f"{attack.__module__}.attack"
    assert str(caught.value).startswith(
        "Weights only load failed. This file can still be loaded, to do so you have two options"
    )
    assert f"WeightsUnpickler error: Unsupported global: GLOBAL {name} was not an allowed global by default." in str(
        caught.value
    )
    assert f"`torch.serialization.add_safe_globals([{name}])`" in str(caught.value)
    assert TRIED == []
    torch.load(saved(Attack(), **how), weights_only=False)
    assert TRIED == ["called"]


@pytest.mark.parametrize("module", [b"os", b"posix", b"nt", b"sys"])
def test_some_modules_can_never_be_allowed(module: bytes) -> None:
    with torch.serialization.safe_globals([(print, f"{module.decode()}.system")]):  # noqa: SIM117
        with pytest.raises(
            pickle.UnpicklingError, match=f"GLOBAL {module.decode()}.system whose module {module.decode()} is blocked"
        ):
            torch.load(with_stream(b"\x80\x02c" + module + b"\nsystem\nX\x04\x00\x00\x00true\x85R."))
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(saved(System()))


@pytest.mark.parametrize(
    "name",
    ["builtins eval", "builtins getattr", "__builtin__ exec", "subprocess Popen", "torch.load load", "rushlight load",
     "torch.storage _load_from_bytes", "torch FloatTensors", "collections namedtuple", "numpy ndarray", "io open",
     "rushlight.serialization.rebuild FUNCTIONS", "torch._utils _rebuild_wrapper_subclass",
     "torch.nn.modules.linear Linear"],
)  # fmt: skip
def test_other_names_are_refused(name: str) -> None:
    stream = b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n)R."
    with pytest.raises(pickle.UnpicklingError, match="was not an allowed global by default"):
        torch.load(with_stream(stream))


@pytest.mark.parametrize(
    ("stream", "match"),
    [
        (b"ctorch\nfloat32\n)R.", "unrecognized function"),
        (b"ctorch\nTensor\nJ\xff\xff\xff\x7f\x85R.", "unrecognized function"),
        (b"ctorch\nTensor\n)\x81.", "Can only create new object for nn.Parameter"),
        (b"ctorch\nSize\n}b.", "Can only build Tensor, Parameter, OrderedDict"),
        (b"ctorch._utils\n_rebuild_tensor\n}X\x08\x00\x00\x00__code__Nsb.", "Can only build"),
        (b"]K\x01K\x02s.", "Can only SETITEM"),
        (b"}(K\x01e.", "Can only APPENDS"),
        (b"X\x01\x00\x00\x00aQ.", "Only persistent_load of storage is allowed"),
        (b"(X\x06\x00\x00\x00modulectorch\nTensor\ntQ.", "Only persistent_load of storage is allowed"),
    ],
)
def test_other_tricks_are_refused(stream: bytes, match: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=match):
        torch.load(with_stream(b"\x80\x02" + stream))


@pytest.mark.parametrize(
    ("stream", "match"),
    [
        (b"", "ends too early"),
        (b"\x80\x02K\x01", "ends too early"),
        (b"\x80\x02.", "damaged: IndexError"),
        (b"\x80\x02h\x05.", "damaged: KeyError"),
        (b"\x80\x02\xff", "Unsupported operand 255"),
        (b"\x80\x09K\x01.", "unsupported pickle protocol: 9"),
        (b"\x80\x02X\xff\xff\xff\xffab.", "expected 4294967295 bytes, got 3"),
        (b"\x80\x02t.", "a group without a beginning"),
        (b"\x80\x02(.", "a mark where a value should be"),
        (b"\x80\x02}]K\x01s.", "unhashable"),
        (b"\x80\x02}(K\x01u.", "a key without a value"),
        (b"\x80\x02ctorch\nSize\nK\x01\x85R.", "expected a tuple of ints for torch.Size"),
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R.", "expected text in Latin-1"),
        (b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.", "expected bytes, got int"),
        (b"\x80\x02" + b")" + b"\x85" * 100 + b".", "nests tuples deeper than 64"),
    ],
)  # fmt: skip
def test_damaged_streams(stream: bytes, match: str) -> None:
    with pytest.raises(CorruptFileError, match=match):
        torch.load(with_stream(stream))


@pytest.mark.parametrize(
    ("numel", "offset", "size", "stride", "match"),
    [
        (4, b"K\x00", b"K\x05\x85", b"K\x01\x85", "out of bounds for storage of size 16"),
        (4, b"K\x04", b"K\x01\x85", b"K\x01\x85", "out of bounds"),
        (4, b"K\x05", b"K\x00\x85", b"K\x01\x85", "out of bounds"),
        (4, b"K\x00", b"K\x02\x85", b"K\x04\x85", "out of bounds"),
        (4, b"K\x00", b"K\x02\x85", b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x3f\x85", "out of bounds"),
        (4, b"J\xff\xff\xff\xff", b"K\x01\x85", b"K\x01\x85", "none negative"),
        (4, b"K\x00", b"J\xff\xff\xff\xff\x85", b"K\x01\x85", "none negative"),
        (4, b"K\x03", b"K\x02\x85", b"J\xff\xff\xff\xff\x85", "none negative"),
        (4, b"K\x00", b"K\x01\x85", b")", "as many strides as sizes"),
        (4, b"N", b"K\x01\x85", b"K\x01\x85", "expected whole numbers"),
        (4, b"K\x00", b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85", b"K\x00\x85", "at most 2"),
        (4, b"K\x00", b"N", b"K\x01\x85", "sizes and strides to rebuild a tensor"),
        (5, b"K\x00", b"K\x01\x85", b"K\x01\x85", "expected at least 20 bytes, got 16"),
    ],
)
def test_tensors_that_reach_outside_their_storage(
    numel: int, offset: bytes, size: bytes, stride: bytes, match: str
) -> None:
    file = with_stream(tensor_stream(numel, offset, size, stride), np.arange(4, dtype=np.float32).tobytes())
    with pytest.raises(RuntimeError, match=match):
        torch.load(file)


def test_tensors_that_stay_inside() -> None:
    data = np.arange(4, dtype=np.float32).tobytes()
    assert torch.load(with_stream(tensor_stream(4, b"K\x01", b"K\x03\x85", b"K\x01\x85"), data))._array.tolist() == [
        1,
        2,
        3,
    ]
    assert torch.load(with_stream(tensor_stream(4, b"K\x04", b"K\x00\x85", b"K\x01\x85"), data)).shape == (0,)


def test_trusted_classes() -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL fractions\.Fraction was not an allowed"):
        torch.load(saved(Fraction(1, 2)))
    with torch.serialization.safe_globals([Fraction, Slots]):
        assert torch.load(saved(Fraction(1, 2))) == Fraction(1, 2)
        assert torch.load(saved(Slots(3))).value == 3
    torch.serialization.add_safe_globals([Fraction])
    try:
        assert torch.serialization.get_safe_globals() == [Fraction]
        with torch.serialization.safe_globals([Fraction]):
            pass
        assert torch.load(saved(Fraction(1, 3))) == Fraction(1, 3)
    finally:
        torch.serialization.clear_safe_globals()
    assert torch.serialization.get_safe_globals() == []
    with pytest.raises(ValueError, match="Expected tuple of length 2"), torch.serialization.safe_globals([(Fraction,)]):  # type: ignore[list-item]
        torch.load(saved(1))


def test_unsafe_globals_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    for protocol in (2, 4):
        torch.save([Fraction(1, 2), torch.ones(1), OrderedDict()], path, pickle_protocol=protocol)
        assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == ["fractions.Fraction"]
    with torch.serialization.safe_globals([Fraction]):
        assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []
    with pytest.raises(ValueError, match="Expected input to be a checkpoint"):
        torch.serialization.get_unsafe_globals_in_checkpoint(saved(1, _use_new_zipfile_serialization=False))


def test_names_that_are_missing_here() -> None:
    with pytest.raises(
        AttributeError, match=r"the checkpoint names torch\.nn\.nowhere\.Nothing, which Rushlight does not have"
    ):
        torch.load(with_stream(b"\x80\x02ctorch.nn.nowhere\nNothing\n."), weights_only=False)


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "the file is empty"),
        (b"garbage here", "Invalid magic number; corrupt file"),
        (
            b"PK\x03\x04 and then nothing",
            "PytorchStreamReader failed reading zip archive: failed finding central directory",
        ),
        (b"\x80\x02K\x01.", "Invalid magic number; corrupt file"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02K\x07.", "Invalid protocol version: 7"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "ends too early"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, data: bytes, match: str, weights_only: bool) -> None:
    path = tmp_path / "broken.pt"
    path.write_bytes(data)
    with pytest.raises(CorruptFileError, match=match) as caught:
        torch.load(path, weights_only=weights_only)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, EOFError) == isinstance(caught.value, EmptyFileError)


def test_the_tar_format_and_scripts_are_named() -> None:
    with pytest.raises(RuntimeError, match="tar format of PyTorch before"):
        torch.load(io.BytesIO(b"\0" * 257 + b"ustar" + b"\0" * 600))
    buffer = with_stream(b"\x80\x02K\x01.")
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("archive/constants.pkl", "")
    buffer.seek(0)
    with pytest.raises(RuntimeError, match="TorchScript archive"):
        torch.load(buffer)


def test_a_damaged_record_is_noticed() -> None:
    data = bytearray(saved(torch.arange(100, dtype=torch.float32)).getvalue())
    place = data.index(np.arange(100, dtype=np.float32).tobytes())
    data[place + 40] ^= 1
    with pytest.raises(CorruptFileError, match="failed reading file data/0: its checksum does not fit"):
        torch.load(io.BytesIO(bytes(data)))
    missing = with_stream(b"\x80\x02K\x01.")
    with zipfile.ZipFile(missing) as archive:
        assert "archive/data.pkl" in archive.namelist()
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "no checkpoint")
    with pytest.raises(CorruptFileError, match=r"failed locating file data\.pkl"):
        torch.load(other.seek(0) or other)


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}])
def test_cut_or_changed_anywhere_nothing_worse_than_an_error(how: dict[str, Any]) -> None:
    seed = 7
    random.seed(seed)
    whole = saved({"a": torch.arange(20), "b": [torch.ones(2, 3), "text"]}, **how).getvalue()
    for length in range(0, len(whole), 13):
        with pytest.raises((RuntimeError, EOFError)):
            torch.load(io.BytesIO(whole[:length]))
    for trial in range(300):
        data = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        try:
            torch.load(io.BytesIO(bytes(data)))
        except (RuntimeError, pickle.UnpicklingError):
            pass
        except Exception as error:
            pytest.fail(f"seed {seed}, trial {trial}: {type(error).__name__}: {error}")


def test_a_legacy_storage_may_not_claim_more_than_the_file_holds() -> None:
    data = saved(torch.ones(4), _use_new_zipfile_serialization=False).getvalue()
    assert data.count(struct.pack("<q", 4)) == 1
    with pytest.raises(CorruptFileError, match="storage has wrong byte size: expected 4 elements got 9"):
        torch.load(io.BytesIO(data.replace(struct.pack("<q", 4), struct.pack("<q", 9))))
    with pytest.raises(CorruptFileError, match="elements of 4 bytes, but"):
        torch.load(io.BytesIO(re.sub(rb"(cpuq.)K\x04N", lambda m: m[1] + b"J\xff\xff\xff\x7fN", data)))
    with pytest.raises(CorruptFileError, match="unexpected EOF, expected 3 more bytes"):
        torch.load(io.BytesIO(data[:-3]))
