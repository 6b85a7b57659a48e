"""Choices between elements: the greater, the less, by a condition, by a mask.

Gradients flow to the elements that were chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd._quantized import refuse
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.index import fill_masked
from rushlight.ops._codes import fill_codes
from rushlight.ops._data import fill_array
from rushlight.ops._geometry import warn_of_overlap
from rushlight.ops._numeric import check_tensor, not_implemented
from rushlight.ops._out import into, plain
from rushlight.ops._quick import free, quick_of_two, quickly, quickly_into
from rushlight.ops.promotion import (
    NUMBERS,
    binary,
    check_broadcast,
    like,
    operands,
    result_type,
    unbroadcast,
)

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool | complex

__all__ = ["fmax", "fmin", "masked_fill", "maximum", "minimum", "where"]


# Numbers up to here fit into every floating-point type that computes.
_SAFE = 65504.0


def _check_real(kernel: str, *values: Any) -> None:
    for value in values:
        if value._array.dtype.kind == "c":
            raise not_implemented(kernel, value._array.dtype)


class _Choice(Operation):
    """The greater or the less of two elements; a NaN wins; equal elements share the gradient."""

    ufunc: Any

    @staticmethod
    def gradients(ctx: Any, grad: Tensor, loses: Any, other_loses: Any) -> Any:
        """The gradient for each operand where it was chosen, half of it where both are equal."""
        input, other = ctx.saved_tensors
        a, b = operands(input, other)
        ties = np.equal(a, b)
        shared = where(wrap(ties), grad / 2, grad) if ties.any() else grad
        return (
            unbroadcast(shared.masked_fill(wrap(loses(a, b)), 0), input) if ctx.needs_input_grad[0] else None,
            unbroadcast(shared.masked_fill(wrap(other_loses(a, b)), 0), other) if ctx.needs_input_grad[1] else None,
        )


class Maximum(_Choice):
    """The greater of two elements."""

    node_name = "MaximumBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        return binary(kernels.maximum, input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Maximum.gradients(ctx, grad, np.less, np.greater)


class Minimum(_Choice):
    """The less of two elements."""

    node_name = "MinimumBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        return binary(kernels.minimum, input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Minimum.gradients(ctx, grad, np.greater, np.less)


@quick_of_two(kernels.maximum, "fdlihbB")
def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greater of each two elements, with broadcasting; NaN if either is. Equal elements share the gradient.

    Raises TypeError for a number, NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.maximum(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 3.0]))
    tensor([2., 4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.maximum.html
    """
    check_tensor("maximum", "input", 1, input)
    check_tensor("maximum", "other", 2, other)
    _check_real("maximum_cpu", input, other)
    return into(out, Maximum.apply(input, other))


@quick_of_two(kernels.minimum, "fdlihbB")
def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The less of each two elements, with broadcasting; NaN if either is. Equal elements share the gradient.

    Raises TypeError for a number, NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.minimum(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 3.0]))
    tensor([1., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.minimum.html
    """
    check_tensor("minimum", "input", 1, input)
    check_tensor("minimum", "other", 2, other)
    _check_real("minimum_cpu", input, other)
    return into(out, Minimum.apply(input, other))


class Fmax(Operation):
    """The greater of two elements; of a number and a NaN, the number. The first of equal ones has the gradient."""

    node_name = "FmaxBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        ctx.first_wins = np.greater_equal
        return binary(np.fmax, input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        a, b = operands(input, other)
        first = ctx.first_wins(a, b) | np.isnan(b)
        return (
            unbroadcast(grad.masked_fill(wrap(~first), 0), input) if ctx.needs_input_grad[0] else None,
            unbroadcast(grad.masked_fill(wrap(first), 0), other) if ctx.needs_input_grad[1] else None,
        )


class Fmin(Fmax):
    """The less of two elements; of a number and a NaN, the number. The first of equal ones has the gradient."""

    node_name = "FminBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        ctx.first_wins = np.less_equal
        return binary(np.fmin, input, other)


@quick_of_two(np.fmax)
def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greater of each two elements, with broadcasting; a NaN only if both are.

    Raises TypeError for a number, NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.fmax(torch.tensor([1.0, float("nan")]), torch.tensor([2.0, 3.0]))
    tensor([2., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fmax.html
    """
    check_tensor("fmax", "input", 1, input)
    check_tensor("fmax", "other", 2, other)
    _check_real("fmax_cpu", input, other)
    return into(out, Fmax.apply(input, other))


@quick_of_two(np.fmin)
def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The less of each two elements, with broadcasting; a NaN only if both are.

    Raises TypeError for a number, NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.fmin(torch.tensor([1.0, float("nan")]), torch.tensor([2.0, 3.0]))
    tensor([1., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fmin.html
    """
    check_tensor("fmin", "input", 1, input)
    check_tensor("fmin", "other", 2, other)
    _check_real("fmin_cpu", input, other)
    return into(out, Fmin.apply(input, other))


class Where(Operation):
    """`input` where the condition holds, `other` elsewhere."""

    node_name = "WhereBackward0"

    @staticmethod
    def forward(ctx: Any, condition: Tensor, input: Any, other: Any) -> Any:
        ctx.save_for_backward(condition)
        ctx.likes = like(input), like(other)
        if isinstance(input, Variable) and isinstance(other, Variable) and input._array.dtype is other._array.dtype:
            a, b = input._array, other._array
        else:
            dtype = result_type(input, other).numpy_dtype
            a, b = (
                v._array.astype(dtype, copy=False) if isinstance(v, Variable) else np.asarray(v).astype(dtype)
                for v in (input, other)
            )
        if a.dtype.names:
            refuse("where")
        try:
            return kernels.select(condition._array, a, b)
        except ValueError:
            check_broadcast(a, b)
            check_broadcast(condition._array, a)
            check_broadcast(condition._array, b)
            raise

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (condition,) = ctx.saved_tensors
        input, other = ctx.likes
        return (
            None,
            unbroadcast(grad.masked_fill(wrap(~condition._array), 0), input) if ctx.needs_input_grad[1] else None,
            unbroadcast(grad.masked_fill(condition, 0), other) if ctx.needs_input_grad[2] else None,
        )


def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """`input` where `condition` is true, `other` elsewhere, with broadcasting; either may be a number.

    `where(condition)` alone gives the indices of the true elements, one int64 tensor a dimension. Raises RuntimeError
    for a
    condition that is not bool.

    >>> import rushlight as torch
    >>> x = torch.tensor([-1.0, 2.0])
    >>> torch.where(x > 0, x, 0.0)
    tensor([0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.where.html
    """
    check_tensor("where", "condition", 1, condition)
    chosen = free(condition, "?")
    if out is None and chosen is not None:
        result = quickly(lambda a, b: kernels.select(chosen, a, b), input, other)
        if result is not None:
            return result
    if input is None and other is None:
        return tuple(plain(i) for i in np.nonzero(np.atleast_1d(condition._array)))
    if condition._array.dtype != np.bool_:
        if condition._array.dtype != np.uint8:
            raise RuntimeError(
                "where expected condition to be a boolean tensor, but got a tensor with dtype "
                + condition.dtype.legacy_name
            )
        condition = condition.to(dtypes.bool)
    result = Where.apply(condition, input, other)
    return result if out is None else into(out, result, exact=True)


def _where_method(self: Tensor, condition: Tensor, other: Any) -> Any:
    """`self` where `condition` is true, `other` elsewhere; see `rushlight.where`."""
    check_tensor("where", "condition", 1, condition)
    return where(condition, self, other)


class MaskedFill(Operation):
    """A value where the mask is true, the tensor elsewhere."""

    node_name = "MaskedFillBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, mask: Tensor, value: Any) -> Any:
        array = input._array
        ctx.like = like(input)
        ctx.save_for_backward(mask)
        filler = value._array if isinstance(value, Variable) else np.asarray(value)
        if array.dtype.names:
            filler = fill_codes(np.empty((), array.dtype), filler.item())
        try:
            return fill_masked(array, mask._array, filler.astype(array.dtype))
        except ValueError:
            check_broadcast(mask._array, array)
            raise

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (mask,) = ctx.saved_tensors
        return (
            unbroadcast(grad.masked_fill(mask, 0), ctx.like) if ctx.needs_input_grad[0] else None,
            None,
            grad.masked_fill(wrap(~mask._array), 0).sum() if ctx.needs_input_grad[2] else None,
        )


class MaskedFillTensor(MaskedFill):
    """The fill by a 0-dim tensor, which has a gradient too."""

    node_name = "MaskedFillBackward1"
    checks_overlap = False


def _masked_fill_operation(input: Tensor, mask: Tensor, value: Any) -> Any:
    """Which of the two fills takes these arguments; raises where none does."""
    if mask._array.dtype != np.bool_:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype.name}")
    if isinstance(value, Variable):
        if value._array.ndim:
            raise RuntimeError(
                f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value._array.ndim} "
                f"dimension(s)."
            )
        if value._array.dtype is not input._array.dtype and value._array.dtype.names is None:
            _check_filler(value._array.item(), input)
        return MaskedFillTensor
    if not isinstance(value, NUMBERS):
        raise TypeError(
            f"masked_fill(): argument 'value' must be a number or a 0-dim Tensor, not {type(value).__name__}"
        )
    _check_filler(value, input)
    return MaskedFill


def _check_filler(value: Any, input: Tensor) -> None:
    if value.__class__ is float and -_SAFE <= value <= _SAFE and input._array.dtype.kind == "f":
        return
    if input._array.dtype.names is None:
        fill_array(value, input.dtype)


def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """`value` where the bool `mask` (which broadcasts) is true, `input` elsewhere; the type is that of `input`.

    Raises RuntimeError for a mask that is not bool or a value with dimensions.

    >>> import rushlight as torch
    >>> x = torch.tensor([1.0, 2.0, 3.0])
    >>> x.masked_fill(x > 1, 0.0)
    tensor([1., 0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.masked_fill.html
    """
    check_tensor("masked_fill", "mask", 2, mask)
    chosen = free(mask, "?")
    if chosen is not None and value.__class__ is float and -_SAFE <= value <= _SAFE:
        result = quickly(lambda array: fill_masked(array, chosen, np.array(value, array.dtype)), input)
        if result is not None:
            return result
    return _masked_fill_operation(input, mask, value).apply(input, mask, value)


def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """`masked_fill`, written into the tensor."""
    check_tensor("masked_fill_", "mask", 2, mask)
    chosen = free(mask, "?")
    plain = chosen is not None and value.__class__ is float and -_SAFE <= value <= _SAFE
    if plain and quickly_into(input, lambda array: fill_masked(array, chosen, np.array(value, array.dtype))):
        return input
    operation = _masked_fill_operation(input, mask, value)
    array = input._array
    if 0 in array.strides and not input.requires_grad:
        warn_of_overlap(array, "masked_fill_")
        filler = value._array if isinstance(value, Variable) else value
        np.copyto(array, filler, where=mask._array, casting="unsafe")
        input.bump_version()
        return input
    return operation.inplace(input, mask, value)


class ChoiceMethods:
    """The choices as methods of Tensor."""

    fmax = fmax
    fmin = fmin
    masked_fill = masked_fill
    masked_fill_ = masked_fill_
    maximum = maximum
    minimum = minimum
    where = _where_method
