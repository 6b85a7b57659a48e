"""Max and average pooling, with a moving window or adaptive, in one, two and three dimensions.

One operation serves every rank: windows slide over the last dimensions, and what stands before them is batch, so that
unbatched input needs no case of its own. Settings and shapes are checked once (`_pool_checks`) and cached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.kernels import pooling as kernels
from rushlight.ops._out import into
from rushlight.ops._pool_checks import adaptive_sizes, check_type, window
from rushlight.ops.max_pool import AdaptiveMaxPool, MaxPool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rushlight.tensor import Tensor

    Sizes = int | Sequence[int]

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
]

Ints = tuple[int, ...]


class AvgPool(Operation):
    """The mean of each window; `settings` are (outputs, kernel, stride, padding, include_pad, divisor)."""

    node_name = "AvgPool2DBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, settings: tuple[Any, ...]) -> Any:
        ctx.settings, ctx.sizes = settings, input._array.shape[-len(settings[0]) :]
        return kernels.avg_pool(input._array, *settings)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AvgPoolBackward.apply(grad, ctx.sizes, ctx.settings), None


class AvgPoolBackward(Operation):
    """The adjoint of `AvgPool`: each window's gradient, spread evenly."""

    node_name = "AvgPool2DBackwardBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, sizes: Ints, settings: tuple[Any, ...]) -> Any:
        ctx.settings = settings
        return kernels.avg_pool_backward(grad._array, sizes, *settings[1:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AvgPool.apply(grad, ctx.settings), None, None


class AdaptiveAvgPool(Operation):
    """The mean of each of `outputs` windows that cover the input."""

    node_name = "AdaptiveAvgPool2DBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, outputs: Ints) -> Any:
        ctx.outputs, ctx.sizes = outputs, input._array.shape[-len(outputs) :]
        return kernels.adaptive_avg_pool(input._array, outputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AdaptiveAvgPoolBackward.apply(grad, ctx.sizes, ctx.outputs), None


class AdaptiveAvgPoolBackward(Operation):
    """The adjoint of `AdaptiveAvgPool`."""

    node_name = "AdaptiveAvgPool2DBackwardBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, sizes: Ints, outputs: Ints) -> Any:
        ctx.outputs = outputs
        return kernels.adaptive_avg_pool_backward(grad._array, sizes)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AdaptiveAvgPool.apply(grad, ctx.outputs), None, None


class _Ranks(NamedTuple):
    """An operation under each of the names that PyTorch's graph shows for 1, 2 and 3 dimensions."""

    one: Any
    two: Any
    three: Any


def _ranks(base: type[Operation], two: str, three: str) -> _Ranks:
    # PyTorch pools one dimension as two, and its graph shows the step back to one.
    names = {"1d": "SqueezeBackward1", "2d": two, "3d": three}
    return _Ranks(*(type(f"{base.__name__}{rank}", (base,), {"node_name": name}) for rank, name in names.items()))


_max_pool = _ranks(MaxPool, "MaxPool2DWithIndicesBackward0", "MaxPool3DWithIndicesBackward0")
_avg_pool = _ranks(AvgPool, "AvgPool2DBackward0", "AvgPool3DBackward0")
_adaptive_max_pool = _ranks(AdaptiveMaxPool, "AdaptiveMaxPool2DBackward0", "AdaptiveMaxPool3DBackward0")
_adaptive_avg_pool = _ranks(AdaptiveAvgPool, "AdaptiveAvgPool2DBackward0", "AdaptiveAvgPool3DBackward0")
# With one output each window is the whole input, and PyTorch takes its mean.
_global_avg_pool = _ranks(AdaptiveAvgPool, "MeanBackward1", "MeanBackward1")


def _max(
    rank: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    settings = window("max_pool", rank, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return _max_pool[rank - 1].apply(input, settings, return_indices)


def _avg(
    rank: int, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, include_pad: bool,
    divisor: int | None = None,
) -> Any:  # fmt: skip
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    settings = window("avg_pool", rank, input, kernel_size, stride, padding, 1, ceil_mode)
    return _avg_pool[rank - 1].apply(input, (*settings[:4], bool(include_pad), divisor))


def _adaptive_avg(rank: int, input: Any, output_size: Any) -> Any:
    if rank == 3 and state.casts is not None:
        return state.casts.float32(_adaptive_avg, rank, input, output_size)
    outputs = adaptive_sizes("adaptive_avg_pool", rank, input, output_size)
    family = _adaptive_avg_pool
    if outputs == (1,) * rank:
        family = _global_avg_pool
        if input._array.dtype.kind not in "fVc":
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {input.dtype.legacy_name}"
            )
    else:
        check_type(f"adaptive_avg_pool{'3d_cpu' if rank == 3 else '2d'}", input, "fV")
    return family[rank - 1].apply(input, outputs)


def _adaptive_max(rank: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    if rank == 3 and state.casts is not None:
        return state.casts.float32(_adaptive_max, rank, input, output_size, return_indices)
    outputs = adaptive_sizes("adaptive_max_pool", rank, input, output_size)
    check_type(f"adaptive_max_pool{'3d_cpu' if rank == 3 else '2d'}", input, "fV")
    return _adaptive_max_pool[rank - 1].apply(input, outputs, return_indices)


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window: `out[..., i] = max_k input[..., i·stride - padding + k·dilation]`.

    Shapes: input (N, C, L) or (C, L); result (N, C, OL), OL = floor((L + 2·padding - dilation·(K - 1) - 1) / stride +
    1), with ceil_mode the ceiling (a last window must begin inside the input or its left padding). stride is
    kernel_size by default; padding, at most half of kernel_size, counts as -inf. With return_indices, also the index of
    each largest element in L (the first of equal ones). A window with NaN gives NaN. Floating-point types. Raises
    RuntimeError where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_pool1d(torch.tensor([[1., 3., 2., 5.]]), 2)
    tensor([[3., 5.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.max_pool1d.html
    """
    return _max(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over two dimensions; `max_pool1d` says what the arguments mean.

    Shapes: input (N, C, H, W) or (C, H, W); result (N, C, OH, OW). Indices count in the flattened H·W. Also integer
    types.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_pool2d(torch.arange(16.).view(1, 4, 4), 2, return_indices=True)
    (tensor([[[ 5.,  7.],
             [13., 15.]]]), tensor([[[ 5,  7],
             [13, 15]]]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.max_pool2d.html
    """
    return _max(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over three dimensions; `max_pool1d` says what the arguments mean.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); result (N, C, OD, OH, OW). Indices count in the flattened D·H·W.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_pool3d(torch.ones(1, 4, 4, 4), 2).shape
    torch.Size([1, 2, 2, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.max_pool3d.html
    """
    if state.casts is not None and not return_indices:
        return state.casts.float32(max_pool3d, input, kernel_size, stride, padding, dilation, ceil_mode)
    return _max(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool1d` that always returns the indices, too.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_pool1d_with_indices(torch.tensor([[1., 3., 2., 5.]]), 2)[1]
    tensor([[1, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.max_pool1d.html
    """
    return _max(1, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d` that always returns the indices, too.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_pool2d_with_indices(torch.arange(4.).view(1, 2, 2), 2)[1]
    tensor([[[3]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.max_pool2d.html
    """
    return _max(2, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool3d` that always returns the indices, too.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_pool3d_with_indices(torch.arange(8.).view(1, 2, 2, 2), 2)[1]
    tensor([[[[7]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.max_pool3d.html
    """
    return _max(3, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window: `out[..., i] = Σ_k input[..., i·stride - padding + k] / count`.

    Shapes: input (N, C, L) or (C, L); result (N, C, OL), OL = floor((L + 2·padding - K) / stride + 1), with ceil_mode
    the ceiling (a last window must begin inside the input or its left padding). stride is kernel_size by default;
    padding, at most half of kernel_size, is zeros, which count unless count_include_pad is False. Floating-point types
    and int64. Raises RuntimeError where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.avg_pool1d(torch.tensor([[1., 3., 2., 5.]]), 2)
    tensor([[2.0000, 3.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.avg_pool1d.html
    """
    return _avg(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of each window over two dimensions; `avg_pool1d` says what the arguments mean.

    Shapes: input (N, C, H, W) or (C, H, W); result (N, C, OH, OW). divisor_override takes the place of the count.

    >>> import rushlight as torch
    >>> torch.nn.functional.avg_pool2d(torch.ones(1, 2, 2), 2, divisor_override=2)
    tensor([[[2.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.avg_pool2d.html
    """
    return into(out, _avg(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override))


def avg_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of each window over three dimensions; `avg_pool1d` says what the arguments mean.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); result (N, C, OD, OH, OW). divisor_override takes the place of the
    count.

    >>> import rushlight as torch
    >>> torch.nn.functional.avg_pool3d(torch.ones(1, 4, 4, 4), (2, 4, 4)).shape
    torch.Size([1, 2, 1, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.avg_pool3d.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(
            avg_pool3d, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        )
    return into(out, _avg(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override))


def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of output_size windows that cover the input: window i is `input[..., floor(i·L / O) : ceil((i + 1)·L /
    O)]`.

    Shapes: input (N, C, L) or (C, L); result (N, C, O). Floating-point types. Raises RuntimeError where sizes don't
    fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_avg_pool1d(torch.tensor([[1., 2., 3., 4.]]), 2)
    tensor([[1.5000, 3.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.adaptive_avg_pool1d.html
    """
    return _adaptive_avg(1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """The means of output_size windows over two dimensions (`adaptive_avg_pool1d` says which); None keeps a dimension's
    size.

    Shapes: input (N, C, H, W) or (C, H, W); result (N, C, OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_avg_pool2d(torch.ones(1, 3, 8, 8), (5, None)).shape
    torch.Size([1, 3, 5, 8])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.adaptive_avg_pool2d.html
    """
    return _adaptive_avg(2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """The means of output_size windows over three dimensions (`adaptive_avg_pool1d` says which); None keeps a
    dimension's size.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); result (N, C, OD, OH, OW).

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_avg_pool3d(torch.ones(1, 3, 8, 8, 8), 1).shape
    torch.Size([1, 3, 1, 1, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.adaptive_avg_pool3d.html
    """
    return _adaptive_avg(3, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest elements of output_size windows that cover the input: `input[..., floor(i·L / O) : ceil((i + 1)·L /
    O)]`.

    Shapes: input (N, C, L) or (C, L); result (N, C, O), with return_indices also the index of each in L. Floating-point
    types. Raises RuntimeError where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_max_pool1d(torch.tensor([[1., 2., 3., 4.]]), 2)
    tensor([[2., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.adaptive_max_pool1d.html
    """
    return _adaptive_max(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False) -> Any:
    """The largest elements of output_size windows over two dimensions (see `adaptive_max_pool1d`); None keeps a
    dimension's size.

    Shapes: input (N, C, H, W) or (C, H, W); result (N, C, OH, OW). Indices count in the flattened H·W.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_max_pool2d(torch.ones(1, 3, 8, 8), (5, None)).shape
    torch.Size([1, 3, 5, 8])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.adaptive_max_pool2d.html
    """
    return _adaptive_max(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False) -> Any:
    """The largest elements of output_size windows over three dimensions (see `adaptive_max_pool1d`); None keeps a
    dimension's size.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); result (N, C, OD, OH, OW). Indices count in the flattened D·H·W.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_max_pool3d(torch.ones(1, 3, 8, 8, 8), 2).shape
    torch.Size([1, 3, 2, 2, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.adaptive_max_pool3d.html
    """
    return _adaptive_max(3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Sizes, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` that always returns the indices, too.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_max_pool1d_with_indices(torch.tensor([[1., 2., 3., 4.]]), 2)[1]
    tensor([[1, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.adaptive_max_pool1d.html
    """
    return _adaptive_max(1, input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` that always returns the indices, too.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_max_pool2d_with_indices(torch.arange(4.).view(1, 2, 2), 1)[1]
    tensor([[[3]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.adaptive_max_pool2d.html
    """
    return _adaptive_max(2, input, output_size, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` that always returns the indices, too.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_max_pool3d_with_indices(torch.arange(8.).view(1, 2, 2, 2), 1)[1]
    tensor([[[[7]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.adaptive_max_pool3d.html
    """
    return _adaptive_max(3, input, output_size, True)
