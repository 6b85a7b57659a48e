"""Rounding to whole numbers, and numbers held within bounds.

Steps have a gradient of zero; within bounds it is that of the element, outside zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels, return_types
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._clamped import clamped, clamped_gradient
from rushlight.ops._numeric import (
    Array,
    as_result,
    check_tensor,
    inplace,
    not_implemented,
    refuse_float8,
    require_floating,
    widened,
)
from rushlight.ops._out import into, into_each
from rushlight.ops._quick import quick_of_one, quickly, quickly_into
from rushlight.ops.promotion import binary, check_fits, operands, result_type, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool

__all__ = [
    "ceil", "ceil_", "clamp", "clamp_", "clamp_max", "clamp_max_", "clamp_min", "clamp_min_", "clip", "clip_", "fix",
    "fix_", "floor", "floor_", "frac", "frac_", "frexp", "nan_to_num", "nan_to_num_", "round", "round_",
    "trunc", "trunc_",
]  # fmt: skip


class _Rounding(Operation):
    """A step function: its gradient is 0."""

    @staticmethod
    def rounded(ufunc: Any, name: str, input: Tensor) -> Array:
        """The rounded elements; integers are whole already."""
        array = input._array
        kind = array.dtype.kind
        if kind in "bc":
            if kind == "c":
                raise NotImplementedError(f"{name} is not supported for complex inputs")
            raise not_implemented(f"{name}_vml_cpu", array.dtype)
        refuse_float8(array.dtype, f"{name}_vml_cpu")
        return array.copy() if kind in "iu" else ufunc(array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return (wrap(np.zeros_like(grad._array)), *(None,) * (len(ctx._edges) - 1))


class Floor(_Rounding):
    """The greatest integer that is not greater."""

    node_name = "FloorBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return Floor.rounded(np.floor, "floor", input)


class Ceil(_Rounding):
    """The least integer that is not less."""

    node_name = "CeilBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return Ceil.rounded(np.ceil, "ceil", input)


class Trunc(_Rounding):
    """The integer part."""

    node_name = "TruncBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return Trunc.rounded(np.trunc, "trunc", input)


class Round(_Rounding):
    """The nearest integer, of two the even one."""

    node_name = "RoundBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return Round.rounded(np.rint, "round", input)


class RoundDecimals(_Rounding):
    """The nearest number with so many decimals."""

    node_name = "RoundBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, decimals: int) -> Any:
        array = require_floating(input._array, "round_cpu")
        scale = 10.0 ** abs(decimals)
        wide = widened(array)
        if decimals < 0:
            return as_result(np.rint(wide / scale) * scale, array.dtype)
        return as_result(np.rint(wide * scale) / scale, array.dtype)


@quick_of_one(np.floor)
def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest integer not greater than each element, in its type; NotImplementedError for bool.

    >>> import rushlight as torch
    >>> torch.floor(torch.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.floor.html
    """
    return into(out, Floor.apply(input))


@quick_of_one(np.ceil)
def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least integer not less than each element, in its type; NotImplementedError for bool.

    >>> import rushlight as torch
    >>> torch.ceil(torch.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ceil.html
    """
    return into(out, Ceil.apply(input))


@quick_of_one(np.trunc)
def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The integer part of each element, in its type; NotImplementedError for bool.

    >>> import rushlight as torch
    >>> torch.trunc(torch.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.trunc.html
    """
    return into(out, Trunc.apply(input))


fix = trunc


@quick_of_one(np.rint)
def round(input: Tensor, *, decimals: int | None = None, out: Tensor | None = None) -> Tensor:
    """Each element rounded to `decimals` places (negative: to tens, hundreds, …; none if left out), halves to the even
    neighbour.

    Raises NotImplementedError for bool, and for integers if `decimals` is given.

    >>> import rushlight as torch
    >>> torch.round(torch.tensor([0.5, 1.5, 2.5]))
    tensor([0., 2., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.round.html
    """
    return into(out, Round.apply(input) if decimals is None else RoundDecimals.apply(input, decimals))


def round_to_decimals(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """Each floating-point element rounded to `decimals` places, halves to the even neighbour.

    Raises NotImplementedError for bool and integers.

    >>> import rushlight as torch
    >>> torch.special.round(torch.tensor([0.25, 1.55]), decimals=1)
    tensor([0.2000, 1.6000])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.round
    """
    check_tensor("special_round", "input", 1, input)
    return into(out, RoundDecimals.apply(input, decimals))


def round_(input: Tensor, *, decimals: int | None = None) -> Tensor:
    """`round`, written into the tensor."""
    if decimals is None and quickly_into(input, np.rint):
        return input
    return Round.inplace(input) if decimals is None else RoundDecimals.inplace(input, decimals)


def _fraction(array: Array) -> Any:
    return np.subtract(array, np.trunc(array))


class Frac(Operation):
    """What is left of each element without its integer part."""

    node_name = "FracBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return _fraction(require_floating(input._array, "frac_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad


@quick_of_one(_fraction)
def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`input - trunc(input)` of each element; NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.frac(torch.tensor([-1.5, 1.25]))
    tensor([-0.5000,  0.2500])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.frac.html
    """
    return into(out, Frac.apply(input))


def _float_bounds(array: Any, low: Any, high: Any) -> tuple[float, float] | None:
    """Two bounds for the compiled kernel, if it takes the array and the bounds; one left out is infinite."""
    if array.dtype.char not in "fd":
        return None
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    if low.__class__ not in _PLAIN or high.__class__ not in _PLAIN or low != low or high != high:
        return None
    return float(low), float(high)


_PLAIN = (float, int)
_SAFE = 1e38


class Clamp(Operation):
    """The element held between two bounds; the gradient passes where it lies within."""

    node_name = "ClampBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, min: Any, max: Any) -> Any:
        bounds = _float_bounds(input._array, min, max)
        if bounds is not None:
            return clamped(ctx, input, *bounds, open=False)
        ctx.save_for_backward(input)
        ctx.bounds = min, max
        out: Any = input
        if min is not None:
            out = binary(np.maximum, out, min)
        if max is not None:
            out = binary(np.minimum, out if isinstance(out, Variable) else wrap(out), max)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        if ctx.bounds is None:
            reuse = ctx._may_overwrite(grad)
            return clamped_gradient(ctx, grad, reuse), None, None
        (input,) = ctx.saved_tensors
        low, high = ctx.bounds
        array = input._array
        outside: Any = None
        if low is not None:
            outside = array < low
        if high is not None:
            outside = array > high if outside is None else outside | (array > high)
        return unbroadcast(grad.masked_fill(wrap(np.asarray(outside)), 0), input), None, None


class ClampTensor(Operation):
    """The element held between two tensors; the gradient goes to whichever was taken."""

    node_name = "ClampBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, min: Any, max: Any) -> Any:
        ctx.save_for_backward(input, min, max)
        out: Any = input
        if min is not None and max is not None and not input._array.dtype is min._array.dtype is max._array.dtype:
            # All three have a say in the type at once.
            dtype = result_type(input, min, max).numpy_dtype
            out, min, max = (wrap(t._array.astype(dtype, copy=False)) for t in (input, min, max))
        if min is not None:
            out = binary(np.maximum, out, min)
        if max is not None:
            out = binary(np.minimum, out if isinstance(out, Variable) else wrap(out), max)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, low, high = ctx.saved_tensors
        below: Any = np.zeros((), np.bool_) if low is None else np.less(*operands(input, low))
        above: Any = np.zeros((), np.bool_) if high is None else np.greater(*operands(input, high))
        needs = ctx.needs_input_grad
        if low is not None and high is not None:
            # Where the bounds cross, the upper one is the result.
            crossed = np.greater(*operands(low, high))
            above = above | crossed
            below = below & ~crossed
        shape = grad._array.shape
        taken = [np.broadcast_to(t, shape) for t in (~(below | above), below, above)]
        return tuple(
            unbroadcast(grad.masked_fill(wrap(~t), 0), source) if need else None
            for t, source, need in zip(taken, (input, low, high), needs, strict=True)
        )


class ClampMin(Clamp):
    """The element or a number, whichever is greater."""

    node_name = "ClampMinBackward0"


class ClampMinTensor(ClampTensor):
    """The element or that of another tensor, whichever is greater."""

    node_name = "ClampMinBackward1"


class ClampMax(Clamp):
    """The element or a number, whichever is less."""

    node_name = "ClampMaxBackward0"


class ClampMaxTensor(ClampTensor):
    """The element or that of another tensor, whichever is less."""

    node_name = "ClampMaxBackward1"


def _clamp_operation(input: Tensor, min: Any, max: Any, by_number: Any = Clamp, by_tensor: Any = ClampTensor) -> Any:
    """Which operation takes these bounds; raises where none does."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    check_tensor("clamp", "input", 1, input)
    if input._array.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    tensors = [isinstance(bound, Variable) for bound in (min, max) if bound is not None]
    if any(tensors) and not all(tensors):
        raise TypeError(
            f"clamp() received an invalid combination of arguments - got ({type(min).__name__}, {type(max).__name__}), "
            "but expected both bounds to be Tensors or both to be numbers"
        )
    for bound in (min, max):
        check_fits(bound, input.dtype)
    return by_tensor if tensors[0] else by_number


def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor:
    """`min(max(input, min), max)`, elementwise: bounds are numbers or tensors, and one may be left out. NaN stays NaN.

    Where min > max the result is max. Raises RuntimeError with no bound, TypeError for a number beside a tensor.

    >>> import rushlight as torch
    >>> torch.clamp(torch.tensor([-1.0, 0.5, 2.0]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.clamp.html
    """
    # Numbers that every type which the kernel takes can hold need no further look.
    plain = out is None and min.__class__ in _PLAIN and max.__class__ in _PLAIN and isinstance(input, Variable)
    if plain and input._array.dtype.char in "fd" and abs(min) < _SAFE and abs(max) < _SAFE:
        low, high = float(min), float(max)
        result = quickly(lambda array: kernels.clamp(array, low, high), input)
        return Clamp.apply(input, min, max) if result is None else result
    return into(out, _clamp_operation(input, min, max).apply(input, min, max))


def clamp_(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """`clamp`, written into the tensor."""
    if min.__class__ in _PLAIN and max.__class__ in _PLAIN and abs(min) < _SAFE and abs(max) < _SAFE:
        low, high = float(min), float(max)
        if quickly_into(input, lambda array: kernels.clamp(array, low, high)):
            return input
    return _clamp_operation(input, min, max).inplace(input, min, max)


def clamp_min(input: Tensor, min: Any, *, out: Tensor | None = None) -> Tensor:
    """The greater of each element and `min`, a number or a tensor.

    Shapes broadcast and types are promoted. Raises NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.clamp_min(torch.tensor([-1.0, 2.0]), 0)
    tensor([0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.clamp.html
    """
    check_tensor("clamp_min", "input", 1, input)
    return into(out, _clamp_operation(input, min, None, ClampMin, ClampMinTensor).apply(input, min, None))


def clamp_min_(input: Tensor, min: Any) -> Tensor:
    """`clamp_min`, written into the tensor."""
    check_tensor("clamp_min_", "input", 1, input)
    return _clamp_operation(input, min, None, ClampMin, ClampMinTensor).inplace(input, min, None)


def clamp_max(input: Tensor, max: Any, *, out: Tensor | None = None) -> Tensor:
    """The less of each element and `max`, a number or a tensor.

    Shapes broadcast and types are promoted. Raises NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.clamp_max(torch.tensor([-1.0, 2.0]), 0)
    tensor([-1.,  0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.clamp.html
    """
    check_tensor("clamp_max", "input", 1, input)
    return into(out, _clamp_operation(input, None, max, ClampMax, ClampMaxTensor).apply(input, None, max))


def clamp_max_(input: Tensor, max: Any) -> Tensor:
    """`clamp_max`, written into the tensor."""
    check_tensor("clamp_max_", "input", 1, input)
    return _clamp_operation(input, None, max, ClampMax, ClampMaxTensor).inplace(input, None, max)


clip, clip_ = clamp, clamp_


class Frexp(Operation):
    """The number as a mantissa between 1/2 and 1 and a power of two."""

    node_name = "FrexpBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        array = input._array
        mantissa, exponent = np.frexp(widened(array))
        exponent = np.where(np.isfinite(mantissa), exponent, 0).astype(np.int32)
        ctx.exponent = wrap(exponent)
        return as_result(mantissa, array.dtype), exponent

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> Any:
        return grad / ctx.exponent.to(grad.dtype).exp2()


def frexp(input: Tensor, *, out: Any = None) -> Any:
    """`input = mantissa · 2^exponent` with |mantissa| in [1/2, 1), as a named tuple; the exponents are int32.

    Zero, the infinities and NaN are their own mantissas, with the exponent 0. Raises RuntimeError for types that are
    not floating point.

    >>> import rushlight as torch
    >>> torch.frexp(torch.tensor([1.0, -3.0])).mantissa
    tensor([ 0.5000, -0.7500])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.frexp.html
    """
    check_tensor("frexp", "input", 1, input)
    if input._array.dtype.kind in "biuc":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return into_each(out, return_types.frexp(Frexp.apply(input)))


def _finite(array: Array, nan: float | None, posinf: float | None, neginf: float | None) -> Any:
    if np.count_nonzero(np.isfinite(array)) == array.size:
        return array.copy()
    limits = dtypes.finfo(dtypes.from_numpy_dtype(array.dtype))
    out = np.where(np.isnan(array), np.asarray(nan or 0.0).astype(array.dtype), array)
    out[array == np.inf] = limits.max if posinf is None else posinf
    out[array == -np.inf] = limits.min if neginf is None else neginf
    return out


class NanToNum(Operation):
    """Numbers in the place of NaN and the infinities; no gradient passes there."""

    node_name = "NanToNumBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, nan: float | None, posinf: float | None, neginf: float | None) -> Any:
        array = input._array
        refuse_float8(array.dtype, "nan_to_num")
        ctx.save_for_backward(input)
        if array.dtype.kind in "biu":
            return array.copy()
        if array.dtype.kind == "c":
            return np.nan_to_num(array, nan=nan or 0.0, posinf=posinf, neginf=neginf)
        return _finite(array, nan, posinf, neginf)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad.masked_fill(wrap(~np.isfinite(input._array)), 0), None, None, None


def nan_to_num(
    input: Tensor,
    nan: float | None = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`nan` for each NaN, `posinf` and `neginf` for the infinities (the type's greatest and least number if None).

    >>> import rushlight as torch
    >>> torch.nan_to_num(torch.tensor([float("nan"), 1.0]))
    tensor([0., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nan_to_num.html
    """
    if out is None and (result := quickly(lambda array: _finite(array, nan, posinf, neginf), input)) is not None:
        return result
    return into(out, NanToNum.apply(input, nan, posinf, neginf))


def nan_to_num_(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """`nan_to_num`, written into the tensor."""
    return NanToNum.inplace(input, nan, posinf, neginf)


floor_ = inplace(Floor, np.floor)
ceil_ = inplace(Ceil, np.ceil)
trunc_ = fix_ = inplace(Trunc, np.trunc)
frac_ = inplace(Frac, _fraction)


class RoundingMethods:
    """The functions of this family as methods of Tensor."""

    ceil, ceil_ = ceil, ceil_
    clamp = clip = clamp
    clamp_ = clip_ = clamp_
    clamp_max, clamp_max_ = clamp_max, clamp_max_
    clamp_min, clamp_min_ = clamp_min, clamp_min_
    floor, floor_ = floor, floor_
    frac, frac_ = frac, frac_
    frexp = frexp
    nan_to_num, nan_to_num_ = nan_to_num, nan_to_num_
    round, round_ = round, round_
    trunc = fix = trunc
    trunc_ = fix_ = trunc_
