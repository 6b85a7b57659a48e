"""Where a tensor's memory is."""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["chosen", "cpu", "device", "get_default_device", "set_default_device"]

_KNOWN = ("cpu", "cuda", "meta", "mps", "xpu", "mtia", "hpu", "xla", "ipu", "vulkan", "hip", "privateuseone")


class device:
    """A kind of device and an index: ``device('cpu')``, ``device('cuda', 0)``, ``device('cuda:0')``.

    Any of PyTorch's device types can be named; memory can be had on ``cpu``. As a context manager it is the device of
    new tensors.

    >>> import rushlight as torch
    >>> torch.device("cpu")
    device(type='cpu')

    Source: https://docs.pytorch.org/docs/2.13/tensor_attributes.html#torch.device
    """

    __slots__ = ("type", "index")

    def __init__(self, type: str | device | int, index: int | None = None) -> None:
        if isinstance(type, device):
            index = type.index
            type = type.type
        elif isinstance(type, int):
            index = type
            type = "cuda"
        elif not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, colon, number = type.partition(":")
        if colon:
            if index is not None:
                raise RuntimeError(
                    f"type (string) must not include an index because index was passed explicitly: {type}"
                )
            if not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}'")
            index = int(number)
        if name not in _KNOWN:
            raise RuntimeError(
                "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, "
                f"vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: {name}"
            )
        self.type: str = name
        self.index: int | None = index

    def __repr__(self) -> str:
        return (
            f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"
        )

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __enter__(self) -> device:
        chosen.stack = (*chosen.stack, self)
        return self

    def __exit__(self, *exception: object) -> None:
        chosen.stack = chosen.stack[:-1]

    def __reduce__(self) -> tuple[Any, ...]:
        return (device, (self.type,) if self.index is None else (self.type, self.index))


cpu = device("cpu")


def check_device(where: device | str | int | None) -> None:
    """Raise unless memory can be had on a device: AssertionError for CUDA as a CPU build of PyTorch does."""
    if where is None or where is cpu:
        return
    name = device(where).type
    if name == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled")
    if name != "cpu":
        raise RuntimeError(f"expected device 'cpu', got '{where}': this build has no {name} device")


class _Chosen(threading.local):
    """The device of new tensors in this thread: the innermost `with` block's, else the default one."""

    stack: tuple[device, ...] = ()
    default: device | None = None


chosen = _Chosen()


def check_new(where: device | str | int | None) -> None:
    """Raise unless a new tensor can be on a device; None is the one that this thread chose."""
    if where is None:
        if not chosen.stack and chosen.default is None:
            return
        where = chosen.stack[-1] if chosen.stack else chosen.default
    check_device(where)


def set_default_device(device: Any) -> None:
    """Let this thread's new tensors be on a device, a `torch.device` or its name; None is the CPU, as at the start.

    Making a tensor raises where the device isn't there. RuntimeError for a name that is none.

    >>> import rushlight as torch
    >>> torch.set_default_device("cpu")
    >>> torch.get_default_device()
    device(type='cpu')
    >>> torch.set_default_device(None)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_default_device.html
    """
    chosen.default = None if device is None else _device_type(device)


def get_default_device() -> device:
    """The device of this thread's new tensors; raises where it isn't there and has no number.

    >>> import rushlight as torch
    >>> torch.get_default_device()
    device(type='cpu')

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.get_default_device.html
    """
    current = chosen.stack[-1] if chosen.stack else chosen.default
    if current is None:
        return cpu
    if current.index is None:
        check_device(current)
    return current


_device_type = device
