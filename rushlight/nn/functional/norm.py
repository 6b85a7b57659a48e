"""Normalisation as functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.kernels.reference.norm import wide
from rushlight.ops._numeric import check_tensor
from rushlight.ops.norm import BatchNorm, BatchNormEval, GroupNorm, LayerNorm
from rushlight.tensor import Tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm"]


def _check_channels(count: int, **tensors: Tensor | None) -> None:
    for name, tensor in tensors.items():
        if tensor is not None and tensor._array.size != count:
            raise RuntimeError(f"{name} should contain {count} elements not {tensor._array.size}")


def _check_parameters(function: str, input: Tensor, **tensors: Tensor | None) -> None:
    """Parameters have the input's type, or are float32 beside an input in half precision."""
    own = input._array.dtype
    for position, (name, tensor) in enumerate(tensors.items(), 2):
        if tensor is None:
            continue
        check_tensor(function, name, position, tensor)
        other = tensor._array.dtype
        if other is own or own.kind not in "fV":
            continue
        if other != np.float32:
            raise RuntimeError(
                f"mixed dtype (CPU): expect parameter to have scalar type of Float, but got an input of type "
                f"{input.dtype.legacy_name} and {name} of type {tensor.dtype.legacy_name}"
            )
        if own.itemsize > 2:
            raise RuntimeError(
                "mixed dtype (CPU): all inputs must share same datatype. Got an input of type "
                f"{input.dtype.legacy_name} and {name} of type {tensor.dtype.legacy_name}"
            )


def _check_floating(function: str, input: Tensor) -> None:
    if not input.dtype.is_floating_point:
        raise NotImplementedError(
            f"\"{function}\" not implemented for '{input.dtype.legacy_name}': expected a floating-point input"
        )


def _move(running: Tensor, batch: Any, momentum: float) -> None:
    """running = (1 - momentum) * running + momentum * batch, in place."""
    array = running._array
    mixed = wide(array) * (1 - momentum) + batch.reshape(array.shape) * momentum
    np.copyto(array, mixed, casting="same_kind" if array.dtype.kind == "f" else "unsafe")
    running.bump_version()


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
    check_tensor("batch_norm", "input", 1, input)
    _check_parameters("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    shape = input._array.shape
    if training:
        values = math.prod(shape[:1]) * math.prod(shape[2:])
        if values == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.size()}")
    _check_floating("batch_norm", input)
    if len(shape) < 2:
        raise RuntimeError(
            f"batch_norm(): expected an input with at least 2 dimensions (N, C, ...), got shape {list(shape)}"
        )
    _check_channels(shape[1], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None:
            raise RuntimeError("running_mean must be defined in evaluation mode")
        if running_var is None:
            raise RuntimeError("running_var must be defined in evaluation mode")
        return BatchNormEval.apply(input, weight, bias, running_mean, running_var, eps)
    axes = (0, *range(2, len(shape)))
    affine = (1, shape[1], *[1] * (len(shape) - 2))
    moments: list[Any] = []
    out = BatchNorm.apply(input, weight, bias, shape, axes, affine, eps, moments)
    mean, var = moments
    if running_mean is not None:
        _move(running_mean, mean, momentum)
    if running_var is not None:
        count = math.prod(shape[i] for i in axes)
        _move(running_var, var * (count / (count - 1)) if count > 1 else var, momentum)
    return out


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
    check_tensor("instance_norm", "input", 1, input)
    _check_parameters(
        "instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    shape = input._array.shape
    if use_input_stats and math.prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    _check_floating("instance_norm", input)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    _check_channels(shape[1], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    n, c = shape[:2]
    # Every channel of every sample is a channel of one large batch of one.
    view = (1, n * c, *shape[2:])
    running = [None if r is None else r.repeat(n) for r in (running_mean, running_var)]
    out = batch_norm(input.reshape(view), running[0], running[1], None, None, True, momentum, eps).view(*shape)
    for target, moved in ((running_mean, running[0]), (running_var, running[1])):
        if target is not None and moved is not None:
            np.copyto(target._array, wide(moved._array).reshape(n, c).mean(0), casting="same_kind")
            target.bump_version()
    affine = (1, c, *[1] * (len(shape) - 2))
    if weight is not None:
        out = out * weight.view(*affine)
    return out if bias is None else out + bias.view(*affine)


def layer_norm(
    input: Tensor,
    normalized_shape: int | list[int] | tuple[int, ...],
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
    check_tensor("layer_norm", "input", 1, input)
    _check_parameters("layer_norm", input, weight=weight, bias=bias)
    over = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    shape = input._array.shape
    if not over:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor._array.shape != over:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(tensor._array.shape)} and normalized_shape = {list(over)}"
            )
    if len(shape) < len(over) or shape[len(shape) - len(over) :] != over:
        inner = ", ".join(str(n) for n in over)
        raise RuntimeError(
            f"Given normalized_shape={list(over)}, expected input with shape [*, {inner}], but got input of "
            f"size{list(shape)}"
        )
    _check_floating("layer_norm", input)
    axes = tuple(range(len(shape) - len(over), len(shape)))
    return LayerNorm.apply(input, weight, bias, shape, axes, over, eps)


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
    _check_parameters("group_norm", input, weight=weight, bias=bias)
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    n, c = shape[:2]
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if c % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(shape)} "
            f"and num_groups={num_groups}"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and (tensor._array.ndim != 1 or tensor._array.size != c):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(tensor._array.shape)} and input of shape {list(shape)}"
            )
    if n * math.prod(shape[2:]) * (c // num_groups) == 1 and n == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {[1, num_groups, *shape[2:]]}"
        )
    _check_floating("group_norm", input)
    view = (n, num_groups, c // num_groups, *shape[2:])
    affine = (1, num_groups, c // num_groups, *[1] * (len(shape) - 2))
    return GroupNorm.apply(input, weight, bias, view, tuple(range(2, len(view))), affine, eps)
