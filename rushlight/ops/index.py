"""Indexing as Python writes it, `x[key]` and `x[key] = value`, and `index_put_`.

A key is read once, from left to right. Ints, slices, None and Ellipsis make a view (a NumPy basic index); what is
left are tensors, one a dimension, which gather a copy (`Index`). Ints are not tensors here, as in PyTorch and unlike
NumPy: they never count when it is decided where the gathered dimensions go.

Source: https://docs.pytorch.org/docs/2.13/tensor_view.html, https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.index_put_.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.array_memory import related, share_partly
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import OVERLAP, Operation, is_plain, view_of, writes_freely
from rushlight.autograd.transforms import elements
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.index import add_at, put_at, take_at
from rushlight.ops._geometry import (
    Array,
    Shape,
    check_no_overlap,
    expand_array,
    expanded_shape,
    shape_text,
    warn_of_overlap,
)
from rushlight.ops._indexed import taken
from rushlight.ops._keys import SIMPLE, WHOLE, ParsedKey, add_indices, checked_slice, parsed_key, trimmed
from rushlight.ops._numeric import check_tensor
from rushlight.ops.broadcast import expand
from rushlight.ops.shape import Alias
from rushlight.ops.slicing import BasicIndex, Newaxis, Select, Slice
from rushlight.ops.write import Copy, FillTensor, fill_value_array, to_shape, write_array

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["index_put", "index_put_"]


class Index(Operation):
    """The elements that index tensors name: at `layout[i]` true, dimension i is indexed by the next tensor."""

    node_name = "IndexBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, layout: tuple[bool, ...], *indices: Tensor) -> Array:
        array = input._array
        ctx.shape, ctx.layout = array.shape, layout
        ctx.save_for_backward(*indices)
        try:
            return take_at(array, _key(layout, indices))
        except IndexError as error:
            raise _index_error(error, indices) from None

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        indices = ctx.saved_tensors
        return IndexSum.apply(grad, ctx.shape, ctx.layout, *indices), None, *[None] * len(indices)


class IndexSum(Operation):
    """Zeros of a shape with elements added at the places that index tensors name."""

    node_name = "IndexPutBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, shape: Shape, layout: tuple[bool, ...], *indices: Tensor) -> Array:
        array = grad._array
        ctx.layout = layout
        ctx.save_for_backward(*indices)
        out = np.zeros(shape, array.dtype)
        add_at(out, _key(layout, indices), array)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        indices = ctx.saved_tensors
        return Index.apply(grad, ctx.layout, *indices), None, None, *[None] * len(indices)


class IndexPut(Operation):
    """A tensor with values written, or added, at the places that index tensors name."""

    node_name = "IndexPutBackward0"
    refuses_itself = True

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        values: Tensor,
        accumulate: bool,
        inplace: bool,
        layout: tuple[bool, ...],
        *indices: Tensor,
    ) -> Array:
        array, source = input._array, values._array
        ctx.accumulate, ctx.layout, ctx.shape = accumulate, layout, source.shape
        ctx.save_for_backward(*indices)
        if not inplace:
            array = array.copy("K")
        else:
            warn_of_overlap(array, "index_put_")
        put_values(array, _key(layout, indices), source, accumulate, indices)
        return array

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        indices, layout = ctx.saved_tensors, ctx.layout
        rest = values = None
        if ctx.needs_input_grad[0]:
            zero = wrap(np.zeros((), grad._array.dtype))
            rest = grad if ctx.accumulate else IndexPut.apply(grad, zero, False, False, layout, *indices)
        if ctx.needs_input_grad[1]:
            values = to_shape(Index.apply(grad, layout, *indices), ctx.shape)
        return rest, values, *[None] * (3 + len(indices))


def _key(layout: tuple[bool, ...], indices: Sequence[Tensor]) -> tuple[Any, ...]:
    found = iter(indices)
    return tuple([next(found)._array if indexed else WHOLE for indexed in layout])


def _index_error(error: IndexError, indices: Sequence[Tensor]) -> IndexError:
    text = str(error)
    if text.startswith("shape mismatch"):
        shapes = [(int(np.count_nonzero(i._array)),) if i._array.dtype.kind == "b" else i._array.shape for i in indices]
        text = "shape mismatch: indexing tensors could not be broadcast together with shapes " + ", ".join(
            map(shape_text, shapes)
        )
    return IndexError(text.replace("for axis", "for dimension"))


def put_values(array: Array, key: tuple[Any, ...], source: Array, accumulate: bool, indices: Sequence[Tensor]) -> None:
    """Write or add values at an advanced index, broadcast to what it selects."""
    try:
        if source.ndim and source.shape[0] == 1:
            source = source.reshape(source.shape[_leading_ones(source.shape) :])
        if accumulate:
            add_at(array, key, source)
        else:
            put_at(array, key, source)
    except IndexError as error:
        raise _index_error(error, indices) from None
    except ValueError:
        if not array.flags.writeable:
            raise
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {shape_text(source.shape)} cannot be broadcast to indexing result "
            f"of shape {shape_text(array[key].shape)}"
        ) from None


def _leading_ones(shape: Shape) -> int:
    count = 0
    while count < len(shape) and shape[count] == 1:
        count += 1
    return count


def getitem(self: Tensor, key: Any) -> Tensor:
    """`self[key]`: a view for ints, slices, None and Ellipsis, a copy for tensors, lists and masks."""
    kind = key.__class__
    array = self._array
    shape = array.shape
    if kind is int and shape:
        if -shape[0] <= key < shape[0]:
            if is_plain(self):
                return view_of(Select, self, ((key, ...),), array[key, ...])
            return Select.apply(self, (key, ...))
        raise IndexError(f"index {key} is out of bounds for dimension 0 with size {shape[0]}")
    if not shape:
        _check_scalar_key(key)
    if kind is slice:
        if key.step is not None or not {key.start.__class__, key.stop.__class__} <= SIMPLE:
            key = checked_slice(key)
        if is_plain(self):
            return view_of(Slice, self, ((key,),), array[key])
        return Slice.apply(self, (key,))
    if kind is tuple:
        if _is_plain(key, len(shape)):
            return _get_plain(self, key)
        if len(key) == 2 and key[0] is Ellipsis and key[1] is None and is_plain(self):
            return view_of(Newaxis, self, (key,), array[key])
        if len(key) == 2 and key[0] is Ellipsis and key[1].__class__ is int and shape and _within(key[1], shape[-1]):
            return view_of(Select, self, (key,), array[key]) if is_plain(self) else Select.apply(self, key)
    elif key is None:
        return (
            view_of(Newaxis, self, ((None, ...),), array[None]) if is_plain(self) else Newaxis.apply(self, (None, ...))
        )
    if shape and (quick := taken(self, key if kind is tuple else (key,))) is not None:
        return quick
    parsed = parsed_key(shape, key)
    if parsed.view is not None:
        self = parsed.view.apply(self, (*parsed.basic, ...))
    if parsed.indices:
        return Index.apply(self, trimmed(parsed), *parsed.indices)
    return self if parsed.view is not None else Alias.apply(self)


def _within(index: int, length: int) -> bool:
    return -length <= index < length


def _get_plain(self: Tensor, key: tuple[Any, ...]) -> Tensor:
    shape = self._array.shape
    for i in range(len(key) - 1, -1, -1):
        item = key[i]
        if item.__class__ is int:
            view: type[BasicIndex] = Select
            break
        if item != WHOLE and item.indices(shape[i]) != (0, shape[i], 1):
            view = Slice
            break
    else:
        return Slice.apply(self, key) if len(key) == 1 else Alias.apply(self)
    try:
        key = (*key, ...)
        return view_of(view, self, (key,), self._array[key]) if is_plain(self) else view.apply(self, key)
    except IndexError as error:
        raise IndexError(str(error).replace("for axis", "for dimension")) from None


def _check_scalar_key(key: Any) -> None:
    kind = key.__class__
    if kind is int:
        if key:
            raise IndexError(f"index {key} is out of bounds for dimension 0 with size 0")
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    if kind is slice:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """`self[key] = value`: a number, or a tensor that is broadcast to what the key selects."""
    if not isinstance(value, Variable):
        if not isinstance(value, (int, float, complex, np.number, np.bool_)):
            raise TypeError(f"can't assign a {_type_name(value)} to a torch.{self.dtype.legacy_name}Tensor")
        tracked = (state.enabled and self.requires_grad) or self._level is not None
    else:
        tracked = state.enabled and (self.requires_grad or value.requires_grad)
        tracked = tracked or self._level is not None or value._level is not None
    array = self._array
    plain_number = (
        array.dtype.kind == "f"
        and (value.__class__ is float or value.__class__ is int)
        # What any of the types holds.
        and -65504 <= value <= 65504
    )
    if plain_number and not tracked and not self._inference and _is_plain(key, array.ndim):
        try:
            array[key] = value
        except IndexError as error:
            raise IndexError(str(error).replace("for axis", "for dimension")) from None
        self.bump_version()
        return
    if not array.ndim:
        _check_scalar_key(key)
    if not tracked and _is_plain(key, array.ndim) and _set_plain(self, key, value):
        return
    parsed = parsed_key(array.shape, key)
    if any(
        not elements(index).any()
        for index in parsed.indices
        if index._array.shape == (1,) and index._array.dtype.kind == "b"
    ):
        return
    if tracked or self._inference:
        target = self if parsed.view is None else parsed.view.apply(self, (*parsed.basic, ...))
        _assign(target, parsed, value)
        return
    if parsed.view is not None:
        array = array[(*parsed.basic, ...)]
    if value is self and key is Ellipsis:
        self.bump_version()
        return
    given = value._array if isinstance(value, Variable) else fill_value_array(value, array)
    if parsed.indices:
        _check_put_types(array.dtype, given.dtype)
        warn_of_overlap(array, "index_put_")
        if share_partly(array, given, whole=True):
            raise RuntimeError(OVERLAP)
        put_values(array, _key(trimmed(parsed), parsed.indices), given, False, parsed.indices)
    else:
        given = _without_leading_ones(given, array.shape)
        if isinstance(value, Variable):
            check_no_overlap(array)
        if share_partly(array, expand_array(given, array.shape)):
            raise RuntimeError(OVERLAP)
        write_array(array, given)
    self.bump_version()


def _set_plain(self: Tensor, key: Any, value: Any) -> bool:
    """Write a tensor of the type and the shape of the part; False if anything is less simple."""
    if not isinstance(value, Variable) or not writes_freely(self):
        return False
    given = value._array
    try:
        part = self._array[(*key, ...) if key.__class__ is tuple else (key, ...)]
    except IndexError:
        return False
    if given.dtype is not part.dtype or given.shape != part.shape:
        return False
    if related(self._array, given) and share_partly(part, given):
        raise RuntimeError(OVERLAP)
    part[...] = given
    self.bump_version()
    return True


def _is_plain(key: Any, ndim: int) -> bool:
    """Whether NumPy reads a key as PyTorch does, and without a look at its parts."""
    if key.__class__ is int:
        return ndim > 0
    if key.__class__ is not tuple or len(key) > ndim:
        return False
    return all(item.__class__ is int or (item.__class__ is slice and item.step is None) for item in key)


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _without_leading_ones(given: Array, shape: Shape) -> Array:
    if given.shape == shape or not given.ndim:
        return given
    trimmed = given.reshape(given.shape[_leading_ones(given.shape) :])
    expanded_shape(trimmed, shape)
    return trimmed


def _assign(target: Tensor, parsed: ParsedKey, value: Any) -> None:
    given: Any
    if parsed.indices:
        given = value if isinstance(value, Variable) else wrap(fill_value_array(value, target._array))
        _check_put_types(target._array.dtype, given._array.dtype)
        IndexPut.inplace(target, given, False, True, trimmed(parsed), *parsed.indices)
    elif isinstance(value, Variable) and not value._array.ndim and target._array.ndim:
        FillTensor.inplace(target, value)
    elif isinstance(value, Variable):
        shape = value._array.shape
        ones = _leading_ones(shape) if shape != target._array.shape else 0
        given = value
        if ones:
            given = given.reshape(shape[ones:])
        if given._array.shape != target._array.shape:
            given = expand(given, target._array.shape)
        Copy.inplace(target, given)
    else:
        FillTensor.inplace(target, wrap(fill_value_array(value, target._array)))


def _check_put_types(target: np.dtype[Any], source: np.dtype[Any]) -> None:
    if target != source:
        names = [dtypes.from_numpy_dtype(kind).legacy_name for kind in (target, source)]
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {names[0]} for the destination and "
            f"{names[1]} for the source."
        )


def _put_indices(input: Tensor, indices: Sequence[Tensor], values: Any) -> tuple[tuple[bool, ...], list[Tensor]]:
    if not isinstance(values, Variable):
        raise TypeError(f"index_put(): argument 'values' (position 2) must be Tensor, not {type(values).__name__}")
    for i, index in enumerate(indices):
        if not isinstance(index, Variable):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(index).__name__}")
    _check_put_types(input._array.dtype, values._array.dtype)
    parsed = ParsedKey()
    dim = 0
    named = sum([i._array.ndim if i._array.dtype.kind == "b" else 1 for i in indices])
    if named > input._array.ndim:
        raise IndexError(f"too many indices for tensor of dimension {input._array.ndim} (got {named})")
    for index in indices:
        if index._array.ndim == 0:
            index = wrap(index._array.reshape(1))
        dim += add_indices(parsed, index, dim, input._array.shape)
    return tuple(parsed.layout), parsed.indices


def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `values` at the places the index tensors name (IndexError beyond); added there if
    `accumulate`.

    >>> import rushlight as torch
    >>> torch.zeros(3).index_put((torch.tensor([0, 0]),), torch.ones(2), accumulate=True)
    tensor([2., 0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.index_put_.html
    """
    check_tensor("index_put", "input", 1, input)
    layout, found = _put_indices(input, indices, values)
    return IndexPut.apply(input, values, accumulate, False, layout, *found)


def index_put_(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """Like `index_put`, written into the tensor."""
    check_tensor("index_put_", "input", 1, input)
    layout, found = _put_indices(input, indices, values)
    return IndexPut.inplace(input, values, accumulate, True, layout, *found)


class IndexMethods:
    """Tensor's methods of this family."""

    __getitem__ = getitem
    __setitem__ = setitem
    index_put = index_put
    index_put_ = index_put_
