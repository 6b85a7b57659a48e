"""Calling a module: the hooks around its forward, and the note on what it raises."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from rushlight.nn.modules._hooks import (
    Hook,
    Hooks,
    _global_backward_hooks,
    _global_backward_pre_hooks,
    _global_forward_hooks,
    _global_forward_hooks_always_called,
    _global_forward_hooks_with_kwargs,
    _global_forward_pre_hooks,
    _WrappedHook,
)
from rushlight.nn.modules._notes import note_module
from rushlight.tensor import Tensor
from rushlight.utils.hooks import BackwardHook

if TYPE_CHECKING:
    from rushlight.nn.modules.module import Module

__all__ = ["Call"]

_ADVICE = " Please use register_full_backward_hook to get the documented behavior."


def _forward_unimplemented(self: Any, *input: Any) -> None:
    """What the module computes: every module defines its own; NotImplementedError if it doesn't."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class Call(Hooks):
    """The part of `Module` that makes it a function: `module(x)` is `module.forward(x)` with the hooks around it."""

    _compiled_call_impl: Callable[..., Any] | None = None

    forward: Callable[..., Any] = _forward_unimplemented

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if not (
                self._forward_hooks
                or self._forward_pre_hooks
                or self._backward_hooks
                or self._backward_pre_hooks
                or _global_forward_hooks
                or _global_forward_pre_hooks
                or _global_backward_hooks
                or _global_backward_pre_hooks
            ):
                return self.forward(*args, **kwargs)
            return _HookedCall(cast("Module", self), args, kwargs).run()
        except Exception as error:
            note_module(cast("Module", self), error, args, kwargs)
            raise

    _wrapped_call_impl = __call__

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        return self(*args, **kwargs)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Accept what `torch.compile` takes; there is nothing to compile, so the module goes on as it is."""
        self._compiled_call_impl = self._call_impl


class _HookedCall:
    """One call of a module that has hooks, or while there are global ones."""

    def __init__(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module = module
        self.args = args
        self.kwargs = kwargs
        self.result: Any = None
        self.called: set[int] = set()

    def run(self) -> Any:
        try:
            return self._run()
        except Exception:
            self._call_remaining()
            raise

    def _run(self) -> Any:
        module = self.module
        full, deprecated = module._get_backward_hooks()
        backward_pre = module._get_backward_pre_hooks()
        self._before()
        backward_hook = None
        if full or backward_pre:
            backward_hook = BackwardHook(module, full, backward_pre)
            self.args = backward_hook.setup_input_hook(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        self._after()
        if backward_hook is not None:
            if not isinstance(self.result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                    f"received {type(self.result)}",
                    stacklevel=4,
                )
            self.result = backward_hook.setup_output_hook(self.result)
        if deprecated:
            _attach_deprecated(module, deprecated, self.args, self.result)
        return self.result

    def _before(self) -> None:
        module = self.module
        for hook_id, hook in (*_global_forward_pre_hooks.items(), *module._forward_pre_hooks.items()):
            if hook_id in module._forward_pre_hooks_with_kwargs:
                replaced = hook(module, self.args, self.kwargs)
                if replaced is None:
                    continue
                if not (isinstance(replaced, tuple) and len(replaced) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {replaced}."
                    )
                self.args, self.kwargs = replaced
            else:
                replaced = hook(module, self.args)
                if replaced is not None:
                    self.args = replaced if isinstance(replaced, tuple) else (replaced,)

    def _after(self) -> None:
        module = self.module
        for hook_id, hook in (*_global_forward_hooks.items(), *module._forward_hooks.items()):
            self.called.add(hook_id)
            self._call_forward_hook(hook_id, hook)

    def _call_forward_hook(self, hook_id: int, hook: Hook) -> None:
        module = self.module
        if hook_id in module._forward_hooks_with_kwargs or hook_id in _global_forward_hooks_with_kwargs:
            replaced = hook(module, self.args, self.kwargs, self.result)
        else:
            replaced = hook(module, self.args, self.result)
        if replaced is not None:
            self.result = replaced

    def _call_remaining(self) -> None:
        """After an exception: the hooks that asked to be called always and were not yet."""
        for kind, hooks, always in (
            ("global module", _global_forward_hooks, _global_forward_hooks_always_called),
            ("module", self.module._forward_hooks, self.module._forward_hooks_always_called),
        ):
            for hook_id, hook in hooks.items():
                if hook_id not in always or hook_id in self.called:
                    continue
                try:
                    self._call_forward_hook(hook_id, hook)
                except Exception as error:
                    warnings.warn(
                        f"{kind} forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error!s}",
                        stacklevel=5,
                    )


def _attach_deprecated(module: Module, hooks: list[Hook], args: Any, result: Any) -> None:
    first = result
    while not isinstance(first, Tensor):
        first = next(v for v in first.values() if isinstance(v, Tensor)) if isinstance(first, dict) else first[0]
    node = first.grad_fn
    if node is not None:
        for hook in hooks:
            node.register_hook(_WrappedHook(hook, module))
        _warn_of_deprecated(args, result, node)


def _warn_of_deprecated(args: Any, result: Any, node: Any) -> None:
    """Warn where the one node that the hooks are attached to is not the whole module."""
    outputs = _as_tensors(result)
    inputs = _as_tensors(args)
    if outputs is None:
        what = "non-full backward hooks on a Module that does not return a single Tensor or a tuple of Tensors"
        missing = "some of the grad_output." + _ADVICE
    elif inputs is None:
        what = "non-full backward hooks on a Module that does not take as input a single Tensor or a tuple of Tensors"
        missing = "some of the grad_input." + _ADVICE
    else:
        nodes = {r.grad_fn for r in outputs if r.grad_fn is not None}
        if not nodes or (len(nodes) == 1 and node not in nodes):
            what = "a non-full backward hook when outputs are nested in python data structure"
            missing = "some grad_output."
        elif len(nodes) > 1:
            what = "a non-full backward hook when outputs are generated by different autograd Nodes"
            missing = "some grad_output." + _ADVICE
        elif {i.grad_fn for i in inputs if i.grad_fn is not None} != {edge[0] for edge in node.next_functions}:
            what = "a non-full backward hook when the forward contains multiple autograd Nodes"
            missing = "some grad_input." + _ADVICE
        else:
            return
    warnings.warn(
        f"Using {what} is deprecated and will be removed in future versions. This hook will be missing {missing}",
        FutureWarning,
        stacklevel=6,
    )


def _as_tensors(value: Any) -> tuple[Tensor, ...] | None:
    """The tensors that a value consists of, or None if it is anything but one tensor or a tuple of them."""
    tensors = value if isinstance(value, tuple) else (value,)
    return tensors if all(isinstance(t, Tensor) for t in tensors) else None
