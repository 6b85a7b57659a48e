"""What all losses share: a reduction, and for some a weight."""

from __future__ import annotations

from rushlight.nn.functional._reduction import reduction_name
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["_Loss", "_WeightedLoss"]


class _Loss(Module):
    __module__ = "rushlight.nn.modules.loss"
    reduction: str

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        # An unknown reduction is reported by the call, as PyTorch does.
        self.reduction = (
            reduction if size_average is None and reduce is None else reduction_name(size_average, reduce, reduction)
        )


class _WeightedLoss(_Loss):
    __module__ = "rushlight.nn.modules.loss"
    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
