"""Whether operations are recorded for the backward pass, in this thread, now."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, Self, TypeVar

__all__ = [
    "enable_grad",
    "enforce_grad_layout_policy",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    enabled = True
    inference = False
    # Whether a leaf takes over only gradients laid out as it is, and what was chosen about threads.
    keeps_layout = True
    multithreading = True
    # The backward pass that is running (`rushlight.autograd.engine`).
    task: Any = None
    # Where autocast is on, what casts the arguments of the functions on its lists (`rushlight.amp.casts`).
    casts: Any = None
    # The function transforms that are running, the outermost first (`rushlight.autograd.transforms`).
    levels: tuple[Any, ...] = ()


state = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread.

    >>> import rushlight as torch
    >>> with torch.no_grad():
    ...     torch.is_grad_enabled()
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_grad_enabled.html
    """
    return state.enabled


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on in this thread.

    >>> import rushlight as torch
    >>> with torch.inference_mode():
    ...     torch.is_inference_mode_enabled()
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_inference_mode_enabled.html
    """
    return state.inference


class _ModeSwitch:
    """A context manager and a decorator (of functions, generators, methods) that sets the mode for a while."""

    def __init__(self) -> None:
        self._before: list[tuple[bool, bool]] = []

    def _settings(self) -> tuple[bool, bool]:
        raise TypeError(f"{type(self).__name__} sets no mode; use no_grad, enable_grad or inference_mode")

    def _fresh(self) -> Self:
        return type(self)()

    def clone(self) -> Self:
        """Another switch to the same mode."""
        return self._fresh()

    def __enter__(self) -> Self:
        self._before.append((state.enabled, state.inference))
        state.enabled, state.inference = self._settings()
        return self

    def __exit__(self, *exception: object) -> None:
        state.enabled, state.inference = self._before.pop()

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # The mode holds while the generator's own code runs, not while its caller does.
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            step, argument = generator.send, None
            while True:
                try:
                    with self._fresh():
                        item = step(argument)
                except StopIteration as stop:
                    return stop.value
                try:
                    argument = yield item
                    step = generator.send
                except GeneratorExit:
                    with self._fresh():
                        generator.close()
                    raise
                except BaseException as error:
                    argument, step = error, generator.throw

        return wrapper


class _PlainSwitch(_ModeSwitch):
    """A switch without arguments, which may decorate without being called: `@no_grad` beside `@no_grad()`."""

    def __new__(cls, orig_func: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        if orig_func is None:
            return switch
        switch.__init__()  # type: ignore[misc]
        return switch(orig_func)


class no_grad(_PlainSwitch):
    """Operations inside are not recorded: their results have `requires_grad=False`.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.no_grad.html
    """

    def _settings(self) -> tuple[bool, bool]:
        return False, state.inference


class enable_grad(_PlainSwitch):
    """Operations inside are recorded, also within `no_grad`: a context manager and a decorator.

    >>> import rushlight as torch
    >>> x = torch.ones(1, requires_grad=True)
    >>> with torch.no_grad(), torch.enable_grad():
    ...     (x * 2).requires_grad
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.enable_grad.html
    """

    def _settings(self) -> tuple[bool, bool]:
        # In inference mode nothing is recorded, whatever the grad mode.
        return not state.inference, state.inference


class set_grad_enabled(_ModeSwitch):
    """Record or don't, from this call on, or, as a context manager, for the block.

    >>> import rushlight as torch
    >>> x = torch.ones(1, requires_grad=True)
    >>> with torch.set_grad_enabled(False):
    ...     (x * 2).requires_grad
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.grad_mode.set_grad_enabled.html
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = mode
        self._first: tuple[bool, bool] | None = (state.enabled, state.inference)
        state.enabled = bool(mode)

    def _settings(self) -> tuple[bool, bool]:
        return bool(self.mode), state.inference

    def _fresh(self) -> set_grad_enabled:
        return type(self)(self.mode)

    def __enter__(self) -> Self:
        # The constructor has switched already; what to go back to is what stood before it.
        before, self._first = self._first, None
        super().__enter__()
        if before is not None:
            self._before[-1] = before
        return self

    def __call__(self, function: F) -> F:
        if self._first is not None:
            state.enabled = self._first[0]
            self._first = None
        return super().__call__(function)


class inference_mode(_ModeSwitch):
    """As `no_grad`, and the results can never take part in a recorded operation's backward pass.

    A context manager and a decorator. Raises RuntimeError where such a tensor is needed for a gradient later.

    >>> import rushlight as torch
    >>> with torch.inference_mode():
    ...     x = torch.ones(1)
    >>> x.is_inference()
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.grad_mode.inference_mode.html
    """

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        switch = super().__new__(cls)
        if isinstance(mode, bool):
            return switch
        switch.__init__()  # type: ignore[misc]
        return switch(mode)

    def __init__(self, mode: bool | Callable[..., Any] = True) -> None:
        super().__init__()
        self.mode = mode if isinstance(mode, bool) else True

    def _settings(self) -> tuple[bool, bool]:
        return (False, True) if self.mode else (True, False)

    def _fresh(self) -> inference_mode:
        return type(self)(self.mode)


class _Setting:
    """A context manager and a decorator that sets one of the thread's choices, from its making on."""

    _attribute: str

    def __init__(self, value: bool) -> None:
        self.prev = getattr(state, self._attribute)
        self.mode = value
        setattr(state, self._attribute, bool(value))

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        setattr(state, self._attribute, self.prev)

    def __call__(self, function: F) -> F:
        setattr(state, self._attribute, self.prev)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    def clone(self) -> Self:
        """Another setting of the same value."""
        return type(self)(self.mode)


class enforce_grad_layout_policy(_Setting):
    """Let leaves take over gradients only where they are laid out as the leaf is (True), or any that nobody else holds.

    >>> import rushlight as torch
    >>> with torch.autograd.grad_mode.enforce_grad_layout_policy(False):
    ...     x = torch.ones(2, requires_grad=True)
    ...     (x * 2).sum().backward()

    Source: https://docs.pytorch.org/docs/2.13/autograd.html
    """

    _attribute = "keeps_layout"

    def __init__(self, enable: bool = True) -> None:
        super().__init__(enable)


class set_multithreading_enabled(_Setting):
    """Choose whether the backward pass may run on threads of several devices; the CPU's runs on the calling thread.

    From this call on, or, as a context manager, for the block.

    >>> import rushlight as torch
    >>> with torch.autograd.set_multithreading_enabled(False):
    ...     x = torch.ones(2, requires_grad=True)
    ...     (x * 2).sum().backward()

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.grad_mode.set_multithreading_enabled.html
    """

    _attribute = "multithreading"

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
