"""Tensors with a part in a module: parameters, buffers, and those whose shape is not known yet."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from rushlight.ops.creation import empty
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.device import device as Device
    from rushlight.dtypes import dtype as Dtype

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


def _empty(device: Any = None, dtype: Any = None) -> Tensor:
    return empty(0, device=device, dtype=dtype)


class _ParameterMeta(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        # A tensor of another class that was made a parameter keeps its class.
        return cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that a module learns: assigned to an attribute of a module, it is among its `parameters()`.

    Shares memory with `data`. RuntimeError if `requires_grad` is asked of integers.

    >>> import rushlight as torch
    >>> torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.parameter.Parameter.html
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = _empty()
        if requires_grad and not (data.is_floating_point() or data.is_complex()):
            raise RuntimeError(
                f"Only Tensors of floating point and complex dtype can require gradients, got a tensor of {data.dtype}"
            )
        if type(data) is Tensor or type(data) is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)
        tensor = data.detach().requires_grad_(requires_grad)
        if type(tensor) is not type(data):
            # A plain subclass: its methods give plain tensors, and so does the parameter made of it.
            return Tensor._make_subclass(cls, tensor, requires_grad)
        tensor._is_param = True
        return tensor

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        # All is done in __new__.
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__(tensor_contents=tensor_contents)  # type: ignore[call-arg]

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        state = _own_attributes(self)
        if state:
            return _rebuild_parameter_with_state, (self.data, self.requires_grad, OrderedDict(), state)
        return _rebuild_parameter, (self.data, self.requires_grad, OrderedDict())


def _own_attributes(tensor: Tensor) -> dict[str, Any]:
    """What a program has set on a tensor, beside what the tensor itself keeps."""
    return {name: value for name, value in vars(tensor).items() if not hasattr(Tensor, name) and name != "_array"}


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    param = Parameter(data, requires_grad)
    param._backward_hooks = backward_hooks or None
    return param


def _rebuild_parameter_with_state(data: Tensor, requires_grad: bool, backward_hooks: Any, state: Any) -> Parameter:
    param = _rebuild_parameter(data, requires_grad, backward_hooks)
    vars(param).update(state)
    return param


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that, assigned to an attribute of a module, becomes one of its buffers, saved if `persistent`.

    What is made is a tensor of `data`'s own class, marked as a buffer: `isinstance(made, Buffer)` is true.

    >>> import rushlight as torch
    >>> module = torch.nn.Module()
    >>> module.mean = torch.nn.Buffer(torch.zeros(2), persistent=False)
    >>> [name for name, buffer in module.named_buffers()]
    ['mean']

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.parameter.Buffer.html
    """

    persistent: bool
    _is_buffer: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Buffer:
        if data is None:
            data = _empty()
        tensor = data.detach().requires_grad_(data.requires_grad)
        tensor.persistent = persistent
        tensor._is_buffer = True
        return tensor


_NO_SHAPE = (
    "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` "
    "when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the "
    "parameters before accessing their attributes."
)


class UninitializedTensorMixin:
    """A tensor whose shape is not known until the first input comes: it has a dtype and a device, but no values.

    `materialize(shape)` gives it its values and makes it an ordinary parameter or buffer. Computing with it before
    that raises ValueError.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.parameter.UninitializedParameter.html
    """

    cls_to_become: type[Tensor]
    _placeholder: Tensor

    def materialize(self, shape: Any, device: Device | str | None = None, dtype: Dtype | None = None) -> None:
        """Take memory of a shape, with undefined values, and become an ordinary tensor of `cls_to_become`."""
        placeholder = self._placeholder
        device = placeholder.device if device is None else device
        dtype = placeholder.dtype if dtype is None else dtype
        values = empty(shape, device=device, dtype=dtype)
        del self._placeholder
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self.data = values

    @property
    def _array(self) -> Any:
        # Every operation asks a tensor for its array.
        caller = sys._getframe(1).f_code.co_qualname
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {caller}. This error happens when you are using a "
            f"`LazyModule` or explicitly manipulating `torch.nn.parameter.{type(self).__name__}` objects. When using "
            "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling torch functions"
        )

    @property
    def shape(self) -> Any:
        raise RuntimeError(_NO_SHAPE)

    @property
    def data(self) -> Tensor:
        return self._placeholder

    @data.setter
    def data(self, value: Tensor) -> None:
        self._placeholder = value.detach()

    @property
    def dtype(self) -> Dtype:
        return self._placeholder.dtype

    @property
    def device(self) -> Device:
        return self._placeholder.device

    def size(self, *args: Any) -> Any:
        return self._placeholder.size(*args)

    def is_floating_point(self) -> bool:
        return self._placeholder.is_floating_point()

    def is_complex(self) -> bool:
        return self._placeholder.is_complex()

    def _converted(self, placeholder: Tensor) -> Tensor:
        """The result of a conversion: a parameter's is an empty tensor, which `Module.to` makes its `data`."""
        return placeholder

    def to(self, *args: Any, **kwargs: Any) -> Any:
        return self._converted(self._placeholder.to(*args, **kwargs))

    def cpu(self) -> Any:
        return self._converted(self._placeholder.cpu())

    def cuda(self, *args: Any, **kwargs: Any) -> Any:
        return self._converted(self._placeholder.cuda(*args, **kwargs))

    def half(self) -> Any:
        return self._converted(self._placeholder.half())

    def float(self) -> Any:
        return self._converted(self._placeholder.float())

    def double(self) -> Any:
        return self._converted(self._placeholder.double())

    def bfloat16(self) -> Any:
        return self._converted(self._placeholder.bfloat16())

    def share_memory_(self) -> Any:
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return f"<{type(self).__name__}>"

    def copy_(self, src: Any, non_blocking: bool = False) -> Any:
        if not is_lazy(src):
            self._placeholder.copy_(src, non_blocking)
        return self

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        return type(self), (self.requires_grad,)  # type: ignore[attr-defined]


def is_lazy(param: Any) -> bool:
    """Whether `param` is a parameter or buffer whose shape is not known yet.

    >>> import rushlight as torch
    >>> torch.nn.parameter.is_lazy(torch.nn.LazyLinear(2).weight)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.parameter.UninitializedParameter.html
    """
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc, override]
    """A parameter whose shape is not known until the first input comes.

    >>> import rushlight as torch
    >>> weight = torch.nn.UninitializedParameter()
    >>> weight
    <UninitializedParameter>
    >>> weight.materialize((3, 2))
    >>> weight.shape
    torch.Size([3, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.parameter.UninitializedParameter.html
    """

    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Device | str | None = None, dtype: Dtype | None = None
    ) -> UninitializedParameter:
        param = object.__new__(cls)
        param._placeholder = _empty(device, dtype)
        param._requires_grad = requires_grad
        return param

    def __init__(
        self, requires_grad: bool = True, device: Device | str | None = None, dtype: Dtype | None = None
    ) -> None:
        # All is done in __new__.
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc, override]
    """A buffer whose shape is not known until the first input comes.

    >>> import rushlight as torch
    >>> torch.nn.UninitializedBuffer()
    <UninitializedBuffer>

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.parameter.UninitializedBuffer.html
    """

    cls_to_become = Tensor

    persistent: bool
    _is_buffer: bool

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
        persistent: bool = True,
    ) -> UninitializedBuffer:
        buffer = object.__new__(cls)
        buffer._placeholder = _empty(device, dtype)
        buffer._requires_grad = requires_grad
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
        persistent: bool = True,
    ) -> None:
        # All is done in __new__.
        pass

    def _converted(self, placeholder: Tensor) -> Tensor:
        if placeholder is self._placeholder:
            return self
        return type(self)(self.requires_grad, placeholder.device, placeholder.dtype, self.persistent)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype, self.persistent)
        return memo[id(self)]
