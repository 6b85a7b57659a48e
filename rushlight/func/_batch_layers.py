"""Rules of `vmap` for what networks are made of: convolutions, normalisations, embeddings, attention, losses."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.transforms import contained, replaced
from rushlight.func._batch import RULES, BatchLevel, batched
from rushlight.func._batch_rules import aligned, ndim, parameters
from rushlight.ops.attention import FlashAttention
from rushlight.ops.conv import Convolution
from rushlight.ops.embedding import Embedding
from rushlight.ops.fold import Fold, Unfold
from rushlight.ops.grid import AffineGridGenerator, GridSampler
from rushlight.ops.loss import BinaryCrossEntropy, BinaryCrossEntropyWithLogits, CrossEntropy, MseLoss, NllLoss
from rushlight.ops.norm import BatchNormEval, RMSNorm, _Normalize
from rushlight.ops.pad import ConstantPad, IndexPad
from rushlight.ops.pointwise_loss import HuberLoss, SmoothL1Loss, SoftMarginLoss
from rushlight.ops.resample import Resample
from rushlight.ops.sequences import arange
from rushlight.ops.shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle
from rushlight.tensor import Tensor

__all__: list[str] = []


def folded(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """An operation on (N, …) whose samples are independent: the batch goes into N, and comes out of it."""
    tensors = list(contained(args))
    if any(ndim(t) < 2 for t in tensors) or len({t.shape[0] for t in tensors}) > 1:
        return level.looped(operation, args)

    def fold(a: Any) -> Any:
        whole = level.whole(a)
        return whole.reshape(whole.shape[0] * whole.shape[1], *whole.shape[2:])

    return unfolded(level, operation.apply(*replaced(args, fold)))


def unfolded(level: BatchLevel, out: Any) -> Any:
    """Results (B·N, …) as batches of (N, …)."""
    if isinstance(out, tuple):
        return tuple([unfolded(level, o) for o in out])
    count = out.shape[0] // level.size if level.size else 0
    return batched(level, out.reshape(level.size, count, *out.shape[1:]))


def _by_last_dimensions(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """An operation of the last dimensions alone, of one tensor."""
    return batched(level, operation.apply(args[0]._value, *args[1:]))


def _convolution(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    input, weight, bias, geometry, outputs = args
    if weight._level is not level:
        value = input._value if input._level is level else None
        if value is None:
            # Only the bias has a batch.
            return _with_bias(Convolution.apply(input, weight, None, geometry, outputs), bias)
        plain = bias is None or bias._level is not level
        flat = value.reshape(value.shape[0] * value.shape[1], *value.shape[2:])
        out = unfolded(level, Convolution.apply(flat, weight, bias if plain else None, geometry, outputs))
        return out if plain else _with_bias(out, bias)
    # Each sample has a kernel of its own: a group of channels for each.
    size = level.size
    kernel = weight._value
    if input._level is level:
        value = input._value.movedim(0, 1)
        channels = value.reshape(value.shape[0], size * value.shape[2], *value.shape[3:])
    else:
        value = input.unsqueeze(1).expand(input.shape[0], size, *input.shape[1:])
        channels = value.reshape(input.shape[0], size * input.shape[1], *input.shape[2:])
    many = geometry._replace(groups=geometry.groups * size)
    flat = kernel.reshape(size * kernel.shape[1], *kernel.shape[2:])
    out = Convolution.apply(channels, flat, None, many, outputs)
    out = out.reshape(out.shape[0], size, out.shape[1] // size, *out.shape[2:]).movedim(1, 0)
    return _with_bias(batched(level, out), bias)


def _with_bias(out: Any, bias: Any) -> Any:
    return out if bias is None else out + bias.reshape(-1, *(1,) * (out.dim() - 2))


def _normalize(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    input, weight, bias, view, axes, affine, eps = args[:7]
    own = [p for p in (weight, bias) if p is not None and p._level is level]
    shape = input.shape
    if input._level is not level:
        out = operation.apply(input, None, None, view, axes, affine, eps)
        return _scaled(out, weight, bias, view, affine, shape)
    value = input._value
    wide = (value.shape[0], *view), tuple([a + 1 for a in axes]), (1, *affine)
    if not own:
        return batched(level, operation.apply(value, weight, bias, *wide, eps))
    out = batched(level, operation.apply(value, None, None, *wide, eps))
    return _scaled(out, weight, bias, view, affine, shape)


def _scaled(out: Any, weight: Any, bias: Any, view: Any, affine: Any, shape: Any) -> Any:
    out = out.reshape(view)
    out = out if weight is None else out * weight.reshape(affine)
    out = out if bias is None else out + bias.reshape(affine)
    return out.reshape(shape)


def _normalize_by(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """By given statistics, which are numbers of each channel."""
    input, weight, bias, mean, var, eps = args
    if input._level is level and not any(p is not None and p._level is level for p in args[1:5]):
        return folded_first(level, operation, args)
    affine = (1, -1, *(1,) * (input.dim() - 2))
    out = (input - mean.reshape(affine)) * (var + eps).rsqrt().reshape(affine)
    out = out if weight is None else out * weight.reshape(affine)
    return out if bias is None else out + bias.reshape(affine)


def folded_first(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """As `folded`, where the first tensor alone has a batch."""
    value = args[0]._value
    flat = value.reshape(value.shape[0] * value.shape[1], *value.shape[2:])
    return unfolded(level, operation.apply(flat, *args[1:]))


def _rms_norm(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    input, weight, axes, eps = args
    if input._level is level and (weight is None or weight._level is not level):
        rank = ndim(input)
        return batched(level, operation.apply(input._value, weight, tuple([a % rank + 1 for a in axes]), eps))
    return operation.apply(input, None, axes, eps) * weight


def _embedding(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    weight, indices, padding_idx = args[:3]
    if weight._level is not level:
        return batched(level, operation.apply(weight, indices._value, *args[2:]))
    if padding_idx >= 0 or any(args[3:]):
        return level.looped(operation, args)
    table = weight._value
    count = table.shape[1]
    rows = level.whole(indices)
    first = arange(level.size, dtype=rows.dtype).reshape(level.size, *(1,) * (rows.dim() - 1)) * count
    flat = table.reshape(level.size * count, *table.shape[2:])
    return batched(level, operation.apply(flat, rows + first, *args[2:]))


def _attention(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    if args[3] is not None or ndim(args[0]) < 4:
        return level.looped(operation, args)
    return folded(level, operation, args)


def _pointwise_loss(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """A loss of each element, then its reduction over the sample."""
    place = parameters(operation).index("reduction")
    reduction = args[place]
    values = (*args[:place], "none", *args[place + 1 :])
    rank = max(ndim(a) for a in contained(args))
    if any(ndim(a) != rank for a in contained(args[:2])):
        return level.looped(operation, args)
    values = replaced(aligned(level, values, rank), lambda a: a)
    shape = (level.size, *args[0].shape)
    values = tuple(a.expand(shape) if isinstance(a, Tensor) and i < 2 else a for i, a in enumerate(values))
    return reduced(batched(level, operation.apply(*values)), reduction)


def reduced(losses: Any, reduction: str) -> Any:
    """Losses as they are, their mean or their sum."""
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


def _class_loss(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """A loss of each row: the rows of all samples at once, then the reduction over each sample's."""
    input, target, weight, reduction, ignored = args
    if weight is not None and weight._level is level:
        return level.looped(operation, args)
    rows, classes = level.whole(input), level.whole(target)
    flat = rows.reshape(rows.shape[0] * rows.shape[1], *rows.shape[2:])
    labels = classes.reshape(classes.shape[0] * classes.shape[1], *classes.shape[2:])
    losses = unfolded(level, operation.apply(flat, labels, weight, "none", ignored))
    if reduction != "mean":
        return reduced(losses, reduction)
    kept = target != ignored
    if weight is None:
        return losses.sum() / kept.sum()
    return losses.sum() / (weight[target.clamp(min=0)] * kept).sum()


def _same_rank(level: BatchLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """The loop where a sample has no batch dimension of its own, else the fold."""
    return folded(level, operation, args) if ndim(args[0]) > 2 else level.looped(operation, args)


RULES.update({
    AffineGridGenerator: _same_rank, BatchNormEval: _normalize_by, BinaryCrossEntropy: _pointwise_loss,
    BinaryCrossEntropyWithLogits: _pointwise_loss, ChannelShuffle: _same_rank, ConstantPad: _by_last_dimensions,
    Convolution: _convolution, CrossEntropy: _class_loss, Embedding: _embedding, FlashAttention: _attention,
    Fold: _same_rank, GridSampler: _same_rank, HuberLoss: _pointwise_loss, IndexPad: _by_last_dimensions,
    MseLoss: _pointwise_loss, NllLoss: _class_loss, PixelShuffle: _same_rank, PixelUnshuffle: _same_rank,
    Resample: _same_rank, RMSNorm: _rms_norm, SmoothL1Loss: _pointwise_loss, SoftMarginLoss: _pointwise_loss,
    Unfold: _same_rank, _Normalize: _normalize,
})  # fmt: skip
