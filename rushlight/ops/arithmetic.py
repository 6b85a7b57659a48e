"""Addition, subtraction, multiplication and division, by name and operator: shapes broadcast, types are promoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import Operation, UfuncOperation, UnaryOperation, check_apart
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.reference import division
from rushlight.ops._numeric import check_tensor, inplace, refuse_float8, refuse_wide_unsigned
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_one, quick_of_two
from rushlight.ops.promotion import NUMBERS, binary, like, operands, result_type, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool | complex

__all__ = [
    "abs", "abs_", "absolute", "add", "div", "divide", "floor_divide", "mul", "multiply", "neg", "neg_", "negative",
    "negative_", "reciprocal", "reciprocal_", "rsub", "sub", "subtract", "true_divide",
]  # fmt: skip


def conj_of(tensor: Any) -> Any:
    """The complex conjugate, for a backward formula: the tensor itself where it is real."""
    if isinstance(tensor, Variable):
        return tensor.conj() if tensor._array.dtype.kind == "c" else tensor
    return tensor.conjugate() if isinstance(tensor, (complex, np.complexfloating)) else tensor


def floating(array: Any) -> Any:
    """An array as a floating-point one: integers and bools become the default type."""
    dtype = array.dtype
    if dtype.itemsize == 1 and dtype.kind in "fV":
        refuse_float8(dtype)
    return array if dtype.kind in "fcV" else array.astype(dtypes.get_default_dtype().numpy_dtype)


class Add(UfuncOperation):
    """`input + other`."""

    node_name = "AddBackward0"
    takes_out = True
    ufunc = kernels.add

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any, out: Any = None) -> Any:
        ctx.likes = like(input), like(other)
        return binary(kernels.add, input, other, out)

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
        return binary(kernels.subtract, input, other, out)

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
    pairs_operands = False


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
        return binary(kernels.multiply, input, other, out, exact_number=True)

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
        # A whole number would be wrapped into the other operand's integer type.
        if isinstance(other, int):
            other = float(other)
        elif isinstance(input, int):
            input = float(input)
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
    return kernels.divide(a, b) if out is None or out.dtype is not a.dtype else kernels.divide(a, b, out)


class DivByNumber(Div):
    """A division by what PyTorch holds as a number, where Python's `/` would have made a tensor of it."""

    node_name = "DivBackward1"


class Neg(UnaryOperation):
    """`-input`."""

    node_name = "NegBackward0"
    kernel = kernels.negative

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        array = input._array
        if array.dtype.kind == "b":
            raise RuntimeError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
                "use the `~` or `logical_not()` operator instead."
            )
        refuse_wide_unsigned(array.dtype, "neg_cpu")
        refuse_float8(array.dtype, "neg_cpu")
        return kernels.negative(array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return -grad


class Reciprocal(Operation):
    """`1 / input`."""

    node_name = "ReciprocalBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        array = floating(input._array)
        refuse_float8(array.dtype, "reciprocal_cpu")
        result = wrap((np.ones((), array.dtype) / array) if array.dtype.kind == "V" else kernels.reciprocal(array))
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
        refuse_wide_unsigned(input._array.dtype, "abs_cpu")
        ctx.save_for_backward(input)
        return kernels.absolute(input._array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (input,) = ctx.saved_tensors
        return grad * input.sgn()


def _refuse_bools(input: Any, other: Any) -> None:
    a = input._array.dtype.kind == "b" if isinstance(input, Variable) else isinstance(input, bool)
    b = other._array.dtype.kind == "b" if isinstance(other, Variable) else isinstance(other, bool)
    if a and b:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead."
        )
    if a or b:
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )


def check_operand(name: str, other: Any) -> None:
    """Raise TypeError if the second operand of a named function is neither Tensor nor number."""
    if not isinstance(other, (Variable, *NUMBERS)):
        raise TypeError(f"{name}(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")


def _scaled(name: str, input: Any, other: Any, alpha: Any) -> Any:
    check_operand(name, other)
    if alpha == 1 and not isinstance(alpha, bool):
        return other
    if name not in ("add", "add_"):
        _refuse_bools(input, other)
    integral = all(not isinstance(t, Variable) or t._array.dtype.kind in "iub" for t in (input, other))
    if integral and isinstance(alpha, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    type_ = result_type(input, other)
    if isinstance(alpha, bool) and type_ is not dtypes.bool:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, complex) and not type_.is_complex:
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    if type_ is dtypes.bool:
        return other if alpha else other * False
    if type_ in (dtypes.float16, dtypes.bfloat16) and isinstance(other, Variable):
        # PyTorch's kernels hold alpha in the type itself.
        alpha = float(np.asarray(alpha).astype(type_.numpy_dtype))
    if isinstance(input, Variable) and isinstance(other, Variable) and input._array.dtype != other._array.dtype:
        other = other.to(type_)
    return other * alpha


def add(input: Tensor, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + alpha * other`, elementwise with type promotion; RuntimeError for shapes that don't broadcast.

    >>> import rushlight as torch
    >>> torch.add(torch.tensor([1.0, 2.0]), 1, alpha=10)
    tensor([11., 12.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.add.html
    """
    if alpha.__class__ is int and alpha == 1 and isinstance(input, Variable):
        result = _add(input, other)
        if result is not NotImplemented:
            return into(out, result)
    return into(out, Add.apply(input, _scaled("add", input, other, alpha)))


def sub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input - alpha * other`, elementwise with broadcasting and type promotion; RuntimeError for bools.

    >>> import rushlight as torch
    >>> torch.sub(torch.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sub.html
    """
    if alpha.__class__ is int and alpha == 1 and isinstance(input, Variable):
        result = _sub(input, other)
        if result is not NotImplemented:
            return into(out, result)
    return into(out, Sub.apply(input, _scaled("sub", input, other, alpha)))


@quick_of_two(lambda a, b: kernels.subtract(b, a), numbers=True)
def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """`other - alpha * input`, elementwise with broadcasting and type promotion; RuntimeError for bools.

    >>> import rushlight as torch
    >>> torch.rsub(torch.tensor([1.0, 2.0]), 10, alpha=2)
    tensor([8., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sub.html
    """
    check_tensor("rsub", "input", 1, input)
    check_operand("rsub", other)
    return (RsubTensor if isinstance(other, Variable) else Rsub).apply(other, _scaled("rsub", other, input, alpha))


def mul(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input * other`, elementwise with broadcasting and type promotion; RuntimeError for shapes that don't broadcast.

    >>> import rushlight as torch
    >>> torch.mul(torch.tensor([1.0, 2.0]), 3)
    tensor([3., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.mul.html
    """
    check_operand("mul", other)
    return into(out, _mul(input, other) if isinstance(input, Variable) else Mul.apply(input, other))


def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`-input`, elementwise, of any shape; unsigned integers wrap around. Raises RuntimeError for bools.

    >>> import rushlight as torch
    >>> torch.neg(torch.tensor([1.0, -2.0]))
    tensor([-1.,  2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.neg.html
    """
    return _neg(input) if out is None else into(out, Neg.apply(input))


@quick_of_one(kernels.reciprocal)
def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`1 / input`, elementwise, of any shape; integers and bools give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.reciprocal(torch.tensor([2.0, 0.0]))
    tensor([0.5000,    inf])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.reciprocal.html
    """
    return into(out, Reciprocal.apply(input))


@quick_of_one(kernels.absolute)
def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The absolute value `|x|` of each element, the length of a complex one, which is real; not for bools.

    >>> import rushlight as torch
    >>> torch.abs(torch.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.abs.html
    """
    return into(out, Abs.apply(input))


def div(
    input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None, out: Tensor | None = None
) -> Tensor:
    """`input / other`; with `rounding_mode` "trunc" or "floor" the quotient rounded towards zero or down.

    Integers give the default floating-point type, unless a mode is given. Raises RuntimeError for another mode.

    >>> import rushlight as torch
    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="floor")
    tensor([ 3, -4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.div.html
    """
    check_operand("div", other)
    if rounding_mode is None:
        return into(out, _truediv(input, other) if isinstance(input, Variable) else Div.apply(input, other))
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
    if np.count_nonzero(b) == np.size(b):
        return np.asarray(division.floor_divide(a, b))
    quotient = np.true_divide(a, b)
    return np.where(np.equal(b, 0), quotient, division.floor_divide(a, b)).astype(quotient.dtype)


def _trunc_of_quotient(a: Any, b: Any) -> Any:
    return np.trunc(np.true_divide(a, b))


def _refuse_complex(mode: str, *operands: Any) -> None:
    for value in operands:
        array = np.asarray(value)
        if array.dtype.kind == "c":
            name = dtypes.from_numpy_dtype(array.dtype).legacy_name
            raise NotImplementedError(f"\"div_{mode}_cpu\" not implemented for '{name}'")


class FloorDivide(Operation):
    """`floor(input / other)`."""

    node_name = "DivBackward2"

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        ctx.likes = like(input), like(other)
        a, b = operands(input, other)
        _refuse_complex("floor", a, b)
        if np.asarray(a).dtype.kind in "iub":
            _check_integer_division("floor", a, b)
            return binary(np.floor_divide, input, other)
        return binary(_floor_of_quotient, input, other, exact_number=isinstance(input, Variable))

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return tuple(
            unbroadcast(grad * 0, model) if need else None
            for model, need in zip(ctx.likes, ctx.needs_input_grad, strict=True)
        )


class TruncDivide(Operation):
    """`trunc(input / other)`."""

    node_name = "DivBackward2"

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        ctx.likes = like(input), like(other)
        a, b = operands(input, other)
        _refuse_complex("trunc", a, b)
        if np.asarray(a).dtype.kind in "iub":
            _check_integer_division("trunc", a, b)
            quotient = np.floor_divide(a, b)
            # Down and towards zero differ by one where the signs differ and something is left over.
            return quotient + ((np.remainder(a, b) != 0) & (np.less(a, 0) != np.less(b, 0))).astype(quotient.dtype)
        return binary(_trunc_of_quotient, input, other, exact_number=isinstance(input, Variable))

    backward = FloorDivide.backward


@quick_of_two(_floor_of_quotient, numbers=True)
def floor_divide(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`⌊input / other⌋`, elementwise with broadcasting; RuntimeError where an integer is divided by 0.

    >>> import rushlight as torch
    >>> torch.floor_divide(torch.tensor([7, -7]), 2)
    tensor([ 3, -4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.floor_divide.html
    """
    check_operand("floor_divide", other)
    return into(out, FloorDivide.apply(input, other))


_add, _sub, _mul, _truediv = Add.operator(), Sub.operator(), Mul.operator(), Div.operator()
_neg = Neg.function()


def _rsub(input: Any, other: Any) -> Any:
    return Rsub.apply(other, input) if isinstance(other, OPERANDS) else NotImplemented


def _rtruediv(input: Any, other: Any) -> Any:
    # As PyTorch computes it, with its rounding.
    return Mul.apply(input.reciprocal(), other) if isinstance(other, OPERANDS) else NotImplemented


def _floordiv(input: Any, other: Any) -> Any:
    return FloorDivide.apply(input, other) if isinstance(other, OPERANDS) else NotImplemented


def _rfloordiv(input: Any, other: Any) -> Any:
    return FloorDivide.apply(other, input) if isinstance(other, OPERANDS) else NotImplemented


def add_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """`add`, in place."""
    if alpha.__class__ is int and alpha == 1 and Add.written(input, other):
        return input
    if isinstance(other, Variable) and other._level is not None and other._level.keeps_parts:
        return other._add_to_(input, alpha)  # type: ignore[attr-defined]
    if alpha != 1:
        check_apart(input, other)
    return Add.inplace(input, _scaled("add_", input, other, alpha))


def sub_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """`sub`, in place."""
    if alpha.__class__ is int and alpha == 1 and Sub.written(input, other):
        return input
    if isinstance(other, Variable) and other._level is not None and other._level.keeps_parts:
        return other._add_to_(input, -alpha)  # type: ignore[attr-defined]
    if alpha != 1:
        check_apart(input, other)
    return Sub.inplace(input, _scaled("sub_", input, other, alpha))


def mul_(input: Tensor, other: Tensor | Number) -> Tensor:
    """`mul`, in place."""
    if Mul.written(input, other):
        return input
    check_operand("mul_", other)
    if isinstance(other, Variable) and other._level is not None and other._level.keeps_parts:
        return other._mul_to_(input)  # type: ignore[attr-defined]
    return Mul.inplace(input, other)


def div_(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """`div`, in place."""
    if rounding_mode is None and Div.written(input, other):
        return input
    check_operand("div_", other)
    if rounding_mode is None:
        return Div.inplace(input, other)
    return (FloorDivide if rounding_mode == "floor" else TruncDivide).inplace(input, other)


def floor_divide_(input: Tensor, other: Tensor | Number) -> Tensor:
    """`floor_divide`, in place."""
    return FloorDivide.inplace(input, other)


def abs_(input: Tensor) -> Tensor:
    """Like `abs`, written into the tensor, which may not be complex."""
    if isinstance(input, Variable) and input._array.dtype.kind == "c":
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    return Abs.inplace(input)


neg_ = negative_ = inplace(Neg)
reciprocal_ = inplace(Reciprocal, kernels.reciprocal)
OPERANDS = (Variable, *NUMBERS)
absolute, divide, multiply, negative, subtract, true_divide = abs, div, mul, neg, sub, div


class ArithmeticMethods:
    """The Tensor methods of this family."""

    add, sub, subtract, mul, multiply, div, divide, true_divide = add, sub, sub, mul, mul, div, div, div
    floor_divide, neg, negative = floor_divide, neg, neg
    reciprocal, abs, absolute, rsub = reciprocal, abs, abs, rsub
    __add__, __radd__, __sub__, __rsub__, __mul__, __rmul__ = _add, _add, _sub, _rsub, _mul, _mul
    __truediv__, __rtruediv__, __floordiv__, __rfloordiv__ = _truediv, _rtruediv, _floordiv, _rfloordiv
    __neg__, __abs__ = _neg, abs
    add_, sub_, subtract_, mul_, multiply_ = add_, sub_, sub_, mul_, mul_
    div_, divide_, true_divide_, floor_divide_ = div_, div_, div_, floor_divide_
    __iadd__, __isub__, __imul__, __itruediv__, __ifloordiv__ = add_, sub_, mul_, div_, floor_divide_
    neg_ = negative_ = neg_
    reciprocal_ = reciprocal_
    abs_ = absolute_ = abs_

    def __pos__(self: Any) -> Any:
        """`self`; RuntimeError for bool."""
        if self._array.dtype.kind == "b":
            raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
        return self
