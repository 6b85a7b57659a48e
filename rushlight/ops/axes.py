"""Views with the dimensions in another order: `permute`, `transpose`, `movedim`.

Nothing is copied: a change to such a view is a change to the tensor.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.permute.html
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushlight.autograd.operation import ViewOperation, is_plain, view_of
from rushlight.ops._geometry import Array, Shape, shape_text, sizes, wrap_dim
from rushlight.ops._numeric import check_tensor
from rushlight.ops.shape import Alias

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["adjoint", "moveaxis", "movedim", "permute", "swapaxes", "swapdims", "t", "transpose"]


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


_WHOLE = tuple([frozenset(range(ndim)) for ndim in range(6)])


def permute(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """A view with the dimensions in the order of `dims`.

    RuntimeError unless each dimension is named once.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.permute.html
    """
    try:
        ndim = input._array.ndim
    except AttributeError:
        check_tensor("permute", "input", 1, input)
        raise
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

    Raises IndexError for a dim out of range.

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

    Raises IndexError for a dim out of range, RuntimeError for repeated ones and for numbers of them that differ.

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
        first, last = wrap_dim(source, ndim), wrap_dim(destination, ndim)
        order.insert(last, order.pop(first))
        return permute(input, tuple(order))
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


def _reversed(input: Tensor) -> Tensor:
    """A matrix with its dimensions exchanged, `(m, n)` to `(n, m)`, as a view.

    Other tensors have the order of their dimensions reversed, with a warning that PyTorch means to refuse them.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).T
    tensor([[1, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/2.13/tensors.html#torch.Tensor.T
    """
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
    """Matrices with their dimensions exchanged, `(*, m, n)` to `(*, n, m)`, as a view. RuntimeError for a vector.

    >>> import rushlight as torch
    >>> torch.ones(4, 2, 3).mT.shape
    torch.Size([4, 3, 2])

    Source: https://docs.pytorch.org/docs/2.13/tensors.html#torch.Tensor.mT
    """
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
    """The conjugate transpose of a matrix, `(m, n)` to `(n, m)`. RuntimeError for other numbers of dimensions.

    >>> import rushlight as torch
    >>> torch.tensor([[1j, 2.0]]).H
    tensor([[0.-1.j],
            [2.-0.j]])

    Source: https://docs.pytorch.org/docs/2.13/tensors.html#torch.Tensor.H
    """
    ndim = input._array.ndim
    if ndim not in (0, 2):
        batches = " For batches of matrices, consider using tensor.mH" if ndim > 2 else ""
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {ndim}-D tensor.{batches}")
    if ndim == 0:
        warnings.warn("Tensor.H is deprecated on 0-D tensors. Consider using x.conj().", UserWarning, stacklevel=2)
        return input.conj()
    return adjoint(input)


class AxesMethods:
    """Tensor's methods of this family."""

    adjoint = adjoint
    moveaxis = moveaxis
    movedim = movedim
    permute = permute
    swapaxes = swapaxes
    swapdims = swapdims
    t = t
    transpose = transpose
    T = property(_reversed)
    mT = property(_matrix_transpose)  # noqa: N815
    H = property(_hermitian)
    mH = property(adjoint)  # noqa: N815
