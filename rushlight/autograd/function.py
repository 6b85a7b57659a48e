"""Operations with a forward and a backward: what a user derives (`Function`) and what the library derives (`Operation`).

A call makes one node. It is the `ctx` that forward and backward receive, and, if a gradient can be wanted, the `grad_fn` of
the results. A node's edges lead to the nodes (or leaves) its arguments came from.
"""

from __future__ import annotations

import functools
import itertools
import traceback
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd import anomaly_mode
from rushlight.autograd import variable as _variable
from rushlight.autograd.grad_mode import no_grad, state
from rushlight.autograd.variable import Variable, wrap
from rushlight.utils.hooks import RemovableHandle

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["Function", "FunctionCtx", "Node", "Operation", "ViewOperation", "once_differentiable"]

_new = object.__new__
_ndarray = np.ndarray
_NONE_NEEDED = (False,) * 64
next_sequence = itertools.count().__next__

_RELEASED_MESSAGE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
    "Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if "
    "you need to backward through the graph a second time or if you need to access saved tensors after calling backward."
)


def edge_of(tensor: Any) -> tuple[Any, int]:
    """Where a tensor's gradient goes: its node and output number, or the leaf itself, or nowhere."""
    if tensor._view is not None:
        tensor._view.refresh(tensor)
    node = tensor._grad_fn
    if node is not None:
        return (node, tensor._output_nr)
    return (tensor if tensor._requires_grad else None, 0)


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


class Node:
    """A step of the graph; also the `ctx` of the operation that made it."""

    _edges: tuple[Any, ...] = ()
    _sequence: int = -1
    _saved: tuple[Any, ...] | None = ()
    _versions: tuple[int, ...] = ()
    needs_input_grad: tuple[bool, ...] = _NONE_NEEDED
    materialize_grads: bool = False
    _outputs: tuple[Any, ...] | None = None
    _non_differentiable: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()
    _tensor_hooks: dict[int, list[OrderedDict[int, Callable[..., Any]]]] | None = None
    _retained: dict[int, weakref.ref[Any]] | None = None
    _pre_hooks: OrderedDict[int, Callable[..., Any]] | None = None
    _post_hooks: OrderedDict[int, Callable[..., Any]] | None = None
    _trace: str | None = None
    _function: type[Function]

    def name(self) -> str:
        """The name of the operation, as PyTorch spells it."""
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that this node's gradients go to, each with the number of the output it stands for."""
        return tuple(
            (AccumulateGrad(edge[0]), 0) if isinstance(edge[0], Variable) else edge for edge in self._edges if edge is not None
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
            raise RuntimeError(_RELEASED_MESSAGE)
        versions = self._versions
        if not versions:
            return saved
        plain = True
        for item, version in zip(saved, versions, strict=True):
            if version >= 0:
                if item.__class__ is _SavedOutput:
                    plain = False
                    if item.counter.value != version:
                        self._raise_modified(item, item.counter.value, version)
                elif item._counter is not None and item._counter.value != version:
                    self._raise_modified(item, item._counter.value, version)
        if plain:
            return saved
        return tuple([item.unpack(self) if item.__class__ is _SavedOutput else item for item in saved])

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
        origin = "" if tensor._grad_fn is None else f", which is output {tensor._output_nr} of {tensor._grad_fn.name()},"
        raise RuntimeError(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[torch.{legacy}Tensor {list(tensor._array.shape)}]{origin} is at version {version}; expected version {expected} "
            "instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
            "torch.autograd.set_detect_anomaly(True)."
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

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after this node's backward; what it returns replaces grad_inputs.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.graph.Node.register_hook.html
        """
        if self._post_hooks is None:
            self._post_hooks = OrderedDict()
        handle = RemovableHandle(self._post_hooks)
        self._post_hooks[handle.id] = hook
        return handle

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before this node's backward; what it returns replaces grad_outputs.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.graph.Node.register_prehook.html
        """
        if self._pre_hooks is None:
            self._pre_hooks = OrderedDict()
        handle = RemovableHandle(self._pre_hooks)
        self._pre_hooks[handle.id] = hook
        return handle

    def add_tensor_hooks(self, output_nr: int, hooks: OrderedDict[int, Callable[..., Any]]) -> None:
        """Run a tensor's hooks on the gradient of the output that it is."""
        if self._tensor_hooks is None:
            self._tensor_hooks = {}
        known = self._tensor_hooks.setdefault(output_nr, [])
        if not any(hooks is other for other in known):
            known.append(hooks)

    def retain(self, output_nr: int, tensor: Any) -> None:
        """Put the gradient of an output into its tensor's `grad` when it passes."""
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
                    edges.append((a, 0))
                    needs.append(True)
                else:
                    edges.append(_NOWHERE)
                    needs.append(False)
            else:
                edges.append(None)
                needs.append(False)
        self._edges = tuple(edges)
        self.needs_input_grad = tuple(needs)
        self._sequence = next_sequence()
        if anomaly_mode.enabled:
            self._trace = "".join(traceback.format_stack()[:-2])

    def _seal(self, outputs: tuple[Any, ...]) -> None:
        """Note the versions of what was saved, and cut the cycle where a result was."""
        saved = self._saved
        if not saved:
            return
        versions = []
        for i, item in enumerate(saved):
            if isinstance(item, Variable):
                if item._inference:
                    raise RuntimeError(
                        "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
                        "in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
                        "and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
                    )
                if outputs:
                    for nr, out in enumerate(outputs):
                        if out is item:
                            saved = (*saved[:i], _SavedOutput(out, nr), *saved[i + 1 :])
                counter = item._counter
                versions.append(0 if counter is None else counter.value)
            else:
                versions.append(-1)
        self._saved = saved
        self._versions = tuple(versions)

    def _run(self, gradients: list[Any]) -> tuple[Any, ...]:
        """The gradients for the edges from those of the outputs."""
        if self.materialize_grads:
            gradients = [g if g is not None else self._zeros(i) for i, g in enumerate(gradients)]
        elif len(gradients) == 1 and gradients[0] is None:
            return (None,) * len(self._edges)
        out = self._function.backward(self, *gradients)
        return out if out.__class__ is tuple else (out,)  # type: ignore[return-value]

    def _zeros(self, output_nr: int) -> Tensor | None:
        if self._outputs is None:
            return None
        shape, numpy_dtype = self._outputs[output_nr]
        return wrap(np.zeros(shape, numpy_dtype))


_NOWHERE: tuple[None, int] = (None, 0)
FunctionCtx = Node


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

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` when the leaf's gradient has been added."""
        variable = self.variable
        return variable.register_post_accumulate_grad_hook(lambda leaf: hook((), (leaf.grad,)))

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before the leaf's gradient is added; what it returns replaces it."""

        def on_gradient(gradient: Any) -> Any:
            out = hook((gradient,))
            return out[0] if isinstance(out, tuple) else out

        return self.variable.register_hook(on_gradient)


class Function:
    """An operation of your own: a class with static `forward` and `backward`, called through `apply`.

    `forward(ctx, *args)` computes; `backward(ctx, *grad_outputs)` returns one gradient (or None) for each argument of forward.
    With `setup_context(ctx, inputs, output)` defined, forward takes no ctx.

    >>> import rushlight as torch
    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         return grad * 2
    >>> x = torch.ones(2, requires_grad=True)
    >>> Double.apply(x).sum().backward()
    >>> x.grad
    tensor([2., 2.])

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.Function
    """

    _node_class: type[Node] = Node
    generate_vmap_rule = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._node_class = cls._make_node_class()

    @classmethod
    def _make_node_class(cls) -> type[Node]:
        return type(f"{cls.__name__}Backward", (_FunctionNode,), {"_function": cls, "__module__": "torch.autograd.function"})

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; to be overridden."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save for backward, apart from forward; to be overridden where forward takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the arguments from those of the results; to be overridden."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward "
            "mode AD."
        )

    vjp = backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call forward, and record the call if a gradient can be wanted."""
        ctx = cls._node_class()
        track = False
        if state.enabled:
            for a in args:
                if isinstance(a, Variable) and a.requires_grad:
                    track = True
        if track:
            ctx._link(args)
            ctx._inputs = tuple((a._array.shape, a._array.dtype) if isinstance(a, Variable) else None for a in args)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                out = cls.forward(ctx, *args, **kwargs)
            else:
                out = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, out)
        return _finish(ctx, args, out, track)


class _FunctionNode(Node):
    """The node of a user's Function: checks what backward returns, which the library's own operations need not."""

    materialize_grads = True
    _inputs: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self).__name__} object at {id(self):#x}>"

    def _run(self, gradients: list[Any]) -> tuple[Any, ...]:
        if self.materialize_grads:
            gradients = [g if g is not None else self._zeros(i) for i, g in enumerate(gradients)]
        function = self._function
        backward = function.backward if function.backward is not Function.backward else function.vjp
        out = backward(self, *gradients)
        results = tuple(out) if isinstance(out, (tuple, list)) else (out,)
        expected = len(self._edges)
        if len(results) > expected and all(r is None for r in results[expected:]):
            results = results[:expected]
        if len(results) != expected:
            raise RuntimeError(
                f"function {type(self).__name__} returned an incorrect number of gradients (expected {expected}, got {len(results)})"
            )
        return tuple(self._checked(i, r) for i, r in enumerate(results))

    def _checked(self, i: int, gradient: Any) -> Any:
        if gradient is None:
            return None
        meta, name = self._inputs[i], type(self).__name__
        if meta is None:
            raise RuntimeError(
                f"function {name} returned a gradient different than None at position {i + 1}, but the corresponding forward "
                "input was not a Variable"
            )
        if not isinstance(gradient, Variable):
            raise TypeError(f"function {name} expected a Tensor or None as gradient {i}, got {type(gradient).__name__}")
        shape, numpy_dtype = meta
        if gradient._array.shape != shape:
            try:
                compatible = np.broadcast_shapes(shape, gradient._array.shape) == gradient._array.shape
            except ValueError:
                compatible = False
            if not compatible:
                raise RuntimeError(
                    f"Function {name} returned an invalid gradient at index {i} - got {list(gradient._array.shape)} but "
                    f"expected shape compatible with {list(shape)}"
                )
            gradient = gradient.sum_to_size(*shape)
        if gradient._array.dtype != numpy_dtype:
            from rushlight.dtypes import from_numpy_dtype

            gradient = gradient.to(from_numpy_dtype(numpy_dtype))
        return gradient


def _finish(ctx: Any, args: tuple[Any, ...], out: Any, track: bool) -> Any:
    """Give the results of a user's forward their place in the graph."""
    from rushlight.autograd import views

    single = not isinstance(out, (tuple, list))
    results = [out] if single else list(out)
    for d in ctx._dirty:
        if not any(d is r for r in results):
            raise RuntimeError(f"{type(ctx).__name__}: an input marked dirty must be returned from forward, and wasn't")
        if track:
            views.check_inplace(d)
        d.bump_version()
    for i, r in enumerate(results):
        if not isinstance(r, Variable):
            continue
        is_input = any(r is a for a in args)
        plain = any(r is n for n in ctx._non_differentiable)
        if any(r is d for d in ctx._dirty):
            if track and not plain:
                views.rebase_history(r, ctx)
                r._output_nr = i
            continue
        if is_input:
            r = _alias(r)
        if track and not plain and r._array.dtype.kind in "fcV":
            if r._view is not None:
                r._view = None
            r._grad_fn, r._output_nr, r._requires_grad = ctx, i, True
        if is_input:
            ctx._saved = tuple(r if s is results[i] and not _is_argument(s, args, ctx) else s for s in ctx._saved or ())
        results[i] = r
    if track:
        ctx._outputs = tuple((r._array.shape, r._array.dtype) if isinstance(r, Variable) else ((), np.float32) for r in results)
        ctx._seal(tuple(results))
        ctx._dirty = ctx._non_differentiable = ()
    return results[0] if single else tuple(results)


def _is_argument(tensor: Any, args: tuple[Any, ...], ctx: Any) -> bool:
    return any(tensor is a for a in args) and not any(tensor is d for d in ctx._dirty)


def _alias(tensor: Any) -> Any:
    """Another tensor of the same memory, for an input that forward returned as it is."""
    out = wrap(tensor._array)
    out._counter = tensor.version_counter()
    return out


class Operation(Function):
    """An operation of the library: a `Function` whose forward computes on arrays.

    What only a user's Function can do (change its inputs, return them, record inside forward) is left out of `apply`, so
    that it costs little. forward returns an array or a tuple of arrays, or a Tensor that it wrapped itself in order to save it.
    """

    node_name: str = ""
    # Whether forward has an `out` argument for the array to write into, which spares in-place calls a temporary.
    takes_out: bool = False

    @classmethod
    def _make_node_class(cls) -> type[Node]:
        return type(cls.node_name or f"{cls.__name__}Backward0", (Node,), {"_function": cls})

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute, and record the call if a gradient can be wanted."""
        ctx = cls._node_class()
        track = False
        if state.enabled:
            for a in args:
                if isinstance(a, Variable):
                    if a._view is not None:
                        a._view.refresh(a)
                    if a._requires_grad:
                        track = True
            if track:
                ctx._link(args)
        out = cls.forward(ctx, *args)
        if out.__class__ is tuple:
            return _finish_many(ctx, out, track)
        if out.__class__ is _ndarray:
            result = _new(_variable._tensor_type)
            result._array = out
        else:
            result = out if isinstance(out, Variable) else wrap(out)
        if track:
            if ctx._saved:
                ctx._seal((result,) if result is out else ())
            if result._array.dtype.kind in "fcV" and not ctx._non_differentiable:
                result._grad_fn = ctx
                result._requires_grad = True
        elif state.inference:
            result._inference = True
        return result

    @classmethod
    def inplace(cls, target: Any, *args: Any) -> Any:
        """Compute with `target` as the first argument and write the result into it."""
        from rushlight.autograd import views

        ctx = cls._node_class()
        track = False
        if state.enabled:
            for a in (target, *args):
                if isinstance(a, Variable) and a.requires_grad:
                    track = True
            if track:
                views.check_inplace(target)
                ctx._link((target, *args))
        if target._inference and not state.inference:
            raise RuntimeError(
                "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a normal "
                "tensor before doing inplace update."
            )
        if cls.takes_out and target._array.flags.writeable:
            out = cls.forward(ctx, target, *args, out=target._array)
        else:
            out = cls.forward(ctx, target, *args)
        write(target, out._array if isinstance(out, Variable) else out)
        if track:
            if ctx._saved:
                if isinstance(out, Variable):
                    ctx._saved = tuple(target if s is out else s for s in ctx._saved)
                    target.bump_version()
                    ctx._seal((target,))
                else:
                    ctx._seal(())
                    target.bump_version()
            else:
                target.bump_version()
            views.rebase_history(target, ctx)
        else:
            target.bump_version()
        return target


def write(target: Any, out: Any) -> None:
    """Write a result into a tensor's array; RuntimeError where its shape or type does not go in."""
    array = target._array
    if out is array:
        return
    out = np.asarray(out)
    if out.shape != array.shape:
        raise RuntimeError(
            f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(out.shape)}"
        )
    if out.dtype != array.dtype:
        from rushlight.dtypes import from_numpy_dtype

        source, kept = from_numpy_dtype(out.dtype), from_numpy_dtype(array.dtype)
        if source.category > kept.category:
            raise RuntimeError(
                f"result type {source.legacy_name} can't be cast to the desired output type {kept.legacy_name}"
            )
    if not array.flags.writeable or (0 in array.strides and _overlaps(array)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please "
            "clone() the tensor before performing the operation."
        )
    np.copyto(array, out, casting="unsafe")


def _overlaps(array: Any) -> bool:
    return any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True))


def _finish_many(ctx: Any, out: tuple[Any, ...], track: bool) -> tuple[Any, ...]:
    results = tuple([o if isinstance(o, Variable) else wrap(o) for o in out])
    if track:
        if ctx._saved:
            ctx._seal(results)
        ctx.materialize_grads = True
        ctx._outputs = tuple([(r._array.shape, r._array.dtype) for r in results])
        plain = ctx._non_differentiable
        for i, r in enumerate(results):
            if r._array.dtype.kind in "fcV" and not any(out[i] is p or r is p for p in plain):
                r._grad_fn, r._output_nr, r._requires_grad = ctx, i, True
        ctx._non_differentiable = ()
    elif state.inference:
        for r in results:
            r._inference = True
    return results


class ViewOperation(Operation):
    """An operation whose results share the memory of its first argument."""

    @classmethod
    def apply(cls, parent: Any, *args: Any) -> Any:
        """Make the view, record the call if a gradient can be wanted, and let it share the parent's version."""
        from rushlight.autograd.views import MULTI_OUTPUT, NO_GRAD, PLAIN, View

        out = super().apply(parent, *args)
        counter = parent._counter
        if counter is None:
            counter = parent.version_counter()
        if out.__class__ is tuple:
            for i, o in enumerate(out):
                o._counter = counter
                o._view = View(parent, cls, args, i, MULTI_OUTPUT if state.enabled else NO_GRAD, counter.value)
        else:
            out._counter = counter
            out._view = View(parent, cls, args, None, PLAIN if state.enabled else NO_GRAD, counter.value)
        return out


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a backward that is not itself differentiable: differentiating its result raises RuntimeError."""

    @functools.wraps(backward)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            out = backward(ctx, *gradients)
        if not state.enabled or not any(isinstance(g, Variable) and g.requires_grad for g in gradients):
            return out
        results = out if isinstance(out, tuple) else (out,)
        marked = tuple(_DifferentiatedTwice.apply(r, *gradients) if isinstance(r, Variable) else r for r in results)
        return marked if isinstance(out, tuple) else marked[0]

    return wrapper


class _DifferentiatedTwice(Operation):
    node_name = "Error"

    @staticmethod
    def forward(ctx: Any, result: Any, *sources: Any) -> Any:
        return result._array

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
