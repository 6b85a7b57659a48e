"""The memory under tensors: the array that owns a view's bytes, and PyTorch's storage objects over it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes
from rushlight.device import cpu, device

if TYPE_CHECKING:
    from rushlight.autograd.variable import Variable

__all__ = ["StorageMethods", "TypedStorage", "UntypedStorage", "owner_bytes", "owner_of", "view_of_bytes"]

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]


def owner_of(array: Array) -> Array:
    """The array at the bottom of a chain of views: views of one storage have the same owner.

    >>> import numpy as np
    >>> from rushlight.storage import owner_of
    >>> base = np.zeros((2, 3))
    >>> owner_of(base.T[1:]) is base
    True
    """
    while True:
        below: Any = array.base
        if not isinstance(below, np.ndarray):
            # `as_strided` puts an object of its own between, a buffer a memoryview.
            below = below.obj if isinstance(below, memoryview) else getattr(below, "base", None)
            if not isinstance(below, np.ndarray):
                return array
        array = below


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def _span(array: Array) -> tuple[int, int]:
    """The addresses of the first byte of an array's elements and of the one after the last."""
    low = high = _address(array)
    if array.size == 0:
        return low, low
    for length, stride in zip(array.shape, array.strides, strict=True):
        reach = (length - 1) * stride
        if reach < 0:
            low += reach
        else:
            high += reach
    return low, high + array.itemsize


def owner_bytes(array: Array) -> tuple[Array, Bytes, int]:
    """The owner of an array, the owner's memory as a flat view of bytes, and where in it the array begins.

    The flat view shares the owner's memory; it covers the owner whole, gaps between its elements included.
    """
    owner = owner_of(array)
    low, high = _span(owner)
    if high == low:
        return owner, np.empty(0, np.uint8), 0
    # The ellipsis keeps an array of no dimensions an array.
    lowest: Any = (*(slice(-1, None) if stride < 0 else slice(0, 1) for stride in owner.strides), ...)
    first = owner[lowest].reshape(1).view(np.uint8)
    flat = np.lib.stride_tricks.as_strided(first, (high - low,), (1,))
    return owner, flat, _address(array) - low


def _is_dense(array: Array, low: int, high: int) -> bool:
    """Whether an array's elements fill its span, each place once."""
    if high - low != array.nbytes:
        return False
    return 0 not in array.strides or all(
        step or length == 1 for step, length in zip(array.strides, array.shape, strict=True)
    )


def share_partly(one: Array, other: Array, whole: bool = False) -> bool:
    """Whether two arrays have some memory in common, though not (unless `whole`) all of it in the same order.

    As PyTorch, it does not ask how arrays with gaps lie to each other.

    >>> import numpy as np
    >>> from rushlight.storage import share_partly
    >>> x = np.zeros(4)
    >>> share_partly(x[1:], x[:-1]), share_partly(x, x), share_partly(x[::2], x[1:])
    (True, False, False)
    """
    if one is other:
        return whole and one.size > 0
    if not one.size or not other.size:
        return False
    low, high = _span(one)
    first, last = _span(other)
    if low >= last or first >= high or not (_is_dense(one, low, high) and _is_dense(other, first, last)):
        return False
    return whole or (low, high) != (first, last) or _steps(one) != _steps(other)


def _steps(array: Array) -> list[int]:
    return [step for step, length in zip(array.strides, array.shape, strict=True) if length != 1]


def same_place(one: Array, other: Array) -> bool:
    """Whether two arrays look at the same memory in the same way.

    >>> import numpy as np
    >>> from rushlight.storage import same_place
    >>> x = np.zeros((2, 2))
    >>> same_place(x[0], x[0]), same_place(x[0], x[1])
    (True, False)
    """
    return one.shape == other.shape and one.strides == other.strides and _address(one) == _address(other)


def resized(array: Array, shape: tuple[int, ...]) -> Array:
    """An array of another shape over the same memory from the same place on, or, where that ends, over new memory.

    >>> import numpy as np
    >>> from rushlight.storage import resized
    >>> x = np.arange(4)
    >>> resized(x[:2], (3,)), np.shares_memory(resized(x[:2], (3,)), x)
    (array([0, 1, 2]), True)
    """
    count = math.prod(shape)
    _, memory, start = owner_bytes(array)
    need = count * array.itemsize
    if 0 < need <= memory.size - start and not array.dtype.hasobject:
        return memory[start : start + need].view(array.dtype).reshape(shape)
    grown = np.empty(count, array.dtype)
    kept = memory[start : start + need]
    grown.view(np.uint8)[: kept.size] = kept
    return grown.reshape(shape)


def view_of_bytes(
    memory: Bytes, kind: dtypes.dtype, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> Array:
    """An array over flat `memory`; offset and strides count elements.

    Raises RuntimeError for anything that would reach outside the memory.
    """
    numbers = (offset, *shape, *strides)
    if any(type(n) is not int for n in numbers) or len(shape) != len(strides):
        raise RuntimeError(
            f"expected whole numbers, as many strides as sizes, got sizes {shape}, strides {strides}, offset {offset}"
        )
    if min(numbers) < 0 or len(shape) > 64:
        raise RuntimeError(
            f"expected at most 64 sizes, strides and an offset, none negative, got sizes {shape}, strides {strides}, "
            f"storage offset {offset}"
        )
    held = memory.size // kind.itemsize
    empty = 0 in shape
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    if offset > held or (not empty and last >= held):
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {offset}, and itemsize "
            f"{kind.itemsize} requiring a storage size of {(last + 1) * kind.itemsize} are out of bounds for storage "
            f"of size {memory.size}"
        )
    if math.prod(shape) > 2**62:
        raise RuntimeError(f"expected at most 2**62 elements, got sizes {list(shape)}")
    steps = tuple(
        0 if n <= 1 and s * kind.itemsize > 2**62 else s * kind.itemsize for n, s in zip(shape, strides, strict=True)
    )
    if empty:
        return np.ndarray(shape, kind.numpy_dtype)
    return np.ndarray(shape, kind.numpy_dtype, buffer=memory, offset=offset * kind.itemsize, strides=steps)


def _position(index: Any, length: int) -> int:
    if not isinstance(index, (int, np.integer)):
        raise TypeError(f"can't index a storage with {type(index).__name__}: expected an int or a slice")
    if not -length <= index < length:
        raise IndexError(f"index {index} out of range for storage of size {length}")
    return int(index) % length


class UntypedStorage:
    """A run of bytes, shared with the tensors that view it.

    Args:
        size: how many bytes, zeroed; or an array or buffer of bytes to share.

    >>> import rushlight as torch
    >>> torch.zeros(3).untyped_storage().nbytes()
    12

    Source: https://docs.pytorch.org/docs/2.13/storage.html
    """

    __slots__ = ("_memory", "_owner")

    def __init__(self, size: int | Bytes | bytearray = 0) -> None:
        if isinstance(size, int) and size < 0:
            raise RuntimeError(f"a storage can't have a negative number of bytes, got {size}")
        memory = np.zeros(size, np.uint8) if isinstance(size, int) else np.asarray(size, np.uint8)
        if memory.ndim != 1 or (memory.size > 1 and memory.strides != (1,)):
            raise ValueError(
                f"expected one dimension of adjoining bytes, got shape {memory.shape}, strides {memory.strides}"
            )
        self._memory: Bytes = memory
        self._owner: Array = owner_of(memory)

    @classmethod
    def of(cls, array: Array) -> UntypedStorage:
        """The storage that an array views."""
        storage = cls.__new__(cls)
        storage._owner, storage._memory, _ = owner_bytes(array)
        return storage

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
        return _address(self._memory) if self._memory.size else 0

    def nbytes(self) -> int:
        """How many bytes."""
        return int(self._memory.size)

    size = nbytes
    __len__ = nbytes

    def element_size(self) -> int:
        """The bytes of an element: 1."""
        return 1

    def untyped(self) -> UntypedStorage:
        """This storage."""
        return self

    def cpu(self) -> UntypedStorage:
        """This storage, which is on the CPU."""
        return self

    def clone(self) -> UntypedStorage:
        """A copy with memory of its own."""
        return UntypedStorage(self._memory.copy())

    def copy_(self, source: UntypedStorage, non_blocking: bool | None = None) -> UntypedStorage:
        """Overwrite these bytes with `source`'s, of which there must be as many."""
        if source.nbytes() != self.nbytes():
            raise RuntimeError(f"expected a storage of {self.nbytes()} bytes, got {source.nbytes()}")
        self._memory[:] = source._memory
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Set every byte to `value`."""
        self._memory[:] = value
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
        self._memory[index if isinstance(index, slice) else _position(index, self._memory.size)] = value

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
        lines = "".join(f" {value}\n" for value in self.tolist())
        return f"{lines}[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"


class TypedStorage:
    """A run of elements of one dtype over an :class:`UntypedStorage`.

    >>> import rushlight as torch
    >>> torch.TypedStorage(wrap_storage=torch.arange(3.0).untyped_storage(), dtype=torch.float32).tolist()
    [0.0, 1.0, 2.0]

    Source: https://docs.pytorch.org/docs/2.13/storage.html#torch.TypedStorage
    """

    __slots__ = ("_untyped_storage", "dtype")

    def __init__(self, *, wrap_storage: UntypedStorage, dtype: dtypes.dtype) -> None:
        self._untyped_storage = wrap_storage
        self.dtype = dtype

    @property
    def _elements(self) -> Array:
        memory = self._untyped_storage._memory
        return memory[: len(self) * self.dtype.itemsize].view(self.dtype.numpy_dtype)

    @property
    def device(self) -> device:
        """Where the elements are: the CPU."""
        return cpu

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

    def pickle_storage_type(self) -> str:
        """The name that checkpoints give to storages of this dtype, such as ``FloatStorage``."""
        return f"{self.dtype.legacy_name}Storage"

    def cpu(self) -> TypedStorage:
        """This storage, which is on the CPU."""
        return self

    def clone(self) -> TypedStorage:
        """A copy with memory of its own."""
        return TypedStorage(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype)

    def fill_(self, value: Any) -> TypedStorage:
        """Set every element to `value`."""
        self._elements[:] = value
        return self

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self._elements.tolist()

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._elements[_position(index, len(self))].item()

    def __setitem__(self, index: int | slice, value: Any) -> None:
        self._elements[index if isinstance(index, slice) else _position(index, len(self))] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        lines = "".join(f" {value}\n" for value in self.tolist())
        return f"{lines}[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {len(self)}]"


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


class StorageMethods:
    """The methods of tensors that concern their memory."""

    untyped_storage = untyped_storage
    storage = storage
    _typed_storage = _typed_storage
