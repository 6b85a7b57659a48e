"""The backward pass: from outputs to leaves, each node once, when all its gradients are there.

Nodes are visited in reverse creation order. A node's number is greater than those of the nodes its edges lead to, so a
heap of ready nodes keyed by it needs no recursion, and a chain of any length is walked in a loop. A leaf is visited as
soon as its last gradient is there, so that hooks which free or use `grad` early can.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd import anomaly_mode
from rushlight.autograd.grad_mode import state
from rushlight.autograd.transforms import cut, gradients_of_wrapped, highest, run_node
from rushlight.autograd.variable import Variable, sum_of_gradients, wrap

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["backward", "grad"]


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensor | Iterable[Tensor] | None = None,
) -> None:
    """Compute the gradients of `tensors` with respect to the graph's leaves and add them to the leaves' `grad`.

    `grad_tensors` are the gradients with respect to `tensors` themselves, each of its tensor's shape; None stands for
    one where a tensor has a single element. With `inputs`, only these tensors' gradients are computed.

    >>> import rushlight as torch
    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> torch.autograd.backward([x * x])
    >>> x.grad
    tensor([6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.backward.html
    """
    if state.levels and any(level.functional for level in state.levels):
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use functorch.grad or "
            "functorch.vjp instead or call backward() outside of functorch transforms."
        )
    if grad_tensors is None:
        grad_tensors = grad_variables
    outputs = (tensors,) if isinstance(tensors, Variable) else tuple(tensors)
    gradients = (None,) * len(outputs) if grad_tensors is None else _as_gradients(outputs, grad_tensors, "grad_tensors")
    wanted: tuple[Any, ...] | None = None
    if inputs is not None:
        wanted = (inputs,) if isinstance(inputs, Variable) else tuple(inputs)
        if not wanted:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    keep = create_graph if retain_graph is None else retain_graph
    first = _first_gradients(outputs, gradients)
    if wanted is not None:
        for tensor in wanted:
            # The gradient of an intermediate tensor arrives as that of one which retains it.
            tensor.retain_grad()
    if create_graph:
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its "
            "gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to "
            "avoid this. If you have to use this function, make sure to reset the .grad fields of your parameters to "
            "None after use to break the cycle and avoid the leak.",
            UserWarning,
            stacklevel=3,
        )
    run(outputs, first, keep, create_graph, wanted, accumulate=True)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of the sum of `outputs` (weighted by `grad_outputs`) with respect to `inputs`, as a tuple.

    Nothing is added to any `grad`. An input that the outputs do not depend on raises RuntimeError, unless
    `allow_unused` (its gradient is None) or `materialize_grads` (zeros). With `is_grads_batched`, `grad_outputs` have a
    leading batch dimension, and so have the results.

    >>> import rushlight as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (g,) = torch.autograd.grad(x**3, x, create_graph=True)
    >>> torch.autograd.grad(g, x)
    (tensor(18.),)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.grad.html
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if not only_inputs:
        raise ValueError(
            "only_inputs argument is deprecated and must be True; use autograd.backward to accumulate all gradients"
        )
    outs = (outputs,) if isinstance(outputs, Variable) else tuple(outputs)
    wanted: tuple[Any, ...] = (inputs,) if isinstance(inputs, Variable) else tuple(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if is_grads_batched:
        return _batched_grad(outs, wanted, grad_outputs, create_graph, allow_unused, materialize_grads)
    gradients = _as_gradients(outs, grad_outputs, "grad_outputs")
    if not all(tensor.requires_grad for tensor in wanted):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    keep = create_graph if retain_graph is None else retain_graph
    found: Any
    if highest((*outs, *wanted)) is not None:
        found = gradients_of_wrapped(outs, wanted, _first_gradients(outs, gradients), keep, create_graph)
    else:
        found = run(outs, _first_gradients(outs, gradients), keep, create_graph, wanted, accumulate=False)
    if materialize_grads:
        found = [g if g is not None else _zeros_for(t) for g, t in zip(found, wanted, strict=True)]
    elif not allow_unused and any(g is None for g in found):
        index = next(i for i, g in enumerate(found) if g is None)
        raise RuntimeError(
            f"The differentiated Tensor at index {index} appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior."
        )
    return tuple(found)


def _zeros_for(tensor: Any) -> Any:
    return wrap(np.zeros(tensor._array.shape, tensor._array.dtype))


def _batched_grad(
    outs: tuple[Any, ...],
    wanted: tuple[Any, ...],
    grad_outputs: Any,
    create_graph: bool,
    allow_unused: Any,
    materialize: bool,
) -> tuple[Any, ...]:
    from rushlight.func._vmap import vmap

    batched = (grad_outputs,) if isinstance(grad_outputs, Variable) else tuple(grad_outputs)
    missing: set[int] = set()

    def one(*given: Any) -> tuple[Any, ...]:
        found = grad(outs, wanted, given, True, create_graph, True, allow_unused, False, materialize)
        missing.update(i for i, g in enumerate(found) if g is None)
        return tuple(g for g in found if g is not None)

    found = iter(vmap(one, in_dims=tuple(None if g is None else 0 for g in batched))(*batched))
    return tuple(None if i in missing else next(found) for i in range(len(wanted)))


def _as_gradients(outputs: tuple[Any, ...], gradients: Any, argument: str) -> tuple[Any, ...]:
    if gradients is None:
        return (None,) * len(outputs)
    gradients = (gradients,) if isinstance(gradients, Variable) else tuple(gradients)
    for gradient in gradients:
        if gradient is not None and not isinstance(gradient, Variable):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if len(gradients) != len(outputs):
        raise RuntimeError(
            f"got {len(outputs)} tensors and {len(gradients)} gradients: `{argument}` must have one for each tensor"
        )
    return gradients


def _first_gradients(outputs: tuple[Any, ...], gradients: tuple[Any, ...]) -> list[Any]:
    first = []
    for i, out in enumerate(outputs):
        gradient = gradients[i]
        if not out.requires_grad:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        if gradient is None:
            if out._array.size != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            if out._array.dtype.kind == "c":
                raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {out.dtype}")
            gradient = wrap(_one(out._array))
        elif gradient._array.shape != out._array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {gradient.shape} and output[{i}] has a shape of "
                f"{out.shape}."
            )
        elif gradient._array.dtype != out._array.dtype:
            gradient = gradient.to(out.dtype)
        first.append(gradient)
    return first


def _one(like: Any) -> Any:
    """A 1 of an array's shape and type."""
    if like.shape or like.dtype.char != "f":
        return np.ones(like.shape, like.dtype)
    return _ONE.copy()


_ONE = np.ones((), np.float32)


def run(
    outputs: tuple[Any, ...],
    gradients: list[Any],
    keep_graph: bool,
    create_graph: bool,
    wanted: tuple[Any, ...] | None,
    accumulate: bool,
) -> list[Any]:
    """One backward pass; returns the gradients of the `wanted` tensors, in their order."""
    roots = [out if out._grad_fn is None else out._grad_fn for out in outputs]
    pending = _count_edges(roots)
    capture = None if wanted is None else _Capture(wanted, pending)
    grad_enabled, task_around = state.enabled, state.task
    state.enabled = create_graph
    state.task = task = _Task(pending, keep_graph, create_graph, capture, accumulate)
    try:
        for node, out, gradient in zip(roots, outputs, gradients, strict=True):
            task.deliver(node, out._output_nr, gradient)
        # Nothing but the buffers holds the gradients now; a leaf may take them over.
        gradients.clear()
        gradient = None
        # A root that another root's graph contains waits for its other gradients.
        for node in roots if len(roots) == 1 else dict.fromkeys(roots):
            if not pending[node]:
                task.ready(node)
        task.drain()
    finally:
        state.enabled, state.task = grad_enabled, task_around
    if capture is None:
        return []
    if state.levels and not create_graph:
        # Nodes record where gradients are wrapped (`transforms.run_node`).
        return [None if found is None else cut(found) for found in capture.found]
    return capture.found


def _count_edges(roots: list[Any]) -> dict[Any, int]:
    """How many gradients each root and each node or leaf that can be reached waits for."""
    pending = dict.fromkeys(roots, 0)
    found = list(pending)
    for each in found:  # which grows meanwhile
        for edge in each._edges:
            if edge is not None:
                node = edge[0]
                if node in pending:
                    pending[node] += 1
                elif node is not None:
                    pending[node] = 1
                    found.append(node)
    return pending


class _Capture:
    """Which gradients were asked for, and which nodes lead to them: no other is visited."""

    def __init__(self, wanted: tuple[Any, ...], pending: dict[Any, int]) -> None:
        self.found: list[Any] = [None] * len(wanted)
        self.places: dict[Any, list[tuple[int, int]]] = {}
        for i, tensor in enumerate(wanted):
            node, nr = (tensor._grad_fn, tensor._output_nr) if tensor.grad_fn is not None else (tensor, 0)
            self.places.setdefault(node, []).append((nr, i))
        # Lower numbers first: what a node leads to is decided before the node is.
        nodes = {n for n in pending if not isinstance(n, Variable)}
        self.leading: set[Any] = {n for n in pending if isinstance(n, Variable) and n in self.places}
        self.executed: set[Any] = set()
        for node in sorted(nodes, key=lambda n: n._sequence):
            if any(e is not None and e[0] in self.leading for e in node._edges):
                self.executed.add(node)
                self.leading.add(node)
            elif node in self.places:
                self.leading.add(node)

    def take(self, node: Any, gradients: list[Any]) -> None:
        """Keep what was asked for of the gradients that reached a node."""
        for nr, i in self.places.get(node, ()):
            if nr < len(gradients):
                self.found[i] = gradients[nr]


class _Task:
    """The state of one pass."""

    __slots__ = (
        "__weakref__", "accumulate", "buffers", "capture", "create_graph", "heap", "keep_graph", "owned", "pending",
        "plain", "running",
    )  # fmt: skip

    def __init__(
        self, pending: dict[Any, int], keep_graph: bool, create_graph: bool, capture: _Capture | None, accumulate: bool
    ) -> None:
        self.pending = pending
        self.keep_graph = keep_graph
        self.create_graph = create_graph
        self.capture = capture
        self.accumulate = accumulate
        # Whether no gradient can be one that a function transform wrapped.
        self.plain = not state.levels
        self.buffers: dict[Any, list[Any]] = {}
        self.owned: set[tuple[Any, int]] | None = None
        # The node whose backward is running, if what it was given is not shown to a hook afterwards.
        self.running: Any = None
        self.heap: list[tuple[int, Any]] = []

    def deliver(self, node: Any, nr: int, gradient: Any) -> None:
        """Add a gradient to those waiting at a node."""
        buffer = self.buffers.get(node)
        if buffer is None:
            self.buffers[node] = [None] * nr + [gradient]
        elif nr >= len(buffer):
            buffer.extend([None] * (nr - len(buffer)))
            buffer.append(gradient)
        elif buffer[nr] is None:
            buffer[nr] = gradient
        elif gradient is not None:
            self._add(node, nr, buffer, gradient)

    def _add(self, node: Any, nr: int, buffer: list[Any], gradient: Any) -> None:
        before = buffer[nr]
        owned = self.owned
        if owned is None:
            owned = self.owned = set()
        # The first sum is a tensor of our own; later gradients are added into it.
        special = before.is_sparse or gradient.is_sparse or not self.plain
        if special or self.create_graph or before._array.dtype is not gradient._array.dtype:
            buffer[nr] = sum_of_gradients(before, gradient)
        elif (node, nr) in owned:
            kernels.accumulate(before._array, gradient._array)
        else:
            buffer[nr] = wrap(kernels.add(before._array, gradient._array))
            owned.add((node, nr))

    def ready(self, node: Any) -> None:
        """All gradients are there: leaves at once, nodes in their turn."""
        if isinstance(node, Variable):
            self.visit_leaf(node)
        else:
            heappush(self.heap, (-node._sequence, node))

    def visit_leaf(self, leaf: Any) -> None:
        """Run a leaf's hooks on its gradient, then keep or accumulate it."""
        gradients = self.buffers.pop(leaf, None)
        capture = self.capture
        if gradients is None or gradients[0] is None or (capture is not None and leaf not in capture.places):
            return
        if leaf._backward_hooks:
            gradients[0] = _call_tensor_hooks(leaf._backward_hooks, gradients[0])
        if capture is not None:
            capture.take(leaf, gradients)
        if self.accumulate:
            leaf._accumulate(gradients.pop(), self.create_graph)

    def drain(self) -> None:
        """Visit ready nodes, the latest made first, until none is left."""
        heap, pending, buffers, capture = self.heap, self.pending, self.buffers, self.capture
        keep_graph, create_graph, plain = self.keep_graph, self.create_graph, self.plain
        reuses = plain and not create_graph
        # Whether a leaf without hooks but takes what arrives.
        takes = self.accumulate and capture is None
        while heap:
            node = heappop(heap)[1]
            gradients = buffers.pop(node, None) or [None]
            if node._outputs is not None and len(gradients) < len(node._outputs):
                gradients.extend([None] * (len(node._outputs) - len(gradients)))
            if capture is not None and node in capture.executed:
                # Of a node that is visited what arrives is captured; of one where the way ends, what its hooks make of
                # it.
                capture.take(node, gradients)
            if node._hooked:
                gradients = _before_node(node, gradients)
            if capture is not None and node not in capture.executed:
                capture.take(node, gradients)
                continue
            self.running = node if reuses and not node._hooked else None
            try:
                results = node._run(gradients) if plain else run_node(node, gradients)
            except Exception:
                if anomaly_mode.enabled:
                    anomaly_mode.report(node)
                raise
            if node._hooked or anomaly_mode.enabled:
                results = _after_node(node, results, gradients)
            if node._saved and not keep_graph:
                node.release()
            # A list, from which each gradient is taken as it is handed on: a leaf may then take over its array.
            results = list(results)
            del gradients
            for i, edge in enumerate(node._edges):
                if edge is None or edge[0] is None:
                    continue
                target, nr = edge
                if results[i] is not None:
                    if nr == 0 and target not in buffers:
                        buffers[target] = [results[i]]
                    else:
                        self.deliver(target, nr, results[i])
                    results[i] = None
                left = pending[target] - 1
                pending[target] = left
                if left:
                    continue
                if not isinstance(target, Variable):
                    heappush(heap, (-target._sequence, target))
                elif not takes or target._backward_hooks or (arrived := buffers.pop(target, None)) is None:
                    self.visit_leaf(target)
                else:
                    target._accumulate(arrived.pop(), create_graph)


def _call_tensor_hooks(hooks: Any, gradient: Any) -> Any:
    for hook in tuple(hooks.values()):
        out = hook(gradient)
        if out is not None:
            if not isinstance(out, Variable):
                raise TypeError(f"expected Variable, but hook returned '{type(out).__name__}'")
            if out.shape != gradient.shape:
                raise RuntimeError(
                    f"hook '{getattr(hook, '__name__', hook)}' has changed the size of value: expected "
                    f"{list(gradient.shape)}, got {list(out.shape)}"
                )
            if out.dtype is not gradient.dtype:
                was, got = (f"torch.{t.dtype.legacy_name}Tensor" for t in (gradient, out))
                name = getattr(hook, "__name__", hook)
                raise RuntimeError(f"hook '{name}' has changed the type of value (was {was} got {got})")
            gradient = out
    return gradient


def _before_node(node: Any, gradients: list[Any]) -> list[Any]:
    """Tensor hooks, retained gradients, node pre-hooks: in this order, as PyTorch runs them."""
    if node._tensor_hooks is not None:
        for nr, several in node._tensor_hooks.items():
            for hooks in several:
                if nr < len(gradients) and gradients[nr] is not None:
                    gradients[nr] = _call_tensor_hooks(hooks, gradients[nr])
    if node._pre_hooks:
        for hook in tuple(node._pre_hooks.values()):
            out = hook(tuple(gradients))
            if out is not None:
                gradients = list(out) if isinstance(out, (tuple, list)) else [out]
    if node._retained is not None:
        for nr, reference in node._retained.items():
            tensor = reference()
            if tensor is not None and nr < len(gradients) and gradients[nr] is not None:
                tensor._grad = gradients[nr] if tensor._grad is None else tensor._grad + gradients[nr]
    return gradients


def _after_node(node: Any, results: Any, gradients: list[Any]) -> Any:
    """Node hooks on what backward returned, then the search for NaN."""
    shown = [i for i, edge in enumerate(node._edges) if edge is not None]
    for hook in tuple(node._post_hooks.values()) if node._post_hooks else ():
        out = hook(tuple(results[i] for i in shown), tuple(gradients))
        if out is not None:
            out = out if isinstance(out, (tuple, list)) else (out,)
            if len(out) != len(shown):
                raise RuntimeError(
                    f"hook has returned an incorrect number of values (got {len(out)}, but expected {len(shown)})"
                )
            changed = list(results)
            for i, value in zip(shown, out, strict=True):
                changed[i] = value
            results = tuple(changed)
    if anomaly_mode.enabled and anomaly_mode.check_nan:
        anomaly_mode.check(node, results)
    return results
