"""Schedules of the learning rate: the names of `torch.optim.lr_scheduler`."""

from rushlight.optim._schedules.base import EPOCH_DEPRECATION_WARNING as EPOCH_DEPRECATION_WARNING
from rushlight.optim._schedules.base import LRScheduler
from rushlight.optim._schedules.base import _LRScheduler as _LRScheduler
from rushlight.optim._schedules.combined import ChainedScheduler, SequentialLR
from rushlight.optim._schedules.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from rushlight.optim._schedules.cyclic import CyclicLR
from rushlight.optim._schedules.decay import (
    ConstantLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from rushlight.optim._schedules.functions import LambdaLR, MultiplicativeLR
from rushlight.optim._schedules.one_cycle import OneCycleLR
from rushlight.optim._schedules.plateau import ReduceLROnPlateau

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip
