"""`save` and `load`: checkpoints in PyTorch's own format, without PyTorch."""

from __future__ import annotations

import functools
import io
import os
import pickle
import re
import struct
import sys
import warnings
from collections.abc import Callable
from mmap import MAP_SHARED
from typing import Any, BinaryIO, TypeGuard

from rushlight import dtypes
from rushlight.serialization.archive import ALIGNMENT, ArchiveReader, ArchiveWriter, is_archive
from rushlight.serialization.atomic import replacing
from rushlight.serialization.errors import CorruptFileError, EmptyFileError, ProgramError
from rushlight.serialization.legacy import read_legacy, write_legacy
from rushlight.serialization.options import LoadEndianness, options, skips_data
from rushlight.serialization.pickler import SavedStorage, StorageTable, dumps
from rushlight.serialization.rebuild import StorageKind, SwappedStorage, swap_bytes
from rushlight.serialization.restore import MapLocation, location_mapper
from rushlight.serialization.unpickler import RestrictedUnpickler, read_global_name, trusting_type
from rushlight.storage import TypedStorage, UntypedStorage

__all__ = ["DEFAULT_PROTOCOL", "get_unsafe_globals_in_checkpoint", "load", "save"]

DEFAULT_PROTOCOL = 2

# A path or anything with the methods of a file that the function needs.
FileLike = Any

_UNSAFE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to "
    "`True`. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in "
    "arbitrary code execution. Do it only if you got the file from a trusted source."
)
_DOCS = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with weights_only "
    "https://pytorch.org/docs/stable/generated/torch.load.html."
)


def _is_path(f: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(f, (str, os.PathLike))


def _archive_name(f: FileLike) -> str:
    """The folder inside the archive: the file's name without its ending, as PyTorch has it."""
    if not _is_path(f):
        return "archive"
    name = os.path.basename(os.fspath(f)).rpartition(".")[0] or os.path.basename(os.fspath(f))
    return name if name.isascii() else "archive"


def _write_archive(obj: object, file: Any, name: str, pickle_module: Any, protocol: int, byteorder: bool) -> None:
    table = StorageTable()

    def reference(entry: SavedStorage) -> tuple[Any, ...]:
        return ("storage", entry.kind, entry.key, "cpu", entry.numel)

    stream = dumps(obj, table, pickle_module, protocol, reference)
    archive = ArchiveWriter(file, name)
    archive.write("data.pkl", stream)
    archive.write(".format_version", b"1")
    archive.write(".storage_alignment", str(ALIGNMENT).encode())
    if byteorder:
        archive.write("byteorder", sys.byteorder.encode())
    for entry in table.entries:
        if skips_data():
            archive.write(f"data/{entry.key}", bytes(entry.memory.nbytes), checked=False)
        else:
            archive.write(f"data/{entry.key}", entry.memory.data)
    archive.close()


def save(
    obj: object,
    f: FileLike,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write an object to a file that :func:`load` and PyTorch's ``torch.load`` read.

    Tensors that share memory share it in the file; of a view the whole storage is written. A path is written
    atomically: until the new file is whole and on disk, the old one stays under the name.

    Args:
        obj: tensors, parameters, state_dicts, containers of them, modules, and whatever else can be pickled.
        f: a path or an object with ``write``.
        pickle_module: the module whose Pickler writes; it must derive from Python's own in Python (as dill's does).
        pickle_protocol: the pickle protocol; others than 2 may not be readable with ``weights_only=True`` in PyTorch.

    Raises AttributeError if `f` is neither a path nor has ``write``, RuntimeError if the folder does not exist or
    tensors view the same memory as different dtypes, and what pickling raises.

    >>> import io
    >>> import rushlight as torch
    >>> buffer = io.BytesIO()
    >>> torch.save({"weight": torch.arange(3)}, buffer)
    >>> position = buffer.seek(0)
    >>> torch.load(buffer)
    {'weight': tensor([0, 1, 2])}

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.save.html
    """
    write: Callable[..., None]
    if _use_new_zipfile_serialization:
        write = functools.partial(
            _write_archive,
            obj,
            name=_archive_name(f),
            pickle_module=pickle_module,
            protocol=pickle_protocol,
            byteorder=not _disable_byteorder_record,
        )
    else:
        write = functools.partial(write_legacy, obj, pickle_module=pickle_module, protocol=pickle_protocol)
    if _is_path(f):
        with replacing(f) as file:
            write(file=file)
        return
    if not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    write(file=f)
    if hasattr(f, "flush"):
        f.flush()


class _ArchiveStorages:
    """The storages of an archive, read when the stream first refers to them."""

    def __init__(self, archive: ArchiveReader, restore: Callable[[UntypedStorage, str], UntypedStorage]) -> None:
        self._archive = archive
        self._restore = restore
        self._made: dict[str, TypedStorage] = {}
        order = archive.read("byteorder") if "byteorder" in archive else _default_order()
        if order not in (b"little", b"big"):
            raise CorruptFileError(f"Unknown endianness type: {order!r:.40}")
        self._foreign = order.decode() != sys.byteorder

    def __call__(self, saved: Any) -> TypedStorage:
        if not isinstance(saved, tuple) or len(saved) != 5 or saved[0] not in ("storage", b"storage"):
            raise CorruptFileError(f"expected the reference to a storage, got {saved!r:.100}")
        _, kind, key, location, numel = saved
        if not isinstance(kind, StorageKind) or not isinstance(key, str) or type(numel) is not int or numel < 0:
            raise CorruptFileError(f"expected the reference to a storage, got {saved!r:.100}")
        if key not in self._made:
            self._made[key] = self._read(kind.dtype, key, location, numel)
        return self._made[key]

    def _read(self, kind: dtypes.dtype | None, key: str, location: Any, numel: int) -> TypedStorage:
        unit = 1 if kind is None else kind.itemsize
        if skips_data():
            storage = UntypedStorage(numel * unit)
        else:
            storage = UntypedStorage(self._archive.read_bytes(f"data/{key}", numel * unit))
        if self._foreign and kind is not None:
            swap_bytes(storage, kind)
        storage = self._restore(storage, location.decode("ascii") if isinstance(location, bytes) else str(location))
        maker = SwappedStorage if self._foreign and kind is None else TypedStorage
        return maker(wrap_storage=storage, dtype=kind or dtypes.uint8)


def _default_order() -> bytes:
    """The byte order of an archive that doesn't say its own."""
    if options.endianness is LoadEndianness.NATIVE:
        return sys.byteorder.encode()
    return b"big" if options.endianness is LoadEndianness.BIG else b"little"


def _label(f: FileLike) -> str:
    return os.fspath(f) if _is_path(f) else str(getattr(f, "name", None) or f"<{type(f).__name__}>")


def _weights_only_message(message: str) -> str:
    if re.search(r"GLOBAL (\S+) was not an allowed global by default.", message):
        return (
            "Weights only load failed. This file can still be loaded, to do so you have two options, "
            "\033[1mdo those steps only if you trust the source of the checkpoint\033[0m. "
            f"\n\t(1) {_UNSAFE}\n"
            "\t(2) Alternatively, to load with `weights_only=True` please check the recommended "
            f"steps in the following error message.\n\tWeightsUnpickler error: {message}{_DOCS}"
        )
    kind = "" if "is blocked" in message else "WeightsUnpickler error: "
    return f"Weights only load failed. {_UNSAFE}\n{kind}\n\n{message}{_DOCS}"


def _check_seekable(file: Any) -> None:
    try:
        file.seek(file.tell())
    except (io.UnsupportedOperation, AttributeError) as error:
        raise type(error)(
            f"{error}. You can only torch.load from a file that is seekable. Please pre-load the data into a buffer "
            "like io.BytesIO and try to load from it instead."
        ) from None


def _load_file(
    file: BinaryIO,
    label: str,
    restore: Callable[[UntypedStorage, str], UntypedStorage],
    unpickle: Callable[[BinaryIO, Callable[[Any], Any]], Any],
    trusted: bool,
    mmap: bool,
) -> Any:
    if is_archive(file):
        archive = ArchiveReader(file, label, mapped=mmap)
        if archive.is_script:
            raise RuntimeError(f"{label} is a TorchScript archive: it holds code, which Rushlight does not run")
        return unpickle(io.BytesIO(archive.read("data.pkl")), _ArchiveStorages(archive, restore))
    if mmap:
        raise RuntimeError(
            f"mmap can only be used with files saved with `torch.save({label}, _use_new_zipfile_serialization=True), "
            "please torch.save your checkpoint with this option in order to use mmap."
        )
    return read_legacy(file, restore, unpickle, trusted)


def _load_safetensors(path: str, map_location: MapLocation) -> Any:
    from rushlight.serialization.safetensors import load_file

    if isinstance(map_location, bytes):
        map_location = map_location.decode("ascii")
    if map_location is not None and (callable(map_location) or isinstance(map_location, dict)):
        kind = "dict" if isinstance(map_location, dict) else "callable"
        raise RuntimeError(
            f"Loading safetensors file with {kind} map_location is not supported. Use a device string "
            "or torch.device instead."
        )
    return load_file(path, device="cpu" if map_location is None else str(map_location))


def load(
    f: FileLike,
    map_location: MapLocation = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read an object from a file that :func:`save` or PyTorch's ``torch.save`` wrote, in the zip or the older format.

    Args:
        f: a path or an object with ``read``, ``readline``, ``seek`` and ``tell``. A path that ends in ``.safetensors``
            is read as such.
        map_location: where storages go: a device, a dict of locations, or a function of storage and location. A storage
            that was saved on another device needs ``"cpu"``.
        pickle_module: the module whose Unpickler reads; only for files one trusts.
        weights_only: True (as when nothing is given) makes nothing but tensors, containers and the classes named with
            ``add_safe_globals``. False runs whatever the file says: only for files one trusts.
        mmap: True maps the file into memory, copied on write, instead of reading it.

    Raises FileNotFoundError, pickle.UnpicklingError for a global that is not allowed, and RuntimeError, naming the file
    and what is wrong, for a file that is damaged, cut short or something else.

    >>> import io
    >>> import rushlight as torch
    >>> buffer = io.BytesIO()
    >>> torch.save([torch.ones(2), "label"], buffer)
    >>> position = buffer.seek(0)
    >>> torch.load(buffer)
    [tensor([1., 1.]), 'label']

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.load.html
    """
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if weights_only and set(pickle_load_args) - {"encoding"}:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    path = _is_path(f)
    if mmap and not path:
        raise ValueError("f must be a file path in order to use the mmap argument")
    if path and os.fspath(f).endswith(".safetensors"):
        return _load_safetensors(os.fspath(f), map_location)
    pickle_load_args.setdefault("encoding", "utf-8")
    unpickler = trusting_type(pickle_module or pickle)

    def unpickle(file: BinaryIO, persistent_load: Callable[[Any], Any]) -> Any:
        if weights_only:
            return RestrictedUnpickler(file, persistent_load, pickle_load_args["encoding"]).load()
        return unpickler(file, persistent_load, **pickle_load_args).load()

    restore = location_mapper(map_location)
    opened: BinaryIO = open(f, "r+b" if mmap and options.mmap_flags == MAP_SHARED else "rb") if path else f  # noqa: SIM115
    try:
        _check_seekable(opened)
        return _load_file(opened, _label(f), restore, unpickle, not weights_only, bool(mmap))
    except ProgramError as error:
        raise error.error from None
    except CorruptFileError as error:
        raise type(error)(_named(str(error), _label(f))) from error.__cause__
    except pickle.UnpicklingError as error:
        if weights_only:
            raise pickle.UnpicklingError(_weights_only_message(str(error))) from None
        raise CorruptFileError(_named(f"the pickle stream is damaged: {error}", _label(f))) from error
    except EOFError as error:
        raise EmptyFileError(_named(f"the pickle stream ends too early: {error}", _label(f))) from error
    finally:
        if path:
            opened.close()


def _named(message: str, label: str) -> str:
    return message if label in message else f"{label}: {message}"


def get_unsafe_globals_in_checkpoint(f: FileLike) -> list[str]:
    """The full names in a checkpoint that ``load(weights_only=True)`` would refuse.

    >>> import io
    >>> from fractions import Fraction
    >>> import rushlight as torch
    >>> buffer = io.BytesIO()
    >>> torch.save(Fraction(1, 2), buffer)
    >>> position = buffer.seek(0)
    >>> torch.serialization.get_unsafe_globals_in_checkpoint(buffer)
    ['fractions.Fraction']

    Source: https://docs.pytorch.org/docs/2.13/notes/serialization.html#torch.serialization.get_unsafe_globals_in_checkpoint
    """
    if _is_path(f):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    if not is_archive(f):
        raise ValueError("Expected input to be a checkpoint returned by torch.save")
    stream = ArchiveReader(f, _label(f)).read("data.pkl")
    machine = RestrictedUnpickler(io.BytesIO(), lambda saved: saved)
    return [name for name in sorted(_globals_of(stream)) if not machine.allows(name)]


def _globals_of(stream: bytes) -> set[str]:
    import pickletools

    names = set()
    recent: list[str] = []
    try:
        for code, argument, _ in pickletools.genops(stream):
            if code.name == "GLOBAL":
                names.add(read_global_name(*str(argument).split(" ", 1)))
            elif code.name == "STACK_GLOBAL" and len(recent) >= 2:
                names.add(read_global_name(*recent[-2:]))
            elif isinstance(argument, str):
                recent.append(argument)
    except (ValueError, struct.error) as error:
        raise CorruptFileError(f"the pickle stream is damaged: {error}") from None
    return names
