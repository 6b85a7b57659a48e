"""Losses that are a negative log likelihood under a law other than the classes', or a divergence of two laws."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.transforms import elements
from rushlight.nn.functional._reduction import check_arguments, reduction_number
from rushlight.ops import composed_loss, ctc
from rushlight.ops.creation import ones_like
from rushlight.tensor import Tensor

__all__ = ["ctc_loss", "gaussian_nll_loss", "kl_div", "poisson_nll_loss"]


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """`-log p(targets | log_probs)` of connectionist temporal classification: a label sequence by all its alignments.

    An alignment names a label or `blank` at each moment; repeated labels count once unless a blank is between them.

    Shapes: log_probs (T, N, C) or (T, C), logarithms of probabilities (the gradient is right for the result of
    log_softmax); targets (N, S) padded, or (sum of target_lengths) one behind the other, labels in [0, C) other than
    `blank`; lengths (N), as a tensor or a tuple of integers, or () → () or, with reduction "none", (N) or (). "mean"
    divides each loss by its target's length, at least 1, then averages. A target longer than its input allows has the
    loss ∞ and the gradient NaN, with `zero_infinity` 0 and 0. float32 and float64. RuntimeError for what does not fit;
    also if a second derivative is asked for.

    >>> import rushlight as torch
    >>> log_probs = torch.zeros(4, 1, 3).log_softmax(2)
    >>> torch.nn.functional.ctc_loss(log_probs, torch.tensor([[1, 2]]), (4,), (2,))
    tensor(0.8432)

    Sources: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.ctc_loss.html; Graves et al.,
    "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with Recurrent Neural Networks", 2006.
    """
    number = reduction_number(None, None, reduction)
    return ctc.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, number, zero_infinity)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log likelihood of counts under Poisson's law, less log(target!).

    `exp(input) - target · input` where the input is the rate's logarithm (`log_input`), else
    `input - target · log(input + eps)`. `full` adds Stirling's `t log t - t + log(2πt)/2` for targets t > 1.

    Shapes: (*) and (*), which broadcast → (), or their own with reduction "none".

    >>> import rushlight as torch
    >>> torch.nn.functional.poisson_nll_loss(torch.tensor([0.0]), torch.tensor([3.0]), full=True)
    tensor(2.7641)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.poisson_nll_loss.html
    """
    if size_average is None and reduce is None and reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    number = reduction_number(size_average, reduce, reduction)
    return composed_loss.poisson_nll_loss(input, target, log_input, full, eps, number)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """`(log v + (input - target)² / v) / 2` with `v = max(var, eps)`: counting the deviation against its own variance.

    `full` adds log(2π)/2. The bound `eps` has no part in the gradient.

    Shapes: input and target (*), which broadcast; var of the input's shape, or without its last dimension, or with one
    dimension of size 1, or a number → (), or (*) with reduction "none". ValueError for a var of another shape or with a
    negative entry.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.gaussian_nll_loss(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]), torch.ones(2))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.gaussian_nll_loss.html
    """
    check_arguments("gaussian_nll_loss", input=input, target=target)
    variance = var * ones_like(input) if isinstance(var, float) else var
    check_arguments("gaussian_nll_loss", input=input, target=target, var=variance)
    if (elements(variance) < 0).any():
        raise ValueError("var has negative entry/entries")
    variance = _fitted(variance, input)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    variance = variance.clone()
    with no_grad():
        variance.clamp_(min=eps)
    losses = 0.5 * (variance.log() + (input - target) ** 2 / variance)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def _fitted(var: Tensor, input: Tensor) -> Tensor:
    """The variance in a shape that broadcasts to the input's; ValueError if it has more than one dimension less."""
    shape, wanted = var._array.shape, input._array.shape
    if shape == wanted:
        return var
    if shape == wanted[:-1]:
        return var.unsqueeze(-1)
    if len(shape) == len(wanted) and sum(n for n, m in zip(shape, wanted, strict=True) if n != m) == 1:
        return var
    raise ValueError(f"var is of incorrect size: expected {list(wanted)}, one dimension less or 1, got {list(shape)}")


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """`target · (log target - input)` for an input of log-probabilities: Kullback and Leibler's divergence, summed.

    With `log_target` the target holds log-probabilities too. reduction "batchmean" divides the sum by the input's first
    dimension, which is the divergence's definition; "mean" by the number of elements, and warns of it.

    Shapes: (*) and (*), which broadcast → (), or their own with reduction "none". Floating-point dtypes, RuntimeError
    for others.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.kl_div(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]), reduction="batchmean")
    tensor(0.1308)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.kl_div.html
    """
    if size_average is not None or reduce is not None:
        number = reduction_number(size_average, reduce, reduction)
    else:
        if reduction == "mean":
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support size."
                "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
                UserWarning,
                stacklevel=2,
            )
        number = reduction_number(None, None, "sum" if reduction == "batchmean" else reduction)
    loss = composed_loss.kl_div(input, target, number, log_target=log_target)
    return loss / input.shape[0] if reduction == "batchmean" and input.ndim else loss
