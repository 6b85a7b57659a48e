"""Bits and truth values: bitwise and logical operations, shifts, common divisors and multiples. None has a gradient.

They take integers and bools; the logical ones take every type and ask whether an element is zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable
from rushlight.ops._numeric import (
    Array,
    check_tensor,
    inplace,
    inplace_of_two,
    not_implemented,
    refuse_float8,
    refuse_wide_unsigned,
)
from rushlight.ops._out import into, plain
from rushlight.ops._quick import free, quick_of_one, quick_of_two
from rushlight.ops.promotion import NUMBERS, binary, check_broadcast, result_type

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool

__all__ = [
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "gcd",
    "gcd_", "lcm", "lcm_", "logical_and", "logical_not", "logical_or", "logical_xor",
]  # fmt: skip


def _bits(kernel: str, ufunc: Any, kinds: str, input: Any, other: Any) -> Array:
    """A ufunc on operands whose promoted type is among the kinds; NotImplementedError otherwise."""
    if not (isinstance(input, Variable) or isinstance(other, Variable)):
        raise TypeError(
            f"{kernel.removesuffix('_cpu')}() received an invalid combination of arguments - got "
            f"({type(input).__name__}, {type(other).__name__}), but expected a Tensor among them"
        )
    dtype = result_type(input, other).numpy_dtype
    if dtype.kind not in kinds:
        raise not_implemented(kernel, dtype)
    return binary(ufunc, input, other)


def _shift(name: str, ufunc: Any, input: Any, other: Any) -> Array:
    """A shift; by the width of the type or more it leaves 0, or -1 for a negative number shifted right."""
    if not (isinstance(input, Variable) or isinstance(other, Variable)):
        raise TypeError(
            f"bitwise_{'left' if name[0] == 'l' else 'right'}_shift() received an invalid combination of arguments - "
            f"got ({type(input).__name__}, {type(other).__name__}), but expected a Tensor among them"
        )
    dtype = result_type(input, other).numpy_dtype
    if dtype.kind not in "iu" or (dtype.kind == "u" and dtype.itemsize > 1):
        raise not_implemented(name, dtype)

    def shift(a: Any, b: Any) -> Array:
        width = dtype.itemsize * 8
        inside = (b >= 0) & (b < width)
        if np.all(inside):
            return np.asarray(ufunc(a, b), dtype)
        shifted = ufunc(a, np.where(inside, b, 0))
        rest = np.zeros((), dtype) if name == "lshift_cpu" else np.where(np.asarray(a) < 0, -1, 0)
        return np.where(inside, shifted, rest).astype(dtype)

    return binary(shift, input, other)


class _Bitwise(Operation):
    """An operation on bits; the in-place forms come through here."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return (None,) * len(ctx._edges)


class BitwiseAnd(_Bitwise):
    """`input & other`."""

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        return _bits("bitwise_and_cpu", np.bitwise_and, "biu", input, other)


class BitwiseOr(_Bitwise):
    """`input | other`."""

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        return _bits("bitwise_or_cpu", np.bitwise_or, "biu", input, other)


class BitwiseXor(_Bitwise):
    """`input ^ other`."""

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        return _bits("bitwise_xor_cpu", np.bitwise_xor, "biu", input, other)


class BitwiseNot(_Bitwise):
    """`~input`."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        if input._array.dtype.kind not in "biu":
            raise not_implemented("bitwise_not_cpu", input._array.dtype)
        refuse_wide_unsigned(input._array.dtype, "bitwise_not_cpu")
        return np.invert(input._array)


class LeftShift(_Bitwise):
    """`input << other`."""

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        return _shift("lshift_cpu", np.left_shift, input, other)


class RightShift(_Bitwise):
    """`input >> other`."""

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        return _shift("rshift_cpu", np.right_shift, input, other)


class Gcd(_Bitwise):
    """The greatest common divisor."""

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        return _bits("gcd_cpu", np.gcd, "iu", input, other)


class Lcm(_Bitwise):
    """The least common multiple."""

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        return _bits("lcm_cpu", np.lcm, "iu", input, other)


class LogicalAnd(_Bitwise):
    """Whether both are true."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        return _truths(np.logical_and, input, other)


class LogicalOr(_Bitwise):
    """Whether one is true, or both."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        return _truths(np.logical_or, input, other)


class LogicalXor(_Bitwise):
    """Whether exactly one is true."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        return _truths(np.logical_xor, input, other)


class LogicalNot(_Bitwise):
    """Whether it is false."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        dtype = input._array.dtype
        refuse_float8(dtype, "logical_not_cpu")
        refuse_wide_unsigned(dtype, "logical_not_cpu")
        return np.equal(input._array, 0)


def _truths(ufunc: Any, input: Tensor, other: Tensor) -> Array:
    check_tensor(ufunc.__name__, "other", 2, other)
    a, b = input._array, other._array
    if a.dtype is not b.dtype or a.dtype.kind in "uV" or a.dtype.itemsize == 1:
        dtype = result_type(input, other).numpy_dtype
        refuse_float8(dtype, f"{ufunc.__name__}_cpu")
        refuse_wide_unsigned(dtype, f"{ufunc.__name__}_cpu")
    if a.dtype.kind == "V" or b.dtype.kind == "V":
        a, b = a != 0, b != 0
    try:
        out: Array = ufunc(a, b)
    except ValueError:
        check_broadcast(a, b)
        raise
    return out


@quick_of_two(np.bitwise_and, "lihbB?")
def bitwise_and(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input & other`, elementwise with broadcasting, of integers or booleans; one may be a number.

    Raises NotImplementedError for floats.

    >>> import rushlight as torch
    >>> torch.bitwise_and(torch.tensor([5, 6]), 4)
    tensor([4, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_and.html
    """
    return into(out, BitwiseAnd.apply(input, other))


@quick_of_two(np.bitwise_or, "lihbB?")
def bitwise_or(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input | other`, elementwise with broadcasting, of integers or booleans; one may be a number.

    Raises NotImplementedError for floats.

    >>> import rushlight as torch
    >>> torch.bitwise_or(torch.tensor([5, 6]), 1)
    tensor([5, 7])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_or.html
    """
    return into(out, BitwiseOr.apply(input, other))


@quick_of_two(np.bitwise_xor, "lihbB?")
def bitwise_xor(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input ^ other`, elementwise with broadcasting, of integers or booleans; one may be a number.

    Raises NotImplementedError for floats.

    >>> import rushlight as torch
    >>> torch.bitwise_xor(torch.tensor([5, 6]), 1)
    tensor([4, 7])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_xor.html
    """
    return into(out, BitwiseXor.apply(input, other))


@quick_of_one(np.invert, "lihbB?")
def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`~input`: every bit turned, or `not` for booleans; NotImplementedError for floats.

    >>> import rushlight as torch
    >>> torch.bitwise_not(torch.tensor([0, 5]))
    tensor([-1, -6])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_not.html
    """
    return into(out, BitwiseNot.apply(input))


def bitwise_left_shift(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input << other`, elementwise with broadcasting; NotImplementedError for floats and booleans.

    >>> import rushlight as torch
    >>> torch.bitwise_left_shift(torch.tensor([1, 3]), 2)
    tensor([ 4, 12])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_left_shift.html
    """
    array = free(input, "bhil") if out is None and other.__class__ is int else None
    if array is not None and 0 <= other < array.itemsize * 8:
        return plain(np.left_shift(array, other))
    return into(out, LeftShift.apply(input, other))


def bitwise_right_shift(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input >> other`, elementwise with broadcasting, keeping the sign; NotImplementedError for floats and booleans.

    >>> import rushlight as torch
    >>> torch.bitwise_right_shift(torch.tensor([4, -8]), 2)
    tensor([ 1, -2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_right_shift.html
    """
    return into(out, RightShift.apply(input, other))


@quick_of_two(np.gcd, "lihbB")
def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor, elementwise with broadcasting, not negative; NotImplementedError unless integers.

    >>> import rushlight as torch
    >>> torch.gcd(torch.tensor([12, 10]), torch.tensor([8, 15]))
    tensor([4, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.gcd.html
    """
    check_tensor("gcd", "input", 1, input)
    check_tensor("gcd", "other", 2, other)
    return into(out, Gcd.apply(input, other))


@quick_of_two(np.lcm, "lihbB")
def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple, elementwise with broadcasting, not negative; NotImplementedError unless integers.

    >>> import rushlight as torch
    >>> torch.lcm(torch.tensor([4, 10]), torch.tensor([6, 15]))
    tensor([12, 30])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lcm.html
    """
    check_tensor("lcm", "input", 1, input)
    check_tensor("lcm", "other", 2, other)
    return into(out, Lcm.apply(input, other))


@quick_of_two(np.logical_and, "fdlih?")
def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether both elements are non-zero, with broadcasting, bool; TypeError for a number.

    >>> import rushlight as torch
    >>> torch.logical_and(torch.tensor([True, True]), torch.tensor([0, 2]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logical_and.html
    """
    return into(out, LogicalAnd.apply(input, other))


@quick_of_two(np.logical_or, "fdlih?")
def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether one of two elements is non-zero, or both, with broadcasting, bool; TypeError for a number.

    >>> import rushlight as torch
    >>> torch.logical_or(torch.tensor([False, True]), torch.tensor([0, 2]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logical_or.html
    """
    return into(out, LogicalOr.apply(input, other))


@quick_of_two(np.logical_xor, "fdlih?")
def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether exactly one of two elements is non-zero, with broadcasting, bool; TypeError for a number.

    >>> import rushlight as torch
    >>> torch.logical_xor(torch.tensor([False, True]), torch.tensor([1, 2]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logical_xor.html
    """
    return into(out, LogicalXor.apply(input, other))


@quick_of_one(np.logical_not, "fdlihb?")
def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is zero, bool.

    >>> import rushlight as torch
    >>> torch.logical_not(torch.tensor([0.0, 2.0]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logical_not.html
    """
    return into(out, LogicalNot.apply(input))


def _operator(operation: Any, swapped: bool = False) -> Any:
    """An operator: NotImplemented beside what is neither a tensor nor a number."""

    def operate(self: Any, other: Any) -> Any:
        if not isinstance(self, Variable):
            raise TypeError(
                f"descriptor of 'torch._C.TensorBase' objects doesn't apply to a '{type(self).__name__}' object"
            )
        if not isinstance(other, (Variable, *NUMBERS)):
            return NotImplemented
        return operation.apply(other, self) if swapped else operation.apply(self, other)

    return operate


def _invert(self: Any) -> Any:
    """The `~` operator."""
    if self._array.dtype.kind not in "biu":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return BitwiseNot.apply(self)


gcd_, lcm_ = inplace_of_two(Gcd, "gcd_"), inplace_of_two(Lcm, "lcm_")


class BitwiseMethods:
    """The operations on bits and truth values as methods and operators of Tensor."""

    bitwise_and, bitwise_or, bitwise_xor, bitwise_not = bitwise_and, bitwise_or, bitwise_xor, bitwise_not
    bitwise_left_shift, bitwise_right_shift = bitwise_left_shift, bitwise_right_shift
    gcd, gcd_, lcm, lcm_ = gcd, gcd_, lcm, lcm_
    logical_and, logical_or, logical_xor, logical_not = logical_and, logical_or, logical_xor, logical_not

    bitwise_and_ = __iand__ = inplace(BitwiseAnd)
    bitwise_or_ = __ior__ = inplace(BitwiseOr)
    bitwise_xor_ = __ixor__ = inplace(BitwiseXor)
    bitwise_not_ = inplace(BitwiseNot)
    bitwise_left_shift_ = __ilshift__ = inplace(LeftShift)
    bitwise_right_shift_ = __irshift__ = inplace(RightShift)
    logical_and_ = inplace(LogicalAnd)
    logical_or_ = inplace(LogicalOr)
    logical_xor_ = inplace(LogicalXor)
    logical_not_ = inplace(LogicalNot)

    __and__, __rand__ = _operator(BitwiseAnd), _operator(BitwiseAnd, swapped=True)
    __or__, __ror__ = _operator(BitwiseOr), _operator(BitwiseOr, swapped=True)
    __xor__, __rxor__ = _operator(BitwiseXor), _operator(BitwiseXor, swapped=True)
    __lshift__, __rlshift__ = _operator(LeftShift), _operator(LeftShift, swapped=True)
    __rshift__, __rrshift__ = _operator(RightShift), _operator(RightShift, swapped=True)
    __invert__ = _invert
