"""The memory under arrays: which array owns a view's bytes, where they lie, and whether two arrays share them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes
from rushlight.kernels import address

__all__ = ["address", "owner_bytes", "owner_of", "related", "resized", "same_place", "share_partly", "view_of_bytes"]

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]


def owner_of(array: Array) -> Array:
    """The array at the bottom of a chain of views: views of one storage have the same owner.

    >>> import numpy as np
    >>> from rushlight.array_memory import owner_of
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


def _span(array: Array) -> tuple[int, int]:
    """The addresses of the first byte of an array's elements and of the one after the last."""
    low = high = address(array)
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
    return owner, flat, address(array) - low


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
    >>> from rushlight.array_memory import share_partly
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
    return whole or (low, high) != (first, last) or one.strides != other.strides


def related(one: Array, other: Array) -> bool:
    """Whether two arrays may be views of one memory: False is sure, and costs little.

    >>> import numpy as np
    >>> from rushlight.array_memory import related
    >>> x = np.zeros(4)
    >>> related(x, x[1:]), related(x, np.zeros(4))
    (True, False)
    """
    below, base = one.base, other.base
    return one is other or below is other or (base is not None and (base is below or base is one))


def same_place(one: Array, other: Array) -> bool:
    """Whether two arrays look at the same memory in the same way.

    >>> import numpy as np
    >>> from rushlight.array_memory import same_place
    >>> x = np.zeros((2, 2))
    >>> same_place(x[0], x[0]), same_place(x[0], x[1])
    (True, False)
    """
    return one.shape == other.shape and one.strides == other.strides and address(one) == address(other)


def resized(array: Array, shape: tuple[int, ...]) -> Array:
    """An array of another shape over the same memory from the same place on, or, where that ends, over new memory.

    >>> import numpy as np
    >>> from rushlight.array_memory import resized
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
