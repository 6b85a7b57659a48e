"""The arithmetic of optimizer steps, each written once, in a few verbs.

The verbs here compute on float32 and float64 arrays: what the compiled steps are held against. `rushlight.optim` has
the same verbs on tensors, which record themselves where a step is `differentiable`, and which round where PyTorch's do
in half precision. `scale`, `add`, `addcmul`, `addcdiv`, `lerp`, `raise_to`, `bound` and `copy` write into their first
argument; the other verbs give a new value and leave their arguments as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ArrayVerbs", "Verbs", "adadelta", "adagrad", "adam", "adamax", "asgd", "nadam", "radam", "rmsprop", "rprop",
]  # fmt: skip

Array = NDArray[Any]


class Verbs:
    """What the verbs on arrays and those on tensors have in common."""

    def descent(self: Any, grad: Any, param: Any, weight_decay: Any, maximize: bool) -> Any:
        """The gradient to go against, with the weight decay that is added to it."""
        if maximize:
            grad = self.negative(grad)
        if weight_decay != 0:
            grad = self.plus(grad, param, weight_decay)
        return grad

    def shrink(self: Any, param: Any, keep: Any) -> None:
        """Weight decay that is taken off the parameter: a factor, the number 1 where there is none."""
        if keep.__class__ is not float or keep != 1.0:
            self.scale(param, keep)


class ArrayVerbs(Verbs):
    """The verbs on arrays of one type."""

    def scale(self, x: Array, factor: float) -> None:
        np.multiply(x, factor, x)

    def add(self, x: Array, y: Array, alpha: float = 1) -> None:
        np.add(x, alpha * y, x)

    def addcmul(self, x: Array, a: Array, b: Array, value: float = 1) -> None:
        np.add(x, value * a * b, x)

    def addcdiv(self, x: Array, a: Array, b: Array, value: float = 1) -> None:
        np.add(x, value * a / b, x)

    def lerp(self, x: Array, y: Array, weight: float) -> None:
        # From the nearer end, as PyTorch's does it.
        np.copyto(x, x + weight * (y - x) if abs(weight) < 0.5 else y - (1 - weight) * (y - x))

    def raise_to(self, x: Array, y: Array) -> None:
        np.maximum(x, y, out=x)

    def bound(self, x: Array, low: float, high: float) -> None:
        np.minimum(np.maximum(x, low, out=x), high, out=x)

    def copy(self, x: Array, y: Array) -> None:
        np.copyto(x, y)

    def negative(self, x: Array) -> Array:
        return -x

    def plus(self, x: Array, y: Any, alpha: float = 1) -> Array:
        return x + y * alpha

    def times(self, x: Array, y: Any) -> Array:
        return x * y

    def over(self, x: Any, y: Any) -> Array:
        return np.asarray(x / y)

    def sqrt(self, x: Array) -> Array:
        return np.sqrt(x)

    def abs(self, x: Array) -> Array:
        return np.abs(x)

    def sign(self, x: Array) -> Array:
        # That of a NaN is 0.
        return (x > 0).astype(x.dtype) - (x < 0)

    def filled(self, x: Array, condition: Array, value: float) -> Array:
        return np.where(condition, x.dtype.type(value), x)


def adam(
    v: Any, param: Any, grad: Any, mean: Any, square: Any, top: Any, rate: Any, root_correction: float, beta1: float,
    beta2: float, eps: float, keep: Any = 1.0, weight_decay: Any = 0.0, maximize: bool = False,
) -> None:  # fmt: skip
    v.shrink(param, keep)
    grad = v.descent(grad, param, weight_decay, maximize)
    v.lerp(mean, grad, 1 - beta1)
    v.scale(square, beta2)
    v.addcmul(square, grad, grad, 1 - beta2)
    if top is not None:
        v.raise_to(top, square)
        square = top
    v.addcdiv(param, mean, v.plus(v.over(v.sqrt(square), root_correction), eps), -rate)


def adagrad(
    v: Any, param: Any, grad: Any, total: Any, rate: Any, eps: float, weight_decay: Any = 0.0, maximize: bool = False
) -> None:
    grad = v.descent(grad, param, weight_decay, maximize)
    v.addcmul(total, grad, grad)
    v.addcdiv(param, grad, v.plus(v.sqrt(total), eps), -rate)


def rmsprop(
    v: Any, param: Any, grad: Any, square: Any, mean: Any, buffer: Any, lr: Any, alpha: float, eps: float,
    momentum: float = 0.0, weight_decay: Any = 0.0, maximize: bool = False,
) -> None:  # fmt: skip
    grad = v.descent(grad, param, weight_decay, maximize)
    v.scale(square, alpha)
    v.addcmul(square, grad, grad, 1 - alpha)
    variance = square
    if mean is not None:
        v.lerp(mean, grad, 1 - alpha)
        variance = v.plus(square, v.times(mean, mean), -1)
    root = v.plus(v.sqrt(variance), eps)
    if buffer is not None:
        v.scale(buffer, momentum)
        v.addcdiv(buffer, grad, root)
        v.add(param, buffer, -lr)
    else:
        v.addcdiv(param, grad, root, -lr)


def adadelta(
    v: Any, param: Any, grad: Any, square: Any, change: Any, lr: Any, rho: float, eps: float,
    weight_decay: Any = 0.0, maximize: bool = False,
) -> None:  # fmt: skip
    grad = v.descent(grad, param, weight_decay, maximize)
    v.scale(square, rho)
    v.addcmul(square, grad, grad, 1 - rho)
    delta = v.over(v.sqrt(v.plus(change, eps)), v.sqrt(v.plus(square, eps)))
    delta = v.times(delta, grad)
    v.scale(change, rho)
    v.addcmul(change, delta, delta, 1 - rho)
    v.add(param, delta, -lr)


def nadam(
    v: Any, param: Any, grad: Any, mean: Any, square: Any, now: Any, ahead: Any, correction: float, beta1: float,
    beta2: float, eps: float, keep: Any = 1.0, weight_decay: Any = 0.0, maximize: bool = False,
) -> None:  # fmt: skip
    v.shrink(param, keep)
    grad = v.descent(grad, param, weight_decay, maximize)
    v.lerp(mean, grad, 1 - beta1)
    v.scale(square, beta2)
    v.addcmul(square, grad, grad, 1 - beta2)
    root = v.plus(v.sqrt(v.over(square, correction)), eps)
    v.addcdiv(param, grad, root, -now)
    v.addcdiv(param, mean, root, -ahead)


def radam(
    v: Any, param: Any, grad: Any, mean: Any, square: Any, lr: Any, mean_correction: float, square_correction: float,
    rectified: float, beta1: float, beta2: float, eps: float, keep: Any = 1.0, weight_decay: Any = 0.0,
    maximize: bool = False,
) -> None:  # fmt: skip
    v.shrink(param, keep)
    grad = v.descent(grad, param, weight_decay, maximize)
    v.lerp(mean, grad, 1 - beta1)
    v.scale(square, beta2)
    v.addcmul(square, grad, grad, 1 - beta2)
    change = v.times(v.over(mean, mean_correction), lr)
    if rectified:
        adaptive = v.over(square_correction**0.5, v.plus(v.sqrt(square), eps))
        change = v.times(v.times(change, adaptive), rectified)
    v.add(param, change, -1)


def adamax(
    v: Any, param: Any, grad: Any, mean: Any, top: Any, rate: Any, beta1: float, beta2: float, eps: float,
    weight_decay: Any = 0.0, maximize: bool = False,
) -> None:  # fmt: skip
    grad = v.descent(grad, param, weight_decay, maximize)
    v.lerp(mean, grad, 1 - beta1)
    v.scale(top, beta2)
    v.raise_to(top, v.plus(v.abs(grad), eps))
    v.addcdiv(param, mean, top, -rate)


def asgd(
    v: Any, param: Any, grad: Any, average: Any, rate: float, keep: float, share: float, weight_decay: Any = 0.0,
    maximize: bool = False,
) -> None:  # fmt: skip
    grad = v.descent(grad, param, weight_decay, maximize)
    v.scale(param, keep)
    v.add(param, grad, -rate)
    if share == 1:
        v.copy(average, param)
    else:
        v.add(average, v.times(v.plus(param, average, -1), share))


def rprop(
    v: Any, param: Any, grad: Any, before: Any, size: Any, down: float, up: float, smallest: float, largest: float,
    maximize: bool = False,
) -> None:  # fmt: skip
    grad = v.descent(grad, param, 0, maximize)
    sign = v.sign(v.times(grad, before))
    turned = sign < 0
    factor = v.filled(v.filled(v.filled(sign, sign > 0, up), turned, down), sign == 0, 1)
    v.scale(size, factor)
    v.bound(size, smallest, largest)
    grad = v.filled(grad, turned, 0)
    v.addcmul(param, v.sign(grad), size, -1)
    v.copy(before, grad)
