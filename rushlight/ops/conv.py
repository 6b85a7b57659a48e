"""Convolution and transposed convolution in one, two and three dimensions.

One operation serves every rank. Letters: input (N, C, *size), weight (O, C / groups, *kernel), output (N, O, *outputs);
for a transposed convolution weight is (C, O / groups, *kernel). What depends only on shapes and settings is worked out
once and cached.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable
from rushlight.kernels import convolution as kernels
from rushlight.ops._conv_checks import Geometry, check_tensors, check_types, geometry_of, numbers, output_sizes
from rushlight.ops.pad import pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rushlight.tensor import Tensor

    Sizes = int | Sequence[int]

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_tbc",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolution",
]

Ints = tuple[int, ...]


class Convolution(Operation):
    """`bias + Σ weight · window(input)`; with `geometry.transposed`, the adjoint of that in its input."""

    node_name = "ConvolutionBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, outputs: Ints) -> Any:
        ctx.geometry = geometry
        ctx.save_for_backward(input, weight)
        x, w = input._array, weight._array
        b = None if bias is None else bias._array
        stride, padding, dilation, transposed, _, groups = geometry
        if transposed:
            return kernels.conv_input(x, w, b, outputs, stride, padding, dilation, groups)
        return kernels.conv(x, w, b, stride, padding, dilation, groups, outputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, weight = ctx.saved_tensors
        needs = ctx.needs_input_grad[:3]
        found = iter(ConvolutionBackward.apply(grad, input, weight, ctx.geometry, needs))
        return (*(next(found) if needed else None for needed in needs), None, None)


class ConvolutionBackward(Operation):
    """The gradients of `Convolution` in input, weight and bias: those that `needs` asks for, in this order.

    The first is `grad` met with the conjugate of weight, the second with the conjugate of input; so the gradients of
    these gradients are convolutions and once more this operation.
    """

    node_name = "ConvolutionBackwardBackward0"

    @staticmethod
    def forward(
        ctx: Any, grad: Tensor, input: Tensor, weight: Tensor, geometry: Geometry, needs: tuple[bool, bool, bool]
    ) -> Any:
        ctx.geometry, ctx.needs = geometry, needs
        ctx.save_for_backward(grad, input, weight)
        g, x, w = grad._array, input._array, weight._array
        if g.dtype.kind == "c":
            x, w = x.conj(), w.conj()
        stride, padding, dilation, transposed, _, groups = geometry
        if transposed:
            found = kernels.conv_transpose_backward(x, g, w, stride, padding, dilation, groups, needs)
        else:
            found = kernels.conv_backward(x, g, w, stride, padding, dilation, groups, needs)
        return tuple([gradient for gradient in found if gradient is not None])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        grad, input, weight = ctx.saved_tensors
        geometry = ctx.geometry
        found = iter(grads)
        of_input, of_weight, of_bias = [next(found) if needed else None for needed in ctx.needs]
        wants = ctx.needs_input_grad
        to_grad = to_input = to_weight = None
        if wants[0]:
            outputs = grad._array.shape[2:]
            if of_input is not None:
                to_grad = Convolution.apply(of_input, weight, of_bias, geometry, outputs)
                of_bias = None
            if of_weight is not None:
                part = Convolution.apply(input, of_weight, of_bias, geometry, outputs)
                to_grad = part if to_grad is None else to_grad + part
                of_bias = None
            if of_bias is not None:
                shape = (1, -1) + (1,) * len(outputs)
                to_grad = of_bias.reshape(shape).expand(grad._array.shape)
        if wants[1] and of_weight is not None:
            (to_input,) = ConvolutionBackward.apply(grad, input, of_weight, geometry, (True, False, False))
        if wants[2] and of_input is not None:
            (to_weight,) = ConvolutionBackward.apply(grad, of_input, weight, geometry, (False, True, False))
        return to_grad, to_input, to_weight, None, None


class ConvTbc(Operation):
    """A convolution over the first of three dimensions: input (T, N, C), weight (K, C, O), output (OT, N, O)."""

    node_name = "ConvTbcBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Any:
        ctx.geometry = Geometry((1,), (padding,), (1,), False, (0,), 1)
        ctx.save_for_backward(input, weight)
        x, w = input._array, weight._array
        outputs = (len(x) + 2 * padding - len(w) + 1,)
        x, w = np.ascontiguousarray(x.transpose(1, 2, 0)), np.ascontiguousarray(w.transpose(2, 1, 0))
        y = kernels.conv(x, w, bias._array, (1,), (padding,), (1,), 1, outputs)
        return np.ascontiguousarray(y.transpose(2, 0, 1))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, weight = (saved.permute(order) for saved, order in zip(ctx.saved_tensors, (_TO, _BACK), strict=True))
        needs = ctx.needs_input_grad[:3]
        found = iter(ConvolutionBackward.apply(grad.permute(_TO), input, weight, ctx.geometry, needs))
        of_input, of_weight, of_bias = (next(found) if needed else None for needed in needs)
        return (
            None if of_input is None else of_input.permute(_FROM),
            None if of_weight is None else of_weight.permute(_BACK),
            of_bias,
            None,
        )


# (T, N, C) to (N, C, T) and back; (K, C, O) to (O, C, K) and back.
_TO, _FROM, _BACK = (1, 2, 0), (2, 0, 1), (2, 1, 0)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _convolution(
    rank: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    transposed: bool = False,
    output_padding: Any = 0,
) -> Tensor:
    try:
        x, w = input._array, weight._array
        b = None if bias is None else bias._array
    except AttributeError:
        check_tensors(f"conv_transpose{rank}d" if transposed else f"conv{rank}d", input=input, weight=weight, bias=bias)
        raise
    if x.ndim != rank + 2:
        if x.ndim != rank + 1:
            name = f"conv_transpose{rank}d" if transposed else f"conv{rank}d"
            raise RuntimeError(
                f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {name}, "
                f"but got input of size: {list(x.shape)}"
            )
        batched = _convolution(
            rank, input.unsqueeze(0), weight, bias, stride, padding, dilation, groups, transposed, output_padding
        )
        return batched.squeeze(0)
    if padding.__class__ is str:
        if transposed:
            raise TypeError(f"conv_transpose{rank}d(): argument 'padding' must be tuple of ints, not str")
        input, padding = _string_padding(rank, input, weight, stride, padding, dilation)
        x = input._array
    try:
        geometry = geometry_of(rank, stride, padding, dilation, transposed, output_padding, groups)
    except TypeError:  # a list, most likely, which can't be a cache key
        geometry = geometry_of(
            rank, *map(_hashable, (stride, padding, dilation)), transposed, _hashable(output_padding), groups
        )
    outputs = output_sizes(x.shape, w.shape, None if b is None else b.shape, geometry)
    if x.dtype != w.dtype or (b is not None and b.dtype != x.dtype) or x.dtype.kind == "b":
        check_types(input, weight, bias)
    return Convolution.apply(input, weight, bias, geometry, outputs)


def _string_padding(
    rank: int, input: Tensor, weight: Tensor, stride: Any, padding: str, dilation: Any
) -> tuple[Tensor, Ints]:
    """The input, padded where the two sides must differ, and the padding that "same" or "valid" stands for."""
    if padding == "valid":
        return input, (0,) * rank
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in numbers(rank, "stride", stride, f"conv{rank}d")):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    kernel = weight._array.shape[2:]
    totals = [d * (k - 1) for k, d in zip(kernel, numbers(rank, "dilation", dilation, f"conv{rank}d"), strict=False)]
    if any(total % 2 for total in totals):
        warnings.warn(
            "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the "
            "input be created",
            UserWarning,
            stacklevel=4,
        )
        input = pad(input, [side for total in reversed(totals) for side in (0, total % 2)])
    return input, tuple(total // 2 for total in totals)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve over one dimension: `out[n, o, i] = bias[o] + Σ_{c, k} weight[o, c, k] · input[n, c, i·stride - padding
    + k·dilation]`.

    Shapes: input (N, C, L) or (C, L), weight (O, C / groups, K), bias (O); result (N, O, (L + 2·padding - dilation·(K -
    1) - 1) // stride + 1). padding is a number of zeros on both sides, "valid" (none) or "same" (as many as keep L;
    stride 1 only). With groups, each of that many equal parts of the channels meets its own part of the weight. All
    must have one dtype. Raises RuntimeError where shapes, dtypes or settings don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.conv1d(torch.arange(5.).view(1, 1, 5), torch.ones(1, 1, 3))
    tensor([[[3., 6., 9.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv1d.html
    """
    if state.casts is not None:
        return state.casts.lower(conv1d, input, weight, bias, stride, padding, dilation, groups)
    return _convolution(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve over two dimensions; `conv1d` says what the arguments mean, each may have one number or one per
    dimension.

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C / groups, KH, KW), bias (O); result (N, O, OH, OW).

    Floating-point and complex types; errors as for `conv1d`.

    >>> import rushlight as torch
    >>> torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2), stride=(1, 2))
    tensor([[[[4.],
              [4.]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv2d.html
    """
    if state.casts is not None:
        return state.casts.lower(conv2d, input, weight, bias, stride, padding, dilation, groups)
    return _convolution(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve over three dimensions; `conv1d` says what the arguments mean, each may have one number or one per
    dimension.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (O, C / groups, KD, KH, KW), bias (O); result (N, O, OD, OH,
    OW).

    Floating-point and complex types; errors as for `conv1d`.

    >>> import rushlight as torch
    >>> torch.nn.functional.conv3d(torch.ones(1, 2, 4, 4, 4), torch.ones(3, 2, 2, 2, 2)).shape
    torch.Size([1, 3, 3, 3, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv3d.html
    """
    if state.casts is not None:
        return state.casts.lower(conv3d, input, weight, bias, stride, padding, dilation, groups)
    return _convolution(3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The adjoint of `conv1d` with the same weight: each input element adds `weight` times itself to the output,
    `stride` apart.

    Shapes: input (N, C, L) or (C, L), weight (C, O / groups, K), bias (O); result (N, O, (L - 1)·stride - 2·padding +
    dilation·(K - 1) + output_padding + 1). output_padding, smaller than stride or dilation, chooses among the lengths
    that `conv1d` would map to L. Raises RuntimeError where shapes, dtypes or settings don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.conv_transpose1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
    tensor([[[1., 2., 2., 1.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv_transpose1d.html
    """
    if state.casts is not None:
        return state.casts.lower(
            conv_transpose1d, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return _convolution(1, input, weight, bias, stride, padding, dilation, groups, True, output_padding)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The adjoint of `conv2d` with the same weight; `conv_transpose1d` says what the arguments mean.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O / groups, KH, KW), bias (O); result (N, O, OH, OW).

    Floating-point and complex types; errors as for `conv_transpose1d`.

    >>> import rushlight as torch
    >>> torch.nn.functional.conv_transpose2d(torch.ones(1, 4, 5, 5), torch.ones(4, 2, 3, 3), stride=2).shape
    torch.Size([1, 2, 11, 11])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv_transpose2d.html
    """
    if state.casts is not None:
        return state.casts.lower(
            conv_transpose2d, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return _convolution(2, input, weight, bias, stride, padding, dilation, groups, True, output_padding)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The adjoint of `conv3d` with the same weight; `conv_transpose1d` says what the arguments mean.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (C, O / groups, KD, KH, KW), bias (O); result (N, O, OD, OH,
    OW).

    Floating-point and complex types; errors as for `conv_transpose1d`.

    >>> import rushlight as torch
    >>> torch.nn.functional.conv_transpose3d(torch.ones(1, 4, 2, 2, 2), torch.ones(4, 2, 3, 3, 3)).shape
    torch.Size([1, 2, 4, 4, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv_transpose3d.html
    """
    if state.casts is not None:
        return state.casts.lower(
            conv_transpose3d, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return _convolution(3, input, weight, bias, stride, padding, dilation, groups, True, output_padding)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolve over the first dimension, time: `out[i, n] = bias + Σ_k input[i - pad + k, n] @ weight[k]`.

    Shapes: input (T, N, C), weight (K, C, O), bias (O); result (T + 2·pad - K + 1, N, O). A negative pad crops. All
    must have one dtype. Raises RuntimeError where shapes or dtypes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.conv_tbc(torch.arange(4.).view(4, 1, 1), torch.ones(2, 1, 1), torch.zeros(1)).flatten()
    tensor([1., 3., 5.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.conv_tbc.html
    """
    if state.casts is not None:
        return state.casts.lower(conv_tbc, input, weight, bias, pad)
    check_tensors("conv_tbc", input=input, weight=weight)
    if not isinstance(bias, Variable):
        raise TypeError(f"conv_tbc(): argument 'bias' (position 3) must be Tensor, not {type(bias).__name__}")
    x, w, b = input._array, weight._array, bias._array
    if x.ndim != 3:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel")
    if w.ndim != 3:
        raise RuntimeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.")
    if b.ndim != 1:
        raise RuntimeError("Bias must be 1-D")
    if x.shape[2] != w.shape[1]:
        raise RuntimeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if len(b) != w.shape[2]:
        raise RuntimeError("Bias size must equal dim 2 in the weight tensor (output channels).")
    for other in (weight, bias):
        if other._array.dtype != x.dtype:
            names = (t.dtype.legacy_name for t in (input, other))
            raise RuntimeError(f"self and mat2 must have the same dtype, but got {' and '.join(names)}")
    outputs = len(x) + 2 * pad - len(w) + 1
    if outputs < 0:
        shown = [outputs, x.shape[1], w.shape[2]]
        raise RuntimeError(f"Trying to create tensor with negative dimension {outputs}: {shown}")
    if pad < 0:
        input, pad = input[-pad : len(x) + pad], 0
    return ConvTbc.apply(input, weight, bias, pad)


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    """`conv1d`, `conv2d` or `conv3d`, as weight has dimensions, or with transposed the transposed convolution.

    Shapes: input (N, C, *size), without an unbatched form; settings are sequences of one number or one per dimension.
    Raises RuntimeError where shapes, dtypes or settings don't fit, TypeError for settings that aren't sequences.

    >>> import rushlight as torch
    >>> torch.convolution(torch.ones(1, 1, 4), torch.ones(1, 1, 2), None, [1], [0], [1], False, [0], 1)
    tensor([[[2., 2., 2.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv2d.html
    """
    check_tensors("convolution", input=input, weight=weight, bias=bias)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": output_padding}
    for position, (name, value) in zip((4, 5, 6, 8), settings.items(), strict=True):
        if not isinstance(value, tuple | list):
            raise TypeError(
                f"convolution(): argument '{name}' (position {position}) must be tuple of ints, not "
                f"{type(value).__name__}"
            )
    x, w = input._array.shape, weight._array.shape
    if len(w) < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if len(x) != len(w):
        raise RuntimeError(
            f"Expected {len(w)}-dimensional input for {len(w)}-dimensional weight {list(w)}, but got "
            f"{len(x)}-dimensional input of size {list(x)} instead"
        )
    if len(w) > 5:
        raise RuntimeError(f"expected a weight of 3 to 5 dimensions, but got {len(w)}")
    return _convolution(
        len(w) - 2, input, weight, bias, stride, padding, dilation, groups, bool(transposed), output_padding
    )
