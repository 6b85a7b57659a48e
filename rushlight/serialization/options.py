"""What programs choose for all their saving and loading: checksums, mapped files, byte order, devices of their own."""

from __future__ import annotations

import bisect
import contextlib
import enum
import mmap
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Self

from rushlight.device import device
from rushlight.storage import TypedStorage, UntypedStorage

__all__ = [
    "LoadEndianness", "SourceChangeWarning", "StorageType", "check_module_version_greater_or_equal",
    "default_restore_location", "get_crc32_options", "get_default_load_endianness", "get_default_mmap_options",
    "location_tag", "mkdtemp", "normalize_storage_type", "options", "register_package", "set_crc32_options",
    "set_default_load_endianness", "set_default_mmap_options", "skip_data", "skips_data", "storage_to_tensor_type",
    "validate_cuda_device", "validate_hpu_device",
]  # fmt: skip

Storage = TypedStorage | UntypedStorage


class LoadEndianness(enum.Enum):
    """The byte order of files that don't say theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class StorageType:
    """A storage type by its name, such as "FloatStorage", which knows its `dtype`."""

    def __init__(self, name: str) -> None:
        from rushlight import legacy_storage

        self._dtype = getattr(legacy_storage, name).dtype

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return self._dtype

    def __str__(self) -> str:
        return f"StorageType(dtype={self.dtype})"


class SourceChangeWarning(Warning):
    """The source of a class differs from that in a file of PyTorch's first years."""


class _Options:
    endianness: LoadEndianness | None = None
    mmap_flags: int = mmap.MAP_PRIVATE
    compute_crc32: bool = True


options = _Options()


class _Skipping(threading.local):
    now = False


_skipping = _Skipping()


def skips_data() -> bool:
    """Whether this thread is in a `skip_data` block."""
    return _skipping.now


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order of files that don't say theirs, as far as one was chosen."""
    return options.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Choose the byte order of files that don't say theirs; TypeError for what is no `LoadEndianness`."""
    if not isinstance(endianness, LoadEndianness) and endianness is not None:
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    options.endianness = endianness


def get_crc32_options() -> bool:
    """Whether `save` writes a checksum of each record."""
    return options.compute_crc32


def set_crc32_options(compute_crc32: bool) -> None:
    """Choose whether `save` writes a checksum of each record; without, damage goes unnoticed, and unzip complains.

    Source: https://docs.pytorch.org/docs/2.13/notes/serialization.html
    """
    options.compute_crc32 = compute_crc32


def get_default_mmap_options() -> int:
    """How `load` with `mmap=True` maps a file: `mmap.MAP_PRIVATE` or `mmap.MAP_SHARED`."""
    return options.mmap_flags


class set_default_mmap_options:
    """Let `load` with `mmap=True` map a file privately, or so that writes go to the file, from now on or for the block.

    ValueError for other flags than `mmap.MAP_PRIVATE` and `mmap.MAP_SHARED`.

    Source: https://docs.pytorch.org/docs/2.13/notes/serialization.html
    """

    def __init__(self, flags: int) -> None:
        if flags not in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, "
                f"but got {flags}"
            )
        self.prev, options.mmap_flags = options.mmap_flags, flags

    def __enter__(self) -> None:
        return None

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        options.mmap_flags = self.prev


class skip_data:
    """A block in which `save` leaves the place of the storages' bytes empty, zeros, and `load` doesn't read them.

    >>> import io
    >>> import rushlight as torch
    >>> buffer = io.BytesIO()
    >>> with torch.serialization.skip_data():
    ...     torch.save(torch.ones(2), buffer)
    >>> position = buffer.seek(0)
    >>> torch.load(buffer)
    tensor([0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/notes/serialization.html
    """

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self) -> Self:
        self._before, _skipping.now = _skipping.now, True
        return self

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        _skipping.now = self._before


def _cpu_tag(storage: Storage) -> str | None:
    return "cpu" if storage.device.type == "cpu" else None


def _cpu_restore(storage: Storage, location: str) -> Storage | None:
    return storage if location == "cpu" else None


# What the program registered, by priority; the CPU's is the first.
_packages: list[tuple[int, Callable[[Storage], str | None], Callable[[Storage, str], Storage | None]]] = [
    (10, _cpu_tag, _cpu_restore)
]


def register_package(
    priority: int,
    tagger: Callable[[Storage], str | None],
    deserializer: Callable[[Storage, str], Storage | None],
) -> None:
    """Say where storages of a device of one's own are saved from and loaded to.

    `tagger(storage)` gives the place's name, `deserializer(storage, name)` the storage there; either returns None for
    what isn't its own. The lowest priority is asked first; the CPU's is 10.

    Source: https://docs.pytorch.org/docs/2.13/notes/serialization.html
    """
    bisect.insort(_packages, (priority, tagger, deserializer), key=lambda entry: entry[0])


def location_tag(storage: Storage) -> str:
    """The name of the place that a storage is saved from; RuntimeError where nobody knows it."""
    for _, tagger, _ in _packages:
        place = tagger(storage)
        if place:
            return place
    raise RuntimeError(f"don't know how to determine data location of torch.storage.{type(storage).__name__}")


def restored(storage: Storage, location: str) -> Any:
    """The storage at a place, as whoever registered that place makes it; None where nobody did."""
    for _, _, deserializer in _packages:
        result = deserializer(storage, location)
        if result is not None:
            return result
    return None


def default_restore_location(storage: Storage, location: str) -> Any:
    """The storage at the place it was saved from; RuntimeError for a place that nobody knows."""
    result = restored(storage, location)
    if result is None:
        raise RuntimeError(
            f"don't know how to restore data location of torch.storage.{type(storage).__name__} (tagged with "
            f"{location})"
        )
    return result


def normalize_storage_type(storage_type: type) -> Any:
    """The storage type of the front door by the name of a type."""
    from rushlight import legacy_storage

    return getattr(legacy_storage, storage_type.__name__)


def storage_to_tensor_type(storage: Storage) -> Any:
    """The type of tensors over a storage of elements, such as `torch.FloatTensor`."""
    from rushlight import legacy

    if not isinstance(storage, TypedStorage):
        raise AttributeError("a storage of bytes has no tensor type")
    return getattr(legacy, f"{storage.dtype.legacy_name}Tensor")


def check_module_version_greater_or_equal(
    module: Any, req_version_tuple: tuple[Any, ...], error_if_malformed: bool = True
) -> bool:
    """Whether a module's `__version__` is at least a tuple of numbers; one that is none raises, or warns."""
    try:
        texts = module.__version__.split(".")
        found = tuple(type(field)(texts[i]) for i, field in enumerate(req_version_tuple))
        return found >= req_version_tuple
    except Exception as error:
        message = (
            f"'{module.__name__}' module version string is malformed '{module.__version__}' and cannot be compared "
            f"with tuple {req_version_tuple}"
        )
        if error_if_malformed:
            raise RuntimeError(message) from error
        warnings.warn(f"{message}, but continuing assuming that requirement is met", stacklevel=2)
        return True


@contextlib.contextmanager
def mkdtemp() -> Iterator[str]:
    """A new folder, which is removed with what is in it after the block."""
    import tempfile

    with tempfile.TemporaryDirectory() as path:
        yield path


def _validate(location: Any, name: str) -> None:
    place = device(location) if isinstance(location, str) else location
    raise RuntimeError(
        f"Attempting to deserialize object on a {name.upper()} device but torch.{name}.is_available() is False. If you "
        "are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
        f"storages to the CPU (it is tagged with {place})."
    )


def validate_cuda_device(location: Any) -> int | None:
    """Raises RuntimeError: there is no CUDA device."""
    _validate(location, "cuda")
    return None


def validate_hpu_device(location: Any) -> int | None:
    """Raises RuntimeError: there is no HPU."""
    _validate(location, "hpu")
    return None
