"""How tensors and storages go through the queues and pipes of `multiprocessing`: as memory that both sides share."""

from __future__ import annotations

import io
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import wrap
from rushlight.layout import strided
from rushlight.multiprocessing.sharing import handle_of, memory_of, moved, opened
from rushlight.nn.parameter import Parameter
from rushlight.sparse._compressed import compressed
from rushlight.storage import TypedStorage, UntypedStorage
from rushlight.tensor import Tensor

__all__ = ["init_reductions", "rebuild_tensor", "reduce_storage", "reduce_tensor", "reduce_typed_storage"]

_NON_LEAF = (
    "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support crossing "
    "process boundaries.  If you just want to transfer the data, call detach() on the tensor before serializing "
    "(e.g., putting it on the queue)."
)


def _sent(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    """What another process makes an array over the same memory from."""
    memory = memory_of(array)
    if memory is None:
        raise TypeError("expected an array in shared memory")
    start = np.frombuffer(memory, np.uint8).__array_interface__["data"][0]
    offset = array.__array_interface__["data"][0] - start if array.size else 0
    return (*handle_of(memory), offset, array.shape, array.strides)


def _received(
    dtype: Any, kind: str, handle: Any, size: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    return np.ndarray(shape, dtype, buffer=opened(kind, handle, size), offset=offset, strides=strides)


def rebuild_tensor(cls: type[Any], kind: dtypes.dtype, requires_grad: bool, *sent: Any) -> Any:
    """The tensor that another process sent."""
    tensor = wrap(_received(kind.numpy_dtype, *sent))
    if cls is Parameter:
        return Parameter(tensor, requires_grad)
    return tensor.requires_grad_() if requires_grad else tensor


def _rebuild_sparse(indices: Any, values: Any, shape: tuple[int, ...], coalesced: bool) -> Any:
    from rushlight.sparse import sparse_coo_tensor

    return sparse_coo_tensor(indices, values, shape, is_coalesced=coalesced)


def _saved(tensor: Any) -> bytes:
    from rushlight.serialization import save

    file = io.BytesIO()
    save(tensor, file)
    return file.getvalue()


def _rebuild_saved(data: bytes) -> Any:
    from rushlight.serialization import load

    return load(io.BytesIO(data))


def reduce_tensor(tensor: Any) -> tuple[Any, ...]:
    """How a tensor is sent: its memory moves to where the other process can share it, and both have it then.

    RuntimeError for one with a history.
    """
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(_NON_LEAF)
    if tensor.is_sparse:
        return _rebuild_sparse, (tensor._indices(), tensor._values(), tuple(tensor.shape), tensor.is_coalesced())
    if tensor.layout is not strided:
        return compressed, tensor._parts()
    if tensor._array.dtype.names:
        # The codes of a quantized tensor carry their quantizer in their type; they are copied.
        return _rebuild_saved, (_saved(tensor),)
    if memory_of(tensor._array) is None:
        tensor._array = moved(tensor._array)
    return rebuild_tensor, (type(tensor), tensor.dtype, tensor.requires_grad, *_sent(tensor._array))


def _rebuild_storage(*sent: Any) -> UntypedStorage:
    return UntypedStorage(_received(np.uint8, *sent))


def reduce_storage(storage: UntypedStorage) -> tuple[Any, ...]:
    """How a storage of bytes is sent: its memory moves to where the other process can share it."""
    if memory_of(storage._memory) is None:
        storage._memory = moved(storage._memory)
    return _rebuild_storage, _sent(storage._memory)


def _rebuild_typed(storage: UntypedStorage, kind: dtypes.dtype) -> TypedStorage:
    return TypedStorage(wrap_storage=storage, dtype=kind)


def reduce_typed_storage(storage: TypedStorage) -> tuple[Any, ...]:
    """How a storage of elements is sent."""
    return _rebuild_typed, (storage._untyped_storage, storage.dtype)


def init_reductions() -> None:
    """Let the queues and pipes of `multiprocessing` send tensors so."""
    ForkingPickler.register(Tensor, reduce_tensor)
    ForkingPickler.register(Parameter, reduce_tensor)
    ForkingPickler.register(UntypedStorage, reduce_storage)
    ForkingPickler.register(TypedStorage, reduce_typed_storage)
