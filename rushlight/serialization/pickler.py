"""Objects to the pickle stream of a checkpoint: PyTorch's names for tensors and layers, storages apart."""

from __future__ import annotations

import io
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar

from rushlight import dtypes
from rushlight.autograd.variable import Variable, wrap
from rushlight.device import device
from rushlight.layout import layout, strided
from rushlight.quantizer import Quantizer, per_channel_affine, qscheme, quantizer_of
from rushlight.serialization.globals import UNTYPED, GlobalName, class_name, global_name
from rushlight.size import Size
from rushlight.storage import Bytes, TypedStorage, UntypedStorage, owner_bytes

__all__ = ["SavedStorage", "StorageTable", "pickler_type"]

_REBUILD_V2 = global_name("torch._utils", "_rebuild_tensor_v2")
_REBUILD_V3 = global_name("torch._utils", "_rebuild_tensor_v3")
_REBUILD_Q = global_name("torch._utils", "_rebuild_qtensor")
_REBUILD_TYPE = global_name("torch._tensor", "_rebuild_from_type_v2")
_REBUILD_SPARSE = global_name("torch._utils", "_rebuild_sparse_tensor")
_REBUILD_PARAMETER = global_name("torch._utils", "_rebuild_parameter")
_REBUILD_PARAMETER_STATE = global_name("torch._utils", "_rebuild_parameter_with_state")
_UNTYPED_STORAGE = global_name("torch.storage", "UntypedStorage")


class SavedStorage:
    """A storage that the stream refers to: its key in the archive, its bytes and the dtype it was met with."""

    __slots__ = ("dtype", "key", "kind", "memory", "owner")

    def __init__(self, key: str, owner: Any, memory: Bytes, dtype: dtypes.dtype | None) -> None:
        self.key = key
        self.owner = owner
        self.memory = memory
        self.dtype = dtype
        self.kind = _UNTYPED_STORAGE if dtype is None else global_name("torch", f"{dtype.legacy_name}Storage")

    @property
    def numel(self) -> int:
        """How many elements, of one byte where the dtype is not said."""
        return int(self.memory.size) // (1 if self.dtype is None else self.dtype.itemsize)


# Most of what is pickled; none of it needs a rule here.
_PLAIN = frozenset({str, int, float, bool, type(None), tuple, list, dict, OrderedDict, GlobalName})

# What the stream holds in place of a storage.
Reference = Callable[[SavedStorage], Any]


class StorageTable:
    """The storages of one file: arrays that share memory find the same entry."""

    def __init__(self) -> None:
        self.entries: list[SavedStorage] = []
        self._by_owner: dict[int, SavedStorage] = {}

    def enter(self, owner: Any, memory: Bytes, dtype: dtypes.dtype | None) -> SavedStorage:
        """The entry of an owner's memory; RuntimeError if it was met with another dtype."""
        found = self._by_owner.get(id(owner)) if memory.size else None
        if found is None:
            found = SavedStorage(str(len(self.entries)), owner, memory, dtype)
            self.entries.append(found)
            self._by_owner[id(owner)] = found
        elif found.dtype is not dtype:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        return found


def _own_state(tensor: Variable) -> dict[str, Any]:
    """The attributes that a program put on a tensor."""
    kind = type(tensor)
    return {name: value for name, value in tensor.__dict__.items() if name != "_array" and not hasattr(kind, name)}


def _reduce_plain(tensor: Variable, table: StorageTable) -> tuple[Any, ...]:
    array = tensor._array
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    owner, memory, start = owner_bytes(array)
    size = array.itemsize
    steps = array.strides
    # PyTorch has no negative strides, and counts offsets and strides in elements.
    if min(steps, default=0) < 0 or start % size or any(step % size for step in steps):
        owner, memory, start = owner_bytes(array := array.copy("C"))
        steps = array.strides
    kind = dtypes.from_numpy_dtype(array.dtype)
    untyped = kind in UNTYPED
    entry = table.enter(owner, memory, None if untyped else kind)
    place = (entry, start // size, tuple(array.shape), tuple(step // size for step in steps))
    requires_grad = tensor.requires_grad
    quantizer = quantizer_of(array)
    if quantizer is not None:
        return _REBUILD_Q, (*place, _quantizer_parameters(quantizer), requires_grad, OrderedDict())
    if untyped:
        return _REBUILD_V3, (*place, requires_grad, OrderedDict(), global_name("torch", kind.name))
    return _REBUILD_V2, (*place, requires_grad, OrderedDict())


def _quantizer_parameters(quantizer: Quantizer) -> tuple[Any, ...]:
    """A quantizer as PyTorch writes it."""
    if quantizer.axis is None:
        return quantizer.scheme, quantizer.scale, quantizer.zero_point
    return per_channel_affine, wrap(quantizer.scale), wrap(quantizer.zero_point), quantizer.axis


def _reduce_tensor(tensor: Variable, table: StorageTable) -> tuple[Any, ...]:
    from rushlight.nn.parameter import Parameter
    from rushlight.tensor import Tensor

    if tensor._backward_hooks:
        warnings.warn(
            f"backward hook {tensor._backward_hooks!r} on tensor will not be serialized.  If this is expected, you can "
            "decorate the function with @torch.utils.hooks.unserializable_hook to suppress this warning",
            stacklevel=2,
        )
    state = _own_state(tensor)
    # A tensor of another class that was made a parameter keeps its class.
    if issubclass(type(tensor), Parameter):
        content: tuple[Any, ...] = (tensor.data, tensor.requires_grad, OrderedDict())
        return (_REBUILD_PARAMETER_STATE, (*content, state)) if state else (_REBUILD_PARAMETER, content)
    func, args = _reduce_plain(tensor, table)
    kind = type(tensor)
    return (func, args) if kind is Tensor and not state else (_REBUILD_TYPE, (func, kind, args, state))


def _reduce(value: Any, table: StorageTable) -> Any:
    """How a value of this library is written; NotImplemented for all others."""
    if isinstance(value, Variable):
        from rushlight.nn.parameter import is_lazy

        if value.layout is not strided and not value.is_sparse:
            parts: Any = value._parts()  # type: ignore[attr-defined]
            return _REBUILD_SPARSE, (value.layout, parts[:4])
        if value.is_sparse:
            content = (value._indices(), value._values(), value.shape, value.is_coalesced())  # type: ignore[attr-defined]
            return _REBUILD_SPARSE, (value.layout, content)
        return value.__reduce_ex__(2) if is_lazy(value) else _reduce_tensor(value, table)
    if isinstance(value, Size):
        return global_name("torch", "Size"), (tuple(value),)
    if isinstance(value, device):
        return global_name("torch", "device"), ((value.type,) if value.index is None else (value.type, value.index))
    if isinstance(value, layout):
        return global_name("torch.serialization", "_get_layout"), (repr(value),)
    return NotImplemented


def pickler_type(pickle_module: Any = pickle) -> type[Any]:
    """The class that writes checkpoints, on top of `pickle_module`'s Pickler.

    Raises ValueError for a module whose Pickler is not derived from Python's own, since the names could not be set.
    """
    base: Any = pickle._Pickler if pickle_module is pickle else getattr(pickle_module, "Pickler", None)
    if not (isinstance(base, type) and issubclass(base, pickle._Pickler)):
        raise ValueError(
            "expected pickle_module to be pickle or a module whose Pickler derives from pickle._Pickler (such as "
            f"dill), got {getattr(pickle_module, '__name__', pickle_module)!r}"
        )

    class CheckpointPickler(base):  # type: ignore[misc]
        """Python's pickler, which writes globals by name and storages by reference."""

        dispatch: ClassVar[dict[type, Any]] = dict(base.dispatch)

        def __init__(self, file: Any, protocol: int, table: StorageTable, reference: Reference) -> None:
            super().__init__(file, protocol=protocol)
            self._table = table
            self._reference = reference

        def persistent_id(self, obj: Any) -> Any:
            if type(obj) in _PLAIN:
                return None
            if isinstance(obj, SavedStorage):
                return self._reference(obj)
            if isinstance(obj, TypedStorage):
                storage, kind = obj.untyped(), None if obj.dtype in UNTYPED else obj.dtype
            elif isinstance(obj, UntypedStorage):
                storage, kind = obj, None
            else:
                return None
            return self._reference(self._table.enter(storage._owner, storage._memory, kind))

        def reducer_override(self, obj: Any) -> Any:
            if type(obj) in _PLAIN or isinstance(obj, type):
                return NotImplemented
            return _reduce(obj, self._table)

        def save_name(self, obj: GlobalName) -> None:
            if self.proto >= 4:
                self.save(obj.module)
                self.save(obj.name)
                self.write(pickle.STACK_GLOBAL)
            else:
                self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
            self.memoize(obj)

        def save_dtype(self, obj: dtypes.dtype | qscheme) -> None:
            # Written as a global, as PyTorch does, and not as a call.
            self.save(global_name("torch", obj.name))

        def save_global(self, obj: Any, name: str | None = None) -> None:
            module = getattr(obj, "__module__", None)
            label = name or getattr(obj, "__qualname__", None)
            if isinstance(module, str) and isinstance(label, str) and "<locals>" not in label:
                written = class_name(obj, module, label)
                if written != (module, label):
                    self.save(global_name(*written))
                    return
            super().save_global(obj, name)

        dispatch[GlobalName] = save_name
        dispatch[dtypes.dtype] = save_dtype
        dispatch[qscheme] = save_dtype
        for _kind, _method in base.dispatch.items():
            if _method is pickle._Pickler.save_global:  # type: ignore[attr-defined]
                dispatch[_kind] = save_global

    return CheckpointPickler


def dumps(obj: Any, table: StorageTable, pickle_module: Any, protocol: int, reference: Reference) -> bytes:
    """The stream of an object; its storages are entered in `table`."""
    out = io.BytesIO()
    pickler_type(pickle_module)(out, protocol, table, reference).dump(obj)
    return out.getvalue()
