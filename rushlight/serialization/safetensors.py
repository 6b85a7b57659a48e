"""Tensors by name in the safetensors format, through the `safetensors` package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import Variable, wrap
from rushlight.device import check_device
from rushlight.serialization.atomic import replacing
from rushlight.serialization.errors import CorruptFileError
from rushlight.storage import owner_bytes

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["load", "load_file", "save", "save_file"]

# The format's names, and those that its writer takes.
_NAMES: dict[str, tuple[str, dtypes.dtype]] = {
    "F64": ("float64", dtypes.float64),
    "F32": ("float32", dtypes.float32),
    "F16": ("float16", dtypes.float16),
    "BF16": ("bfloat16", dtypes.bfloat16),
    "F8_E4M3": ("float8_e4m3fn", dtypes.float8_e4m3fn),
    "F8_E5M2": ("float8_e5m2", dtypes.float8_e5m2),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", dtypes.float8_e5m2fnuz),
    "I64": ("int64", dtypes.int64),
    "I32": ("int32", dtypes.int32),
    "I16": ("int16", dtypes.int16),
    "I8": ("int8", dtypes.int8),
    "U64": ("uint64", dtypes.uint64),
    "U32": ("uint32", dtypes.uint32),
    "U16": ("uint16", dtypes.uint16),
    "U8": ("uint8", dtypes.uint8),
    "BOOL": ("bool", dtypes.bool),
    "C64": ("complex64", dtypes.complex64),
}
_FROM_FORMAT = {name: kind for name, (_, kind) in _NAMES.items()}
_TO_WRITER = {kind: writer for writer, kind in _NAMES.values()}


def _check_apart(tensors: Mapping[str, Variable]) -> None:
    """Tensors of one storage would come back apart, and twice in the file."""
    owners: dict[int, list[str]] = {}
    for name, tensor in tensors.items():
        owner, memory, _ = owner_bytes(tensor._array)
        if memory.size and tensor._array.size:
            owners.setdefault(id(owner), []).append(name)
    shared = [set(names) for names in owners.values() if len(names) > 1]
    if shared:
        raise RuntimeError(
            "Some tensors share memory, this will lead to duplicate memory on disk and potential differences when "
            f"loading them again: {shared}. A potential way to correctly save your model is to clone the tensors, or "
            "to leave all but one of each group out."
        )


def _described(array: np.ndarray[Any, Any], kind: str) -> Any:
    """An array as the package takes it: by address since 0.8, as bytes before."""
    import safetensors

    shape = list(array.shape)
    if hasattr(safetensors, "TensorSpec"):
        address = array.__array_interface__["data"][0]
        return safetensors.TensorSpec(dtype=kind, shape=shape, data_ptr=address, data_len=array.nbytes)
    return {"dtype": kind, "shape": shape, "data": array.tobytes()}


def _flatten(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    if not isinstance(tensors, Mapping):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    for name, tensor in tensors.items():
        if not isinstance(tensor, Variable):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(tensor)}")
        if not tensor._array.flags.c_contiguous:
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. It either means you "
                "are trying to save tensors which are reference of each other in which case it's recommended to save "
                "only the full tensors, and reslice at load time, or simply call `.contiguous()` on your tensor to "
                "pack it before saving."
            )
        if tensor.dtype not in _TO_WRITER:
            raise ValueError(f"Key `{name}` has dtype {tensor.dtype}, which the safetensors format does not have")
    _check_apart(tensors)
    return {name: _described(tensor._array, _TO_WRITER[tensor.dtype]) for name, tensor in tensors.items()}


def save(tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of a safetensors file.

    Raises ValueError for what is no contiguous tensor of a dtype the format has, RuntimeError for tensors that share
    memory.

    >>> import rushlight as torch
    >>> from rushlight.serialization import safetensors
    >>> data = safetensors.save({"weight": torch.ones(2)})
    >>> safetensors.load(data)
    {'weight': tensor([1., 1.])}

    Source: https://huggingface.co/docs/safetensors/api/torch
    """
    from safetensors import serialize

    # The package gets addresses: the tensors must live until it is done.
    held = dict(tensors) if isinstance(tensors, Mapping) else tensors
    return bytes(serialize(_flatten(held), metadata=metadata))


def save_file(
    tensors: Mapping[str, Tensor], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file, atomically: until it is whole, the old one stays under the name.

    Raises as :func:`save` does.

    Source: https://huggingface.co/docs/safetensors/api/torch#safetensors.torch.save_file
    """
    data = save(tensors, metadata)
    with replacing(filename) as file:
        file.write(data)


def _unpack(data: bytes, label: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError, deserialize

    try:
        views = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise CorruptFileError(f"{label}: {error}") from None
    result = {}
    for name, view in views:
        kind = _FROM_FORMAT.get(view["dtype"])
        if kind is None:
            raise CorruptFileError(f"{label}: tensor {name!r} has dtype {view['dtype']}, which Rushlight does not have")
        array = np.frombuffer(view["data"], np.uint8) if view["data"] else np.empty(0, np.uint8)
        result[name] = wrap(array.copy().view(kind.numpy_dtype).reshape(view["shape"]))
    return result


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file; RuntimeError if they make no sense.

    Source: https://huggingface.co/docs/safetensors/api/torch#safetensors.torch.load
    """
    return _unpack(data, "<bytes>")


def load_file(filename: str | os.PathLike[str], device: str | int = "cpu") -> dict[str, Tensor]:
    """The tensors of a safetensors file; RuntimeError, naming the file, if it is damaged or cut short.

    Source: https://huggingface.co/docs/safetensors/api/torch#safetensors.torch.load_file
    """
    check_device(device)
    with open(filename, "rb") as file:
        return _unpack(file.read(), os.fspath(filename))
