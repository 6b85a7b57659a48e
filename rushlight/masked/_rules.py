"""What operations compute where an argument is a masked tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.autograd.transforms import replaced
from rushlight.layout import strided
from rushlight.masked import _reductions
from rushlight.masked._masks import any_of, canonical_dims
from rushlight.masked._tensor import RULES, MaskedTensor, made
from rushlight.ops import (
    arithmetic,
    axes,
    bessel,
    bitwise,
    broadcast,
    choice,
    combination,
    comparison,
    conversion,
    extremum,
    gamma,
    index,
    joining,
    norms,
    pointwise,
    powers,
    reduce,
    remainder,
    rounding,
    shape,
    sign,
    slicing,
    softmax,
    special,
    splitting,
    trigonometric,
    variance,
)  # fmt: skip

__all__ = ["reduced"]


def _unary(operation: Any, input: Any, *args: Any) -> Any:
    """A function of each element: of the data, under the same mask."""
    if any(hasattr(a, "_level") for a in args):
        raise TypeError("MaskedTensor unary ops do not support additional Tensor arguments")
    data = input._data
    if data.layout is strided:
        return made(operation.apply(data, *args), input._mask)
    return made(data._like(operation.apply(data._entries, *args)), input._mask)


def _same(a: Any, b: Any) -> bool:
    if a.layout is not b.layout or a.shape != b.shape:
        return False
    if a.layout is strided:
        return bool(a.equal(b))
    pairs = zip(a._parts()[:3], b._parts()[:3], strict=True)
    return all(x.equal(y) for x, y in pairs if hasattr(x, "equal"))


def _binary(operation: Any, *args: Any) -> Any:
    """A function of two elements; ValueError for masks that differ."""
    masked = [a for a in args if isinstance(a, MaskedTensor)]
    if len(masked) == 2 and not _same(masked[0]._mask, masked[1]._mask):
        raise ValueError("Input masks must match. If you need support for this, please open an issue on Github.")
    mask, model = masked[0]._mask, masked[0]._data
    data = [a._data if isinstance(a, MaskedTensor) else a for a in args]
    if model.layout is strided:
        found = operation.apply(*data)
        return made(found, mask.expand_as(found))
    values = [a._entries if hasattr(a, "_entries") else a for a in data]
    return made(model._like(operation.apply(*values)), mask)


def _both(operation: Any, *args: Any) -> Any:
    """What moves elements moves the mask in the same way."""

    def part(name: str) -> Any:
        return operation.apply(*replaced(args, lambda a: getattr(a, name) if isinstance(a, MaskedTensor) else a))

    data, mask = part("_data"), part("_mask")
    if isinstance(data, tuple):
        return tuple([made(d, m) for d, m in zip(data, mask, strict=True)])
    return made(data, mask)


def _where(operation: Any, condition: Any, input: Any, other: Any) -> Any:
    """The chosen elements with the mask of each; what is not masked counts everywhere."""
    pair = [a if isinstance(a, MaskedTensor) else made(a, a.new_ones(a.shape).bool()) for a in (input, other)]
    data = operation.apply(condition, pair[0]._data, pair[1]._data)
    return made(data, operation.apply(condition, pair[0]._mask, pair[1]._mask))


def _softmax(operation: Any, input: Any, dim: int) -> Any:
    function = _reductions.softmax if operation is softmax.Softmax else _reductions.log_softmax
    return made(function(input._data, dim, mask=input._mask), input._mask)


def _clone(operation: Any, input: Any, *args: Any) -> Any:
    return made(operation.apply(input._data, *args), operation.apply(input._mask, *args))


def _copied(operation: Any, input: Any, *args: Any) -> Any:
    return made(operation.apply(input._data, *args), input._mask)


def reduced(name: str, input: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None, **named: Any) -> Any:
    """A reduction: masked where no element counted."""
    function = getattr(_reductions, name)
    if input.layout is not strided:
        if dim is not None:
            raise TypeError(f"no implementation found for '{name}' of sparse MaskedTensors along a dimension")
        data, mask = input._data._entries, input._mask._entries
        return made(function(data, mask=mask, **named), mask.any())
    if dim is None:
        found = function(input._data, mask=input._mask, dtype=dtype, keepdim=keepdim, **named)
        return made(found, any_of(input._mask, range(input.ndim), keepdim))
    found = function(input._data, dim=dim, keepdim=keepdim, dtype=dtype, mask=input._mask, **named)
    return made(found, any_of(input._mask, canonical_dims(dim, input.ndim), keepdim))


def _reduction(name: str) -> Callable[..., Any]:
    def rule(operation: Any, input: Any, dim: Any = None, keepdim: bool = False, *rest: Any) -> Any:
        return reduced(name, input, None if dim == () else dim, keepdim)

    return rule


def _argument(operation: Any, input: Any, dim: Any, keepdim: bool, kind: str) -> Any:
    return reduced(kind, input, dim, keepdim)


def _norm(operation: Any, input: Any, order: float, dim: Any, keepdim: bool) -> Any:
    return reduced("norm", input, dim, keepdim, ord=order)


def _moment(name: str) -> Callable[..., Any]:
    def rule(operation: Any, input: Any, dim: Any, correction: float, keepdim: bool) -> Any:
        return reduced(name, input, dim, keepdim, correction=correction)

    return rule


def _truth(operation: Any, input: Any, dim: Any, keepdim: bool, function: Any) -> Any:
    if function.__name__ != "logical_and":
        raise TypeError("no implementation found for 'any' on types that implement __torch_dispatch__: [MaskedTensor]")
    return input.all(dim, keepdim)


_UNARY = (
    arithmetic.Abs, arithmetic.Neg, arithmetic.Reciprocal, bessel.I0, bitwise.BitwiseNot, comparison.Question,
    gamma.Digamma, gamma.Lgamma, pointwise.Deg2rad, pointwise.Exp2, pointwise.Expm1, pointwise.Log10, pointwise.Log1p,
    pointwise.Log2, pointwise.Rad2deg, powers.Exp, powers.Log, powers.PowScalar, powers.Rsqrt, powers.Sqrt,
    rounding.Ceil, rounding.Clamp, rounding.ClampMax, rounding.ClampMin, rounding.Floor, rounding.Frac,
    rounding.NanToNum, rounding.Round, rounding.RoundDecimals, rounding.Trunc, sign.Angle, sign.Conj, sign.Sgn,
    sign.Sign, special.Erf, special.Erfc, special.Erfinv, special.Logit, special.Sigmoid, special.Sinc,
    trigonometric.Acos, trigonometric.Acosh, trigonometric.Asin, trigonometric.Asinh, trigonometric.Atan,
    trigonometric.Atanh, trigonometric.Cos, trigonometric.Cosh, trigonometric.Sin, trigonometric.Sinh,
    trigonometric.Tan, trigonometric.Tanh,
)  # fmt: skip
_BINARY = (
    arithmetic.Add, arithmetic.Div, arithmetic.FloorDivide, arithmetic.Mul, arithmetic.Rsub, arithmetic.Sub,
    arithmetic.TruncDivide, bitwise.BitwiseAnd, bitwise.BitwiseOr, bitwise.BitwiseXor, bitwise.LeftShift,
    bitwise.RightShift, choice.Fmax, choice.Maximum, choice.Minimum, combination.Atan2, combination.Nextafter,
    comparison.Compare, remainder.Remainder, special.Logaddexp, special.Logaddexp2,
)  # fmt: skip
_BOTH = (
    broadcast.Expand, index.Index, joining.Cat, joining.Stack, axes.Permute, shape.Squeeze, axes.T, axes.Transpose,
    shape.UnsafeView, shape.Unsqueeze, shape.View, slicing.Select, slicing.Slice, slicing.Unfold, splitting.Split,
    splitting.Unbind,
)  # fmt: skip
for _group, _rule in ((_UNARY, _unary), (_BINARY, _binary), (_BOTH, _both)):
    RULES.update(dict.fromkeys(_group, _rule))
RULES.update(
    {
        choice.Where: _where,
        conversion.Clone: _clone,
        conversion.ToCopy: _copied,
        softmax.Softmax: _softmax,
        softmax.LogSoftmax: _softmax,
        reduce.Sum: _reduction("sum"),
        reduce.SumDim: _reduction("sum"),
        reduce.Mean: _reduction("mean"),
        reduce.MeanDim: _reduction("mean"),
        reduce.Prod: _reduction("prod"),
        reduce.ProdDim: _reduction("prod"),
        reduce.Truth: _truth,
        extremum.Amax: _reduction("amax"),
        extremum.Amin: _reduction("amin"),
        extremum.Argument: _argument,
        norms.VectorNorm: _norm,
        variance.Var: _moment("var"),
        variance.Std: _moment("std"),
    }
)
