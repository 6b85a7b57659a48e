"""The modified Bessel functions of the first kind, orders 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.ops._numeric import Array, as_result, check_tensor, floating, widened
from rushlight.ops._out import into

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["i0"]

_LARGE = 30.0


def bessel(array: Array, order: int) -> Array:
    """I₀ or I₁, in float64: its power series below 30, beyond that the asymptotic one (Abramowitz and Stegun, 9.6.10
    and 9.7.1)."""
    x = np.abs(array.astype(np.float64))
    small = np.minimum(x, _LARGE)
    quarter = small * small / 4
    term = (small / 2) ** order
    total = term.copy()
    for k in range(1, 70):
        term = term * quarter / (k * (k + order))
        total += term
    large = np.maximum(x, _LARGE)
    term = np.ones_like(large)
    tail = term.copy()
    for k in range(1, 18):
        term = term * ((2 * k - 1) ** 2 - 4 * order) / (8 * k * large)
        tail += term
    half = np.exp(large / 2)
    # An infinity times what is left of the square root would be NaN.
    beyond = np.where(np.isinf(large), np.inf, half * (half / np.sqrt(2 * np.pi * large) * tail))
    result = np.where(x < _LARGE, total, np.where(np.isnan(x), x, beyond))
    return np.copysign(result, array) if order else result


class I0(Operation):
    """The modified Bessel function of order 0."""

    node_name = "I0Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        array = floating(input)
        return as_result(bessel(widened(array), 0).astype(widened(array).dtype), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * I1.apply(input)


class I1(Operation):
    """The modified Bessel function of order 1."""

    node_name = "SpecialI1Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        array = floating(input)
        return as_result(bessel(widened(array), 1).astype(widened(array).dtype), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        zero = input == 0
        ratio = (I1.apply(input) / input.masked_fill(zero, 1)).masked_fill(zero, 0.5)
        return grad * (I0.apply(input) - ratio)


def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """I₀(x), the modified Bessel function of the first kind and order 0, of each element.

    >>> import rushlight as torch
    >>> torch.i0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.i0.html
    """
    check_tensor("i0", "input", 1, input)
    return into(out, I0.apply(input))


def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """I₁(x), the modified Bessel function of the first kind and order 1, of each element.

    >>> import rushlight as torch
    >>> torch.special.i1(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.i1
    """
    check_tensor("i1", "input", 1, input)
    return into(out, I1.apply(input))


class BesselMethods:
    """The function as a method of Tensor."""

    i0 = i0
