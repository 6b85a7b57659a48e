"""Tensors inside a transform: a value, and the level it is wrapped at (`rushlight.autograd.transforms`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.autograd.transforms import WATCH, Ghost, Intercept
from rushlight.tensor import Tensor

__all__ = ["Wrapped"]

_new = object.__new__


class Wrapped(Tensor):
    """A tensor of a transform. What it is in the graph is what its value is."""

    _value: Any
    _level: Any
    _requires_grad = False
    _view = WATCH

    @property
    def _array(self) -> Any:
        return self._ghost()

    @_array.setter
    def _array(self, array: Any) -> None:
        raise Intercept("the memory of a tensor inside a function transform can't be replaced")

    def _ghost(self) -> Ghost:
        raise TypeError("a wrapped tensor says what it looks like")

    def rebuilt(self, function: Callable[[Any], Any]) -> Any:
        """The same wrapping of other tensors: `function` of each that it wraps."""
        raise TypeError("a wrapped tensor says what it is made of")

    def likened(self, function: Callable[[Any], Any]) -> Any:
        """A new tensor of this one's shape, made by `function` like each value that has memory of its own."""
        raise TypeError("a wrapped tensor says what is like it")

    def parts(self) -> tuple[Any, ...]:
        """What it wraps."""
        return (self._value,)

    @property
    def requires_grad(self) -> bool:
        """Whether the value requires a gradient."""
        return any(part.requires_grad for part in self.parts())

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """RuntimeError: inside a transform, a transform differentiates."""
        if requires_grad == self.requires_grad:
            return self
        if not self._level.functional:
            self._value.requires_grad_(requires_grad)
            return self
        raise RuntimeError(
            "You are attempting to call Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs) "
            "inside of a function being transformed by a functorch transform. This is unsupported, please attempt to "
            "use the functorch transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call "
            "requires_grad_() outside of "
            "a function being transformed instead."
        )

    @property
    def grad_fn(self) -> Any:
        """The node of the operation that made the value."""
        return self._value.grad_fn

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made the value."""
        return bool(self._value.is_leaf)

    @property
    def grad(self) -> Any:
        """What backward passes have added up for the value."""
        return self._value.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        self._value.grad = value

    @property
    def data(self) -> Any:
        """The same elements without history."""
        return self.rebuilt(lambda part: part.data)

    @data.setter
    def data(self, value: Any) -> None:
        raise RuntimeError("the data of a tensor inside a function transform can't be set")

    @property
    def _version(self) -> int:
        return int(self._value._version)

    @property
    def _base(self) -> Any:
        return None

    def _is_view(self) -> bool:
        return bool(self._value._is_view())

    def version_counter(self) -> Any:
        """The counter of writes to the value."""
        return self._value.version_counter()

    def bump_version(self) -> None:
        """Say that the value was written to."""
        self._value.bump_version()

    def detach(self) -> Any:
        """The tensor cut from the graph."""
        return self.rebuilt(lambda part: part.detach())

    def detach_(self) -> Any:
        """Cut from the graph, in place."""
        for part in self.parts():
            part.detach_()
        return self

    def retain_grad(self) -> None:
        """Keep the value's gradient."""
        self._value.retain_grad()

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook` with the value's gradient."""
        return self._value.register_hook(hook)

    def backward(self, *args: Any, **kwargs: Any) -> None:
        """RuntimeError: inside a transform, a transform differentiates."""
        if not self._level.functional:
            return self._value.backward(*args, **kwargs)
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use functorch.grad or "
            "functorch.vjp instead or call backward() outside of functorch transforms."
        )

    def new_tensor(self, *args: Any, **kwargs: Any) -> Any:
        """`new_tensor` of the value."""
        return owned_as(self, super().new_tensor(*args, **kwargs))

    def new_zeros(self, *args: Any, **kwargs: Any) -> Any:
        """`new_zeros` of the value: of a batch, each sample has its own."""
        return owned_as(self, super().new_zeros(*args, **kwargs))

    def new_ones(self, *args: Any, **kwargs: Any) -> Any:
        """`new_ones` of the value: of a batch, each sample has its own."""
        return owned_as(self, super().new_ones(*args, **kwargs))

    def new_empty(self, *args: Any, **kwargs: Any) -> Any:
        """`new_empty` of the value: of a batch, each sample has its own."""
        return owned_as(self, super().new_empty(*args, **kwargs))

    def new_empty_strided(self, *args: Any, **kwargs: Any) -> Any:
        """`new_empty_strided` of the value: of a batch, each sample has its own."""
        return owned_as(self, super().new_empty_strided(*args, **kwargs))

    def new_full(self, *args: Any, **kwargs: Any) -> Any:
        """`new_full` of the value: of a batch, each sample has its own."""
        return owned_as(self, super().new_full(*args, **kwargs))

    def __deepcopy__(self, memo: Any) -> Any:
        return self.clone()

    def is_inference(self) -> bool:
        """Whether the value was made in inference mode."""
        return bool(self._value.is_inference())


def indented(text: str) -> str:
    """The lines of a text, moved to the right."""
    return "\n".join("    " + line for line in text.splitlines())


def owned_as(model: Any, made: Any) -> Any:
    """A new tensor where `model` is wrapped: of a batch, each sample has a copy of its own."""
    level = model._level
    if level is None:
        return made
    if level.batches:
        made = level.wrapped(owned_as(model._value, made.unsqueeze(0).expand(level.size, *made.shape).clone()))
        return made
    return owned_as(model._value, made)


def plain_parts(tensor: Any) -> list[Any]:
    """The ordinary tensors that a tensor, wrapped or not, is made of."""
    if tensor._level is None:
        return [tensor]
    return [plain for part in tensor.parts() for plain in plain_parts(part)]
