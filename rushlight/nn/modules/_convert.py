"""Changing all tensors of a module at once: their type, their device, their memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast, overload

from rushlight.autograd.grad_mode import no_grad
from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.layout import memory_format as MemoryFormat
from rushlight.nn.modules._registry import Registry
from rushlight.ops.creation import empty_like
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from typing import Self

    from rushlight.nn.modules.module import Module

__all__ = ["Conversion"]

TensorFunction = Callable[[Tensor], Tensor]

_TO_OVERLOADS = """expected one of:
 * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, *, \
torch.memory_format memory_format = None)
 * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)
 * (Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)
"""


class Conversion(Registry):
    """The part of `Module` that applies a function to every tensor, or to every module, of the tree."""

    def _apply(self, fn: TensorFunction, recurse: bool = True) -> Self:
        """Replace every parameter, gradient and buffer by `fn` of it.

        A parameter stays the same object and takes over the new one's memory, so that an optimizer which holds it
        goes on working.
        """
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            gradient = param.grad
            with no_grad():
                applied = fn(param)
                if gradient is not None:
                    # A gradient must have its parameter's type, which changes first.
                    param.grad = None
            param.data = applied
            if gradient is not None:
                with no_grad():
                    gradient.data = fn(gradient)
                param.grad = gradient
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn(module)` on every submodule, then on the module itself, and return it.

        >>> import rushlight as torch
        >>> net = torch.nn.Sequential(torch.nn.Identity()).apply(lambda module: print(type(module).__name__))
        Identity
        Sequential

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        for module in self.children():
            module.apply(fn)
        fn(cast("Module", self))
        return self

    @overload
    def to(
        self, device: Device | str | int | None = ..., dtype: Dtype | None = ..., non_blocking: bool = ...
    ) -> Self: ...

    @overload
    def to(self, dtype: Dtype, non_blocking: bool = ...) -> Self: ...

    @overload
    def to(self, tensor: Tensor, non_blocking: bool = ...) -> Self: ...

    @overload
    def to(self, *, memory_format: MemoryFormat) -> Self: ...

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the module, in place, to a device, a floating-point or complex dtype, both, or those of a tensor.

        Integer tensors keep their type. `memory_format` applies to tensors of 4 and 5 dimensions. TypeError for an
        integer dtype.

        >>> import rushlight as torch
        >>> torch.nn.Linear(2, 3).to(torch.float64).weight.dtype
        torch.float64

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        device, dtype, non_blocking, memory_format = _parse_to(args, kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(
                    "Complex modules are a new feature under active development whose design may change, and some "
                    "modules might not work as expected when using complex tensors as parameters or buffers. Please "
                    "file an issue at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a "
                    "complex module does not work as expected.",
                    stacklevel=2,
                )

        def convert(tensor: Tensor) -> Tensor:
            own_dtype = dtype if tensor.is_floating_point() or tensor.is_complex() else None
            if memory_format is not None and tensor.dim() in (4, 5):
                return tensor.to(device, own_dtype, non_blocking, memory_format=memory_format)
            return tensor.to(device, own_dtype, non_blocking)

        return self._apply(convert)

    def to_empty(self, *, device: Device | str | int | None, recurse: bool = True) -> Self:
        """Move the module to a device without copying: the values are undefined."""
        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse=recurse)

    def float(self) -> Self:
        """Make every floating-point parameter and buffer float32."""
        return self._apply(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)

    def double(self) -> Self:
        """Make every floating-point parameter and buffer float64."""
        return self._apply(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def half(self) -> Self:
        """Make every floating-point parameter and buffer float16."""
        return self._apply(lambda tensor: tensor.half() if tensor.is_floating_point() else tensor)

    def bfloat16(self) -> Self:
        """Make every floating-point parameter and buffer bfloat16."""
        return self._apply(lambda tensor: tensor.bfloat16() if tensor.is_floating_point() else tensor)

    def type(self, dst_type: Dtype | str) -> Self:
        """Make every parameter and buffer, integer ones too, `dst_type`."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def cpu(self) -> Self:
        """Move the module to the CPU, in place."""
        return self._apply(lambda tensor: tensor.cpu())

    def cuda(self, device: int | Device | None = None) -> Self:
        """Move the module to a CUDA device, in place."""
        return self._apply(lambda tensor: tensor.cuda(device))

    def xpu(self, device: int | Device | None = None) -> Self:
        """Move the module to an XPU device, in place."""
        return self._apply(lambda tensor: tensor.to(_indexed("xpu", device)))

    def ipu(self, device: int | Device | None = None) -> Self:
        """Move the module to an IPU device, in place."""
        return self._apply(lambda tensor: tensor.to(_indexed("ipu", device)))

    def mtia(self, device: int | Device | None = None) -> Self:
        """Move the module to an MTIA device, in place."""
        return self._apply(lambda tensor: tensor.to(_indexed("mtia", device)))

    def share_memory(self) -> Self:
        """Move the parameters and buffers into memory that worker processes share."""
        return self._apply(lambda tensor: tensor.share_memory_())


def _indexed(kind: str, device: int | Device | None) -> Device:
    return device if isinstance(device, Device) else Device(kind, device)


def _parse_to(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Device | None, Dtype | None, bool, MemoryFormat | None]:
    """The device, dtype, non_blocking and memory_format that the arguments of `to` say in one of its three forms."""
    given = dict(kwargs)
    memory_format = given.pop("memory_format", None)
    first = args[0] if args else None
    if isinstance(first, Tensor) or "tensor" in given:
        names: tuple[str, ...] = ("tensor", "non_blocking", "copy")
    elif isinstance(first, Dtype) or (not args and "dtype" in given and "device" not in given):
        names = ("dtype", "non_blocking", "copy")
    else:
        names = ("device", "dtype", "non_blocking", "copy")
    for name, value in zip(names, args, strict=False):
        if name in given:
            raise _wrong_arguments(args, kwargs)
        given[name] = value
    if len(args) > len(names) or not all(_ALLOWED[name](given[name]) if name in names else False for name in given):
        raise _wrong_arguments(args, kwargs)
    if given.get("copy"):
        raise RuntimeError(".to() does not accept copy argument")
    device, dtype = given.get("device"), given.get("dtype")
    if names[0] == "tensor":
        device, dtype = given["tensor"].device, given["tensor"].dtype
    if device is not None and not isinstance(device, Device):
        device = Device(device)
    return device, dtype, bool(given.get("non_blocking", False)), memory_format


_ALLOWED: dict[str, Callable[[Any], bool]] = {
    "device": lambda value: value is None or isinstance(value, (Device, str, int)),
    "dtype": lambda value: value is None or isinstance(value, Dtype),
    "tensor": lambda value: isinstance(value, Tensor),
    "non_blocking": lambda value: isinstance(value, (bool, int)),
    "copy": lambda value: isinstance(value, bool),
}


def _wrong_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
    got = ", ".join([type(a).__name__ for a in args] + [f"{name}={type(v).__name__}" for name, v in kwargs.items()])
    if not args:
        got += ", "
    return TypeError(f"to() received an invalid combination of arguments - got ({got}), but {_TO_OVERLOADS}")
