"""Sliding blocks of an image as columns of a matrix, and the sum of such columns back into an image."""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable
from rushlight.dtypes import from_numpy_dtype
from rushlight.kernels import convolution as kernels
from rushlight.kernels.reference.windows import conv_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rushlight.tensor import Tensor

    Sizes = int | Sequence[int]

__all__ = ["fold", "unfold"]

Pair = tuple[int, int]


class Blocks(NamedTuple):
    """How the block moves over an image of `sizes`, and how many places it has (`outputs`)."""

    sizes: Pair
    outputs: Pair
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair


class Unfold(Operation):
    """(*, C, H, W) to (*, C·KH·KW, OH·OW): every block as a column."""

    node_name = "Im2ColBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, blocks: Blocks) -> Any:
        ctx.blocks = blocks
        x = input._array
        columns = kernels.unfold(x if x.ndim == 4 else x[None], *blocks[1:])
        lead = (len(x),) if x.ndim == 4 else ()
        places = blocks.outputs[0] * blocks.outputs[1]
        return columns.reshape(*lead, x.shape[-3] * blocks.kernel[0] * blocks.kernel[1], places)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Fold.apply(grad, ctx.blocks), None


class Fold(Operation):
    """(*, C·KH·KW, OH·OW) to (*, C, H, W), the adjoint of `Unfold`: where blocks overlap, they add up."""

    node_name = "Col2ImBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, blocks: Blocks) -> Any:
        ctx.blocks = blocks
        x = input._array
        (kh, kw), lead = blocks.kernel, x.shape[:-2]
        columns = x.reshape(lead[0] if lead else 1, x.shape[-2] // (kh * kw), kh, kw, *blocks.outputs)
        image = kernels.fold(columns, blocks.sizes, *blocks[2:])
        return image if lead else image[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Unfold.apply(grad, ctx.blocks), None


def _pair(function: str, name: str, value: Any) -> Pair:
    try:
        if hasattr(value, "__index__"):
            return (operator.index(value),) * 2
        numbers = tuple(map(operator.index, value))
    except TypeError:
        raise TypeError(
            f"{function}(): argument '{name}' must be tuple of ints, but found element of type {_culprit(value)}"
        ) from None
    if len(numbers) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(numbers)}")
    return numbers


def _culprit(value: Any) -> str:
    """The type of what isn't an int."""
    entries = value if isinstance(value, tuple | list) else [value]
    return next(type(entry).__name__ for entry in entries if not hasattr(entry, "__index__"))


def _check_settings(kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> None:
    for numbers, name, prefix, least in (
        (kernel, "kernel size", "kernel", 1),
        (dilation, "dilation", "dilation", 1),
        (padding, "padding", "pad", 0),
        (stride, "stride", "stride", 1),
    ):
        if min(numbers) < least:
            wanted = "greater than zero" if least else "non-negative"
            raise RuntimeError(
                f"{name} should be {wanted}, but got {prefix}_height: {numbers[0]} {prefix}_width: {numbers[1]}"
            )


@lru_cache(maxsize=1024)
def _blocks(sizes: Pair, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Blocks:
    _check_settings(kernel, dilation, padding, stride)
    high, wide = map(conv_size, sizes, kernel, stride, padding, dilation)
    return Blocks(sizes, (high, wide), kernel, stride, padding, dilation)


def _array(function: str, input: Any) -> Any:
    if not isinstance(input, Variable):
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input._array


def _check_type(kernel: str, array: Any) -> None:
    if array.dtype.kind in "iu":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{from_numpy_dtype(array.dtype).legacy_name}'")


def unfold(input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """Make every block that a window of kernel_size meets on its way over an image a column of a matrix.

    Shapes: input (N, C, H, W) or (C, H, W); result (N, C·KH·KW, OH·OW), OH = floor((H + 2·padding - dilation·(KH - 1) -
    1) / stride + 1), channels first in a column, places row by row. padding is zeros on both sides. Every size may be
    one number or a pair. Floating-point and complex types and bool. Raises RuntimeError where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.unfold(torch.arange(9.).view(1, 1, 3, 3), 2)
    tensor([[[0., 1., 3., 4.],
             [1., 2., 4., 5.],
             [3., 4., 6., 7.],
             [4., 5., 7., 8.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.unfold.html
    """
    array = _array("im2col", input)
    names = ("kernel_size", "dilation", "padding", "stride")
    values = (kernel_size, dilation, padding, stride)
    kernel, spread, around, step = (_pair("im2col", name, value) for name, value in zip(names, values, strict=True))
    _check_settings(kernel, spread, around, step)
    shape = array.shape
    if len(shape) not in (3, 4) or 0 in shape[len(shape) == 4 :]:
        if len(shape) < 3:
            low, high = -max(len(shape), 1), max(len(shape), 1) - 1
            raise IndexError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got 2)")
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(shape)}"
        )
    blocks = _blocks(shape[-2:], kernel, spread, around, step)
    if min(blocks.outputs) < 1:
        raise RuntimeError(
            f"Given input with spatial size {blocks.sizes}, kernel_size={kernel}, dilation={spread}, padding={around}, "
            f"calculated shape of the array of sliding blocks as {blocks.outputs}, but its components must be at least "
            "one."
        )
    _check_type("im2col_out_cpu", array)
    return Unfold.apply(input, blocks)


def fold(
    input: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Add the columns of a matrix up to an image, each a block where `unfold` would have taken it from.

    Shapes: input (N, C·KH·KW, L) or (C·KH·KW, L), L the number of the block's places on an image of output_size; result
    (N, C, H, W). `fold(unfold(x))` is x, each element times the number of blocks that hold it. Types as in `unfold`.
    Raises RuntimeError where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.fold(torch.ones(1, 4, 4), 3, 2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.fold.html
    """
    array = _array("col2im", input)
    names = ("output_size", "kernel_size", "dilation", "padding", "stride")
    values = (output_size, kernel_size, dilation, padding, stride)
    sizes, kernel, spread, around, step = (
        _pair("col2im", name, value) for name, value in zip(names, values, strict=True)
    )
    _check_settings(kernel, spread, around, step)
    shape = array.shape
    if len(shape) not in (2, 3) or 0 in shape[len(shape) == 3 :]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(shape)}"
        )
    if shape[-2] % (kernel[0] * kernel[1]):
        raise RuntimeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={shape[-2]} and kernel_size={kernel}."
        )
    blocks = _blocks(sizes, kernel, spread, around, step)
    high, wide = blocks.outputs
    if shape[-1] != high * wide:
        raise RuntimeError(
            f"Given output_size={sizes}, kernel_size={kernel}, dilation={spread}, padding={around}, stride={step}, "
            f"expected size of input's dimension 2 to match the calculated number of sliding blocks "
            f"{high} * {wide} = {high * wide}, but got input.size(2)={shape[-1]}."
        )
    if min(high, wide) < 1:
        raise RuntimeError(
            f"Given output_size={sizes}, kernel_size={kernel}, dilation={spread}, padding={around}, stride={step}, "
            f"calculated shape of the array of sliding blocks as ({high}, {wide}), which is too small (non-positive)"
        )
    _check_type("col2im_out_cpu", array)
    return Fold.apply(input, blocks)
