"""Averages of a model's parameters over training, and the schedule that goes with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any, Literal

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.nn.modules.batchnorm import _BatchNorm
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import tensor
from rushlight.optim._arithmetic import number
from rushlight.optim._schedules.base import LRScheduler, Rates, one_per_group
from rushlight.optim.optimizer import Optimizer
from rushlight.tensor import Tensor

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip

# (average, current value, number of values in the average) -> the new average.
Average = Callable[[Any, Any, Any], Any]
# The same for lists, in place.
MultiAverage = Callable[[Any, Any, Any], None]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _interpolates(values: Sequence[Any]) -> bool:
    """Whether values, all of one type, are such that `lerp_` takes."""
    return bool(values[0].dtype.is_floating_point or values[0].dtype.is_complex)


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """The exponential moving average `decay · average + (1 - decay) · value` as AveragedModel's `multi_avg_fn`.

    Raises ValueError for a decay outside [0, 1].

    >>> import rushlight as torch
    >>> average = [torch.zeros(2)]
    >>> torch.optim.swa_utils.get_ema_multi_avg_fn(0.75)(average, [torch.ones(2)], 1)
    >>> average
    [tensor([0.2500, 0.2500])]

    Source: https://docs.pytorch.org/docs/2.13/optim.html#weight-averaging-swa-and-ema
    """
    _check_decay(decay)

    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        interpolates = _interpolates(ema_param_list)
        with no_grad():
            for average, value in zip(ema_param_list, current_param_list, strict=True):
                if interpolates:
                    average.lerp_(value, 1 - decay)
                else:
                    average.copy_(average * decay + value * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverage:
    """The average of all values, each counted once, as AveragedModel's `multi_avg_fn`.

    >>> import rushlight as torch
    >>> average = [torch.zeros(2)]
    >>> torch.optim.swa_utils.get_swa_multi_avg_fn()(average, [torch.ones(2)], 1)
    >>> average
    [tensor([0.5000, 0.5000])]

    Source: https://docs.pytorch.org/docs/2.13/optim.html#weight-averaging-swa-and-ema
    """

    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        interpolates = _interpolates(averaged_param_list)
        with no_grad():
            for average, value in zip(averaged_param_list, current_param_list, strict=True):
                if interpolates:
                    average.lerp_(value, number(1 / (num_averaged + 1)))
                elif isinstance(num_averaged, Tensor):
                    average.addcdiv_(value - average, num_averaged + 1)
                else:
                    average.add_(value - average, alpha=1.0 / (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential moving average `decay · average + (1 - decay) · value` as AveragedModel's `avg_fn`.

    Raises ValueError for a decay outside [0, 1].

    >>> import rushlight as torch
    >>> torch.optim.swa_utils.get_ema_avg_fn(0.75)(torch.zeros(2), torch.ones(2), 1)
    tensor([0.2500, 0.2500])

    Source: https://docs.pytorch.org/docs/2.13/optim.html#weight-averaging-swa-and-ema
    """
    _check_decay(decay)

    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        with no_grad():
            return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """The average of all values, each counted once, as AveragedModel's `avg_fn`.

    >>> import rushlight as torch
    >>> torch.optim.swa_utils.get_swa_avg_fn()(torch.zeros(2), torch.ones(2), 3)
    tensor([0.2500, 0.2500])

    Source: https://docs.pytorch.org/docs/2.13/optim.html#weight-averaging-swa-and-ema
    """

    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        with no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's: `update_parameters(model)` takes in its present
    ones.

    `avg_fn(average, value, count)` gives the new average of one parameter, `multi_avg_fn` writes those of lists of one
    type; without either, each value counts once. With `use_buffers` buffers are averaged too, else copied. The buffer
    `n_averaged` counts the values. Raises AssertionError where both functions are given.

    >>> import rushlight as torch
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> average = torch.optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0):
    ...     _ = torch.nn.init.constant_(model.weight, value)
    ...     average.update_parameters(model)
    >>> average.module.weight.item()
    1.5

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.swa_utils.AveragedModel.html; Izmailov et al.,
    arXiv:1803.05407.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=dtypes.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model computes."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the parameters that a model has now into the averages."""
        averages, values = self._pairs(model)
        if self.n_averaged.item() == 0:
            for average, value in zip(averages, values, strict=True):
                average.copy_(value)
        elif self.multi_avg_fn is not None:
            for group in _of_one_type(averages, values):
                self.multi_avg_fn(*group, self.n_averaged)
        else:
            average_of = self.avg_fn or get_swa_avg_fn()
            for average, value in zip(averages, values, strict=True):
                average.copy_(average_of(average, value, self.n_averaged))
        if not self.use_buffers:
            for buffer, current in zip(self.module.buffers(), model.buffers(), strict=True):
                buffer.detach().copy_(current.detach().to(buffer.device))
        self.n_averaged += 1

    def _pairs(self, model: Module) -> tuple[list[Any], list[Any]]:
        """The averages, and what the model has in their places."""
        if self.use_buffers:
            ours: Any = chain(self.module.parameters(), self.module.buffers())
            theirs: Any = chain(model.parameters(), model.buffers())
        else:
            ours, theirs = self.parameters(), model.parameters()
        pairs = [(a.detach(), v.detach().to(a.device)) for a, v in zip(ours, theirs, strict=False)]
        return [a for a, _ in pairs], [v for _, v in pairs]


def _of_one_type(averages: list[Any], values: list[Any]) -> Iterable[tuple[list[Any], list[Any]]]:
    """The same lists in parts that hold one type each."""
    groups: dict[Any, tuple[list[Any], list[Any]]] = {}
    for average, value in zip(averages, values, strict=True):
        ours, theirs = groups.setdefault(average.dtype, ([], []))
        ours.append(average)
        theirs.append(value)
    return groups.values()


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch norms anew, from a pass over the data.

    The batches of `loader` are inputs, or lists that begin with the input. Momenta and the mode are as before after.

    >>> import rushlight as torch
    >>> model = torch.nn.BatchNorm1d(1)
    >>> torch.optim.swa_utils.update_bn([torch.tensor([[1.0], [3.0]]), torch.tensor([[4.0], [4.0]])], model)
    >>> model.running_mean
    tensor([3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.swa_utils.update_bn.html
    """
    momenta = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not momenta:
        return
    for module in momenta:
        module.reset_running_stats()
    was_training = model.training
    model.train()
    for module in momenta:
        # The average over all batches, each counted once.
        module.momentum = None
    with no_grad():
        for batch in loader:
            input = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(input if device is None else input.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the learning rate that is to `swa_lr` in `anneal_epochs` epochs, and constant from there.

    The way is half a cosine, or a line with `anneal_strategy` "linear"; `swa_lr` may be a list of one rate a group.
    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    >>> schedule = torch.optim.swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     print(schedule.get_last_lr())
    [0.75]
    [0.5]
    [0.5]

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.swa_utils.SWALR.html
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for rate, group in zip(one_per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """How far the way is gone after a part of its epochs."""
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> Rates:
        """The learning rates of this epoch, one a group."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = (self.anneal_func(max(0, min(1, s / max(1, self.anneal_epochs)))) for s in (step - 1, step))
        lrs = []
        for group in self.optimizer.param_groups:
            target = group["swa_lr"]
            # Where the way began, seen from where it is.
            start = target if before == 1 else (group["lr"] - before * target) / (1 - before)
            lrs.append(target * now + start * (1 - now))
        return lrs
