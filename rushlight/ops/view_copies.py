"""Copies of what views show: `select_copy`, `view_copy` and their kin, which share no memory with their input.

Each is its view's operation with a copy at the end: the same arguments, the same gradient.

Source: https://docs.pytorch.org/docs/2.13/tensor_view.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation, ViewOperation
from rushlight.ops._geometry import same_dims
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into
from rushlight.ops.axes import permute, t, transpose
from rushlight.ops.broadcast import expand
from rushlight.ops.complex_views import view_as_complex, view_as_real
from rushlight.ops.conversion import clone
from rushlight.ops.shape import alias, squeeze, unsqueeze, view
from rushlight.ops.slicing import AsStrided, Slice, as_strided, diagonal, narrow, select, slice_, unfold
from rushlight.ops.splitting import split, split_with_sizes, unbind

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "alias_copy", "as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy", "narrow_copy", "permute_copy",
    "select_copy", "slice_copy", "slice_inverse", "split_copy", "split_with_sizes_copy", "squeeze_copy", "t_copy",
    "transpose_copy", "unbind_copy", "unfold_copy", "unsqueeze_copy", "view_as_complex_copy", "view_as_real_copy",
    "view_copy",
]  # fmt: skip


@functools.cache
def _copying(view: type[ViewOperation]) -> type[Operation]:
    """The operation that copies what a view shows."""

    class Copying(Operation):
        node_name = f"{view.node_name}_copy"
        keeps_channels = view.keeps_channels

        @staticmethod
        def forward(ctx: Any, *arguments: Any) -> Any:
            shown = view.forward(ctx, *arguments)
            return tuple([part.copy() for part in shown]) if isinstance(shown, tuple) else shown.copy()

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return view.backward(ctx, *grads)

    Copying.__doc__ = f"A copy of: {view.__doc__}"
    return Copying


def _copied(function: Callable[..., Any], input: Tensor, *arguments: Any, **named: Any) -> Any:
    """What a function views, copied; its checks are the function's."""
    check_tensor(f"{function.__name__.strip('_')}_copy", "input", 1, input)
    shown = function(input, *arguments, **named)
    first = shown[0] if isinstance(shown, tuple) and shown else shown
    step = None if isinstance(first, tuple) else first._view
    if step is None or step.parent is not input:
        return tuple(map(clone, shown)) if isinstance(shown, tuple) else clone(shown)
    return _copying(step.operation).apply(input, *step.arguments)


def _each_into(out: Sequence[Tensor] | None, results: tuple[Tensor, ...], function: str) -> Any:
    if out is None:
        return results
    if len(out) != len(results):
        raise RuntimeError(f"{function}() expected an out= argument of size {len(results)}, got size {len(out)}")
    for tensor, result in zip(out, results, strict=True):
        into(tensor, result, exact=True)
    return None


def alias_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input`, contiguous.

    >>> import rushlight as torch
    >>> torch.alias_copy(torch.tensor([1, 2]))
    tensor([1, 2])

    Source: https://docs.pytorch.org/docs/2.13/tensor_view.html
    """
    return into(out, _copied(alias, input), exact=True)


def as_strided_copy(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of what `as_strided` views: a shape, strides and an offset over the input's storage.

    >>> import rushlight as torch
    >>> torch.as_strided_copy(torch.arange(6), (2, 2), (3, 1))
    tensor([[0, 1],
            [3, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.as_strided.html
    """
    return into(out, _copied(as_strided, input, size, stride, storage_offset), exact=True)


class Detached(Operation):
    """A copy that no gradient passes; a backward pass that reaches it is refused."""

    node_name = "NotImplemented"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return input._array.copy()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        raise RuntimeError("derivative for aten::detach_copy is not implemented")


def detach_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input`. RuntimeError once a gradient is asked for through it.

    >>> import rushlight as torch
    >>> torch.detach_copy(torch.tensor([1.0, 2.0]))
    tensor([1., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.detach.html
    """
    check_tensor("detach_copy", "input", 1, input)
    return into(out, Detached.apply(input), exact=True)


def diagonal_copy(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `diagonal` views.

    >>> import rushlight as torch
    >>> torch.diagonal_copy(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.diagonal.html
    """
    return into(out, _copied(diagonal, input, offset, dim1, dim2), exact=True)


def expand_copy(input: Tensor, size: Sequence[int], *, implicit: bool = False, out: Tensor | None = None) -> Tensor:
    """A copy of what `expand` views: the elements written out as often as they are repeated.

    >>> import rushlight as torch
    >>> torch.expand_copy(torch.tensor([[1], [2]]), (2, 2))
    tensor([[1, 1],
            [2, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.expand.html
    """
    return into(out, _copied(expand, input, size), exact=True)


def narrow_copy(input: Tensor, dim: int, start: int, length: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `narrow` views.

    >>> import rushlight as torch
    >>> torch.narrow_copy(torch.arange(4), 0, 1, 2)
    tensor([1, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.narrow_copy.html
    """
    check_tensor("narrow_copy", "input", 1, input)
    ndim = input._array.ndim
    if ndim and dim >= ndim:
        raise RuntimeError(f"Expected dim < {ndim}, the number of dimensions, but got {dim}")
    if input.is_sparse:
        return input._narrow_copy(dim, start, length)  # type: ignore[attr-defined]
    return into(out, _copied(narrow, input, dim, start, length), exact=True)


def permute_copy(input: Tensor, dims: Sequence[int], *, out: Tensor | None = None) -> Tensor:
    """A copy of what `permute` views: the dimensions in another order.

    >>> import rushlight as torch
    >>> torch.permute_copy(torch.tensor([[1, 2], [3, 4]]), (1, 0))
    tensor([[1, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.permute.html
    """
    return into(out, _copied(permute, input, dims), exact=True)


def select_copy(input: Tensor, dim: int, index: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `select` views.

    >>> import rushlight as torch
    >>> torch.select_copy(torch.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.select.html
    """
    return into(out, _copied(select, input, dim, index), exact=True)


def slice_copy(
    input: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of every `step`-th element of a dimension from `start` up to `end`.

    >>> import rushlight as torch
    >>> torch.slice_copy(torch.arange(5), 0, 1, 5, 2)
    tensor([1, 3])

    Source: https://docs.pytorch.org/docs/2.13/tensor_view.html
    """
    return into(out, _copied(slice_, input, dim, start, end, step), exact=True)


class SliceInverse(ViewOperation):
    """What a slice was cut from."""

    node_name = "SliceInverseBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, size: Any, stride: Any, offset: int, key: tuple[slice, ...]) -> Any:
        ctx.key = key
        return AsStrided.forward(ctx, input, size, stride, offset)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Slice.apply(grad, ctx.key), None, None, None, None


def slice_inverse(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """What `input` was cut from: the view of its memory in the shape of `src`, if `input` is that slice of it.

    RuntimeError where that memory is too small.

    >>> import rushlight as torch
    >>> x = torch.arange(4)
    >>> torch.slice_inverse(x[1:3], x, 0, 1, 3)
    tensor([0, 1, 2, 3])

    Source: https://docs.pytorch.org/docs/2.13/tensor_view.html
    """
    check_tensor("slice_inverse", "input", 1, input)
    check_tensor("slice_inverse", "src", 2, src)
    key = (*same_dims(dim, src._array.shape), slice(start, end, step))
    return SliceInverse.apply(input, tuple(src._array.shape), src.stride(), src.storage_offset(), key)


def split_copy(input: Tensor, split_size: int, dim: int = 0, *, out: Sequence[Tensor] | None = None) -> Any:
    """Copies of the pieces that `split` views; written into the tensors of `out`, None is returned.

    >>> import rushlight as torch
    >>> torch.split_copy(torch.arange(3), 2)
    (tensor([0, 1]), tensor([2]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.split.html
    """
    pieces = _copied(split, input, split_size, dim)
    if out is None:
        return pieces
    if len(out) != len(pieces):
        raise RuntimeError(f"split_copy_out() expected an out= argument of size {len(pieces)}, got size {len(out)}")
    for tensor, piece in zip(out, pieces, strict=True):
        tensor.copy_(piece)
    return None


def split_with_sizes_copy(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0, *, out: Sequence[Tensor] | None = None
) -> Any:
    """Copies of the pieces that `split_with_sizes` views; written into the tensors of `out`, None is returned.

    >>> import rushlight as torch
    >>> torch.split_with_sizes_copy(torch.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.split.html
    """
    return _each_into(out, _copied(split_with_sizes, input, split_sizes, dim), "split_with_sizes_copy")


def squeeze_copy(input: Tensor, dim: int | Sequence[int] | None = None, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `squeeze` views: without dimensions of length 1, or without those named.

    >>> import rushlight as torch
    >>> torch.squeeze_copy(torch.tensor([[1, 2]]))
    tensor([1, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.squeeze.html
    """
    return into(out, _copied(squeeze, input, dim), exact=True)


def t_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `t` views: the transpose of a matrix.

    >>> import rushlight as torch
    >>> torch.t_copy(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.t.html
    """
    return into(out, _copied(t, input), exact=True)


def transpose_copy(input: Tensor, dim0: int, dim1: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `transpose` views.

    >>> import rushlight as torch
    >>> torch.transpose_copy(torch.tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([[1, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.transpose.html
    """
    return into(out, _copied(transpose, input, dim0, dim1), exact=True)


def unbind_copy(input: Tensor, dim: int = 0, *, out: Sequence[Tensor] | None = None) -> Any:
    """Copies of what `unbind` views; written into the tensors of `out`, None is returned.

    >>> import rushlight as torch
    >>> torch.unbind_copy(torch.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unbind.html
    """
    return _each_into(out, _copied(unbind, input, dim), "unbind_copy")


def unfold_copy(input: Tensor, dimension: int, size: int, step: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of the windows that `Tensor.unfold` views.

    >>> import rushlight as torch
    >>> torch.unfold_copy(torch.arange(4), 0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.unfold.html
    """
    return into(out, _copied(unfold, input, dimension, size, step), exact=True)


def unsqueeze_copy(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `unsqueeze` views: with one dimension of length 1 more.

    >>> import rushlight as torch
    >>> torch.unsqueeze_copy(torch.tensor([1, 2]), 1)
    tensor([[1],
            [2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unsqueeze.html
    """
    return into(out, _copied(unsqueeze, input, dim), exact=True)


def view_as_complex_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `view_as_complex` views. RuntimeError where a gradient would be recorded.

    >>> import rushlight as torch
    >>> torch.view_as_complex_copy(torch.tensor([[1.0, 2.0]]))
    tensor([1.+2.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.view_as_complex.html
    """
    check_tensor("view_as_complex_copy", "input", 1, input)
    if state.enabled and input.requires_grad:
        raise RuntimeError(
            "view_as_complex_copy does not support automatic differentiation for outputs with complex dtype."
        )
    return into(out, _copied(view_as_complex, input), exact=True)


def view_as_real_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `view_as_real` views.

    >>> import rushlight as torch
    >>> torch.view_as_real_copy(torch.tensor([1 + 2j]))
    tensor([[1., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.view_as_real.html
    """
    return into(out, _copied(view_as_real, input), exact=True)


def view_copy(input: Tensor, size: Any = None, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """A copy of what `Tensor.view` views: another shape, or another dtype.

    >>> import rushlight as torch
    >>> torch.view_copy(torch.arange(4), (2, 2))
    tensor([[0, 1],
            [2, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.view.html
    """
    return into(out, _copied(view, input, size if dtype is None else dtype), exact=True)


class ViewCopyMethods:
    """Tensor's methods of this family."""

    narrow_copy = narrow_copy
    slice_inverse = slice_inverse
