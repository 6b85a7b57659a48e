"""Unpooling: the largest elements back where max pooling found them, zeros elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import elements
from rushlight.autograd.variable import Variable
from rushlight.dtypes import from_numpy_dtype
from rushlight.kernels import pooling as kernels
from rushlight.ops.max_pool import GatherIndices

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Sizes = int | Sequence[int]

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]

Ints = tuple[int, ...]


class MaxUnpool(Operation):
    """Zeros of `outputs` with each element of `input` put at its index; the last of those that meet stays."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, indices: Tensor, outputs: Ints) -> Any:
        ctx.rank = len(outputs)
        ctx.save_for_backward(indices)
        return kernels.put_indices(input._array, indices._array, outputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (indices,) = ctx.saved_tensors
        return GatherIndices.apply(grad, indices, ctx.rank), None, None


# PyTorch unpools one dimension as two, and its graph shows the step back to one.
_OPERATIONS: tuple[Any, ...] = tuple(
    type(f"MaxUnpool{rank}d", (MaxUnpool,), {"node_name": name})
    for rank, name in enumerate(("SqueezeBackward1", "MaxUnpool2DBackward0", "MaxUnpool3DBackward0"), 1)
)


def _numbers(rank: int, value: Any) -> Ints:
    """One number for each dimension; a sequence as it is."""
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,) * rank


def _output_size(sizes: Ints, kernel: Ints, stride: Ints, padding: Ints, output_size: Any) -> Ints:
    """The sizes that pooling came from: what these settings give, or those asked for, which are less than a stride
    away."""
    rank = len(kernel)
    usual = tuple((sizes[d] - 1) * stride[d] + kernel[d] - 2 * padding[d] for d in range(rank))
    if output_size is None:
        found: Any = usual
    else:
        if len(output_size) == rank + 2:
            output_size = output_size[2:]
        if len(output_size) != rank:
            raise ValueError(
                f"output_size should be a sequence containing {rank} or {rank + 2} elements, but it has a length of "
                f"'{len(output_size)}'"
            )
        for d in range(rank):
            low, high = usual[d] - stride[d], usual[d] + stride[d]
            if not low < output_size[d] < high:
                raise ValueError(f'invalid output_size "{output_size}" (dim {d} must be between {low} and {high})')
        found = tuple(output_size)
    for d in range(rank):
        if found[d] < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{d}]={found[d]}"
            )
    return found


def _check(rank: int, x: Any, at: Any, stride: Ints, padding: Ints, outputs: Ints) -> None:
    """Shapes, types and the range of the indices."""
    volume = max(rank, 2)
    if at.dtype != np.int64:
        came = f" but got: {from_numpy_dtype(at.dtype).legacy_name}" if volume == 2 else ""
        raise RuntimeError(f"elements in indices should be type int64{came}")
    if x.ndim not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"Input to max_unpooling{volume}d should be a {volume + 1}d or {volume + 2}d Tensor, but got a tensor with "
            f"{x.ndim + volume - rank} dimensions."
        )
    if len(outputs) != rank:
        wanted = "two elements (height, width)" if rank < 3 else "three elements (depth, height, width)"
        raise RuntimeError(f"There should be exactly {wanted} in output_size, but got {len(outputs)} elements.")
    for name, numbers in (("stride", stride), ("padding", padding)) if rank == 3 else ():
        if len(numbers) != 3:
            raise RuntimeError(
                f"There should be exactly three elements (depth, height, width) in {name}, but got: {len(numbers)} "
                "elements."
            )
    if rank == 3 and min(stride) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {list(stride)}")
    if x.shape != at.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(x.shape)}) but got indices "
            f"tensor with shape: {list(at.shape)}"
        )
    for axis in range(x.ndim - rank - 1, x.ndim):
        if x.shape[axis] == 0:
            raise RuntimeError(
                f"max_unpooling{volume}d_forward_out_cpu(): Expected input to have non-zero size for non-batch "
                f"dimensions, but got {list(x.shape)} with dimension {axis} being empty."
            )
    if x.dtype.kind not in "fV":
        raise NotImplementedError(
            f"\"max_unpool{volume}d\" not implemented for '{from_numpy_dtype(x.dtype).legacy_name}'"
        )


def _check_range(at: Any, outputs: Ints) -> None:
    if at.size and (at.min() < 0 or at.max() >= math.prod(outputs)):
        wrong = at[(at < 0) | (at >= math.prod(outputs))][0]
        raise RuntimeError(
            f"Found an invalid max index: {wrong} (output volumes are of size {'x'.join(map(str, outputs))})"
        )


def _max_unpool(
    rank: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    function = f"max_unpool{rank}d"
    for position, (name, value) in enumerate((("input", input), ("indices", indices)), 1):
        if not isinstance(value, Variable):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
            )
    kernel = _numbers(rank, kernel_size)
    strides = kernel if stride is None else _numbers(rank, stride)
    sizes = input._array.shape[-rank:] if input._array.ndim >= rank else (1,) * rank
    paddings = _numbers(rank, padding)
    outputs = _output_size(sizes, kernel, strides, paddings, output_size)
    _check(rank, input._array, indices._array, strides, paddings, outputs)
    _check_range(elements(indices), outputs if rank > 1 else (*outputs, 1))
    return _OPERATIONS[rank - 1].apply(input, indices, outputs)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Undo `max_pool1d` as far as it can be undone: each element goes back to its index, and zeros stand elsewhere.

    Shapes: input and indices (N, C, L) or (C, L); result (N, C, OL), OL = (L - 1)·stride - 2·padding + K, or
    output_size (with or without N and C), less than stride away from that. The settings are those of the pooling;
    indices (int64) count in OL, and where two are equal the last element stays. Floating-point types. Raises
    RuntimeError for shapes that differ and indices out of range, ValueError for an output_size out of reach.

    >>> import rushlight as torch
    >>> pooled, indices = torch.nn.functional.max_pool1d(torch.tensor([[1., 3., 2., 5.]]), 2, return_indices=True)
    >>> torch.nn.functional.max_unpool1d(pooled, indices, 2)
    tensor([[0., 3., 0., 5.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.max_unpool1d.html
    """
    if state.casts is not None:
        return state.casts.float32(max_unpool1d, input, indices, kernel_size, stride, padding, output_size)
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Undo `max_pool2d` as far as it can be undone; `max_unpool1d` says what the arguments mean.

    Shapes: input and indices (N, C, H, W) or (C, H, W); result (N, C, OH, OW). Indices count in the flattened OH·OW.

    >>> import rushlight as torch
    >>> pooled, indices = torch.nn.functional.max_pool2d(torch.arange(4.).view(1, 2, 2), 2, return_indices=True)
    >>> torch.nn.functional.max_unpool2d(pooled, indices, 2)
    tensor([[[0., 0.],
             [0., 3.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.max_unpool2d.html
    """
    if state.casts is not None:
        return state.casts.float32(max_unpool2d, input, indices, kernel_size, stride, padding, output_size)
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Undo `max_pool3d` as far as it can be undone; `max_unpool1d` says what the arguments mean.

    Shapes: input and indices (N, C, D, H, W) or (C, D, H, W); result (N, C, OD, OH, OW). Indices count in the flattened
    OD·OH·OW.

    >>> import rushlight as torch
    >>> pooled, indices = torch.nn.functional.max_pool3d(torch.ones(1, 4, 4, 4), 2, return_indices=True)
    >>> torch.nn.functional.max_unpool3d(pooled, indices, 2).sum()
    tensor(8.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.max_unpool3d.html
    """
    if state.casts is not None:
        return state.casts.float32(max_unpool3d, input, indices, kernel_size, stride, padding, output_size)
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
