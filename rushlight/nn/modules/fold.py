"""Layers that take images apart into sliding blocks, and put them together again."""

from __future__ import annotations

from typing import ClassVar

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["Fold", "Unfold"]

Sizes = int | tuple[int, ...]


class Fold(Module):
    """Adds the columns of a matrix up to an image of output_size, each a block of kernel_size at its place.

    The block moves by stride over the image, with padding elements around it, and its elements are dilation apart;
    where blocks overlap, they add up. Every size may be one number or a pair.

    Shapes: (N, C·KH·KW, L) or (C·KH·KW, L) → (N, C, H, W), (H, W) being output_size and L the number of the block's
    places. Floating-point and complex dtypes and bool. RuntimeError, from the call, where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.Fold(output_size=(4, 5), kernel_size=(2, 2))(torch.zeros(1, 3 * 2 * 2, 12)).shape
    torch.Size([1, 3, 4, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Fold.html
    """

    __constants__: ClassVar[list[str]] = ["output_size", "kernel_size", "dilation", "padding", "stride"]
    output_size: Sizes
    kernel_size: Sizes
    dilation: Sizes
    padding: Sizes
    stride: Sizes

    def __init__(
        self, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """Makes every block of kernel_size that slides over an image a column of a matrix.

    The block moves by stride over the image, with padding zeros around it, and its elements are dilation apart. Every
    size may be one number or a pair.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C·KH·KW, L), L the number of the block's places, row by row. Floating-point
    and complex dtypes and bool. RuntimeError, from the call, where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.Unfold(kernel_size=(2, 3))(torch.zeros(2, 5, 3, 4)).shape
    torch.Size([2, 30, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Unfold.html
    """

    __constants__: ClassVar[list[str]] = ["kernel_size", "dilation", "padding", "stride"]
    kernel_size: Sizes
    dilation: Sizes
    padding: Sizes
    stride: Sizes

    def __init__(self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
