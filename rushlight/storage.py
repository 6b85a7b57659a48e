"""The memory under tensors: the array that owns a view's bytes, and PyTorch's storage objects over it."""

from __future__ import annotations

import copy
import math
import mmap
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes
from rushlight._storage_forms import StorageForms, bytes_of_file, swapped_bytes
from rushlight.array_memory import address as address
from rushlight.array_memory import owner_bytes as owner_bytes
from rushlight.array_memory import owner_of as owner_of
from rushlight.array_memory import resized as resized
from rushlight.array_memory import same_place as same_place
from rushlight.array_memory import share_partly as share_partly
from rushlight.array_memory import view_of_bytes as view_of_bytes
from rushlight.device import check_device, cpu, device

if TYPE_CHECKING:
    from rushlight.autograd.variable import Variable

__all__ = ["StorageMethods", "TypedStorage", "UntypedStorage", "array_over", "owner_bytes", "owner_of", "view_of_bytes"]

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]


def _position(index: Any, length: int) -> int:
    if not isinstance(index, (int, np.integer)):
        raise TypeError(f"can't index a storage with {type(index).__name__}: expected an int or a slice")
    if not -length <= index < length:
        raise IndexError(f"index {index} out of range for storage of size {length}")
    return int(index) % length


def _of_numbers(items: Sequence[Any]) -> Bytes:
    """Whole numbers as bytes, each modulo 256; TypeError or RuntimeError for anything else."""
    for item in items:
        if not isinstance(item, (int, np.integer)):
            kind = type(items).__name__
            raise RuntimeError(
                f"torch.UntypedStorage(): tried to construct a storage from a sequence ({kind}), but one of the items "
                f"was of type {type(item).__name__} instead of int"
            )
    return np.array([int(item) % 256 for item in items], np.uint8)


class UntypedStorage(StorageForms):
    """A run of bytes, shared with the tensors that view it.

    Args:
        size: how many bytes, zeroed; whole numbers, one for each byte; or an array or buffer of bytes to share.

    >>> import rushlight as torch
    >>> torch.zeros(3).untyped_storage().nbytes()
    12

    Source: https://docs.pytorch.org/docs/2.13/storage.html
    """

    __slots__ = ("__weakref__", "_memory", "_owner", "filename")

    def __init__(self, size: int | Bytes | bytearray | Sequence[int] = 0, *, device: Any = None) -> None:
        check_device(device)
        if isinstance(size, int) and size < 0:
            raise RuntimeError(f"a storage can't have a negative number of bytes, got {size}")
        if isinstance(size, (list, tuple, str)):
            size = _of_numbers(size)
        memory = np.zeros(size, np.uint8) if isinstance(size, int) else np.asarray(size, np.uint8)
        if memory.ndim != 1 or (memory.size > 1 and memory.strides != (1,)):
            raise ValueError(
                f"expected one dimension of adjoining bytes, got shape {memory.shape}, strides {memory.strides}"
            )
        self._memory: Bytes = memory
        self._owner: Array = owner_of(memory)
        self.filename = None

    @classmethod
    def of(cls, array: Array) -> UntypedStorage:
        """The storage that an array views."""
        storage = cls.__new__(cls)
        storage._owner, storage._memory, _ = owner_bytes(array)
        storage.filename = None
        return storage

    @classmethod
    def from_file(cls, filename: str, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first bytes of a file; what is written to them is written to the file if `shared`, which may also make
        it. RuntimeError for a file that isn't there or is too short.
        """
        storage = cls(bytes_of_file(filename, shared, nbytes))
        storage.filename = filename if shared else None
        return storage

    @classmethod
    def from_buffer(
        cls, buffer: Any, byte_order: str | None = None, *, count: int = -1, offset: int = 0, dtype: Any = dtypes.uint8
    ) -> UntypedStorage:
        """A copy of `count` elements of a buffer of bytes, from `offset` on, whose numbers have a byte order ("native",
        "little" or "big"; bytes need none). ValueError where the buffer is too short.
        """
        return cls(_copied(buffer, byte_order, count, offset, dtype))

    def _bytes(self) -> Bytes:
        return self._memory

    def _converted(self, kind: dtypes.dtype) -> TypedStorage:
        return TypedStorage(wrap_storage=UntypedStorage.of(self._memory.astype(kind.numpy_dtype)), dtype=kind)

    @property
    def device(self) -> device:
        """Where the bytes are: the CPU."""
        return cpu

    @property
    def is_cuda(self) -> bool:
        """False: the bytes are on the CPU."""
        return False

    def data_ptr(self) -> int:
        """The address of the first byte, 0 for an empty storage."""
        return address(self._memory) if self._memory.size else 0

    def nbytes(self) -> int:
        """How many bytes."""
        return int(self._memory.size)

    size = nbytes
    __len__ = nbytes

    def element_size(self) -> int:
        """The bytes of an element: 1."""
        return 1

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the storage's type, or its bytes as elements of a storage type such as `torch.FloatStorage`."""
        if dtype is None:
            return "torch.storage.UntypedStorage"
        return self._converted(_named_dtype(dtype))

    def new(self) -> UntypedStorage:
        """An empty storage."""
        return UntypedStorage()

    def untyped(self) -> UntypedStorage:
        """This storage."""
        return self

    def cpu(self) -> UntypedStorage:
        """This storage, which is on the CPU."""
        return self

    def clone(self) -> UntypedStorage:
        """A copy with memory of its own."""
        return UntypedStorage(self._memory.copy())

    def __copy__(self) -> UntypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> UntypedStorage:
        memo = memo.setdefault("torch", {})  # type: ignore[call-overload]
        return memo.setdefault(id(self), self.clone())

    def __reduce__(self) -> tuple[Any, ...]:
        return UntypedStorage, (bytearray(self._memory.tobytes()),)

    def copy_(self, source: UntypedStorage, non_blocking: bool | None = None) -> UntypedStorage:
        """Overwrite these bytes with `source`'s, of which there must be as many."""
        if source.nbytes() != self.nbytes():
            raise RuntimeError(
                f"size does not match, self was {self.nbytes()} bytes but src was {source.nbytes()} bytes"
            )
        self._memory[:] = source._memory
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Set every byte to `value`, modulo 256."""
        self._memory[:] = int(value) % 256
        return self

    def resize_(self, size: int) -> UntypedStorage:
        """Keep the first `size` bytes, or add more of any value. Tensors over the storage keep the memory it had."""
        if size < 0:
            raise RuntimeError(f"a storage can't have a negative number of bytes, got {size}")
        if size <= self._memory.size:
            self._memory = self._memory[:size]
        else:
            grown = np.zeros(size, np.uint8)
            grown[: self._memory.size] = self._memory
            self._memory, self._owner = grown, grown
        return self

    def byteswap(self, dtype: dtypes.dtype) -> None:
        """Turn the bytes of each number of a type around, in place."""
        swapped_bytes(self._memory, dtype)

    def share_memory_(self) -> UntypedStorage:
        """Move the bytes to where processes forked later share them. Tensors over the storage keep the memory it had:
        `Tensor.share_memory_` moves theirs.
        """
        if not self.is_shared():
            memory = mmap.mmap(-1, max(self._memory.size, 1))
            shared = np.frombuffer(memory, np.uint8)[: self._memory.size]
            shared[:] = self._memory
            self._memory, self._owner = shared, owner_of(shared)
        return self

    def tolist(self) -> list[int]:
        """The bytes as integers."""
        return self._memory.tolist()

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            if index.step not in (None, 1):
                raise RuntimeError(
                    "Trying to slice with a step of " + f"{index.step}, but only a step of 1 is supported"
                )
            return UntypedStorage(self._memory[index])
        return int(self._memory[_position(index, self._memory.size)])

    def __setitem__(self, index: int | slice, value: Any) -> None:
        place = index if isinstance(index, slice) else _position(index, self._memory.size)
        self._memory[place] = value % 256 if isinstance(value, int) else value

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, UntypedStorage)
            and self.data_ptr() == other.data_ptr()
            and self.nbytes() == other.nbytes()
        )

    def __hash__(self) -> int:
        return hash((self.data_ptr(), self.nbytes()))

    def __repr__(self) -> str:
        lines = "\n ".join(map(str, self.tolist()))
        return f" {lines}\n[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"


_ORDERS = {"native": sys.byteorder, "little": "little", "big": "big"}


def _copied(buffer: Any, byte_order: str | None, count: int, offset: int, kind: dtypes.dtype) -> Bytes:
    """`count` elements of a buffer, from a byte on, as bytes of this machine's order; all with a count below 0."""
    if byte_order is None and kind.itemsize > 1:
        raise RuntimeError("function missing required argument 'byte_order' (pos 2)")
    if byte_order is not None and byte_order not in _ORDERS:
        raise ValueError(f"invalid byte_order '{byte_order}' (expected 'big', 'little' or 'native')")
    held = np.frombuffer(buffer, np.uint8)
    if not 0 <= offset <= held.size:
        raise ValueError(
            f"offset must be non-negative and no greater than buffer length ({held.size}), but got {offset}"
        )
    if count < 0 and (held.size - offset) % kind.itemsize:
        raise ValueError(f"buffer size ({held.size}) must be a multiple of element size ({kind.itemsize})")
    wanted = (held.size - offset) // kind.itemsize * kind.itemsize if count < 0 else count * kind.itemsize
    if offset + wanted > held.size:
        raise ValueError(f"buffer has only {held.size - offset} bytes after offset {offset}, but {wanted} are needed")
    memory = held[offset : offset + wanted].copy()
    if byte_order is not None and _ORDERS[byte_order] != sys.byteorder:
        swapped_bytes(memory, kind)
    return memory


_ARGUMENTS = (
    "TypedStorage.__init__ received an invalid combination of arguments. Expected one of:\n"
    " * (*, torch.device device, torch.dtype dtype)\n"
    " * (int size, *, torch.device device, torch.dtype dtype)\n"
    " * (Sequence data, *, torch.device device, torch.dtype dtype)\n"
    " * (*, UntypedStorage wrap_storage, torch.dtype dtype)\n"
)


def _named_dtype(kind: Any) -> dtypes.dtype:
    """The dtype of a storage type: a class such as `FloatStorage` or its name."""
    if isinstance(kind, str):
        name = kind.rpartition(".")[2]
        known = (d for d in vars(dtypes).values() if isinstance(d, dtypes.dtype))
        found = next((d for d in known if f"{d.legacy_name}Storage" == name), None)
        if found is None:
            raise RuntimeError(f"unknown storage type {kind!r}")
        return found
    if isinstance(kind, dtypes.dtype):
        return kind
    return kind.dtype


class TypedStorage(StorageForms):
    """A run of elements of one dtype over an :class:`UntypedStorage`.

    Args:
        args: how many elements, zeroed, or a sequence of them; nothing for none.
        wrap_storage: the bytes to take, in place of these.
        dtype: the type of the elements, by default the default dtype; with `wrap_storage` it must be said.
        device: the CPU.

    RuntimeError for arguments that don't go together.

    >>> import rushlight as torch
    >>> torch.TypedStorage(wrap_storage=torch.arange(3.0).untyped_storage(), dtype=torch.float32).tolist()
    [0.0, 1.0, 2.0]

    Source: https://docs.pytorch.org/docs/2.13/storage.html#torch.TypedStorage
    """

    __slots__ = ("__weakref__", "_untyped_storage", "dtype")

    def __init__(
        self,
        *args: Any,
        wrap_storage: UntypedStorage | None = None,
        dtype: Any = None,
        device: Any = None,
        _internal: bool = False,
    ) -> None:
        if dtype is not None and not isinstance(dtype, dtypes.dtype):
            raise RuntimeError(f"expected torch.dtype, but got {type(dtype)}")
        check_device(device)
        if wrap_storage is not None:
            if args or dtype is None or device is not None:
                raise RuntimeError(_ARGUMENTS + "\nGot other arguments beside wrap_storage, or no dtype")
            if not isinstance(wrap_storage, UntypedStorage):
                raise TypeError(_ARGUMENTS + f"\nArgument type not recognized: {type(wrap_storage)}")
            self._untyped_storage = wrap_storage
            self.dtype: dtypes.dtype = dtype
            return
        if len(args) > 1:
            raise RuntimeError(_ARGUMENTS + "\nToo many positional arguments")
        self.dtype = dtypes.get_default_dtype() if dtype is None else dtype
        self._untyped_storage = _stored(args[0] if args else 0, self.dtype)

    @classmethod
    def _own_dtype(cls) -> dtypes.dtype:
        """The dtype of a storage type, of this class the default one."""
        own = vars(cls).get("dtype")
        return own if isinstance(own, dtypes.dtype) else dtypes.get_default_dtype()

    @classmethod
    def from_file(cls, filename: str, shared: bool, size: int) -> TypedStorage:
        """The first `size` elements of a file, of the default dtype; writes go to the file if `shared`."""
        kind = cls._own_dtype()
        untyped = UntypedStorage.from_file(filename, shared, size * kind.itemsize)
        return TypedStorage(wrap_storage=untyped, dtype=kind)

    @classmethod
    def from_buffer(
        cls, buffer: Any, byte_order: str | None = None, *, count: int = -1, offset: int = 0
    ) -> TypedStorage:
        """A copy of a buffer's elements, of the default dtype; `UntypedStorage.from_buffer` says what the arguments
        mean.
        """
        kind = cls._own_dtype()
        memory = _copied(buffer, byte_order, count, offset, kind)
        return TypedStorage(wrap_storage=UntypedStorage(memory), dtype=kind)

    @property
    def _elements(self) -> Array:
        memory = self._untyped_storage._memory
        return memory[: len(self) * self.dtype.itemsize].view(self.dtype.numpy_dtype)

    def _bytes(self) -> Bytes:
        return self._untyped_storage._memory

    def _converted(self, kind: dtypes.dtype) -> TypedStorage:
        if kind is self.dtype:
            return self
        array = self._elements
        array = array.real if array.dtype.kind == "c" and not kind.is_complex else array
        return TypedStorage(wrap_storage=UntypedStorage.of(array.astype(kind.numpy_dtype)), dtype=kind)

    @property
    def filename(self) -> str | None:  # type: ignore[override]
        """The file that holds the elements, where writes go to it."""
        return self._untyped_storage.filename

    @property
    def device(self) -> device:
        """Where the elements are: the CPU."""
        return cpu

    @property
    def is_cuda(self) -> bool:
        """False: the elements are on the CPU."""
        return False

    def untyped(self) -> UntypedStorage:
        """The bytes under the elements."""
        return self._untyped_storage

    def data_ptr(self) -> int:
        """The address of the first element, 0 for an empty storage."""
        return self._untyped_storage.data_ptr()

    def nbytes(self) -> int:
        """How many bytes the elements take."""
        return self._untyped_storage.nbytes()

    def element_size(self) -> int:
        """The bytes of an element."""
        return int(self.dtype.itemsize)

    def size(self) -> int:
        """How many elements."""
        return self._untyped_storage.nbytes() // self.element_size()

    __len__ = size

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the storage's type, or its elements in another, such as `torch.DoubleStorage`."""
        return f"torch.{self.pickle_storage_type()}" if dtype is None else self._converted(_named_dtype(dtype))

    def pickle_storage_type(self) -> str:
        """The name that checkpoints give to storages of this dtype, such as ``FloatStorage``."""
        return f"{self.dtype.legacy_name}Storage"

    def cpu(self) -> TypedStorage:
        """This storage, which is on the CPU."""
        return self

    def clone(self) -> TypedStorage:
        """A copy with memory of its own."""
        return TypedStorage(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype)

    def __copy__(self) -> TypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> TypedStorage:
        return TypedStorage(wrap_storage=copy.deepcopy(self._untyped_storage, memo), dtype=self.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return _typed, (self._untyped_storage, self.dtype)

    def copy_(self, source: TypedStorage, non_blocking: bool | None = None) -> TypedStorage:
        """Overwrite these elements with the bytes of `source`, of which there must be as many."""
        self._untyped_storage.copy_(source._untyped_storage)
        return self

    def fill_(self, value: Any) -> TypedStorage:
        """Set every element to `value`."""
        self._elements[:] = value
        return self

    def resize_(self, size: int) -> TypedStorage:
        """Keep the first `size` elements, or add more of any value. Tensors over the storage keep the memory it had."""
        self._untyped_storage.resize_(size * self.element_size())
        return self

    def share_memory_(self) -> TypedStorage:
        """Move the elements to where processes forked later share them."""
        self._untyped_storage.share_memory_()
        return self

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self._elements.tolist()

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not isinstance(index, (int, np.integer)):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        return self._elements[_position(index, len(self))].item()

    def __setitem__(self, index: int | slice, value: Any) -> None:
        if not isinstance(index, (int, np.integer, slice)):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        self._elements[index if isinstance(index, slice) else _position(index, len(self))] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedStorage) and self._untyped_storage == other._untyped_storage

    def __hash__(self) -> int:
        return hash(self._untyped_storage)

    def __repr__(self) -> str:
        lines = "\n ".join(map(str, self.tolist()))
        return f" {lines}\n[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {len(self)}]"


def _stored(given: Any, kind: dtypes.dtype) -> UntypedStorage:
    """Bytes for a number of elements, zeroed, or for given ones."""
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        return UntypedStorage(int(given) * kind.itemsize)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{_ARGUMENTS}\nArgument type not recognized: {type(given)}")
    return UntypedStorage.of(np.array(given, kind.numpy_dtype))


def _typed(untyped: UntypedStorage, kind: dtypes.dtype) -> TypedStorage:
    return TypedStorage(wrap_storage=untyped, dtype=kind)


def array_over(
    source: TypedStorage | UntypedStorage,
    kind: dtypes.dtype,
    offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Array:
    """An array of a dtype over a storage's memory: over all of it, or of a shape and strides from an element on.

    RuntimeError for a storage of elements of another dtype, and for what the storage doesn't hold.
    """
    if isinstance(source, TypedStorage) and source.dtype is not kind:
        raise RuntimeError(
            f"Expected a Storage of type {kind.legacy_name} or an UntypedStorage, but got type "
            f"{source.dtype.legacy_name} for argument 1 'storage'"
        )
    memory = source._bytes()
    if size is None:
        return memory[: memory.size // kind.itemsize * kind.itemsize].view(kind.numpy_dtype)
    shape = tuple(int(n) for n in size)
    if stride is None:
        stride = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    return view_of_bytes(memory, kind, int(offset), shape, tuple(int(n) for n in stride))


def untyped_storage(input: Variable) -> UntypedStorage:
    """The bytes that a tensor views, shared with it: all of them, also those that the tensor skips.

    >>> import rushlight as torch
    >>> torch.zeros(4)[1:].untyped_storage().nbytes()
    16

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.untyped_storage.html
    """
    return UntypedStorage.of(input._array)


def _typed_storage(input: Variable) -> TypedStorage:
    return TypedStorage(wrap_storage=UntypedStorage.of(input._array), dtype=input.dtype)


def storage(input: Variable) -> TypedStorage:
    """The memory that a tensor views, as elements of its dtype; PyTorch calls it deprecated, and so warns.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.storage.html
    """
    warnings.warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
        "class. This should only matter to you if you are using storages directly.  To access UntypedStorage directly, "
        "use tensor.untyped_storage() instead of tensor.storage()",
        UserWarning,
        stacklevel=2,
    )
    return _typed_storage(input)


def storage_type(input: Variable) -> Any:
    """The type of the tensor's storage, such as `torch.FloatStorage`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.storage_type.html
    """
    from rushlight import legacy_storage

    return getattr(legacy_storage, f"{input.dtype.legacy_name}Storage")


class StorageMethods:
    """The methods of tensors that concern their memory."""

    untyped_storage = untyped_storage
    storage = storage
    storage_type = storage_type
    _typed_storage = _typed_storage
