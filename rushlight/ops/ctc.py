"""The loss of connectionist temporal classification.

It compares sequences of probabilities with targets that are shorter, over all alignments of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import as_one
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.reference.ctc import ctc_backward, ctc_forward
from rushlight.ops._numeric import Array, not_implemented
from rushlight.ops.choice import where
from rushlight.ops.composed_loss import reduction_name
from rushlight.ops.creation import zeros

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["ctc_loss"]

_CHECKED = "(while checking arguments for ctc_loss_allocate_outputs)"


class CtcLoss(Operation):
    """The negative log likelihood of each label sequence under `(T, N, C)` log-probabilities."""

    @staticmethod
    def forward(
        ctx: Any,
        log_probs: Tensor,
        labels: Array,
        input_lengths: Array,
        target_lengths: Array,
        blank: int,
        zero_infinity: bool,
    ) -> Any:
        losses, ctx.alpha = ctc_forward(log_probs._array, labels, input_lengths, target_lengths, blank)
        ctx.arguments = labels, input_lengths, target_lengths, blank, losses
        ctx.zero_infinity = zero_infinity
        ctx.save_for_backward(log_probs)
        return losses

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (log_probs,) = ctx.saved_tensors
        slope = CtcLossBackward.apply(grad, log_probs, *ctx.arguments, ctx.alpha, ctx.zero_infinity)
        return slope, None, None, None, None, None


class CtcLossBackward(Operation):
    """The gradient of `CtcLoss`, which has none itself, as in PyTorch."""

    node_name = "NotImplemented"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, log_probs: Tensor, *arguments: Any) -> Any:
        return ctc_backward(grad._array, log_probs._array, *arguments)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        raise RuntimeError("derivative for aten::_ctc_loss_backward is not implemented")


@as_one
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: int = 1,
    zero_infinity: bool = False,
) -> Tensor:
    """`-log p(targets | log_probs)`, summed over all alignments with blanks; see `nn.functional.ctc_loss`.

    The reduction is 0 (none), 1 (mean of the losses, each divided by its target's length) or 2 (sum).

    >>> import rushlight as torch
    >>> log_probs = torch.zeros(4, 1, 3).log_softmax(2)
    >>> torch.ctc_loss(log_probs, torch.tensor([[1, 2]]), (4,), (2,), reduction=2)
    tensor(1.6864)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.ctc_loss.html
    """
    if state.casts is not None:
        return state.casts.float32(
            ctc_loss, log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity
        )
    for name, value in (("log_probs", log_probs), ("targets", targets)):
        if not isinstance(value, Variable):
            raise TypeError(f"ctc_loss(): argument '{name}' must be Tensor, not {type(value).__name__}")
    name = reduction_name("ctc_loss", 6, reduction)
    of_inputs, of_targets = _lengths(input_lengths, "input_lengths"), _lengths(target_lengths, "target_lengths")
    batched = log_probs.ndim == 3
    probabilities = log_probs if batched else log_probs.unsqueeze(1)
    labels = _checked(probabilities, targets, of_inputs, of_targets, blank)
    losses: Any = CtcLoss.apply(probabilities, labels, of_inputs, of_targets, blank, zero_infinity)
    if zero_infinity:
        losses = where(losses == float("inf"), zeros((), dtype=losses.dtype), losses)
    if name == "mean":
        return (losses / wrap(np.maximum(of_targets, 1).astype(losses._array.dtype))).mean()
    if name == "sum":
        return losses.sum()
    return losses if batched else losses.squeeze(0)


def _lengths(lengths: Any, name: str) -> Array:
    """Lengths given as a tensor or as numbers, as a vector."""
    if isinstance(lengths, Variable):
        if lengths._array.dtype.kind not in "iu":
            raise RuntimeError(f"{name} must be integral")
        return lengths._array.astype(np.int64).reshape(-1)
    if not isinstance(lengths, (tuple, list)) or not all(isinstance(n, (int, np.integer)) for n in lengths):
        raise TypeError(f"ctc_loss(): argument '{name}' must be Tensor or tuple of ints, not {type(lengths).__name__}")
    return np.array(lengths, np.int64)


def _checked(log_probs: Tensor, targets: Tensor, of_inputs: Array, of_targets: Array, blank: int) -> Array:
    """The targets as `(N, L)` labels, blanks behind their ends; an error for what doesn't fit together."""
    if not log_probs.numel():
        raise RuntimeError("log_probs tensor must not be empty")
    if log_probs.ndim != 3:
        # PyTorch counts the dimension that it has added.
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {log_probs.ndim}-dimensional tensor for argument #1 'log_probs' "
            f"{_CHECKED}"
        )
    if log_probs.dtype not in (dtypes.float32, dtypes.float64):
        raise not_implemented("ctc_loss_cpu", log_probs._array.dtype)
    if not 1 <= targets.ndim <= 2:
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {targets.ndim}-dimensional tensor for argument #2 'targets' "
            f"{_CHECKED}"
        )
    steps, count, classes = log_probs._array.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range: expected 0 to {classes - 1}, got {blank}")
    for name, lengths, most in (("input_lengths", of_inputs, steps), ("target_lengths", of_targets, None)):
        if len(lengths) != count:
            raise RuntimeError(f"{name} must be of size batch_size: expected {count}, got {len(lengths)}")
        if count and lengths.min() < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value {lengths.min()} {_CHECKED}")
        if count and most is not None and lengths.max() > most:
            raise RuntimeError(
                f"Expected {name} to have value at most {most}, but got value {lengths.max()} {_CHECKED}"
            )
    labels = _table(targets._array.astype(np.int64), of_targets, blank)
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        wrong = labels[(labels < 0) | (labels >= classes)][0]
        raise RuntimeError(f"expected labels in [0, {classes}) in targets, got {wrong}")
    return labels


def _table(targets: Array, lengths: Array, blank: int) -> Array:
    """Targets one behind the other, or padded, as `(N, L)` with blanks behind each end."""
    count, longest = len(lengths), int(lengths.max(initial=0))
    there = np.arange(longest) < lengths[:, None]
    if targets.ndim == 1:
        total = int(lengths.sum())
        if len(targets) != total:
            raise RuntimeError(
                f"Expected tensor to have size {total} at dimension 0, but got size {len(targets)} for argument #2 "
                f"'targets' {_CHECKED}"
            )
        labels = np.full((count, longest), blank)
        labels[there] = targets
        return labels
    if len(targets) != count:
        raise RuntimeError(
            f"Expected tensor to have size {count} at dimension 0, but got size {len(targets)} for argument #2 "
            f"'targets' {_CHECKED}"
        )
    if targets.shape[1] < longest:
        raise RuntimeError(
            f"Expected tensor to have size at least {longest} at dimension 1, but got size {targets.shape[1]} for "
            f"argument #2 'targets' {_CHECKED}"
        )
    return np.where(there, targets[:, :longest], blank)
