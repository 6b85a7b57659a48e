"""The operations behind max pooling: the largest element of each window, moving or adaptive, and where it was.

For the gradient alone a byte says where: the place in the window. Who asks for indices, or whose windows have more
places than a byte tells apart, gets the index in the input.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from rushlight.autograd._quantized import refuse
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels import pooling as kernels

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["AdaptiveMaxPool", "GatherIndices", "MaxPool", "MaxPoolBackward", "ScatterIndices", "TakePlaces"]

Ints = tuple[int, ...]


class MaxPool(Operation):
    """The largest element of each window, and (if asked) its index. `settings` are the kernel's; its subclasses name
    the graph's nodes."""

    node_name = "MaxPool2DWithIndicesBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, settings: tuple[Ints, Ints, Ints, Ints, Ints], return_indices: bool) -> Any:
        array = input._array
        if array.dtype.names:
            refuse("max_pool")  # codes have a form of their own
        if not (return_indices or ctx.needs_input_grad[0]):
            return kernels.max_pool(array, *settings, False)[0]
        ctx.sizes = array.shape[-len(settings[0]) :]
        ctx.settings = None if return_indices or prod(settings[1]) > kernels.MOST_PLACES else settings[1:]
        pool = kernels.max_pool if ctx.settings is None else kernels.max_pool_places
        values, found = pool(array, *settings)
        indices = wrap(found)
        ctx.save_for_backward(indices)
        return (values, indices) if return_indices else values

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> Any:
        (found,) = ctx.saved_tensors
        if ctx.settings is None:
            return ScatterIndices.apply(grad, found, ctx.sizes), None, None
        return MaxPoolBackward.apply(grad, found, ctx.sizes, ctx.settings), None, None


class MaxPoolBackward(Operation):
    """The adjoint of max pooling: each gradient goes to the element at its place in the window; `settings` are kernel,
    stride, padding and dilation."""

    node_name = "MaxPool2DWithIndicesBackwardBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, places: Tensor, sizes: Ints, settings: tuple[Ints, Ints, Ints, Ints]) -> Any:
        ctx.settings = settings
        ctx.save_for_backward(places)
        return kernels.max_pool_backward(grad._array, places._array, sizes, *settings)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (places,) = ctx.saved_tensors
        return TakePlaces.apply(grad, places, ctx.settings), None, None, None


class TakePlaces(Operation):
    """The elements of `input` at the places of a max pooling."""

    node_name = "GatherBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, places: Tensor, settings: tuple[Ints, Ints, Ints, Ints]) -> Any:
        ctx.sizes, ctx.settings = input._array.shape[-len(settings[0]) :], settings
        ctx.save_for_backward(places)
        return kernels.take_places(input._array, places._array, *settings)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (places,) = ctx.saved_tensors
        return MaxPoolBackward.apply(grad, places, ctx.sizes, ctx.settings), None, None


class AdaptiveMaxPool(Operation):
    """The largest element of each of `outputs` windows that cover the input, and (if asked) its index."""

    node_name = "AdaptiveMaxPool2DBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, outputs: Ints, return_indices: bool) -> Any:
        array = input._array
        values, found = kernels.adaptive_max_pool(array, outputs)
        indices = wrap(found)
        ctx.sizes = array.shape[-len(outputs) :]
        ctx.save_for_backward(indices)
        return (values, indices) if return_indices else values

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> Any:
        (indices,) = ctx.saved_tensors
        return ScatterIndices.apply(grad, indices, ctx.sizes), None, None


class ScatterIndices(Operation):
    """The adjoint of max pooling with indices: each gradient goes to the element that was the largest."""

    node_name = "MaxPool2DWithIndicesBackwardBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, indices: Tensor, sizes: Ints) -> Any:
        ctx.sizes = sizes
        ctx.save_for_backward(indices)
        return kernels.scatter_indices(grad._array, indices._array, sizes)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (indices,) = ctx.saved_tensors
        return GatherIndices.apply(grad, indices, len(ctx.sizes)), None, None


class GatherIndices(Operation):
    """The elements of `input` at the indices of a max pooling."""

    node_name = "GatherBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, indices: Tensor, rank: int) -> Any:
        ctx.sizes = input._array.shape[-rank:]
        ctx.save_for_backward(indices)
        return kernels.gather_indices(input._array, indices._array, rank)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (indices,) = ctx.saved_tensors
        return ScatterIndices.apply(grad, indices, ctx.sizes), None, None
