"""Powers, roots, the exponential and the logarithm, with Python's operators for powers.

Integers are taken as the default floating-point type, except in whole powers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.operation import Operation, UnaryOperation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._numeric import inplace, refuse_float8
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_one, quickly, quickly_into
from rushlight.ops.arithmetic import OPERANDS, conj_of, floating
from rushlight.ops.promotion import NUMBERS, binary, like, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool | complex

__all__ = [
    "exp", "exp_", "log", "log_", "pow", "rsqrt", "rsqrt_", "sqrt", "sqrt_", "square", "square_",
]  # fmt: skip


class PowScalar(Operation):
    """`input ** exponent` for a number."""

    node_name = "PowBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, exponent: Any) -> Any:
        ctx.exponent = exponent
        ctx.save_for_backward(input)
        array = input._array
        if array.dtype.kind in "iub" and isinstance(exponent, int) and not isinstance(exponent, bool) and exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        if array.dtype.kind == "b" and isinstance(exponent, bool):
            return array | (not exponent)
        if array.dtype.kind in "ufV" and (exponent == 1 or exponent == 0):
            return array.copy() if exponent else np.ones_like(array)
        if array.dtype.kind in "fc" and array.itemsize > 1:
            # The exponents with a cheaper form; NumPy's own shortcuts end at 2.
            if exponent == 2:
                return kernels.square(array)
            if exponent == 3 and array.itemsize > 2:
                return array * array * array
            if exponent == 1:
                return array.copy()
            if exponent == 0.5:
                return kernels.sqrt(array)
        return binary(np.power, input, exponent)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (input,) = ctx.saved_tensors
        n = ctx.exponent
        if n == 0:
            return grad * 0
        return grad * conj_of((input if n == 2 else input ** (n - 1)) * n)


def _power(a: Any, b: Any, out: Any = None) -> Any:
    """`np.power`; a negative power of an integer is the quotient cut off: 0, or 1 or -1 of a base of 1 or -1."""
    powers = np.asarray(b)
    if powers.dtype.kind == "b":
        raise NotImplementedError("\"pow\" not implemented for 'Bool'")
    if powers.dtype.kind != "i" or not (powers < 0).any():
        return np.power(a, b)
    base = np.asarray(a)
    unit = np.where(base == 1, 1, np.where(base == -1, np.where(powers % 2 == 0, 1, -1), 0)).astype(base.dtype)
    return np.where(powers < 0, unit, np.power(base, np.maximum(powers, 0)))


def _not_negative(exponent: Any) -> Any:
    """Where an exponent is real and at least 0."""
    if exponent._array.dtype.kind != "c":
        return exponent >= 0
    return wrap((exponent._array.imag == 0) & (exponent._array.real >= 0))


class PowTensor(Operation):
    """`input ** exponent` for a tensor exponent; `input` may be a number."""

    node_name = "PowBackward1"

    @staticmethod
    def forward(ctx: Any, input: Any, exponent: Any) -> Any:
        ctx.likes = like(input), like(exponent)
        result = wrap(binary(_power, input, exponent))
        ctx.save_for_backward(input, exponent, result if ctx.needs_input_grad[1] else None)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, exponent, result = ctx.saved_tensors
        to_input = to_exponent = None
        if ctx.needs_input_grad[0]:
            slope = (exponent * input ** (exponent - 1)).masked_fill(exponent == 0, 0)
            to_input = unbroadcast(grad * conj_of(slope), ctx.likes[0])
        if ctx.needs_input_grad[1]:
            # 0 ** 0 has slope 0 with respect to the exponent, and 0 ** positive too.
            base: Any = input if isinstance(input, Variable) else wrap(np.asarray(input, dtype=result._array.dtype))
            slope = (result * base.log()).masked_fill((base == 0) & _not_negative(exponent), 0)
            to_exponent = unbroadcast(grad * conj_of(slope), ctx.likes[1])
        return to_input, to_exponent


class PowOfNumber(PowTensor):
    """`input ** exponent` for a number `input`."""

    node_name = "PowBackward2"


class Exp(UnaryOperation):
    """The exponential of each element."""

    node_name = "ExpBackward0"
    kernel = kernels.exp
    keeps = "result"

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        result = wrap(np.exp(floating(input._array)))
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (result,) = ctx.saved_tensors
        return grad * conj_of(result)


class Log(Operation):
    """The natural logarithm of each element."""

    node_name = "LogBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        refuse_float8(input._array.dtype, "log_vml_cpu")
        ctx.save_for_backward(input)
        return np.log(floating(input._array))

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (input,) = ctx.saved_tensors
        return grad / conj_of(input)


class Sqrt(UnaryOperation):
    """The square root of each element."""

    node_name = "SqrtBackward0"
    kernel = kernels.sqrt
    keeps = "result"

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        result = wrap(kernels.sqrt(floating(input._array)))
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (result,) = ctx.saved_tensors
        return grad / (conj_of(result) * 2)


class Rsqrt(Operation):
    """`1 / sqrt(input)`."""

    node_name = "RsqrtBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        result = wrap(kernels.reciprocal_sqrt(floating(input._array)))
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (result,) = ctx.saved_tensors
        return grad * -0.5 * conj_of(result**3)


def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input ** exponent`, elementwise with broadcasting; either may be a number.

    Raises RuntimeError for integers to negative integer powers.

    >>> import rushlight as torch
    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.pow.html
    """
    if not (isinstance(input, Variable) or isinstance(exponent, Variable)):
        raise TypeError(
            f"pow() received an invalid combination of arguments - got ({type(input).__name__}, "
            f"{type(exponent).__name__}), but expected a Tensor among them"
        )
    if isinstance(exponent, Variable):
        if out is None and (result := quickly(np.power, input, exponent)) is not None:
            return result
        return into(out, (PowTensor if isinstance(input, Variable) else PowOfNumber).apply(input, exponent))
    if not isinstance(exponent, NUMBERS):
        raise TypeError(f"pow(): argument 'exponent' (position 2) must be Tensor, not {type(exponent).__name__}")
    return into(out, PowScalar.apply(input, exponent))


_exp, _sqrt = Exp.function(), Sqrt.function()


def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e to the power of each element, of any shape; integers and bools give the default floating-point type.

    Real and complex floats are taken; what overflows is infinite.

    >>> import rushlight as torch
    >>> torch.exp(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.exp.html
    """
    return _exp(input) if out is None else into(out, Exp.apply(input))


@quick_of_one(np.log)
def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The natural logarithm of each element, of any shape; NaN below zero, -inf at zero.

    Integers and bools give the default floating-point type; complex numbers give the principal value.

    >>> import rushlight as torch
    >>> torch.log(torch.tensor([1.0, 0.0, -1.0]))
    tensor([0., -inf, nan])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.log.html
    """
    return into(out, Log.apply(input))


def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The square root of each element, of any shape; NaN below zero.

    Integers and bools give the default floating-point type; complex numbers give the principal value.

    >>> import rushlight as torch
    >>> torch.sqrt(torch.tensor([4.0, 2.0]))
    tensor([2.0000, 1.4142])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sqrt.html
    """
    return _sqrt(input) if out is None else into(out, Sqrt.apply(input))


@quick_of_one(kernels.reciprocal_sqrt)
def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The reciprocal of the square root of each element, `1 / √x`; NaN below zero, infinity at zero.

    Integers and bools give the default floating-point type; complex numbers give the principal value.

    >>> import rushlight as torch
    >>> torch.rsqrt(torch.tensor([4.0, 0.25]))
    tensor([0.5000, 2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.rsqrt.html
    """
    return into(out, Rsqrt.apply(input))


@quick_of_one(kernels.square)
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`input ** 2`, elementwise, of any shape and dtype; bools give int64.

    >>> import rushlight as torch
    >>> torch.square(torch.tensor([-1.5, 2.0]))
    tensor([2.2500, 4.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.square.html
    """
    return into(out, PowScalar.apply(input, 2))


def _pow(input: Any, other: Any) -> Any:
    if isinstance(other, Variable):
        return PowTensor.apply(input, other)
    return PowScalar.apply(input, other) if isinstance(other, OPERANDS) else NotImplemented


def _rpow(input: Any, other: Any) -> Any:
    if isinstance(other, Variable):
        return PowTensor.apply(other, input)
    return PowOfNumber.apply(other, input) if isinstance(other, OPERANDS) else NotImplemented


def pow_(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """`pow`, in place."""
    return (PowTensor if isinstance(exponent, Variable) else PowScalar).inplace(input, exponent)


def square_(input: Tensor) -> Tensor:
    """Like `square`, written into the tensor."""
    return input if quickly_into(input, kernels.square) else PowScalar.inplace(input, 2)


exp_, log_, rsqrt_, sqrt_ = inplace(Exp), inplace(Log, np.log), inplace(Rsqrt, kernels.reciprocal_sqrt), inplace(Sqrt)


class PowerMethods:
    """The Tensor methods of this family."""

    exp, log, pow, rsqrt, sqrt, square = exp, log, pow, rsqrt, sqrt, square
    __pow__, __rpow__ = _pow, _rpow
    pow_ = __ipow__ = pow_
    exp_, log_, rsqrt_, sqrt_, square_ = exp_, log_, rsqrt_, sqrt_, square_
