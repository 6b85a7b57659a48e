"""Softmax and its logarithm along a dimension.

The greatest element is subtracted first, so that nothing overflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Array, add_reduce, as_result, check_tensor, maximum_reduce, not_implemented, widened
from rushlight.ops._out import into
from rushlight.ops._quick import quickly
from rushlight.ops.conversion import in_type

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["log_softmax", "softmax"]


def _rows(array: Array, dim: int) -> Array | None:
    """The array as a matrix whose rows are the slices along `dim`, without a copy; None where that takes one."""
    if dim != array.ndim - 1 or not array.flags.c_contiguous or not array.size:
        return None
    return array.reshape(-1, array.shape[-1])


def _shifted(array: Array, dim: int) -> Array:
    """The elements less the greatest along `dim`, so that exp cannot overflow."""
    return array - maximum_reduce(array, dim, None, None, True, -np.inf)


def softmax_along(array: Array, dim: int) -> Array:
    """`exp(x) / Σ exp(x)` along a dimension."""
    rows = _rows(array, dim)
    if rows is not None:
        return kernels.softmax(rows).reshape(array.shape)
    if not array.ndim:
        return np.where(np.isfinite(array), np.ones_like(array), np.full_like(array, np.nan))
    powers = np.exp(_shifted(array, dim))
    return powers / add_reduce(powers, dim, None, None, True)


def log_softmax_along(array: Array, dim: int) -> Array:
    """`x - log Σ exp(x)` along a dimension."""
    rows = _rows(array, dim)
    if rows is not None:
        return kernels.log_softmax(rows).reshape(array.shape)
    if not array.ndim:
        return np.subtract(array, array)
    shifted = _shifted(array, dim)
    return shifted - np.log(add_reduce(np.exp(shifted), dim, None, None, True))


class SoftmaxBackward(Operation):
    """`out · (grad - Σ grad · out)`."""

    node_name = "SoftmaxBackwardDataBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, out: Tensor, dim: int) -> Any:
        ctx.save_for_backward(grad, out)
        ctx.dim = dim
        g, o = widened(grad._array), widened(out._array)
        rows, out_rows = _rows(g, dim), _rows(o, dim)
        if rows is not None and out_rows is not None:
            return as_result(kernels.softmax_backward(rows, out_rows).reshape(g.shape), grad._array.dtype)
        product = g * o
        total = add_reduce(product, dim, None, None, True) if g.ndim else product
        return as_result(np.asarray(product - o * total), grad._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        first, out = ctx.saved_tensors
        dim = ctx.dim
        to_first = softmax_gradient(grad, out, dim) if ctx.needs_input_grad[0] else None
        to_out = None
        if ctx.needs_input_grad[1]:
            to_out = grad * (first - (first * out).sum(dim, True)) - first * (grad * out).sum(dim, True)
        return to_first, to_out, None


def softmax_gradient(grad: Tensor, out: Tensor, dim: int) -> Tensor:
    """The gradient of softmax's input from that of its result."""
    return SoftmaxBackward.apply(grad, out, dim)


class Softmax(Operation):
    """`exp(x) / Σ exp(x)` along a dimension."""

    node_name = "SoftmaxBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Any:
        array = input._array
        ctx.dim = dim
        out = wrap(as_result(softmax_along(widened(array), dim), array.dtype))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return softmax_gradient(grad, out, ctx.dim), None


class LogSoftmaxBackward(Operation):
    """`grad - exp(out) · Σ grad`."""

    node_name = "LogSoftmaxBackwardDataBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, out: Tensor, dim: int) -> Any:
        ctx.save_for_backward(grad, out)
        ctx.dim = dim
        g, o = widened(grad._array), widened(out._array)
        rows, out_rows = _rows(g, dim), _rows(o, dim)
        if rows is not None and out_rows is not None:
            return as_result(kernels.log_softmax_backward(rows, out_rows).reshape(g.shape), grad._array.dtype)
        total = add_reduce(g, dim, None, None, True) if g.ndim else g
        return as_result(np.asarray(g - np.exp(o) * total), grad._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        first, out = ctx.saved_tensors
        dim = ctx.dim
        weighted = grad * out.exp()
        to_first = grad - weighted.sum(dim, True) if ctx.needs_input_grad[0] else None
        to_out = -weighted * first.sum(dim, True) if ctx.needs_input_grad[1] else None
        return to_first, to_out, None


class LogSoftmax(Operation):
    """`x - log Σ exp(x)` along a dimension."""

    node_name = "LogSoftmaxBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Any:
        array = input._array
        ctx.dim = dim
        out = wrap(as_result(log_softmax_along(widened(array), dim), array.dtype))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return LogSoftmaxBackward.apply(grad, out, ctx.dim), None


def _arguments(kernel: str, input: Tensor, dim: int, dtype: dtypes.dtype | None) -> tuple[Tensor, int]:
    check_tensor("log_softmax" if kernel.startswith("log") else "softmax", "input", 1, input)
    if dtype is not None:
        input = in_type(input, dtype, "softmax")
    array = input._array
    if array.dtype.kind in "biuc":
        raise not_implemented(kernel, array.dtype)
    return input, wrap_dim(dim, array.ndim)


def softmax(input: Tensor, dim: int, dtype: dtypes.dtype | None = None, *, out: Tensor | None = None) -> Tensor:
    """`exp(x) / Σ exp(x)` along `dim`, without overflow; `dtype` converts the input first.

    Raises IndexError for a dim out of range, NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.softmax(torch.tensor([1.0, 1.0]), dim=0)
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.softmax.html
    """
    input, dim = _arguments("softmax_lastdim_kernel_impl", input, dim, dtype)
    result = quickly(lambda array: softmax_along(array, dim), input)
    return into(out, Softmax.apply(input, dim) if result is None else result)


def log_softmax(input: Tensor, dim: int, dtype: dtypes.dtype | None = None, *, out: Tensor | None = None) -> Tensor:
    """`x - log Σ exp(x)` along `dim`, without overflow; `dtype` converts the input first.

    Raises IndexError for a dim out of range, NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.log_softmax(torch.tensor([1.0, 1.0]), dim=0)
    tensor([-0.6931, -0.6931])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.log_softmax.html
    """
    input, dim = _arguments("log_softmax_lastdim_kernel_impl", input, dim, dtype)
    result = quickly(lambda array: log_softmax_along(array, dim), input)
    return into(out, LogSoftmax.apply(input, dim) if result is None else result)


class SoftmaxMethods:
    """The family's methods of Tensor."""

    log_softmax = log_softmax
    softmax = softmax
