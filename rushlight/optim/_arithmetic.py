"""The arithmetic of optimizer steps on tensors, and which steps are left to the kernels.

A step is written once, in the verbs of `kernels.reference.steps`. `TensorVerbs` carry it out with the in-place
operations of tensors, which record themselves where the step is `differentiable`, and which round where PyTorch's do in
half precision. float32 and float64 parameters that are not recorded go to the kernels, many in one call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.autograd.grad_mode import is_grad_enabled
from rushlight.kernels.reference.steps import Verbs
from rushlight.ops.complex_views import view_as_real
from rushlight.tensor import Tensor

__all__ = ["TensorVerbs", "Update", "move_rows", "number", "to_scalar"]

# A step of one parameter: body(verbs, parameter, gradient, *states, **its numbers).
Body = Callable[..., None]


class TensorVerbs(Verbs):
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


class Update:
    """The steps of an optimizer's parameters, which `add` takes and `finish` carries out.

    `body` is the step in verbs, `kernel` the same for lists of parameters; `options` are numbers that all parameters
    share. Parameters with equal numbers of their own go to the kernel together; what it doesn't take is moved at once.
    """

    def __init__(self, kernel: Callable[..., None], body: Body, differentiable: bool = False, **options: Any) -> None:
        self._kernel, self._body, self._differentiable = kernel, body, differentiable
        self._options = options
        self._groups: dict[Any, tuple[dict[str, Any], list[Any], list[list[Any]]]] = {}

    def add(self, tensors: tuple[Any, ...], **numbers: Any) -> None:
        """A parameter, its gradient and its states, of which some may be None, with its numbers."""
        param = tensors[0]
        dtype = param._array.dtype
        if not self._differentiable and dtype.char in "fd":
            arrays = [None if t is None else t._array for t in tensors]
            if all(a is None or a.dtype == dtype for a in arrays):
                group = self._groups.get(key := tuple(numbers.values()))
                if group is None:
                    group = self._groups[key] = numbers, [], [[] for _ in tensors]
                group[1].append(param)
                for column, array in zip(group[2], arrays, strict=True):
                    column.append(array)
                return
        if param.dtype.is_complex:
            tensors = tuple([None if t is None else view_as_real(t) for t in tensors])
        self._body(TensorVerbs(), *tensors, **numbers, **self._options)

    def finish(self) -> None:
        """Call the kernel for what was added."""
        options = {name: number(value) for name, value in self._options.items()} if self._groups else {}
        for numbers, params, columns in self._groups.values():
            self._kernel(*columns, **numbers, **options)
            for param in params:
                param.bump_version()


def move_rows(kernel: Callable[..., None], param: Any, grad: Any, states: list[Any], **numbers: Any) -> None:
    """A kernel's step of the entries of a sparse gradient alone; `states` may hold None."""
    grad = grad.coalesce()
    if not grad._nnz():
        return
    kept = grad.sparse_dim()
    tensors: list[Any] = [param, *states]
    arrays: list[Any] = [None if t is None else t._array for t in tensors]
    # Tables of rows that the indices name: views, where a parameter is contiguous.
    shape = math.prod(param.shape[:kept]), *param.shape[kept:]
    tables = [None if a is None else a.reshape(shape) for a in arrays]
    values = np.ascontiguousarray(grad._entries._array)
    kernel([tables[0]], [values], *([table] for table in tables[1:]), rows=[grad._flat()], **numbers)
    for tensor, array, table in zip(tensors, arrays, tables, strict=True):
        if tensor is not None and table is not None:
            if not array.flags.c_contiguous:
                array[...] = table.reshape(array.shape)
            tensor.bump_version()
