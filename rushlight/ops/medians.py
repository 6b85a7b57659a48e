"""Medians and modes: the element in the middle, and the most frequent one.

They come with the place where the element stands; gradients go there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels, return_types
from rushlight.autograd.variable import wrap
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Array, as_result, check_tensor, not_implemented, widened
from rushlight.ops._out import into_each, plain
from rushlight.ops.extremum import Selection, check_not_empty, given_or_new

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["median", "mode", "nanmedian"]


class Median(Selection):
    """The lower median of all elements; the gradient goes to the element that is returned."""

    node_name = "MedianBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return Median.of_all(ctx, input, False)

    @staticmethod
    def of_all(ctx: Any, input: Tensor, ignore_nan: bool) -> Array:
        """The median of the flattened array."""
        array = input._array
        ctx.whole_shape = array.shape
        value, index = kernels.median_along(np.ascontiguousarray(widened(array.reshape(-1))), 0, ignore_nan)
        ctx.index = wrap(index)
        return as_result(value, array.dtype).reshape(())

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> Any:
        size = int(np.prod(ctx.whole_shape))
        return grad.new_zeros((size,)).scatter(0, ctx.index, grad.reshape(1)).reshape(ctx.whole_shape)


class Nanmedian(Median):
    """The lower median of the elements that are not NaN."""

    node_name = "NanmedianBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return Nanmedian.of_all(ctx, input, True)


class MedianDim(Selection):
    """The lower median along a dimension, and its index."""

    node_name = "MedianBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, keepdim: bool) -> Any:
        return MedianDim.along(ctx, input, dim, keepdim, False)

    @staticmethod
    def along(ctx: Any, input: Tensor, dim: int, keepdim: bool, ignore_nan: bool) -> tuple[Array, Array]:
        """The median of each row, and its index."""
        array = input._array
        if not array.ndim:
            return Selection.choose(ctx, input, np.zeros((), np.int64), dim, keepdim)
        values, indices = kernels.median_along(np.ascontiguousarray(widened(array)), dim, ignore_nan)
        return Selection.chosen(ctx, array, as_result(values, array.dtype), indices, dim, keepdim)


class NanmedianDim(Selection):
    """The lower median, along a dimension, of what is not NaN, and its index."""

    node_name = "NanmedianBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, keepdim: bool) -> Any:
        return MedianDim.along(ctx, input, dim, keepdim, True)


def _median(input: Tensor, dim: int | None, keepdim: bool, ignore_nan: bool) -> Any:
    array = input._array
    if array.dtype.kind == "c" or (array.dtype.kind == "b" and (array.size or dim is not None)):
        raise not_implemented("median_cpu", array.dtype)
    if dim is None:
        if not array.size:
            empty = np.iinfo(array.dtype).min if array.dtype.kind in "iu" else float("nan")
            return plain(np.asarray(empty).astype(array.dtype))
        return (Nanmedian if ignore_nan else Median).apply(input)
    dim = wrap_dim(dim, array.ndim)
    if array.ndim:
        check_not_empty("median()", array, (dim,))
    if ignore_nan:
        return return_types.nanmedian(NanmedianDim.apply(input, dim, keepdim))
    return return_types.median(MedianDim.apply(input, dim, keepdim))


def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The lower median: of all elements, or along `dim` as a named tuple (values, indices); NaN if there is one.

    Of elements equal to the median, the index is of the one that a stable sort puts in the middle. Raises
    NotImplementedError
    for bool and complex, IndexError where a dimension has no elements.

    >>> import rushlight as torch
    >>> torch.median(torch.tensor([3.0, 1.0, 4.0, 2.0]))
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.median.html
    """
    check_tensor("median", "input", 1, input)
    return given_or_new(out, _median(input, dim, keepdim, False))


def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The lower median of the elements that are not NaN: of all, or along `dim` as a named tuple (values, indices).

    Raises NotImplementedError for bool and complex, IndexError where a dimension has no elements.

    >>> import rushlight as torch
    >>> torch.nanmedian(torch.tensor([3.0, float("nan"), 2.0]))
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nanmedian.html
    """
    check_tensor("nanmedian", "input", 1, input)
    return given_or_new(out, _median(input, dim, keepdim, True))


class Mode(Selection):
    """The most frequent value along a dimension, and an index of it."""

    node_name = "ModeBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, keepdim: bool) -> Any:
        array = input._array
        if not array.ndim:
            return Mode.choose(ctx, input, np.zeros((), np.int64), dim, keepdim)
        values, indices = kernels.mode_along(np.ascontiguousarray(widened(array)), dim)
        return Mode.chosen(ctx, array, as_result(values, array.dtype), indices, dim, keepdim)


def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The most frequent value along `dim` (the least of those equally frequent) and an index of it, as a named tuple.

    Raises IndexError where the dimension has no elements or is out of range.

    >>> import rushlight as torch
    >>> torch.mode(torch.tensor([2, 1, 2, 3]))
    torch.return_types.mode(
    values=tensor(2),
    indices=tensor(2))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.mode.html
    """
    check_tensor("mode", "input", 1, input)
    array = input._array
    dim = wrap_dim(dim, array.ndim)
    if array.dtype.kind == "c":
        raise not_implemented("mode_cpu", array.dtype)
    if array.ndim:
        check_not_empty("mode()", array, (dim,))
    return into_each(out, return_types.mode(Mode.apply(input, dim, keepdim)))


class MedianMethods:
    """Medians and modes as methods of Tensor."""

    median = median
    mode = mode
    nanmedian = nanmedian
