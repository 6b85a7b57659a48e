"""Comparisons, and choices between elements that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.function import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._numeric import as_result, check_tensor, not_implemented, widened
from rushlight.ops.promotion import NUMBERS, binary, check_broadcast, like, operands, result_type, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool | complex

__all__ = [
    "allclose", "eq", "equal", "fmax", "fmin", "ge", "greater", "greater_equal", "gt", "isclose", "isfinite", "isin",
    "isinf", "isnan", "isneginf", "isposinf", "le", "less", "less_equal", "lt", "masked_fill", "maximum", "minimum",
    "ne", "not_equal", "where",
]  # fmt: skip


def _compare(ufunc: Any, input: Any, other: Any) -> Any:
    """A comparison after promotion: elementwise with broadcasting, bool."""
    a, b = operands(input, other)
    try:
        return wrap(ufunc(a, b))
    except ValueError:
        check_broadcast(a, b)
        raise


def eq(input: Tensor, other: Tensor | Number) -> Tensor:
    """`input == other`, elementwise with broadcasting, bool.

    >>> import rushlight as torch
    >>> torch.eq(torch.tensor([1, 2]), 2)
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.eq.html
    """
    return _compare(np.equal, input, other)


def ne(input: Tensor, other: Tensor | Number) -> Tensor:
    """`input != other`, elementwise with broadcasting, bool.

    >>> import rushlight as torch
    >>> torch.ne(torch.tensor([1, 2]), 2)
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ne.html
    """
    return _compare(np.not_equal, input, other)


def lt(input: Tensor, other: Tensor | Number) -> Tensor:
    """`input < other`, elementwise with broadcasting, bool.

    >>> import rushlight as torch
    >>> torch.lt(torch.tensor([1, 2]), 2)
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lt.html
    """
    return _compare(np.less, input, other)


def le(input: Tensor, other: Tensor | Number) -> Tensor:
    """`input <= other`, elementwise with broadcasting, bool.

    >>> import rushlight as torch
    >>> torch.le(torch.tensor([1, 3]), 2)
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.le.html
    """
    return _compare(np.less_equal, input, other)


def gt(input: Tensor, other: Tensor | Number) -> Tensor:
    """`input > other`, elementwise with broadcasting, bool.

    >>> import rushlight as torch
    >>> torch.gt(torch.tensor([2, 3]), 2)
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.gt.html
    """
    return _compare(np.greater, input, other)


def ge(input: Tensor, other: Tensor | Number) -> Tensor:
    """`input >= other`, elementwise with broadcasting, bool.

    >>> import rushlight as torch
    >>> torch.ge(torch.tensor([1, 2]), 2)
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ge.html
    """
    return _compare(np.greater_equal, input, other)


not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge


def _operator(ufunc: Any) -> Any:
    """A comparison operator: NotImplemented beside what is neither a tensor nor a number."""

    def compare(self: Any, other: Any) -> Any:
        if isinstance(other, (Variable, *NUMBERS)):
            return _compare(ufunc, self, other)
        return NotImplemented

    return compare


class _Comparison(Operation):
    """The in-place form of a comparison: the truth as 0 and 1 in the tensor's own type; no gradient passes."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Any, ufunc: Any) -> Any:
        return ufunc(*operands(input, other)).astype(input._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return None, None, None


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements; a NaN equals nothing.

    Raises TypeError where `other` is no tensor.

    >>> import rushlight as torch
    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.equal.html
    """
    check_tensor("equal", "other", 2, other)
    a, b = input._array, other._array
    return a.shape == b.shape and bool(np.equal(*operands(input, other)).all())


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """`|input - other| <= atol + rtol · |other|`, elementwise with broadcasting; infinities are close to themselves
    only.

    Raises RuntimeError where the types differ or a tolerance is negative.

    >>> import rushlight as torch
    >>> torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isclose.html
    """
    check_tensor("isclose", "other", 2, other)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.legacy_name} did not match {other.dtype.legacy_name}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    a, b = input._array, other._array
    close = np.equal(a, b)
    exact = a.dtype.kind in "biu"
    if equal_nan and not exact:
        close |= np.isnan(a) & np.isnan(b)
    if rtol == 0 and atol == 0:
        return wrap(close)
    if exact:
        a, b = a.astype(np.float64), b.astype(np.float64)
    distance = np.abs(np.subtract(a, b))
    allowed = as_result(np.abs(widened(b) * rtol), b.dtype)
    allowed = as_result(widened(allowed) + atol, b.dtype)
    return wrap(close | (np.isfinite(distance) & (distance <= allowed)))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close in the sense of `isclose`; errors as there.

    >>> import rushlight as torch
    >>> torch.allclose(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.allclose.html
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


def isnan(input: Tensor) -> Tensor:
    """Whether each element is NaN.

    >>> import rushlight as torch
    >>> torch.isnan(torch.tensor([1.0, float("nan")]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isnan.html
    """
    return wrap(np.isnan(input._array))


def isinf(input: Tensor) -> Tensor:
    """Whether each element is an infinity.

    >>> import rushlight as torch
    >>> torch.isinf(torch.tensor([1.0, -float("inf")]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isinf.html
    """
    return wrap(np.isinf(input._array))


def isfinite(input: Tensor) -> Tensor:
    """Whether each element is neither NaN nor an infinity.

    >>> import rushlight as torch
    >>> torch.isfinite(torch.tensor([1.0, float("inf")]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isfinite.html
    """
    return wrap(np.isfinite(input._array))


def isposinf(input: Tensor) -> Tensor:
    """Whether each element is +inf; RuntimeError for complex input.

    >>> import rushlight as torch
    >>> torch.isposinf(torch.tensor([float("inf"), -float("inf")]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isposinf.html
    """
    return _is_infinity("isposinf", input, np.inf)


def isneginf(input: Tensor) -> Tensor:
    """Whether each element is -inf; RuntimeError for complex input.

    >>> import rushlight as torch
    >>> torch.isneginf(torch.tensor([float("inf"), -float("inf")]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isneginf.html
    """
    return _is_infinity("isneginf", input, -np.inf)


def _is_infinity(name: str, input: Tensor, infinity: float) -> Tensor:
    array = input._array
    if array.dtype.kind == "c":
        raise RuntimeError(f"{name} does not support complex inputs.")
    if array.dtype.kind in "biu":
        return wrap(np.zeros(array.shape, np.bool_))
    return wrap(np.equal(array, np.asarray(infinity).astype(array.dtype)))


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each of `elements` is among `test_elements`, bool, in the shape of `elements`; one of the two may be a
    number.

    >>> import rushlight as torch
    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 3]))
    tensor([False,  True,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isin.html
    """
    a, b = operands(elements, test_elements)
    if any(isinstance(v, Variable) and v._array.dtype.kind == "b" for v in (elements, test_elements)):
        raise RuntimeError("Unsupported input type encountered for isin(): Bool")
    return wrap(np.isin(a, b, assume_unique=assume_unique, invert=invert))


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
        return binary(np.maximum, input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Maximum.gradients(ctx, grad, np.less, np.greater)


class Minimum(_Choice):
    """The less of two elements."""

    node_name = "MinimumBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        return binary(np.minimum, input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Minimum.gradients(ctx, grad, np.greater, np.less)


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The greater of each two elements, with broadcasting; NaN if either is. Equal elements share the gradient.

    Raises TypeError for a number, NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.maximum(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 3.0]))
    tensor([2., 4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.maximum.html
    """
    check_tensor("maximum", "other", 2, other)
    _check_real("maximum_cpu", input, other)
    return Maximum.apply(input, other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The less of each two elements, with broadcasting; NaN if either is. Equal elements share the gradient.

    Raises TypeError for a number, NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.minimum(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 3.0]))
    tensor([1., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.minimum.html
    """
    check_tensor("minimum", "other", 2, other)
    _check_real("minimum_cpu", input, other)
    return Minimum.apply(input, other)


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


def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The greater of each two elements, with broadcasting; a NaN only if both are.

    Raises TypeError for a number, NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.fmax(torch.tensor([1.0, float("nan")]), torch.tensor([2.0, 3.0]))
    tensor([2., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fmax.html
    """
    check_tensor("fmax", "other", 2, other)
    _check_real("fmax_cpu", input, other)
    return Fmax.apply(input, other)


def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The less of each two elements, with broadcasting; a NaN only if both are.

    Raises TypeError for a number, NotImplementedError for complex.

    >>> import rushlight as torch
    >>> torch.fmin(torch.tensor([1.0, float("nan")]), torch.tensor([2.0, 3.0]))
    tensor([1., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fmin.html
    """
    check_tensor("fmin", "other", 2, other)
    _check_real("fmin_cpu", input, other)
    return Fmin.apply(input, other)


class Where(Operation):
    """`input` where the condition holds, `other` elsewhere."""

    node_name = "WhereBackward0"

    @staticmethod
    def forward(ctx: Any, condition: Tensor, input: Any, other: Any) -> Any:
        ctx.save_for_backward(condition)
        ctx.likes = like(input), like(other)
        dtype = result_type(input, other).numpy_dtype
        a, b = (
            v._array.astype(dtype, copy=False) if isinstance(v, Variable) else np.asarray(v).astype(dtype)
            for v in (input, other)
        )
        try:
            return np.where(condition._array, a, b)
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


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
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
    if input is None and other is None:
        return tuple(wrap(i) for i in np.nonzero(np.atleast_1d(condition._array)))
    if condition._array.dtype != np.bool_:
        if condition._array.dtype != np.uint8:
            raise RuntimeError(
                "where expected condition to be a boolean tensor, but got a tensor with dtype "
                + condition.dtype.legacy_name
            )
        condition = condition.to(dtypes.bool)
    return Where.apply(condition, input, other)


def _where_method(self: Tensor, condition: Tensor, other: Any) -> Any:
    """`self` where `condition` is true, `other` elsewhere; see `rushlight.where`."""
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
        try:
            return np.where(mask._array, filler.astype(array.dtype), array)
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
        return MaskedFillTensor
    if not isinstance(value, NUMBERS):
        raise TypeError(
            f"masked_fill(): argument 'value' must be a number or a 0-dim Tensor, not {type(value).__name__}"
        )
    if input._array.dtype.kind in "iu" and isinstance(value, float) and not np.isfinite(value):
        c_type = "int" if input.dtype is dtypes.int32 else f"{input.dtype.name}_t"
        raise RuntimeError(f"value cannot be converted to type {c_type} without overflow")
    return MaskedFill


def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """`value` where the bool `mask` (which broadcasts) is true, `input` elsewhere; the type is that of `input`.

    Raises RuntimeError for a mask that is not bool or a value with dimensions.

    >>> import rushlight as torch
    >>> x = torch.tensor([1.0, 2.0, 3.0])
    >>> x.masked_fill(x > 1, 0.0)
    tensor([1., 0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.masked_fill.html
    """
    return _masked_fill_operation(input, mask, value).apply(input, mask, value)


def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """`masked_fill`, written into the tensor."""
    return _masked_fill_operation(input, mask, value).inplace(input, mask, value)


class ComparisonMethods:
    """The comparisons as methods and operators of Tensor."""

    allclose = allclose
    eq = eq
    equal = equal
    fmax = fmax
    fmin = fmin
    ge = ge
    greater = gt
    greater_equal = ge
    gt = gt
    isclose = isclose
    isfinite = isfinite
    isinf = isinf
    isnan = isnan
    isneginf = isneginf
    isposinf = isposinf
    le = le
    less = lt
    less_equal = le
    lt = lt
    masked_fill = masked_fill
    masked_fill_ = masked_fill_
    maximum = maximum
    minimum = minimum
    ne = ne
    not_equal = ne
    where = _where_method

    __eq__ = _operator(np.equal)
    __ne__ = _operator(np.not_equal)
    __lt__ = _operator(np.less)
    __le__ = _operator(np.less_equal)
    __gt__ = _operator(np.greater)
    __ge__ = _operator(np.greater_equal)
    __hash__ = Variable.__hash__

    def eq_(self: Any, other: Any) -> Any:
        """`eq`, written into this tensor."""
        return _Comparison.inplace(self, other, np.equal)

    def ne_(self: Any, other: Any) -> Any:
        """`ne`, written into this tensor."""
        return _Comparison.inplace(self, other, np.not_equal)

    def lt_(self: Any, other: Any) -> Any:
        """`lt`, written into this tensor."""
        return _Comparison.inplace(self, other, np.less)

    def le_(self: Any, other: Any) -> Any:
        """`le`, written into this tensor."""
        return _Comparison.inplace(self, other, np.less_equal)

    def gt_(self: Any, other: Any) -> Any:
        """`gt`, written into this tensor."""
        return _Comparison.inplace(self, other, np.greater)

    def ge_(self: Any, other: Any) -> Any:
        """`ge`, written into this tensor."""
        return _Comparison.inplace(self, other, np.greater_equal)

    greater_ = gt_
    greater_equal_ = ge_
    less_ = lt_
    less_equal_ = le_
    not_equal_ = ne_
