"""Layers that pad: `F.pad` with its pads kept."""

from __future__ import annotations

from typing import ClassVar

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import _ntuple
from rushlight.nn.modules.utils import _pair as _pair
from rushlight.nn.modules.utils import _quadruple as _quadruple
from rushlight.tensor import Tensor

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]

Pads = int | tuple[int, ...]


class _IndexPadNd(Module):
    """Padding with the input's own elements: `_mode` says which. `padding` is one number for all sides, or (before,
    after) of the last dimension, then of the one before it, and so on."""

    __constants__: ClassVar[list[str]] = ["padding"]
    padding: tuple[int, ...]
    _rank: ClassVar[int]
    _mode: ClassVar[str]

    def __init__(self, padding: Pads) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._rank)(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ReflectionPadNd(_IndexPadNd):
    _mode = "reflect"


class _ReplicationPadNd(_IndexPadNd):
    _mode = "replicate"


class _CircularPadNd(_IndexPadNd):
    _mode = "circular"

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (self._rank + 1, self._rank + 2):
            raise ValueError(f"expected {self._rank + 1}D or {self._rank + 2}D input (got {input.dim()}D input)")

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        return super().forward(input)


class _ConstantPadNd(Module):
    """Padding with `value`; see `_IndexPadNd` for `padding`."""

    __constants__: ClassVar[list[str]] = ["padding", "value"]
    padding: tuple[int, ...]
    value: float
    _rank: ClassVar[int]

    def __init__(self, padding: Pads, value: float) -> None:
        super().__init__()
        self.value = value
        self.padding = _ntuple(2 * self._rank)(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ReflectionPad1d(_ReflectionPadNd):
    """Pads the last dimension with the input's mirror image, its edge not repeated.

    padding is one number or (left, right); a negative number crops. It must be less than the size (RuntimeError).
    Shapes: (C, W) or (N, C, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ReflectionPad1d(2)(torch.arange(9.).view(1, 9))[..., :]
    tensor([[2., 1., 0., 1., 2., 3., 4., 5., 6., 7., 8., 7., 6.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ReflectionPad1d.html
    """

    _rank = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Pads the last two dimensions with the input's mirror image, its edge not repeated.

    padding is one number or (left, right, top, bottom); a negative number crops. It must be less than the size
    (RuntimeError). Shapes: (C, H, W) or (N, C, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ReflectionPad2d(2)(torch.arange(9.).view(1, 3, 3))[..., 0, :]
    tensor([[8., 7., 6., 7., 8., 7., 6.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ReflectionPad2d.html
    """

    _rank = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Pads the last three dimensions with the input's mirror image, its edge not repeated.

    padding is one number or (left, right, top, bottom, front, back); a negative number crops. It must be less than the
    size (RuntimeError). Shapes: (C, D, H, W) or (N, C, D, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ReflectionPad3d((2, 0, 1, 0, 0, 0))(torch.arange(9.).view(1, 1, 3, 3))[..., 0, 0, :]
    tensor([[5., 4., 3., 4., 5.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ReflectionPad3d.html
    """

    _rank = 3


class ReplicationPad1d(_ReplicationPadNd):
    """Pads the last dimension with copies of the input's edge.

    padding is one number or (left, right); a negative number crops. RuntimeError if nothing would be left.
    Shapes: (C, W) or (N, C, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ReplicationPad1d(1)(torch.arange(9.).view(1, 9))[..., :]
    tensor([[0., 0., 1., 2., 3., 4., 5., 6., 7., 8., 8.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ReplicationPad1d.html
    """

    _rank = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Pads the last two dimensions with copies of the input's edge.

    padding is one number or (left, right, top, bottom); a negative number crops. RuntimeError if nothing would be left.
    Shapes: (C, H, W) or (N, C, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ReplicationPad2d(1)(torch.arange(9.).view(1, 3, 3))[..., 0, :]
    tensor([[0., 0., 1., 2., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ReplicationPad2d.html
    """

    _rank = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Pads the last three dimensions with copies of the input's edge.

    padding is one number or (left, right, top, bottom, front, back); a negative number crops. RuntimeError if nothing
    would be left. Shapes: (C, D, H, W) or (N, C, D, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ReplicationPad3d(1)(torch.arange(9.).view(1, 1, 3, 3))[..., 0, 0, :]
    tensor([[0., 0., 1., 2., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ReplicationPad3d.html
    """

    _rank = 3


class CircularPad1d(_CircularPadNd):
    """Pads the last dimension with the elements at the other end.

    padding is one number or (left, right); a negative number crops. It may be at most the size (RuntimeError).
    Shapes: (C, W) or (N, C, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.CircularPad1d(1)(torch.arange(9.).view(1, 9))[..., :]
    tensor([[8., 0., 1., 2., 3., 4., 5., 6., 7., 8., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.CircularPad1d.html
    """

    _rank = 1


class CircularPad2d(_CircularPadNd):
    """Pads the last two dimensions with the elements at the other end.

    padding is one number or (left, right, top, bottom); a negative number crops. It may be at most the size
    (RuntimeError). Shapes: (C, H, W) or (N, C, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.CircularPad2d(1)(torch.arange(9.).view(1, 3, 3))[..., 0, :]
    tensor([[8., 6., 7., 8., 6.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.CircularPad2d.html
    """

    _rank = 2


class CircularPad3d(_CircularPadNd):
    """Pads the last three dimensions with the elements at the other end.

    padding is one number or (left, right, top, bottom, front, back); a negative number crops. It may be at most the
    size (RuntimeError). Shapes: (C, D, H, W) or (N, C, D, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.CircularPad3d(1)(torch.arange(9.).view(1, 1, 3, 3))[..., 0, 0, :]
    tensor([[8., 6., 7., 8., 6.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.CircularPad3d.html
    """

    _rank = 3


class ConstantPad1d(_ConstantPadNd):
    """Pads the last dimension with `value`.

    padding is one number or (left, right); a negative number crops. RuntimeError if less than nothing would be left.
    Shapes: (C, W) or (N, C, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ConstantPad1d(1, 3.5)(torch.arange(9.).view(1, 9))[..., :]
    tensor([[3.5000, 0.0000, 1.0000, 2.0000, 3.0000, 4.0000, 5.0000, 6.0000, 7.0000,
             8.0000, 3.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ConstantPad1d.html
    """

    _rank = 1


class ConstantPad2d(_ConstantPadNd):
    """Pads the last two dimensions with `value`.

    padding is one number or (left, right, top, bottom); a negative number crops. RuntimeError if less than nothing
    would be left. Shapes: (C, H, W) or (N, C, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ConstantPad2d(1, 3.5)(torch.arange(9.).view(1, 3, 3))[..., 0, :]
    tensor([[3.5000, 3.5000, 3.5000, 3.5000, 3.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ConstantPad2d.html
    """

    _rank = 2


class ConstantPad3d(_ConstantPadNd):
    """Pads the last three dimensions with `value`.

    padding is one number or (left, right, top, bottom, front, back); a negative number crops. RuntimeError if less than
    nothing would be left. Shapes: (C, D, H, W) or (N, C, D, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ConstantPad3d(1, 3.5)(torch.arange(9.).view(1, 1, 3, 3))[..., 0, 0, :]
    tensor([[3.5000, 3.5000, 3.5000, 3.5000, 3.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ConstantPad3d.html
    """

    _rank = 3


class ZeroPad1d(ConstantPad1d):
    """Pads the last dimension with zeros.

    padding is one number or (left, right); a negative number crops. RuntimeError if less than nothing would be left.
    Shapes: (C, W) or (N, C, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ZeroPad1d(1)(torch.arange(9.).view(1, 9))[..., :]
    tensor([[0., 0., 1., 2., 3., 4., 5., 6., 7., 8., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ZeroPad1d.html
    """

    def __init__(self, padding: Pads) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Pads the last two dimensions with zeros.

    padding is one number or (left, right, top, bottom); a negative number crops. RuntimeError if less than nothing
    would be left. Shapes: (C, H, W) or (N, C, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ZeroPad2d(1)(torch.arange(9.).view(1, 3, 3))[..., 0, :]
    tensor([[0., 0., 0., 0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ZeroPad2d.html
    """

    def __init__(self, padding: Pads) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Pads the last three dimensions with zeros.

    padding is one number or (left, right, top, bottom, front, back); a negative number crops. RuntimeError if less than
    nothing would be left. Shapes: (C, D, H, W) or (N, C, D, H, W); each padded dimension becomes before + size + after.

    >>> import rushlight as torch
    >>> torch.nn.ZeroPad3d(1)(torch.arange(9.).view(1, 1, 3, 3))[..., 0, 0, :]
    tensor([[0., 0., 0., 0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ZeroPad3d.html
    """

    def __init__(self, padding: Pads) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"
