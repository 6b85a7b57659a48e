"""Views: the same memory under another shape or another order of dimensions.

Source: https://docs.pytorch.org/docs/2.13/tensor_view.html
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.autograd.operation import Operation, ViewOperation, is_plain, view_of
from rushlight.autograd.variable import Variable
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

__all__ = [
    "adjoint", "flatten", "moveaxis", "movedim", "permute", "ravel", "reshape", "squeeze",
    "swapaxes", "swapdims", "t", "transpose", "unflatten", "unsqueeze",
]  # fmt: skip


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
        return reshape(grad, ctx.shape), None


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
        return reshape(grad, ctx.shape), None


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


class Permute(ViewOperation):
    """The dimensions in another order."""

    node_name = "PermuteBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: Shape) -> Array:
        ctx.dims = dims
        return input._array.transpose(dims)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        dims = ctx.dims
        return Permute.apply(grad, tuple(sorted(range(len(dims)), key=dims.__getitem__))), None


class Transpose(ViewOperation):
    """Two dimensions exchanged."""

    node_name = "TransposeBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim0: int, dim1: int) -> Array:
        ctx.dims = dim0, dim1
        array = input._array
        return array.swapaxes(dim0, dim1) if array.ndim else array[...]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Transpose.apply(grad, *ctx.dims), None, None


class T(ViewOperation):
    """The transpose of a matrix; a vector is its own."""

    node_name = "TBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        return input._array.T

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return T.apply(grad)


class Squeeze(ViewOperation):
    """Dimensions of length one dropped."""

    node_name = "SqueezeBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: Shape) -> Array:
        ctx.shape = input._array.shape
        return input._array.squeeze(dims)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return reshape(grad, ctx.shape), None


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
        return reshape(grad, ctx.shape), None


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
    return UnsafeView.apply(clone(input), shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.reshape(other.size())`."""
    check_tensor("reshape_as", "other", 2, other)
    return reshape(input, other._array.shape)


def alias(input: Tensor) -> Tensor:
    """Another Tensor over the same memory, a view of `input`."""
    return Alias.apply(input)


_WHOLE = tuple([frozenset(range(ndim)) for ndim in range(6)])


def permute(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """A view with the dimensions in the order of `dims`.

    RuntimeError unless each dimension is named once.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.permute.html
    """
    check_tensor("permute", "input", 1, input)
    ndim = input._array.ndim
    order = dims[0] if len(dims) == 1 else dims
    if dims and order.__class__ is tuple and ndim < 6 and len(order) == ndim and _WHOLE[ndim] == {*order}:
        return (
            view_of(Permute, input, (order,), input._array.transpose(order))
            if is_plain(input)
            else Permute.apply(input, order)
        )
    order = sizes((named["dims"],) if named else dims, "permute", "dims")
    if len(order) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(order)}"
        )
    order = tuple([wrap_dim(dim, ndim) for dim in order])
    if len(set(order)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return Permute.apply(input, order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions exchanged.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 4).transpose(0, -1).shape
    torch.Size([4, 3, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.transpose.html
    """
    try:
        ndim = input._array.ndim
    except AttributeError:
        check_tensor("transpose", "input", 1, input)
        raise
    dim0, dim1 = wrap_dim(dim0, ndim), wrap_dim(dim1, ndim)
    if ndim and is_plain(input):
        return view_of(Transpose, input, (dim0, dim1), input._array.swapaxes(dim0, dim1))
    return Transpose.apply(input, dim0, dim1)


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under NumPy's name: a view with two dimensions exchanged.

    >>> import rushlight as torch
    >>> torch.swapaxes(torch.ones(2, 3), 0, 1).shape
    torch.Size([3, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.swapaxes.html
    """
    check_tensor("swapaxes", "input", 1, input)
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` under another name: a view with two dimensions exchanged.

    >>> import rushlight as torch
    >>> torch.swapdims(torch.ones(2, 3), 0, 1).shape
    torch.Size([3, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.swapdims.html
    """
    check_tensor("swapdims", "input", 1, input)
    return transpose(input, dim0, dim1)


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, `(m, n)` to `(n, m)`, as a view; a vector or a scalar as it is.

    Raises RuntimeError for more than two dimensions.

    >>> import rushlight as torch
    >>> torch.t(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.t.html
    """
    check_tensor("t", "input", 1, input)
    if input._array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input._array.ndim}D")
    return T.apply(input)


def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of matrices `(*, m, n)`: `(*, n, m)`. Raises RuntimeError for a vector.

    >>> import rushlight as torch
    >>> torch.adjoint(torch.tensor([[1 + 1j, 2]]))
    tensor([[1.-1.j],
            [2.-0.j]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.adjoint.html
    """
    check_tensor("adjoint", "input", 1, input)
    ndim = input._array.ndim
    if ndim == 0:
        warnings.warn("adjoint() is deprecated on 0-D tensors. Consider using x.conj().", UserWarning, stacklevel=2)
        return input.conj()
    if ndim == 1:
        raise RuntimeError("tensor.adjoint() is only supported on matrices or batches of matrices. Got 1-D tensor.")
    flipped = Transpose.apply(input, ndim - 2, ndim - 1)
    return flipped.conj() if input.dtype.is_complex else flipped


def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """A view with the dimensions `source` moved to `destination`; the others keep their order.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 4).movedim(0, 2).shape
    torch.Size([3, 4, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.movedim.html
    """
    check_tensor("movedim", "input", 1, input)
    if isinstance(source, int) != isinstance(destination, int):
        kinds = f"({type(source).__name__}, {type(destination).__name__})"
        raise TypeError(
            f"movedim() received an invalid combination of arguments - got {kinds}, expected two ints or two tuples"
        )
    ndim = input._array.ndim
    if source.__class__ is int and destination.__class__ is int and ndim:
        order = list(range(ndim))
        first, last = wrap_dim(source, ndim), wrap_dim(destination, ndim)  # type: ignore[arg-type]
        order.insert(last, order.pop(first))
        return Permute.apply(input, tuple(order))
    origin = _distinct([source] if isinstance(source, int) else source, ndim, "source")
    target = _distinct([destination] if isinstance(destination, int) else destination, ndim, "destination")
    if len(origin) != len(target):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source "
            f"({shape_text(origin)} dims) should contain the same number of dims as destination "
            f"({shape_text(target)} dims)"
        )
    if not ndim:
        return Alias.apply(input)
    rest = iter([dim for dim in range(ndim) if dim not in origin])
    places = dict(zip(target, origin, strict=True))
    return Permute.apply(input, tuple([places[i] if i in places else next(rest) for i in range(ndim)]))


def _distinct(dims: Sequence[int], ndim: int, name: str) -> Shape:
    wrapped = tuple([wrap_dim(dim, ndim) for dim in dims])
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError(f"movedim: repeated dim in `{name}` ({shape_text(dims)})")
    return wrapped


def moveaxis(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """`movedim` under NumPy's name: the dimensions of `source` moved to the places of `destination`.

    >>> import rushlight as torch
    >>> torch.moveaxis(torch.ones(2, 3, 4), 0, -1).shape
    torch.Size([3, 4, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.moveaxis.html
    """
    check_tensor("moveaxis", "input", 1, input)
    return movedim(input, source, destination)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` as one: (N, *, M) becomes (N·…·M).

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
        return reshape(input, (input._array.size,))
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
        return Squeeze.apply(input, tuple([i for i, size in enumerate(shape) if size == 1]))
    if isinstance(dim, int):
        dim = wrap_dim(dim, len(shape))
        return SqueezeDim.apply(input, (dim,) if shape and shape[dim] == 1 else ())
    dims = wrap_dims(dim, len(shape))
    return SqueezeDims.apply(input, tuple([i for i in dims if shape and shape[i] == 1]))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a dimension of length one put in at `dim`.

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


def _reversed(input: Tensor) -> Tensor:
    ndim = input._array.ndim
    if ndim == 2:
        return view_of(Permute, input, ((1, 0),), input._array.T) if is_plain(input) else Permute.apply(input, (1, 0))
    if ndim == 0:
        warnings.warn(
            "Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.",
            UserWarning,
            stacklevel=2,
        )
    else:
        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
            "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
            "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
            UserWarning,
            stacklevel=2,
        )
    return Permute.apply(input, tuple(range(ndim - 1, -1, -1)))


def _matrix_transpose(input: Tensor) -> Tensor:
    ndim = input._array.ndim
    if ndim == 1:
        raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.")
    if ndim == 0:
        warnings.warn(
            "Tensor.mT is deprecated on 0-D tensors. This function is the identity in these cases.",
            UserWarning,
            stacklevel=2,
        )
        return input
    return transpose(input, -2, -1)


def _hermitian(input: Tensor) -> Tensor:
    ndim = input._array.ndim
    if ndim not in (0, 2):
        batches = " For batches of matrices, consider using tensor.mH" if ndim > 2 else ""
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {ndim}-D tensor.{batches}")
    if ndim == 0:
        warnings.warn("Tensor.H is deprecated on 0-D tensors. Consider using x.conj().", UserWarning, stacklevel=2)
        return input.conj()
    return adjoint(input)


class ShapeMethods:
    """Tensor's methods of this family."""

    adjoint = adjoint
    flatten = flatten
    moveaxis = moveaxis
    movedim = movedim
    permute = permute
    ravel = ravel
    reshape = reshape
    reshape_as = reshape_as
    squeeze = squeeze
    swapaxes = swapaxes
    swapdims = swapdims
    t = t
    transpose = transpose
    unflatten = unflatten
    unsqueeze = unsqueeze
    view = view
    view_as = view_as
    T = property(_reversed)
    mT = property(_matrix_transpose)  # noqa: N815
    H = property(_hermitian)
    mH = property(adjoint)  # noqa: N815
