"""Looking into the graph and steering what it saves: the names of `torch.autograd.graph`."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.autograd.node import AccumulateGrad, Node, edge_of, saved_tensor_hooks
from rushlight.autograd.variable import Variable
from rushlight.utils.hooks import RemovableHandle

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge",
    "increment_version", "region_activation_memory_budget", "register_multi_grad_hook", "save_on_cpu",
    "saved_tensors_hooks", "set_override_stale_capture_stream", "set_warn_on_accumulate_grad_stream_mismatch",
]  # fmt: skip


class GradientEdge(NamedTuple):
    """A place in the graph that a gradient arrives at: a node and the number of its output.

    >>> import rushlight as torch
    >>> x = torch.ones(1, requires_grad=True)
    >>> edge = torch.autograd.graph.get_gradient_edge(x * 2)
    >>> edge.output_nr
    0

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.graph.GradientEdge.html
    """

    node: Any
    output_nr: int
    # What keeps the node alive in PyTorch, whose edges to leaves don't; here the node does.
    ownership_token: Any = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor arrives.

    Raises RuntimeError for a tensor that requires none.

    >>> import rushlight as torch
    >>> x = torch.ones(1, requires_grad=True)
    >>> torch.autograd.graph.get_gradient_edge(x * 2).node.name()
    'MulBackward0'

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.graph.get_gradient_edge.html
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node, output_nr = edge_of(tensor)
    return GradientEdge(AccumulateGrad(node) if isinstance(node, Variable) else node, output_nr)


class saved_tensors_hooks:
    """Within the block, what operations save for backward is `pack_hook(tensor)`, and backward uses `unpack_hook` of
    that.

    `unpack_hook` must return a tensor of the same values; neither may change its argument in place.

    >>> import rushlight as torch
    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), torch.tensor):
    ...     y = x * x
    >>> y.backward()
    >>> x.grad
    tensor([6.])

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.graph.saved_tensors_hooks
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        thread = threading.get_ident()
        for owner, pack, message in reversed(saved_tensor_hooks):
            if owner == thread and pack is None:
                raise RuntimeError(message)
        saved_tensor_hooks.append((thread, self.pack_hook, self.unpack_hook))

    def __exit__(self, *exception: object) -> None:
        _drop_last()


def _drop_last() -> None:
    """Take away the entry that this thread made last."""
    thread = threading.get_ident()
    for i in range(len(saved_tensor_hooks) - 1, -1, -1):
        if saved_tensor_hooks[i][0] == thread:
            del saved_tensor_hooks[i]
            return


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Within the block, entering `saved_tensors_hooks` raises RuntimeError with this message.

    >>> from rushlight.autograd.graph import disable_saved_tensors_hooks, saved_tensors_hooks
    >>> with disable_saved_tensors_hooks("not here"):
    ...     try:
    ...         saved_tensors_hooks(lambda x: x, lambda x: x).__enter__()
    ...     except RuntimeError as error:
    ...         print(error)
    not here

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.graph.disable_saved_tensors_hooks
    """
    saved_tensor_hooks.append((threading.get_ident(), None, error_message))
    try:
        yield
    finally:
        _drop_last()


class save_on_cpu(saved_tensors_hooks):
    """Within the block, what operations save is kept in the CPU's memory, where it lies in any case.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.autograd.graph.save_on_cpu():
    ...     y = (x * x).sum()
    >>> torch.autograd.grad(y, x)
    (tensor([2., 2.]),)

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.graph.save_on_cpu
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: tensor.detach(), lambda tensor: tensor)


class _Handle:
    """Stands for a saved tensor."""

    __slots__ = ("__weakref__",)


class _SavedCopies:
    """The tensors saved in an `allow_mutation_on_saved_tensors` block, as they were when they were saved."""

    def __init__(self) -> None:
        self.original: weakref.WeakKeyDictionary[_Handle, Any] = weakref.WeakKeyDictionary()
        self.cloned: weakref.WeakKeyDictionary[_Handle, Any] = weakref.WeakKeyDictionary()

    def clear(self) -> None:
        """Forget them."""
        self.original.clear()
        self.cloned.clear()


_mutation_allowed = [False]


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_SavedCopies]:
    """Within the block, tensors saved for backward may be written to: backward uses what they were, kept as copies.

    The backward pass must run within the block, too: AssertionError otherwise. RuntimeError for a block in another.

    >>> import rushlight as torch
    >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
    ...     x = torch.ones(2, requires_grad=True)
    ...     y = x * 2
    ...     z = (y**2).sum()
    ...     _ = y.zero_()
    ...     z.backward()
    >>> x.grad
    tensor([8., 8.])

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.graph.allow_mutation_on_saved_tensors
    """
    if _mutation_allowed[0]:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    kept = _SavedCopies()

    def pack(tensor: Tensor) -> _Handle:
        handle = _Handle()
        kept.original[handle] = tensor
        kept.cloned[handle] = tensor.detach().clone()
        return handle

    def unpack(handle: _Handle) -> Tensor:
        if not _mutation_allowed[0] or handle not in kept.cloned:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                "originally recorded."
            )
        found: Tensor = kept.cloned[handle]
        return found

    with saved_tensors_hooks(pack, unpack):
        _mutation_allowed[0] = True
        try:
            yield kept
        finally:
            _mutation_allowed[0] = False
            kept.clear()


def region_activation_memory_budget(budget: float) -> Any:
    """Raise RuntimeError: the budget is for a compiler, which is never running here.

    TypeError for what is no number, ValueError for one not between 0 and 1.

    >>> import rushlight as torch
    >>> try:
    ...     torch.autograd.graph.region_activation_memory_budget(2.0)
    ... except ValueError:
    ...     print("between 0 and 1")
    between 0 and 1

    Source: https://docs.pytorch.org/docs/2.13/autograd.html
    """
    name = "torch.autograd.graph.region_activation_memory_budget"
    if isinstance(budget, bool) or not isinstance(budget, int | float):
        raise TypeError(f"{name}: expects a float, got {type(budget).__name__}")
    if not 0.0 <= budget <= 1.0:
        raise ValueError(f"{name}: must be in [0, 1], got {budget}")
    raise RuntimeError(f"{name} can only be used inside a torch.compile region; it has no effect in eager mode.")


def set_override_stale_capture_stream(enabled: bool) -> None:
    """Choose what a backward pass does that is recorded for CUDA: there is no CUDA, so nothing depends on it.

    >>> import rushlight as torch
    >>> torch.autograd.graph.set_override_stale_capture_stream(False)

    Source: https://docs.pytorch.org/docs/2.13/autograd.html
    """


def set_warn_on_accumulate_grad_stream_mismatch(enabled: bool) -> None:
    """Choose whether a gradient from another of CUDA's queues is warned of: there are none here.

    >>> import rushlight as torch
    >>> torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(True)

    Source: https://docs.pytorch.org/docs/2.13/autograd.html
    """


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Say that a tensor's memory was written to behind autograd's back, so that its saved uses are refused.

    >>> import rushlight as torch
    >>> x = torch.ones(1)
    >>> torch.autograd.graph.increment_version(x)
    >>> x._version
    1

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.graph.increment_version
    """
    for one in (tensor,) if isinstance(tensor, Variable) else tensor:
        one.bump_version()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> RemovableHandle:
    """Call `fn` once in a backward pass: with all gradients when the last of them is there, or with the first one (mode
    "any").

    The returned handle's `remove()` takes the hook away. Raises ValueError for another mode.

    >>> import rushlight as torch
    >>> x, y = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    >>> handle = torch.autograd.graph.register_multi_grad_hook((x, y), print)
    >>> (2 * x + 3 * y).backward()
    [tensor([2.]), tensor([3.])]

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.graph.register_multi_grad_hook
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    found: list[Any] = [None] * len(tensors)
    count = 0

    def hook_for(i: int) -> Callable[[Any], None]:
        def hook(gradient: Any) -> None:
            nonlocal count
            count += 1
            found[i] = gradient
            if mode == "any" and count == 1:
                fn(gradient)
            if count == len(tensors):
                gradients = list(found)
                found[:], count = [None] * len(tensors), 0
                if mode == "all":
                    fn(gradients)

        return hook

    return _Handles([tensor.register_hook(hook_for(i)) for i, tensor in enumerate(tensors)])


class _Handles(RemovableHandle):
    """Several handles removed together."""

    def __init__(self, handles: list[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Take all the hooks away."""
        for handle in self.handles:
            handle.remove()
