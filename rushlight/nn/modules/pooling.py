"""Pooling layers: one implementation for any number of dimensions, thin classes for one, two and three."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from rushlight.nn import functional as F
from rushlight.nn.common_types import _size_2_t as _size_2_t
from rushlight.nn.common_types import _size_any_t as _size_any_t
from rushlight.nn.modules._unpooling import MaxUnpool1d, MaxUnpool2d, MaxUnpool3d
from rushlight.nn.modules._unpooling import _MaxUnpoolNd as _MaxUnpoolNd
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import _ntuple, _single
from rushlight.nn.modules.utils import _pair as _pair
from rushlight.nn.modules.utils import _triple as _triple
from rushlight.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]

Sizes = int | tuple[int, ...]
Ratios = float | tuple[float, ...]
AdaptiveSizes = int | None | tuple[int | None, ...]


class _MaxPoolNd(Module):
    __constants__: ClassVar[list[str]] = ["kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode"]
    return_indices: bool
    ceil_mode: bool
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return self._function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """The largest element of each window over one dimension.

    The window has kernel_size elements, dilation apart, and moves by stride (by default kernel_size). padding, at most
    half of kernel_size, counts as -inf. With ceil_mode a last window may stick out, if it begins inside the input or
    its left padding. With return_indices the indices of the largest elements come, too.

    Shapes: (N, C, L) or (C, L) → (N, C, OL), OL = floor((L + 2·padding - dilation·(K - 1) - 1) / stride + 1), or the
    ceiling. Floating-point dtypes. RuntimeError, from the call, where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.MaxPool1d(3, stride=2)(torch.tensor([[1., 5., 2., 3., 4.]]))
    tensor([[5., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MaxPool1d.html
    """

    _function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPoolNd):
    """The largest element of each window over two dimensions; every size may be one number or a pair. The rest is as in
    `MaxPool1d`.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, OH, OW). Floating-point and integer dtypes.

    >>> import rushlight as torch
    >>> torch.nn.MaxPool2d((3, 2), stride=(2, 1))(torch.zeros(20, 16, 50, 32)).shape
    torch.Size([20, 16, 24, 31])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MaxPool2d.html
    """

    _function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPoolNd):
    """The largest element of each window over three dimensions; every size may be one number or a triple. The rest is
    as in `MaxPool1d`.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, C, OD, OH, OW). Floating-point and integer dtypes.

    >>> import rushlight as torch
    >>> torch.nn.MaxPool3d(3, stride=2)(torch.zeros(2, 4, 9, 9, 7)).shape
    torch.Size([2, 4, 4, 4, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MaxPool3d.html
    """

    _function = staticmethod(F.max_pool3d)


class _AvgPoolNd(Module):
    __constants__: ClassVar[list[str]] = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"]
    kernel_size: Sizes
    stride: Sizes
    padding: Sizes
    ceil_mode: bool
    count_include_pad: bool

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """The mean of each window over one dimension.

    The window has kernel_size elements and moves by stride (by default kernel_size). padding, at most half of
    kernel_size, is zeros, which count unless count_include_pad is False. With ceil_mode a last window may stick out, if
    it begins inside the input or its left padding.

    Shapes: (N, C, L) or (C, L) → (N, C, OL), OL = floor((L + 2·padding - K) / stride + 1), or the ceiling.
    Floating-point dtypes and int64. RuntimeError, from the call, where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.AvgPool1d(3, stride=2)(torch.tensor([[1., 2., 3., 4., 5., 6., 7.]]))
    tensor([[2., 4., 6.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AvgPool1d.html
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _single(kernel_size)
        self.stride = _single(stride if stride is not None else kernel_size)
        self.padding = _single(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _AvgPoolWithDivisor(_AvgPoolNd):
    """Average pooling whose count can be replaced."""

    __constants__: ClassVar[list[str]] = [*_AvgPoolNd.__constants__, "divisor_override"]
    divisor_override: int | None
    _function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return self._function(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_AvgPoolWithDivisor):
    """The mean of each window over two dimensions; every size may be one number or a pair. The rest is as in
    `AvgPool1d`.

    divisor_override, if given, takes the place of the number of elements. Shapes: (N, C, H, W) or (C, H, W) → (N, C,
    OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.AvgPool2d((3, 2), stride=(2, 1))(torch.zeros(20, 16, 50, 32)).shape
    torch.Size([20, 16, 24, 31])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AvgPool2d.html
    """

    _function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPoolWithDivisor):
    """The mean of each window over three dimensions; every size may be one number or a triple. The rest is as in
    `AvgPool1d`.

    divisor_override, if given, takes the place of the number of elements. Shapes: (N, C, D, H, W) or (C, D, H, W) → (N,
    C, OD, OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.AvgPool3d(3, stride=2)(torch.zeros(2, 4, 9, 9, 7)).shape
    torch.Size([2, 4, 4, 4, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AvgPool3d.html
    """

    _function = staticmethod(F.avg_pool3d)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for name, value in (("padding", 0), ("ceil_mode", False), ("count_include_pad", True)):
            self.__dict__.setdefault(name, value)


class _FractionalMaxPoolNd(Module):
    __constants__: ClassVar[list[str]] = ["kernel_size", "return_indices", "output_size", "output_ratio"]
    kernel_size: tuple[int, ...]
    return_indices: bool
    output_size: tuple[int, ...] | None
    output_ratio: tuple[float, ...] | None
    _random_samples: Tensor | None
    _rank: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Sizes,
        output_size: Sizes | None = None,
        output_ratio: Ratios | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        spread = _ntuple(self._rank)
        self.kernel_size = spread(kernel_size)
        # PyTorch looks at these in three dimensions only.
        if self._rank == 3 and not all(k > 0 for k in self.kernel_size):
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else spread(output_size)
        self.output_ratio = None if output_ratio is None else spread(output_ratio)
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"FractionalMaxPool{self._rank}d requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio[: self._rank]):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        return self._function(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """The largest element of each of output_size windows over two dimensions, whose places are drawn at random.

    Windows of kernel_size elements stand about H / OH and W / OW apart, one element more or less as drawn anew for each
    sample, channel and dimension in every call, or as `_random_samples` (N, C, 2) says. The output's size is either
    output_size or output_ratio, in (0, 1), times the input's. With return_indices the indices of the largest elements
    come, too.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, OH, OW). Floating-point dtypes. ValueError unless exactly one of the
    output sizes is given; RuntimeError, from the call, where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.FractionalMaxPool2d(3, output_ratio=(0.5, 0.6))(torch.zeros(2, 4, 12, 20)).shape
    torch.Size([2, 4, 6, 12])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.FractionalMaxPool2d.html
    """

    _rank = 2
    _function = staticmethod(F.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """The largest element of each of output_size windows over three dimensions, whose places are drawn at random. The
    rest is as in `FractionalMaxPool2d`.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, C, OD, OH, OW). ValueError for a kernel_size that isn't positive, too.

    >>> import rushlight as torch
    >>> torch.nn.FractionalMaxPool3d(3, output_size=(4, 5, 6))(torch.zeros(2, 4, 9, 10, 11)).shape
    torch.Size([2, 4, 4, 5, 6])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.FractionalMaxPool3d.html
    """

    _rank = 3
    _function = staticmethod(F.fractional_max_pool3d)


class _LPPoolNd(Module):
    __constants__: ClassVar[list[str]] = ["norm_type", "kernel_size", "stride", "ceil_mode"]
    norm_type: float
    ceil_mode: bool
    _function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return self._function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    """The norm (Σ x^p)^(1/p) of each window over one dimension, p = norm_type.

    The window has kernel_size elements and moves by stride (by default kernel_size). With p = 1 it is their sum, with
    p = infinity the largest magnitude; where the sum is zero the gradient is not defined.

    Shapes: (N, C, L) or (C, L) → (N, C, OL), OL = floor((L - K) / stride + 1), with ceil_mode the ceiling.
    Floating-point dtypes. RuntimeError, from the call, where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.LPPool1d(2, 2)(torch.tensor([[3., 4., 6., 8.]]))
    tensor([[ 5., 10.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LPPool1d.html
    """

    _function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPoolNd):
    """The norm of each window over two dimensions; every size may be one number or a pair. The rest is as in
    `LPPool1d`.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.LPPool2d(1.2, (3, 2), stride=(2, 1))(torch.ones(2, 4, 9, 6)).shape
    torch.Size([2, 4, 4, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LPPool2d.html
    """

    _function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPoolNd):
    """The norm of each window over three dimensions; every size may be one number or a triple. The rest is as in
    `LPPool1d`.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, C, OD, OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.LPPool3d(2, 2)(torch.ones(1, 1, 4, 4, 4)).shape
    torch.Size([1, 1, 2, 2, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LPPool3d.html
    """

    _function = staticmethod(F.lp_pool3d)


class _AdaptiveAvgPoolNd(Module):
    __constants__: ClassVar[list[str]] = ["output_size"]
    _function: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: AdaptiveSizes) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return self._function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """The means of output_size windows that cover one dimension: window i goes from floor(i·L / O) to ceil((i + 1)·L /
    O).

    Shapes: (N, C, L) or (C, L) → (N, C, O). Floating-point dtypes. RuntimeError, from the call, where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.AdaptiveAvgPool1d(5)(torch.zeros(1, 64, 8)).shape
    torch.Size([1, 64, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AdaptiveAvgPool1d.html
    """

    _function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """The means of output_size windows that cover two dimensions (see `AdaptiveAvgPool1d`); None keeps a dimension's
    size.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.AdaptiveAvgPool2d((None, 7))(torch.zeros(1, 64, 10, 9)).shape
    torch.Size([1, 64, 10, 7])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AdaptiveAvgPool2d.html
    """

    _function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """The means of output_size windows that cover three dimensions (see `AdaptiveAvgPool1d`); None keeps a dimension's
    size.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, C, OD, OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.AdaptiveAvgPool3d((7, None, None))(torch.zeros(1, 4, 10, 9, 8)).shape
    torch.Size([1, 4, 7, 9, 8])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AdaptiveAvgPool3d.html
    """

    _function = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPoolNd(Module):
    __constants__: ClassVar[list[str]] = ["output_size", "return_indices"]
    return_indices: bool
    _function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: AdaptiveSizes, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return self._function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """The largest elements of output_size windows that cover one dimension, as `AdaptiveAvgPool1d` places them.

    With return_indices their indices come, too. Shapes: (N, C, L) or (C, L) → (N, C, O). Floating-point dtypes.
    RuntimeError, from the call, where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.AdaptiveMaxPool1d(2)(torch.tensor([[1., 5., 2., 3., 4.]]))
    tensor([[5., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AdaptiveMaxPool1d.html
    """

    _function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The largest elements of output_size windows that cover two dimensions; None keeps a dimension's size.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, OH, OW). The rest is as in `AdaptiveMaxPool1d`.

    >>> import rushlight as torch
    >>> torch.nn.AdaptiveMaxPool2d((None, 7))(torch.zeros(1, 64, 10, 9)).shape
    torch.Size([1, 64, 10, 7])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AdaptiveMaxPool2d.html
    """

    _function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """The largest elements of output_size windows that cover three dimensions; None keeps a dimension's size.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, C, OD, OH, OW). The rest is as in `AdaptiveMaxPool1d`.

    >>> import rushlight as torch
    >>> torch.nn.AdaptiveMaxPool3d((7, None, None))(torch.zeros(1, 4, 10, 9, 8)).shape
    torch.Size([1, 4, 7, 9, 8])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AdaptiveMaxPool3d.html
    """

    _function = staticmethod(F.adaptive_max_pool3d)
