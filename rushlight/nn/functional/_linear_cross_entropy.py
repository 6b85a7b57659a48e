"""A linear layer and cross entropy in one."""

from __future__ import annotations

import math
import warnings
from typing import Any

from rushlight import dtypes
from rushlight.nn.functional._class_loss import cross_entropy
from rushlight.nn.functional._reduction import check_arguments
from rushlight.ops.linear import linear
from rushlight.ops.linear_cross_entropy import chunked_linear_cross_entropy
from rushlight.tensor import Tensor

__all__ = ["linear_cross_entropy"]


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """`cross_entropy(linear(input, linear_weight, linear_bias), target, …)`.

    Shapes: input (N, F) or (F); linear_weight (C, F), or (C, d1, …, F) for a batch, linear_bias the same without F;
    target as `cross_entropy` takes it for logits (N, C, d1, …) or (C); weight (C). `ignore_index` None is -100, and
    must be None for probabilities. With `options` (`nn.LinearCrossEntropyOptions`) the logits are made for some rows at
    a time, which spares the memory of `(N, C)`: for reductions "mean" and "sum" the gradients are computed on the way,
    and backward runs once unless `allow_retain_graph`; there are no second derivatives. Where the options don't apply
    (d1, label smoothing, probabilities) they are ignored with a warning. RuntimeError for shapes that don't fit.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.linear_cross_entropy(torch.ones(2, 3), torch.zeros(4, 3), torch.tensor([0, 3]))
    tensor(1.3863)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.linear_cross_entropy.html
    """
    check_arguments("linear_cross_entropy", input=input, linear_weight=linear_weight, target=target)
    _check_shapes(input, linear_weight, linear_bias)
    classes, *others, features = linear_weight.shape
    shape = (*input.shape[:-1], classes, *others)
    if tuple(target.shape) == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignored = -100 if ignore_index is None else ignore_index
    if options is not None:
        if _is_chunkable(others, reduction, label_smoothing, target):
            return _chunked(input, linear_weight, target, linear_bias, weight, reduction, ignored, options)
        warnings.warn(
            "linear_cross_entropy: ``options`` ignored; chunked path needs reduction in {'mean','sum','none'}, "
            f"label_smoothing == 0, target.dtype == int64, out_features == (). Got reduction={reduction!r}, "
            f"label_smoothing={label_smoothing}, target.dtype={target.dtype}, out_features={tuple(others)}, "
            f"tracing=False, linear_bias.shape={None if linear_bias is None else tuple(linear_bias.shape)}.",
            UserWarning,
            stacklevel=2,
        )
    if others:
        linear_weight = linear_weight.reshape(math.prod(others, start=classes), features)
        linear_bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight, linear_bias).reshape(shape)
    return cross_entropy(
        logits,
        target,
        weight=weight,
        ignore_index=ignored,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


def _check_shapes(input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None) -> None:
    if not 1 <= input.ndim <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}")
    features, expected = input.shape[-1], tuple(linear_weight.shape[:-1])
    if features != linear_weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {features} and {linear_weight.shape[-1]}, respectively"
        )
    if linear_bias is not None and tuple(linear_bias.shape) != expected:
        raise RuntimeError(f"expected linear_bias shape {expected}, got {tuple(linear_bias.shape)}")
    if len(expected) > 1 and input.ndim == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, "
            f"(N, {features}), got unbatched input with shape {tuple(input.shape)}"
        )


def _is_chunkable(others: list[int], reduction: str, label_smoothing: float, target: Tensor) -> bool:
    return (
        not others and reduction in ("mean", "sum", "none") and label_smoothing == 0.0 and target.dtype is dtypes.int64
    )


def _chunked(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    linear_bias: Tensor | None,
    weight: Tensor | None,
    reduction: str,
    ignored: int,
    options: Any,
) -> Tensor:
    batched = input.ndim == 2
    if not batched:
        input, target = input.unsqueeze(0), target.unsqueeze(0)
    chosen = options._adjust(
        num_batches=input.shape[0],
        in_features=input.shape[1],
        num_classes=linear_weight.shape[0],
        dtype=input.dtype,
        device=input.device,
    )
    loss = chunked_linear_cross_entropy(
        input,
        linear_weight,
        target,
        linear_bias,
        weight,
        reduction,
        ignored,
        chosen.batch_chunk_size,
        chosen.acc_dtype,
        chosen.allow_retain_graph,
    )
    return loss if batched else loss.squeeze(0)
