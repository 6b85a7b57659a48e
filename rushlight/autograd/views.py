"""Views and in-place operations: how history follows memory that several tensors share.

A view remembers the operation that made it. When the shared memory is written to by a recorded operation, the base gets
a new history, and each view's own history, made from the base's old one, is stale: it is made anew, by replaying the
view's operations on the base, when next asked for. A recorded in-place operation on a view gives its base a
`CopySlices` node, which splits the base's gradient into the part that passed through the view and the rest.

Source: the semantics of https://docs.pytorch.org/docs/2.13/notes/autograd.html#in-place-operations-with-autograd
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.array_memory import same_place
from rushlight.autograd.grad_mode import enable_grad, state
from rushlight.autograd.node import RELEASED, Node, edge_of, next_sequence, short_name
from rushlight.autograd.variable import wrap

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["CopySlices", "View", "check_inplace", "rebase_history"]

PLAIN, NO_GRAD, MULTI_OUTPUT, CUSTOM = "plain", "no_grad", "multi_output", "custom"


class View:
    """How a tensor that shares another's memory was made: `operation(parent, *arguments)`, output `output_nr`."""

    # Defaults live on the class, since a view of one output is made without a call (`ViewOperation.apply`).
    index: int | None = None
    origin: str = PLAIN
    # Whether the tensor requires a gradient because its base does, and not by a history of its own.
    inherits: bool = False

    def __init__(
        self, parent: Tensor, operation: Any, arguments: tuple[Any, ...], index: int | None, origin: str, version: int
    ) -> None:
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

    def refresh(self, tensor: Any, strict: bool = True) -> None:
        """Give `tensor`, whose view this is, its history anew if the memory was written to since.

        Raises RuntimeError (unless not `strict`) if the view was made in a way that leaves no history to make.
        """
        counter = tensor._counter
        if tensor._requires_grad is not self.base._requires_grad:
            self._follow_base(tensor)
        if counter.value == self.version:
            return
        if self.origin != PLAIN and (self.base._requires_grad or tensor._grad_fn is not None):
            if strict and state.enabled:
                raise RuntimeError(_refusal(tensor, self, "its base or another view of its base has been"))
            return
        if self.operation is None or (tensor._grad_fn is None and not self.base._requires_grad):
            return
        self.version = counter.value
        steps = self.steps()
        if all(index is None and operation.restrides for operation, _, index in steps):
            node = _restrided(tensor, self.base, steps)
            if node is not None:
                move_history(tensor, node, 0)
                return
            shown: Any = self.base.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
            step = (shown._view.operation, shown._view.arguments, None)
            move_history(tensor, AsStridedBackward0(self.base, (step,)), 0)
            return
        with enable_grad():
            again = self.replay(self.parent)
        if again._grad_fn is None:
            tensor._grad_fn, tensor._output_nr, tensor._requires_grad = None, 0, again._requires_grad
        else:
            move_history(tensor, again._grad_fn, again._output_nr)

    def _follow_base(self, tensor: Any) -> None:
        """Let a view without a history of its own require a gradient as long as its base does."""
        if self.base._requires_grad:
            if tensor._array.dtype.kind in "fcVW":
                tensor._requires_grad = self.inherits = True
        elif self.inherits and tensor._grad_fn is None:
            tensor._requires_grad = self.inherits = False

    def replay(self, parent: Tensor) -> Tensor:
        """The same view of another tensor that looks like the parent."""
        out = self.operation.apply(parent, *self.arguments)
        return out if self.index is None else out[self.index]

    def steps(self) -> tuple[tuple[Any, tuple[Any, ...], int | None], ...]:
        """The operations, arguments and output numbers that lead from the base to this view."""
        above = self.parent._view
        step = (self.operation, self.arguments, self.index)
        return (step,) if above is None else (*above.steps(), step)


def check_inplace(target: Any, verb: str = "is being") -> None:
    """Raise RuntimeError if a recorded operation must not write into `target`."""
    view = target._view
    if view is None or view.origin == PLAIN:
        if target._requires_grad and target._grad_fn is None:
            raise RuntimeError(f"a leaf Variable that requires grad {verb} used in an in-place operation.")
        if view is not None and view.base._grad_fn is None and (target._requires_grad or view.base._requires_grad):
            raise RuntimeError(f"a view of a leaf Variable that requires grad {verb} used in an in-place operation.")
        return
    raise RuntimeError(_refusal(target, view, "is being"))


def _refusal(target: Any, view: View, what: str) -> str:
    """Why a view of an unclear history and in-place operations do not go together."""
    blind = view.origin == NO_GRAD
    if target._grad_fn is None:
        begin, blind = "A view was created in no_grad mode", True
    else:
        begin = f"Output {target._output_nr} of {short_name(target._grad_fn)} is a view"
        if blind:
            begin += " of a view which was created in no_grad mode"
    begin += f" and {what} modified inplace{' with grad mode enabled' if blind else ''}. "
    if view.origin == NO_GRAD:
        return begin + (
            "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by "
            "moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace "
            "to be tracked) or both outside (if you want the inplace to be tracked)."
        )
    if view.origin == MULTI_OUTPUT:
        return begin + (
            "This view is the output of a function that returns multiple views. Such functions do not allow the "
            "output views to be modified inplace. You should replace the inplace operation by an out-of-place one."
        )
    return begin + (
        "This view was created inside a custom Function (or because an input was returned as-is) and the autograd "
        "logic to handle view+inplace would override the custom backward associated with the custom Function, leading "
        "to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom "
        "Function."
    )


def _restrided(tensor: Any, base: Tensor, steps: Any) -> AsStridedBackward0 | None:
    """The history of a view of a base that was written to; None if the steps no longer lead there from its shape."""
    try:
        node = AsStridedBackward0(base, steps)
    except (RuntimeError, ValueError, IndexError):
        return None
    return node if same_place(node.shown, tensor._array) else None


class AsStridedBackward0(Node):
    """The history of a view whose base was written to: PyTorch takes it for one step from the base, and so names it."""

    def __init__(self, base: Tensor, steps: tuple[tuple[Any, tuple[Any, ...], int | None], ...]) -> None:
        self._edges = (edge_of(base),)
        self.needs_input_grad = (True,)
        self._sequence = next_sequence()
        self.steps: list[tuple[Any, Any]] = []
        shown = base
        for operation, arguments, _ in steps:
            ctx = operation._node_class()
            ctx.needs_input_grad = (True,)
            shown = wrap(operation.forward(ctx, shown, *arguments))
            self.steps.append((operation, ctx))
        self.shown = shown._array

    def _run(self, gradients: list[Any]) -> tuple[Any, ...]:
        gradient = gradients[0]
        if gradient is None:
            return (None,)
        for operation, ctx in reversed(self.steps):
            out = operation.backward(ctx, gradient)
            gradient = out[0] if out.__class__ is tuple else out
        return (gradient,)


class CopySlices(Node):
    """The history of a base after an in-place operation on a view of it."""

    released = False

    def __init__(self, base: Tensor, view: View, inner: Node, position: int) -> None:
        # Not the view itself: it leads to the base, whose history this is.
        self.steps = view.steps()
        self.inner = inner
        self.pairs_operands = inner.pairs_operands
        self.position = position
        self._edges = (*inner._edges[:position], edge_of(base), *inner._edges[position + 1 :])
        self._sequence = next_sequence()

    def _run(self, gradients: list[Any]) -> tuple[Any, ...]:
        gradient = gradients[0]
        if self.released:
            raise RuntimeError(RELEASED)
        if gradient is None:
            return (None,) * len(self._edges)
        rest = gradient.clone()
        part = rest
        for operation, arguments, index in self.steps:
            out = operation.apply(part, *arguments)
            part = out if index is None else out[index]
        i = self.position
        results = self.inner._run([part.clone()])
        if results[i] is None:
            part.zero_()
        else:
            part.copy_(results[i])
        return (*results[:i], rest, *results[i + 1 :])

    def release(self) -> None:
        """Refuse another pass. The operation's own node keeps what it saved: a second derivative may visit it, too."""
        self.released = bool(self.inner._saved)


def rebase_history(target: Any, node: Node, output_nr: int = 0, position: int = 0) -> None:
    """Make `node` the history of its argument `target` after an in-place operation, and of its base if it is a view."""
    view = target._view
    if view is None:
        move_history(target, node, output_nr)
        return
    base = view.base
    move_history(base, CopySlices(base, view, node, position), 0)
    view.version = -1


def move_history(tensor: Any, node: Any, output_nr: int) -> None:
    """Give a tensor a new history; a gradient that it retains will be that of its new value."""
    before = tensor._grad_fn
    if before is not None and before._retained is not None and before.retains(tensor._output_nr, tensor):
        del before._retained[tensor._output_nr]
        node.retain(output_nr, tensor)
    tensor._grad_fn, tensor._output_nr, tensor._requires_grad = node, output_nr, True
