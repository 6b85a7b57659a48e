"""The greatest and least elements, and where they are.

A NaN counts as greater than everything, so that it comes through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels, return_types
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import (
    Array,
    Dims,
    add_reduce,
    check_tensor,
    maximum_reduce,
    minimum_reduce,
    normalize_dims,
    not_implemented,
    refuse_float8,
    spread,
)
from rushlight.ops._out import into, into_each, plain
from rushlight.ops._quick import free
from rushlight.ops.choice import maximum, minimum

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "min"]


def check_not_empty(name: str, array: Array, dims: tuple[int, ...] | None) -> None:
    """Raise where a dimension to reduce has no elements, since there is no greatest of none."""
    if array.size:
        return
    if dims is None:
        raise RuntimeError(
            f"{name}: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with "
            "the 'dim' argument."
        )
    for dim in dims:
        if array.shape[dim] == 0:
            raise IndexError(f"{name}: Expected reduction dim {dim} to have non-zero size.")


def _free(input: Any) -> Any:
    """The array of a tensor for which the short way will do, of one element or more; else None."""
    array = free(input)
    return array if array is not None and array.size else None


def _check_ordered(array: Array, kernel: str) -> None:
    if array.dtype.kind == "c":
        raise not_implemented(kernel, array.dtype)
    refuse_float8(array.dtype, kernel)


def _share(ctx: Any, grad: Tensor, input: Tensor, out: Tensor) -> Tensor:
    """The gradient of an extremum, in equal parts to all elements that equal it."""
    ties = input._array == spread(out, ctx)._array
    if np.isnan(out._array).any():
        ties |= np.isnan(input._array)
    share = ties / add_reduce(ties, ctx.dims, keepdims=True)
    return spread(grad, ctx) * wrap(share.astype(input._array.dtype))


class Amax(Operation):
    """The greatest element over some dimensions; equal ones share the gradient."""

    node_name = "AmaxBackward0"
    ufunc: Any = np.maximum
    greatest = True

    @classmethod
    def reduce(cls, ctx: Any, input: Tensor, dim: Dims, keepdim: bool) -> Any:
        array = input._array
        ctx.shape, ctx.keepdim = array.shape, keepdim
        ctx.dims = normalize_dims(dim, array.ndim)
        if array.dtype.char in "fdli":
            out = wrap(kernels.extremum_over(array, cls.greatest, ctx.dims, keepdim))
        else:
            out = wrap(cls.ufunc.reduce(array, ctx.dims, None, None, keepdim))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, keepdim: bool) -> Any:
        return Amax.reduce(ctx, input, dim, keepdim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _share(ctx, grad, *ctx.saved_tensors), None, None


class Amin(Amax):
    """The least element over some dimensions; equal ones share the gradient."""

    node_name = "AminBackward0"
    ufunc: Any = np.minimum
    greatest = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: Dims, keepdim: bool) -> Any:
        return Amin.reduce(ctx, input, dim, keepdim)


class MaxAll(Amax):
    """The greatest of all elements."""

    node_name = "MaxBackward1"


class MinAll(Amin):
    """The least of all elements."""

    node_name = "MinBackward1"


def amax(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, axis: Dims = None, out: Tensor | None = None
) -> Tensor:
    """The greatest element over `dim` (all dimensions if empty); equal greatest elements share the gradient.

    Raises RuntimeError or IndexError where there are no elements, IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.amax(torch.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([4., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.amax.html
    """
    if out is None and axis is None and (array := _free(input)) is not None:
        return plain(kernels.extremum_over(array, True, normalize_dims(dim, array.ndim), keepdim))
    check_tensor("amax", "input", 1, input)
    result = _over_dims(Amax, "amax", "max_values_cpu", input, dim if axis is None else axis, keepdim)
    return into(out, result, exact=True)


def amin(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, axis: Dims = None, out: Tensor | None = None
) -> Tensor:
    """The least element over `dim` (all dimensions if empty); equal least elements share the gradient.

    Raises RuntimeError or IndexError where there are no elements, IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.amin(torch.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([1., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.amin.html
    """
    if out is None and axis is None and (array := _free(input)) is not None:
        return plain(kernels.extremum_over(array, False, normalize_dims(dim, array.ndim), keepdim))
    check_tensor("amin", "input", 1, input)
    result = _over_dims(Amin, "amin", "min_values_cpu", input, dim if axis is None else axis, keepdim)
    return into(out, result, exact=True)


def _over_dims(operation: Any, name: str, kernel: str, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    array = input._array
    _check_ordered(array, kernel)
    whole = not isinstance(dim, int) and not dim
    check_not_empty(f"{name}()", array, None if whole else normalize_dims(dim, array.ndim))
    return operation.apply(input, dim, keepdim)


def argument_along(array: Array, dim: int, greatest: bool) -> Array:
    """The first index of the greatest or least element along `dim`, which stays with length 1; NaN wins."""
    if array.ndim == 0:
        return np.zeros((), np.int64)
    if array.dtype.kind == "V" or array.dtype == np.float16:
        array = array.astype(np.float32)
    return np.expand_dims((np.argmax if greatest else np.argmin)(array, axis=dim), dim)


def select_along(array: Array, indices: Array, dim: int) -> Array:
    """The elements at indices along `dim`; a 0-dim array is its only element."""
    return np.take_along_axis(array, indices, dim) if array.ndim else array.copy()


class Selection(Operation):
    """Elements chosen along one dimension; each gradient goes back to where its element was."""

    @staticmethod
    def keep(ctx: Any, shape: tuple[int, ...], indices: Array, dim: int, keepdim: bool = True) -> None:
        """Leave on `ctx` what backward needs."""
        ctx.dim, ctx.shape, ctx.keepdim, ctx.indices = dim, shape, keepdim or not shape, wrap(indices)

    @staticmethod
    def choose(ctx: Any, input: Tensor, indices: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
        """The chosen elements and their indices; `indices` has length 1 along `dim`."""
        array = input._array
        return Selection.chosen(ctx, array, select_along(array, indices, dim), indices, dim, keepdim)

    @staticmethod
    def chosen(ctx: Any, array: Array, values: Array, indices: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
        """The same, where the elements are known already."""
        Selection.keep(ctx, array.shape, indices, dim, keepdim)
        if ctx.keepdim:
            return values, indices
        return values.squeeze(dim), indices.squeeze(dim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> Any:
        if not ctx.shape:
            return (grad, *(None,) * (len(ctx._edges) - 1))
        if not ctx.keepdim:
            grad = grad.unsqueeze(ctx.dim)
        indices = ctx.indices if ctx.indices.ndim == len(ctx.shape) else ctx.indices.unsqueeze(ctx.dim)
        placed = grad.new_zeros(ctx.shape).scatter(ctx.dim, indices, grad)
        return (placed, *(None,) * (len(ctx._edges) - 1))


class MaxDim(Selection):
    """The greatest element along a dimension, and its index."""

    node_name = "MaxBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, keepdim: bool) -> Any:
        return MaxDim.along(ctx, input, dim, keepdim, True)

    @staticmethod
    def along(ctx: Any, input: Tensor, dim: int, keepdim: bool, greatest: bool) -> tuple[Array, Array]:
        """The extremum of each row, and its index."""
        array = input._array
        if array.dtype.char not in "fdli" or not array.ndim:
            return Selection.choose(ctx, input, argument_along(array, dim, greatest), dim, keepdim)
        indices = kernels.place_over(array, greatest, (dim,), keepdim)
        Selection.keep(ctx, array.shape, indices, dim, keepdim)
        return kernels.extremum_over(array, greatest, (dim,), keepdim), indices


class MinDim(Selection):
    """The least element along a dimension, and its index."""

    node_name = "MinBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, keepdim: bool) -> Any:
        return MaxDim.along(ctx, input, dim, keepdim, False)


def _extremum(kind: str, input: Tensor, dim: Any, keepdim: bool, other: Tensor | None) -> Any:
    """The three forms of max and min."""
    if isinstance(dim, Variable):
        other, dim = dim, None  # type: ignore[assignment]
    if other is not None:
        return (maximum if kind == "max" else minimum)(input, other)
    array = input._array
    if dim is None:
        _check_ordered(array, f"{kind}_all")
        check_not_empty(f"{kind}()", array, None)
        return (MaxAll if kind == "max" else MinAll).apply(input, None, False)
    _check_ordered(array, kind)
    dim = wrap_dim(dim, array.ndim)
    if array.ndim:
        check_not_empty(f"{kind}()", array, (dim,))
    result = return_types.max if kind == "max" else return_types.min
    return result((MaxDim if kind == "max" else MinDim).apply(input, dim, keepdim))


def given_or_new(out: Any, result: Any) -> Any:
    """One result or several in what the caller gave for them."""
    return into_each(out, result) if isinstance(result, tuple) else into(out, result, exact=True)


def max(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    axis: int | None = None,
    out: Any = None,
) -> Any:
    """The greatest element: of all (`max(input)`), along `dim` as a named tuple (values, indices), or of two tensors.

    The gradient of `max(input)` is shared by equal elements; with `dim` it goes to the index that is returned. Raises
    RuntimeError or IndexError where there are no elements.

    >>> import rushlight as torch
    >>> torch.max(torch.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    torch.return_types.max(
    values=tensor([4., 3.]),
    indices=tensor([1, 0]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.max.html
    """
    if dim is None and other is None and axis is None and out is None and (array := _free(input)) is not None:
        return plain(kernels.extremum_over(array, True))
    check_tensor("max", "input", 1, input)
    result = _extremum("max", input, dim if axis is None else axis, keepdim, other)
    return given_or_new(out, result)


def min(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    axis: int | None = None,
    out: Any = None,
) -> Any:
    """The least element: of all (`min(input)`), along `dim` as a named tuple (values, indices), or of two tensors.

    The gradient of `min(input)` is shared by equal elements; with `dim` it goes to the index that is returned. Raises
    RuntimeError or IndexError where there are no elements.

    >>> import rushlight as torch
    >>> torch.min(torch.tensor([[1.0, 4.0], [3.0, 2.0]]))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.min.html
    """
    if dim is None and other is None and axis is None and out is None and (array := _free(input)) is not None:
        return plain(kernels.extremum_over(array, False))
    check_tensor("min", "input", 1, input)
    result = _extremum("min", input, dim if axis is None else axis, keepdim, other)
    return given_or_new(out, result)


class Argument(Operation):
    """`argmax` and `argmin`, as an operation that transforms see."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, keepdim: bool, kind: str) -> Any:
        return _argument(kind, input, dim, keepdim)


def _argument(kind: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if input._level is not None:
        if dim is None:
            found: Any = Argument.apply(input.reshape(-1), 0, False, kind)
            return found.reshape((1,) * input.ndim) if keepdim else found
        return Argument.apply(input, dim, keepdim, kind)
    array = input._array
    refuse_float8(array.dtype, f"{kind}_cpu")
    if array.dtype.kind in "bc":
        raise RuntimeError(f"{kind}(): does not support {'bool' if array.dtype.kind == 'b' else 'complex'} input")
    if dim is None:
        if not array.size:
            raise IndexError(f"{kind}(): Expected reduction dim to be specified for input.numel() == 0.")
        out = argument_along(array.reshape(-1), 0, kind == "argmax")
        return plain(out.reshape((1,) * array.ndim if keepdim else ()))
    dim = wrap_dim(dim, array.ndim)
    if array.ndim:
        check_not_empty(f"{kind}()", array, (dim,))
    out = argument_along(array, dim, kind == "argmax")
    return plain(out if keepdim or not array.ndim else out.squeeze(dim))


def _quick_argument(array: Array, dim: int | None, keepdim: bool, greatest: bool) -> Tensor:
    if dim is None or not array.ndim:
        if dim is not None:
            wrap_dim(dim, 0)
        return plain(kernels.place_over(array, greatest, None, keepdim))
    return plain(kernels.place_over(array, greatest, (wrap_dim(dim, array.ndim),), keepdim))


def argmax(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The index of the first greatest element along `dim`, or in the flattened tensor, int64; a NaN is the greatest.

    Raises RuntimeError for bool and complex, IndexError where there are no elements.

    >>> import rushlight as torch
    >>> torch.argmax(torch.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([1, 0])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.argmax.html
    """
    if out is None and axis is None and (array := _free(input)) is not None:
        return _quick_argument(array, dim, keepdim, True)
    check_tensor("argmax", "input", 1, input)
    return into(out, _argument("argmax", input, dim if axis is None else axis, keepdim), exact=True)


def argmin(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The index of the first least element along `dim`, or in the flattened tensor, int64; a NaN counts as the least.

    Raises RuntimeError for bool and complex, IndexError where there are no elements.

    >>> import rushlight as torch
    >>> torch.argmin(torch.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([0, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.argmin.html
    """
    if out is None and axis is None and (array := _free(input)) is not None:
        return _quick_argument(array, dim, keepdim, False)
    check_tensor("argmin", "input", 1, input)
    return into(out, _argument("argmin", input, dim if axis is None else axis, keepdim), exact=True)


class Aminmax(Operation):
    """Least and greatest in one call; equal ones share the gradient."""

    node_name = "AminmaxBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int | None, keepdim: bool) -> Any:
        array = input._array
        ctx.shape, ctx.keepdim = array.shape, keepdim
        ctx.dims = normalize_dims(dim, array.ndim)
        if array.dtype.char in "fd":
            low = wrap(kernels.extremum_over(array, False, ctx.dims, keepdim))
            high = wrap(kernels.extremum_over(array, True, ctx.dims, keepdim))
        else:
            low = wrap(minimum_reduce(array, ctx.dims, None, None, keepdim))
            high = wrap(maximum_reduce(array, ctx.dims, None, None, keepdim))
        ctx.save_for_backward(input, low, high)
        return low, high

    @staticmethod
    def backward(ctx: Any, grad_low: Tensor, grad_high: Tensor) -> Any:
        input, low, high = ctx.saved_tensors
        return _share(ctx, grad_low, input, low) + _share(ctx, grad_high, input, high), None, None


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None) -> Any:
    """The least and the greatest element along `dim`, or of all, as a named tuple (min, max).

    Raises RuntimeError or IndexError where there are no elements.

    >>> import rushlight as torch
    >>> torch.aminmax(torch.tensor([1.0, 4.0, 3.0]))
    torch.return_types.aminmax(
    min=tensor(1.),
    max=tensor(4.))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.aminmax.html
    """
    check_tensor("aminmax", "input", 1, input)
    array = input._array
    if dim is None and out is None and array.size and not keepdim and free(input) is not None:
        low, high = kernels.extremum_over(array, False), kernels.extremum_over(array, True)
        return return_types.aminmax((plain(low), plain(high)))
    _check_ordered(array, "aminmax_cpu")
    if dim is None and not array.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    if dim is not None and array.ndim:
        check_not_empty("aminmax", array, (wrap_dim(dim, array.ndim),))
    return into_each(out, return_types.aminmax(Aminmax.apply(input, dim, keepdim)))


class ExtremumMethods:
    """The reductions by order as methods of Tensor."""

    amax = amax
    amin = amin
    aminmax = aminmax
    argmax = argmax
    argmin = argmin
    max = max
    min = min
