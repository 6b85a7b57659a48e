"""Softmax and its logarithm along a dimension.

The greatest element is subtracted first, so that nothing overflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._geometry import in_order, wrap_dim
from rushlight.ops._numeric import Array, as_result, check_tensor, not_implemented, widened
from rushlight.ops._out import into
from rushlight.ops._quick import quickly
from rushlight.ops.conversion import in_type

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["log_softmax", "softmax"]


def softmax_along(array: Array, dim: int) -> Array:
    """`exp(x) / Σ exp(x)` along a dimension."""
    if not array.ndim:
        return np.where(np.isfinite(array), np.ones_like(array), np.full_like(array, np.nan))
    return kernels.softmax(in_order(array), dim)


def log_softmax_along(array: Array, dim: int) -> Array:
    """`x - log Σ exp(x)` along a dimension."""
    if not array.ndim:
        return np.subtract(array, array)
    return kernels.log_softmax(in_order(array), dim)


class SoftmaxBackward(Operation):
    """`out · (grad - Σ grad · out)`."""

    node_name = "SoftmaxBackwardDataBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, out: Tensor, dim: int) -> Any:
        ctx.save_for_backward(grad, out)
        ctx.dim = dim
        g, o = widened(grad._array), widened(out._array)
        if not g.ndim:
            return as_result(np.asarray(g * o - o * (g * o)), grad._array.dtype)
        return as_result(kernels.softmax_backward(in_order(g), in_order(o), dim), grad._array.dtype)

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
        if not g.ndim:
            return as_result(np.asarray(g - np.exp(o) * g), grad._array.dtype)
        return as_result(kernels.log_softmax_backward(in_order(g), in_order(o), dim), grad._array.dtype)

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
