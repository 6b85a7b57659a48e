"""Losses that are a likelihood under a law other than the classes', as modules; `loss.py` gathers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rushlight.nn import functional as F
from rushlight.nn.modules._loss import _Loss
from rushlight.tensor import Tensor

__all__ = ["CTCLoss", "GaussianNLLLoss", "KLDivLoss", "PoissonNLLLoss"]


class PoissonNLLLoss(_Loss):
    """The negative log likelihood of counts under Poisson's law: see `functional.poisson_nll_loss`.

    Shapes: (*) and (*) → (), or (*) with reduction "none". The input is the rate, with `log_input` its logarithm.

    >>> import rushlight as torch
    >>> torch.nn.PoissonNLLLoss(full=True)(torch.tensor([0.0]), torch.tensor([3.0]))
    tensor(2.7641)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.PoissonNLLLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["log_input", "full", "eps", "reduction"]
    log_input: bool
    full: bool
    eps: float

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(_Loss):
    """`(log v + (input - target)² / v) / 2` with `v = max(var, eps)`: see `functional.gaussian_nll_loss`.

    Shapes: (*) and (*), var of the input's shape, without its last dimension, with one of size 1, or a number → (), or
    (*) with reduction "none".

    >>> import rushlight as torch
    >>> torch.nn.GaussianNLLLoss()(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]), torch.ones(2))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.GaussianNLLLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["full", "eps", "reduction"]
    full: bool
    eps: float

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class KLDivLoss(_Loss):
    """`target · (log target - input)` for log-probabilities: see `functional.kl_div`.

    Shapes: (*) and (*) → (), or (*) with reduction "none". Reduction "batchmean" is the divergence as it is defined.

    >>> import rushlight as torch
    >>> torch.nn.KLDivLoss(reduction="batchmean")(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]))
    tensor(0.1308)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.KLDivLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["reduction"]

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class CTCLoss(_Loss):
    """`-log p(targets | log_probs)`, all alignments of a label sequence summed: see `functional.ctc_loss`.

    Shapes: log_probs (T, N, C) or (T, C); targets (N, S), or (sum of target_lengths) one behind the other; lengths (N)
    or () → (), or (N) or () with reduction "none". "mean" divides each loss by its target's length first.

    >>> import rushlight as torch
    >>> log_probs = torch.zeros(4, 1, 3).log_softmax(2)
    >>> torch.nn.CTCLoss()(log_probs, torch.tensor([[1, 2]]), (4,), (2,))
    tensor(0.8432)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.CTCLoss.html
    """

    __module__ = "rushlight.nn.modules.loss"
    __constants__: ClassVar[list[str]] = ["blank", "reduction"]
    blank: int
    zero_infinity: bool

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | Sequence[int],
        target_lengths: Tensor | Sequence[int],
    ) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
