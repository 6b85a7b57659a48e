"""What function transforms (`vmap`, forward mode) ask of the operations: a level, and to be called in their stead.

A transform runs a function on *wrapped* tensors. A wrapped tensor (rushlight/func) holds a value, which is an ordinary
tensor or one wrapped at a lower level, and the level it belongs to. It has no array: `_array` tells shape and type
only, and its `_view` is a watch that every operation asks before it computes, so that ordinary tensors pay nothing.
The watch, and whoever reads elements of `_array`, raises `Intercept`; the operation then hands its call to `dispatch`,
and the highest level among the arguments computes the result from the values.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

import numpy as np

from rushlight.autograd.grad_mode import enable_grad, state

__all__ = [
    "WATCH",
    "Ghost",
    "Intercept",
    "Level",
    "as_one",
    "check_random",
    "contained",
    "cut",
    "dispatch",
    "drawn",
    "elements",
    "gradients_of_wrapped",
    "highest",
    "of_values",
    "replaced",
    "run_node",
    "set_pullback",
    "strides_of", "writes_inside",
]  # fmt: skip


F = TypeVar("F", bound=Callable[..., Any])


class Intercept(RuntimeError):
    """An operation met a wrapped tensor: a transform is to compute it."""


def _intercept(*_: Any, **__: Any) -> NoReturn:
    raise Intercept(
        "elements of a tensor inside a function transform (vmap, jvp, ...) were read outside of any operation that the "
        "transform could see; this function isn't supported there"
    )


class _Watch:
    """What stands where a view keeps its origin, in a wrapped tensor: asked to refresh it, it calls the transform."""

    refresh = staticmethod(_intercept)
    origin = "plain"
    base: Any = None
    parent: Any = None
    operation: Any = None


WATCH: Any = _Watch()


def strides_of(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of a contiguous array."""
    return tuple([itemsize * math.prod(shape[i + 1 :]) for i in range(len(shape))])


class _Flags:
    """The flags of an array that isn't there."""

    writeable = True
    owndata = True

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> None:
        self.c_contiguous = _contiguous(shape, strides, itemsize)
        self.f_contiguous = _contiguous(shape[::-1], strides[::-1], itemsize)


def _contiguous(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    if 0 in shape:
        return True
    expected = strides_of(shape, itemsize)
    return all(n == 1 or s == e for n, s, e in zip(shape, strides, expected, strict=True))


# What NumPy makes of an array's shape and type alone.
_OF_SHAPES = frozenset({np.empty_like, np.zeros_like, np.ones_like, np.full_like, np.shape, np.ndim, np.size})


class Ghost:
    """The shape, strides and type of a wrapped tensor; asked for elements, it raises `Intercept`."""

    __slots__ = ("dtype", "shape", "strides")
    # Whom the memory belongs to, and with whom it is shared, the values know.
    base = None

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.strides = strides
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def flags(self) -> _Flags:
        """What is known of the memory."""
        return _Flags(self.shape, self.strides, self.itemsize)

    def __len__(self) -> int:
        return self.shape[0]

    def __getattr__(self, name: str) -> Any:
        _intercept()

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in _OF_SHAPES:
            _intercept()
        standing = [np.empty(a.shape, a.dtype) if isinstance(a, Ghost) else a for a in args]
        return function(*standing, **kwargs)

    __array__ = __array_ufunc__ = __bool__ = __iter__ = __getitem__ = __setitem__ = _intercept
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _intercept
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _intercept
    __neg__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __invert__ = __and__ = __or__ = _intercept
    __hash__ = None  # type: ignore[assignment]


class Level:
    """One transform that is running: where it stands among the others, and what it does with an operation."""

    # Whether it is one of `torch.func`'s, which ask more of a user's Function than dual numbers do.
    functional = True
    # Whether it is a vmap.
    batches = False
    # Whether it is none that a program begins: what tensors made of several parts (sparse ones) belong to, always.
    keeps_parts = False

    def __init__(self) -> None:
        self.depth = len(state.levels) + 1
        self.alive = False

    def __enter__(self) -> Any:
        self.depth = len(state.levels) + 1
        self.alive = True
        state.levels = (*state.levels, self)
        return self

    def __exit__(self, *exception: object) -> None:
        self.alive = False
        state.levels = tuple([level for level in state.levels if level is not self])

    def handle(self, operation: Any, method: str, args: tuple[Any, ...]) -> Any:
        """The result of an operation on tensors wrapped at this level."""
        raise TypeError(f"{type(self).__name__} wraps no tensors")

    def call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """The result of a whole function on tensors wrapped at this level."""
        raise TypeError(f"{type(self).__name__} wraps no tensors")

    def unwrapped(self, tensor: Any) -> Any:
        """What a tensor wrapped at this level is once the level has ended."""
        raise TypeError(f"{type(self).__name__} wraps no tensors")

    def gradients(self, outputs: Any, inputs: Any, given: Any, keep: bool, create_graph: bool) -> list[Any]:
        """The gradients of tensors that belong to a level that keeps parts."""
        raise TypeError(f"{type(self).__name__} wraps no tensors")

    def run_node(self, node: Any, gradients: list[Any]) -> tuple[Any, ...]:
        """The backward pass of a node whose gradients are wrapped at this level."""
        raise TypeError(f"{type(self).__name__} wraps no tensors")


def writes_inside(target: Any, args: tuple[Any, ...], operation: str) -> bool:
    """Whether a write is a transform's to do.

    RuntimeError for one to a tensor that the function of the innermost derivative captured, where that shows.
    """
    _check_captured(target, operation)
    return highest((target, *args)) is not None


def _check_captured(target: Any, operation: str) -> None:
    function = getattr(state.levels[-1], "function", None) if state.levels else None
    if function is not None and any(target is one for one in _captured(function)):
        raise RuntimeError(
            "During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place operation "
            f"({operation}) that would mutate a captured Tensor. This is not supported; please rewrite the function "
            "being transformed to explicitly accept the mutated Tensor(s) as inputs."
        )


def _captured(function: Any) -> Iterator[Any]:
    """The tensors that a function finds outside of itself: in its closure and among the globals that it names."""
    code = getattr(function, "__code__", None)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            yield from contained((cell.cell_contents,))
        except ValueError:
            continue
    if code is not None:
        yield from contained([function.__globals__[name] for name in code.co_names if name in function.__globals__])


_RANDOM = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
    "randomness flags on vmap or perform the randomness operation out of vmap"
)


def check_random() -> None:
    """RuntimeError where a vmap is running whose function must not draw numbers."""
    for level in state.levels:
        if level.batches and level.randomness == "error":
            raise RuntimeError(_RANDOM)


def drawn(draw: Callable[[tuple[int, ...]], Any]) -> Any:
    """What `draw` makes, given the leading dimensions of the batches whose samples draw numbers of their own."""
    if not state.levels:
        return draw(())
    check_random()
    levels = [level for level in state.levels if level.batches and level.randomness == "different"]
    result = draw(tuple([level.size for level in levels]))
    for level in levels:
        result = level.wrapped(result)
    return result


def elements(tensor: Any) -> Any:
    """The elements of a tensor as an array, for checks: of a wrapped one all that its value has."""
    while tensor._level is not None:
        tensor = tensor._value
    return tensor._array


def contained(args: Any) -> Iterator[Any]:
    """The tensors among arguments, those in tuples and lists included."""
    for a in args:
        if hasattr(a, "_level"):
            yield a
        elif isinstance(a, tuple | list):
            yield from contained(a)


def replaced(args: Any, function: Callable[[Any], Any]) -> Any:
    """The arguments with `function` applied to each tensor among them."""

    def one(a: Any) -> Any:
        if hasattr(a, "_level"):
            return function(a)
        if a.__class__ is tuple or a.__class__ is list:
            return a.__class__([one(b) for b in a])
        if isinstance(a, tuple) and hasattr(a, "_make"):
            return a.__class__(*[one(b) for b in a])
        return a

    return tuple([one(a) for a in args])


def highest(args: Any) -> Any:
    """The highest level at which one of the tensors is wrapped, or None."""
    top = None
    for a in contained(args):
        level = a._level
        if level is not None and (top is None or level.depth > top.depth or not level.alive):
            top = level
            if not level.alive:
                break
    return top


def dispatch(operation: Any, method: str, args: tuple[Any, ...]) -> Any:
    """The result of `operation.method(*args)` where tensors are wrapped: the highest level's."""
    level = highest(args)
    while level is not None and not level.alive:
        ended = level
        args = replaced(args, lambda a: ended.unwrapped(a) if a._level is ended else a)  # noqa: B023
        level = highest(args)
    if level is None:
        return getattr(operation, method)(*args)
    levels = state.levels
    # A rule of vmap may compute on the batches themselves; what forward mode makes of its values lies below.
    state.levels = levels[: level.depth if level.batches else level.depth - 1]
    try:
        return level.handle(operation, method, args)
    except Exception as error:
        # That a transform was asked is no part of what went wrong.
        if isinstance(error.__context__, Intercept):
            error.__context__ = None
        raise
    finally:
        state.levels = levels


def as_one(function: F) -> F:
    """Decorate a function that reads elements between operations: transforms see it as one operation.

    Of a batch it is called for one sample after another; its tangent is found by two backward passes.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **named: Any) -> Any:
        if not state.levels:
            return function(*args, **named)
        level = highest((*args, *named.values()))
        if level is None:
            return function(*args, **named)
        count, names = len(args), tuple(named)

        def call(*values: Any) -> Any:
            return function(*values[:count], **dict(zip(names, values[count:], strict=True)))

        levels = state.levels
        state.levels = levels[: level.depth - 1]
        try:
            return level.call(call, (*args, *named.values()))
        finally:
            state.levels = levels

    return wrapper  # type: ignore[return-value]


def of_values(name: str) -> Callable[[F], F]:
    """Decorate a function whose result's shape depends on the elements: tangents don't matter, and vmap refuses it."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def wrapper(input: Any, *args: Any, **named: Any) -> Any:
            level = getattr(input, "_level", None)
            while level is not None and not level.keeps_parts:
                if level.batches:
                    raise RuntimeError(
                        "vmap: We do not support batching operators that can output dynamic shape. "
                        "Attempted to vmap over "
                        f"aten::{name}. Please file an issue at https://github.com/pytorch/pytorch/issues if you need "
                        "this feature."
                    )
                input = input._value
                level = input._level
            return function(input, *args, **named)

        return wrapper  # type: ignore[return-value]

    return decorate


def run_node(node: Any, gradients: list[Any]) -> tuple[Any, ...]:
    """The backward pass of a node, some of whose gradients are wrapped."""
    level = highest(gradients)
    if level is None:
        return node._run(gradients)
    levels = state.levels
    try:
        # What backward formulas compute on arrays where nothing is recorded, levels couldn't see.
        with enable_grad():
            return level.run_node(node, gradients)
    finally:
        state.levels = levels


def cut(tensor: Any) -> Any:
    """A tensor without its history; what wraps it stays."""
    return tensor.detach() if tensor._level is None else tensor.rebuilt(cut)


_pullback: list[Callable[..., Any]] = []


def set_pullback(function: Callable[..., Any]) -> None:
    """Name the function that differentiates wrapped tensors; `rushlight.func` does, once."""
    _pullback[:] = [function]


def gradients_of_wrapped(outputs: Any, inputs: Any, grad_outputs: Any, keep: bool, create_graph: bool) -> list[Any]:
    """The gradients of wrapped tensors; None where an output does not depend on an input."""
    level = highest((*outputs, *inputs))
    if level.keeps_parts:
        return level.gradients(outputs, inputs, grad_outputs, keep, create_graph)
    found: list[Any] = _pullback[0](outputs, grad_outputs, inputs, keep, create_graph)
    return found
