"""Functions of each element, and the gradients of activations as single passes.

Where the definition is a ufunc, the ufunc itself is the reference.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .special import erf

__all__ = [
    "clamp", "elu", "gelu", "gelu_backward", "hardswish", "leaky_relu",
    "leaky_relu_backward", "mish", "select", "sigmoid", "sigmoid_backward", "silu", "silu_backward", "softplus",
    "tanh_backward",
]  # fmt: skip

Array = NDArray[Any]


def clamp(x: Array, low: float, high: float) -> Array:
    """`min(max(x, low), high)`; a NaN stays one."""
    return np.asarray(np.minimum(np.maximum(x, x.dtype.type(low)), x.dtype.type(high)))


def softplus(x: Array, beta: float, threshold: float) -> Array:
    """`log(1 + exp(beta x)) / beta`, and x where `beta x > threshold`."""
    scaled = x * beta
    with np.errstate(over="ignore"):
        return np.where(scaled > threshold, x, np.log1p(np.exp(scaled)) / beta)


def mish(x: Array) -> Array:
    """`x tanh(log(1 + exp(x)))`."""
    bent = np.maximum(x, x.dtype.type(0)) + np.log1p(np.exp(np.negative(np.abs(x))))
    return np.asarray(x * np.tanh(bent))


def hardswish(x: Array) -> Array:
    """`x min(max(x + 3, 0), 6) / 6`."""
    return np.asarray(x * np.minimum(np.maximum(x + 3, 0), 6) / 6)


def elu(x: Array, low: float, scale: float, input_scale: float) -> Array:
    """`scale x` where positive, `low (exp(input_scale x) - 1)` elsewhere."""
    with np.errstate(over="ignore"):
        return np.where(x <= 0, np.expm1(x * input_scale) * low, x * scale)


def select(condition: Array, a: Array, b: Array) -> Array:
    """a where the condition holds, b elsewhere, with broadcasting."""
    return np.where(condition, a, b)


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))`."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def sigmoid_backward(grad: Array, out: Array) -> Array:
    """`grad · (1 - out) · out`, `out` being sigmoid's result."""
    return np.asarray(grad * ((1 - out) * out))


def tanh_backward(grad: Array, out: Array) -> Array:
    """`grad · (1 - out²)`, `out` being tanh's result."""
    return np.asarray(grad * (1 - out * out))


def silu(x: Array) -> Array:
    """`x / (1 + exp(-x))`."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(x / (1 + np.exp(-x)))


def silu_backward(grad: Array, x: Array) -> Array:
    """`grad · s · (x · (1 - s) + 1)` with s the sigmoid of x."""
    gate = sigmoid(x)
    return np.asarray(grad * gate * (x * (1 - gate) + 1))


def gelu(x: Array) -> Array:
    """`x Φ(x)` with the normal distribution function Φ."""
    return np.asarray(x * 0.5 * (1 + erf(x * math.sqrt(0.5))))


def gelu_backward(grad: Array, x: Array) -> Array:
    """`grad · (Φ(x) + x φ(x))` with the normal distribution's function and density."""
    area = (1 + erf(x * math.sqrt(0.5))) * 0.5
    density = np.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
    return np.asarray(grad * (area + x * density))


def leaky_relu(x: Array, slope: float) -> Array:
    """x where positive, `slope · x` elsewhere."""
    return np.where(x > 0, x, x * x.dtype.type(slope))


def leaky_relu_backward(grad: Array, x: Array, slope: float) -> Array:
    """`grad` where x is positive, `slope · grad` elsewhere."""
    return np.where(x > 0, grad, grad * grad.dtype.type(slope))
