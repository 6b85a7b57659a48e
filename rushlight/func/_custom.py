"""A user's own `Function` inside a transform: its `jvp` and `vmap`, or a rule made of its forward and backward.

Source: https://docs.pytorch.org/docs/2.13/notes/extending.func.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from rushlight.autograd.function import Function
from rushlight.autograd.grad_mode import state
from rushlight.autograd.transforms import replaced
from rushlight.func._batch import BatchLevel, batched
from rushlight.func._dual import DualLevel, dual
from rushlight.ops.creation import zeros_like
from rushlight.tensor import Tensor
from rushlight.utils._pytree import tree_flatten, tree_map, tree_unflatten

__all__ = ["VmapInfo", "mapped", "pushed"]

_DOCS = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What a Function's `vmap` is told of the transform."""

    batch_size: int
    randomness: str


def pushed(level: DualLevel, function: Any, args: tuple[Any, ...]) -> Any:
    """The dual results of a Function that says with `jvp` how tangents move."""
    primals = replaced(args, level.primal)
    out, ctx = function._applied(primals, {})
    tangents = [level.tangent(a) if isinstance(a, Tensor) else None for a in args]
    if ctx.materialize_grads:
        tangents = [
            zeros_like(a) if t is None and isinstance(a, Tensor) and a.is_floating_point() else t
            for t, a in zip(tangents, primals, strict=True)
        ]
    moved = function.jvp(ctx, *tangents)
    results, single = (list(out), False) if isinstance(out, tuple) else ([out], True)
    moved = list(moved) if isinstance(moved, tuple | list) else [moved]
    if len(moved) != len(results):
        raise RuntimeError(
            f"{function.__name__}: jvp returned {len(moved)} tangents, expected one for each of the "
            f"{len(results)} outputs"
        )
    for i, (result, tangent) in enumerate(zip(results, moved, strict=True)):
        place = next((k for k, p in enumerate(primals) if p is result), None)
        if place is not None and isinstance(result, Tensor):
            # An input that forward changed in place, and whose tangent jvp changed so.
            if tangent is not level.tangent(args[place]):
                level.set_tangent(args[place], tangent)
            results[i] = args[place]
        elif isinstance(result, Tensor):
            if tangent is not None and tangent.shape != result.shape:
                raise RuntimeError(
                    f"{function.__name__}: jvp returned a tangent of shape {list(tangent.shape)} for "
                    "an output of shape "
                    f"{list(result.shape)}"
                )
            results[i] = dual(level, result, tangent)
    return results[0] if single else tuple(results)


def mapped(level: BatchLevel, function: Any, args: tuple[Any, ...]) -> Any:
    """The results of a Function on batches: by its `vmap`, or by a rule made of it."""
    name = function.__name__
    written = function.vmap is not Function.vmap
    if function.generate_vmap_rule and written:
        raise RuntimeError(
            f"You tried to vmap over {name}, but it has both generate_vmap_rule=True and an overridden vmap "
            f"staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid "
            f"ambiguity. {_DOCS}"
        )
    if function.generate_vmap_rule:
        return _generated(level, function, args)
    if not written:
        raise RuntimeError(
            f"You tried to vmap over {name}, but it does not have vmap support. Please override and implement the vmap "
            f"staticmethod or set generate_vmap_rule=True. {_DOCS}"
        )
    in_dims = tuple(tree_map(lambda a: 0 if isinstance(a, Tensor) and a._level is level else None, a) for a in args)
    values = tree_map(lambda a: level.value(a) if isinstance(a, Tensor) else a, args)
    result = function.vmap(VmapInfo(level.size, level.randomness), in_dims, *values)
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"The vmap staticmethod of {name} must return a tuple of two: the output and the "
            f"out_dims, got {type(result)}"
        )
    out, out_dims = result
    flat, spec = tree_flatten(out)
    from rushlight.utils._pytree import broadcast_and_flatten

    dims = broadcast_and_flatten(out_dims, spec)
    if dims is None:
        raise RuntimeError(f"out_dims {out_dims} of the vmap staticmethod of {name} don't fit its output {spec!r}")
    return tree_unflatten(
        [o if d is None else batched(level, o.movedim(d, 0)) for o, d in zip(flat, dims, strict=True)], spec
    )


@contextmanager
def _inside(level: BatchLevel) -> Iterator[None]:
    """The level's function running again."""
    levels = state.levels
    state.levels = (*levels, level)
    try:
        yield
    finally:
        state.levels = levels


class _Context:
    """The ctx that a Function sees of one sample, where the ctx of the batch keeps what it saves."""

    def __init__(self, level: BatchLevel, ctx: Any) -> None:
        self.__dict__.update(_level=level, _ctx=ctx, _flags={})

    def _kept(self, kind: str, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
        self._flags[kind] = [isinstance(t, Tensor) and t._level is self._level for t in tensors]
        return replaced(tensors, self._level.value)

    def _given(self, kind: str, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
        flags = self._flags.get(kind, ())
        return tuple(batched(self._level, t) if flag else t for t, flag in zip(tensors, flags, strict=True))

    def save_for_backward(self, *tensors: Any) -> None:
        self._ctx.save_for_backward(*self._kept("backward", tensors))

    def save_for_forward(self, *tensors: Any) -> None:
        self._ctx.save_for_forward(*self._kept("forward", tensors))

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return self._given("backward", self._ctx.saved_tensors)

    @property
    def saved_for_forward(self) -> tuple[Any, ...]:
        return self._given("forward", self._ctx.saved_for_forward)

    def mark_non_differentiable(self, *tensors: Any) -> None:
        self._ctx.mark_non_differentiable(*replaced(tensors, self._level.value))

    def mark_dirty(self, *tensors: Any) -> None:
        raise RuntimeError("a Function that changes its inputs in place can't have its vmap rule generated")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_ctx"], name)


def _generated(level: BatchLevel, function: Any, args: tuple[Any, ...]) -> Any:
    """A Function of whole batches, each of whose parts is the given one's under `vmap`."""
    flat, spec = tree_flatten(args)
    flags = [isinstance(a, Tensor) and a._level is level for a in flat]
    values = [a._value if flag else a for a, flag in zip(flat, flags, strict=True)]
    outs: dict[str, Any] = {}

    def rewrapped(operands: Any, which: list[bool]) -> list[Any]:
        return [batched(level, v) if flag else v for v, flag in zip(operands, which, strict=True)]

    class Whole(Function):
        """A Function on batches."""

        @staticmethod
        def forward(*operands: Any) -> Any:
            with _inside(level):
                out = function.forward(*tree_unflatten(rewrapped(operands, flags), spec))
            found, outs["spec"] = tree_flatten(out)
            outs["flags"] = [isinstance(o, Tensor) and o._level is level for o in found]
            return tuple([o._value if flag else o for o, flag in zip(found, outs["flags"], strict=True)])

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            ctx.inner = _Context(level, ctx)
            with _inside(level):
                function.setup_context(
                    ctx.inner,
                    tree_unflatten(rewrapped(inputs, flags), spec),
                    tree_unflatten(rewrapped(output, outs["flags"]), outs["spec"]),
                )

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            backward = function.backward if function.backward is not Function.backward else function.vjp
            with _inside(level):
                found = backward(ctx.inner, *rewrapped(gradients, outs["flags"]))
            found = found if isinstance(found, tuple) else (found,)
            return tuple(
                None if g is None else level.whole(g) if flag else level.whole(g).sum(0) if g._level is level else g
                for g, flag in zip(found, flags, strict=True)
            )

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Any:
            given = [None if t is None else batched(level, t) if f else t for t, f in zip(tangents, flags, strict=True)]
            with _inside(level):
                found = function.jvp(ctx.inner, *given)
            found = found if isinstance(found, tuple | list) else (found,)
            return tuple(
                None if t is None else level.whole(t) if f else t for t, f in zip(found, outs["flags"], strict=True)
            )

    Whole.__name__ = f"Vmapped{function.__name__}"
    results = Whole.apply(*values)
    return tree_unflatten(rewrapped(results, outs["flags"]), outs["spec"])
