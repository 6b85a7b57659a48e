"""Keys as Python writes them, `x[key]`, taken apart: what makes a view, and the tensors that index."""

from __future__ import annotations

import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._data import from_data
from rushlight.ops._geometry import Shape, shape_text
from rushlight.ops.slicing import BasicIndex, Newaxis, Select, Slice

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["SIMPLE", "WHOLE", "ParsedKey", "add_indices", "checked_slice", "parsed_key", "trimmed"]

WHOLE = slice(None)
_KINDS = "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices"


class ParsedKey:
    """A key taken apart: the basic index, the view it makes (None if it changes nothing), and what tensors index."""

    __slots__ = ("basic", "indices", "layout", "view")

    def __init__(self) -> None:
        self.basic: list[Any] = []
        self.view: type[BasicIndex] | None = None
        self.layout: list[bool] = []
        self.indices: list[Tensor] = []


def parsed_key(shape: Shape, key: Any) -> ParsedKey:
    items = _items(key)
    parsed = ParsedKey()
    dim, ndim = 0, len(shape)
    left = ndim - _count(items)
    if left < 0:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    for item in items:
        kind = item.__class__
        if kind is slice:
            _add_slice(parsed, item, shape[dim], len(items) == 1)
            dim += 1
        elif kind is int:
            _add_int(parsed, item, dim, shape)
            dim += 1
        elif item is None:
            _add_axis(parsed, None)
        elif item is Ellipsis:
            parsed.basic += [WHOLE] * left
            parsed.layout += [False] * left
            dim += left
            left = 0
        elif kind is bool:
            _add_axis(parsed, item)
        else:
            dim += add_indices(parsed, item, dim, shape)
    return parsed


def _items(key: Any) -> list[Any]:
    """The items of a key, arrays among them turned into tensors, and integer tensors without dimensions into ints."""
    if key.__class__ is not tuple:
        if isinstance(key, list) and any(_is_tuple_like(item) for item in key):
            warnings.warn(
                "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in "
                "pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor "
                "index, x[torch.tensor(seq)], which will result either in an error or a different result",
                UserWarning,
                stacklevel=4,
            )
            key = tuple(key)
        else:
            key = (key,)
    return [item if item is None or item is Ellipsis or item.__class__ in _PLAIN else _item(item) for item in key]


SIMPLE = frozenset((int, type(None)))


_PLAIN = frozenset((int, slice, bool))


def _is_tuple_like(item: Any) -> bool:
    return item is None or item is Ellipsis or isinstance(item, (slice, list, tuple, range, Variable, np.ndarray))


def _item(item: Any) -> Any:
    if isinstance(item, Variable):
        array = item._array
        if array.ndim == 0:
            if array.dtype.kind == "b" or array.dtype == np.uint8:
                return bool(array)
            if array.dtype.kind in "iu":
                return int(array)
        return item
    if isinstance(item, (np.integer, np.bool_)):
        return item.item()
    if isinstance(item, (float, complex, np.floating, np.complexfloating)):
        raise IndexError(f"{_KINDS} (got {type(item).__name__})")
    if isinstance(item, (list, tuple, range)) and not len(item):
        return wrap(np.empty(0, np.int64))
    if isinstance(item, (str, dict, set)):
        raise TypeError(f"new(): invalid data type '{type(item).__name__}'")
    if isinstance(item, (np.ndarray, list, tuple, range)):
        array = from_data(item, None, copy=False)
        if array.dtype.kind == "f" and not isinstance(item, np.ndarray):
            array = array.astype(np.int64)
        return _item(wrap(array))
    if hasattr(item, "__index__"):
        return operator.index(item)
    raise IndexError(f"{_KINDS} (got {type(item).__name__})")


def _count(items: list[Any]) -> int:
    count = 0
    for item in items:
        if isinstance(item, Variable):
            array = item._array
            count += array.ndim if array.dtype.kind == "b" or array.dtype == np.uint8 else 1
        elif item is not None and item is not Ellipsis and item.__class__ is not bool:
            count += 1
    return count


def _add_int(parsed: ParsedKey, index: int, dim: int, shape: Shape) -> None:
    length = shape[dim]
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of bounds for dimension {dim} with size {length}")
    parsed.basic.append(index)
    parsed.view = Select


def _add_slice(parsed: ParsedKey, item: slice, length: int, alone: bool) -> None:
    parsed.layout.append(False)
    item = checked_slice(item)
    parsed.basic.append(item)
    if alone or item.indices(length) != (0, length, 1):
        parsed.view = Slice


def checked_slice(item: slice) -> slice:
    """A slice with plain numbers; ValueError unless its step is positive."""
    try:
        start, stop, step = (
            None if part is None else operator.index(part) for part in (item.start, item.stop, item.step)
        )
    except TypeError:
        raise TypeError("slice indices must be integers or None or have an __index__ method") from None
    if step is not None and step <= 0:
        raise ValueError("slice step cannot be zero" if step == 0 else "step must be greater than zero")
    return slice(start, stop, step)


def _add_axis(parsed: ParsedKey, truth: bool | None) -> None:
    parsed.basic.append(None)
    parsed.view = Newaxis
    parsed.layout.append(truth is not None)
    if truth is not None:
        parsed.indices.append(wrap(np.array([truth])))


def add_indices(parsed: ParsedKey, item: Tensor, dim: int, shape: Shape) -> int:
    array = item._array
    if array.dtype == np.uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
            UserWarning,
            stacklevel=5,
        )
        item = wrap(array.astype(bool))
        array = item._array
    if array.dtype.kind == "b":
        for i, length in enumerate(array.shape):
            if length != shape[dim + i]:
                raise IndexError(
                    f"The shape of the mask {shape_text(array.shape)} at index {i} does not match the shape of the "
                    f"indexed tensor {shape_text(shape)} at index {dim + i}"
                )
        parsed.basic += [WHOLE] * array.ndim
        parsed.layout.append(True)
        parsed.indices.append(item)
        return array.ndim
    if array.dtype.kind != "i" or array.itemsize < 4:
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    parsed.basic.append(WHOLE)
    parsed.layout.append(True)
    parsed.indices.append(item)
    return 1


def trimmed(parsed: ParsedKey) -> tuple[bool, ...]:
    layout = parsed.layout
    last = len(layout)
    while not layout[last - 1]:
        last -= 1
    return tuple(layout[:last])
