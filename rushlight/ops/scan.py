"""Running results along a dimension: sums, products, extrema.

The shape stays; an element of the result comes from that place and those before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels, return_types
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import (
    Array,
    as_result,
    check_tensor,
    not_implemented,
    require_floating,
    widened,
)
from rushlight.ops._out import into, into_each, plain, type_of_out
from rushlight.ops._quick import free
from rushlight.ops.conversion import in_type

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "logcumsumexp"]


def _accumulate(kernel: Any, ufunc: Any, array: Array, dim: int, kept: bool) -> Array:
    """A running result; of integers in int64, unless the caller named their type, which then stays."""
    kind = array.dtype.kind
    if array.ndim == 0:
        return array.copy() if kept or kind not in "biu" else array.astype(np.int64)
    if kind == "c" or (kept and kind in "iu"):
        return ufunc.accumulate(array, dim, array.dtype)
    wide = array.astype(np.int64, copy=False) if kind in "biu" else widened(array)
    return as_result(kernel(np.ascontiguousarray(wide), dim), array.dtype)


class CumsumFromEnd(Operation):
    """`out[i] = Σ input[i..]`: the gradient of a running sum."""

    # Two flips around a sum, to PyTorch.
    node_name = "FlipBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Any:
        array = input._array
        ctx.dim = dim
        if not array.ndim:
            return array.copy()
        return as_result(kernels.sum_along(np.ascontiguousarray(widened(array)), dim, True), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Cumsum.apply(grad, ctx.dim, False), None


class Cumsum(Operation):
    """`out[i] = Σ input[..i]`."""

    node_name = "CumsumBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, kept: bool) -> Any:
        array = input._array
        ctx.dim = dim
        return _accumulate(kernels.sum_along, np.add, array, dim, kept)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return CumsumFromEnd.apply(grad, ctx.dim), None, None


def cumsum(
    input: Tensor,
    dim: int | None = None,
    *,
    dtype: dtypes.dtype | None = None,
    axis: int | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """`out[i] = input[0] + … + input[i]` along `dim`; integers and booleans add up in int64.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.cumsum(torch.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 3., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cumsum.html
    """
    if dtype is None and out is None and dim.__class__ is int and (array := free(input)) is not None and array.ndim:
        return plain(kernels.sum_along(np.ascontiguousarray(array), wrap_dim(dim, array.ndim)))
    if out is not None:
        dtype = type_of_out(input, out, dtype)
    return into(out, Cumsum.apply(*_scan_arguments("cumsum", input, dim if axis is None else axis, dtype)))


def _scan_arguments(name: str, input: Tensor, dim: int | None, dtype: dtypes.dtype | None) -> tuple[Tensor, int, bool]:
    """The input in the type asked for, the dimension, and whether a type was asked for."""
    if dim is None:
        raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
    check_tensor(name, "input", 1, input)
    dim = wrap_dim(dim, input._array.ndim)
    if dtype is None:
        return input, dim, False
    input = in_type(input, dtype, name)
    if input._array.dtype.kind == "b":
        raise not_implemented(f"{name}_out_cpu", input._array.dtype)
    return input, dim, True


def _inplace_arguments(name: str, input: Any, dim: int, dtype: dtypes.dtype | None) -> tuple[Tensor, int, bool]:
    if dtype is not None and dtype is not input.dtype:
        raise RuntimeError(
            f"Bad in-place call: input tensor dtype {input.dtype.name} and output tensor dtype {dtype.name} should "
            "match"
        )
    return _scan_arguments(name, input, dim, input.dtype)


class Cumprod(Operation):
    """`out[i] = Π input[..i]`."""

    node_name = "CumprodBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, kept: bool) -> Any:
        array = input._array
        ctx.dim = dim
        out = wrap(_accumulate(kernels.product_along, np.multiply, array, dim, kept))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        if not input._array.ndim or input._array.shape[ctx.dim] == 1:
            return grad, None, None
        if input._array.all():
            return CumsumFromEnd.apply(grad * out.conj(), ctx.dim) / input.conj(), None, None
        if state.enabled:
            return _recorded_gradient_at_zeros(grad, input, ctx.dim), None, None
        return _cumprod_gradient_at_zeros(grad, input, out, ctx.dim), None, None


def _cumprod_gradient_at_zeros(grad: Tensor, input: Tensor, out: Tensor, dim: int) -> Tensor:
    """Up to the first zero by division, at it by the product of the others, and nothing after it.

    That nothing depends on the zero, so its own derivative isn't nothing: this isn't for a gradient to be recorded.
    """
    zero = input == 0
    count = zero.cumsum(dim)
    first = zero.logical_and(count == 1)
    divided = CumsumFromEnd.apply(grad * out.conj(), dim) / input.masked_fill(zero, 1).conj()
    others = CumsumFromEnd.apply(grad * input.masked_fill(first, 1).cumprod(dim).conj(), dim)
    return divided.masked_fill(count != 0, 0) + others.masked_fill(first.logical_not(), 0)


def _recorded_gradient_at_zeros(grad: Tensor, input: Tensor, dim: int) -> Tensor:
    """Without division: for element k, the running product with that element replaced by 1, from k on."""
    from rushlight.ops.joining import cat

    columns = []
    count = input.shape[dim]
    shape = [1] * input._array.ndim
    shape[dim] = count
    place = np.arange(count).reshape(shape)
    for k in range(count):
        others = input.masked_fill(wrap(place == k), 1).cumprod(dim)
        columns.append((grad * others.conj()).narrow(dim, k, count - k).sum(dim, True))
    return cat(columns, dim)


def cumprod(
    input: Tensor,
    dim: int | None = None,
    *,
    dtype: dtypes.dtype | None = None,
    axis: int | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """`out[i] = input[0] · … · input[i]` along `dim`; integers and booleans multiply in int64.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.cumprod(torch.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 2., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cumprod.html
    """
    if dtype is None and out is None and dim.__class__ is int and (array := free(input)) is not None and array.ndim:
        return plain(kernels.product_along(np.ascontiguousarray(array), wrap_dim(dim, array.ndim)))
    if out is not None:
        dtype = type_of_out(input, out, dtype)
    return into(out, Cumprod.apply(*_scan_arguments("cumprod", input, dim if axis is None else axis, dtype)))


class Cummax(Operation):
    """The running greatest element and the last index at which it was met."""

    node_name = "CummaxBackward0"
    greatest = True

    @classmethod
    def scan(cls, ctx: Any, input: Tensor, dim: int) -> tuple[Array, Array]:
        """The running extremum of this class, and where it was met."""
        array = input._array
        ctx.dim, ctx.shape = dim, array.shape
        if array.ndim == 0:
            return array.copy(), np.zeros((), np.int64)
        values, indices = kernels.extremum_along(np.ascontiguousarray(widened(array)), dim, cls.greatest)
        ctx.indices = wrap(indices)
        return as_result(values, array.dtype), indices

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Any:
        return Cummax.scan(ctx, input, dim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> Any:
        if not ctx.shape:
            return grad, None
        return grad.new_zeros(ctx.shape).scatter_add(ctx.dim, ctx.indices, grad), None


class Cummin(Cummax):
    """The running least element and the last index at which it was met."""

    node_name = "CumminBackward0"
    greatest = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Any:
        return Cummin.scan(ctx, input, dim)


def cummax(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """The greatest element so far along `dim`, and the last index at which it was met, as a named tuple.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.cummax(torch.tensor([1.0, 3.0, 2.0]), dim=0).values
    tensor([1., 3., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cummax.html
    """
    check_tensor("cummax", "input", 1, input)
    return into_each(out, return_types.cummax(Cummax.apply(input, wrap_dim(dim, input._array.ndim))))


def cummin(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """The least element so far along `dim`, and the last index at which it was met, as a named tuple.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.cummin(torch.tensor([3.0, 1.0, 2.0]), dim=0).values
    tensor([3., 1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cummin.html
    """
    check_tensor("cummin", "input", 1, input)
    return into_each(out, return_types.cummin(Cummin.apply(input, wrap_dim(dim, input._array.ndim))))


def _log_sum(a: Array, b: Array) -> Array:
    """`log(exp(a) + exp(b))` of complex numbers, with the imaginary part of the greater real part's branch."""
    swap = (a.real >= b.real) & ~np.isnan(a)
    low, high = np.where(swap, b, a), np.where(swap, a, b)
    apart = low - high
    apart[~np.isfinite(apart.real)] = -np.inf
    out = np.log1p(np.exp(apart)) + high
    nothing = (low.real == high.real) & np.isneginf(low.real)
    out[nothing] = low[nothing]
    out[np.isnan(low) | np.isnan(high)] = complex("nan+nanj")
    return out


def _complex_log_sums(array: Array, dim: int) -> Array:
    """The running `_log_sum` in the order of the elements, on which the branch of the logarithm depends."""
    rows = np.moveaxis(np.atleast_1d(array), dim, 0)
    out = np.empty_like(rows)
    for i, row in enumerate(rows):
        out[i] = row if i == 0 else _log_sum(out[i - 1 : i], row[None])[0]
    return np.ascontiguousarray(np.moveaxis(out, 0, dim)).reshape(array.shape)


class Logcumsumexp(Operation):
    """`out[i] = log Σ exp(input[..i])`, without overflow."""

    node_name = "LogcumsumexpBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Any:
        array = input._array
        ctx.dim = dim
        if array.dtype.kind == "c":
            out = wrap(_complex_log_sums(array, dim))
        else:
            out = wrap(_accumulate(kernels.log_sum_exp_along, np.logaddexp, array, dim, True))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        dim = ctx.dim
        if not input._array.ndim:
            return grad, None
        if input._array.dtype.kind == "c":
            sums = (grad.conj().log() - out).flip(dim).logcumsumexp(dim).flip(dim)
            return (sums + input).exp().conj(), None
        # exp(input) Σ grad exp(-out), summed in the log domain and apart by sign, so that nothing overflows.
        size = grad.abs().log()
        total = None
        for sign, side in ((1, grad > 0), (-1, grad < 0)):
            logs = (size - out).masked_fill(side.logical_not(), -float("inf"))
            part = (logs.flip(dim).logcumsumexp(dim).flip(dim) + input).exp()
            total = part if total is None else total + sign * part
        return total, None


def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """`log(exp(input[0]) + … + exp(input[i]))` along `dim`, without overflow.

    Raises IndexError for a dim out of range, NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.logcumsumexp(torch.tensor([1000.0, 1000.0]), dim=0)
    tensor([1000.0000, 1000.6932])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logcumsumexp.html
    """
    check_tensor("logcumsumexp", "input", 1, input)
    if input._array.dtype.kind != "c":
        require_floating(input._array, "logcumsumexp_out_cpu")
    return into(out, Logcumsumexp.apply(input, wrap_dim(dim, input._array.ndim)), exact=True)


class ScanMethods:
    """The running results as methods of Tensor."""

    cummax = cummax
    cummin = cummin
    cumprod = cumprod
    cumsum = cumsum
    logcumsumexp = logcumsumexp

    def cumsum_(self: Any, dim: int, *, dtype: dtypes.dtype | None = None) -> Any:
        """`cumsum`, written into this tensor."""
        return Cumsum.inplace(*_inplace_arguments("cumsum", self, dim, dtype))

    def cumprod_(self: Any, dim: int, *, dtype: dtypes.dtype | None = None) -> Any:
        """`cumprod`, written into this tensor."""
        return Cumprod.inplace(*_inplace_arguments("cumprod", self, dim, dtype))
