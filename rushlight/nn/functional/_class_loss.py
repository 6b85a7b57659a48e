"""Losses of classes and of yes and no: cross entropy of logits, of log-probabilities, of probabilities."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.nn.functional._reduction import check_arguments, reduction_name, reduction_number
from rushlight.ops import composed_loss
from rushlight.ops._numeric import check_tensor
from rushlight.ops.arithmetic import DivByNumber
from rushlight.ops.broadcast import broadcast_tensors
from rushlight.ops.loss import BinaryCrossEntropy, CrossEntropy, CrossEntropy2D, NllLoss, NllLoss2D
from rushlight.ops.pointwise_loss import not_differentiable
from rushlight.tensor import Tensor

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss"]


def _by_rows(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor, tuple[int, ...] | None]:
    """`(N, C, d1, …)` and `(N, d1, …)` as matrix and vector, with the shape that unreduced losses have."""
    if input.ndim == 1:
        if target.ndim > 1:
            raise RuntimeError(
                f"0D or 1D target tensor expected, multi-target not supported, got shape {list(target.shape)}"
            )
        return input.unsqueeze(0), target.reshape(1), tuple(target.shape)
    if input.ndim == 0:
        raise ValueError(f"Expected 1 or more dimensions (got {input.ndim})")
    if input._array.shape[0] != (target._array.shape[0] if target.ndim else 1):
        found = target.shape[0] if target.ndim else 0
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({found}).")
    if input.ndim == 2:
        if target.ndim != 1:
            raise RuntimeError(
                f"0D or 1D target tensor expected, multi-target not supported, got shape {list(target.shape)}"
            )
        return input, target, None
    expected = (input.shape[0], *input.shape[2:])
    if tuple(target.shape) != expected:
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}")
    rows = input.movedim(1, -1).reshape(-1, input.shape[1])
    return rows, target.reshape(-1), expected


def _check_class_weights(weight: Tensor | None, input: Tensor) -> None:
    if weight is None:
        return
    classes = input.shape[1] if input.ndim > 1 else input.shape[0]
    if weight.numel() != classes or weight.ndim != 1:
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )
    if weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.legacy_name} but found {weight.dtype.legacy_name}")


def _refuse_gradient(weight: Tensor | None) -> None:
    if weight is not None and weight.requires_grad:
        raise RuntimeError(not_differentiable("nll_loss_forward", "weight"))


def _check_log_probabilities(kernel: str, input: Tensor) -> None:
    if not input.dtype.is_floating_point:
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{input.dtype.legacy_name}': expected a floating-point input"
        )


def _as_classes(target: Tensor) -> Tensor:
    if target._array.dtype.char == "l":
        return target
    if target.dtype not in (dtypes.int64, dtypes.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype.legacy_name}")
    return target.to(dtypes.int64)


def _check_numbers(ignore_index: Any, label_smoothing: Any) -> None:
    if not isinstance(ignore_index, int):
        raise TypeError(
            f"cross_entropy_loss(): argument 'ignore_index' (position 5) must be int, not {type(ignore_index).__name__}"
        )
    if not isinstance(label_smoothing, (int, float)):
        raise TypeError(
            "cross_entropy_loss(): argument 'label_smoothing' (position 6) must be float, not "
            f"{type(label_smoothing).__name__}"
        )
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """`-log softmax(input)[target]`, or `-Σ target · log softmax(input)` where the target holds probabilities.

    input `(C,)`, `(N, C)` or `(N, C, d1, …)` logits; target `()`, `(N,)` or `(N, d1, …)` int64 classes in [0, C), or
    the input's shape in floating point. `weight` `(C,)` weighs classes; `ignore_index` names a class whose rows count
    nothing; `label_smoothing` in [0, 1] mixes the target with the uniform distribution. A mean divides by the weights
    of the rows that count. Raises IndexError for a class out of range, ValueError for batches that differ.

    >>> import rushlight as torch
    >>> torch.nn.functional.cross_entropy(torch.zeros(1, 4), torch.tensor([2]))
    tensor(1.3863)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.cross_entropy.html
    """
    if state.casts is not None:
        return state.casts.float32(
            cross_entropy, input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing
        )
    if weight is not None:
        check_tensor("cross_entropy", "weight", 3, weight)
    reduction = reduction_name(size_average, reduce, reduction)
    check_arguments("cross_entropy_loss", input=input, target=target)
    _check_numbers(ignore_index, label_smoothing)
    if target._array.shape == input._array.shape:
        if not target.dtype.is_floating_point:
            raise RuntimeError(
                f"Expected floating point type for target with class probabilities, got {target.dtype.legacy_name}"
            )
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        _check_class_weights(weight, input)
        return _with_probabilities(input, target, weight, reduction, label_smoothing)
    _check_class_weights(weight, input)
    rows, classes, shape = _by_rows(input, target)
    _check_log_probabilities("log_softmax_lastdim_kernel_impl", input)
    classes = _as_classes(classes)
    _refuse_gradient(weight)
    operation = CrossEntropy if input.ndim < 3 else CrossEntropy2D
    if label_smoothing > 0.0:
        out = _smoothed(rows, classes, weight, reduction, ignore_index, label_smoothing)
    elif rows._array.dtype.itemsize < 4:
        # Half precision: the exponentials and their sum in float32.
        wide = operation.apply(
            rows.float(), classes, weight.float() if weight is not None else None, reduction, ignore_index
        )
        out = wide.to(input.dtype)
    else:
        out = operation.apply(rows.contiguous(), classes, weight, reduction, ignore_index)
    return out.reshape(shape) if reduction == "none" and shape is not None else out


def _smoothed(
    rows: Tensor, classes: Tensor, weight: Tensor | None, reduction: str, ignore_index: int, smoothing: float
) -> Tensor:
    log_probs = rows.log_softmax(1)
    nll = NllLoss.apply(log_probs, classes, weight, reduction, ignore_index)
    smooth = -(log_probs if weight is None else log_probs * weight).sum(1)
    ignored = classes == ignore_index
    smooth = smooth.masked_fill(ignored, 0.0)
    if reduction == "mean":
        if weight is None:
            smooth = smooth.sum() / (classes.numel() - ignored.sum())
        else:
            kept = weight[classes.masked_fill(ignored, 0)].masked_fill(ignored, 0.0)
            smooth = smooth.sum() / kept.sum()
    elif reduction == "sum":
        smooth = smooth.sum()
    return nll * (1 - smoothing) + smooth * (smoothing / rows.shape[1])


def _with_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float
) -> Tensor:
    dim = 1 if input.ndim > 1 else 0
    classes = input.shape[dim]
    if smoothing > 0.0:
        target = target * (1 - smoothing) + smoothing / classes
    weighted = input.log_softmax(dim) * target
    if weight is not None:
        weighted = weighted * (weight if dim == 0 else weight.reshape(1, -1, *[1] * (input.ndim - 2)))
    if reduction == "none":
        return -weighted.sum(dim)
    total = -weighted.sum()
    return DivByNumber.apply(total, input.numel() // classes) if reduction == "mean" else total


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`-weight[target] · input[target]` for log-probabilities.

    Shapes and reduction as for `cross_entropy`. Raises IndexError for a class out of range.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.nll_loss(torch.tensor([[-0.5, -1.0]]), torch.tensor([1]))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.nll_loss.html
    """
    if state.casts is not None:
        return state.casts.float32(nll_loss, input, target, weight, size_average, ignore_index, reduce, reduction)
    if weight is not None:
        check_tensor("nll_loss", "weight", 3, weight)
    reduction = reduction_name(size_average, reduce, reduction)
    check_arguments("nll_loss_nd", input=input, target=target)
    _check_class_weights(weight, input)
    rows, classes, shape = _by_rows(input, target)
    _check_log_probabilities("nll_loss_out_frame", input)
    _refuse_gradient(weight)
    operation = NllLoss if input.ndim < 3 else NllLoss2D
    out = operation.apply(rows, _as_classes(classes), weight, reduction, ignore_index)
    return out.reshape(shape) if reduction == "none" and shape is not None else out


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`-weight · (target · log input + (1 - target) · log(1 - input))`, the logarithms at least -100.

    input `(*)` in [0, 1], target of its shape. Raises RuntimeError for an input outside, ValueError for another shape.

    >>> import rushlight as torch
    >>> torch.nn.functional.binary_cross_entropy(torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0]))
    tensor(0.6931)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.binary_cross_entropy.html
    """
    if state.casts is not None:
        return state.casts.float32(binary_cross_entropy, input, target, weight, size_average, reduce, reduction)
    if weight is not None:
        check_tensor("binary_cross_entropy", "weight", 3, weight)
    reduction = reduction_name(size_average, reduce, reduction)
    check_arguments("binary_cross_entropy", input=input, target=target)
    if target._array.shape != input._array.shape:
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {target.dtype.legacy_name} but expected {input.dtype.legacy_name}")
    if weight is not None:
        if weight.requires_grad:
            raise RuntimeError(not_differentiable("binary_cross_entropy", "weight"))
        weight = weight.expand(*broadcast_tensors(input, weight)[0].shape)
    return BinaryCrossEntropy.apply(input, target, weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross entropy of `sigmoid(input)`, computed without overflow; `pos_weight` weighs the positive term.

    input `(*)`, target of its shape, `weight` and `pos_weight` broadcast to it. Raises ValueError for another shape.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.binary_cross_entropy_with_logits(torch.zeros(2), torch.tensor([0.0, 1.0]))
    tensor(0.6931)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.binary_cross_entropy_with_logits.html
    """
    number = reduction_number(size_average, reduce, reduction)
    check_arguments("binary_cross_entropy_with_logits", input=input, target=target)
    if target._array.shape != input._array.shape:
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    return composed_loss.binary_cross_entropy_with_logits(input, target, weight, pos_weight, number)
