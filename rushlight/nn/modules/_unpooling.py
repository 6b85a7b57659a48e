"""Layers that undo max pooling as far as it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import _ntuple
from rushlight.tensor import Tensor

__all__ = ["MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"]

Sizes = int | tuple[int, ...]


class _MaxUnpoolNd(Module):
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    _rank: ClassVar[int]
    _function: ClassVar[Callable[..., Tensor]]

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        spread = _ntuple(self._rank)
        self.kernel_size = spread(kernel_size)
        self.stride = spread(stride if stride is not None else kernel_size)
        self.padding = spread(padding)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """Undoes `MaxPool1d` as far as it can be undone: each element goes back to its index, and zeros stand elsewhere.

    kernel_size, stride and padding are those of the pooling, which must have been made with return_indices. Since
    pooling takes several lengths to one, forward takes an output_size, with or without N and C.

    Shapes: (N, C, L) or (C, L), and indices of the same shape → (N, C, OL), OL = (L - 1)·stride - 2·padding + K, or
    output_size. Floating-point dtypes. ValueError for an output_size out of reach, RuntimeError for indices that don't
    fit.

    >>> import rushlight as torch
    >>> pooled, indices = torch.nn.MaxPool1d(2, return_indices=True)(torch.tensor([[1., 3., 2., 5.]]))
    >>> torch.nn.MaxUnpool1d(2)(pooled, indices)
    tensor([[0., 3., 0., 5.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MaxUnpool1d.html
    """

    _rank = 1
    _function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpoolNd):
    """Undoes `MaxPool2d` as far as it can be undone; every size may be one number or a pair. The rest is as in
    `MaxUnpool1d`.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, OH, OW); indices count in the flattened OH·OW.

    >>> import rushlight as torch
    >>> pooled, indices = torch.nn.MaxPool2d(2, return_indices=True)(torch.zeros(1, 3, 5, 5))
    >>> torch.nn.MaxUnpool2d(2)(pooled, indices, output_size=(5, 5)).shape
    torch.Size([1, 3, 5, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MaxUnpool2d.html
    """

    _rank = 2
    _function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpoolNd):
    """Undoes `MaxPool3d` as far as it can be undone; every size may be one number or a triple. The rest is as in
    `MaxUnpool1d`.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, C, OD, OH, OW); indices count in the flattened OD·OH·OW.

    >>> import rushlight as torch
    >>> pooled, indices = torch.nn.MaxPool3d(2, return_indices=True)(torch.zeros(1, 3, 4, 4, 4))
    >>> torch.nn.MaxUnpool3d(2)(pooled, indices).shape
    torch.Size([1, 3, 4, 4, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MaxUnpool3d.html
    """

    _rank = 3
    _function = staticmethod(F.max_unpool3d)
