"""Normalisation as functions.

Source: https://docs.pytorch.org/docs/2.13/nn.functional.html#normalization-functions
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.ops import normalization as ops
from rushlight.ops._numeric import check_tensor
from rushlight.ops.pad import constant_pad_nd
from rushlight.ops.pool import avg_pool2d
from rushlight.tensor import Tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`(x - E[x]) / sqrt(Var[x] + eps) · weight + bias` for each channel.

    input `(N, C)` or `(N, C, *)`; weight, bias, running_mean and running_var `(C,)`. In training the statistics are the
    batch's (the running ones, where given, move towards them by `momentum`, the variance unbiased); otherwise the
    running ones. Raises ValueError for a single value a channel in training, RuntimeError for lengths that do not
    match.

    >>> import rushlight as torch
    >>> torch.nn.functional.batch_norm(torch.tensor([[1.0, 5.0], [3.0, 5.0]]), None, None, training=True)
    tensor([[-1.0000,  0.0000],
            [ 1.0000,  0.0000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.batch_norm.html;
    Ioffe and Szegedy, "Batch Normalization", 2015.
    """
    if training:
        check_tensor("batch_norm", "input", 1, input)
        shape = input._array.shape
        if math.prod(shape[:1]) * math.prod(shape[2:]) == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.size()}")
    return ops.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, True)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`(x - E[x]) / sqrt(Var[x] + eps) · weight + bias` for each channel of each sample.

    input `(N, C, *)`; weight, bias, running_mean and running_var `(C,)`. Without `use_input_stats` the running
    statistics are used. Raises ValueError for a single spatial element.

    >>> import rushlight as torch
    >>> torch.nn.functional.instance_norm(torch.tensor([[[1.0, 3.0], [4.0, 8.0]]]))
    tensor([[[-1.0000,  1.0000],
             [-1.0000,  1.0000]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.instance_norm.html;
    Ulyanov et al., "Instance Normalization", 2016.
    """
    if use_input_stats:
        check_tensor("instance_norm", "input", 1, input)
        if math.prod(input._array.shape[2:]) == 1:
            raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    return ops.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """`(x - E[x]) / sqrt(Var[x] + eps) · weight + bias` over the last dimensions.

    input `(*, normalized_shape)`; weight and bias have `normalized_shape`. Raises RuntimeError where they don't.

    >>> import rushlight as torch
    >>> torch.nn.functional.layer_norm(torch.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.layer_norm.html;
    Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """
    return ops.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """`(x - E[x]) / sqrt(Var[x] + eps) · weight + bias` over each group of channels of each sample.

    input `(N, C, *)` with C a multiple of `num_groups`; weight and bias `(C,)`. Raises RuntimeError otherwise.

    >>> import rushlight as torch
    >>> torch.nn.functional.group_norm(torch.tensor([[1.0, 3.0, 4.0, 8.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.group_norm.html;
    Wu and He, "Group Normalization", 2018.
    """
    check_tensor("group_norm", "input", 1, input)
    shape = input._array.shape
    if len(shape) >= 2 and shape[0] == 1 and shape[1] == num_groups and math.prod(shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {[1, num_groups, *shape[2:]]}"
        )
    return ops.group_norm(input, num_groups, weight, bias, eps)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """`x / sqrt(E[x²] + eps) · weight` over the last dimensions.

    input `(*, normalized_shape)`, weight `normalized_shape`; the result has the input's dtype. `eps` is by default the
    dtype's distance from 1 to the next number, float32's for 16-bit types. Raises RuntimeError where shapes differ.

    >>> import rushlight as torch
    >>> torch.nn.functional.rms_norm(torch.tensor([[1.0, 7.0]]), (2,))
    tensor([[0.2000, 1.4000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.rms_norm.html;
    Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """
    return ops.rms_norm(input, normalized_shape, weight, eps)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """`x / (k + alpha · m)^beta`, where m is the mean of the squares of `size` neighbouring channels, zeros beyond.

    input `(N, C, *)`. Raises ValueError for fewer than 3 dimensions.

    >>> import rushlight as torch
    >>> torch.nn.functional.local_response_norm(torch.tensor([[[3.0], [4.0]]]), 2, alpha=2.0, beta=0.5, k=0.0)
    tensor([[[1.0000],
             [0.8000]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.local_response_norm.html;
    Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012.
    """
    check_tensor("local_response_norm", "input", 1, input)
    shape = input._array.shape
    if len(shape) < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {len(shape)} dimensions)")
    if not input._array.size:
        return input
    # An image whose height are the channels: the mean of windows of `size` rows.
    squares: Any = (input * input).reshape(shape[0], 1, shape[1], math.prod(shape[2:]))
    padded = constant_pad_nd(squares, (0, 0, size // 2, (size - 1) // 2))
    means = avg_pool2d(padded, (size, 1), stride=1).reshape(shape)
    return input / (means * alpha + k) ** beta
