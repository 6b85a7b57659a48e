"""Functions of two and three tensors: interpolation, products and quotients that are added, angles, steps, scalings.

The operands broadcast and their types are promoted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._numeric import (
    Array,
    as_result,
    check_tensor,
    floating,
    inplace_of_two,
    not_implemented,
    refuse_float8,
    refuse_wide_unsigned,
    widened,
)
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_two, quickly, quickly_into
from rushlight.ops.arithmetic import conj_of
from rushlight.ops.powers import pow
from rushlight.ops.promotion import NUMBERS, binary, check_broadcast, like, operands, result_type, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool | complex

__all__ = [
    "addcdiv", "addcmul", "arctan2", "atan2", "float_power", "heaviside", "ldexp", "ldexp_", "lerp", "nextafter",
]  # fmt: skip


_PLAIN = (float, int)


def _checked(function: Any, *arrays: Any) -> Array:
    """The function's result; RuntimeError where the arrays' shapes do not broadcast."""
    try:
        return function(*arrays)
    except ValueError:
        for other in arrays[1:]:
            check_broadcast(arrays[0], other)
        raise


def _between(a: Array, b: Array, w: Any) -> Any:
    # From the nearer end, so that weights 0 and 1 give the ends exactly.
    if not isinstance(w, np.ndarray):
        return kernels.interpolate(a, b, w)
    return np.where(np.abs(w) < 0.5, a + w * (b - a), b - (b - a) * (1 - w))


class Lerp(Operation):
    """`input + weight · (end - input)`."""

    node_name = "LerpBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, end: Tensor, weight: Any) -> Any:
        # Where the weight is a number, the tensors may change after.
        weighted = isinstance(weight, Variable) and weight.requires_grad
        ctx.save_for_backward(input if weighted else None, end if weighted else None, weight)
        ctx.shapes = like(input), like(end)

        array = input._array
        if not isinstance(weight, (Variable, int, float, complex, np.generic)):
            raise TypeError(
                f"lerp(): argument 'weight' (position 3) must be Tensor or Number, not {type(weight).__name__}"
            )
        w = widened(weight._array) if isinstance(weight, Variable) else weight
        return as_result(_checked(_between, widened(array), widened(end._array), w), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, end, weight = ctx.saved_tensors
        needs = ctx.needs_input_grad
        like_input, like_end = ctx.shapes
        return (
            unbroadcast(grad * conj_of(1 - weight), like_input) if needs[0] else None,
            unbroadcast(grad * conj_of(weight), like_end) if needs[1] else None,
            unbroadcast(grad * conj_of(end - input), weight) if needs[2] else None,
        )


class LerpTensor(Lerp):
    """`input + weight · (end - input)` with a tensor of weights."""

    node_name = "LerpBackward1"


def _lerp_operation(input: Tensor, end: Any, weight: Any) -> Any:
    check_tensor("lerp", "end", 2, end)
    if input.dtype is not end.dtype:
        raise RuntimeError(f"expected dtype {input.dtype} for `end` but got dtype {end.dtype}")
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise not_implemented("lerp_kernel_scalar", input._array.dtype)
    if not isinstance(weight, Variable):
        return Lerp
    if weight.dtype is not input.dtype:
        raise RuntimeError(f"expected dtype {input.dtype} for `weight` but got dtype {weight.dtype}")
    return LerpTensor


def lerp(input: Tensor, end: Tensor, weight: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input + weight · (end - input)`, elementwise with broadcasting; the weight is a number or a tensor.

    Raises RuntimeError where the types differ, NotImplementedError for integers, TypeError for an `end` that is a
    number.

    >>> import rushlight as torch
    >>> torch.lerp(torch.tensor([0.0, 1.0]), torch.tensor([10.0, 3.0]), 0.5)
    tensor([5., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lerp.html
    """
    check_tensor("lerp", "input", 1, input)
    if out is None and weight.__class__ in _PLAIN:
        result = quickly(lambda a, b: _between(a, b, weight), input, end)
        if result is not None:
            return result
    return into(out, _lerp_operation(input, end, weight).apply(input, end, weight))


def lerp_(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """`lerp`, written into the tensor."""
    if weight.__class__ in _PLAIN and quickly_into(input, lambda a, b: _between(a, b, weight), end):
        return input
    return _lerp_operation(input, end, weight).inplace(input, end, weight)


def _three(input: Tensor, tensor1: Tensor, tensor2: Tensor) -> tuple[np.dtype[Any], list[Array]]:
    """The promoted type of three tensors, and their arrays in it (or in float32 for narrower floats)."""
    dtype = result_type(input, tensor1, tensor2).numpy_dtype
    return dtype, [widened(t._array.astype(dtype, copy=False)) for t in (input, tensor1, tensor2)]


def _product_added(factor: Any) -> Any:
    return lambda a, b, c: kernels.add_product(a, b, c, factor)


class Addcmul(Operation):
    """`input + value · tensor1 · tensor2`."""

    node_name = "AddcmulBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, tensor1: Tensor, tensor2: Tensor, value: Any) -> Any:
        needs = ctx.needs_input_grad
        ctx.save_for_backward(tensor1 if needs[2] else None, tensor2 if needs[1] else None)
        ctx.like, ctx.value = like(input), value
        ctx.likes_of_factors = like(tensor1), like(tensor2)
        dtype, arrays = _three(input, tensor1, tensor2)
        if dtype.kind == "b":
            raise not_implemented("addcmul_cpu_out", dtype)
        refuse_wide_unsigned(dtype, "addcmul_cpu_out")
        factor = int(value) if dtype.kind in "iu" else value
        return as_result(_checked(_product_added(factor), *arrays), dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        tensor1, tensor2 = ctx.saved_tensors
        needs = ctx.needs_input_grad
        scaled = grad * ctx.value
        return (
            unbroadcast(grad, ctx.like) if needs[0] else None,
            unbroadcast(scaled * conj_of(tensor2), ctx.likes_of_factors[0]) if needs[1] else None,
            unbroadcast(scaled * conj_of(tensor1), ctx.likes_of_factors[1]) if needs[2] else None,
            None,
        )


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + value · tensor1 · tensor2`, elementwise with broadcasting and type promotion.

    Raises RuntimeError for shapes that don't broadcast.

    >>> import rushlight as torch
    >>> torch.addcmul(torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0]), value=0.5)
    tensor([4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.addcmul.html
    """
    if out is None and value.__class__ in _PLAIN:
        result = quickly(_product_added(value), input, tensor1, tensor2)
        if result is not None:
            return result
    return into(out, Addcmul.apply(input, tensor1, tensor2, value))


def addcmul_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """`addcmul`, written into the tensor."""
    check_tensor("addcmul_", "tensor1", 2, tensor1)
    check_tensor("addcmul_", "tensor2", 3, tensor2)
    if value.__class__ in _PLAIN and quickly_into(input, _product_added(value), tensor1, tensor2):
        return input
    return Addcmul.inplace(input, tensor1, tensor2, value)


def _quotient_added(factor: Any) -> Any:
    return lambda a, b, c: kernels.add_quotient(a, b, c, factor)


class Addcdiv(Operation):
    """`input + value · tensor1 / tensor2`."""

    node_name = "AddcdivBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, tensor1: Tensor, tensor2: Tensor, value: Any) -> Any:
        ctx.save_for_backward(tensor1, tensor2)
        ctx.like, ctx.value = like(input), value
        dtype, arrays = _three(input, tensor1, tensor2)
        return as_result(_checked(_quotient_added(value), *arrays), dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        tensor1, tensor2 = ctx.saved_tensors
        needs = ctx.needs_input_grad
        scaled = grad * ctx.value
        divisor = conj_of(tensor2)
        return (
            unbroadcast(grad, ctx.like) if needs[0] else None,
            unbroadcast(scaled / divisor, tensor1) if needs[1] else None,
            unbroadcast(-scaled * conj_of(tensor1) / (divisor * divisor), tensor2) if needs[2] else None,
            None,
        )


def _check_addcdiv(tensor1: Tensor, tensor2: Tensor) -> None:
    if tensor1._array.dtype.kind in "biu" and tensor2._array.dtype.kind in "biu":
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. Use (input + value * torch.trunc(tensor1 / tensor2)) for integer "
            f"results, or convert one operand to floating point; got {tensor1.dtype} and {tensor2.dtype}."
        )


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + value · tensor1 / tensor2`, elementwise with broadcasting; RuntimeError where both divided are integers.

    >>> import rushlight as torch
    >>> torch.addcdiv(torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([2.0]))
    tensor([2.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.addcdiv.html
    """
    check_tensor("addcdiv", "tensor1", 2, tensor1)
    check_tensor("addcdiv", "tensor2", 3, tensor2)
    _check_addcdiv(tensor1, tensor2)
    if out is None and value.__class__ in _PLAIN:
        result = quickly(_quotient_added(value), input, tensor1, tensor2)
        if result is not None:
            return result
    return into(out, Addcdiv.apply(input, tensor1, tensor2, value))


def addcdiv_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """`addcdiv`, written into the tensor."""
    check_tensor("addcdiv_", "tensor1", 2, tensor1)
    check_tensor("addcdiv_", "tensor2", 3, tensor2)
    _check_addcdiv(tensor1, tensor2)
    if value.__class__ in _PLAIN and quickly_into(input, _quotient_added(value), tensor1, tensor2):
        return input
    return Addcdiv.inplace(input, tensor1, tensor2, value)


class Atan2(Operation):
    """The angle of the point (other, input)."""

    node_name = "Atan2Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        if input._array.dtype.kind in "biu" and other._array.dtype.kind in "biu":
            # Refuses pairs that have no common type.
            result_type(input, other)
            return binary(np.arctan2, wrap(floating(input)), wrap(floating(other)))
        return binary(np.arctan2, input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        scaled = grad / (input * input + other * other)
        return (
            unbroadcast(scaled * other, input) if ctx.needs_input_grad[0] else None,
            unbroadcast(scaled * -input, other) if ctx.needs_input_grad[1] else None,
        )


@quick_of_two(np.arctan2)
def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point with x = other and y = input, in [-π, π], elementwise with broadcasting.

    Raises TypeError for a number.

    >>> import rushlight as torch
    >>> torch.atan2(torch.tensor([1.0]), torch.tensor([-1.0]))
    tensor([2.3562])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.atan2.html
    """
    check_tensor("atan2", "other", 2, other)
    return into(out, Atan2.apply(input, other))


arctan2 = atan2


class _WithoutDerivative(Operation):
    """An operation that PyTorch gives no derivative to: the backward pass says so."""

    node_name = "NotImplemented"
    name = ""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        raise RuntimeError(f"derivative for aten::{ctx._function.name} is not implemented")


_LEAST = -1


def _step(a: Array, v: Array) -> Any:
    if a.dtype.char in "fd":
        # NumPy's answer to NaN is NaN; the greater of NaN and a number is the number.
        return np.heaviside(np.fmax(a, _LEAST), v)
    return np.where(a == 0, v, a > 0).astype(a.dtype, copy=False)


class Heaviside(_WithoutDerivative):
    """The step function, with given values at 0."""

    name = "heaviside"

    @staticmethod
    def forward(ctx: Any, input: Tensor, values: Tensor) -> Any:
        a, v = operands(input, values)
        refuse_float8(a.dtype, "heaviside_cpu")
        refuse_wide_unsigned(a.dtype, "heaviside_cpu")
        if a.dtype.kind == "c":
            raise RuntimeError("heaviside is not yet implemented for complex tensors.")
        return _step(a, v)


def _check_heaviside(input: Tensor, values: Any) -> None:
    check_tensor("heaviside", "values", 2, values)
    if input.dtype is not values.dtype:
        raise RuntimeError(
            f"heaviside is not yet implemented for tensors with different dtypes, but got {input.dtype} and "
            f"{values.dtype}."
        )


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 where `input` is negative, 1 where it is positive, `values` where it is 0; RuntimeError where the types differ.

    >>> import rushlight as torch
    >>> torch.heaviside(torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.heaviside.html
    """
    if out is None and (result := quickly(_step, input, values)) is not None:
        return result
    check_tensor("heaviside", "input", 1, input)
    _check_heaviside(input, values)
    return into(out, Heaviside.apply(input, values))


class Nextafter(Operation):
    """The next number of the type towards another: its gradient is that of the first, except where they are equal."""

    node_name = "NextafterBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.likes = like(input), like(other)
        a, b = operands(input, other)
        if a.dtype.kind in "biuc":
            raise not_implemented("nextafter_cpu", a.dtype)
        refuse_float8(a.dtype, "nextafter_cpu")
        if ctx.needs_input_grad[0]:
            ctx.equal = _checked(np.equal, a, b)
        return _checked(np.nextafter, a, b)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        needs = ctx.needs_input_grad
        return (
            unbroadcast(grad.masked_fill(wrap(ctx.equal), 0), ctx.likes[0]) if needs[0] else None,
            unbroadcast(wrap(np.zeros_like(grad._array)), ctx.likes[1]) if needs[1] else None,
        )


@quick_of_two(np.nextafter)
def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next representable number after each element of `input` towards that of `other`; NotImplementedError for
    integers.

    >>> import rushlight as torch
    >>> bool(torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0])) > 1)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nextafter.html
    """
    check_tensor("nextafter", "input", 1, input)
    check_tensor("nextafter", "other", 2, other)
    return into(out, Nextafter.apply(input, other))


class Ldexp(Operation):
    """`input · 2 ** other`."""

    node_name = "LdexpBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        array, exponent = input._array, other._array
        if array.dtype.kind in "fV" and exponent.dtype.kind in "biu":
            if exponent.dtype.kind == "b" or (exponent.dtype.kind == "u" and exponent.dtype.itemsize > 1):
                raise not_implemented("ldexp_cpu_exp", exponent.dtype)
            refuse_float8(array.dtype, "ldexp_cpu")
            # No number has an exponent beyond these.
            near = np.clip(exponent, -5000, 5000) if exponent.dtype.itemsize > 1 else exponent
            return as_result(_checked(np.ldexp, widened(array), near.astype(np.int32)), array.dtype)
        refuse_float8(exponent.dtype, "pow")
        if array.dtype.kind == "c":
            exponent = exponent.astype(result_type(input, other).numpy_dtype, copy=False)
        power = exponent if exponent.dtype.kind in "fcV" else floating(other)
        return binary(np.multiply, input, wrap(np.exp2(power)))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        scaled = grad * conj_of(other.exp2())
        return (
            unbroadcast(scaled, input) if ctx.needs_input_grad[0] else None,
            unbroadcast(scaled * conj_of(input) * math.log(2), other) if ctx.needs_input_grad[1] else None,
        )


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`input · 2 ** other`, elementwise with broadcasting, floating point; TypeError for a number.

    >>> import rushlight as torch
    >>> torch.ldexp(torch.tensor([1.0, 3.0]), torch.tensor([4, 1]))
    tensor([16.,  6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ldexp.html
    """
    check_tensor("ldexp", "input", 1, input)
    check_tensor("ldexp", "other", 2, other)
    return into(out, Ldexp.apply(input, other))


def float_power(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """`input ** exponent` in float64 (complex128 for complex); one of the two may be a number.

    >>> import rushlight as torch
    >>> torch.float_power(torch.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=torch.float64)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.float_power.html
    """
    wide = _power_type(input, exponent)
    if out is not None and out.dtype is not wide:
        raise RuntimeError(
            f"the output given to float_power has dtype {out.dtype.legacy_name} but the operation's result requires "
            f"dtype {wide.legacy_name}"
        )
    base, power = (v.to(wide) if isinstance(v, Variable) else v for v in (input, exponent))
    return into(out, pow(base, power))


def _power_type(input: Any, exponent: Any) -> dtypes.dtype:
    """float64, or complex128 where one operand is complex."""
    known = all(isinstance(v, (Variable, *NUMBERS)) for v in (input, exponent))
    if not known or not (isinstance(input, Variable) or isinstance(exponent, Variable)):
        raise TypeError(
            f"float_power() received an invalid combination of arguments - got ({type(input).__name__}, "
            f"{type(exponent).__name__}), but expected a Tensor among them"
        )
    found = (v.dtype.is_complex if isinstance(v, Variable) else isinstance(v, complex) for v in (input, exponent))
    return dtypes.complex128 if any(found) else dtypes.float64


def _float_power_in_place(self: Tensor, exponent: Any) -> Tensor:
    """Like `float_power`, written into the tensor, which must have the type of the result."""
    wide = _power_type(self, exponent)
    if self.dtype is not wide:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype.legacy_name} but the operation's result requires "
            f"dtype {wide.legacy_name}"
        )
    return self.pow_(exponent.to(wide) if isinstance(exponent, Variable) else exponent)


def ldexp_(input: Tensor, other: Tensor) -> Tensor:
    """Like `ldexp`, written into the tensor."""
    check_tensor("ldexp_", "input", 1, input)
    check_tensor("ldexp_", "other", 2, other)
    if input._array.dtype.kind in "biu":
        raise RuntimeError(f"ldexp can't be cast to the desired output type {input.dtype.legacy_name}")
    return Ldexp.inplace(input, other)


class CombinationMethods:
    """The functions of this family as methods of Tensor."""

    addcdiv, addcdiv_ = addcdiv, addcdiv_
    addcmul, addcmul_ = addcmul, addcmul_
    atan2 = arctan2 = atan2
    atan2_ = arctan2_ = inplace_of_two(Atan2, "atan2_")
    float_power, float_power_ = float_power, _float_power_in_place
    heaviside = heaviside
    ldexp, ldexp_ = ldexp, ldexp_
    lerp, lerp_ = lerp, lerp_
    nextafter = nextafter
    nextafter_ = inplace_of_two(Nextafter, "nextafter_")

    def heaviside_(self: Any, values: Any) -> Any:
        """`heaviside`, written into this tensor."""
        _check_heaviside(self, values)
        return Heaviside.inplace(self, values)
