"""Addition, subtraction, multiplication, division, powers and roots, with Python's operators for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.function import Operation, UfuncOperation, UnaryOperation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._out import into
from rushlight.ops.promotion import NUMBERS, binary, like, operands, result_type, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool | complex

__all__ = [
    "abs", "absolute", "add", "div", "divide", "exp", "floor_divide", "log", "mul", "multiply", "neg", "negative", "pow", "reciprocal", "rsqrt",
    "rsub", "sqrt", "square", "sub", "subtract", "true_divide",
]  # fmt: skip


def conj_of(tensor: Any) -> Any:
    """The complex conjugate, for a backward formula: the tensor itself where it is real."""
    if isinstance(tensor, Variable):
        return tensor.conj() if tensor._array.dtype.kind == "c" else tensor
    return tensor.conjugate() if isinstance(tensor, (complex, np.complexfloating)) else tensor


def floating(array: Any) -> Any:
    """An array as a floating-point one: integers and bools become the default type."""
    return array if array.dtype.kind in "fcV" else array.astype(dtypes.get_default_dtype().numpy_dtype)


class Add(UfuncOperation):
    """`input + other`."""

    node_name = "AddBackward0"
    takes_out = True
    ufunc = kernels.add

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any, out: Any = None) -> Any:
        ctx.likes = like(input), like(other)
        return binary(np.add, input, other, out)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        needs = ctx.needs_input_grad
        if ctx.likes is None:
            return grad if needs[0] else None, grad if needs[1] else None
        input, other = ctx.likes
        return (unbroadcast(grad, input) if needs[0] else None, unbroadcast(grad, other) if needs[1] else None)


class Sub(UfuncOperation):
    """`input - other`."""

    node_name = "SubBackward0"
    takes_out = True
    ufunc = kernels.subtract

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any, out: Any = None) -> Any:
        _refuse_bools(input, other)
        ctx.likes = like(input), like(other)
        return binary(np.subtract, input, other, out)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        needs = ctx.needs_input_grad
        if ctx.likes is None:
            return grad if needs[0] else None, -grad if needs[1] else None
        input, other = ctx.likes
        return (unbroadcast(grad, input) if needs[0] else None, unbroadcast(-grad, other) if needs[1] else None)


class Rsub(Sub):
    """`input - other` for a number `input`."""

    node_name = "RsubBackward1"


class RsubTensor(Sub):
    """`input - other`, called by the name `rsub`."""

    node_name = "RsubBackward0"


class Mul(UfuncOperation):
    """`input * other`."""

    node_name = "MulBackward0"
    takes_out = True
    ufunc = kernels.multiply
    saves_operands = True

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any, out: Any = None) -> Any:
        ctx.likes = like(input), like(other)
        needs = ctx.needs_input_grad
        ctx.save_for_backward(input if needs[1] else None, other if needs[0] else None)
        return binary(np.multiply, input, other, out, exact_number=True)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        needs, likes = ctx.needs_input_grad, ctx.likes
        input, other = ctx.saved_tensors
        if likes is None:
            to_input = _mul(grad, other) if needs[0] else None
            if input is other:
                return to_input, to_input
            return to_input, _mul(grad, input) if needs[1] else None
        return (
            unbroadcast(grad * conj_of(other), likes[0]) if needs[0] else None,
            unbroadcast(grad * conj_of(input), likes[1]) if needs[1] else None,
        )


class Div(UfuncOperation):
    """`input / other`, in floating point."""

    node_name = "DivBackward0"
    takes_out = True
    ufunc = kernels.divide
    saves_operands = True
    always_saves_other = True

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any, out: Any = None) -> Any:
        ctx.likes = like(input), like(other)
        ctx.save_for_backward(input if ctx.needs_input_grad[1] else None, other)
        return binary(_true_divide, input, other, out, exact_number=True)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        needs, likes = ctx.needs_input_grad, ctx.likes
        input, other = ctx.saved_tensors
        if likes is None:
            slope = _truediv(grad, other)
            return slope if needs[0] else None, -slope * (input / other) if needs[1] else None
        divisor = conj_of(other)
        return (
            unbroadcast(grad / divisor, likes[0]) if needs[0] else None,
            unbroadcast(-grad * conj_of(input / other) / divisor, likes[1]) if needs[1] else None,
        )


def _true_divide(a: Any, b: Any, out: Any = None) -> Any:
    if a.__class__ is np.ndarray and a.dtype.kind in "iub":
        a = floating(a)
        b = floating(b) if isinstance(b, np.ndarray) else b
    elif not isinstance(a, np.ndarray) and b.dtype.kind in "iub":
        b = floating(b)
    return np.true_divide(a, b) if out is None or out.dtype is not a.dtype else np.true_divide(a, b, out=out)


class Neg(UnaryOperation):
    """`-input`."""

    node_name = "NegBackward0"
    kernel = kernels.negative

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        array = input._array
        if array.dtype.kind == "b":
            raise RuntimeError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` "
                "or `logical_not()` operator instead."
            )
        return np.negative(array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return -grad


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
        if array.dtype.kind in "fc":
            # The exponents with a cheaper form; NumPy's own shortcuts end at 2.
            if exponent == 2:
                return np.square(array)
            if exponent == 3 and array.itemsize > 2:
                return array * array * array
            if exponent == 1:
                return array.copy()
            if exponent == 0.5:
                return np.sqrt(array)
        return binary(np.power, input, exponent)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (input,) = ctx.saved_tensors
        n = ctx.exponent
        if n == 0:
            return grad * 0
        return grad * conj_of((input if n == 2 else input ** (n - 1)) * n)


class PowTensor(Operation):
    """`input ** exponent` for a tensor exponent; `input` may be a number."""

    node_name = "PowBackward1"

    @staticmethod
    def forward(ctx: Any, input: Any, exponent: Any) -> Any:
        ctx.likes = like(input), like(exponent)
        result = wrap(binary(np.power, input, exponent))
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
            slope = (result * base.log()).masked_fill((base == 0) & (exponent >= 0), 0)
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
        ctx.save_for_backward(input)
        return np.log(floating(input._array))

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (input,) = ctx.saved_tensors
        return grad / conj_of(input)


class Sqrt(Operation):
    """The square root of each element."""

    node_name = "SqrtBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        result = wrap(np.sqrt(floating(input._array)))
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
        array = floating(input._array)
        result = wrap(np.reciprocal(np.sqrt(array)) if array.dtype.kind != "V" else 1 / np.sqrt(array))
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (result,) = ctx.saved_tensors
        return grad * -0.5 * conj_of(result**3)


class Reciprocal(Operation):
    """`1 / input`."""

    node_name = "ReciprocalBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        array = floating(input._array)
        result = wrap((np.ones((), array.dtype) / array) if array.dtype.kind == "V" else np.reciprocal(array))
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (result,) = ctx.saved_tensors
        return -grad * conj_of(result * result)


class Abs(Operation):
    """The absolute value of each element; of a complex one, its length."""

    node_name = "AbsBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        if input._array.dtype.kind == "b":
            raise NotImplementedError("\"abs_cpu\" not implemented for 'Bool'")
        ctx.save_for_backward(input)
        return np.abs(input._array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (input,) = ctx.saved_tensors
        return grad * input.sgn()


def _refuse_bools(input: Any, other: Any) -> None:
    a = input._array.dtype.kind == "b" if isinstance(input, Variable) else isinstance(input, bool)
    b = other._array.dtype.kind == "b" if isinstance(other, Variable) else isinstance(other, bool)
    if a and b:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator "
            "instead."
        )
    if a or b:
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` "
            "or `logical_not()` operator instead."
        )


def check_operand(name: str, other: Any) -> None:
    """Raise TypeError if the second operand of a named function is neither Tensor nor number."""
    if not isinstance(other, (Variable, *NUMBERS)):
        raise TypeError(f"{name}(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")


def _scaled(name: str, input: Any, other: Any, alpha: Any) -> Any:
    check_operand(name, other)
    if alpha == 1 and not isinstance(alpha, bool):
        return other
    if name != "add":
        _refuse_bools(input, other)
    integral = all(not isinstance(t, Variable) or t._array.dtype.kind in "iub" for t in (input, other))
    if integral and isinstance(alpha, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(input, Variable) and isinstance(other, Variable) and input._array.dtype != other._array.dtype:
        other = other.to(result_type(input, other))
    return other * alpha


def add(input: Tensor, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + alpha * other`, elementwise with broadcasting and type promotion.

    Any dtype. Raises RuntimeError for shapes that do not broadcast, TypeError for an operand that is no number.

    >>> import rushlight as torch
    >>> torch.add(torch.tensor([1.0, 2.0]), 1, alpha=10)
    tensor([11., 12.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.add.html
    """
    return into(out, Add.apply(input, _scaled("add", input, other, alpha)))


def sub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input - alpha * other`, elementwise with broadcasting and type promotion; not for bools.

    >>> import rushlight as torch
    >>> torch.sub(torch.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sub.html
    """
    return into(out, Sub.apply(input, _scaled("sub", input, other, alpha)))


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """`other - alpha * input`."""
    check_operand("rsub", other)
    return (RsubTensor if isinstance(other, Variable) else Rsub).apply(other, _scaled("rsub", other, input, alpha))


def mul(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input * other`, elementwise with broadcasting and type promotion.

    >>> import rushlight as torch
    >>> torch.mul(torch.tensor([1.0, 2.0]), 3)
    tensor([3., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.mul.html
    """
    check_operand("mul", other)
    return into(out, _mul(input, other) if isinstance(input, Variable) else Mul.apply(input, other))


def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`-input`; not for bools.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.neg.html
    """
    return _neg(input) if out is None else into(out, Neg.apply(input))


def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input ** exponent`, elementwise with broadcasting; either may be a number.

    Raises RuntimeError for integers to negative integer powers.

    >>> import rushlight as torch
    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.pow.html
    """
    if isinstance(exponent, Variable):
        return into(out, (PowTensor if isinstance(input, Variable) else PowOfNumber).apply(input, exponent))
    if not isinstance(exponent, NUMBERS):
        raise TypeError(f"pow(): argument 'exponent' (position 2) must be Tensor, not {type(exponent).__name__}")
    return into(out, PowScalar.apply(input, exponent))


def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e to the power of each element.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.exp.html
    """
    return _exp(input) if out is None else into(out, Exp.apply(input))


def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The natural logarithm of each element; NaN below zero, -inf at zero.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.log.html
    """
    return into(out, Log.apply(input))


def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The square root of each element; NaN below zero.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sqrt.html
    """
    return _sqrt(input) if out is None else into(out, Sqrt.apply(input))


def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The reciprocal of the square root of each element.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.rsqrt.html
    """
    return into(out, Rsqrt.apply(input))


def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`1 / input`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.reciprocal.html
    """
    return into(out, Reciprocal.apply(input))


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`input ** 2`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.square.html
    """
    return into(out, PowScalar.apply(input, 2))


def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The absolute value of each element.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.abs.html
    """
    return into(out, Abs.apply(input))


def div(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """`input / other`; with `rounding_mode` "trunc" or "floor" the quotient rounded towards zero or down.

    Integers give the default floating-point type, unless a rounding mode is given. Raises RuntimeError for another mode.

    >>> import rushlight as torch
    >>> torch.div(torch.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="floor")
    tensor([ 3, -4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.div.html
    """
    check_operand("div", other)
    if rounding_mode is None:
        return into(out, Div.apply(input, other))
    return into(out, rounded_quotient(input, other, rounding_mode))


def rounded_quotient(input: Any, other: Any, rounding_mode: str) -> Any:
    """The quotient rounded by a mode; its gradient is zero."""
    if rounding_mode == "floor":
        return FloorDivide.apply(input, other)
    if rounding_mode == "trunc":
        return TruncDivide.apply(input, other)
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")


def _check_integer_division(mode: str, a: Any, b: Any) -> None:
    if np.asarray(a).dtype.kind == "b":
        raise NotImplementedError(f"\"div_{mode}_cpu\" not implemented for 'Bool'")
    if np.size(a) and not np.all(b):
        raise RuntimeError("ZeroDivisionError")


def _floor_of_quotient(a: Any, b: Any) -> Any:
    # A zero divisor gives the quotient's infinity or NaN, where NumPy's floor_divide gives NaN.
    quotient = np.true_divide(a, b)
    return np.where(np.equal(b, 0), quotient, np.floor_divide(a, b)).astype(quotient.dtype)


def _trunc_of_quotient(a: Any, b: Any) -> Any:
    return np.trunc(np.true_divide(a, b))


class FloorDivide(Operation):
    """`floor(input / other)`."""

    node_name = "DivBackward2"

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        ctx.likes = like(input), like(other)
        a, b = operands(input, other)
        if np.asarray(a).dtype.kind in "iub":
            _check_integer_division("floor", a, b)
            return binary(np.floor_divide, input, other)
        return binary(_floor_of_quotient, input, other, exact_number=isinstance(input, Variable))

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return tuple(unbroadcast(grad * 0, model) if need else None for model, need in zip(ctx.likes, ctx.needs_input_grad))


class TruncDivide(Operation):
    """`trunc(input / other)`."""

    node_name = "DivBackward2"

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        ctx.likes = like(input), like(other)
        a, b = operands(input, other)
        if np.asarray(a).dtype.kind in "iub":
            _check_integer_division("trunc", a, b)
            quotient = np.floor_divide(a, b)
            # Down and towards zero differ by one where the signs differ and something is left over.
            return quotient + ((np.remainder(a, b) != 0) & (np.less(a, 0) != np.less(b, 0))).astype(quotient.dtype)
        return binary(_trunc_of_quotient, input, other, exact_number=isinstance(input, Variable))

    backward = FloorDivide.backward


def floor_divide(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The quotient rounded down, elementwise.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.floor_divide.html
    """
    check_operand("floor_divide", other)
    return into(out, FloorDivide.apply(input, other))


_add, _sub, _mul, _truediv = Add.operator(), Sub.operator(), Mul.operator(), Div.operator()
_neg, _exp, _sqrt = Neg.function(), Exp.function(), Sqrt.function()


def _rsub(input: Any, other: Any) -> Any:
    return Rsub.apply(other, input) if isinstance(other, _OPERANDS) else NotImplemented


def _rtruediv(input: Any, other: Any) -> Any:
    # As PyTorch computes it, with its rounding.
    return Mul.apply(Reciprocal.apply(input), other) if isinstance(other, _OPERANDS) else NotImplemented


def _floordiv(input: Any, other: Any) -> Any:
    return FloorDivide.apply(input, other) if isinstance(other, _OPERANDS) else NotImplemented


def _rfloordiv(input: Any, other: Any) -> Any:
    return FloorDivide.apply(other, input) if isinstance(other, _OPERANDS) else NotImplemented


def _pow(input: Any, other: Any) -> Any:
    if isinstance(other, Variable):
        return PowTensor.apply(input, other)
    return PowScalar.apply(input, other) if isinstance(other, _OPERANDS) else NotImplemented


def _rpow(input: Any, other: Any) -> Any:
    return PowOfNumber.apply(other, input) if isinstance(other, _OPERANDS) else NotImplemented


def add_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """`add`, in place."""
    return Add.inplace(input, _scaled("add_", input, other, alpha))


def sub_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """`sub`, in place."""
    return Sub.inplace(input, _scaled("sub_", input, other, alpha))


def mul_(input: Tensor, other: Tensor | Number) -> Tensor:
    """`mul`, in place."""
    check_operand("mul_", other)
    return Mul.inplace(input, other)


def div_(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """`div`, in place."""
    check_operand("div_", other)
    if rounding_mode is None:
        return Div.inplace(input, other)
    return (FloorDivide if rounding_mode == "floor" else TruncDivide).inplace(input, other)


def floor_divide_(input: Tensor, other: Tensor | Number) -> Tensor:
    """`floor_divide`, in place."""
    return FloorDivide.inplace(input, other)


def pow_(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """`pow`, in place."""
    return (PowTensor if isinstance(exponent, Variable) else PowScalar).inplace(input, exponent)


def _inplace(operation: type[Operation]) -> Any:
    def method(self: Tensor) -> Tensor:
        return operation.inplace(self)

    method.__name__ = f"{operation.__name__.lower()}_"
    method.__doc__ = f"`{operation.__name__.lower()}`, in place."
    return method


_OPERANDS = (Variable, *NUMBERS)
absolute, divide, multiply, negative, subtract, true_divide = abs, div, mul, neg, sub, div


class ArithmeticMethods:
    """The Tensor methods of this family."""

    add, sub, subtract, mul, multiply, div, divide, true_divide = add, sub, sub, mul, mul, div, div, div
    floor_divide, neg, negative, pow, exp, log, sqrt, rsqrt = floor_divide, neg, neg, pow, exp, log, sqrt, rsqrt
    reciprocal, square, abs, absolute, rsub = reciprocal, square, abs, abs, rsub
    __add__, __radd__, __sub__, __rsub__, __mul__, __rmul__ = _add, _add, _sub, _rsub, _mul, _mul
    __truediv__, __rtruediv__, __floordiv__, __rfloordiv__ = _truediv, _rtruediv, _floordiv, _rfloordiv
    __pow__, __rpow__, __neg__, __abs__ = _pow, _rpow, _neg, abs
    add_, sub_, subtract_, mul_, multiply_ = add_, sub_, sub_, mul_, mul_
    div_, divide_, true_divide_, floor_divide_, pow_ = div_, div_, div_, floor_divide_, pow_
    __iadd__, __isub__, __imul__, __itruediv__, __ifloordiv__, __ipow__ = add_, sub_, mul_, div_, floor_divide_, pow_
    neg_ = negative_ = _inplace(Neg)
    exp_ = _inplace(Exp)
    log_ = _inplace(Log)
    sqrt_ = _inplace(Sqrt)
    rsqrt_ = _inplace(Rsqrt)
    reciprocal_ = _inplace(Reciprocal)
    abs_ = absolute_ = _inplace(Abs)

    def square_(self: Any) -> Any:
        """`square`, in place."""
        return PowScalar.inplace(self, 2)

    def __pos__(self: Any) -> Any:
        return self
