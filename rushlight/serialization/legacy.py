"""The checkpoint format before the zip archive: pickle streams, then the storages one after another."""

from __future__ import annotations

import io
import pickle
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from rushlight.serialization.errors import CorruptFileError, EmptyFileError
from rushlight.serialization.pickler import SavedStorage, StorageTable, dumps
from rushlight.serialization.rebuild import StorageKind
from rushlight.storage import TypedStorage, UntypedStorage

__all__ = ["read_legacy", "write_legacy"]

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001

Restore = Callable[[UntypedStorage, str], UntypedStorage]
Unpickle = Callable[[BinaryIO, Callable[[Any], Any]], Any]


def write_legacy(obj: object, file: Any, pickle_module: Any, protocol: int) -> None:
    """Write an object and its storages to anything with `write`."""
    table = StorageTable()

    def reference(entry: SavedStorage) -> tuple[Any, ...]:
        return ("storage", entry.kind, entry.key, "cpu", entry.numel, None)

    stream = dumps(obj, table, pickle_module, protocol, reference)
    sizes = {"short": 2, "int": 4, "long": 8}
    about = {"protocol_version": _PROTOCOL, "little_endian": sys.byteorder == "little", "type_sizes": sizes}
    for part in (_MAGIC, _PROTOCOL, about):
        file.write(pickle.dumps(part, protocol=protocol))
    file.write(stream)
    entries = sorted(table.entries, key=lambda entry: entry.key)
    file.write(pickle.dumps([entry.key for entry in entries], protocol=protocol))
    for entry in entries:
        unit = 1 if entry.dtype is None else entry.dtype.itemsize
        file.write(struct.pack("<q", entry.numel))
        file.write(entry.memory[: entry.numel * unit].data)


def _bytes_left(file: BinaryIO) -> int:
    here = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(here)
    return end - here


class _Storages:
    """Makes the storages that a stream refers to; their bytes come after it."""

    def __init__(self, file: BinaryIO, restore: Restore, trusted: bool) -> None:
        self._file = file
        self._restore = restore
        self._trusted = trusted
        self.made: dict[str, TypedStorage] = {}
        self._views: dict[str, TypedStorage] = {}

    def __call__(self, saved: Any) -> Any:
        if saved[0] in ("module", b"module") and self._trusted:
            return saved[1]
        if saved[0] not in ("storage", b"storage") or len(saved) != 6 or not isinstance(saved[1], StorageKind):
            raise CorruptFileError(f"Unknown saved id type: {saved!r:.100}")
        _, kind, key, location, numel, view = saved
        unit = 1 if kind.dtype is None else kind.dtype.itemsize
        if key not in self.made:
            left = _bytes_left(self._file)
            if type(numel) is not int or not 0 <= numel * unit <= left:
                raise CorruptFileError(
                    f"storage {key} says it has {numel} elements of {unit} bytes, but {left} bytes are left"
                )
            where = location.decode("ascii") if isinstance(location, bytes) else str(location)
            untyped = self._restore(UntypedStorage(np.empty(numel * unit, np.uint8)), where)
            self.made[key] = TypedStorage(wrap_storage=untyped, dtype=kind.dtype or _byte())
        root = self.made[key]
        if view is None:
            return root
        view_key, offset, size = view
        if view_key not in self._views:
            part = root.untyped()[offset * unit : (offset + size) * unit]
            self._views[view_key] = TypedStorage(wrap_storage=part, dtype=root.dtype)
        return self._views[view_key]

    def fill(self, keys: Any) -> None:
        """Read the bytes of the storages, which come in the order of `keys`."""
        for key in keys:
            if key not in self.made:
                raise CorruptFileError(f"storage key {key!r} was not named by the objects of the file")
            storage = self.made[key]
            head = self._file.read(8)
            count = struct.unpack("<q", head)[0] if len(head) == 8 else -1
            if count != len(storage):
                raise CorruptFileError(f"storage has wrong byte size: expected {len(storage)} elements got {count}")
            memory = storage.untyped()._memory.data
            data = self._file.read(len(memory))
            if len(data) != len(memory):
                missing = len(memory) - len(data)
                raise CorruptFileError(f"unexpected EOF, expected {missing} more bytes. The file might be corrupted.")
            memory[:] = data


def _byte() -> Any:
    from rushlight import dtypes

    return dtypes.uint8


def _read_plain(file: BinaryIO, unpickle: Unpickle) -> Any:
    def refuse(saved: Any) -> Any:
        raise CorruptFileError(f"a storage where none is expected: {saved!r:.100}")

    return unpickle(file, refuse)


def read_legacy(file: BinaryIO, restore: Restore, unpickle: Unpickle, trusted: bool) -> Any:
    """The object that a file holds from its position on.

    Raises CorruptFileError if the file is something else or ends too early.
    """
    start = file.tell()
    head = file.read(512)
    file.seek(start)
    if not head:
        raise EmptyFileError("Ran out of input: the file is empty")
    if head[257:262] == b"ustar":
        raise CorruptFileError("the file has the .tar format of PyTorch before 0.2; save it again with a later PyTorch")
    if head[:1] != b"\x80":
        raise CorruptFileError(f"Invalid magic number; corrupt file? It begins with {head[:8]!r}")
    if _read_plain(file, unpickle) != _MAGIC:
        raise CorruptFileError("Invalid magic number; corrupt file?")
    version = _read_plain(file, unpickle)
    if version != _PROTOCOL:
        raise CorruptFileError(f"Invalid protocol version: {version!r:.40}")
    _read_plain(file, unpickle)
    storages = _Storages(file, restore, trusted)
    result = unpickle(file, storages)
    keys = _read_plain(file, unpickle)
    storages.fill(keys if isinstance(keys, list) else [])
    return result
