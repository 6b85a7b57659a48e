"""Checkpointing some operations only: the results of the others are kept, and not computed again.

An operation is named as PyTorch's dispatcher names it, `torch.ops.aten.mm.default`. While a context of
`create_selective_checkpoint_contexts` is entered, `Operation.apply` asks the context of its thread. The operations that
don't go through it (`+`, `-`, `*`, `/` and functions of one float tensor, such as `exp`) cost about as much as keeping
their results would: they are always computed again, and the policy isn't asked.
"""

from __future__ import annotations

import enum
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Self

from rushlight.autograd.graph import saved_tensors_hooks
from rushlight.autograd.node import saved_tensor_hooks
from rushlight.autograd.operation import Operation, ViewOperation
from rushlight.ops._aten import OperatorName, OverloadPacket, aten

__all__ = [
    "SAC_IGNORED_OPS", "CheckpointPolicy", "SelectiveCheckpointContext", "create_selective_checkpoint_contexts",
]  # fmt: skip

SAC_IGNORED_OPS = {aten.detach.default}

_MISMATCH = (
    "This can happen if the operations in the checkpointed region are nondeterministic or depend on global state that "
    "changed between forward and backward."
)


class CheckpointPolicy(enum.Enum):
    """What becomes of an operation's result: `SAVE` keeps it, `RECOMPUTE` doesn't; the offloading ones recompute.

    >>> from rushlight.utils.checkpoint import CheckpointPolicy
    >>> CheckpointPolicy.MUST_SAVE.name
    'MUST_SAVE'

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html#torch.utils.checkpoint.CheckpointPolicy
    """

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


class SelectiveCheckpointContext:
    """What a policy is told besides the operation: whether this is the recomputation, and the operation's result.

    >>> from rushlight.utils.checkpoint import SelectiveCheckpointContext
    >>> SelectiveCheckpointContext(is_recompute=True).is_recompute
    True

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html#torch.utils.checkpoint.SelectiveCheckpointContext
    """

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


class _Used:
    """Stands for a kept result that the recomputation took."""


_USED = _Used()


class _Kept:
    """The results of an operation without their history, and which arguments and values it saved for backward."""

    def __init__(self, result: Any, saved: list[Any]) -> None:
        self.single = not isinstance(result, tuple)
        self.results = [_leaf(r) for r in ((result,) if self.single else result)]
        self.versions = [r._version for r in self.results]
        self.saved = saved

    def hand_out(self, args: tuple[Any, ...], allow_mutation: bool) -> Any:
        """The results, for an operation on `args`; RuntimeError if one was written to."""
        if not allow_mutation and any(r._version != v for r, v in zip(self.results, self.versions, strict=True)):
            raise RuntimeError("Tensor cached during selective activation checkpoint has been mutated")
        pack = _innermost()[1]
        for item in self.saved:
            pack(args[item] if isinstance(item, int) else item)
        return self.results[0] if self.single else tuple(self.results)


def _leaf(tensor: Any) -> Any:
    leaf = tensor.detach()
    return leaf.requires_grad_(True) if tensor.requires_grad else leaf


def _innermost() -> tuple[Any, Any, Any]:
    """The hooks that what this thread saves passes through."""
    thread = threading.get_ident()
    return next(entry for entry in reversed(saved_tensor_hooks) if entry[0] == thread)


class _noting(saved_tensors_hooks):
    """Within, what is saved passes through the hooks around, and is noted: arguments by their places."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.saved: list[Any] = []
        _, pack_around, unpack = _innermost()

        def pack(tensor: Any) -> Any:
            places = [i for i, a in enumerate(args) if a is tensor]
            self.saved.append(places[0] if places else tensor.detach())
            return pack_around(tensor)

        super().__init__(pack, unpack)


class _Modes(threading.local):
    stack: tuple[Any, ...] = ()


_modes = _Modes()
_lock = threading.Lock()
_entered = 0
_plain: dict[type, Any] = {}


def _watched(owner: type[Operation]) -> Any:
    original = owner.__dict__["apply"]

    def apply(cls: type[Operation], *args: Any) -> Any:
        call = original.__get__(None, cls)
        modes = _modes.stack
        return modes[-1].run(cls, call, args) if modes else call(*args)

    return classmethod(apply)


def _watch(enter: bool) -> None:
    """Let `apply` ask this module while any thread is in a context."""
    global _entered
    with _lock:
        _entered += 1 if enter else -1
        if enter and _entered == 1:
            for owner in (Operation, ViewOperation):
                _plain[owner] = owner.__dict__["apply"]
                owner.apply = _watched(owner)  # type: ignore[method-assign]
        elif not enter and _entered == 0:
            for owner in (Operation, ViewOperation):
                owner.apply = _plain.pop(owner)  # type: ignore[method-assign]


class _Mode:
    """A context in which a thread's operations are handed to `run`."""

    def __enter__(self) -> Self:
        self.counts: dict[str, int] = defaultdict(int)
        _watch(True)
        _modes.stack = (*_modes.stack, self)
        return self

    def __exit__(self, *exception: object) -> None:
        _modes.stack = _modes.stack[:-1]
        _watch(False)

    def _number(self, name: OperatorName) -> int:
        number = self.counts[name.packet]
        self.counts[name.packet] += 1
        return number

    def run(self, cls: type[Operation], call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """The result of an operation, whose own operations aren't asked about."""
        modes, _modes.stack = _modes.stack, ()
        try:
            return self._run(OperatorName.of(cls), call, args)  # type: ignore[arg-type]
        finally:
            _modes.stack = modes

    def _run(self, name: OperatorName, call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        raise TypeError(f"{type(self).__name__} runs nothing")


class _Keeping(_Mode):
    """In the forward pass: keeps the results that the policy says."""

    def __init__(self, policy: Callable[..., Any], storage: dict[str, dict[int, Any]]) -> None:
        self.policy = policy
        self.storage = storage

    def _run(self, name: OperatorName, call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        if name in SAC_IGNORED_OPS:
            return call(*args)
        with (notes := _noting(args)):
            result = call(*args)
        policy = self.policy(SelectiveCheckpointContext(is_recompute=False, op_output=result), name, *args)
        if isinstance(policy, bool):
            policy = CheckpointPolicy.MUST_SAVE if policy else CheckpointPolicy.PREFER_RECOMPUTE
        keep = policy in (CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE)
        self.storage[name.packet][self._number(name)] = _Kept(result, notes.saved) if keep else None
        return result


class _Reusing(_Mode):
    """In the recomputation: hands out what was kept, after it was saved for backward as the operation saved it."""

    def __init__(self, storage: dict[str, dict[int, Any]], allow_mutation: bool) -> None:
        self.storage = storage
        self.allow_mutation = allow_mutation

    def _run(self, name: OperatorName, call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        if name in SAC_IGNORED_OPS:
            return call(*args)
        number = self._number(name)
        kept_ones = self.storage.get(name.packet)
        if kept_ones is None:
            raise RuntimeError(f"{name} encountered during backward but not found in storage. {_MISMATCH}")
        if number not in kept_ones:
            raise RuntimeError(
                f"{name} invocation index {number} encountered during backward but not found in storage. {_MISMATCH}"
            )
        kept = kept_ones[number]
        if kept is None:
            return call(*args)
        if kept is _USED:
            raise RuntimeError(
                "Trying to backward an extra time. You are only allowed to backward once on any region computed under "
                "selective activation checkpoint."
            )
        kept_ones[number] = _USED
        return kept.hand_out(args, self.allow_mutation)


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False
) -> tuple[Any, Any]:
    """Two context managers for `checkpoint`'s `context_fn`: the results that a policy chooses are kept.

    Args:
        policy_fn_or_list: a list of operations to keep, such as `torch.ops.aten.mm.default`; or a function of a
            `SelectiveCheckpointContext`, an operation and its arguments, that returns a `CheckpointPolicy`, or True for
            MUST_SAVE and False for PREFER_RECOMPUTE.
        allow_cache_entry_mutation: whether a kept result may have been written to since; RuntimeError otherwise.

    ValueError for what is no operation in the list, TypeError for neither a list nor a function. RuntimeError in the
    backward pass, where the recomputation runs other operations, or for a second one.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
    >>> keep = [torch.ops.aten.mm.default]
    >>> x = torch.eye(2, requires_grad=True)
    >>> y = checkpoint(
    ...     lambda t: (t @ t).exp(),
    ...     x,
    ...     use_reentrant=False,
    ...     context_fn=lambda: create_selective_checkpoint_contexts(keep),
    ... )
    >>> y.sum().backward()
    >>> x.grad
    tensor([[5.4366, 2.0000],
            [2.0000, 5.4366]])

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html#torch.utils.checkpoint.create_selective_checkpoint_contexts
    """
    policy: Any
    if isinstance(policy_fn_or_list, list):
        for op in policy_fn_or_list:
            if not isinstance(op, OperatorName):
                hint = (
                    "Please update the OpOverloadPacket to a specific OpOverload.For example, if you have "
                    "`torch.ops.aten.mm`, change it to `torch.ops.aten.mm.default`."
                    if isinstance(op, OverloadPacket)
                    else ""
                )
                raise ValueError(
                    f"Expected op in `op_list` to be an OpOverload but got: {op} of type {type(op)}. {hint}"
                )
        chosen = set(policy_fn_or_list)

        def policy(ctx: Any, op: OperatorName, *args: Any, **kwargs: Any) -> CheckpointPolicy:
            return CheckpointPolicy.MUST_SAVE if op in chosen else CheckpointPolicy.PREFER_RECOMPUTE

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    storage: dict[str, dict[int, Any]] = defaultdict(dict)
    return _Keeping(policy, storage), _Reusing(storage, allow_cache_entry_mutation)
