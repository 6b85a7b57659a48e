"""Remainders of division, with Python's operator for the one that it has.

They differ in the sign of the result: that of the divisor, or that of the dividend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable
from rushlight.kernels import special as division
from rushlight.ops._numeric import Array, check_tensor, inplace, not_implemented
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_two
from rushlight.ops.arithmetic import check_operand, div
from rushlight.ops.promotion import NUMBERS, binary, like, result_type, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool

__all__ = ["fmod", "remainder"]


def _rest(ufunc: Any, kernel: str, input: Any, other: Any) -> Array:
    """The remainder after promotion; RuntimeError for an integer divided by 0."""
    kind = result_type(input, other).numpy_dtype.kind
    if kind in "bc":
        raise not_implemented(kernel, result_type(input, other).numpy_dtype)
    sizes = [v._array.size if isinstance(v, Variable) else 1 for v in (input, other)]
    if kind in "iu" and all(sizes) and not np.all(other._array if isinstance(other, Variable) else other):
        raise RuntimeError("ZeroDivisionError")
    return binary(ufunc, input, other)


class Remainder(Operation):
    """`input - other · floor(input / other)`."""

    node_name = "RemainderBackward1"
    rounding_mode = "floor"

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        ctx.like = like(input)
        ctx.save_for_backward(input if ctx.needs_input_grad[1] else None, other)
        return _rest(division.remainder, "remainder_cpu", input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        needs = ctx.needs_input_grad
        to_other = None
        if needs[1]:
            to_other = unbroadcast(-grad * div(input, other, rounding_mode=ctx._function.rounding_mode), other)
        return unbroadcast(grad, ctx.like) if needs[0] else None, to_other


class RemainderScalar(Remainder):
    """The remainder by a number."""

    node_name = "RemainderBackward0"


class Fmod(Remainder):
    """`input - other · trunc(input / other)`."""

    node_name = "FmodBackward1"
    rounding_mode = "trunc"

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        ctx.like = like(input)
        ctx.save_for_backward(input if ctx.needs_input_grad[1] else None, other)
        return _rest(division.fmod, "fmod_cpu", input, other)


class FmodScalar(Fmod):
    """The remainder by a number."""

    node_name = "FmodBackward0"


@quick_of_two(division.remainder, numbers=True)
def remainder(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Python's `input % other`, elementwise with broadcasting: the result has the divisor's sign.

    Raises RuntimeError for an integer divided by 0, NotImplementedError for bool and complex.

    >>> import rushlight as torch
    >>> torch.remainder(torch.tensor([-3, 3]), 2)
    tensor([1, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.remainder.html
    """
    check_operand("remainder", other)
    if not isinstance(input, Variable):
        check_tensor("remainder", "other", 2, other)
    return into(out, (Remainder if isinstance(other, Variable) else RemainderScalar).apply(input, other))


@quick_of_two(division.fmod, numbers=True)
def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The remainder of a division rounded towards 0, elementwise with broadcasting: the result has the dividend's sign.

    Raises RuntimeError for an integer divided by 0, NotImplementedError for bool and complex.

    >>> import rushlight as torch
    >>> torch.fmod(torch.tensor([-3, 3]), 2)
    tensor([-1,  1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fmod.html
    """
    check_tensor("fmod", "input", 1, input)
    check_operand("fmod", other)
    return into(out, (Fmod if isinstance(other, Variable) else FmodScalar).apply(input, other))


def _mod(self: Any, other: Any) -> Any:
    if isinstance(other, Variable):
        return Remainder.apply(self, other)
    return RemainderScalar.apply(self, other) if isinstance(other, NUMBERS) else NotImplemented


def _rmod(self: Any, other: Any) -> Any:
    return Remainder.apply(other, self) if isinstance(other, (Variable, *NUMBERS)) else NotImplemented


class RemainderMethods:
    """The remainders as methods and operators of Tensor."""

    fmod = fmod
    fmod_ = inplace(Fmod)
    remainder = remainder
    remainder_ = __imod__ = inplace(Remainder)
    __mod__, __rmod__ = _mod, _rmod
