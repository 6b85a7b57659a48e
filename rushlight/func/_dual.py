"""Forward mode: what an operation does with dual numbers, tensors and the direction they move in.

The tangent of a result needs no rule per operation. With a cotangent u, the operation's backward pass gives g(u), which
is linear in u; so the derivative of ⟨g(u), tangent⟩ with respect to u is the tangent of the result. Operations that
are linear, elementwise or views, and those that write, have shorter ways (rushlight/func/_dual_rules.py).

Source: https://docs.pytorch.org/docs/2.13/notes/autograd.html#forward-mode
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from rushlight.autograd.grad_mode import enable_grad, state
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import Ghost, Level, contained, cut, highest, replaced
from rushlight.func._batch import batched, spread, stripped
from rushlight.func._reverse import pulled_back, tracked
from rushlight.func._wrapped import Wrapped, indented, owned_as
from rushlight.ops.creation import ones_like, zeros_like
from rushlight.printing import with_suffixes
from rushlight.random import default_generator
from rushlight.tensor import Tensor

__all__ = ["INPLACE_RULES", "RULES", "Dual", "DualLevel", "dual"]

_new = object.__new__

# What a class of operations, and those derived from it, computes on dual numbers.
RULES: dict[Any, Callable[[DualLevel, Any, tuple[Any, ...]], Any]] = {}
INPLACE_RULES: dict[Any, Callable[[DualLevel, Any, tuple[Any, ...]], Any]] = {}


class Dual(Wrapped):
    """A tensor and its tangent: the direction in which it moves."""

    _tangent: Any

    def _ghost(self) -> Ghost:
        array = self._value._array
        return Ghost(array.shape, array.strides, array.dtype)

    def rebuilt(self, function: Callable[[Any], Any]) -> Any:
        """The same with both parts replaced."""
        return dual(self._level, function(self._value), function(self._tangent))

    def tracked(self, function: Callable[[Any], Any]) -> Any:
        """The same with the primal replaced."""
        return dual(self._level, function(self._value), self._tangent)

    def likened(self, function: Callable[[Any], Any]) -> Any:
        """`function` of the primal: what is only like it does not move."""
        return function(self._value)

    def parts(self) -> tuple[Any, ...]:
        """Primal and tangent."""
        return (self._value, self._tangent)

    def detach(self) -> Any:
        """The primal cut from the graph: it does not move."""
        return self._value.detach()

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        text = repr(self._value)
        if self._level.functional:
            return f"GradTrackingTensor(lvl={self._level.depth}, value=\n{indented(text)}\n)"
        return with_suffixes(text[:-1], [f"tangent={self._tangent}"], 7)

    def __format__(self, spec: str) -> str:
        return format(self._value, spec)

    def item(self) -> Any:
        """The primal's number."""
        return self._value.item()

    def tolist(self) -> Any:
        """The primal's numbers."""
        return self._value.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """The primal's memory."""
        return self._value.numpy(force=force)

    def data_ptr(self) -> int:
        """Where the primal's memory begins."""
        return int(self._value.data_ptr())

    def storage_offset(self) -> int:
        """Where the primal begins in its storage."""
        return int(self._value.storage_offset())

    def is_nonzero(self) -> bool:
        """Whether the primal is."""
        return bool(self._value)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return self._value.__array__(*args, **kwargs)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __index__(self) -> int:
        return int(self._value.__index__())

    def __complex__(self) -> complex:
        return complex(self._value)


def dual(level: Any, primal: Any, tangent: Any) -> Any:
    """A dual number; the primal alone where there is no tangent."""
    if tangent is None:
        return primal
    out = _new(Dual)
    out._value, out._tangent, out._level = primal, tangent, level
    level.made[id(out)] = out
    return out


def become_dual(level: DualLevel, tensor: Any, tangent: Any) -> None:
    """Make a tensor that did not move a dual number, in place: a recorded write gave it a tangent."""
    inner = _new(type(tensor))
    inner.__dict__.update(tensor.__dict__)
    inner._counter = tensor.version_counter()
    tensor.__dict__.clear()
    tensor.__class__ = Dual
    tensor._value, tensor._tangent, tensor._level = inner, tangent, level
    level.made[id(tensor)] = tensor


def replayed(base: Any, steps: Any) -> Any:
    """The view of a tensor that some steps lead to."""
    for operation, arguments, index in steps:
        out = operation.apply(base, *arguments)
        base = out if index is None else out[index]
    return base


def give_batches(tangent: Any, model: Any) -> None:
    """Make a tangent, in place, one with a batch where what is to be written into it has one; also whom it views."""
    own, other = tangent._level, model._level
    if other is None:
        return
    if own is other:
        for part, wanted in zip(tangent.parts(), model.parts(), strict=True):
            give_batches(part, wanted)
        return
    if own is not None and own.depth > other.depth:
        give_batches(tangent._value, model)
        return
    if not other.batches:
        give_batches(tangent, model._value)
        return
    view = tangent._view
    if view is None or view.operation is None:
        become(tangent, owned_as(model, tangent.clone()))
        return
    steps, base = view.steps(), view.base
    become(base, owned_as(model, base.clone()))
    become(tangent, replayed(base, steps))


def become(tensor: Any, other: Any) -> None:
    """Let a tensor be what another is."""
    tensor.__dict__.clear()
    tensor.__class__ = type(other)
    tensor.__dict__.update(other.__dict__)


class DualLevel(Level):
    """One extent of forward mode."""

    def __init__(self, functional: bool = True, function: Any = None) -> None:
        super().__init__()
        self.functional = functional
        self.function = function
        self.made: WeakValueDictionary[int, Any] = WeakValueDictionary()

    def __exit__(self, *exception: object) -> None:
        # Tangents end with their level: what is left of a dual number is its primal.
        super().__exit__(*exception)
        for tensor in list(self.made.values()):
            value = tensor._value
            tensor.__dict__.clear()
            tensor.__class__ = type(value)
            tensor.__dict__.update(value.__dict__)
            if type(value) is Dual:
                value._level.made[id(tensor)] = tensor

    def unwrapped(self, tensor: Any) -> Any:
        """The primal: tangents end with their level."""
        return tensor._value

    def moves(self, value: Any) -> bool:
        """Whether a value is a dual number of this level."""
        return isinstance(value, Tensor) and value._level is self

    def primal(self, tensor: Any) -> Any:
        """The primal of a dual number of this level; any other tensor itself."""
        return tensor._value if tensor._level is self else tensor

    def tangent(self, tensor: Any) -> Any:
        """The tangent of a dual number of this level; None for any other tensor."""
        return tensor._tangent if tensor._level is self else None

    def split(self, tensor: Any) -> tuple[Any, Any]:
        """Primal and tangent (or None), under what wraps them at higher levels."""
        if tensor._level is self:
            return tensor._value, tensor._tangent
        if tensor._level is None or tensor._level.depth < self.depth or not self._within(tensor):
            return tensor, None
        return (
            tensor.rebuilt(lambda part: self.split(part)[0]),
            tensor.rebuilt(lambda part: zeros_like(part) if self.split(part)[1] is None else self.split(part)[1]),
        )

    def _within(self, tensor: Any) -> bool:
        if tensor._level is None:
            return False
        return tensor._level is self or any(self._within(part) for part in tensor.parts())

    def joined(self, primal: Any, tangent: Any) -> Any:
        """A dual number of two tensors, under the levels at which they are wrapped and which lie above."""
        top = highest((primal, tangent))
        if top is None or top.depth < self.depth:
            return dual(self, primal, tangent)
        if top.batches:
            return batched(top, self.joined(stripped(primal, top), stripped(tangent, top)))
        (p, dp), (t, dt) = top.split(primal), top.split(tangent)
        moved = None
        if dp is not None or dt is not None:
            moved = self.joined(zeros_like(p) if dp is None else dp, zeros_like(t) if dt is None else dt)
        return dual(top, self.joined(p, t), moved)

    def handle(self, operation: Any, method: str, args: tuple[Any, ...]) -> Any:
        """The result of an operation on dual numbers."""
        if not issubclass(operation, Operation):
            from rushlight.func._custom import pushed

            return pushed(self, operation, args)
        rules = RULES if method == "apply" else INPLACE_RULES
        for kind in operation.__mro__:
            rule = rules.get(kind)
            if rule is not None:
                return rule(self, operation, args)
        if method == "apply":
            return self.pushed(operation.apply, args)
        return self.pushed_inplace(operation, args)

    def call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """The dual results of a whole function, which draws the same numbers however often it is called."""
        before = default_generator.get_state()

        def again(*values: Any) -> Any:
            default_generator.set_state(before)
            return function(*values)

        return self.pushed(again, args)

    def pushed(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """The dual results of any function of tensors, by two backward passes."""
        moving = list({id(a): a for a in contained(args) if a._level is self}.values())
        primals = replaced(args, self.primal)
        track = state.enabled and any(t.requires_grad for t in (*contained(primals), *(a._tangent for a in moving)))
        found = self.derivative(function, primals, [(a._value, a._tangent) for a in moving], track)
        if found is None:
            return function(*primals)
        out, tangents = found
        if not isinstance(out, tuple):
            return dual(self, out, tangents[0])
        return tuple([dual(self, one, tangent) for one, tangent in zip(out, tangents, strict=True)])

    def derivative(
        self, function: Callable[..., Any], primals: tuple[Any, ...], moving: list[tuple[Any, Any]], track: bool
    ) -> tuple[Any, list[Any]] | None:
        """The results and their tangents (or None); None where nothing that moves has a gradient."""
        aliases: dict[int, Any] = {}
        tangents = []
        widened = False
        with enable_grad():
            for primal, tangent in moving:
                if primal.is_floating_point() or primal.is_complex():
                    wide = spread(primal, state.levels)
                    widened = widened or wide is not primal
                    aliases[id(primal)] = tracked(wide, track)
                    tangents.append(tangent)
            if not aliases:
                return None
            out = function(*replaced(primals, lambda a: aliases.get(id(a), a)))
            results = list(out) if isinstance(out, tuple) else [out]
            moved = [transposed_twice(r, list(aliases.values()), tangents, track) for r in results]
        if widened:
            # The tangents may have a batch that the results have not.
            out = function(*primals)
            results = list(out) if isinstance(out, tuple) else [out]
        elif not track:
            results = [cut(r) if isinstance(r, Tensor) else r for r in results]
        return (tuple(results) if isinstance(out, tuple) else results[0]), moved

    def pushed_inplace(self, operation: Any, args: tuple[Any, ...]) -> Any:
        """An in-place operation: the tangent is written over, too."""

        def outside(target: Any, *rest: Any) -> Any:
            return operation.inplace(target.clone(), *rest)

        target, given = args[0], args
        if target._level is self and state.enabled and any(a.requires_grad for a in contained(args)):
            # What a derivative of the tangent needs is its old value.
            old = dual(self, target._value, target._tangent.clone())
            given = replaced(args, lambda a: old if a is target else a)
        moved = self.tangent(self.pushed(outside, given))
        self.write(operation, args, moved)
        return target

    def write(self, operation: Any, args: tuple[Any, ...], tangent: Any) -> None:
        """Do an in-place operation on the primal, and give the target its new tangent."""
        target = args[0]
        operation.inplace(self.primal(target), *replaced(args[1:], self.primal))
        self.set_tangent(target, tangent)

    def set_tangent(self, target: Any, tangent: Any) -> None:
        """Write a target's new tangent into its old one; without an old one, the target and its base become dual."""
        if target._level is self:
            old = target._tangent
            if old._level is None and (0 in old._array.strides or not old._array.flags.writeable):
                target._tangent = old = old.clone()
            if tangent is not None:
                give_batches(old, tangent)
            old.copy_(zeros_like(old) if tangent is None else tangent)
        elif tangent is not None:
            view = target._view if target._level is None else None
            if view is None or view.operation is None:
                become_dual(self, target, tangent.clone())
                return
            steps, base = view.steps(), view.base
            if base._level is not self:
                become_dual(self, base, owned_as(tangent, zeros_like(base)))
            else:
                give_batches(base._tangent, tangent)
            part = replayed(base._tangent, steps)
            part.copy_(tangent)
            become_dual(self, target, part)

    def run_node(self, node: Any, gradients: list[Any]) -> tuple[Any, ...]:
        """The backward pass of a node, which is linear in its gradients: primals and tangents apart."""
        from rushlight.autograd.transforms import run_node

        pairs = [(None, None) if g is None else self.split(g) for g in gradients]
        primals = run_node(node, [p for p, _ in pairs])
        tangents = run_node(node, [t for _, t in pairs])
        return tuple(p if p is None or t is None else dual(self, p, t) for p, t in zip(primals, tangents, strict=True))

    def pulled_back(
        self, pulled_back: Any, outputs: Any, cotangents: Any, inputs: Any, keep: bool, create_graph: bool
    ) -> list[Any]:
        """The gradients of inputs as dual numbers: what moves in them is the gradient of what moves in the outputs."""
        pairs = [(y, v) for y, v in zip(outputs, cotangents, strict=True) if v is not None]
        primals = [self.primal(x) for x in inputs]
        ys = [self.primal(y) for y, _ in pairs]
        vs = [self.split(v) for _, v in pairs]
        found = pulled_back(ys, [v for v, _ in vs], primals, True, create_graph)
        moving = [(self.tangent(y), v) for (y, _), (v, _) in zip(pairs, vs, strict=True) if y._level is self]
        moving += [(y, t) for y, (_, t) in zip(ys, vs, strict=True) if t is not None]
        if not moving:
            return list(found)
        moved = pulled_back([y for y, _ in moving], [v for _, v in moving], primals, keep, create_graph)
        return [
            g if t is None else self.joined(zeros_like(x) if g is None else g, t)
            for g, t, x in zip(found, moved, primals, strict=True)
        ]


def transposed_twice(result: Any, inputs: list[Any], tangents: list[Any], create_graph: bool) -> Any:
    """The tangent of a result of `inputs`: the derivative of its backward pass with respect to the cotangent."""
    if not isinstance(result, Tensor) or not result.requires_grad:
        return None
    cotangent = tracked(spread(ones_like(cut(result)), state.levels), False)
    found = pulled_back([result], [cotangent], inputs, True, True)
    pairs = [(g, t) for g, t in zip(found, tangents, strict=True) if g is not None and g.requires_grad]
    if not pairs:
        return None
    gradients, moved = zip(*pairs, strict=True)
    (tangent,) = pulled_back(gradients, moved, [cotangent], True, create_graph)
    return tangent
