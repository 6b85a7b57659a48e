"""The container of a checkpoint: an uncompressed zip archive whose records begin at multiples of 64 bytes."""

from __future__ import annotations

import io
import mmap
import os
import struct
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from rushlight.serialization.errors import CorruptFileError
from rushlight.serialization.options import options

if TYPE_CHECKING:
    import zipfile

__all__ = ["ALIGNMENT", "ArchiveReader", "ArchiveWriter"]

ALIGNMENT = 64

# Sizes and offsets from here on go to 64-bit fields; the 32-bit fields then hold the mark.
LIMIT_32 = 0xFFFFFFFF
_ELSEWHERE = 0xFFFFFFFF

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
# Sizes follow the data (bit 3), names are UTF-8 (bit 11).
_FLAGS = 0x0808
# 1 January 1980, so that equal contents make equal files.
_DATE = 0x21

_STORED = 0
# What reading a damaged archive raises.
_DAMAGE = (
    zlib.error, struct.error, EOFError, OSError, OverflowError, RuntimeError, ValueError, IndexError, MemoryError,
)  # fmt: skip

Buffer = bytes | memoryview


class Writable(Protocol):
    """Anything with `write`."""

    def write(self, data: Any, /) -> Any:
        """Write bytes; may return how many were taken."""


class ArchiveWriter:
    """Writes records one after another to anything with `write`; `close` writes the directory.

    The layout is byte for byte that of PyTorch's writer, data descriptors and padding included, since PyTorch computes
    the places of records from it.
    """

    def __init__(self, file: Writable, name: str) -> None:
        from hashlib import blake2b

        self._file = file
        self._name = name
        self._offset = 0
        self._directory: list[bytes] = []
        self._digest = blake2b(digest_size=16)

    def _put(self, data: Buffer) -> None:
        rest = memoryview(data)
        while rest:
            taken = self._file.write(rest)
            # An unbuffered file may take a part only.
            taken = len(rest) if taken is None else taken
            self._offset += taken
            rest = rest[taken:]

    def write(self, name: str, data: Buffer, checked: bool = True) -> None:
        """Add a record; with a checksum of 0 if it isn't `checked` or the program chose to have none."""
        encoded = f"{self._name}/{name}".encode()
        view = memoryview(data)
        size, start = view.nbytes, self._offset
        wide_size, wide_start = size >= LIMIT_32, start >= LIMIT_32
        wide = b"".join(
            [struct.pack("<QQ", size, size) if wide_size else b"", struct.pack("<Q", start) if wide_start else b""]
        )
        extra = struct.pack("<2sH", b"\x01\x00", len(wide)) + wide if wide else b""
        padding = -(start + _LOCAL.size + len(encoded) + len(extra) + 4) % ALIGNMENT
        padded = extra + struct.pack("<2sH", b"FB", padding) + b"Z" * padding
        self._put(_LOCAL.pack(b"PK\x03\x04", 0, _FLAGS, 0, 0, _DATE, 0, 0, 0, len(encoded), len(padded)))
        self._put(encoded + padded)
        self._put(view)
        checksum = zlib.crc32(view) if checked and options.compute_crc32 else 0
        if size:
            form = "<4sIQQ" if wide_size or wide_start else "<4sIII"
            self._put(struct.pack(form, b"PK\x07\x08", checksum, size, size))
        small = _ELSEWHERE if wide_size else size
        where = _ELSEWHERE if wide_start else start
        sizes = (checksum, small, small, len(encoded), len(extra))
        entry = _CENTRAL.pack(b"PK\x01\x02", 0, 0, _FLAGS, 0, 0, _DATE, *sizes, 0, 0, 0, 0, where)
        self._directory.append(entry + encoded + extra)
        self._digest.update(struct.pack("<IQ", checksum, size) + encoded)

    def close(self) -> None:
        """Write the closing records and the directory."""
        self.write("version", b"3\n")
        number = int.from_bytes(self._digest.digest(), "little")
        self.write(".data/serialization_id", f"{number % 10**40:040d}".encode())
        start, count = self._offset, len(self._directory)
        directory = b"".join(self._directory)
        self._put(directory)
        end = self._offset
        size = len(directory)
        self._put(struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 0x031E, 45, 0, 0, count, count, size, start))
        self._put(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
        few = min(count, 0xFFFF)
        small, where = min(size, _ELSEWHERE), min(start, _ELSEWHERE)
        self._put(struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, few, few, small, where, 0))


class ArchiveReader:
    """Reads the records of an archive, checking each against its checksum.

    `label` is the file's name in messages. With `mapped`, the records of data are not read but mapped into memory,
    copied on write unless the program chose to share them; their checksums are then not looked at.
    """

    def __init__(self, file: BinaryIO, label: str, mapped: bool = False) -> None:
        # Imported here, since it takes longer to import than most programs need it for.
        import zipfile

        self._file = file
        self.label = label
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, *_DAMAGE) as error:
            raise CorruptFileError(
                f"{label}: PytorchStreamReader failed reading zip archive: failed finding central directory ({error}): "
                f"the file is cut short or damaged"
            ) from None
        self._records = {info.filename: info for info in self._zip.infolist()}
        roots = [name[: -len("/data.pkl")] for name in self._records if name.endswith("/data.pkl")]
        if not roots:
            what = "the archive holds no data.pkl"
            if any(name.endswith("constants.pkl") for name in self._records):
                what = "this is a TorchScript archive, which holds code"
            raise CorruptFileError(f"{label}: PytorchStreamReader failed locating file data.pkl: {what}")
        self._root = min(roots, key=len)
        self._map: mmap.mmap | None = None
        if mapped:
            shared = options.mmap_flags == mmap.MAP_SHARED
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY)

    def __contains__(self, name: str) -> bool:
        return f"{self._root}/{name}" in self._records

    @property
    def is_script(self) -> bool:
        """Whether the archive is TorchScript's."""
        return "constants.pkl" in self

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._records[f"{self._root}/{name}"]
        except KeyError:
            raise CorruptFileError(
                f"{self.label}: PytorchStreamReader failed locating file {name}: file not found in the archive"
            ) from None

    def _broken(self, name: str, what: object) -> CorruptFileError:
        return CorruptFileError(f"{self.label}: PytorchStreamReader failed reading file {name}: {what}")

    def read(self, name: str) -> bytes:
        """The bytes of a record."""
        import zipfile

        info = self._info(name)
        if info.CRC == 0 and info.file_size and info.compress_type == _STORED:
            return self.read_bytes(name, 0).tobytes()
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, *_DAMAGE) as error:
            raise self._broken(name, error) from None

    def _place(self, info: zipfile.ZipInfo, name: str) -> int:
        """Where the data of an uncompressed record begin."""
        try:
            self._file.seek(info.header_offset)
            header = self._file.read(_LOCAL.size)
        except _DAMAGE as error:
            raise self._broken(name, error) from None
        if len(header) != _LOCAL.size or header[:4] != b"PK\x03\x04":
            raise self._broken(name, "its local header is damaged")
        name_length, extra_length = struct.unpack_from("<HH", header, 26)
        return info.header_offset + _LOCAL.size + int(name_length) + int(extra_length)

    def read_bytes(self, name: str, least: int) -> npt.NDArray[np.uint8]:
        """A record as an array of bytes, writable; raises CorruptFileError if it has fewer than `least`."""
        info = self._info(name)
        if info.file_size < least:
            raise self._broken(name, f"expected at least {least} bytes, got {info.file_size}")
        if info.compress_type != _STORED:
            return np.frombuffer(bytearray(self.read(name)), np.uint8)
        start, size = self._place(info, name), info.file_size
        end = self._file.seek(0, io.SEEK_END)
        if start + size > end:
            raise self._broken(name, f"expected {size} bytes from {start} on, but the file ends at {end}")
        if self._map is not None and size and start % 16 == 0:
            return np.frombuffer(self._map, np.uint8, size, start)
        memory = np.empty(size, np.uint8)
        self._file.seek(start)
        view = memory.data
        filled = 0
        while filled < size:
            piece = self._file.read(min(size - filled, 1 << 24))
            if not piece:
                raise self._broken(name, f"expected {size} bytes, got {filled}")
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
        # A checksum of 0 is one that wasn't computed.
        if self._map is None and info.CRC and zlib.crc32(view) != info.CRC:
            raise self._broken(name, "its checksum does not fit: the data are damaged")
        return memory


def is_archive(file: BinaryIO) -> bool:
    """Whether what follows in a file begins as a zip archive does."""
    start = file.tell()
    head = file.read(4)
    file.seek(start, os.SEEK_SET)
    return head == b"PK\x03\x04"
