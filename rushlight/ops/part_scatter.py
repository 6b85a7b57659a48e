"""Copies with another tensor in the part that a view shows: `select_scatter` and its kin.

Gradients go to the part's source and to the rest of the input.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.slice_scatter.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._geometry import Array, Shape, same_dims, shape_text, wrap_dim
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into
from rushlight.ops.conversion import storage_offset
from rushlight.ops.slicing import AsStrided, Diagonal, PartView, Select, Slice, as_strided, flat_storage, plane, select

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["as_strided_scatter", "diagonal_scatter", "select_scatter", "slice_scatter"]


class ScatterIntoPart(Operation):
    """A copy of a tensor with another in the part that a view shows."""

    node_name = "SliceScatterBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, src: Tensor, view: type[PartView], arguments: tuple[Any, ...]) -> Array:
        ctx.view, ctx.arguments = view, arguments
        out = input._array.copy()
        part = view.part(out, *arguments)
        if part.shape != src._array.shape:
            raise RuntimeError(
                "expected src to have a size equal to the slice of self. src size = "
                f"{shape_text(src._array.shape)}, slice size = {shape_text(part.shape)}"
            )
        part[...] = src._array
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        part = ctx.view.apply(grad, *ctx.arguments) if ctx.needs_input_grad[1] else None
        rest = None
        if ctx.needs_input_grad[0]:
            zeros = part.detach() * 0 if part is not None else ctx.view.apply(grad, *ctx.arguments).detach() * 0
            rest = ScatterIntoPart.apply(grad, zeros, ctx.view, ctx.arguments)
        return rest, part, None, None


class SelectScatter(ScatterIntoPart):
    """With the part at one index."""

    node_name = "SelectScatterBackward0"


class DiagonalScatter(ScatterIntoPart):
    """With the part on a diagonal."""

    node_name = "DiagonalScatterBackward0"


class AsStridedScatter(Operation):
    """With the part that a geometry of the storage shows."""

    node_name = "AsStridedScatterBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, src: Tensor, size: Shape, stride: Shape, offset: int) -> Array:
        array = input._array
        ctx.part = size, stride, offset
        if any(ctx.needs_input_grad[:2]) and not array.flags.c_contiguous:
            raise RuntimeError("as_strided_scatter is currently only supported for contiguous inputs")
        # The whole storage is copied: the part may lie where the input does not look.
        flat = flat_storage(array).copy()
        part = np.lib.stride_tricks.as_strided(flat[offset:], size, [step * flat.itemsize for step in stride])
        part[...] = src._array
        return kernels.strided_view(flat, array.shape, array.strides, storage_offset(input) * flat.itemsize)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        needs = ctx.needs_input_grad
        grad, rest = grad.contiguous(), None
        if needs[0]:
            zeros = wrap(np.zeros(ctx.part[0], grad._array.dtype))
            rest = AsStridedScatter.apply(grad, zeros, *ctx.part)
        return rest, AsStrided.apply(grad, *ctx.part) if needs[1] else None, None, None, None


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `input` with `src` at one index of a dimension; RuntimeError for a `src` of another shape.

    >>> import rushlight as torch
    >>> torch.select_scatter(torch.zeros(2, 2), torch.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.select_scatter.html
    """
    check_tensor("select_scatter", "input", 1, input)
    select(input.detach(), dim, index)
    key = (*(slice(None),) * wrap_dim(dim, input._array.ndim), index, ...)
    return SelectScatter.apply(input, src, Select, (key,))


def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of `input` with `src` in a range of a dimension; RuntimeError for a `src` of another shape.

    >>> import rushlight as torch
    >>> torch.slice_scatter(torch.zeros(4), torch.ones(2), start=1, end=3)
    tensor([0., 1., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.slice_scatter.html
    """
    check_tensor("slice_scatter", "input", 1, input)
    key = (*same_dims(dim, input._array.shape), slice(start, end, step))
    return into(out, ScatterIntoPart.apply(input, src, Slice, (key,)), exact=True)


def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `input` with `src` on a diagonal; RuntimeError for a `src` of another shape.

    >>> import rushlight as torch
    >>> torch.diagonal_scatter(torch.zeros(2, 2), torch.ones(2))
    tensor([[1., 0.],
            [0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.diagonal_scatter.html
    """
    check_tensor("diagonal_scatter", "input", 1, input)
    return DiagonalScatter.apply(input, src, Diagonal, (offset, *plane(input._array.ndim, dim1, dim2)))


def as_strided_scatter(
    input: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """A copy of `input` with `src` where `as_strided` would view.

    >>> import rushlight as torch
    >>> torch.as_strided_scatter(torch.zeros(4), torch.ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.as_strided_scatter.html
    """
    check_tensor("as_strided_scatter", "input", 1, input)
    check_tensor("as_strided_scatter", "src", 2, src)
    if tuple(src._array.shape) != tuple(size):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{shape_text(src._array.shape)}, slice size = {shape_text(size)}"
        )
    shape, steps = tuple(size), tuple(stride)
    offset = input.storage_offset() if storage_offset is None else storage_offset
    as_strided(input.detach(), shape, steps, offset)
    return AsStridedScatter.apply(input, src, shape, steps, offset)


class PartScatterMethods:
    """Tensor's methods of this family."""

    as_strided_scatter = as_strided_scatter
    diagonal_scatter = diagonal_scatter
    select_scatter = select_scatter
    slice_scatter = slice_scatter
