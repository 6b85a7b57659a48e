"""The gradients of convolutions as functions: what backward would give, without a forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.autograd.variable import wrap
from rushlight.nn.modules.utils import _ntuple
from rushlight.ops._conv_checks import Geometry, check_tensors, check_types, geometry_of, output_sizes
from rushlight.ops.conv import ConvolutionBackward
from rushlight.tensor import Tensor

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]

Sizes = int | Sequence[int]


def _like(grad_output: Tensor, size: Sequence[int]) -> Tensor:
    """A tensor that has a shape and a type, and hardly any memory."""
    return wrap(np.broadcast_to(np.zeros((), grad_output._array.dtype), tuple(size)))


def _gradient(
    rank: int, input: Tensor, weight: Tensor, grad_output: Tensor, settings: tuple[Any, ...], needs: tuple[bool, ...]
) -> Tensor:
    *sizes, groups = settings
    if groups <= 0:
        raise RuntimeError(f"expected groups to be greater than 0, but got groups={groups}")
    stride, padding, dilation = map(_ntuple(rank), sizes)
    geometry: Geometry = geometry_of(rank, stride, padding, dilation, False, 0, groups)
    x, w = input._array.shape, weight._array.shape
    if len(x) != rank + 2 or len(w) != rank + 2:
        raise RuntimeError(
            f"Expected {rank + 2}-dimensional input for {rank + 2}-dimensional weight {list(w)}, but got "
            f"{len(x)}-dimensional input of size {list(x)} instead"
        )
    outputs = (x[0], w[0], *output_sizes(x, w, None, geometry))
    if grad_output._array.shape != outputs:
        raise RuntimeError(
            f"Expected grad_output to have size {list(outputs)}, as the convolution's result, but got "
            f"{list(grad_output._array.shape)}"
        )
    check_types(grad_output, weight if needs[0] else input, None)
    if grad_output._array.dtype.kind in "iu":
        name = grad_output.dtype.legacy_name
        raise NotImplementedError(
            f"\"slow_conv2d_cpu_grad_{'input' if needs[0] else 'weight'}\" not implemented for '{name}'"
        )
    (found,) = ConvolutionBackward.apply(grad_output, input, weight, geometry, needs)
    return found


def _input(rank: int, input_size: Sequence[int], weight: Tensor, grad_output: Tensor, *settings: Any) -> Tensor:
    check_tensors(f"conv{rank}d_input", weight=weight, grad_output=grad_output)
    return _gradient(rank, _like(grad_output, input_size), weight, grad_output, settings, (True, False, False))


def _weight(rank: int, input: Tensor, weight_size: Sequence[int], grad_output: Tensor, *settings: Any) -> Tensor:
    check_tensors(f"conv{rank}d_weight", input=input, grad_output=grad_output)
    return _gradient(rank, input, _like(grad_output, weight_size), grad_output, settings, (False, True, False))


def conv1d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `conv1d` in its input, from that of its result.

    Shapes: weight (O, C / groups, K), grad_output (N, O, OL); result of input_size, (N, C, L), which the sizes of the
    result leave open where stride isn't 1. The settings are those of the convolution. Floating-point and complex types.
    Raises RuntimeError where shapes, dtypes or settings don't fit. It can be differentiated itself.

    >>> import rushlight as torch
    >>> torch.nn.grad.conv1d_input((1, 1, 3), torch.ones(1, 1, 2), torch.ones(1, 1, 2)).sum()
    tensor(4.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv1d.html
    """
    return _input(1, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `conv1d` in its weight, from that of its result.

    Shapes: input (N, C, L), grad_output (N, O, OL); result of weight_size, (O, C / groups, K). The rest is as in
    `conv1d_input`.

    >>> import rushlight as torch
    >>> torch.nn.grad.conv1d_weight(torch.ones(1, 1, 3), (1, 1, 2), torch.ones(1, 1, 2)).sum()
    tensor(4.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv1d.html
    """
    return _weight(1, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `conv2d` in its input, from that of its result.

    Shapes: weight (O, C / groups, KH, KW), grad_output (N, O, OH, OW); result of input_size, (N, C, H, W), which the
    sizes of the result leave open where stride isn't 1. The settings are those of the convolution. Floating-point and
    complex types. Raises RuntimeError where shapes, dtypes or settings don't fit. It can be differentiated itself.

    >>> import rushlight as torch
    >>> torch.nn.grad.conv2d_input((1, 1, 3, 3), torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).sum()
    tensor(16.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv2d.html
    """
    return _input(2, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `conv2d` in its weight, from that of its result.

    Shapes: input (N, C, H, W), grad_output (N, O, OH, OW); result of weight_size, (O, C / groups, KH, KW). The rest is
    as in `conv2d_input`.

    >>> import rushlight as torch
    >>> torch.nn.grad.conv2d_weight(torch.ones(1, 1, 3, 3), (1, 1, 2, 2), torch.ones(1, 1, 2, 2)).sum()
    tensor(16.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv2d.html
    """
    return _weight(2, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `conv3d` in its input, from that of its result.

    Shapes: weight (O, C / groups, KD, KH, KW), grad_output (N, O, OD, OH, OW); result of input_size, (N, C, D, H, W),
    which the sizes of the result leave open where stride isn't 1. The settings are those of the convolution.
    Floating-point and complex types. Raises RuntimeError where shapes, dtypes or settings don't fit. It can be
    differentiated itself.

    >>> import rushlight as torch
    >>> torch.nn.grad.conv3d_input((1, 1, 3, 3, 3), torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2)).sum()
    tensor(64.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv3d.html
    """
    return _input(3, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `conv3d` in its weight, from that of its result.

    Shapes: input (N, C, D, H, W), grad_output (N, O, OD, OH, OW); result of weight_size, (O, C / groups, KD, KH, KW).
    The rest is as in `conv3d_input`.

    >>> import rushlight as torch
    >>> torch.nn.grad.conv3d_weight(torch.ones(1, 1, 3, 3, 3), (1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2)).sum()
    tensor(64.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.conv3d.html
    """
    return _weight(3, input, weight_size, grad_output, stride, padding, dilation, groups)
