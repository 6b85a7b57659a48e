"""Views: the same memory under another shape or another order of dimensions.

Where memory does not allow a view, `reshape` copies and `view` refuses.

Source: https://docs.pytorch.org/docs/2.13/tensor_view.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation, ViewOperation, is_plain, view_of
from rushlight.autograd.variable import Variable, wrap
from rushlight.layout import contiguous_format
from rushlight.ops._geometry import (
    Array,
    Shape,
    inferred_shape,
    shape_text,
    sizes,
    wrap_dim,
    wrap_dims,
)
from rushlight.ops._numeric import check_tensor
from rushlight.ops.conversion import clone
from rushlight.size import Size

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["flatten", "ravel", "reshape", "squeeze", "unflatten", "unsqueeze"]


def _in_shape_of_parent(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The gradient of a view of other dimensions as that of what it is a view of."""
    if grad._view is None and not (state.enabled or state.levels) and grad._array.flags.c_contiguous:
        return wrap(grad._array.reshape(shape))
    return reshape(grad, shape)


class View(ViewOperation):
    """The elements in the same order under another shape, without a copy."""

    node_name = "ViewBackward0"
    keeps_channels = True

    @staticmethod
    def forward(ctx: Any, input: Tensor, shape: Shape) -> Array:
        array = input._array
        ctx.shape = array.shape
        try:
            # `copy=False` guards against a copy, and costs twice what reshape does.
            out = array.reshape(shape) if array.flags.c_contiguous else array.reshape(shape, copy=False)
            if out.shape == shape or min(shape) >= -1:
                return out
            raise ValueError
        except (TypeError, ValueError):
            inferred_shape(sizes((shape,), "view"), array.size)
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across "
                "two contiguous subspaces). Use .reshape(...) instead."
            ) from None

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _in_shape_of_parent(grad, ctx.shape), None


class ReshapeAlias(View):
    """The same of elements that have gaps or another order."""

    node_name = "ReshapeAliasBackward0"


class UnsafeView(Operation):
    """The shape of a fresh copy, which nothing else can see: no view needs recording."""

    node_name = "UnsafeViewBackward0"
    keeps_channels = True

    @staticmethod
    def forward(ctx: Any, input: Tensor, shape: Shape) -> Array:
        ctx.shape = input._array.shape
        return input._array.reshape(shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _in_shape_of_parent(grad, ctx.shape), None


class ViewDtype(Operation):
    """The same bytes read as another type; no gradient passes, and autograd does not follow writes into it."""

    node_name = "ViewBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dtype: dtypes.dtype) -> Array:
        array = input._array
        _check_reinterpretation(array, dtypes.from_numpy_dtype(array.dtype), dtype)
        ctx.mark_non_differentiable(input)
        return array.view(dtype.numpy_dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return None, None


def _check_reinterpretation(array: Array, old: dtypes.dtype, new: dtypes.dtype) -> None:
    if old.itemsize == new.itemsize:
        return
    names = f"{old.legacy_name} as {new.legacy_name} (different element sizes)"
    if array.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 to view {names}")
    if array.strides[-1] != array.itemsize and array.shape[-1] != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 to view {names}, but got {array.strides[-1] // array.itemsize}")
    if new.itemsize > old.itemsize:
        ratio = new.itemsize // old.itemsize
        if array.shape[-1] % ratio:
            raise RuntimeError(f"self.size(-1) must be divisible by {ratio} to view {names}, but got {array.shape[-1]}")
        for dim, stride in enumerate(array.strides[:-1]):
            if stride % new.itemsize:
                raise RuntimeError(
                    f"self.stride({dim}) must be divisible by {ratio} to view {names}, but got "
                    f"{stride // array.itemsize}"
                )


class Alias(ViewOperation):
    """A view of the whole."""

    node_name = "AliasBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        return input._array[...]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad


class Squeeze(ViewOperation):
    """Dimensions of length one dropped."""

    node_name = "SqueezeBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: Shape) -> Array:
        ctx.shape = input._array.shape
        return input._array.squeeze(dims)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _in_shape_of_parent(grad, ctx.shape), None


class SqueezeDim(Squeeze):
    """One dimension dropped if its length is one."""

    node_name = "SqueezeBackward1"


class SqueezeDims(Squeeze):
    """Several dimensions dropped where their length is one."""

    node_name = "SqueezeBackward2"


class Unsqueeze(ViewOperation):
    """A dimension of length one put in."""

    node_name = "UnsqueezeBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Array:
        ctx.shape = input._array.shape
        return input._array[(slice(None),) * dim + (None,)]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _in_shape_of_parent(grad, ctx.shape), None


def view(input: Tensor, *shape: Any, dtype: dtypes.dtype | None = None, size: Sequence[int] | None = None) -> Tensor:
    """The same memory under another shape (one length may be -1), or read as another dtype.

    RuntimeError if the shape doesn't fit, or if only a copy could have it.

    >>> import rushlight as torch
    >>> torch.arange(6).view(2, -1).shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.view.html
    """
    if shape:
        first = shape[0]
        kind = first.__class__
        if kind is tuple or kind is Size:
            return _viewed(input, first)
        if kind is int:
            return _viewed(input, shape)
        if kind is dtypes.dtype and len(shape) == 1:
            return _as_dtype(input, first)
        return View.apply(input, sizes(shape, "view"))
    if dtype is not None:
        return _as_dtype(input, dtype)
    if size is None:
        raise TypeError("view() received an invalid combination of arguments - got (), but expected a shape or a dtype")
    return View.apply(input, tuple(size))


def _viewed(input: Tensor, shape: Any) -> Tensor:
    try:
        array = input._array
        if is_plain(input) and array.flags.c_contiguous:
            out = array.reshape(shape)
            if out.shape == shape:
                return view_of(View, input, (shape,), out)
    except (AttributeError, TypeError, ValueError):
        pass
    return View.apply(input, shape)


def _as_dtype(input: Tensor, dtype: dtypes.dtype) -> Tensor:
    out = ViewDtype.apply(input.detach(), dtype)
    out._counter = input.version_counter()
    return out


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.view(other.size())`."""
    if not isinstance(other, Variable):
        raise TypeError(f"view_as(): argument 'other' (position 1) must be Tensor, not {type(other).__name__}")
    return View.apply(input, other._array.shape)


def reshape(input: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The elements in row-major order under another shape: a view where memory allows it, a copy elsewhere.

    RuntimeError if the number of elements differs.

    >>> import rushlight as torch
    >>> torch.arange(6).reshape(3, 2)
    tensor([[0, 1],
            [2, 3],
            [4, 5]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.reshape.html
    """
    if len(shape) == 1 and (shape[0].__class__ is tuple or shape[0].__class__ is Size):
        shape = shape[0]
    elif named:
        shape = sizes((named["shape"],), "reshape", "shape")
    elif not shape or shape[0].__class__ is not int:
        shape = sizes(shape, "reshape", "shape")
    try:
        array = input._array
        if is_plain(input) and array.flags.c_contiguous:
            out = array.reshape(shape)
            if out.shape == shape:
                return view_of(View, input, (shape,), out)
    except (AttributeError, TypeError, ValueError):
        pass
    try:
        return (View if input._array.flags.c_contiguous else ReshapeAlias).apply(input, shape)
    except RuntimeError:
        shape = inferred_shape(sizes((shape,), "reshape", "shape"), input._array.size)
    return UnsafeView.apply(clone(input, memory_format=contiguous_format), shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.reshape(other.size())`."""
    check_tensor("reshape_as", "other", 2, other)
    return reshape(input, other._array.shape)


def alias(input: Tensor) -> Tensor:
    """Another Tensor over the same memory, a view of `input`."""
    return Alias.apply(input)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` as one: (N, *, M) becomes (N·…·M).

    Raises IndexError for a dim out of range, RuntimeError where the second comes before the first.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 4).flatten(1).shape
    torch.Size([2, 12])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.flatten.html
    """
    try:
        shape = input._array.shape
    except AttributeError:
        check_tensor("flatten", "input", 1, input)
        raise
    ndim = len(shape)
    start, end = wrap_dim(start_dim, ndim), wrap_dim(end_dim, ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if ndim == 0:
        return reshape(input, (1,))
    if start == end:
        return input
    if start == 0 and end == ndim - 1:
        size, array = (input._array.size,), input._array
        if is_plain(input) and array.flags.c_contiguous:
            return view_of(View, input, (size,), array.reshape(size))
        return reshape(input, size)
    return reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension, in row-major order: a view where memory allows it.

    >>> import rushlight as torch
    >>> torch.ravel(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ravel.html
    """
    check_tensor("ravel", "input", 1, input)
    return reshape(input.contiguous(), (-1,) if input._array.size else (0,))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several, whose lengths (one may be -1) multiply to its own.

    Raises RuntimeError where they don't multiply to it, IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.zeros(2, 12).unflatten(1, (3, -1)).shape
    torch.Size([2, 3, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unflatten.html
    """
    check_tensor("unflatten", "input", 1, input)
    shape = input._array.shape
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"unflatten(): argument 'sizes' (position 2) must be tuple of ints, not {type(sizes).__name__}")
    sizes = tuple(sizes)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if not shape:
        raise RuntimeError(
            f"unflatten got an unexpected error:\nDimension specified as {dim} but tensor has no dimensions"
        )
    dim = wrap_dim(dim, len(shape))
    if math.prod(sizes) == shape[dim] and min(sizes) > 0:
        return _viewed(input, (*shape[:dim], *sizes, *shape[dim + 1 :]))
    if sizes.count(-1) > 1 or min(sizes) < -1 or (-1 in sizes and 0 in sizes and not shape[dim]):
        try:
            inferred_shape(sizes, shape[dim])
        except RuntimeError as error:
            raise RuntimeError(f"unflatten got an unexpected error:\n{error}") from None
    known = math.prod(size for size in sizes if size != -1)
    if shape[dim] != known and not (-1 in sizes and known and shape[dim] % known == 0):
        raise RuntimeError(
            f"unflatten: Provided sizes {shape_text(sizes)} don't multiply up to the size of dim {dim} ({shape[dim]}) "
            "in the input tensor"
        )
    sizes = tuple(shape[dim] // known if size == -1 else size for size in sizes)
    return view(input, (*shape[:dim], *sizes, *shape[dim + 1 :]))


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """A view without the dimensions of length one, or without those of `dim` that have length one.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.zeros(2, 1, 3, 1).squeeze(1).shape
    torch.Size([2, 3, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.squeeze.html
    """
    try:
        shape = input._array.shape
    except AttributeError:
        check_tensor("squeeze", "input", 1, input)
        raise
    if dim is None:
        dims = tuple([i for i, size in enumerate(shape) if size == 1]) if 1 in shape else ()
        if is_plain(input):
            return view_of(Squeeze, input, (dims,), input._array.squeeze())
        return Squeeze.apply(input, dims)
    if isinstance(dim, int):
        dim = wrap_dim(dim, len(shape))
        return SqueezeDim.apply(input, (dim,) if shape and shape[dim] == 1 else ())
    dims = wrap_dims(dim, len(shape))
    return SqueezeDims.apply(input, tuple([i for i in dims if shape and shape[i] == 1]))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a dimension of length one put in at `dim`.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3).unsqueeze(-1).shape
    torch.Size([2, 3, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unsqueeze.html
    """
    try:
        ndim = input._array.ndim
    except AttributeError:
        check_tensor("unsqueeze", "input", 1, input)
        raise
    dim = wrap_dim(dim, ndim + 1)
    if is_plain(input):
        return view_of(Unsqueeze, input, (dim,), input._array[(slice(None),) * dim + (None,)])
    return Unsqueeze.apply(input, dim)


class ShapeMethods:
    """Tensor's methods of this family."""

    flatten = flatten
    ravel = ravel
    reshape = reshape
    reshape_as = reshape_as
    squeeze = squeeze
    unflatten = unflatten
    unsqueeze = unsqueeze
    view = view
    view_as = view_as
