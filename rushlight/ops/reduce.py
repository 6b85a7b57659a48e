"""Reductions by arithmetic and logic: sums, means, products, counts.

Narrow floats are accumulated in float32 and rounded once; integers and booleans add up in int64.
"""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation, UnaryOperation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import (
    Array,
    Dims,
    accumulator,
    add_reduce,
    as_result,
    check_tensor,
    floating,
    multiply_reduce,
    normalize_dims,
    not_implemented,
    spread,
    widened,
)
from rushlight.ops._out import into, plain, type_of_out
from rushlight.ops._quick import free, quickly
from rushlight.ops.broadcast import Expand
from rushlight.ops.conversion import in_type

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["all", "any", "count_nonzero", "logsumexp", "mean", "nanmean", "nansum", "prod", "sum"]


def note_dims(ctx: Any, array: Array, dim: Dims, keepdim: bool) -> tuple[int, ...]:
    """Leave on `ctx` what `spread` needs, and return the dimensions to reduce."""
    ctx.shape = array.shape
    ctx.dims = normalize_dims(dim, array.ndim)
    ctx.keepdim = keepdim
    return ctx.dims


def repeated(element: Array, shape: tuple[int, ...]) -> Array:
    """A 0-dim array seen with another shape, as `expand` does."""
    return np.ndarray(shape, element.dtype, element, 0, (0,) * len(shape))


class Sum(UnaryOperation):
    """`Σ input`: the gradient of each element is the result's."""

    node_name = "SumBackward0"
    kernel = kernels.sum_over
    keeps = "shape"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        array = input._array
        ctx.shape = array.shape
        return as_result(add_reduce(array, None, accumulator(array.dtype)), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        if state.enabled:
            return Expand.apply(grad, ctx.shape)
        return wrap(repeated(grad._array, ctx.shape))


class SumDim(Operation):
    """`Σ input` over some dimensions."""

    node_name = "SumBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, keepdim: bool) -> Any:
        array = input._array
        dims = note_dims(ctx, array, dim, keepdim)
        if array.dtype.char in "fd":
            return kernels.sum_over(array, dims, keepdim, 1.0)
        return as_result(add_reduce(array, dims, accumulator(array.dtype), None, keepdim), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return spread(grad, ctx), None, None


_sum_all = Sum.function()


def sum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    axis: Dims = None,
    keepdims: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """`Σ input` over `dim` (all dimensions if None or empty).

    Integers and booleans add up in int64; `dtype` converts the input first. With `keepdim` the reduced dimensions
    stay, with
    length 1. Raises IndexError for a dim out of range, RuntimeError for one named twice.

    >>> import rushlight as torch
    >>> torch.sum(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([3., 7.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sum.html
    """
    if out is not None:
        dtype = type_of_out(input, out, dtype)
        return into(out, sum(input, dim, keepdim, dtype=dtype, axis=axis, keepdims=keepdims), exact=True)
    if dtype is not None:
        input = in_type(input, dtype, "sum")
    elif dim is None and axis is None and not (keepdim or keepdims):
        return _sum_all(input)
    if dim is None and axis is None and not (keepdim or keepdims):
        return _in_dtype(Sum.apply(input), dtype)
    return _in_dtype(SumDim.apply(input, dim if axis is None else axis, keepdim or keepdims), dtype)


def _in_dtype(result: Tensor, dtype: dtypes.dtype | None) -> Tensor:
    """A sum or product in the type that was asked for, if any: integers are accumulated in int64."""
    return result if dtype is None or result._array.dtype == dtype.numpy_dtype else result.to(dtype)


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """The sum of the tensor down to `size`, a shape that broadcasts to its own.

    Raises RuntimeError where `size` does not broadcast to the tensor's shape.

    >>> import rushlight as torch
    >>> torch.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.sum_to_size.html
    """
    wanted = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    if not wanted:
        return sum(input)
    shape = input._array.shape
    lead = len(shape) - len(wanted)
    if lead < 0 or builtins.any(w not in (1, n) for w, n in zip(wanted, shape[lead:], strict=True)):
        raise RuntimeError(f"size {{{list(wanted)}}} is not expandable to size {{{list(shape)}}}.")
    dims = tuple(range(lead)) + tuple(lead + i for i, w in enumerate(wanted) if w == 1 and shape[lead + i] != 1)
    if not dims:
        return input
    out = SumDim.apply(input, dims, True)
    return out if not lead else out.reshape(wanted)


def _without_nan(array: Array) -> Array:
    odd = np.isnan(array)
    return np.where(odd, np.zeros((), array.dtype), array) if np.count_nonzero(odd) else array


def _sum_without_nan(array: Array) -> Any:
    total = add_reduce(array, None)
    return total if total == total else add_reduce(_without_nan(array), None)


class Nansum(Operation):
    """`Σ input`, a NaN counting as 0; its gradient is 0 too."""

    node_name = "NansumBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, keepdim: bool) -> Any:
        array = input._array
        ctx.save_for_backward(input)
        dims = note_dims(ctx, array, dim, keepdim)
        if array.dtype.kind not in "biu":
            array = _without_nan(array)
        return as_result(add_reduce(array, dims, accumulator(array.dtype), None, keepdim), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return spread(grad, ctx) * wrap(~np.isnan(input._array)), None, None


def nansum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """`Σ input` over `dim`, each NaN counting as 0.

    Raises IndexError for a dim out of range, RuntimeError for complex input.

    >>> import rushlight as torch
    >>> torch.nansum(torch.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nansum.html
    """
    check_tensor("nansum", "input", 1, input)
    if dim is None and not keepdim and dtype is None and out is None:
        quick = quickly(_sum_without_nan, input)
        if quick is not None:
            return quick
    if input._array.dtype.kind == "c":
        raise RuntimeError("nansum on CPU does not support complex inputs")
    if out is not None:
        dtype = type_of_out(input, out, dtype)
        if out._array.dtype.kind in "biu" and input._array.dtype.kind not in "biu":
            raise not_implemented("nansum_cpu", out._array.dtype)
    result = _in_dtype(Nansum.apply(input if dtype is None else in_type(input, dtype, "nansum"), dim, keepdim), dtype)
    return into(out, result, exact=True)


class Mean(UnaryOperation):
    """`Σ input / n`."""

    node_name = "MeanBackward0"
    kernel = kernels.mean
    keeps = "shape"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        array = input._array
        ctx.shape = array.shape
        return as_result(np.true_divide(add_reduce(array, None, accumulator(array.dtype)), array.size), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        if state.enabled:
            return grad.expand(ctx.shape) / math.prod(ctx.shape)
        array: Any = grad._array
        return wrap(repeated(np.asarray(kernels.divide(array, float(math.prod(ctx.shape)))), ctx.shape))


class MeanDim(Operation):
    """`Σ input / n` over some dimensions."""

    node_name = "MeanBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, keepdim: bool) -> Any:
        array = input._array
        dims = note_dims(ctx, array, dim, keepdim)
        ctx.count = math.prod([array.shape[d] for d in dims])
        if array.dtype.char in "fd":
            return kernels.sum_over(array, dims, keepdim, ctx.count)
        total = add_reduce(array, dims, accumulator(array.dtype), None, keepdim)
        return as_result(np.true_divide(total, ctx.count), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return spread(grad / ctx.count, ctx), None, None


_mean_all = Mean.function()


def mean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    axis: Dims = None,
    keepdims: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """`Σ input / n` over `dim` (all dimensions if None or empty); NaN for no elements.

    Raises RuntimeError for integers and booleans unless `dtype` names a floating-point type, IndexError for a dim out
    of range.

    >>> import rushlight as torch
    >>> torch.mean(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0, keepdim=True)
    tensor([[2., 3.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.mean.html
    """
    if out is not None:
        return into(out, mean(input, dim, keepdim, dtype=dtype, axis=axis, keepdims=keepdims))
    check_tensor("mean", "input", 1, input)
    if dtype is not None or input._array.dtype.kind in "biu":
        input = _as_mean_input(input, dtype)
    if dim is None and axis is None and not (keepdim or keepdims):
        return _mean_all(input)
    return MeanDim.apply(input, dim if axis is None else axis, keepdim or keepdims)


def _as_mean_input(input: Tensor, dtype: dtypes.dtype | None) -> Tensor:
    wanted = dtype or input.dtype
    if not (wanted.is_floating_point or wanted.is_complex):
        raise RuntimeError(
            f"mean(): could not infer output dtype. {'Optional' if dtype else 'Input'} dtype must be either a floating "
            f"point or complex dtype. Got: {wanted.legacy_name}"
        )
    return input.to(wanted)


def nanmean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The mean over `dim` of the elements that are not NaN; NaN where all are.

    Raises RuntimeError for integers and booleans, IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.nanmean(torch.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nanmean.html
    """
    check_tensor("nanmean", "input", 1, input)
    array = input._array
    if array.dtype.kind in "biu":
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got " + input.dtype.legacy_name
        )
    if out is not None and out._array.dtype.kind in "biu":
        raise not_implemented("nansum_cpu", out._array.dtype)
    count = (input == input).sum(dim, keepdim)
    return into(out, nansum(input, dim, keepdim, dtype=dtype) / count)


def _product_of_others(input: Tensor, dim: int) -> Tensor:
    """For each element, the product of all others along `dim`, whatever zeros there are."""
    from rushlight.ops.joining import cat

    n = input.shape[dim]
    one = wrap(np.ones_like(input.narrow(dim, 0, 1)._array))
    before = cat([one, input.narrow(dim, 0, n - 1)], dim).cumprod(dim)
    after = cat([input.narrow(dim, 1, n - 1), one], dim).flip(dim).cumprod(dim).flip(dim)
    return before * after


def _product(array: Array, dims: Any, keepdim: bool) -> Array:
    if array.dtype.char in "fd":
        return kernels.product_over(array, dims, keepdim)
    return as_result(multiply_reduce(array, dims, accumulator(array.dtype), None, keepdim), array.dtype)


class Prod(Operation):
    """`Π input`: the gradient of an element is the product of the others."""

    node_name = "ProdBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        array = input._array
        out = wrap(_product(array, None, False))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        if input._array.all():
            return grad * (out / input).conj()
        return grad * _product_of_others(input.reshape(-1), 0).reshape(input.shape).conj()


class ProdDim(Operation):
    """`Π input` along one dimension."""

    node_name = "ProdBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, keepdim: bool) -> Any:
        array = input._array
        dims = note_dims(ctx, array, dim, keepdim)
        out = wrap(_product(array, dims, keepdim))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        if not ctx.dims:
            return grad, None, None
        grad = spread(grad, ctx)
        if input._array.all():
            return grad * (spread(out, ctx) / input).conj(), None, None
        return grad * _product_of_others(input, ctx.dims[0]).conj(), None, None


def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    axis: int | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """`Π input` along `dim`, or of all elements; 1 for no elements.

    Integers and booleans multiply in int64; `dtype` converts the input first. Raises IndexError for a dim out of range,
    TypeError where dim is not one int.

    >>> import rushlight as torch
    >>> torch.prod(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([ 2., 12.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.prod.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(prod, input, dim, keepdim, dtype=dtype, axis=axis)
    if out is not None:
        return into(out, prod(input, dim, keepdim, dtype=type_of_out(input, out, dtype), axis=axis), exact=True)
    dim = dim if axis is None else axis
    if dtype is not None:
        input = in_type(input, dtype, "prod")
    if dim is None:
        quick = quickly(kernels.product_over, input)
        return _in_dtype(Prod.apply(input), dtype) if quick is None else quick
    if not isinstance(dim, int):
        raise TypeError(f"prod(): argument 'dim' must be int, not {type(dim).__name__}")
    return _in_dtype(ProdDim.apply(input, dim, keepdim), dtype)


class Logsumexp(Operation):
    """`log Σ exp(input)`, shifted by the largest element so that nothing overflows."""

    node_name = "LogsumexpBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, keepdim: bool) -> Any:
        dtype = floating(input).dtype
        array = widened(floating(input))
        dims = note_dims(ctx, array, dim, keepdim)
        result = kernels.log_sum_exp_over(array, dims, keepdim)
        out = wrap(as_result(result, dtype))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        return spread(grad, ctx) * (input - spread(out, ctx)).exp().conj(), None, None


def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """`log Σ exp(input)` over `dim`, without overflow; -inf for no elements.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.logsumexp(torch.tensor([1000.0, 1000.0]), dim=0)
    tensor(1000.6932)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logsumexp.html
    """
    return into(out, Logsumexp.apply(input, dim, keepdim))


class Truth(Operation):
    """`all` and `any`, as an operation that transforms see."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, keepdim: bool, function: Any) -> Any:
        return _truth(function, input, dim, keepdim)


class CountNonzero(Operation):
    """`count_nonzero`, as an operation that transforms see."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims) -> Any:
        return count_nonzero(input, dim)


def _truth(function: Any, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    if input._level is not None:
        return Truth.apply(input, dim, keepdim, function)
    array = input._array
    out = function.reduce(array.astype(np.bool_, copy=False), normalize_dims(dim, array.ndim), None, None, keepdim)
    return plain(out.astype(np.uint8) if array.dtype == np.uint8 else out)


def all(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    axis: Dims = None,
    keepdims: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Whether every element over `dim` is non-zero: bool, or uint8 for a uint8 input; True for no elements.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.all(torch.tensor([[True, False], [True, True]]), dim=1)
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.all.html
    """
    check_tensor("all", "input", 1, input)
    if dim is None and axis is None and out is None and not (keepdim or keepdims):
        array = free(input, "?")
        if array is not None:
            return plain(np.asarray(np.count_nonzero(array) == array.size))
    if out is not None:
        check_tensor("all", "out", 5, out)
    if out is not None and out.dtype not in (dtypes.bool, dtypes.uint8):
        raise RuntimeError(f"all only supports bool tensor for result, got: {out.dtype.legacy_name}")
    return into(out, _truth(np.logical_and, input, dim if axis is None else axis, keepdim or keepdims))


def any(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    axis: Dims = None,
    keepdims: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Whether some element over `dim` is non-zero: bool, or uint8 for a uint8 input; False for no elements.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.any(torch.tensor([[False, False], [True, False]]), dim=1)
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.any.html
    """
    check_tensor("any", "input", 1, input)
    if dim is None and axis is None and out is None and not (keepdim or keepdims):
        array = free(input, "?")
        if array is not None:
            return plain(np.asarray(np.count_nonzero(array) > 0))
    if out is not None:
        check_tensor("any", "out", 5, out)
    if out is not None and out.dtype not in (dtypes.bool, dtypes.uint8):
        raise RuntimeError(f"any only supports bool tensor for result, got: {out.dtype.legacy_name}")
    return into(out, _truth(np.logical_or, input, dim if axis is None else axis, keepdim or keepdims))


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over `dim` are not zero, int64.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.count_nonzero(torch.tensor([[0, 1], [2, 3]]), dim=0)
    tensor([1, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.count_nonzero.html
    """
    check_tensor("count_nonzero", "input", 1, input)
    if input._level is not None:
        return CountNonzero.apply(input, dim)
    array = input._array
    if dim is None and not array.dtype.names:
        return plain(np.asarray(kernels.count_of_all(array)))
    return plain(add_reduce(array != 0, normalize_dims(dim, array.ndim), np.int64))


class ReduceMethods:
    """The reductions as methods of Tensor."""

    sum = sum
    sum_to_size = sum_to_size
    nansum = nansum
    mean = mean
    nanmean = nanmean
    prod = prod
    logsumexp = logsumexp
    all = all
    any = any
    count_nonzero = count_nonzero
