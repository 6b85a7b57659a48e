"""Bits and truth values: bitwise and logical operations, shifts, common divisors and multiples. None has a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._numeric import Array, check_tensor, inplace, not_implemented
from rushlight.ops._out import into
from rushlight.ops.promotion import NUMBERS, binary, result_type

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool

__all__ = [
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "gcd",
    "gcd_", "lcm", "lcm_", "logical_and", "logical_not", "logical_or", "logical_xor",
]  # fmt: skip


def _bits(kernel: str, ufunc: Any, kinds: str, input: Any, other: Any) -> Array:
    """A ufunc on operands whose promoted type is among the kinds; NotImplementedError otherwise."""
    dtype = result_type(input, other).numpy_dtype
    if dtype.kind not in kinds:
        raise not_implemented(kernel, dtype)
    return binary(ufunc, input, other)


def _shift(name: str, ufunc: Any, input: Any, other: Any) -> Array:
    """A shift; by the width of the type or more it leaves 0, or -1 for a negative number shifted right."""
    dtype = result_type(input, other).numpy_dtype
    if dtype.kind not in "iu":
        raise not_implemented(name, dtype)

    def shift(a: Any, b: Any) -> Array:
        width = dtype.itemsize * 8
        inside = (b >= 0) & (b < width)
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
        return np.equal(input._array, 0)


def _truths(ufunc: Any, input: Tensor, other: Tensor) -> Array:
    check_tensor(ufunc.__name__, "other", 2, other)
    return binary(ufunc, wrap(input._array != 0), wrap(other._array != 0))


def bitwise_and(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input & other`, elementwise with broadcasting, of integers or booleans; one may be a number.

    Raises NotImplementedError for floats.

    >>> import rushlight as torch
    >>> torch.bitwise_and(torch.tensor([5, 6]), 4)
    tensor([4, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_and.html
    """
    return into(out, BitwiseAnd.apply(input, other))


def bitwise_or(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input | other`, elementwise with broadcasting, of integers or booleans; one may be a number.

    Raises NotImplementedError for floats.

    >>> import rushlight as torch
    >>> torch.bitwise_or(torch.tensor([5, 6]), 1)
    tensor([5, 7])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_or.html
    """
    return into(out, BitwiseOr.apply(input, other))


def bitwise_xor(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input ^ other`, elementwise with broadcasting, of integers or booleans; one may be a number.

    Raises NotImplementedError for floats.

    >>> import rushlight as torch
    >>> torch.bitwise_xor(torch.tensor([5, 6]), 1)
    tensor([4, 7])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_xor.html
    """
    return into(out, BitwiseXor.apply(input, other))


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
    return into(out, LeftShift.apply(input, other))


def bitwise_right_shift(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input >> other`, elementwise with broadcasting, keeping the sign; NotImplementedError for floats and booleans.

    >>> import rushlight as torch
    >>> torch.bitwise_right_shift(torch.tensor([4, -8]), 2)
    tensor([ 1, -2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bitwise_right_shift.html
    """
    return into(out, RightShift.apply(input, other))


def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor, elementwise with broadcasting, not negative; NotImplementedError unless integers.

    >>> import rushlight as torch
    >>> torch.gcd(torch.tensor([12, 10]), torch.tensor([8, 15]))
    tensor([4, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.gcd.html
    """
    check_tensor("gcd", "other", 2, other)
    return into(out, Gcd.apply(input, other))


def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple, elementwise with broadcasting, not negative; NotImplementedError unless integers.

    >>> import rushlight as torch
    >>> torch.lcm(torch.tensor([4, 10]), torch.tensor([6, 15]))
    tensor([12, 30])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lcm.html
    """
    check_tensor("lcm", "other", 2, other)
    return into(out, Lcm.apply(input, other))


def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether both elements are non-zero, with broadcasting, bool; TypeError for a number.

    >>> import rushlight as torch
    >>> torch.logical_and(torch.tensor([True, True]), torch.tensor([0, 2]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logical_and.html
    """
    return into(out, LogicalAnd.apply(input, other))


def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether one of two elements is non-zero, or both, with broadcasting, bool; TypeError for a number.

    >>> import rushlight as torch
    >>> torch.logical_or(torch.tensor([False, True]), torch.tensor([0, 2]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logical_or.html
    """
    return into(out, LogicalOr.apply(input, other))


def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether exactly one of two elements is non-zero, with broadcasting, bool; TypeError for a number.

    >>> import rushlight as torch
    >>> torch.logical_xor(torch.tensor([False, True]), torch.tensor([1, 2]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logical_xor.html
    """
    return into(out, LogicalXor.apply(input, other))


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
        if not isinstance(other, (Variable, *NUMBERS)):
            return NotImplemented
        return operation.apply(other, self) if swapped else operation.apply(self, other)

    return operate


def _invert(self: Any) -> Any:
    """The `~` operator."""
    if self._array.dtype.kind not in "biu":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return BitwiseNot.apply(self)


gcd_, lcm_ = inplace(Gcd), inplace(Lcm)


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
