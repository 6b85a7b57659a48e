"""Comparisons, and the questions whether an element is NaN, infinite, close to another or among others.

Results are bools and have no gradient; operands broadcast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import Intercept, highest
from rushlight.autograd.variable import Variable
from rushlight.ops._numeric import (
    as_result,
    check_tensor,
    not_implemented,
    refuse_float8,
    refuse_wide_unsigned,
    widened,
)
from rushlight.ops._out import into, plain
from rushlight.ops._quick import quick_of_two
from rushlight.ops.promotion import NUMBERS, check_broadcast, operands
from rushlight.quantizer import dequantized

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool | complex

__all__ = [
    "allclose", "eq", "equal", "ge", "greater", "greater_equal", "gt", "isclose", "isfinite", "isin", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "le", "less", "less_equal", "lt", "ne", "not_equal",
]  # fmt: skip


# The types of which two arrays are compared as they are; others are converted or refused.
_TYPES = "fdlihbB?"
_KERNELS = {np.less: "lt", np.less_equal: "le", np.greater: "gt", np.greater_equal: "ge"}


def _compare(ufunc: Any, input: Any, other: Any) -> Any:
    """A comparison after promotion: elementwise with broadcasting, bool."""
    if state.levels and highest((input, other)) is not None:
        return Compare.apply(input, other, ufunc)
    try:
        return plain(_compared(ufunc, input, other))
    except Intercept:
        # A tensor without an array of its own, sparse or masked.
        return Compare.apply(input, other, ufunc)


def _compared(ufunc: Any, input: Any, other: Any) -> Any:
    a, b = operands(input, other)
    if ufunc is not np.equal and ufunc is not np.not_equal:
        dtype = (b if isinstance(b, np.ndarray) and not isinstance(a, np.ndarray) else a).dtype
        if dtype.kind == "c":
            raise not_implemented(f"{_KERNELS[ufunc]}_cpu", dtype)
        if not dtype.names:
            refuse_float8(dtype, f"{_KERNELS[ufunc]}_cpu")
            refuse_wide_unsigned(dtype, f"{_KERNELS[ufunc]}_cpu")
    try:
        return ufunc(a, b)
    except ValueError:
        check_broadcast(a, b)
        raise
    except TypeError:
        # Quantized tensors are compared by what their codes stand for.
        return ufunc(_numbers(a), _numbers(b))


class Compare(Operation):
    """A comparison, as an operation that transforms see."""

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any, ufunc: Any) -> Any:
        return _compare(ufunc, input, other)


def _numbers(array: Any) -> Any:
    return dequantized(array) if isinstance(array, np.ndarray) else array


@quick_of_two(np.equal, _TYPES, numbers=True)
def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input == other`, elementwise with broadcasting, bool; RuntimeError for shapes that don't broadcast.

    >>> import rushlight as torch
    >>> torch.eq(torch.tensor([1, 2]), 2)
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.eq.html
    """
    check_tensor("eq", "input", 1, input)
    return into(out, _compare(np.equal, input, other))


@quick_of_two(np.not_equal, _TYPES, numbers=True)
def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input != other`, elementwise with broadcasting, bool; RuntimeError for shapes that don't broadcast.

    >>> import rushlight as torch
    >>> torch.ne(torch.tensor([1, 2]), 2)
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ne.html
    """
    check_tensor("ne", "input", 1, input)
    return into(out, _compare(np.not_equal, input, other))


@quick_of_two(np.less, _TYPES, numbers=True)
def lt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input < other`, elementwise with broadcasting, bool; NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.lt(torch.tensor([1, 2]), 2)
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lt.html
    """
    check_tensor("lt", "input", 1, input)
    return into(out, _compare(np.less, input, other))


@quick_of_two(np.less_equal, _TYPES, numbers=True)
def le(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input <= other`, elementwise with broadcasting, bool; NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.le(torch.tensor([1, 3]), 2)
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.le.html
    """
    check_tensor("le", "input", 1, input)
    return into(out, _compare(np.less_equal, input, other))


@quick_of_two(np.greater, _TYPES, numbers=True)
def gt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input > other`, elementwise with broadcasting, bool; NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.gt(torch.tensor([2, 3]), 2)
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.gt.html
    """
    check_tensor("gt", "input", 1, input)
    return into(out, _compare(np.greater, input, other))


@quick_of_two(np.greater_equal, _TYPES, numbers=True)
def ge(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input >= other`, elementwise with broadcasting, bool; NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.ge(torch.tensor([1, 2]), 2)
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ge.html
    """
    check_tensor("ge", "input", 1, input)
    return into(out, _compare(np.greater_equal, input, other))


not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge


def _operator(function: Any) -> Any:
    """A comparison operator: NotImplemented beside what is neither a tensor nor a number."""
    operands = (Variable, *NUMBERS)

    def compare(self: Any, other: Any) -> Any:
        return function(self, other) if isinstance(other, operands) else NotImplemented

    return compare


class _Comparison(Operation):
    """The in-place form of a comparison: the truth as 0 and 1 in the tensor's own type; no gradient passes."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Any, ufunc: Any) -> Any:
        return _compared(ufunc, input, other).astype(input._array.dtype)

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
    check_tensor("equal", "input", 1, input)
    check_tensor("equal", "other", 2, other)
    a, b = input._array, other._array
    if a.shape != b.shape:
        return False
    if a.dtype is b.dtype and a.dtype.char in _TYPES and input._level is None and other._level is None:
        return kernels.all_equal(a, b)
    return bool(np.count_nonzero(eq(input, other)._array) == a.size)


class Question(Operation):
    """What is asked of each element of one tensor, as an operation that transforms see."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, function: Any) -> Any:
        return function(input._array)


def ask(name: str, function: Any, input: Any) -> Any:
    """The answers to a question about each element."""
    check_tensor(name, "input", 1, input)
    if input._level is not None:
        return Question.apply(input, function)
    return plain(function(input._array))


class Isclose(Operation):
    """Whether elements are close, relatively or absolutely."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool) -> Any:
        a, b = input._array, other._array
        check_broadcast(a, b)
        close = np.equal(a, b)
        exact = a.dtype.kind in "biu"
        if equal_nan and not exact:
            close |= np.isnan(a) & np.isnan(b)
        if rtol == 0 and atol == 0:
            return close
        if exact:
            a, b = a.astype(np.float64), b.astype(np.float64)
        distance = np.abs(np.subtract(a, b))
        allowed = as_result(np.abs(widened(b) * rtol), b.dtype)
        allowed = as_result(widened(allowed) + atol, b.dtype)
        return close | (np.isfinite(distance) & (distance <= allowed))


class Isin(Operation):
    """Whether elements are among others."""

    @staticmethod
    def forward(ctx: Any, elements: Any, test_elements: Any, assume_unique: bool, invert: bool) -> Any:
        a, b = operands(elements, test_elements)
        return np.isin(a, b, assume_unique=assume_unique, invert=invert)


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """`|input - other| <= atol + rtol · |other|`, elementwise with broadcasting; infinities are close to themselves
    only.

    Raises RuntimeError where the types differ or a tolerance is negative.

    >>> import rushlight as torch
    >>> torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isclose.html
    """
    check_tensor("isclose", "input", 1, input)
    check_tensor("isclose", "other", 2, other)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.legacy_name} did not match {other.dtype.legacy_name}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    return Isclose.apply(input, other, rtol, atol, equal_nan)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close in the sense of `isclose`; errors as there.

    >>> import rushlight as torch
    >>> torch.allclose(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.allclose.html
    """
    check_tensor("allclose", "input", 1, input)
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


def _isinf(array: Any) -> Any:
    _refuse_without_infinity(array.dtype, "isinf")
    return np.isinf(array)


def _isfinite(array: Any) -> Any:
    _refuse_without_infinity(array.dtype, "isfinite")
    return np.isfinite(array)


def _refuse_without_infinity(dtype: np.dtype[Any], kernel: str) -> None:
    """NotImplementedError for the types of 8 bits that have no infinity."""
    if dtype.kind == "V":
        refuse_float8(dtype, kernel)


def isnan(input: Tensor) -> Tensor:
    """Whether each element is NaN.

    >>> import rushlight as torch
    >>> torch.isnan(torch.tensor([1.0, float("nan")]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isnan.html
    """
    return ask("isnan", np.isnan, input)


def isinf(input: Tensor) -> Tensor:
    """Whether each element is an infinity.

    >>> import rushlight as torch
    >>> torch.isinf(torch.tensor([1.0, -float("inf")]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isinf.html
    """
    return ask("isinf", _isinf, input)


def isfinite(input: Tensor) -> Tensor:
    """Whether each element is neither NaN nor an infinity.

    >>> import rushlight as torch
    >>> torch.isfinite(torch.tensor([1.0, float("inf")]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isfinite.html
    """
    return ask("isfinite", _isfinite, input)


def isreal(input: Tensor) -> Tensor:
    """Whether each element has no imaginary part.

    >>> import rushlight as torch
    >>> torch.isreal(torch.tensor([1.0 + 1.0j, 2.0 + 0.0j]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isreal.html
    """
    return ask("isreal", np.isreal, input)


def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is +inf; RuntimeError for complex input.

    >>> import rushlight as torch
    >>> torch.isposinf(torch.tensor([float("inf"), -float("inf")]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isposinf.html
    """
    check_tensor("isposinf", "input", 1, input)
    return _is_infinity("isposinf", input, np.inf, out)


def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is -inf; RuntimeError for complex input.

    >>> import rushlight as torch
    >>> torch.isneginf(torch.tensor([float("inf"), -float("inf")]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isneginf.html
    """
    check_tensor("isneginf", "input", 1, input)
    return _is_infinity("isneginf", input, -np.inf, out)


def _is_infinity(name: str, input: Tensor, infinity: float, out: Tensor | None) -> Tensor:
    dtype = input._array.dtype
    if dtype.kind == "c":
        raise RuntimeError(f"{name} does not support complex inputs.")
    refuse_float8(dtype, f"{name}_cpu")
    if out is not None:
        check_tensor(name, "out", 2, out)
    if out is not None and out._array.dtype.kind != "b":
        raise RuntimeError(f"{name} does not support non-boolean outputs.")
    return into(out, ask(name, _is_above if infinity > 0 else _is_below, input))


def _is_above(array: Any) -> Any:
    if array.dtype.kind in "biu":
        return np.zeros(array.shape, np.bool_)
    return np.equal(array, np.inf if array.dtype.kind == "f" else np.asarray(np.inf).astype(array.dtype))


def _is_below(array: Any) -> Any:
    if array.dtype.kind in "biu":
        return np.zeros(array.shape, np.bool_)
    return np.equal(array, -np.inf if array.dtype.kind == "f" else np.asarray(-np.inf).astype(array.dtype))


def isin(
    elements: Any,
    test_elements: Any,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Whether each of `elements` is among `test_elements`, bool, in the shape of `elements`; one of the two may be a
    number.

    >>> import rushlight as torch
    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 3]))
    tensor([False,  True,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.isin.html
    """
    if not (isinstance(elements, Variable) or isinstance(test_elements, Variable)):
        raise TypeError(
            f"isin() received an invalid combination of arguments - got ({type(elements).__name__}, "
            f"{type(test_elements).__name__}), but expected a Tensor among them"
        )
    if any(isinstance(v, Variable) and v._array.dtype.kind == "b" for v in (elements, test_elements)):
        raise RuntimeError("Unsupported input type encountered for isin(): Bool")
    return into(out, Isin.apply(elements, test_elements, assume_unique, invert), exact=True)


class ComparisonMethods:
    """The comparisons as methods and operators of Tensor."""

    allclose = allclose
    eq = eq
    equal = equal
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
    isreal = isreal
    le = le
    less = lt
    less_equal = le
    lt = lt
    ne = ne
    not_equal = ne

    __eq__ = _operator(eq)
    __ne__ = _operator(ne)
    __lt__ = _operator(lt)
    __le__ = _operator(le)
    __gt__ = _operator(gt)
    __ge__ = _operator(ge)
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
