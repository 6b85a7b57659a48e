"""Trading time for memory: what a function saves for the backward pass is computed again there instead of kept.

Source: https://docs.pytorch.org/docs/2.13/checkpoint.html
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

from rushlight.amp.autocast_mode import autocast
from rushlight.amp.state import get_autocast_dtype, is_autocast_cache_enabled, is_autocast_enabled
from rushlight.autograd import engine
from rushlight.autograd.function import Function
from rushlight.autograd.grad_mode import enable_grad, no_grad, state
from rushlight.autograd.variable import Variable
from rushlight.random import fork_rng, get_rng_state, set_rng_state
from rushlight.utils._recomputation import CheckpointError, Frame, forward_hooks, group_of, set_group
from rushlight.utils._selective import (
    SAC_IGNORED_OPS,
    CheckpointPolicy,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
)

__all__ = [
    "SAC_IGNORED_OPS", "CheckpointError", "CheckpointFunction", "CheckpointPolicy", "DefaultDeviceType",
    "GraphExecGroup", "SelectiveCheckpointContext", "check_backward_validity", "checkpoint", "checkpoint_sequential",
    "create_selective_checkpoint_contexts", "detach_variable", "get_device_states", "noop_context_fn",
    "set_checkpoint_debug_enabled", "set_checkpoint_early_stop", "set_device_states",
]  # fmt: skip

Contexts = Callable[[], tuple[AbstractContextManager[Any], AbstractContextManager[Any]]]

_debug: list[bool | None] = [None]
_early_stop: list[bool | None] = [None]


@contextlib.contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Within the block, `checkpoint` takes `enabled` for its `debug`; None leaves it to the calls.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import checkpoint, set_checkpoint_debug_enabled
    >>> with set_checkpoint_debug_enabled(False):
    ...     checkpoint(torch.exp, torch.zeros(1, requires_grad=True), use_reentrant=False)
    tensor([1.], grad_fn=<ExpBackward0>)

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html#torch.utils.checkpoint.set_checkpoint_debug_enabled
    """
    before, _debug[0] = _debug[0], enabled
    try:
        yield
    finally:
        _debug[0] = before


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Within the block, `checkpoint` takes `enable` for its `early_stop`.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import checkpoint, set_checkpoint_early_stop
    >>> with set_checkpoint_early_stop(False):
    ...     y = checkpoint(torch.exp, torch.zeros(1, requires_grad=True), use_reentrant=False)

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html#torch.utils.checkpoint.set_checkpoint_early_stop
    """
    before, _early_stop[0] = _early_stop[0], enable
    try:
        yield
    finally:
        _early_stop[0] = before


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The tensors of a tuple without their history, needing gradients as before. Raises RuntimeError for no tuple.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import detach_variable
    >>> detach_variable((torch.ones(1, requires_grad=True) * 2, 3))
    (tensor([2.], requires_grad=True), 3)

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    found = []
    for item in inputs:
        if isinstance(item, Variable):
            item, needed = item.detach(), item.requires_grad
            item.requires_grad = needed
        found.append(item)
    return tuple(found)


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn where none of the tensors among `inputs` requires a gradient.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import check_backward_validity
    >>> check_backward_validity((torch.ones(1, requires_grad=True), 2))

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html
    """
    if not any(item.requires_grad for item in inputs if isinstance(item, Variable)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


class DefaultDeviceType:
    """The type of device whose random state is kept where no argument says another.

    >>> import rushlight as torch
    >>> torch.utils.checkpoint.DefaultDeviceType.get_device_type()
    'cpu'

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html
    """

    _default_device_type: str | None = None

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        """Choose the type of device."""
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type() -> str:
        """The type of device chosen; "cpu" at the start."""
        if not DefaultDeviceType._default_device_type:
            DefaultDeviceType._default_device_type = "cpu"
        return DefaultDeviceType._default_device_type


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """The devices of the tensors among `args` other than the CPU, and their random states: none.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import get_device_states
    >>> get_device_states(torch.ones(1))
    ([], [])

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html
    """
    return [], []


def set_device_states(devices: Sequence[int], states: Sequence[Any], *, device_type: str | None = None) -> None:
    """Put back what `get_device_states` returned. Raises RuntimeError for states of devices that aren't there.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import get_device_states, set_device_states
    >>> set_device_states(*get_device_states(torch.ones(1)))

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html
    """
    if len(devices) and device_type != "meta":
        raise RuntimeError(f"expected no states of devices, got {len(devices)}: there is only the CPU")


def noop_context_fn() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """Two context managers that do nothing: the default of `checkpoint`.

    >>> from rushlight.utils.checkpoint import noop_context_fn
    >>> forward, recomputation = noop_context_fn()

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html
    """
    return nullcontext(), nullcontext()


def _autocast_now() -> Callable[[], autocast]:
    """What makes the autocast region of this moment anew."""
    enabled, dtype, cache = is_autocast_enabled("cpu"), get_autocast_dtype("cpu"), is_autocast_cache_enabled()
    return lambda: autocast("cpu", dtype=dtype, enabled=enabled, cache_enabled=cache)


@contextlib.contextmanager
def _as_before(region: Callable[[], autocast], rng_state: Any) -> Iterator[None]:
    """Recompute in the autocast region and, unless None, with the random numbers of the forward pass."""
    with fork_rng(devices=[], enabled=rng_state is not None):
        if rng_state is not None:
            set_rng_state(rng_state)
        with region():
            yield


class CheckpointFunction(Function):
    """The reentrant form of `checkpoint`: it runs a function without recording, and again in the backward pass.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import CheckpointFunction
    >>> x = torch.ones(1, requires_grad=True)
    >>> CheckpointFunction.apply(torch.exp, True, x)
    tensor([2.7183], grad_fn=<CheckpointFunctionBackward>)

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html
    """

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        """The function's results; of its arguments, tensors are saved."""
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.region = _autocast_now()
        ctx.rng_state = get_rng_state() if preserve_rng_state else None
        ctx.inputs = [None if isinstance(a, Variable) else a for a in args]
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Variable)]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        """The gradients of the arguments, from a backward pass of its own."""
        if state.task is not None and state.task.capture is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.inputs)
        for i, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            inputs[i] = tensor
        detached = detach_variable(tuple(inputs))
        with _as_before(ctx.region, ctx.rng_state), enable_grad():
            outputs = ctx.run_function(*detached)
        if isinstance(outputs, Variable):
            outputs = (outputs,)
        pairs = [(o, g) for o, g in zip(outputs, args, strict=False) if isinstance(o, Variable) and o.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        engine.backward([o for o, _ in pairs], [g for _, g in pairs])  # type: ignore[misc]
        return (None, None, *[item.grad if isinstance(item, Variable) else None for item in detached])


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Contexts = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, of which the backward pass computes again what it needs, instead of keeping it.

    Args:
        function: what is run, then once more in the backward pass; it must do the same both times.
        use_reentrant: False saves through hooks, and everything autograd has works within. True runs a backward pass
            inside the backward pass: only tensors among `args` get gradients, and at least one of them must need one.
            None warns and stands for True.
        context_fn: what gives two context managers, for the forward pass and for the recomputation.
        determinism_check: "default" compares shape, dtype and device of what is recomputed, "none" nothing.
        debug: whether a `CheckpointError` shows where each tensor was saved, both times.
        early_stop: whether the recomputation ends once the last tensor that is needed is there.
        preserve_rng_state: among `kwargs`: whether both runs draw the same random numbers, True by default.

    ValueError for arguments that the reentrant form doesn't have and for another check; CheckpointError, in the
    backward pass, where the recomputation saves other tensors than the forward pass did.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> y = torch.utils.checkpoint.checkpoint(lambda t: t.sin().exp(), x, use_reentrant=False)
    >>> y.sum().backward()
    >>> x.grad
    tensor([1.2534, 1.2534])

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html#torch.utils.checkpoint.checkpoint
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but "
            "if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for "
            "more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        debug = debug if _debug[0] is None else _debug[0]
        early_stop = early_stop if _early_stop[0] is None else _early_stop[0]
        return _checkpoint_by_hooks(function, preserve, context_fn, determinism_check, debug, early_stop, args, kwargs)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    return CheckpointFunction.apply(function, preserve, *args)


def _checkpoint_by_hooks(
    function: Callable[..., Any],
    preserve: bool,
    context_fn: Contexts,
    determinism_check: str,
    debug: bool,
    early_stop: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    forward_context, recompute_context = context_fn()
    region = _autocast_now()
    rng_state = get_rng_state() if preserve else None

    def again(*saved: Any) -> None:
        with _as_before(region, rng_state), recompute_context:
            function(*saved, **kwargs)

    if not state.enabled:
        return function(*args, **kwargs)
    frame = Frame(again, args, determinism_check == "default", early_stop, debug)
    # `with` goes on after a context manager that swallowed an exception.
    finished = False
    with forward_hooks(frame), forward_context:
        result = function(*args, **kwargs)
        finished = True
    if not finished:
        raise RuntimeError(
            "torch.utils.checkpoint: the forward context provided by context_fn suppressed an exception raised during "
            "the checkpointed forward. This is not supported because checkpoint cannot return a value for a failed "
            "forward."
        )
    frame.forward_completed = True
    return result


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """A list of functions or a `Sequential` in as many segments, all but the last of which are checkpointed.

    ValueError for keyword arguments other than `preserve_rng_state`.

    >>> import rushlight as torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    >>> x = torch.ones(1, 2, requires_grad=True)
    >>> torch.utils.checkpoint.checkpoint_sequential(model, 2, x, use_reentrant=False).shape
    torch.Size([1, 1])

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html#torch.utils.checkpoint.checkpoint_sequential
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In "
            "version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is "
            "recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True. "
            "Refer to docs for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children()) if hasattr(functions, "children") else functions

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def forward(value: Any) -> Any:
            for step in steps[start:end]:
                value = step(value)
            return value

        return forward

    size = len(steps) // segments
    end = 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(run(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(end, len(steps))(input)


class GraphExecGroup:
    """Within the block, several backward passes share one recomputation of what `checkpoint` left out.

    RuntimeError where one is entered within another.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import GraphExecGroup, checkpoint
    >>> x = torch.ones(2, requires_grad=True)
    >>> y, z = checkpoint(lambda x: (x.exp(), x.sin()), x, use_reentrant=False)
    >>> with GraphExecGroup():
    ...     torch.autograd.grad(y.sum(), x, retain_graph=True), torch.autograd.grad(z.sum(), x)
    ((tensor([2.7183, 2.7183]),), (tensor([0.5403, 0.5403]),))

    Source: https://docs.pytorch.org/docs/2.13/checkpoint.html#torch.utils.checkpoint.GraphExecGroup
    """

    def __enter__(self) -> Self:
        if group_of() is not None:
            raise RuntimeError(f"GraphExecGroup contexts cannot be nested. Already inside group {group_of()}")
        set_group(self)
        return self

    def __exit__(self, *args: object) -> None:
        set_group(None)

    @classmethod
    def _get_current_group(cls) -> GraphExecGroup | None:
        return group_of()
