"""What the globals of a checkpoint do when it is read: tensors over storages, parameters, layouts.

Each checks what it is given, since the file decides it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import Variable, wrap
from rushlight.device import device
from rushlight.layout import sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr, strided
from rushlight.quantizer import SCHEMES, Quantizer, codes_of, quantized_array
from rushlight.serialization.errors import CorruptFileError
from rushlight.serialization.globals import DTYPES, storage_dtype
from rushlight.size import Size
from rushlight.storage import TypedStorage, UntypedStorage, view_of_bytes

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["FUNCTIONS", "GUARDED", "StorageKind", "SwappedStorage", "resolve", "swap_bytes"]


class StorageKind:
    """What a storage class in a stream says: the dtype of the elements, None for bytes."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: dtypes.dtype | None) -> None:
        self.dtype = dtype


def swap_bytes(storage: UntypedStorage, kind: dtypes.dtype) -> None:
    """Turn elements written on a machine of the other byte order, in place."""
    unit = kind.itemsize // 2 if kind.is_complex else kind.itemsize
    if unit > 1:
        memory = storage._memory
        memory[: memory.size // unit * unit].view(f"u{unit}").byteswap(inplace=True)


def _tensor(storage: Any, kind: dtypes.dtype | None, offset: Any, size: Any, stride: Any) -> Tensor:
    if not isinstance(storage, TypedStorage) or not isinstance(size, tuple) or not isinstance(stride, tuple):
        raise CorruptFileError(
            f"expected a storage, an offset, sizes and strides to rebuild a tensor, got {type(storage).__name__}, "
            f"{offset!r}, {size!r}, {stride!r}"
        )
    memory = storage._untyped_storage._memory
    return wrap(view_of_bytes(memory, kind or storage.dtype, offset, tuple(size), tuple(stride)))


def _finish(tensor: Tensor, requires_grad: Any, metadata: Any) -> Tensor:
    if metadata:
        # PyTorch keeps conjugation and negation as flags over the memory; here they are carried out.
        if not isinstance(metadata, dict):
            raise CorruptFileError(f"expected the flags of a tensor, got {metadata!r:.40}")
        if metadata.get("conj"):
            tensor = wrap(np.conjugate(tensor._array))
        if metadata.get("neg"):
            tensor = wrap(np.negative(tensor._array))
    if requires_grad:
        tensor.requires_grad_(True)
    return tensor


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any) -> Tensor:
    return _tensor(storage, None, offset, size, stride)


def _rebuild_tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, metadata: Any = None
) -> Tensor:
    return _finish(_tensor(storage, None, offset, size, stride), requires_grad, metadata)


def _rebuild_tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, dtype: Any, metadata: Any = None
) -> Tensor:
    if not isinstance(dtype, dtypes.dtype):
        raise CorruptFileError(f"expected a dtype to rebuild a tensor, got {dtype!r}")
    if isinstance(storage, SwappedStorage):
        storage.swap(dtype)
    return _finish(_tensor(storage, dtype, offset, size, stride), requires_grad, metadata)


def _rebuild_qtensor(
    storage: Any, offset: Any, size: Any, stride: Any, quantizer_params: Any, requires_grad: Any, hooks: Any
) -> Tensor:
    array = _tensor(storage, None, offset, size, stride)._array
    kind = dtypes.from_numpy_dtype(array.dtype)
    if not array.dtype.names or not isinstance(quantizer_params, tuple):
        raise CorruptFileError(f"expected codes and a quantizer to rebuild a quantized tensor, got {kind}")
    match quantizer_params:
        case (scheme, float() | int() as step, int() as middle) if scheme is SCHEMES["per_tensor_affine"]:
            quantizer = Quantizer(scheme, float(step), middle)
        case (scheme, Variable() as scales, Variable() as zero_points, int() as axis) if _is_per_channel(scheme):
            scale, zero = scales._array, zero_points._array
            if not 0 <= axis < array.ndim or scale.shape != zero.shape or scale.shape != (array.shape[axis],):
                raise CorruptFileError("expected a scale and a zero point for each channel of a quantized tensor")
            if scale.dtype.kind != "f" or zero.dtype.kind not in "fi":
                raise CorruptFileError(f"expected scales in floats, got {scale.dtype} and {zero.dtype}")
            # PyTorch names one scheme for both, and tells them apart by the zero points.
            kept = SCHEMES["per_channel_affine_float_qparams" if zero.dtype.kind == "f" else "per_channel_affine"]
            quantizer = Quantizer(kept, scale, zero, axis)
        case _:
            raise CorruptFileError(
                f"expected a quantizer of scheme, scale and zero point, got {quantizer_params!r:.80}"
            )
    return wrap(quantized_array(codes_of(array), kind, quantizer))


def _is_per_channel(scheme: Any) -> bool:
    return scheme is SCHEMES["per_channel_affine"] or scheme is SCHEMES["per_channel_affine_float_qparams"]


class SwappedStorage(TypedStorage):
    """Bytes in the other byte order, whose element size only the tensor over them knows."""

    __slots__ = ("_done",)

    def swap(self, kind: dtypes.dtype) -> None:
        """Turn the bytes, the first time a tensor asks."""
        if not getattr(self, "_done", False):
            swap_bytes(self._untyped_storage, kind)
            self._done = True


def _checked_tensor(data: Any) -> Tensor:
    if not isinstance(data, Variable):
        raise CorruptFileError(f"expected a tensor to rebuild a parameter, got {type(data).__name__}")
    return data  # type: ignore[return-value]


def _rebuild_parameter(data: Any, requires_grad: Any, hooks: Any) -> Any:
    from rushlight.nn.parameter import Parameter

    return Parameter(_checked_tensor(data), bool(requires_grad))


def _set_state(target: Any, state: Any) -> Any:
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    for part in (state, slots):
        for name, value in (part or {}).items():
            if not isinstance(name, str) or name == "_array" or hasattr(type(target), name):
                raise CorruptFileError(f"expected the names of a tensor's own attributes, got {name!r}")
            target.__dict__[name] = value
    return target


def _rebuild_parameter_with_state(data: Any, requires_grad: Any, hooks: Any, state: Any) -> Any:
    return _set_state(_rebuild_parameter(data, requires_grad, hooks), state)


def _rebuild_from_type_v2(rebuild: Any, kind: Any, args: Any, state: Any) -> Any:
    if rebuild not in FUNCTIONS.values() or not isinstance(kind, type) or not issubclass(kind, Variable):
        raise CorruptFileError(f"expected what rebuilds tensors and a Tensor class, got {rebuild!r}, {kind!r}")
    tensor = rebuild(*args)
    if type(tensor) is not kind:
        plain = tensor
        tensor = object.__new__(kind)
        tensor.__dict__.update(plain.__dict__)
    return _set_state(tensor, state)


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    # Protocol 2 writes bytes as Latin-1 text; other codecs would import modules that the file names.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "ascii", "utf-8"):
        raise CorruptFileError(f"expected text in Latin-1, ASCII or UTF-8, got {type(text).__name__} in {encoding!r}")
    return text.encode(encoding)


def _bytearray(data: Any = b"", encoding: Any = None) -> bytearray:
    if isinstance(data, str):
        return bytearray(_encode(data, encoding))
    if not isinstance(data, (bytes, bytearray)):
        raise CorruptFileError(f"expected bytes, got {type(data).__name__}")
    return bytearray(data)


def _bytes() -> bytes:
    # The only way in which protocol 2 calls `bytes`.
    return b""


def _get_layout(name: Any) -> Any:
    for layout in (strided, sparse_coo, *_COMPRESSED):
        if name == repr(layout):
            return layout
    raise CorruptFileError(f"expected a layout, such as {strided} or {sparse_coo}, got {name!r}")


_COMPRESSED = (sparse_csr, sparse_csc, sparse_bsr, sparse_bsc)


def _rebuild_sparse_tensor(layout: Any, data: Any) -> Any:
    from rushlight.sparse._create import sparse_compressed_tensor, sparse_coo_tensor

    if layout in _COMPRESSED and isinstance(data, tuple) and len(data) == 4:
        pointers, others, values = map(_checked_tensor, data[:3])
        # Wrong indices are refused there.
        return sparse_compressed_tensor(pointers, others, values, _size(data[3]), layout=layout, check_invariants=True)
    if layout is not sparse_coo or not isinstance(data, tuple) or len(data) not in (3, 4):
        raise CorruptFileError(f"expected the parts of a {sparse_coo} tensor, got {layout!r}, {type(data).__name__}")
    indices, values, size, *coalesced = data
    if not isinstance(size, tuple):
        raise CorruptFileError(f"expected the size of a sparse tensor, got {size!r}")
    # An index out of range is refused there.
    return sparse_coo_tensor(
        _checked_tensor(indices), _checked_tensor(values), size, is_coalesced=bool(coalesced and coalesced[0])
    )


def _size(sizes: Any = ()) -> Size:
    if not isinstance(sizes, (tuple, list)) or any(type(size) is not int for size in sizes):
        raise CorruptFileError(f"expected a tuple of ints for torch.Size, got {sizes!r}")
    return Size(sizes)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_qtensor": _rebuild_qtensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type_v2,
    "torch._utils._rebuild_sparse_tensor": _rebuild_sparse_tensor,
    "torch.serialization._get_layout": _get_layout,
}

# What only the restricted unpickler uses: the ordinary one calls Python's own.
GUARDED: dict[str, Callable[..., Any]] = {
    "_codecs.encode": _encode,
    "builtins.bytearray": _bytearray,
    "builtins.bytes": _bytes,
    "torch.Size": _size,
    "torch.device": device,
}


def resolve(full_name: str) -> Any:
    """What a name stands for if it is one of storages, dtypes and rebuilding functions; None otherwise."""
    found: Any = FUNCTIONS.get(full_name)
    if found is not None:
        return found
    module, _, name = full_name.rpartition(".")
    if module == "torch":
        kind: Any = DTYPES.get(name) or SCHEMES.get(name)
        if kind is not None:
            return kind
    if module in ("torch", "torch.storage"):
        kind = storage_dtype(name)
        if kind is not None or name == "UntypedStorage":
            return StorageKind(kind)
    return None
