"""What `checkpoint` keeps in place of saved tensors, and how it computes them again.

In the forward pass, each tensor that an operation saves leaves an empty `Holder`. The first time a backward pass asks
one of them, its `Frame` runs the function again and puts what is saved this time into all that are still needed.
"""

from __future__ import annotations

import threading
import traceback
import weakref
from collections.abc import Callable
from typing import Any

from rushlight.autograd.grad_mode import enable_grad, state
from rushlight.autograd.graph import saved_tensors_hooks
from rushlight.autograd.node import Node

__all__ = ["CheckpointError", "Frame", "forward_hooks", "group_of", "set_group"]

_TIP = (
    "\nTip: To see a more detailed error message, either pass `debug=True` to\n"
    "`torch.utils.checkpoint.checkpoint(...)` or wrap the code block\n"
    "with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to\n"
    "enable checkpoint\u2011debug mode globally.\n"
)


class CheckpointError(RuntimeError):
    """The recomputation of a checkpointed function did not save what its forward pass saved: a RuntimeError.

    >>> from rushlight.utils.checkpoint import CheckpointError
    >>> issubclass(CheckpointError, RuntimeError)
    True

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html
    """


class _Enough(Exception):
    """All that the forward pass saved is there again."""


class _Group(threading.local):
    current: Any = None


_group = _Group()


def group_of() -> Any:
    """The group of backward passes that this thread is in, if any."""
    return _group.current


def set_group(group: Any) -> None:
    """Enter a group of backward passes, or leave it (None)."""
    _group.current = group


class _Pass:
    """Stands for the backward pass where saved tensors are asked for outside any."""


class Holder:
    """The place of a saved tensor: what was recomputed for each backward pass, None once that was used."""

    __slots__ = ("__weakref__", "values")

    def __init__(self) -> None:
        self.values: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


class Frame:
    """One call of a checkpointed function: its arguments, and what its operations saved."""

    def __init__(
        self, function: Callable[..., None], args: tuple[Any, ...], checks: bool, early_stop: bool, debug: bool
    ) -> None:
        self.function = function
        self.checks = checks
        self.early_stop = early_stop
        # Tensors among the arguments are saved as those of an operation are: checked, and passed through outer hooks.
        self.inputs = Node()
        self.inputs.save_for_backward(*args)
        self.inputs._seal(())
        self.holders: list[weakref.ref[Holder]] = []
        self.descriptions: list[Any] = []
        self.counts: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self.forward_completed = False
        self.mismatch_allowed = False
        self.traces: tuple[list[str], list[str]] | None = ([], []) if debug else None

    def describe(self, tensor: Any) -> Any:
        """What must be the same of a tensor the second time."""
        return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device} if self.checks else None

    def note(self, run: int, tensor: Any) -> None:
        """For debugging, where a tensor was saved."""
        if self.traces is not None:
            what = f"{tensor.dtype} {list(tensor.shape)}"
            self.traces[run].append(
                what + "\n" + "".join(traceback.format_list(traceback.extract_stack(limit=12)[:-3]))
            )

    def recompute(self, which: Any) -> None:
        """Run the function again for a backward pass."""
        self.counts[which] = 0
        try:
            with _recomputation_hooks(self, which), enable_grad():
                self.function(*self.inputs.saved_tensors)
        except _Enough:
            pass
        self.compare(which)

    def compare(self, which: Any) -> None:
        """Raise CheckpointError where other tensors were saved than in the forward pass."""
        if self.mismatch_allowed:
            return
        if self.counts[which] != len(self.holders):
            raise self.error(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.holders)}\nNumber of tensors saved "
                f"during recomputation: {self.counts[which]}.\n"
            )
        different = ""
        for position, (reference, before) in enumerate(zip(self.holders, self.descriptions, strict=True)):
            holder = reference()
            if holder is not None and before != (now := self.describe(holder.values[which])):
                different += f"tensor at position {position}:\nsaved metadata: {before}\nrecomputed metadata: {now}\n"
        if different:
            raise self.error(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass.\n{different}.\n"
            )

    def error(self, message: str) -> CheckpointError:
        """The error, with where each tensor was saved if that was noted."""
        if self.traces is None:
            return CheckpointError(message + _TIP)
        runs = zip(("the original forward", "recomputation"), self.traces, strict=True)
        for run, traces in runs:
            message += f"\nTensors saved during {run}, with where:\n\n" + "\n".join(
                f"({i} of {len(traces)}) {trace}" for i, trace in enumerate(traces, 1)
            )
        return CheckpointError(message)


class forward_hooks(saved_tensors_hooks):
    """In the forward pass: a `Holder` for each tensor that is saved."""

    def __init__(self, frame: Frame) -> None:
        def pack(tensor: Any) -> Holder:
            holder = Holder()
            frame.holders.append(weakref.ref(holder))
            frame.descriptions.append(frame.describe(tensor))
            frame.note(0, tensor)
            return holder

        def unpack(holder: Holder) -> Any:
            which = group_of() or state.task or _Pass()
            if which not in frame.counts:
                frame.recompute(which)
            value = holder.values.get(which)
            if value is None:
                overlap = (
                    "Performing two backward calls that overlap (i.e. require the same saved activation in order to "
                    "compute gradients) is not allowed while under the torch.utils.checkpoint.GraphExecGroup context. "
                    if group_of() is not None
                    else ""
                )
                raise CheckpointError(
                    "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. "
                    f"{overlap}If you are calling ctx.saved_tensors in backward, make sure to do so only once. "
                    "Otherwise please open an issue with details on your use case."
                )
            holder.values[which] = None
            return value

        super().__init__(pack, unpack)


class _recomputation_hooks(saved_tensors_hooks):
    """In the recomputation: what is saved goes to the holders, in their order."""

    def __init__(self, frame: Frame, which: Any) -> None:
        def pack(tensor: Any) -> Any:
            tensor = tensor.detach() if tensor.requires_grad else tensor
            position = frame.counts[which]
            frame.counts[which] += 1
            frame.note(1, tensor)
            if position >= len(frame.holders):
                if not frame.forward_completed:
                    # A backward pass inside the function: what comes after it wasn't saved yet.
                    frame.mismatch_allowed = True
                    return tensor
                raise frame.error(
                    "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original "
                    "forward pass.\n"
                )
            holder = frame.holders[position]()
            if holder is not None:
                holder.values[which] = tensor
            if frame.early_stop and frame.counts[which] == len(frame.holders):
                raise _Enough
            return tensor

        super().__init__(pack, lambda tensor: tensor)
