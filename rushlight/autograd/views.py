"""Views and in-place operations: how history follows memory that several tensors share.

A view remembers the operation that made it. When the shared memory is written to by a recorded operation, the base gets a new
history, and each view's own history, made from the base's old one, is stale: it is made anew, by replaying the view's
operations on the base, when next asked for. A recorded in-place operation on a view gives its base a `CopySlices` node, which
splits the base's gradient into the part that passed through the view and the rest.

Source: the semantics of https://docs.pytorch.org/docs/2.13/notes/autograd.html#in-place-operations-with-autograd
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.autograd.node import Node, edge_of, next_sequence
from rushlight.autograd.grad_mode import enable_grad

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["CopySlices", "View", "check_inplace", "rebase_history"]

PLAIN, NO_GRAD, MULTI_OUTPUT, CUSTOM = "plain", "no_grad", "multi_output", "custom"


class View:
    """How a tensor that shares another's memory was made: `operation(parent, *arguments)`, output `output_nr`."""

    __slots__ = ("base", "parent", "operation", "arguments", "index", "origin", "version")

    def __init__(self, parent: Tensor, operation: Any, arguments: tuple[Any, ...], index: int | None, origin: str, version: int) -> None:
        above = parent._view
        self.base: Tensor = parent if above is None else above.base
        self.parent = parent
        self.operation = operation
        self.arguments = arguments
        self.index = index
        if above is not None and origin == PLAIN:
            origin = above.origin
        self.origin = origin
        self.version = version

    def refresh(self, tensor: Any) -> None:
        """Give `tensor`, whose view this is, its history anew if the memory was written to since."""
        counter = tensor._counter
        if counter.value == self.version:
            return
        self.version = counter.value
        if not self.base._requires_grad or self.base._grad_fn is None:
            return
        with enable_grad():
            again = self.replay(self.parent)
        tensor._grad_fn, tensor._output_nr, tensor._requires_grad = again._grad_fn, again._output_nr, again._requires_grad

    def replay(self, parent: Tensor) -> Tensor:
        """The same view of another tensor that looks like the parent."""
        out = self.operation.apply(parent, *self.arguments)
        return out if self.index is None else out[self.index]

    def replay_on_base(self, base: Tensor) -> Tensor:
        """The same view, through all views between, of another tensor that looks like the base."""
        above = self.parent._view
        return self.replay(base if above is None else above.replay_on_base(base))


def check_inplace(target: Any) -> None:
    """Raise RuntimeError if a recorded operation must not write into `target`."""
    if target._requires_grad and target._grad_fn is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    view = target._view
    if view is None:
        return
    if view.origin != NO_GRAD and view.base._requires_grad and view.base._grad_fn is None:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if view.origin == PLAIN:
        return
    name = type(target._grad_fn).__name__ if target._grad_fn is not None else "unknown"
    if view.origin == MULTI_OUTPUT:
        raise RuntimeError(
            f"Output {target._output_nr} of {name} is a view and is being modified inplace. This view is the output of a "
            "function that returns multiple views. Such functions do not allow the output views to be modified inplace. You "
            "should replace the inplace operation by an out-of-place one."
        )
    if view.origin == NO_GRAD:
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case "
            "is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace "
            "either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want "
            "the inplace to be tracked)."
        )
    raise RuntimeError(
        f"Output {target._output_nr} of {name} is a view and is being modified inplace. This view was created inside a custom "
        "Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would override the "
        "custom backward associated with the custom Function, leading to incorrect gradients. This behavior is forbidden. You "
        "can fix this by cloning the output of the custom Function."
    )


class CopySlices(Node):
    """The history of a base after an in-place operation on a view of it."""

    def __init__(self, base: Tensor, view: View, inner: Node) -> None:
        self.view = view
        self.inner = inner
        self._edges = (edge_of(base), *inner._edges[1:])
        self._sequence = next_sequence()

    def _run(self, gradients: list[Any]) -> tuple[Any, ...]:
        gradient = gradients[0]
        if gradient is None:
            return (None,) * len(self._edges)
        rest = gradient.clone()
        part = self.view.replay_on_base(rest)
        results = self.inner._run([part.clone()])
        if results[0] is None:
            part.zero_()
        else:
            part.copy_(results[0])
        return (rest, *results[1:])

    def release(self) -> None:
        """Let go of what the operation saved."""
        self.inner.release()


def rebase_history(target: Any, node: Node) -> None:
    """Make `node` the history of `target` after an in-place operation, and of its base if it is a view."""
    view = target._view
    if view is None:
        target._grad_fn, target._output_nr, target._requires_grad = node, 0, True
        return
    base = view.base
    base._grad_fn = CopySlices(base, view, node)
    base._output_nr, base._requires_grad = 0, True
    view.version = -1
