"""Reverse mode as a function transform: `vjp`, `grad`, `grad_and_value`.

Each level makes fresh aliases of its inputs and differentiates with respect to these, in the ordinary graph. What
wraps an input stays around its alias, so that of a batch each sample has a gradient of its own, and of a dual number
the gradient is a dual number.

Source: https://docs.pytorch.org/docs/2.13/func.api.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight.autograd.engine import run
from rushlight.autograd.grad_mode import enable_grad, state
from rushlight.autograd.node import Node, edge_of, next_sequence
from rushlight.autograd.transforms import Level, cut, highest, set_pullback
from rushlight.autograd.views import View
from rushlight.func._batch import spread
from rushlight.func._wrapped import plain_parts
from rushlight.ops.creation import ones_like, zeros_like
from rushlight.tensor import Tensor
from rushlight.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

__all__ = ["GradLevel", "grad", "grad_and_value", "pullback", "pulled_back", "vjp"]


class LevelInput(Node):
    """Hands the gradient of a level's input on to where the input came from."""

    # Whether the level whose input it is still runs.
    alive = False

    def __init__(self, edges: tuple[Any, ...]) -> None:
        self._edges = edges
        self._sequence = next_sequence()

    def name(self) -> str:
        """The name that messages give it."""
        return "AliasBackward0"

    def _run(self, gradients: list[Any]) -> tuple[Any, ...]:
        return (gradients[0],) * len(self._edges)


def tracked(tensor: Any, connected: bool) -> Any:
    """An alias of a tensor that requires a gradient, `connected` to the history of the tensor if it has one."""
    if tensor._level is not None:
        return tensor.tracked(lambda part: tracked(part, connected))
    if tensor._array.dtype.kind not in "fcV" or tensor._array.dtype.names:
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    alias = tensor.detach()
    edges = (edge_of(tensor),) if connected and tensor.requires_grad else ()
    # A view of an origin that refuses writes, as a leaf's is.
    alias._view = View(tensor, None, (), None, "level", alias.version_counter().value)
    alias._grad_fn, alias._output_nr, alias._requires_grad = LevelInput(edges), 0, True
    return alias


def reaches_outside(tensors: list[Any], own: set[Any]) -> bool:
    """Whether the history of some tensor leads to a leaf, or to the input of another level that is running."""
    seen = set()
    stack = [edge_of(t)[0] for tensor in tensors for t in plain_parts(tensor) if t.requires_grad]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(node, Tensor) or (type(node) is LevelInput and node.alive and node not in own):
            return True
        stack.extend([edge[0] for edge in node._edges if edge is not None])
    return False


class GradLevel(Level):
    """One call of a reverse transform: its inputs, and what of its results belongs to the outside."""

    def __init__(self, function: Any = None) -> None:
        super().__init__()
        self.function = function
        self.outer = state.enabled
        self.nodes: set[Any] = set()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        for node in self.nodes:
            node.alive = False

    def enter(self, value: Any) -> Any:
        """The input that the function gets in the place of `value`."""
        if not isinstance(value, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(value)}")
        below = [level for level in state.levels[: self.depth - 1] if level.batches]
        alias = tracked(spread(value, below), self.outer)
        for plain in plain_parts(alias):
            if type(plain._grad_fn) is LevelInput and plain._grad_fn not in self.nodes:
                plain._grad_fn.alive = True
                self.nodes.add(plain._grad_fn)
        return alias

    def settled(self, tensor: Any) -> Any:
        """A result as the outside sees it: without history, unless that leads beyond this level's inputs."""
        if not isinstance(tensor, Tensor) or not tensor.requires_grad:
            return tensor
        if self.outer and reaches_outside([tensor], self.nodes):
            return tensor
        return cut(tensor)


def pulled_back(outputs: Any, cotangents: Any, inputs: Any, keep: bool, create_graph: bool) -> list[Any]:
    """The gradients of `inputs`, weighted by `cotangents`; None where no output depends on an input."""
    level = highest((*outputs, *inputs))
    if level is not None:
        found: list[Any] = level.pulled_back(pulled_back, outputs, cotangents, inputs, keep, create_graph)
        return found
    pairs = [(y, v) for y, v in zip(outputs, cotangents, strict=True) if v is not None and y.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    return run(tuple(y for y, _ in pairs), [v for _, v in pairs], keep, create_graph, tuple(inputs), accumulate=False)


set_pullback(lambda outputs, cotangents, inputs, keep, create: pulled_back(outputs, cotangents, inputs, keep, create))


def pullback(
    level: GradLevel,
    outputs: list[Any],
    cotangents: list[Any],
    inputs: list[Any],
    keep: bool,
    create_graph: bool | None,
) -> list[Any]:
    """The gradients of a level's inputs, zeros where there are none, as the outside sees them."""
    if create_graph is None:
        create_graph = state.enabled
    record = create_graph and (any(v.requires_grad for v in cotangents) or reaches_outside([*outputs], level.nodes))
    found = pulled_back(outputs, cotangents, inputs, keep or record, record)
    return [zeros_like(cut(x)) if g is None else level.settled(g) for g, x in zip(found, inputs, strict=True)]


def sliced(args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> tuple[Any, ...]:
    """The arguments at some positions; RuntimeError for a position there is not."""
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    if not isinstance(numbers, tuple):
        raise RuntimeError(f"argnum must be an int or a tuple of ints, got {type(argnums)}")
    count = len(args)
    seen = []
    for number in numbers:
        if not isinstance(number, int):
            raise RuntimeError(f"argnum must be int, got {type(number)}")
        if not -count <= number < count:
            raise RuntimeError(f"Got argnum={number}, but only {count} positional inputs")
        if number % count in seen:
            raise RuntimeError(f"argnums elements must be unique, got {argnums}")
        seen.append(number % count)
    return tuple(args[n] for n in seen)


def replaced_at(args: tuple[Any, ...], argnums: int | tuple[int, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with others at some positions."""
    changed = list(args)
    for number, value in zip((argnums,) if isinstance(argnums, int) else argnums, values, strict=True):
        changed[number] = value
    return tuple(changed)


def split_aux(api: str, out: Any) -> tuple[Any, Any]:
    """(output, aux) of a function that returns both; RuntimeError if it did not."""
    if not (isinstance(out, tuple) and len(out) == 2):
        raise RuntimeError(f"{api}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return out


def check_tensors(value: Any, api: str, what: str) -> None:
    """RuntimeError unless a tree holds tensors, and some."""
    leaves = tree_leaves(value)
    if not leaves:
        raise RuntimeError(f"{api}: Expected {what} to have at least one Tensor, got empty output")
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(f"{api}: Expected {what} to only contain Tensors, got {type(leaf)}")


def check_outputs(out: Any, api: str) -> None:
    """RuntimeError unless a function returned tensors."""
    if isinstance(out, Tensor):
        return
    leaves = tree_leaves(out)
    if not leaves:
        raise RuntimeError(f"{api}: Expected f to be a function that has non-empty output (got output = {out})")
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(leaf)}")


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """`(func(*primals), vjp_fn)`, where `vjp_fn(cotangents)` gives one vector-Jacobian product for each primal.

    Primals, outputs and cotangents may be nested tuples, lists and dicts of tensors. With `has_aux`, func returns
    `(output, aux)`, and the result is `(output, vjp_fn, aux)`. RuntimeError for outputs or cotangents that are no
    tensors, or for cotangents of another structure than the outputs'.

    >>> import rushlight as torch
    >>> out, vjp_fn = torch.func.vjp(torch.sin, torch.zeros(2))
    >>> vjp_fn(torch.ones(2))
    (tensor([1., 1.]),)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.vjp.html
    """
    return vjp_of(func, primals, None, has_aux)


def vjp_of(
    func: Callable[..., Any], primals: tuple[Any, ...], argnums: int | tuple[int, ...] | None, has_aux: bool
) -> Any:
    """`vjp` with respect to some of the primals only."""
    aux: Any = None
    with GradLevel(func) as level, enable_grad():
        if argnums is None:
            inputs = tree_map(level.enter, primals)
            out = func(*inputs)
        else:
            inputs = tree_map(level.enter, sliced(primals, argnums))
            out = func(*replaced_at(primals, argnums, inputs))
        if has_aux:
            out, aux = split_aux("vjp(f, *primals)", out)
            aux = tree_map(level.settled, aux)
        check_outputs(out, "vjp(f, *primals)")
    flat, spec = tree_flatten(out)
    flat_inputs, inputs_spec = tree_flatten(inputs)
    if isinstance(argnums, int):
        (inputs_spec,) = inputs_spec.children_specs

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        check_tensors(cotangents, "vjp_fn(cotangents)", "cotangents")
        given, given_spec = tree_flatten(cotangents)
        if given_spec != spec:
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. cotangents: {given_spec!r}, primal output: {spec!r}"
            )
        for i, (y, v) in enumerate(zip(flat, given, strict=True)):
            if y.shape != v.shape:
                raise RuntimeError(
                    f"Mismatch in shape: grad_output[{i}] has a shape of {v.shape} and output[{i}] has a shape of "
                    f"{y.shape}."
                )
        found = pullback(level, flat, given, flat_inputs, retain_graph, create_graph)
        return tree_unflatten(found, inputs_spec)

    result = tree_map(level.settled, out)
    return (result, vjp_fn, aux) if has_aux else (result, vjp_fn)


def grad_and_value(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Any:
    """A function that computes both the gradient of `func`, as `grad` does, and its value: `(gradient, value)`.

    With `has_aux`, func returns `(output, aux)`, and the value is that pair.

    Raises RuntimeError where the result has dimensions or is not of a floating-point type.

    >>> import rushlight as torch
    >>> torch.func.grad_and_value(lambda x: x**2)(torch.tensor(3.0))
    (tensor(6.), tensor(9.))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.grad_and_value.html
    """
    api = "grad_and_value(f)(*args)"

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        aux: Any = None
        with GradLevel(func) as level, enable_grad():
            inputs = tree_map(level.enter, sliced(args, argnums))
            out = func(*replaced_at(args, argnums, inputs), **kwargs)
            if has_aux:
                out, aux = split_aux(api, out)
            if not isinstance(out, Tensor):
                raise RuntimeError(f"{api}: Expected f(*args) to return a Tensor, got {type(out)}")
            if out.dim() != 0:
                raise RuntimeError(
                    f"{api}: Expected f(*args) to return a scalar Tensor, got tensor with {out.dim()} dims. Maybe you "
                    "wanted to use the vjp or jacrev APIs instead?"
                )
        flat, spec = tree_flatten(inputs)
        with enable_grad() if level.outer else _nothing():
            found = pullback(level, [out], [ones_like(cut(out))], flat, False, level.outer)
        gradient = tree_unflatten(found, spec)
        value = level.settled(out)
        gradient = gradient[0] if isinstance(argnums, int) else gradient
        return (gradient, (value, tree_map(level.settled, aux))) if has_aux else (gradient, value)

    return wrapper


class _nothing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Any:
    """A function that computes the gradient of `func`, whose result has no dimensions, for the arguments at `argnums`.

    These may be nested tuples, lists and dicts of tensors; an int gives one gradient, a tuple gives a tuple. With
    `has_aux`, func returns `(output, aux)`, and the new function `(gradient, aux)`. `no_grad` counts inside func, not
    around the call.

    Raises RuntimeError where the result has dimensions or is not of a floating-point type.

    >>> import rushlight as torch
    >>> torch.func.grad(torch.func.grad(torch.sin))(torch.tensor(0.0))
    tensor(-0.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.grad.html
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper
