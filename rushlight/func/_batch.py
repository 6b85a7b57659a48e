"""What `vmap` does with an operation: the rule of its class on whole batches, or, without one, a loop over samples.

A batched tensor's value has the batch as its first dimension; what it looks like to the function is one sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import Ghost, Intercept, Level, contained, replaced
from rushlight.func._wrapped import Wrapped, indented
from rushlight.ops.creation import zeros
from rushlight.ops.joining import stack
from rushlight.ops.slicing import select
from rushlight.ops.splitting import unbind

__all__ = ["INPLACE_RULES", "RULES", "BatchLevel", "Batched", "batched", "spread"]

_new = object.__new__

Rule = Callable[["BatchLevel", Any, tuple[Any, ...]], Any]
# What an operation, or those derived from it, computes on batches; rushlight/func/_batch_rules.py and its kin fill it.
RULES: dict[Any, Rule] = {}
INPLACE_RULES: dict[Any, Rule] = {}

_CONTROL_FLOW = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that "
    "yet, please file an issue at https://github.com/pytorch/pytorch/issues ."
)
_ITEM = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a Tensor, "
    "please try to rewrite what you're doing with other operations. If error is occurring somewhere inside PyTorch "
    "internals, please file a bug report."
)
_NO_MEMORY = "Cannot access data pointer of Tensor that doesn't have storage"
_INPLACE = (
    "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args "
    "that has more elements than `self`. This happened due to `other` being vmapped over but `self` not being vmapped "
    "over in a vmap. Please try to use out-of-place operators instead of inplace arithmetic. If said operator is being "
    "called inside the PyTorch framework, please file a bug report instead."
)
_ESCAPED = (
    "Either your tensor may have escaped from inside a function being vmapped and this is a user error (see "
    "https://pytorch.org/functorch/stable/ux_limitations.html), or there is an internal functorch error in "
    "`gen_vmap_plumbing` Please file an issue if it looks like the latter"
)


def _refusing(message: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise RuntimeError(message)

    return refuse


class Batched(Wrapped):
    """One sample of a batch, whichever: each operation computes all of them."""

    def _ghost(self) -> Ghost:
        array = self._value._array
        return Ghost(array.shape[1:], array.strides[1:], array.dtype)

    def rebuilt(self, function: Callable[[Any], Any]) -> Any:
        """The batch of another value."""
        return batched(self._level, function(self._value))

    tracked = likened = rebuilt

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"BatchedTensor(lvl={self._level.depth}, bdim=0, value=\n{indented(repr(self._value))}\n)"

    def __format__(self, spec: str) -> str:
        if self.dim():
            return repr(self)
        raise RuntimeError(_ITEM)

    def storage_offset(self) -> int:
        """Where the first sample begins in its memory."""
        return int(self._value.storage_offset())

    __bool__ = is_nonzero = _refusing(_CONTROL_FLOW)
    item = __float__ = __int__ = __index__ = __complex__ = _refusing(_ITEM)
    tolist = numpy = data_ptr = __array__ = storage = untyped_storage = _refusing(_NO_MEMORY)


def batched(level: Any, value: Any) -> Any:
    """The samples of a value, whose first dimension is the batch."""
    out = _new(Batched)
    out._value, out._level = value, level
    return out


class BatchLevel(Level):
    """One call of a function by `vmap`."""

    batches = True

    def __init__(self, size: int, randomness: str) -> None:
        super().__init__()
        self.size = size
        self.randomness = randomness

    def unwrapped(self, tensor: Any) -> Any:
        """RuntimeError: a sample means nothing without its batch."""
        raise RuntimeError(_ESCAPED)

    def value(self, tensor: Any) -> Any:
        """The value of a batched tensor; any other tensor itself."""
        return tensor._value if tensor._level is self else tensor

    def whole(self, tensor: Any) -> Any:
        """The value of a tensor with a batch dimension, expanded if it had none."""
        if tensor._level is self:
            return tensor._value
        return tensor.unsqueeze(0).expand(self.size, *tensor.shape)

    def wrapped(self, result: Any) -> Any:
        """Results whose first dimension is the batch."""
        if isinstance(result, tuple | list):
            return type(result)([self.wrapped(one) for one in result])
        return batched(self, result) if hasattr(result, "_level") else result

    def handle(self, operation: Any, method: str, args: tuple[Any, ...]) -> Any:
        """The results of an operation on batches."""
        if not issubclass(operation, Operation):
            from rushlight.func._custom import mapped

            return mapped(self, operation, args)
        rules = RULES if method == "apply" else INPLACE_RULES
        for kind in operation.__mro__:
            rule = rules.get(kind)
            if rule is not None:
                return rule(self, operation, args)
        return self.looped(operation, args) if method == "apply" else self.looped_inplace(operation, args)

    def samples(self, args: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The arguments of each sample."""
        cut = {id(a): unbind(a._value) for a in contained(args) if a._level is self}
        return [replaced(args, lambda a: cut[id(a)][i] if a._level is self else a) for i in range(self.size)]  # noqa: B023

    def looped(self, operation: Any, args: tuple[Any, ...]) -> Any:
        """An operation called for one sample after another."""
        return self.stacked(
            [operation.apply(*sample) for sample in self.samples(args)] or self.of_zeros(operation, args)
        )

    def call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """A function called for one sample after another."""
        samples = self.samples(args)
        if not samples:
            samples = [replaced(args, lambda a: zeros(a.shape, dtype=a.dtype) if a._level is self else a)]
        return self.stacked([function(*sample) for sample in samples])

    def of_zeros(self, operation: Any, args: tuple[Any, ...]) -> list[Any]:
        """What an operation gives for zeros: what the samples of an empty batch would look like."""
        sample = replaced(args, lambda a: zeros(a.shape, dtype=a.dtype) if a._level is self else a)
        return [operation.apply(*sample)]

    def stacked(self, outs: list[Any]) -> Any:
        """The results of all samples as batches."""
        if isinstance(outs[0], tuple | list):
            return type(outs[0])([self.stacked(list(column)) for column in zip(*outs, strict=True)])
        if not hasattr(outs[0], "_level"):
            return outs[0]
        shape = outs[0].shape
        if any(out.shape != shape for out in outs):
            raise RuntimeError("vmap: We do not support batching operators that can output dynamic shape.")
        return batched(self, stack(outs) if self.size else stack(outs)[:0])

    def check_target(self, target: Any) -> None:
        """RuntimeError for a write of batched elements into a tensor without a batch."""
        if target._level is not self:
            raise RuntimeError(_INPLACE)

    def looped_inplace(self, operation: Any, args: tuple[Any, ...]) -> Any:
        """An in-place operation called for one sample after another."""
        target = args[0]
        self.check_target(target)
        for i, sample in enumerate(self.samples(args[1:])):
            operation.inplace(select(target._value, 0, i), *sample)
        return target

    def run_node(self, node: Any, gradients: list[Any]) -> tuple[Any, ...]:
        """The backward pass of a node: its formula on batches, or else for one sample after another."""
        try:
            found: tuple[Any, ...] = node._run(list(gradients))
            return found
        except (Intercept, TypeError):
            outs = [tuple(node._run(list(sample))) for sample in self.samples(tuple(gradients))]
        return tuple(None if column[0] is None else self.stacked(list(column)) for column in zip(*outs, strict=True))

    def pulled_back(
        self, pulled_back: Any, outputs: Any, cotangents: Any, inputs: Any, keep: bool, create_graph: bool
    ) -> list[Any]:
        """The gradients of inputs, of a batched one for each sample its own."""
        sums: list[Any] = [None] * len(inputs)

        def add(i: int, gradient: Any) -> None:
            if gradient is not None:
                sums[i] = gradient if sums[i] is None else sums[i] + gradient

        pairs = [(y, v) for y, v in zip(outputs, cotangents, strict=True) if v is not None]
        mine = [(y._value, stripped(v, self)) for y, v in pairs if y._level is self]
        others = [(y, v) for y, v in pairs if y._level is not self]
        own = [i for i, x in enumerate(inputs) if x._level is self]
        shared = [i for i, x in enumerate(inputs) if x._level is not self]
        if mine and own:
            ys, vs = zip(*mine, strict=True)
            last = not (shared or others)
            found = pulled_back(ys, vs, [inputs[i]._value for i in own], keep or not last, create_graph)
            for i, gradient in zip(own, found, strict=True):
                add(i, None if gradient is None else under(gradient, self))
        if mine and shared:
            # An input without a batch has a gradient for each sample.
            wanted = [inputs[i] for i in shared]
            rows = [
                pulled_back(
                    [select(y, 0, b) for y, _ in mine], [select(v, 0, b) for _, v in mine], wanted, True, create_graph
                )
                for b in range(self.size)
            ]
            for i, column in zip(shared, zip(*rows, strict=True), strict=True):
                add(i, None if column[0] is None else under(stack(column), self))
        if others and shared:
            ys, vs = zip(*others, strict=True)
            for i, gradient in zip(
                shared, pulled_back(ys, vs, [inputs[i] for i in shared], keep, create_graph), strict=True
            ):
                add(i, gradient)
        return sums


def stripped(tensor: Any, level: BatchLevel) -> Any:
    """A tensor's samples along a first dimension, under the levels that lie above."""
    own = tensor._level
    if own is level:
        return tensor._value
    if own is None or own.depth < level.depth:
        return level.whole(tensor)
    if own.batches:
        return batched(own, stripped(tensor._value, level).movedim(1, 0))
    return tensor.rebuilt(lambda part: stripped(part, level))


def under(tensor: Any, level: BatchLevel) -> Any:
    """The samples along a tensor's first dimension, under the levels that lie above: `stripped` backwards."""
    own = tensor._level
    if own is None or own.depth < level.depth:
        return batched(level, tensor)
    if own.batches:
        return batched(own, under(tensor._value.movedim(1, 0), level))
    return tensor.rebuilt(lambda part: under(part, level))


def spread(tensor: Any, levels: Any) -> Any:
    """A tensor with a batch at each of these levels, expanded where it had none."""
    levels = [level for level in levels if level.batches]
    own = tensor._level
    if not levels:
        return tensor
    top = levels[-1]
    if own is None or own.depth < top.depth:
        value = spread(tensor, levels[:-1])
        return batched(top, value.unsqueeze(0).expand(top.size, *value.shape))
    below = levels[:-1] if own is top else levels
    return tensor.tracked(lambda part: spread(part, below))
