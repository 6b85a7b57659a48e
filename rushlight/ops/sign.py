"""Signs and directions: of real numbers and of complex ones.

A real number's direction is its sign, a complex one's is the number divided by its length.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._numeric import Array, check_tensor, floating, inplace, refuse_float8, refuse_wide_unsigned
from rushlight.ops._out import into, plain
from rushlight.ops._quick import free, quick_of_one, quick_of_two
from rushlight.ops.arithmetic import conj_of
from rushlight.ops.comparison import ask
from rushlight.ops.promotion import binary, result_type, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "angle", "conj", "conj_physical", "conj_physical_", "copysign", "is_conj", "is_neg", "positive", "resolve_conj",
    "resolve_neg", "sgn", "sign", "signbit",
]  # fmt: skip


def _sign_of(array: Array) -> Array:
    refuse_float8(array.dtype, "sign_cpu")
    refuse_wide_unsigned(array.dtype, "sign_cpu")
    if array.dtype.kind == "b":
        return array.copy()
    if array.dtype.kind in "iuc":
        return np.sign(array)
    # A NaN has no sign: it is neither above nor below 0.
    return np.subtract(array > 0, array < 0, dtype=np.int8).astype(array.dtype)


def _sign_of_floats(array: Array) -> Any:
    found = np.sign(array)
    odd = np.isnan(found)
    if np.count_nonzero(odd):
        found = np.where(odd, found.dtype.type(0), found)
    return found


class Sign(Operation):
    """-1, 0 or 1; its gradient is 0."""

    node_name = "SignBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        array = input._array
        if array.dtype.kind == "c":
            raise NotImplementedError(
                "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
            )
        return _sign_of(array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return wrap(np.zeros_like(grad._array))


@quick_of_one(_sign_of_floats)
def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1 for each element, in its type; NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.sign(torch.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sign.html
    """
    return into(out, Sign.apply(input))


class Sgn(Operation):
    """The sign, or for complex numbers the number of length 1 in its direction (0 for 0)."""

    node_name = "SgnBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(_sign_of(input._array))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        if input._array.dtype.kind != "c":
            return wrap(np.zeros_like(grad._array))
        length = input.abs()
        along = (grad * out.conj()).real
        return ((grad - out * along) / length).masked_fill(length == 0, 0)


def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`sign`, and for complex elements `input / |input|` (0 for 0).

    >>> import rushlight as torch
    >>> torch.sgn(torch.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sgn.html
    """
    return into(out, Sgn.apply(input))


@quick_of_one(np.signbit)
def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether the sign bit of each element is set (that of -0.0 is), bool; NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.signbit(torch.tensor([-0.0, 0.0]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signbit.html
    """
    check_tensor("signbit", "input", 1, input)
    array = input._array
    if array.dtype.kind == "c":
        raise NotImplementedError("signbit is not implemented for complex tensors.")
    refuse_float8(array.dtype, "signbit_cpu")
    if out is not None:
        check_tensor("signbit", "out", 2, out)
    if out is not None and out._array.dtype.kind != "b":
        raise RuntimeError("signbit does not support non-boolean outputs.")
    return into(out, ask("signbit", _signbit, input))


def _signbit(array: Array) -> Any:
    if array.dtype.kind == "b":
        return np.zeros_like(array)
    return array < 0 if array.dtype.kind in "iu" else np.signbit(array)


class Copysign(Operation):
    """The size of one and the sign of the other."""

    node_name = "CopysignBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Any) -> Any:
        if input._array.dtype.kind in "biu" and not (
            isinstance(other, Variable) and other._array.dtype.kind not in "biu"
        ):
            # Refuses pairs that have no common type.
            result_type(input, other)
            input = wrap(floating(input))
        out = wrap(binary(np.copysign, input, other))
        ctx.save_for_backward(input, other, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other, out = ctx.saved_tensors
        ratio = (out / input).masked_fill(input == 0, 0)
        to_other = grad.new_zeros(other.shape) if ctx.needs_input_grad[1] else None
        return unbroadcast(grad * ratio, input) if ctx.needs_input_grad[0] else None, to_other


class CopysignScalar(Copysign):
    """The size of the element and the sign of a number."""

    node_name = "CopysignBackward1"


@quick_of_two(np.copysign)
def copysign(input: Tensor, other: Any, *, out: Tensor | None = None) -> Tensor:
    """The size of `input` with the sign of `other` (a tensor or a number), elementwise with broadcasting.

    >>> import rushlight as torch
    >>> torch.copysign(torch.tensor([1.0, -2.0]), -1)
    tensor([-1., -2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.copysign.html
    """
    return into(out, (Copysign if isinstance(other, Variable) else CopysignScalar).apply(input, other))


def copysign_(input: Tensor, other: Any) -> Tensor:
    """`copysign`, written into the tensor."""
    return (Copysign if isinstance(other, Variable) else CopysignScalar).inplace(input, other)


def positive(input: Tensor) -> Tensor:
    """`input` itself; RuntimeError for bool.

    >>> import rushlight as torch
    >>> torch.positive(torch.tensor([-1.0]))
    tensor([-1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.positive.html
    """
    check_tensor("positive", "input", 1, input)
    if input._array.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


class Angle(Operation):
    """The angle of a complex number; of a real one 0, or π below 0."""

    node_name = "AngleBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        array = floating(input)
        refuse_float8(array.dtype, "angle_cpu")
        if array.dtype.kind == "c":
            return np.angle(array)
        turn = np.where(array < 0, np.asarray(math.pi).astype(array.dtype), np.zeros((), array.dtype))
        return np.where(np.isnan(array), array, turn)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        if input._array.dtype.kind != "c":
            return wrap(np.zeros_like(grad._array))
        square = (input * input.conj()).real
        return (grad * input * 1j / square).masked_fill(square == 0, 0)


def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of each complex element in radians; of a real one 0, or π where it is negative. NaN stays NaN.

    >>> import rushlight as torch
    >>> torch.angle(torch.tensor([-1.0, 1.0]))
    tensor([3.1416, 0.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.angle.html
    """
    return into(out, Angle.apply(input))


class Conj(Operation):
    """The complex conjugate."""

    node_name = "ConjBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return np.conj(input._array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return conj_of(grad)


def conj(input: Tensor) -> Tensor:
    """The complex conjugate of each element; a real tensor is its own.

    >>> import rushlight as torch
    >>> torch.conj(torch.tensor([1.0]))
    tensor([1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.conj.html
    """
    array = free(input, "FD")
    if array is not None:
        return plain(np.conjugate(array))
    check_tensor("conj", "input", 1, input)
    return Conj.apply(input) if input._array.dtype.kind in "cW" else input


def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugate of each element, computed at once: real tensors give themselves, of any shape and dtype.

    >>> import rushlight as torch
    >>> torch.conj_physical(torch.tensor([1 + 2j]))
    tensor([1.-2.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.conj_physical.html
    """
    check_tensor("conj_physical", "input", 1, input)
    return into(out, conj(input))


def resolve_conj(input: Tensor) -> Tensor:
    """`input` itself: conjugates are computed at once, so that none is left to be taken.

    >>> import rushlight as torch
    >>> torch.resolve_conj(torch.tensor([1 + 2j]))
    tensor([1.+2.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.resolve_conj.html
    """
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """`input` itself: negatives are computed at once, so that none is left to be taken.

    >>> import rushlight as torch
    >>> torch.resolve_neg(torch.tensor([1.0]))
    tensor([1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.resolve_neg.html
    """
    return input


def is_conj(input: Tensor) -> bool:
    """Whether the conjugate is still to be taken: False, `conj` computes it at once.

    >>> import rushlight as torch
    >>> torch.is_conj(torch.tensor([1 + 2j]))
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_conj.html
    """
    return False


def is_neg(input: Tensor) -> bool:
    """Whether the negative is still to be taken: False, there are no such views.

    >>> import rushlight as torch
    >>> torch.is_neg(torch.tensor([1.0]))
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.is_neg.html
    """
    return False


def conj_physical_(input: Tensor) -> Tensor:
    """Like `conj_physical`, written into the tensor."""
    return input.copy_(conj(input)) if input.is_complex() else input


sign_ = inplace(Sign, _sign_of_floats)
sgn_ = inplace(Sgn)


class SignMethods:
    """The functions of this family as methods of Tensor."""

    angle = angle
    conj, conj_physical, conj_physical_, resolve_conj = conj, conj_physical, conj_physical_, resolve_conj
    is_conj, is_neg, resolve_neg = is_conj, is_neg, resolve_neg
    copysign, copysign_ = copysign, copysign_
    positive = positive
    sgn, sgn_ = sgn, sgn_
    sign, sign_ = sign, sign_
    signbit = signbit
