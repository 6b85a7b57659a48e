"""Handles that take hooks away again, and the machinery behind a module's full backward hooks."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rushlight.nn.modules.module import Module
    from rushlight.tensor import Tensor

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]

HookFunction = TypeVar("HookFunction", bound=Callable[..., Any])

_DOCS = "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook"


class RemovableHandle:
    """A hook's registration: `remove()` takes the hook away, and so does leaving a `with` block.

    `hooks_dict` maps handle ids to hooks; `extra_dict` (one mapping or a list) holds options under the same ids.
    The mappings are held weakly, so a handle keeps no module alive.

    >>> import rushlight as torch
    >>> layer = torch.nn.Identity()
    >>> handle = layer.register_forward_hook(lambda module, args, output: print("called"))
    >>> _ = layer(1)
    called
    >>> handle.remove()
    >>> _ = layer(1)

    Source: https://docs.pytorch.org/docs/2.13/notes/modules.html#module-hooks
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extras = extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self.extra_dict_ref = tuple(weakref.ref(extra) for extra in extras if extra is not None)

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            mapping = ref()
            if mapping is not None:
                mapping.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        hooks_dict = state[0] if state[0] is not None else OrderedDict()
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = state[1]
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)
        extras = state[2] if len(state) > 2 and state[2] is not None else ()
        self.extra_dict_ref = tuple(weakref.ref(extra) for extra in extras if extra is not None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        self.remove()


def unserializable_hook(f: HookFunction) -> HookFunction:
    """Mark a tensor hook as one that saving may drop without a warning.

    >>> from rushlight.utils.hooks import unserializable_hook
    >>> @unserializable_hook
    ... def double(grad):
    ...     return grad * 2
    """
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Tensor) -> None:
    """Warn for every hook of `tensor` that saving would drop and that is not marked by `unserializable_hook`."""
    hooks = getattr(tensor, "_backward_hooks", None) or {}
    for hook in hooks.values():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate "
                "the function with @torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=2,
            )


class BackwardHook:
    """One call of a module with full backward hooks: an identity node before its inputs and one after its outputs.

    The output node's gradients are the module's `grad_output`; the input node's are its `grad_input`. The hooks run
    when the input node is reached, or at the output node if no input requires a gradient.
    """

    def __init__(
        self, module: Module, user_hooks: Sequence[Callable[..., Any]], user_pre_hooks: Sequence[Callable[..., Any]]
    ) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: tuple[Any, ...] | None = None
        self.n_inputs = -1
        self.n_outputs = -1
        self.input_tensors_index: list[int] | None = None
        self.output_tensors_index: list[int] | None = None

    def setup_input_hook(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pass the tensors among `args` through an identity node whose gradients the hooks see as `grad_input`."""
        args, self.input_tensors_index, node = _through_identity(args)
        self.n_inputs = len(args)
        if node is not None:
            node.register_hook(self._at_inputs)
        return args

    def setup_output_hook(self, result: Any) -> Any:
        """Pass a module's result through an identity node whose gradients the hooks see as `grad_output`."""
        outputs = result if isinstance(result, tuple) else (result,)
        outputs, self.output_tensors_index, node = _through_identity(outputs)
        self.n_outputs = len(outputs)
        if node is not None:
            node.register_hook(self._at_outputs)
        return outputs if isinstance(result, tuple) else outputs[0]

    def _at_outputs(self, _: Any, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        index = self.output_tensors_index or []
        grad_outputs = _spread(index, gradients, self.n_outputs)
        for hook in self.user_pre_hooks:
            replaced = hook(self.module, grad_outputs)
            if replaced is None:
                continue
            if len(replaced) != len(grad_outputs):
                raise RuntimeError(
                    f"Backward pre hook returned an invalid number of grad_output, got {len(replaced)}, "
                    f"but expected {len(grad_outputs)}"
                )
            grad_outputs = replaced
        self.grad_outputs = grad_outputs
        if self.input_tensors_index is None:
            self._without_input_gradients(grad_outputs)
        return tuple(grad_outputs[i] for i in index)

    def _without_input_gradients(self, grad_outputs: tuple[Any, ...]) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            f"require gradients. See {_DOCS} for more details.",
            stacklevel=5,
        )
        grad_inputs = (None,) * self.n_inputs
        for hook in self.user_hooks:
            replaced = hook(self.module, grad_inputs, grad_outputs)
            if replaced is not None and not (isinstance(replaced, tuple) and all(g is None for g in replaced)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )
        self.grad_outputs = None

    def _at_inputs(self, gradients: tuple[Any, ...], _: Any) -> tuple[Any, ...] | None:
        if self.grad_outputs is None:
            # The gradient reached the inputs by a way that does not pass the outputs.
            return None
        index = self.input_tensors_index or []
        grad_inputs = _spread(index, gradients, self.n_inputs)
        for hook in self.user_hooks:
            replaced = hook(self.module, grad_inputs, self.grad_outputs)
            if replaced is None:
                continue
            if len(replaced) != len(grad_inputs):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(replaced)}, "
                    f"but expected {len(grad_inputs)}"
                )
            grad_inputs = replaced
        self.grad_outputs = None
        return tuple(grad_inputs[i] for i in index)


def _spread(index: Iterable[int], values: Iterable[Any], size: int) -> tuple[Any, ...]:
    """`values` at the positions `index` of a tuple of `size`, None elsewhere."""
    spread: list[Any] = [None] * size
    for i, value in zip(index, values, strict=True):
        spread[i] = value
    return tuple(spread)


def _through_identity(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[int] | None, Any]:
    """`args` with their tensors passed through one identity node, the tensors' positions, and that node.

    Where no gradient can be wanted, `args` come back as they are, with None for the positions and the node.
    """
    from rushlight.autograd.grad_mode import is_grad_enabled
    from rushlight.nn.modules._functions import BackwardHookFunction
    from rushlight.tensor import Tensor

    index = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
    if not is_grad_enabled() or not any(args[i].requires_grad for i in index):
        return args, None, None
    passed = BackwardHookFunction.apply(*(args[i] for i in index))
    if not isinstance(passed, tuple):
        passed = (passed,)
    replaced = list(args)
    for i, tensor in zip(index, passed, strict=True):
        replaced[i] = tensor
    node = next(tensor.grad_fn for tensor in passed if tensor.grad_fn is not None)
    out = tuple(replaced) if type(args) is tuple else type(args)(*replaced)
    return out, index, node
