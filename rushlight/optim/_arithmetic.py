"""The arithmetic of optimizer steps: a few verbs, on arrays and on tensors.

An optimizer's step is written once, in these verbs. `ArrayVerbs` carry it out on float32 and float64 arrays, a block at
a time, so that temporaries stay in the cache. `TensorVerbs` carry it out with the in-place operations of tensors, which
record themselves where the step is `differentiable`, and which round where PyTorch's do in half precision.

`scale`, `add`, `addcmul`, `addcdiv`, `lerp`, `raise_to`, `bound` and `copy` write into their first argument; the other
verbs give a new value and leave their arguments as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rushlight.autograd.grad_mode import is_grad_enabled
from rushlight.ops.complex_views import view_as_real
from rushlight.tensor import Tensor

__all__ = ["Update", "number", "to_scalar"]

Array = NDArray[Any]
# A step of one parameter: body(verbs, parameter, gradient, *states, **its numbers).
Body = Callable[..., None]

# Elements that a step treats at once. A step has up to ten arrays in hand, which fit the second-level cache together.
_BLOCK = 16384


class _Verbs:
    """What both kinds of verbs have in common."""

    def descent(self: Any, grad: Any, param: Any, weight_decay: Any, maximize: bool) -> Any:
        """The gradient to go against, with the weight decay that is added to it."""
        if maximize:
            grad = self.negative(grad)
        if weight_decay != 0:
            grad = self.plus(grad, param, weight_decay)
        return grad


class ArrayVerbs(_Verbs):
    """The verbs on arrays of one type; new values lie in buffers that are used again for the next block."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._buffers: dict[tuple[int, ...], list[Array]] = {}
        self._shape: tuple[int, ...] = ()
        self._free: Iterator[Array] = iter(())

    def begin(self, shape: tuple[int, ...]) -> None:
        """Make ready for arrays of a shape: no buffer holds anything any more."""
        self._shape = shape
        self._free = iter(self._buffers.setdefault(shape, []))

    def _new(self) -> Array:
        buffer = next(self._free, None)
        if buffer is None:
            buffer = np.empty(self._shape, self._dtype)
            # An iterator that ended stays so, also if its list grows.
            self._buffers[self._shape].append(buffer)
        return buffer

    def scale(self, x: Array, factor: float) -> None:
        np.multiply(x, factor, x)

    def add(self, x: Array, y: Array, alpha: float = 1) -> None:
        np.add(x, y if alpha == 1 else self.times(y, alpha), x)

    def addcmul(self, x: Array, a: Array, b: Array, value: float = 1) -> None:
        product = self.times(a, value if value != 1 else b)
        if value != 1:
            np.multiply(product, b, product)
        np.add(x, product, x)

    def addcdiv(self, x: Array, a: Array, b: Array, value: float = 1) -> None:
        quotient = self._new()
        if value == 1:
            np.divide(a, b, quotient)
        else:
            np.divide(np.multiply(a, value, quotient), b, quotient)
        np.add(x, quotient, x)

    def lerp(self, x: Array, y: Array, weight: float) -> None:
        # From the nearer end, as PyTorch's does it.
        difference = np.subtract(y, x, self._new())
        if abs(weight) < 0.5:
            np.add(x, np.multiply(difference, weight, difference), x)
        else:
            np.subtract(y, np.multiply(difference, 1 - weight, difference), x)

    def raise_to(self, x: Array, y: Array) -> None:
        np.maximum(x, y, out=x)

    def bound(self, x: Array, low: float, high: float) -> None:
        np.minimum(np.maximum(x, low, out=x), high, out=x)

    def copy(self, x: Array, y: Array) -> None:
        np.copyto(x, y)

    def negative(self, x: Array) -> Array:
        return np.negative(x, self._new())

    def plus(self, x: Array, y: Any, alpha: float = 1) -> Array:
        if alpha == 1:
            return np.add(x, y, self._new())
        scaled = np.multiply(y, alpha, self._new())
        return np.add(x, scaled, scaled)

    def times(self, x: Array, y: Any) -> Array:
        return np.multiply(x, y, self._new())

    def over(self, x: Any, y: Any) -> Array:
        return np.divide(x, y, self._new())

    def sqrt(self, x: Array) -> Array:
        return np.sqrt(x, self._new())

    def abs(self, x: Array) -> Array:
        return np.abs(x, self._new())

    def sign(self, x: Array) -> Array:
        return np.sign(x, self._new())

    def filled(self, x: Array, condition: Array, value: float) -> Array:
        out = self._new()
        np.copyto(out, x)
        out[condition] = value
        return out


class TensorVerbs(_Verbs):
    """The verbs on tensors. What an in-place operation writes into is nowhere saved for the backward pass."""

    def scale(self, x: Any, factor: Any) -> None:
        x.mul_(factor)

    def add(self, x: Any, y: Any, alpha: Any = 1) -> None:
        if isinstance(alpha, Tensor):
            x.add_(_kept(y) * alpha)
        else:
            x.add_(y, alpha=alpha)

    def addcmul(self, x: Any, a: Any, b: Any, value: Any = 1) -> None:
        x.addcmul_(_kept(a), _kept(b), value=value)

    def addcdiv(self, x: Any, a: Any, b: Any, value: Any = 1) -> None:
        if isinstance(value, Tensor):
            x.addcdiv_(_kept(a) * value, _kept(b))
        else:
            x.addcdiv_(_kept(a), _kept(b), value=value)

    def lerp(self, x: Any, y: Any, weight: Any) -> None:
        x.lerp_(y, weight)

    def raise_to(self, x: Any, y: Any) -> None:
        x.copy_(x.clone().maximum(_kept(y)))

    def bound(self, x: Any, low: float, high: float) -> None:
        x.copy_(x.clone().clamp(low, high))

    def copy(self, x: Any, y: Any) -> None:
        x.copy_(y)

    def negative(self, x: Any) -> Any:
        return -x

    def plus(self, x: Any, y: Any, alpha: Any = 1) -> Any:
        if isinstance(alpha, Tensor):
            return x + _kept(y) * alpha
        return x.add(y, alpha=alpha)

    def times(self, x: Any, y: Any) -> Any:
        return _kept(x) * (_kept(y) if isinstance(y, Tensor) else y)

    def over(self, x: Any, y: Any) -> Any:
        return x / y

    def sqrt(self, x: Any) -> Any:
        return x.sqrt()

    def abs(self, x: Any) -> Any:
        return x.abs()

    def sign(self, x: Any) -> Any:
        return x.sign()

    def filled(self, x: Any, condition: Any, value: float) -> Any:
        return x.masked_fill(condition, value)


def number(value: Any, differentiable: bool = False) -> Any:
    """An option as a number; a tensor stays one where a differentiable step is to have it in its graph."""
    if not isinstance(value, Tensor):
        return value
    return to_scalar(value) if differentiable and value.requires_grad else value.item()


def to_scalar(value: Any) -> Any:
    """A tensor of one element without its dimensions; numbers as they are."""
    return value.squeeze() if isinstance(value, Tensor) and value._array.ndim else value


def _kept(x: Any) -> Any:
    """A tensor that the backward pass finds as it is now."""
    return x.clone() if is_grad_enabled() else x


def _flat(arrays: Sequence[Array | None]) -> list[Array | None] | None:
    """Arrays of one memory layout as vectors over their memory; None where the layouts differ."""
    there = [array for array in arrays if array is not None]
    if all(array.flags.c_contiguous for array in there):
        return [None if array is None else array.reshape(-1) for array in arrays]
    if all(array.flags.f_contiguous for array in there):
        return [None if array is None else array.reshape(-1, order="F") for array in arrays]
    return None


class Update:
    """A step that is elementwise, as a function of a parameter, its gradient, its states, and numbers of its own.

    States may be None where a configuration has none.
    """

    def __init__(self, body: Body, differentiable: bool = False) -> None:
        self._body = body
        self._differentiable = differentiable
        self._verbs: dict[Any, ArrayVerbs] = {}

    def __call__(self, param: Any, *others: Any, **numbers: Any) -> None:
        array = param._array
        shape, dtype = array.shape, array.dtype
        arrays = [array]
        plain = not self._differentiable and dtype.char in "fd"
        for other in others if plain else ():
            arrays.append(None if other is None else other._array)
            plain = plain and (other is None or (arrays[-1].shape == shape and arrays[-1].dtype == dtype))
        if plain:
            self._on_arrays(arrays, numbers)
            param.bump_version()
            return
        tensors = [param, *others]
        if param.dtype.is_complex:
            tensors = [None if t is None else view_as_real(t) for t in tensors]
        self._body(TensorVerbs(), *tensors, **numbers)

    def _on_arrays(self, arrays: list[Any], numbers: dict[str, Any]) -> None:
        first = arrays[0]
        verbs = self._verbs.get(first.dtype)
        if verbs is None:
            verbs = self._verbs[first.dtype] = ArrayVerbs(first.dtype)
        flat = _flat(arrays) if first.size > _BLOCK else None
        if flat is None:
            verbs.begin(first.shape)
            self._body(verbs, *arrays, **numbers)
            return
        for start in range(0, first.size, _BLOCK):
            block = [None if a is None else a[start : start + _BLOCK] for a in flat]
            verbs.begin(block[0].shape)  # type: ignore[union-attr]
            self._body(verbs, *block, **numbers)
