"""Normalisation as `torch` itself offers it: arguments checked in PyTorch's words, then the operations.

`nn.functional` has the same functions with other orders of arguments, defaults, and a few checks more.

Source: https://docs.pytorch.org/docs/2.13/nn.functional.html#normalization-functions
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.autograd.transforms import as_one, highest
from rushlight.autograd.variable import wrap
from rushlight.kernels.reference.norm import wide
from rushlight.layout import channels_last
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into_each
from rushlight.ops.norm import BatchNorm, BatchNormEval, GroupNorm, LayerNorm, RMSNorm, RMSNormRounded

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "batch_norm", "batch_norm_update_stats", "group_norm", "instance_norm", "layer_norm", "native_batch_norm",
    "native_group_norm", "native_layer_norm", "rms_norm",
]  # fmt: skip


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


def _normalize_batch(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Any, Any]:
    """Normalisation by the batch's own statistics, to which the running ones move; also the mean and the variance."""
    shape = input._array.shape
    axes = (0, *range(2, len(shape)))
    affine = (1, shape[1], *[1] * (len(shape) - 2))
    if state.levels and highest((input, weight, bias)) is not None:
        return _traced_batch(input, weight, bias, running_mean, running_var, momentum, eps)
    moments: list[Any] = []
    out = BatchNorm.apply(input, weight, bias, shape, axes, affine, eps, moments)
    mean, var = moments
    if running_mean is not None:
        _move(running_mean, mean, momentum)
    if running_var is not None:
        _move(running_var, _unbiased(var, shape), momentum)
    return out, mean, var


def _traced_batch(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Any, Any]:
    """`_normalize_batch` by operations of tensors, inside a transform."""
    shape = input._array.shape
    axes, affine = (0, *range(2, len(shape))), (1, shape[1], *[1] * (len(shape) - 2))
    mean, var = input.mean(axes, keepdim=True), input.var(axes, correction=0, keepdim=True)
    out = (input - mean) * (var + eps).rsqrt()
    out = out if weight is None else out * weight.reshape(affine)
    out = out if bias is None else out + bias.reshape(affine)
    for running, batch in ((running_mean, mean), (running_var, _unbiased(var, shape))):
        if running is not None:
            if batch._level is not None and batch._level.batches and running._level is not batch._level:
                raise RuntimeError(
                    "Batch norm got a batched tensor as input while the running_mean or running_var, which will be "
                    "updated in place, were not batched.\nIf you are using a module and do not need eval mode, "
                    "please set `track_running_stats` to be False.If you are using a prebuilt module and do not need "
                    "eval mode, please see the functorch website for resources on how to patch your module to work "
                    "with vmap"
                )
            running.mul_(1 - momentum).add_(batch.detach().reshape(running.shape), alpha=momentum)
    return out, mean, var


def _statistics_type(input: Tensor, *parameters: Tensor | None) -> Any:
    """The type of the statistics that are returned: the parameters', where they are wider than the input."""
    types = [p._array.dtype for p in parameters if p is not None]
    return types[0] if types else input._array.dtype


def _mean_and_rstd(moments: Any, eps: float, kind: Any, shape: tuple[int, ...] | None = None) -> tuple[Tensor, Tensor]:
    """The mean and `1 / sqrt(var + eps)` as tensors, from the mean and the variance."""
    mean: Any
    var: Any
    mean, var = moments
    if not isinstance(mean, np.ndarray):
        rstd: Any = (var + eps).rsqrt()
        return (mean, rstd) if shape is None else (mean.reshape(shape), rstd.reshape(shape))
    rstd = 1 / np.sqrt(var + var.dtype.type(eps))
    if shape is not None:
        mean, rstd = mean.reshape(shape), rstd.reshape(shape)
    return wrap(mean.astype(kind, copy=False)), wrap(rstd.astype(kind, copy=False))


def _traced_statistics(input: Tensor, axes: tuple[int, ...], eps: float, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The mean and `1 / sqrt(var + eps)` by operations of tensors, which gradients and transforms pass."""
    return input.mean(axes, keepdim), (input.var(axes, correction=0, keepdim=keepdim) + eps).rsqrt()


def _unbiased(var: Any, shape: tuple[int, ...]) -> Any:
    """The variance of a batch's channels over one less than the number of values."""
    count = math.prod(shape[:1]) * math.prod(shape[2:])
    return var * (count / (count - 1)) if count > 1 else var


def _check_both(running_mean: Tensor | None, running_var: Tensor | None) -> None:
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")


def _check_batch(
    function: str,
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
) -> None:
    """PyTorch's conditions of batch normalisation."""
    check_tensor(function, "input", 1, input)
    _check_parameters(function, input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    _check_floating("batch_norm", input)
    shape = input._array.shape
    if shape == (0,):
        # PyTorch takes an empty vector for a batch without channels.
        shape = (0, 0)
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
    elif function != "batch_norm_update_stats":
        _check_both(running_mean, running_var)


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`(x - E[x]) / sqrt(Var[x] + eps) · weight + bias` for each channel; see `nn.functional.batch_norm`.

    input (N, C) or (N, C, *); the others (C,). `cudnn_enabled` is PyTorch's choice of a kernel and changes nothing.

    Raises RuntimeError for statistics or weights of another length.

    >>> import rushlight as torch
    >>> torch.batch_norm(torch.tensor([[1.0], [3.0]]), None, None, None, None, True, 0.1, 0.0, False)
    tensor([[-1.],
            [ 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.batch_norm.html
    """
    _check_batch("batch_norm", input, weight, bias, running_mean, running_var, training)
    if input._array.shape == (0,):
        return input.clone()
    if not training:
        return BatchNormEval.apply(input, weight, bias, running_mean, running_var, eps)
    return _normalize_batch(input, weight, bias, running_mean, running_var, momentum, eps)[0]


def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    *,
    out: Sequence[Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """`batch_norm`, and with it each channel's mean and `1 / sqrt(var + eps)`: of no elements unless training.

    >>> import rushlight as torch
    >>> torch.native_batch_norm(torch.tensor([[1.0], [3.0]]), None, None, None, None, True, 0.1, 0.0)[1:]
    (tensor([2.]), tensor([1.]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.batch_norm.html
    """
    _check_batch("native_batch_norm", input, weight, bias, running_mean, running_var, training)
    kind = _statistics_type(input, weight, bias, running_mean, running_var)
    if not training:
        empty = np.empty(0, kind)
        result = BatchNormEval.apply(input, weight, bias, running_mean, running_var, eps)
        return into_each(out, (result, wrap(empty), wrap(empty.copy())))
    result, mean, var = _normalize_batch(input, weight, bias, running_mean, running_var, momentum, eps)
    return into_each(out, (result, *_mean_and_rstd((mean, var), eps, kind, (-1,))))


def batch_norm_update_stats(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, momentum: float
) -> tuple[Tensor, Tensor]:
    """Each channel's mean and biased variance, to which the running statistics move.

    >>> import rushlight as torch
    >>> torch.batch_norm_update_stats(torch.tensor([[1.0], [3.0]]), None, None, 0.1)
    (tensor([2.]), tensor([1.]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.batch_norm.html
    """
    _check_batch("batch_norm_update_stats", input, None, None, running_mean, running_var, True)
    array = wide(input._array)
    axes = (0, *range(2, array.ndim))
    mean, var = array.mean(axes), array.var(axes)
    if running_mean is not None:
        _move(running_mean, mean, momentum)
    if running_var is not None:
        _move(running_var, _unbiased(var, array.shape), momentum)
    kind = _statistics_type(input, running_mean, running_var)
    return wrap(mean.astype(kind, copy=False)), wrap(var.astype(kind, copy=False))


@as_one
def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`(x - E[x]) / sqrt(Var[x] + eps) · weight + bias` for each channel of each sample; see
    `nn.functional.instance_norm`.

    input (N, C, *); the others (C,). `cudnn_enabled` is PyTorch's choice of a kernel and changes nothing.

    >>> import rushlight as torch
    >>> torch.instance_norm(torch.tensor([[[1.0, 3.0]]]), None, None, None, None, True, 0.1, 0.0, False)
    tensor([[[-1.,  1.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.instance_norm.html
    """
    check_tensor("instance_norm", "input", 1, input)
    _check_parameters(
        "instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    _check_floating("instance_norm", input)
    shape = input._array.shape
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    _check_both(running_mean, running_var)
    if not use_input_stats:
        return batch_norm(input, weight, bias, running_mean, running_var, False, momentum, eps, cudnn_enabled)
    if len(shape) < 2:
        raise RuntimeError(
            f"instance_norm(): expected an input with at least 2 dimensions (N, C, ...), got shape {list(shape)}"
        )
    _check_channels(shape[1], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    n, c = shape[:2]
    # Every channel of every sample is a channel of one large batch of one.
    view = (1, n * c, *shape[2:])
    scale, shift, means, variances = (
        None if p is None else p.repeat(n) for p in (weight, bias, running_mean, running_var)
    )
    out = _normalize_batch(input.reshape(view), scale, shift, means, variances, momentum, eps)[0].view(*shape)
    for target, moved in ((running_mean, means), (running_var, variances)):
        if target is not None and moved is not None:
            np.copyto(target._array, wide(moved._array).reshape(n, c).mean(0), casting="same_kind")
            target.bump_version()
    return out


def _check_over(
    function: str, input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None = None
) -> tuple[int, ...]:
    """The sizes that layer normalisation is over, which the input's last dimensions and the parameters must have."""
    check_tensor(function, "input", 1, input)
    if not isinstance(normalized_shape, Sequence) or isinstance(normalized_shape, str):
        raise TypeError(
            f"{function}(): argument 'normalized_shape' (position 2) must be tuple of ints, not "
            f"{type(normalized_shape).__name__}"
        )
    over = tuple(normalized_shape)
    shape = input._array.shape
    if not over:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None:
            check_tensor(function, name, 3, tensor)
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
    return over


def _normalize_layer(
    function: str,
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    moments: list[Any] | None,
) -> Tensor:
    check_tensor(function, "input", 1, input)
    _check_parameters(function, input, weight=weight, bias=bias)
    over = _check_over(function, input, normalized_shape, weight, bias)
    _check_floating(function, input)
    shape = input._array.shape
    axes = tuple(range(len(shape) - len(over), len(shape)))
    return LayerNorm.apply(input, weight, bias, shape, axes, over, eps, moments)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """`(x - E[x]) / sqrt(Var[x] + eps) · weight + bias` over the last dimensions; see `nn.functional.layer_norm`.

    `cudnn_enable` is PyTorch's choice of a kernel and changes nothing.

    Raises RuntimeError where `normalized_shape` is not the end of the input's shape.

    >>> import rushlight as torch
    >>> torch.layer_norm(torch.tensor([[1.0, 3.0]]), (2,), eps=0.0)
    tensor([[-1.,  1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.layer_norm.html
    """
    return _normalize_layer("layer_norm", input, normalized_shape, weight, bias, eps, None)


def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`layer_norm`, and with it the means and `1 / sqrt(var + eps)`, with the dimensions kept.

    >>> import rushlight as torch
    >>> torch.native_layer_norm(torch.tensor([[1.0, 3.0]]), (2,), None, None, 0.0)[1:]
    (tensor([[2.]]), tensor([[1.]]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.layer_norm.html
    """
    moments: list[Any] = []
    out = _normalize_layer("native_layer_norm", input, normalized_shape, weight, bias, eps, moments)
    if not moments:
        axes = tuple(range(-len(tuple(normalized_shape)), 0))
        return out, *_traced_statistics(input.detach(), axes, eps, True)
    return out, *_mean_and_rstd(moments, eps, _statistics_type(input, weight, bias))


def _normalize_groups(
    function: str,
    input: Tensor,
    num_groups: int,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    moments: list[Any] | None,
) -> Tensor:
    check_tensor(function, "input", 1, input)
    _check_parameters(function, input, weight=weight, bias=bias)
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
    _check_floating("group_norm", input)
    view = (n, num_groups, c // num_groups, *shape[2:])
    affine = (1, num_groups, c // num_groups, *[1] * (len(shape) - 2))
    return GroupNorm.apply(input, weight, bias, view, tuple(range(2, len(view))), affine, eps, moments)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`(x - E[x]) / sqrt(Var[x] + eps) · weight + bias` over each group of channels of each sample; see
    `nn.functional.group_norm`.

    `cudnn_enabled` is PyTorch's choice of a kernel and changes nothing.

    Raises RuntimeError where the groups do not divide the channels.

    >>> import rushlight as torch
    >>> torch.group_norm(torch.tensor([[1.0, 3.0, 4.0, 8.0]]), 2, eps=0.0)
    tensor([[-1.,  1., -1.,  1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.group_norm.html
    """
    return _normalize_groups("group_norm", input, num_groups, weight, bias, eps, None)


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`group_norm` of N samples of C channels of HxW elements, and the means and `1 / sqrt(var + eps)`, (N, group).

    Raises RuntimeError where N, C and HxW are not the input's sizes, or its elements do not lie in order.

    >>> import rushlight as torch
    >>> torch.native_group_norm(torch.tensor([[[1.0], [3.0]]]), None, None, 1, 2, 1, 1, 0.0)[1:]
    (tensor([[2.]]), tensor([[1.]]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.group_norm.html
    """
    check_tensor("native_group_norm", "input", 1, input)
    shape = input._array.shape
    if len(shape) < 2 or (N, C, HxW) != (*shape[:2], math.prod(shape[2:])):
        raise RuntimeError(
            f"native_group_norm(): expected N, C and HxW to be the input's sizes, but got {N}, {C} and {HxW} for shape "
            f"{list(shape)}"
        )
    if not (input.is_contiguous() or (len(shape) == 4 and input.is_contiguous(memory_format=channels_last))):
        raise RuntimeError("Expected X.is_contiguous(memory_format) to be true, but got false.")
    moments: list[Any] = []
    out = _normalize_groups("native_group_norm", input, group, weight, bias, eps, moments)
    if out.requires_grad or not moments:
        # Here a gradient passes through the statistics too.
        return out, *_traced_statistics(input.reshape(N, group, C // group * HxW), (-1,), eps, False)
    return out, *_mean_and_rstd(moments, eps, _statistics_type(input, weight, bias), (N, group))


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """`x / sqrt(E[x²] + eps) · weight` over the last dimensions; see `nn.functional.rms_norm`.

    Raises RuntimeError where `normalized_shape` is not the end of the input's shape.

    >>> import rushlight as torch
    >>> torch.rms_norm(torch.tensor([[1.0, 7.0]]), (2,), eps=0.0)
    tensor([[0.2000, 1.4000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.rms_norm.html
    """
    over = _check_over("rms_norm", input, normalized_shape, weight)
    if eps is not None and not isinstance(eps, float | int):
        raise TypeError(f"rms_norm(): argument 'eps' (position 4) must be float, not {type(eps).__name__}")
    kind = input._array.dtype.kind
    axes = tuple(range(input.ndim - len(over), input.ndim))
    if kind == "c":
        least = float(dtypes.finfo(input.dtype).eps) if eps is None else eps
        out = input * (input.square().mean(axes, keepdim=True) + least).rsqrt()
        return out if weight is None else out * weight
    _check_floating("rms_norm", input)
    if eps is None:
        eps = float(np.finfo(wide(np.empty(0, input._array.dtype)).dtype).eps)
    operation = RMSNormRounded if input._array.dtype.itemsize <= 2 else RMSNorm
    return operation.apply(input, weight, axes, eps)
