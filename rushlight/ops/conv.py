"""Convolution and transposed convolution in one, two and three dimensions.

One operation serves every rank. Letters: input (N, C, *size), weight (O, C / groups, *kernel), output (N, O, *outputs);
for a transposed convolution weight is (C, O / groups, *kernel). What depends only on shapes and settings is worked out
once and cached.
"""

from __future__ import annotations

import operator
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.autograd.operation import Operation
from rushlight.dtypes import from_numpy_dtype
from rushlight.kernels import convolution as kernels
from rushlight.kernels.reference.windows import conv_size
from rushlight.ops.pad import pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rushlight.tensor import Tensor

    Sizes = int | Sequence[int]

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

Ints = tuple[int, ...]


class Geometry(NamedTuple):
    """How the window moves, each entry with one number per dimension."""

    stride: Ints
    padding: Ints
    dilation: Ints
    transposed: bool
    output_padding: Ints
    groups: int


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


def _numbers(rank: int, name: str, value: Any, function: str) -> Ints:
    """One number for each dimension, as the caller's int or sequence says."""
    try:
        numbers = (operator.index(value),) if hasattr(value, "__index__") else tuple(map(operator.index, value))
    except TypeError:
        raise TypeError(f"{function}(): argument '{name}' must be tuple of ints, not {type(value).__name__}") from None
    if len(numbers) == 1:
        return numbers * rank
    if len(numbers) != rank:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {rank} values to match the convolution "
            f"dimensions, but got {name}={list(numbers)}"
        )
    return numbers


@lru_cache(maxsize=1024)
def _geometry(
    rank: int, stride: Any, padding: Any, dilation: Any, transposed: bool, output_padding: Any, groups: Any
) -> Geometry:
    """The settings of a call, checked; cached, so a layer's settings are looked at once."""
    function = f"conv_transpose{rank}d" if transposed else f"conv{rank}d"
    strides = _numbers(rank, "stride", stride, function)
    paddings = _numbers(rank, "padding", padding, function)
    dilations = _numbers(rank, "dilation", dilation, function)
    outer = _numbers(rank, "output_padding", output_padding, function)
    if not hasattr(groups, "__index__"):
        raise TypeError(f"{function}(): argument 'groups' must be int, not {type(groups).__name__}")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if min(paddings) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(outer) < 0:
        raise RuntimeError("negative output_padding is not supported")
    if min(strides) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilations) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilations)}")
    for extra, step, spread in zip(outer, strides, dilations, strict=True):
        if extra >= step and extra >= spread:
            axes = ("depth", "height", "width")[-max(rank, 2) :]
            lists = {"output_padding": outer, "stride": strides, "dilation": dilations}
            text = " ".join(
                f"{name}_{axis}: {value}"
                for name, values in lists.items()
                for axis, value in zip(
                    axes, ((0 if name == "output_padding" else 1,) * (len(axes) - rank)) + values, strict=True
                )
            )
            raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got {text}")
    return Geometry(strides, paddings, dilations, transposed, outer, operator.index(groups))


def _check_weight(x: Ints, w: Ints, b: Ints | None, geometry: Geometry) -> None:
    """Weight and bias fit the input and the groups."""
    groups, transposed = geometry.groups, geometry.transposed
    if len(w) != len(x):
        raise RuntimeError(
            f"Expected a {len(x)}D weight for an input of size {list(x)}, but got weight of size {list(w)}"
        )
    if w[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, "
            f"but got weight of size {list(w)} instead"
        )
    if w[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{list(w)}] instead"
        )
    given = (
        f"Given transposed=1, weight of size {list(w)}"
        if transposed
        else f"Given groups={groups}, weight of size {list(w)}"
    )
    channels = w[0] if transposed else w[1] * groups
    if x[1] != channels:
        raise RuntimeError(
            f"{given}, expected input{list(x)} to have {channels} channels, but got {x[1]} channels instead"
        )
    out_channels = w[1] * groups if transposed else w[0]
    if b is not None and b != (out_channels,):
        given = given if transposed else f"Given weight of size {list(w)}"
        raise RuntimeError(
            f"{given}, expected bias to be 1-dimensional with {out_channels} elements, "
            f"but got bias of size {list(b)} instead"
        )
    if min(w[2:]) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(w[2:])}")


def _by(sizes: Ints) -> str:
    return " x ".join(map(str, sizes))


@lru_cache(maxsize=4096)
def _outputs(x: Ints, w: Ints, b: Ints | None, geometry: Geometry) -> Ints:
    """The spatial sizes of the result, all shapes checked; cached, so a training loop pays for it once."""
    _check_weight(x, w, b, geometry)
    stride, padding, dilation, transposed, output_padding, _ = geometry
    sizes, kernel = x[2:], w[2:]
    if transposed:
        outputs = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
            for n, k, s, p, d, extra in zip(sizes, kernel, stride, padding, dilation, output_padding, strict=True)
        )
        if min(outputs) <= 0:
            raise RuntimeError(
                f"Given input size per channel: ({_by(sizes)}). Calculated output size per channel: ({_by(outputs)}). "
                "Output size is too small"
            )
        return outputs
    padded = tuple(n + 2 * p for n, p in zip(sizes, padding, strict=True))
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    if any(n < k for n, k in zip(padded, reach, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({_by(padded)}). Kernel size: ({_by(reach)}). "
            "Kernel size can't be greater than actual input size"
        )
    if min(sizes) == 0:
        raise RuntimeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {list(x)}")
    return tuple(map(conv_size, sizes, kernel, stride, padding, dilation))


# PyTorch names types here as its compiler does.
_C_NAMES = {
    "int64": "long int",
    "int16": "short int",
    "uint8": "unsigned char",
    "int8": "signed char",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
}


def _check_types(input: Any, weight: Any, bias: Any) -> None:
    kind = input._array.dtype
    if bias is not None and bias._array.dtype != kind:
        names = [_C_NAMES.get(t.name) or from_numpy_dtype(t).legacy_name.lower() for t in (kind, bias._array.dtype)]
        raise RuntimeError(f"Input type ({names[0]}) and bias type ({names[1]}) should be the same")
    if weight._array.dtype != kind:
        expected, found = from_numpy_dtype(kind).legacy_name, from_numpy_dtype(weight._array.dtype).legacy_name
        raise RuntimeError(f"expected scalar type {expected} but found {found}")
    if kind.kind == "b":
        raise NotImplementedError("\"slow_conv2d_cpu\" not implemented for 'Bool'")


def _check_tensors(function: str, **given: Any) -> None:
    from rushlight.autograd.variable import Variable

    for position, (name, value) in enumerate(given.items(), 1):
        if not isinstance(value, Variable) and not (name == "bias" and value is None):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
            )


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
        _check_tensors(
            f"conv_transpose{rank}d" if transposed else f"conv{rank}d", input=input, weight=weight, bias=bias
        )
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
        geometry = _geometry(rank, stride, padding, dilation, transposed, output_padding, groups)
    except TypeError:  # a list, most likely, which can't be a cache key
        geometry = _geometry(
            rank, *map(_hashable, (stride, padding, dilation)), transposed, _hashable(output_padding), groups
        )
    outputs = _outputs(x.shape, w.shape, None if b is None else b.shape, geometry)
    if x.dtype != w.dtype or (b is not None and b.dtype != x.dtype) or x.dtype.kind == "b":
        _check_types(input, weight, bias)
    return Convolution.apply(input, weight, bias, geometry, outputs)


def _string_padding(
    rank: int, input: Tensor, weight: Tensor, stride: Any, padding: str, dilation: Any
) -> tuple[Tensor, Ints]:
    """The input, padded where the two sides must differ, and the padding that "same" or "valid" stands for."""
    if padding == "valid":
        return input, (0,) * rank
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in _numbers(rank, "stride", stride, f"conv{rank}d")):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    kernel = weight._array.shape[2:]
    totals = [d * (k - 1) for k, d in zip(kernel, _numbers(rank, "dilation", dilation, f"conv{rank}d"), strict=False)]
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

    >>> import rushlight as torch
    >>> torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2), stride=(1, 2))
    tensor([[[[4.],
              [4.]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv2d.html
    """
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

    >>> import rushlight as torch
    >>> torch.nn.functional.conv3d(torch.ones(1, 2, 4, 4, 4), torch.ones(3, 2, 2, 2, 2)).shape
    torch.Size([1, 3, 3, 3, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv3d.html
    """
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

    >>> import rushlight as torch
    >>> torch.nn.functional.conv_transpose2d(torch.ones(1, 4, 5, 5), torch.ones(4, 2, 3, 3), stride=2).shape
    torch.Size([1, 2, 11, 11])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv_transpose2d.html
    """
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

    >>> import rushlight as torch
    >>> torch.nn.functional.conv_transpose3d(torch.ones(1, 4, 2, 2, 2), torch.ones(4, 2, 3, 3, 3)).shape
    torch.Size([1, 2, 4, 4, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv_transpose3d.html
    """
    return _convolution(3, input, weight, bias, stride, padding, dilation, groups, True, output_padding)
