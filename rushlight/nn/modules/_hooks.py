"""Registering hooks: on one module, and on all modules of the process.

A hook on one module is kept in that module, a global one in the mappings below; both under the id of the handle that
takes it away again. The calls are made in `_call.py` and `_state.py`.
"""

from __future__ import annotations

import functools
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight.utils.hooks import RemovableHandle

if TYPE_CHECKING:
    from rushlight.nn.modules.module import Module

__all__ = [
    "Hooks",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

Hook = Callable[..., Any]

_global_buffer_registration_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_module_registration_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_parameter_registration_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_forward_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_forward_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_forward_hooks_always_called: OrderedDict[int, bool] = OrderedDict()
_global_forward_hooks_with_kwargs: OrderedDict[int, bool] = OrderedDict()
_global_backward_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_backward_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_is_full_backward_hook: bool | None = None

_BOTH_KINDS = "Cannot use both regular backward hooks and full backward hooks {}. Please use only one of them."


def _add(hooks: OrderedDict[int, Hook], hook: Hook, prepend: bool = False, extra: Any = None) -> RemovableHandle:
    handle = RemovableHandle(hooks, extra_dict=extra)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, buffer)` before any module registers a buffer; what it returns is registered instead.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.modules.module.register_module_buffer_registration_hook.html
    """
    return _add(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, submodule)` before any module registers a submodule; what it returns is registered.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.modules.module.register_module_module_registration_hook.html
    """
    return _add(_global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, param)` before any module registers a parameter; what it returns is registered.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.modules.module.register_module_parameter_registration_hook.html
    """
    return _add(_global_parameter_registration_hooks, hook)


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, args)` before every module's forward, ahead of the module's own hooks.

    What it returns, unless None, replaces the positional arguments.

    >>> import rushlight as torch
    >>> from rushlight.nn.modules.module import register_module_forward_pre_hook
    >>> with register_module_forward_pre_hook(lambda module, args: print(type(module).__name__)):
    ...     _ = torch.nn.Identity()(1)
    Identity

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.modules.module.register_module_forward_pre_hook.html
    """
    return _add(_global_forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after every module's forward, ahead of the module's own hooks.

    `with_kwargs` gives the hook the keyword arguments after `args`; `always_call` calls it even if forward raised.
    What it returns, unless None, replaces the output.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.modules.module.register_module_forward_hook.html
    """
    extra = [_global_forward_hooks_always_called, _global_forward_hooks_with_kwargs]
    handle = _add(_global_forward_hooks, hook, extra=extra)
    if with_kwargs:
        _global_forward_hooks_with_kwargs[handle.id] = True
    if always_call:
        _global_forward_hooks_always_called[handle.id] = True
    return handle


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` at the last node of every module's forward (deprecated).

    RuntimeError if a global full backward hook was registered.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.modules.module.register_module_backward_hook.html
    """
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is True:
        raise RuntimeError(_BOTH_KINDS.format("as a global Module hook"))
    _global_is_full_backward_hook = False
    return _add(_global_backward_hooks, hook)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_output)` before gradients flow back through any module.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.modules.module.register_module_full_backward_pre_hook.html
    """
    return _add(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` when gradients with respect to any module's inputs are computed.

    RuntimeError if a global deprecated backward hook was registered.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.modules.module.register_module_full_backward_hook.html
    """
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is False:
        raise RuntimeError(_BOTH_KINDS.format("as a global Module hook"))
    _global_is_full_backward_hook = True
    return _add(_global_backward_hooks, hook)


class _WrappedHook:
    """A hook that is given a module before its arguments, without keeping that module alive."""

    def __init__(self, hook: Hook, module: Module | None = None) -> None:
        self.hook = hook
        functools.update_wrapper(self, hook)
        self.with_module = module is not None
        if module is not None:
            self.module = weakref.ref(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.hook = state["hook"]
        self.with_module = state["with_module"]
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


class Hooks:
    """The part of `Module` that registers hooks. Every method returns a handle whose `remove()` undoes it."""

    _forward_pre_hooks: OrderedDict[int, Hook]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks: OrderedDict[int, Hook]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _backward_pre_hooks: OrderedDict[int, Hook]
    _backward_hooks: OrderedDict[int, Hook]
    _is_full_backward_hook: bool | None
    _state_dict_hooks: OrderedDict[int, Hook]
    _state_dict_pre_hooks: OrderedDict[int, Hook]
    _load_state_dict_pre_hooks: OrderedDict[int, Hook]
    _load_state_dict_post_hooks: OrderedDict[int, Hook]

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before forward; what it returns, unless None, replaces the positional arguments.

        `with_kwargs`: `hook(module, args, kwargs)`, which returns None or the new `(args, kwargs)`.
        `prepend`: ahead of the hooks that are there.

        >>> import rushlight as torch
        >>> layer = torch.nn.Identity()
        >>> handle = layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
        >>> layer(1)
        2

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        handle = _add(self._forward_pre_hooks, hook, prepend, self._forward_pre_hooks_with_kwargs)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        return handle

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after forward; what it returns, unless None, replaces the output.

        `with_kwargs`: `hook(module, args, kwargs, output)`. `always_call`: even if forward raised, with output None.
        `prepend`: ahead of the hooks that are there.

        >>> import rushlight as torch
        >>> layer = torch.nn.Identity()
        >>> handle = layer.register_forward_hook(lambda module, args, output: output * 10)
        >>> layer(1)
        10

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        extra = [self._forward_hooks_with_kwargs, self._forward_hooks_always_called]
        handle = _add(self._forward_hooks, hook, prepend, extra)
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        return handle

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` before gradients flow back through the module.

        `grad_output` is a tuple; what the hook returns, unless None, replaces it.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        return _add(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients with respect to the inputs are computed.

        Both are tuples, None where an argument is no tensor; what the hook returns, unless None, replaces `grad_input`.
        RuntimeError if a deprecated backward hook was registered on the module.

        >>> import rushlight as torch
        >>> layer = torch.nn.Identity()
        >>> handle = layer.register_full_backward_hook(lambda module, grad_input, grad_output: print(grad_output))
        >>> layer(torch.ones(2, requires_grad=True)).sum().backward()
        (tensor([1., 1.]),)

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        if self._is_full_backward_hook is False:
            raise RuntimeError(_BOTH_KINDS.format("on a single Module"))
        self._is_full_backward_hook = True
        return _add(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` at the last node of the forward (deprecated).

        Sees only that node's gradients: use `register_full_backward_hook`. RuntimeError if one was registered.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        if self._is_full_backward_hook is True:
            raise RuntimeError(_BOTH_KINDS.format("on a single Module"))
        self._is_full_backward_hook = False
        return _add(self._backward_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before the module's state is gathered."""
        return _add(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after the state was gathered, to change it in place.

        RuntimeError, from `state_dict`, if the hook returns anything.
        """
        hook._from_public_api = True  # type: ignore[attr-defined]
        return _add(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook: Hook) -> RemovableHandle:
        """As `register_state_dict_post_hook`, for a hook that may return another state_dict."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was previously registered via "
                "register_state_dict_post_hook"
            )
        return _add(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`.

        It runs before the module's own entries are loaded and may change any of them in place.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook: Hook, with_module: bool = False) -> RemovableHandle:
        wrapped = _WrappedHook(hook, self if with_module else None)  # type: ignore[arg-type]
        return _add(self._load_state_dict_pre_hooks, wrapped)

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after the module's tree was loaded.

        It may change `missing_keys` and `unexpected_keys` in place: emptied, they make a strict load succeed.
        """
        return _add(self._load_state_dict_post_hooks, hook)

    def _get_backward_hooks(self) -> tuple[list[Hook], list[Hook]]:
        """The full backward hooks and the deprecated ones, the global ones first."""
        full: list[Hook] = []
        deprecated: list[Hook] = []
        for is_full, hooks in (
            (_global_is_full_backward_hook, _global_backward_hooks),
            (self._is_full_backward_hook, self._backward_hooks),
        ):
            if is_full is not None:
                (full if is_full else deprecated).extend(hooks.values())
        return full, deprecated

    def _get_backward_pre_hooks(self) -> list[Hook]:
        return [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]
