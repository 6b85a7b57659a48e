"""Variances and standard deviations.

Narrow floats are accumulated in float32 and rounded once.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import (
    Array,
    Dims,
    add_reduce,
    as_result,
    check_tensor,
    normalize_dims,
    spread,
    widened,
)
from rushlight.ops._out import into, plain
from rushlight.ops._quick import free
from rushlight.ops.reduce import MeanDim, note_dims

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["std", "std_mean", "var", "var_mean"]


def _moments(ctx: Any, array: Array, dim: Dims, keepdim: bool, correction: float) -> tuple[Array, Array]:
    """Variance and mean in the working type, by two passes; notes on `ctx` the divisor and what `spread` needs."""
    dims = note_dims(ctx, array, dim, keepdim)
    count = math.prod([array.shape[d] for d in dims])
    ctx.divisor = max(0, count - correction)
    array = widened(array)
    if array.dtype.char in "fd" and array.size:
        return kernels.moments_over(array, dims, keepdim, float(ctx.divisor))
    mean = np.true_divide(add_reduce(array, dims, None, None, True), count)
    distance = np.subtract(array, mean)
    squares = np.real(distance * np.conj(distance)) if array.dtype.kind == "c" else np.multiply(distance, distance)
    variance = np.true_divide(add_reduce(squares, dims, None, None, keepdim), squares.dtype.type(ctx.divisor))
    return variance, mean if keepdim or not dims else mean.reshape(variance.shape)


def _running_mean(ctx: Any, array: Array, mean: Array) -> Array:
    """The mean as PyTorch finds it beside the variance: updated element by element, it is NaN after an infinity."""
    if not np.isinf(mean).any():
        return mean
    last = tuple([slice(-1, None) if i in ctx.dims else slice(None) for i in range(array.ndim)])
    infinite = np.isinf(array)
    ends_so = infinite[last] & (add_reduce(infinite, ctx.dims, np.int64, None, True) == 1)
    return np.where(np.isinf(mean) & ~ends_so.reshape(mean.shape), np.asarray(np.nan, mean.dtype), mean)


def _var_gradient(ctx: Any, grad: Tensor, input: Tensor) -> Tensor:
    """`2 (input - mean) grad / (n - correction)`."""
    centred = input - MeanDim.apply(input, ctx.dims, True) if ctx.dims else input - input
    scale = 2.0 / ctx.divisor if ctx.divisor else math.inf
    return spread(grad * scale, ctx) * centred


class Var(Operation):
    """`Σ (input - mean)² / (n - correction)`."""

    node_name = "VarBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
        ctx.save_for_backward(input)
        variance, _ = _moments(ctx, input._array, dim, keepdim, correction)
        return as_result(variance, input._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return _var_gradient(ctx, grad, input), None, None, None


def _std_gradient(ctx: Any, grad: Tensor, input: Tensor, out: Tensor) -> Tensor:
    """The variance's gradient over `2 std`, 0 where the elements do not differ."""
    return _var_gradient(ctx, (grad / (out * 2)).masked_fill(out == 0, 0), input)


class Std(Operation):
    """`sqrt(var)`."""

    node_name = "StdBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
        variance, _ = _moments(ctx, input._array, dim, keepdim, correction)
        out = wrap(as_result(np.sqrt(variance), input._array.dtype))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        return _std_gradient(ctx, grad, input, out), None, None, None


class VarMean(Operation):
    """Variance and mean of one reading."""

    node_name = "VarMeanBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
        ctx.save_for_backward(input)
        array = input._array
        variance, mean = _moments(ctx, array, dim, keepdim, correction)
        mean = _running_mean(ctx, array, mean)
        ctx.count = math.prod([array.shape[d] for d in ctx.dims])
        return as_result(variance, array.dtype), as_result(mean, array.dtype)

    @staticmethod
    def backward(ctx: Any, grad_var: Tensor, grad_mean: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return _var_gradient(ctx, grad_var, input) + spread(grad_mean / ctx.count, ctx), None, None, None


class StdMean(Operation):
    """Standard deviation and mean of one reading."""

    node_name = "StdMeanBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
        array = input._array
        variance, mean = _moments(ctx, array, dim, keepdim, correction)
        mean = _running_mean(ctx, array, mean)
        ctx.count = math.prod([array.shape[d] for d in ctx.dims])
        out = wrap(as_result(np.sqrt(variance), array.dtype))
        ctx.save_for_backward(input, out)
        return out, as_result(mean, array.dtype)

    @staticmethod
    def backward(ctx: Any, grad_std: Tensor, grad_mean: Tensor) -> Any:
        input, out = ctx.saved_tensors
        return _std_gradient(ctx, grad_std, input, out) + spread(grad_mean / ctx.count, ctx), None, None, None


def _spread_arguments(
    name: str, input: Tensor, dim: Any, unbiased: bool | None, correction: float | None
) -> tuple[Dims, float]:
    """The dims and the correction of var and std, whose second argument may be either `dim` or `unbiased`."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    array = input._array
    if array.dtype.kind in "biu":
        raise RuntimeError("std and var only support floating point and complex dtypes")
    amount: float = (1 if unbiased is None else int(unbiased)) if correction is None else correction
    count = math.prod([array.shape[d] for d in normalize_dims(dim, array.ndim)])
    if count - amount <= 0 and (array.size // count if count else 1):
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
            "(input numel divided by output numel).",
            UserWarning,
            stacklevel=3,
        )
    return dim, amount


def _quick_moments(
    input: Any, dim: Any, unbiased: bool | None, keepdim: bool, correction: float | None
) -> tuple[Array, Array] | None:
    """Variance and mean of floats that want no gradient, of all or along one dimension; None of other calls."""
    if correction is not None:
        return None
    array = free(input)
    if array is None:
        return None
    if dim is None:
        dims, count = None, array.size
    elif dim.__class__ is int and -array.ndim <= dim < array.ndim:
        dims, count = (dim % array.ndim,), array.shape[dim]
    else:
        return None
    freedom = count - (unbiased is None or unbiased is True)
    if freedom <= 0 or not array.size:
        return None
    return kernels.moments_over(array, dims, keepdim, float(freedom))


def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Dims = None,
    out: Tensor | None = None,
) -> Tensor:
    """`Σ (input - mean)² / (n - correction)` over `dim`; the correction is 1 unless given (`unbiased=False` means 0).

    Raises RuntimeError for integers and booleans, IndexError for a dim out of range. Warns where n does not exceed the
    correction.

    >>> import rushlight as torch
    >>> torch.var(torch.tensor([1.0, 2.0, 3.0, 4.0]), correction=0)
    tensor(1.2500)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.var.html
    """
    if (
        out is None
        and axis is None
        and (found := _quick_moments(input, dim, unbiased, keepdim, correction)) is not None
    ):
        return plain(found[0])
    check_tensor("var", "input", 1, input)
    dim, amount = _spread_arguments("var", input, dim if axis is None else axis, unbiased, correction)
    return into(out, Var.apply(input, dim, amount, keepdim))


def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Dims = None,
    out: Tensor | None = None,
) -> Tensor:
    """`sqrt(Σ (input - mean)² / (n - correction))` over `dim`; arguments and errors as for `var`.

    >>> import rushlight as torch
    >>> torch.std(torch.tensor([1.0, 2.0, 3.0]))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.std.html
    """
    if (
        out is None
        and axis is None
        and (found := _quick_moments(input, dim, unbiased, keepdim, correction)) is not None
    ):
        return plain(np.sqrt(found[0]))
    check_tensor("std", "input", 1, input)
    dim, amount = _spread_arguments("std", input, dim if axis is None else axis, unbiased, correction)
    return into(out, Std.apply(input, dim, amount, keepdim))


def var_mean(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Variance and mean over `dim`; arguments and errors as for `var`.

    >>> import rushlight as torch
    >>> torch.var_mean(torch.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.var_mean.html
    """
    found = _quick_moments(input, dim, unbiased, keepdim, correction)
    if found is not None and not np.count_nonzero(np.isinf(found[1])):
        return plain(found[0]), plain(found[1])
    check_tensor("var_mean", "input", 1, input)
    dim, amount = _spread_arguments("var_mean", input, dim, unbiased, correction)
    return VarMean.apply(input, dim, amount, keepdim)


def std_mean(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean over `dim`; arguments and errors as for `var`.

    >>> import rushlight as torch
    >>> torch.std_mean(torch.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.std_mean.html
    """
    found = _quick_moments(input, dim, unbiased, keepdim, correction)
    if found is not None and not np.count_nonzero(np.isinf(found[1])):
        return plain(np.sqrt(found[0])), plain(found[1])
    check_tensor("std_mean", "input", 1, input)
    dim, amount = _spread_arguments("std_mean", input, dim, unbiased, correction)
    return StdMean.apply(input, dim, amount, keepdim)


class VarianceMethods:
    """The spreads as methods of Tensor."""

    std = std
    var = var
