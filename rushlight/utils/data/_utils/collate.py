"""From a list of samples to one batch, and from one sample to tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import wrap
from rushlight.ops.creation import as_tensor, tensor
from rushlight.ops.joining import stack
from rushlight.tensor import Tensor

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

CollateMap = dict[type | tuple[type, ...], Callable[..., Any]]

_UNKNOWN = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _holds_text_or_objects(array: np.ndarray) -> bool:
    return array.dtype.kind in "SUO"


def _rebuild_mapping(like: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """A mapping of `like`'s type with new values, or a dict where that type can't be made of one."""
    try:
        if isinstance(like, MutableMapping):
            # A copy keeps what a constructor might not take: a default factory, further attributes.
            clone = copy.copy(like)
            clone.update(values)
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _rebuild_sequence(like: Sequence[Any], values: list[Any]) -> Any:
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _is_namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def default_convert(data: Any) -> Any:
    """Turns NumPy arrays and scalars into tensors, in any nesting of mappings and sequences; leaves the rest alone.

    The `collate_fn` of a DataLoader without batching. Plain tuples become lists; arrays of text stay arrays.

    >>> import numpy as np
    >>> from rushlight.utils.data import default_convert
    >>> default_convert({"x": np.array([1, 2]), "name": "a"})
    {'x': tensor([1, 2]), 'name': 'a'}

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data.default_convert
    """
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, np.ndarray):
        return data if _holds_text_or_objects(data) else as_tensor(data)
    if isinstance(data, np.generic):
        return as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: default_convert(data[key]) for key in data})
    if _is_namedtuple(data):
        return type(data)(*(default_convert(item) for item in data))
    if isinstance(data, tuple):
        return [default_convert(item) for item in data]
    if isinstance(data, Sequence):
        return _rebuild_sequence(data, [default_convert(item) for item in data])
    return data


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Joins a list of samples into one batch by the function that `collate_fn_map` has for the samples' type.

    Mappings, namedtuples and sequences are joined member by member. Keys of the map are types or tuples of types; an
    exact type goes before a parent type, else the first match wins. Raises RuntimeError when sequences differ in
    length, TypeError for a type that the map doesn't know.

    >>> from rushlight.utils.data._utils.collate import collate
    >>> collate([1, 2], collate_fn_map={int: lambda batch, *, collate_fn_map=None: sum(batch)})
    3

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data._utils.collate.collate
    """
    first = batch[0]
    if collate_fn_map is not None:
        join = collate_fn_map.get(type(first))
        if join is None:
            join = next((f for kinds, f in collate_fn_map.items() if isinstance(first, kinds)), None)
        if join is not None:
            return join(batch, collate_fn_map=collate_fn_map)

    def again(samples: Any) -> Any:
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _rebuild_mapping(first, {key: again([sample[key] for sample in batch]) for key in first})
    if _is_namedtuple(first):
        return type(first)(*(again(samples) for samples in zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        joined = [again(samples) for samples in zip(*batch, strict=True)]
        return joined if isinstance(first, tuple) else _rebuild_sequence(first, joined)
    raise TypeError(_UNKNOWN.format(type(first)))


def collate_tensor_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Stacks tensors along a new first dimension."""
    arrays = [tensor._array for tensor in batch]
    shape, dtype = arrays[0].shape, arrays[0].dtype
    if any(array.shape != shape or array.dtype != dtype for array in arrays) or any(map(_needs_stack, batch)):
        return stack(list(batch), 0)
    # Samples as they mostly are: alike, and without a history. Half the time of `stack`.
    return wrap(np.array(arrays, dtype))


def _needs_stack(tensor: Tensor) -> bool:
    return type(tensor) is not Tensor or tensor.requires_grad


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Stacks arrays as tensors; arrays of text or objects raise TypeError."""
    if _holds_text_or_objects(batch[0]):
        raise TypeError(_UNKNOWN.format(batch[0].dtype))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """A 1-D tensor of NumPy scalars, of their dtype."""
    return as_tensor(np.asarray(batch))


def collate_float_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """A 1-D float64 tensor of Python floats."""
    return tensor(list(batch), dtype=dtypes.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """A 1-D tensor of Python ints (int64) or bools."""
    return tensor(list(batch))


def collate_str_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """The texts as they are."""
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """Joins a list of samples into one batch: tensors and arrays are stacked, numbers become tensors, texts a list.

    Members of mappings, namedtuples and sequences are joined one by one, and plain tuples become lists. Raises
    TypeError for any other type, RuntimeError when sequences or shapes differ.

    >>> from rushlight.utils.data import default_collate
    >>> default_collate([(1, "a"), (2, "b")])
    [tensor([1, 2]), ('a', 'b')]

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data.default_collate
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
