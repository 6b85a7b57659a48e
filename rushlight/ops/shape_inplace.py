"""Views taken in place: the tensor itself gets another shape, other strides or other memory.

Other views of the memory stay as they were.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.resize_.html
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.array_memory import resized
from rushlight.autograd.grad_mode import enable_grad, state
from rushlight.autograd.operation import ViewOperation
from rushlight.autograd.variable import Variable, wrap
from rushlight.layout import channels_last, channels_last_3d, contiguous_format, preserve_format
from rushlight.ops._geometry import Shape, channel_order, shape_text, sizes, wrap_dim, wrap_dims
from rushlight.ops._numeric import check_tensor
from rushlight.ops.axes import T, Transpose
from rushlight.ops.creation import checked_shape
from rushlight.ops.shape import Squeeze, Unsqueeze
from rushlight.ops.slicing import AsStrided
from rushlight.storage import TypedStorage, UntypedStorage, array_over

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["as_strided_", "resize_as_", "resize_as_sparse_"]


class TInplace(T):
    """`T`, as the history of a tensor that was transposed in place."""

    node_name = "TBackward1"


class TransposeInplace(Transpose):
    """`Transpose`, in place."""

    node_name = "TransposeBackward1"


class SqueezeInplace(Squeeze):
    """`Squeeze`, in place."""

    node_name = "SqueezeBackward3"


class SqueezeDimInplace(Squeeze):
    """`SqueezeDim`, in place."""

    node_name = "SqueezeBackward4"


class SqueezeDimsInplace(Squeeze):
    """`SqueezeDims`, in place."""

    node_name = "SqueezeBackward5"


class UnsqueezeInplace(Unsqueeze):
    """`Unsqueeze`, in place."""

    node_name = "UnsqueezeBackward1"


class AsStridedInplace(AsStrided):
    """`AsStrided`, in place."""

    node_name = "AsStridedBackward1"


def become(target: Tensor, view: type[ViewOperation], *arguments: Any) -> Tensor:
    """Turn a tensor into a view of what it was."""
    from rushlight.autograd.views import check_inplace

    if target._level is not None:
        # What a transform wraps becomes the wrapping of the view.
        target.__dict__.update(view.apply(target, *arguments).__dict__)
        return target
    if not state.enabled:
        if target._view is not None:
            with enable_grad():
                target._view.refresh(target)
        # The history stays as it is.
        target._array = view.forward(view._node_class(), target, *arguments)
        target.bump_version()
        return target
    if target.requires_grad:
        check_inplace(target)
    before = wrap(target._array)
    before._grad_fn, before._output_nr, before._requires_grad = (
        target._grad_fn,
        target._output_nr,
        target._requires_grad,
    )
    before._view, before._counter = target._view, target.version_counter()
    after = view.apply(before, *arguments)
    target._array = after._array
    target._grad_fn, target._output_nr, target._requires_grad = after._grad_fn, after._output_nr, after._requires_grad
    if target._view is not None:
        target._view = after._view
    target.bump_version()
    if target._view is not None and target._requires_grad:
        target._view.version = target.version_counter().value
    return target


def t_(input: Tensor) -> Tensor:
    """`t` in place."""
    if input._array.ndim > 2:
        raise RuntimeError(f"t_() expects a tensor with <= 2 dimensions, but self is {input._array.ndim}D")
    return become(input, TInplace)


def transpose_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` in place."""
    ndim = input._array.ndim
    dim0, dim1 = wrap_dim(dim0, ndim), wrap_dim(dim1, ndim)
    return become(input, TransposeInplace, dim0, dim1)


def swapaxes_(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`swapaxes` in place."""
    return transpose_(input, axis0, axis1)


def squeeze_(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """`squeeze` in place."""
    shape = input._array.shape
    dims = tuple(range(len(shape))) if dim is None else wrap_dims(dim, len(shape))
    view = SqueezeInplace if dim is None else SqueezeDimInplace if isinstance(dim, int) else SqueezeDimsInplace
    return become(input, view, tuple([i for i in dims if shape and shape[i] == 1]))


def unsqueeze_(input: Tensor, dim: int) -> Tensor:
    """`unsqueeze` in place."""
    return become(input, UnsqueezeInplace, wrap_dim(dim, input._array.ndim + 1))


def as_strided_(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """Like `as_strided`, written into the tensor."""
    offset = input.storage_offset() if storage_offset is None else storage_offset
    return become(input, AsStridedInplace, tuple(size), tuple(stride), offset)


def resize_(input: Tensor, *size: Any, memory_format: Any = None, **named: Any) -> Tensor:
    """Give the tensor another shape over its memory, or over more: new elements are whatever was there.

    RuntimeError for a tensor that requires grad.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.resize_.html
    """
    if input.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = checked_shape(sizes((named["size"],) if named else size, "resize_"))
    _resize(input, shape, memory_format)
    return input


def _resize(input: Tensor, shape: Shape, format_: Any) -> None:
    array = input._array
    if array.shape != shape:
        input._array = resized(array, shape)
    if format_ is not None and format_ is not contiguous_format:
        if format_ is preserve_format:
            raise RuntimeError("Unsupported memory format preserve_format")
        order = channel_order(format_, len(shape))
        array = resized(input._array, tuple([shape[i] for i in order]))
        input._array = array.transpose(sorted(range(len(order)), key=order.__getitem__))


def resize(input: Tensor, *size: Any) -> Tensor:
    """A view with another shape of the same number of elements; PyTorch has deprecated it, and so warns."""
    warnings.warn("non-inplace resize is deprecated", UserWarning, stacklevel=2)
    return _reshaped(input, sizes(size, "resize"))


def resize_as(input: Tensor, tensor: Tensor) -> Tensor:
    """A view with the shape of another tensor of as many elements; PyTorch has deprecated it, and so warns."""
    warnings.warn("non-inplace resize_as is deprecated", UserWarning, stacklevel=2)
    check_tensor("resize_as", "tensor", 1, tensor)
    return _reshaped(input, tensor._array.shape)


def _reshaped(input: Tensor, shape: Shape) -> Tensor:
    if math.prod(shape) != input._array.size:
        raise RuntimeError(
            f"requested resize to {shape_text(shape)} ({math.prod(shape)} elements in total), but the given tensor has "
            f"a size of {shape_text(input._array.shape)} ({input._array.size} elements). autograd's resize can only "
            "change the shape of a given tensor, while preserving the number of elements. "
        )
    return input.contiguous().view(shape)


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """`resize_` to the shape of another tensor, and with `memory_format=torch.preserve_format` to its order in memory.

    >>> import rushlight as torch
    >>> torch.resize_as_(torch.arange(6), torch.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.resize_as_.html
    """
    check_tensor("resize_as_", "input", 1, input)
    check_tensor("resize_as_", "the_template", 2, the_template)
    if input.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    format_ = memory_format
    if format_ is preserve_format:
        format_ = _suggested_format(the_template)
    _resize(input, the_template._array.shape, format_)
    return input


def _suggested_format(tensor: Tensor) -> Any:
    """The format that a tensor's memory has."""
    for format_ in (channels_last, channels_last_3d):
        if not tensor.is_contiguous() and tensor.is_contiguous(memory_format=format_):
            return format_
    return contiguous_format


def resize_as_sparse_(input: Tensor, the_template: Tensor) -> Tensor:
    """Give a sparse tensor another's shape and numbers of sparse and dense dimensions. NotImplementedError for dense
    ones.

    >>> import rushlight as torch
    >>> x, like = torch.zeros(2, 2).to_sparse(), torch.zeros(3, 4).to_sparse()
    >>> torch.resize_as_sparse_(x, like).shape
    torch.Size([3, 4])

    Source: https://docs.pytorch.org/docs/2.13/sparse.html
    """
    check_tensor("resize_as_sparse_", "the_template", 2, the_template)
    if not input.is_sparse or not the_template.is_sparse:
        raise NotImplementedError(
            "Could not run 'aten::resize_as_sparse_' with arguments from the 'CPU' backend: both must be sparse"
        )
    return input.sparse_resize_(the_template.shape, the_template.sparse_dim(), the_template.dense_dim())


def set_(
    input: Tensor,
    source: Any = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Look at the memory of another tensor or a storage, whole or in part, from now on; at none without arguments.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.set_.html
    """
    if state.enabled and input.requires_grad and input.is_leaf:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if state.enabled and input.requires_grad:
        raise RuntimeError("set_() is not allowed on a tensor that is part of a graph; use it on a detached one")
    if source is None:
        input._array = np.empty(0, input._array.dtype)
        return input
    if isinstance(source, TypedStorage | UntypedStorage):
        input._array, input._counter = array_over(source, input.dtype, storage_offset, size, stride), None
        return input
    if not isinstance(source, Variable):
        raise TypeError(f"set_(): argument 'source' must be Tensor, not {type(source).__name__}")
    if source._array.dtype != input._array.dtype:
        raise RuntimeError(f"Could not set tensor of dtype {input.dtype} to a tensor of dtype {source.dtype}")
    other = source.detach()
    if size is not None:
        steps = tuple(stride) if stride is not None else wrap(np.empty(tuple(size), bool)).stride()
        other = other.as_strided(tuple(size), steps, storage_offset)
    input._array, input._counter = other._array, source.version_counter()
    return input


class InplaceShapeMethods:
    """Tensor's methods of this family."""

    as_strided_ = as_strided_
    resize = resize
    resize_ = resize_
    resize_as = resize_as
    resize_as_ = resize_as_
    resize_as_sparse_ = resize_as_sparse_
    set_ = set_
    squeeze_ = squeeze_
    swapaxes_ = swapaxes_
    swapdims_ = transpose_
    t_ = t_
    transpose_ = transpose_
    unsqueeze_ = unsqueeze_
