"""Views of a part: `select`, `narrow`, `diagonal`, `unfold`, `as_strided`, and the cutting of a tensor into pieces.

Each operation says with `part` which view it takes of an array. Its gradient is zero but for that part (`Embed`),
whose own gradient is the same part again.

Source: https://docs.pytorch.org/docs/2.13/tensor_view.html
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.operation import Operation, ViewOperation, is_plain, view_of
from rushlight.autograd.variable import Variable
from rushlight.ops._geometry import Array, Shape, shape_text, wrap_dim
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into
from rushlight.ops.conversion import storage_offset
from rushlight.ops.shape import reshape
from rushlight.storage import owner_of

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["as_strided", "diag", "diag_embed", "diagflat", "diagonal", "narrow", "select"]


# The dimensions before one, whole.
_BEFORE = tuple([(slice(None),) * dim for dim in range(4)])


class PartView(ViewOperation):
    """A view of some of the elements, each once."""

    @staticmethod
    def part(array: Array, *arguments: Any) -> Array:
        """The view of an array."""
        raise TypeError("a PartView says which part it is a view of")

    @classmethod
    def forward(cls, ctx: Any, input: Tensor, *arguments: Any) -> Array:
        ctx.shape = input._array.shape
        ctx.arguments = arguments
        return cls.part(input._array, *arguments)

    @classmethod
    def backward(cls, ctx: Any, grad: Tensor) -> Any:
        return Embed.apply(grad, ctx.shape, cls, ctx.arguments), *[None] * len(ctx.arguments)


class Embed(Operation):
    """Zeros of a shape with a tensor in the part that a view shows."""

    node_name = "SliceBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, shape: Shape, view: type[PartView], arguments: tuple[Any, ...]) -> Array:
        ctx.view, ctx.arguments = view, arguments
        array = grad._array
        out = np.zeros(shape, array.dtype)
        view.part(out, *arguments)[...] = array
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return ctx.view.apply(grad, *ctx.arguments), None, None, None


class BasicIndex(PartView):
    """A basic index: ints, slices, None, Ellipsis."""

    @staticmethod
    def part(array: Array, key: Any) -> Array:
        return array[key]

    @classmethod
    def forward(cls, ctx: Any, input: Tensor, *arguments: Any) -> Array:
        array = input._array
        ctx.shape, ctx.arguments = array.shape, arguments
        return array[arguments[0]]


class Select(BasicIndex):
    """One index of a dimension."""

    node_name = "SelectBackward0"


class Slice(BasicIndex):
    """A range of a dimension."""

    node_name = "SliceBackward0"


class Newaxis(BasicIndex):
    """A dimension put in by an index."""

    node_name = "UnsqueezeBackward0"


class Diagonal(PartView):
    """The elements at (i, i + offset) of two dimensions."""

    node_name = "DiagonalBackward0"

    @staticmethod
    def part(array: Array, offset: int, dim1: int, dim2: int) -> Array:
        out = array.diagonal(offset, dim1, dim2)
        if array.flags.writeable:
            # NumPy gives the diagonal out read-only, as a warning to old programs.
            out.flags.writeable = True
        return out


class Unfold(ViewOperation):
    """Windows of a dimension, which may overlap, along a new last dimension."""

    node_name = "UnfoldBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, size: int, step: int) -> Array:
        ctx.shape, ctx.arguments = input._array.shape, (dim, size, step)
        return Unfold.windows(input._array, dim, size, step)

    @staticmethod
    def windows(array: Array, dim: int, size: int, step: int) -> Array:
        """The view of all windows of a dimension."""
        if not array.ndim:
            return array[None][:size]
        shape, strides = list(array.shape), list(array.strides)
        shape[dim] = (shape[dim] - size) // step + 1
        strides.append(strides[dim])
        strides[dim] *= step
        return kernels.strided_view(array, (*shape, size), strides)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Fold.apply(grad, ctx.shape, *ctx.arguments), None, None, None


class Fold(Operation):
    """The sum of windows at their places."""

    node_name = "UnfoldBackwardBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, shape: Shape, dim: int, size: int, step: int) -> Array:
        ctx.arguments = dim, size, step
        array = grad._array
        out = np.zeros(shape, array.dtype)
        if not shape:
            return np.asarray(array.sum())
        line, windows = np.moveaxis(out, dim, -1), np.moveaxis(array, dim, -2)
        count = windows.shape[-2]
        if count < size:
            for i in range(count):
                line[..., i * step : i * step + size] += windows[..., i, :]
        else:
            for i in range(size):
                line[..., i : i + (count - 1) * step + 1 : step] += windows[..., i]
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Unfold.apply(grad, *ctx.arguments), None, None, None, None, None


class AsStrided(ViewOperation):
    """The storage under a shape and strides of one's own."""

    node_name = "AsStridedBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, size: Shape, stride: Shape, offset: int) -> Array:
        array = input._array
        ctx.arguments = size, stride, offset
        ctx.input = array.shape, tuple([s // array.itemsize for s in array.strides]), storage_offset(input)
        return AsStrided.restrided(array, size, stride, offset)

    @staticmethod
    def restrided(array: Array, size: Shape, stride: Shape, offset: int) -> Array:
        """An array's storage under a shape, strides and an offset in elements."""
        flat = flat_storage(array)
        found = kernels.elements_view(flat, size, stride, offset)
        if found is not None:
            return found
        last = offset + 1 + sum([(length - 1) * step for length, step in zip(size, stride, strict=True)])
        if 0 not in size and last > flat.size:
            raise RuntimeError(
                f"setStorage: sizes {shape_text(size)}, strides {shape_text(stride)}, storage offset {offset}, and "
                f"itemsize {array.itemsize} requiring a storage size of {last * array.itemsize} are out of bounds for "
                f"storage of size {flat.size * array.itemsize}"
            )
        itemsize = array.itemsize
        return kernels.strided_view(flat, size, [step * itemsize for step in stride], offset * itemsize)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Restride.apply(grad, ctx.arguments, ctx.input, False), None, None, None


class Restride(Operation):
    """The sum of elements at one geometry's places in a storage, read through another.

    Elements of the viewed tensor that share a place share its gradient: it is divided among them, which are the ones
    read (`shared_source` False) or, in the reverse direction, the ones added.
    """

    node_name = "AsStridedBackwardBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, source: tuple[Any, ...], target: tuple[Any, ...], shared_source: bool) -> Array:
        ctx.arguments = target, source, not shared_source
        array = grad._array
        written, read = _positions(*source), _positions(*target)
        size = 1 + max(written.max(initial=0), read.max(initial=0))
        count = np.zeros(size, array.dtype)
        np.add.at(count, (written if shared_source else read).reshape(-1), 1)
        flat = np.zeros(size, array.dtype)
        np.add.at(flat, written.reshape(-1), (array / count[written] if shared_source else array).reshape(-1))
        return flat[read] if shared_source else flat[read] / count[read]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Restride.apply(grad, *ctx.arguments), None, None, None


def _positions(size: Shape, stride: Shape, offset: int) -> Array:
    places = np.full((1,) * len(size), offset, np.int64)
    for dim, (length, step) in enumerate(zip(size, stride, strict=True)):
        places = places + (np.arange(length) * step).reshape([-1 if i == dim else 1 for i in range(len(size))])
    return places.reshape(size)


def flat_storage(array: Array) -> Array:
    base = array if array.base is None else owner_of(array)
    if base.dtype is not array.dtype and base.dtype != array.dtype:
        base = base.view(array.dtype) if base.flags.c_contiguous else array
    if base.flags.c_contiguous:
        return base if base.ndim == 1 else base.reshape(-1)
    low, high = np.lib.array_utils.byte_bounds(base)
    return np.lib.stride_tricks.as_strided(base, ((high - low) // base.itemsize,), (base.itemsize,))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The view at one index of a dimension. IndexError where there is no such index.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).select(1, 0)
    tensor([1, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.select.html
    """
    try:
        shape = input._array.shape
    except AttributeError:
        check_tensor("select", "input", 1, input)
        raise
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, len(shape))
    if index.__class__ is not int:
        index = operator.index(index)
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {shape_text(shape)} at dimension {dim}"
        )
    key: Any = (*(_BEFORE[dim] if dim < 4 else _BEFORE[1] * dim), index, ...)
    return view_of(Select, input, (key,), input._array[key]) if is_plain(input) else Select.apply(input, key)


def slice_(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int | None = 1
) -> Tensor:
    """The view of every `step`-th element of a dimension from `start` up to `end`. RuntimeError for a step below 1."""
    if dim < 0:
        dim = wrap_dim(dim, input._array.ndim)
    if step is not None and step < 1:
        raise RuntimeError("slice step must be positive")
    key = (*(_BEFORE[dim] if dim < 4 else _BEFORE[1] * dim), slice(start, end, step))
    return view_of(Slice, input, (key,), input._array[key]) if is_plain(input) else Slice.apply(input, key)


def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """The view of `length` elements of a dimension from `start`. RuntimeError where they go beyond it.

    >>> import rushlight as torch
    >>> torch.arange(5).narrow(0, 1, 3)
    tensor([1, 2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.narrow.html
    """
    check_tensor("narrow", "input", 1, input)
    shape = input._array.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim = wrap_dim(dim, len(shape))
    if isinstance(start, Variable) and (start._array.ndim or start._array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    first = operator.index(start)
    if not -shape[dim] <= first <= shape[dim]:
        raise IndexError(
            f"start out of range (expected to be in range of [{-shape[dim]}, {shape[dim]}], but got {first})"
        )
    if first < 0:
        first += shape[dim]
    if first + length > shape[dim]:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({shape[dim]}).")
    return slice_(input, dim, first, first + length)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The view of the diagonal of two dimensions, along a new last one; `offset` > 0 is above the main diagonal.

    `(m, n, *)` gives `(*, k)`. Raises IndexError for a dim out of range, RuntimeError for one named twice.

    >>> import rushlight as torch
    >>> torch.arange(9).view(3, 3).diagonal(1)
    tensor([1, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.diagonal.html
    """
    check_tensor("diagonal", "input", 1, input)
    dim1, dim2 = plane(input._array.ndim, dim1, dim2)
    if is_plain(input):
        return view_of(Diagonal, input, (offset, dim1, dim2), Diagonal.part(input._array, offset, dim1, dim2))
    return Diagonal.apply(input, offset, dim1, dim2)


def plane(ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    first, second = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return first, second


class DiagonalCopy(Operation):
    """The diagonal of a matrix as a copy."""

    node_name = "DiagonalBackward0_copy"

    @staticmethod
    def forward(ctx: Any, input: Tensor, offset: int) -> Array:
        ctx.shape, ctx.offset = input._array.shape, offset
        return input._array.diagonal(offset).copy()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Embed.apply(grad, ctx.shape, Diagonal, (ctx.offset, 0, 1)), None


class DiagEmbed(Operation):
    """A last dimension laid along the diagonal of two."""

    node_name = "DiagEmbedBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, offset: int, dim1: int, dim2: int) -> Array:
        array = input._array
        ctx.arguments = offset, dim1, dim2
        length = array.shape[-1] + abs(offset)
        shape = list(array.shape[:-1])
        for dim in sorted((dim1, dim2)):
            shape.insert(dim, length)
        out = np.zeros(shape, array.dtype)
        Diagonal.part(out, offset, dim1, dim2)[...] = array
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Diagonal.apply(grad, *ctx.arguments), None, None, None


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Zeros `(*, n, n)` with the last dimension of `input` `(*, n)` on a diagonal of `dim1` and `dim2`.

    Raises RuntimeError for one dimension named twice, IndexError for one out of range.

    >>> import rushlight as torch
    >>> torch.diag_embed(torch.tensor([1, 2]), offset=1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.diag_embed.html
    """
    check_tensor("diag_embed", "input", 1, input)
    return DiagEmbed.apply(input, offset, *plane(input._array.ndim + 1, dim1, dim2))


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """A vector `(n,)` as a diagonal of a matrix, or a diagonal of a matrix as a vector (a copy).

    `diagonal` counts from the main one, upwards. Raises RuntimeError for other numbers of dimensions.

    >>> import rushlight as torch
    >>> torch.diag(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.diag.html
    """
    check_tensor("diag", "input", 1, input)
    ndim = input._array.ndim
    if ndim == 1:
        return into(out, DiagEmbed.apply(input, diagonal, 0, 1), exact=True)
    if ndim == 2:
        return into(out, DiagonalCopy.apply(input, diagonal), exact=True)
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """All elements, in row-major order, on a diagonal of a matrix.

    >>> import rushlight as torch
    >>> torch.diagflat(torch.tensor([[1], [2]]))
    tensor([[1, 0],
            [0, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.diagflat.html
    """
    check_tensor("diagflat", "input", 1, input)
    return DiagEmbed.apply(reshape(input, (-1,) if input._array.size else (0,)), offset, 0, 1)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The view of all windows of `size` elements, `step` apart, of a dimension, along a new last dimension.

    RuntimeError if a window is longer than the dimension, or `step` not positive.

    >>> import rushlight as torch
    >>> torch.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.unfold.html
    """
    shape = input._array.shape
    dim = wrap_dim(dimension, len(shape))
    length = shape[dim] if shape else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > length:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if is_plain(input):
        return view_of(Unfold, input, (dim, size, step), Unfold.windows(input._array, dim, size, step))
    return Unfold.apply(input, dim, size, step)


def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """The view of `input`'s storage with a shape, strides and an offset in elements.

    Raises RuntimeError where that reaches beyond the storage, and for negative strides.

    >>> import rushlight as torch
    >>> torch.as_strided(torch.arange(6), (2, 2), (3, 1))
    tensor([[0, 1],
            [3, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.as_strided.html
    """
    check_tensor("as_strided", "input", 1, input)
    shape, steps = tuple(size), tuple(stride)
    if is_plain(input):
        offset = input.storage_offset() if storage_offset is None else storage_offset
        found = kernels.elements_view(flat_storage(input._array), shape, steps, offset)
        if found is not None:
            return view_of(AsStrided, input, (shape, steps, offset), found)
    if len(shape) != len(steps):
        raise RuntimeError("mismatch in length of strides and shape")
    if shape and min(shape) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(steps)}")
    if steps and min(steps) < 0:
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: {shape_text(steps)}"
        )
    if storage_offset is None:
        storage_offset = input.storage_offset()
    if storage_offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {storage_offset}")
    return AsStrided.apply(input, shape, steps, storage_offset)


class SlicingMethods:
    """Tensor's methods of this family."""

    as_strided = as_strided
    diag = diag
    diag_embed = diag_embed
    diagflat = diagflat
    diagonal = diagonal
    narrow = narrow
    select = select
    unfold = unfold
