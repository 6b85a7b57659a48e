"""A step of the graph: what an operation leaves behind for the backward pass.

A call of an operation makes one node. It is the `ctx` that forward and backward receive, and, if a gradient can be
wanted, the `grad_fn` of the results. A node's edges lead to the nodes (or leaves) its arguments came from.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd import anomaly_mode
from rushlight.autograd.grad_mode import no_grad, state
from rushlight.autograd.variable import Variable, next_sequence, wrap
from rushlight.utils.hooks import RemovableHandle

if TYPE_CHECKING:
    from rushlight.autograd.function import Function
    from rushlight.tensor import Tensor

__all__ = ["AccumulateGrad", "FunctionCtx", "Node", "edge_of", "next_sequence"]

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_NONE_NEEDED = (False,) * 64
_ONE_NEEDED = (True,)

RELEASED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved "
    "tensors after calling backward."
)


def edge_of(tensor: Any) -> tuple[Any, int]:
    """Where a tensor's gradient goes: its node and output number, or the leaf itself, or nowhere."""
    if tensor._view is not None:
        tensor._view.refresh(tensor)
    node = tensor._grad_fn
    if node is not None:
        return (node, tensor._output_nr)
    return _leaf_edge(tensor) if tensor._requires_grad else _NOWHERE


def _leaf_edge(tensor: Any) -> tuple[Any, int]:
    """The edge of a tensor without a node that requires a gradient: to itself, unless only its base wants one."""
    view = tensor._view
    return _NOWHERE if view is not None and view.inherits else (tensor, 0)


_NOWHERE: tuple[None, int] = (None, 0)


class _SavedOutput:
    """A result that its own node saved: kept without the edge back to the node, which would be a cycle."""

    __slots__ = ("array", "counter", "output_nr", "inference")

    def __init__(self, tensor: Any, output_nr: int) -> None:
        self.array = tensor._array
        self.counter = tensor.version_counter()
        self.output_nr = output_nr
        self.inference = tensor._inference

    def unpack(self, node: Node) -> Tensor:
        tensor = wrap(self.array)
        tensor._counter = self.counter
        tensor._grad_fn, tensor._output_nr, tensor._requires_grad = node, self.output_nr, True
        return tensor


# The hooks that saved tensors pass through: (thread, pack, unpack), and one that forbids hooks as (thread, None,
# message).
saved_tensor_hooks: list[tuple[int, Any, Any]] = []


class _Packed:
    """A saved tensor that a `saved_tensors_hooks` block took over, and where its gradient goes."""

    __slots__ = ("edge", "hook", "output_nr", "packed")

    def __init__(self, tensor: Any, output_nr: int | None, pack: Any, unpack: Any) -> None:
        self.output_nr = output_nr
        self.edge = edge_of(tensor) if output_nr is None else None
        self.hook = unpack
        shown = tensor if output_nr is None else tensor.detach()
        with no_grad():
            self.packed = pack(shown)

    def unpack(self, node: Node) -> Any:
        with no_grad():
            value = self.hook(self.packed)
        if not isinstance(value, Variable):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(value).__name__}"
            )
        tensor = wrap(value._array)
        if self.output_nr is not None:
            tensor._grad_fn, tensor._output_nr, tensor._requires_grad = node, self.output_nr, True
        elif self.edge is not None and self.edge[0] is not None:
            tensor._grad_fn, tensor._requires_grad = _Passage(self.edge), True
        return tensor


class Node:
    """A step of the graph; also the `ctx` of the operation that made it.

    >>> import rushlight as torch
    >>> node = (torch.ones(1, requires_grad=True) * 2).grad_fn
    >>> isinstance(node, torch.autograd.graph.Node), node.name()
    (True, 'MulBackward0')

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.graph.Node
    """

    _edges: tuple[Any, ...] = ()
    _sequence: int = -1
    _saved: tuple[Any, ...] | None = ()
    _versions: tuple[int, ...] = ()
    needs_input_grad: tuple[bool, ...] = _NONE_NEEDED
    materialize_grads: bool = False
    _outputs: tuple[Any, ...] | None = None
    _non_differentiable: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()
    # Whether any of the four below is set: one question on the way of a gradient.
    _hooked: bool = False
    _tensor_hooks: dict[int, list[OrderedDict[int, Callable[..., Any]]]] | None = None
    _retained: dict[int, weakref.ref[Any]] | None = None
    _pre_hooks: OrderedDict[int, Callable[..., Any]] | None = None
    _post_hooks: OrderedDict[int, Callable[..., Any]] | None = None
    _trace: str | None = None
    # The shapes and types of the operands of a ufunc; None where they are the result's own.
    likes: Any = None
    # Whether it has two operands, of which one may be a number.
    pairs_operands: bool = False
    _function: type[Function]

    def name(self) -> str:
        """The name of the operation, as PyTorch spells it."""
        name = type(self).__name__
        # A class of PyTorch's C++, which its Python knows by half of its name.
        return f"torch::autograd::{name}" if name == "CopySlices" else name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that this node's gradients go to, each with the number of the output it stands for."""
        edges = self._edges
        if self.pairs_operands:
            # A number counts as the tensor that it stands for.
            edges = tuple([edge or _NOWHERE for edge in edges[:2]])
        return tuple(
            (AccumulateGrad(edge[0]), 0) if isinstance(edge[0], Variable) else edge
            for edge in edges
            if edge is not None
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary for the user's own notes on this node."""
        return self.__dict__.setdefault("_metadata", {})

    def _sequence_nr(self) -> int:
        return self._sequence

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for backward; changing them in place before then is an error that backward reports."""
        self._saved = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept; RuntimeError if it was freed or changed in place since."""
        saved = self._saved
        if saved is None:
            raise RuntimeError(RELEASED)
        versions = self._versions
        plain = True
        for i, item in enumerate(saved):
            if isinstance(item, Variable):
                counter = item._counter
                if counter is not None:
                    if counter.value != (versions[i] if versions else 0):
                        self._raise_modified(item, counter.value, versions[i] if versions else 0)
                    if item._detached > self._sequence:
                        raise RuntimeError(
                            "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_()."
                            "This is not supported, please use out-of-place `.detach()` instead"
                        )
            elif item.__class__ is _SavedOutput:
                plain = False
                if item.counter.value != versions[i]:
                    self._raise_modified(item, item.counter.value, versions[i])
            elif item.__class__ is _Packed:
                plain = False
        if plain:
            return saved
        return tuple([item.unpack(self) if isinstance(item, (_SavedOutput, _Packed)) else item for item in saved])

    @property
    def saved_for_forward(self) -> tuple[Any, ...]:
        """What `save_for_forward` kept."""
        return self.__dict__.get("_saved_for_forward", ())

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for a forward-mode derivative."""
        self._saved_for_forward = tensors

    def _raise_modified(self, item: Any, version: int, expected: int) -> None:
        tensor = item.unpack(self) if item.__class__ is _SavedOutput else item
        legacy = tensor.dtype.legacy_name
        if tensor._view is not None:
            tensor._view.refresh(tensor, strict=False)
        maker = tensor._grad_fn
        origin = "" if maker is None else f", which is output {tensor._output_nr} of {short_name(maker)},"
        raise RuntimeError(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[torch.{legacy}Tensor {list(tensor._array.shape)}]{origin} is at version {version}; expected version "
            f"{expected} instead. Hint: enable anomaly detection to find the operation that failed to compute its "
            "gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
        )

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs forward changed in place."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs have no gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True) or None (False) for outputs that had no gradient."""
        self.materialize_grads = value

    def register_hook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_inputs, grad_outputs)` after this node's backward; what it returns replaces grad_inputs.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.graph.Node.register_hook.html
        """
        self._hooked = True
        if self._post_hooks is None:
            self._post_hooks = OrderedDict()
        handle = RemovableHandle(self._post_hooks)
        self._post_hooks[handle.id] = fn
        return handle

    def register_prehook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_outputs)` before this node's backward; what it returns replaces grad_outputs.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.graph.Node.register_prehook.html
        """
        self._hooked = True
        if self._pre_hooks is None:
            self._pre_hooks = OrderedDict()
        handle = RemovableHandle(self._pre_hooks)
        self._pre_hooks[handle.id] = fn
        return handle

    def add_tensor_hooks(self, output_nr: int, hooks: OrderedDict[int, Callable[..., Any]]) -> None:
        """Run a tensor's hooks on the gradient of the output that it is."""
        self._hooked = True
        if self._tensor_hooks is None:
            self._tensor_hooks = {}
        known = self._tensor_hooks.setdefault(output_nr, [])
        if not any(hooks is other for other in known):
            known.append(hooks)

    def retain(self, output_nr: int, tensor: Any) -> None:
        """Put the gradient of an output into its tensor's `grad` when it passes."""
        self._hooked = True
        if self._retained is None:
            self._retained = {}
        self._retained[output_nr] = weakref.ref(tensor)

    def retains(self, output_nr: int, tensor: Any) -> bool:
        """Whether `retain` was called for this tensor."""
        reference = None if self._retained is None else self._retained.get(output_nr)
        return reference is not None and reference() is tensor

    def release(self) -> None:
        """Let go of what forward saved; a second backward pass then says so."""
        if self._saved:
            self._saved = None

    # The passage from a call of the operation to the graph.

    def _link(self, arguments: tuple[Any, ...]) -> None:
        """Note where the arguments came from."""
        needs = []
        edges: list[Any] = []
        for a in arguments:
            if isinstance(a, Variable):
                node = a._grad_fn
                if node is not None:
                    edges.append((node, a._output_nr))
                    needs.append(True)
                elif a._requires_grad:
                    edge = _leaf_edge(a)
                    edges.append(edge)
                    needs.append(edge is not _NOWHERE)
                else:
                    # What could never want a gradient, such as an index, is no place in the graph.
                    edges.append(None if not a.is_sparse and a._array.dtype.kind in "biu" else _NOWHERE)
                    needs.append(False)
            else:
                edges.append(None)
                needs.append(False)
        self._edges = tuple(edges)
        self.needs_input_grad = tuple(needs)
        self._sequence = next_sequence()
        if anomaly_mode.enabled:
            self._trace = _users_stack()

    def _seal(self, outputs: tuple[Any, ...]) -> None:
        """Note the versions of what was saved, and cut the cycle where a result was."""
        saved = self._saved
        if not saved:
            return
        if saved_tensor_hooks:
            saved = self._saved = self._packed(saved, outputs)
        if len(saved) == 1 and outputs and saved[0] is outputs[0]:
            kept = _SavedOutput(saved[0], 0)
            self._saved, self._versions = (kept,), (kept.counter.value,)
            return
        if not outputs:
            for item in saved:
                if isinstance(item, Variable) and item._counter is not None:
                    break
            else:
                return  # No versions noted: all were zero.
        self._versions = self._versions_of(saved)
        for nr, out in enumerate(outputs):
            saved = tuple([_SavedOutput(out, nr) if item is out else item for item in saved])
        self._saved = saved

    @staticmethod
    def _packed(saved: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """What was saved, tensors as this thread's innermost hooks pack them."""
        thread = threading.get_ident()
        hooks = [(pack, unpack) for owner, pack, unpack in saved_tensor_hooks if owner == thread and pack is not None]
        if not hooks:
            return saved
        numbers = {id(out): nr for nr, out in enumerate(outputs)}
        return tuple(
            [_Packed(item, numbers.get(id(item)), *hooks[-1]) if isinstance(item, Variable) else item for item in saved]
        )

    @staticmethod
    def _versions_of(saved: tuple[Any, ...]) -> tuple[int, ...]:
        versions = []
        for item in saved:
            counter = None
            if isinstance(item, Variable):
                if item._inference:
                    raise RuntimeError(
                        "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
                        "inference mode in computation tracked by autograd. To work around this, you can make a clone "
                        "to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
                        "`torch.inference_mode()`."
                    )
                counter = item._counter
            versions.append(0 if counter is None else counter.value)
        return tuple(versions)

    def _run(self, gradients: list[Any]) -> tuple[Any, ...]:
        """The gradients for the edges from those of the outputs."""
        if self.materialize_grads:
            gradients = [g if g is not None else self._zeros(i) for i, g in enumerate(gradients)]
        elif len(gradients) == 1 and gradients[0] is None:
            return (None,) * len(self._edges)
        out = self._function.backward(self, *gradients)
        return out if out.__class__ is tuple else (out,)

    def _may_overwrite(self, gradient: Any) -> bool:
        """Whether backward may write its result into the array of a gradient it was given: nobody else holds it.

        So it is where the engine runs this node and has the only reference beside those of the calls on the way here;
        to be asked by backward itself, and not between the arguments of a call that have the array among them.
        """
        task = state.task
        return (
            task is not None
            and task.running is self
            and (sys.getrefcount(gradient), sys.getrefcount(gradient._array)) == _UNSHARED
            and gradient._array.base is None
        )

    def _zeros(self, output_nr: int) -> Tensor | None:
        if self._outputs is None:
            return None
        output = self._outputs[output_nr]
        if output is None:
            return None
        shape, numpy_dtype = output
        return wrap(np.zeros(shape, numpy_dtype))


def _count_unshared() -> tuple[int, int]:
    """The references that `_may_overwrite` counts of a gradient that only the engine holds; interpreters differ."""

    class Probe:
        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return ctx.count(gradient)

    class ProbeNode(Node):
        _function: Any = Probe

        def count(self, gradient: Any) -> tuple[int, int]:
            return sys.getrefcount(gradient), sys.getrefcount(gradient._array)

    gradients = [wrap(np.empty(1))]
    tensor, array = ProbeNode()._run(gradients)
    return int(tensor), int(array)


_UNSHARED = _count_unshared()


class _Passage(Node):
    """Hands the gradient of an unpacked tensor on to where the saved one came from."""

    def __init__(self, edge: tuple[Any, int]) -> None:
        self._edges = (edge,)
        self._sequence = next_sequence()

    def _run(self, gradients: list[Any]) -> tuple[Any, ...]:
        return (gradients[0],)


def short_name(node: Any) -> str:
    """A node's name as PyTorch's messages have it: `MulBackward0` is `Mul`, `FillBackward3` is `Fill3`."""
    stem, _, number = str(node.name()).partition("Backward")
    return stem if number == "0" else stem + number


def _users_stack() -> str:
    """Where the user's program is, without this package's own frames."""
    import traceback

    frames = traceback.extract_stack()
    while len(frames) > 1 and frames[-1].filename.startswith(_PACKAGE):
        frames.pop()
    return "".join(frames.format())


FunctionCtx = Node


def link_pair(node: Node, input: Any, other: Any, first: bool, second: bool) -> None:
    """`Node._link` for two operands, of which the first, the second or both are known to need a gradient."""
    edge: tuple[Any, int] = _NOWHERE
    beyond: tuple[Any, int] = _NOWHERE
    if first:
        before = input._grad_fn
        edge = (before, input._output_nr) if before is not None else _leaf_edge(input)
    if second:
        before = other._grad_fn
        beyond = (before, other._output_nr) if before is not None else _leaf_edge(other)
    node._edges = (edge, beyond)
    node.needs_input_grad = (edge is not _NOWHERE, beyond is not _NOWHERE)
    node._sequence = next_sequence()
    if anomaly_mode.enabled:
        node._trace = _users_stack()


def link_one(node: Node, input: Any) -> None:
    """`Node._link` for a single argument, known to need a gradient."""
    before = input._grad_fn
    node._edges = ((before, input._output_nr) if before is not None else _leaf_edge(input),)
    node.needs_input_grad = _ONE_NEEDED
    node._sequence = next_sequence()
    if anomaly_mode.enabled:
        node._trace = _users_stack()


class AccumulateGrad:
    """What stands at the end of the graph for a leaf, as `next_functions` shows it."""

    def __init__(self, variable: Any) -> None:
        self.variable = variable

    next_functions: tuple[Any, ...] = ()

    def name(self) -> str:
        """The name PyTorch gives it."""
        return "torch::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self.variable):#x}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self) -> int:
        return hash(self.variable)

    def register_hook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_inputs, grad_outputs)` when the leaf's gradient has been added."""
        variable = self.variable
        return variable.register_post_accumulate_grad_hook(lambda leaf: fn((), (leaf.grad,)))

    def register_prehook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_outputs)` before the leaf's gradient is added; what it returns replaces it."""

        def on_gradient(gradient: Any) -> Any:
            out = fn((gradient,))
            return out[0] if isinstance(out, tuple) else out

        return self.variable.register_hook(on_gradient)
