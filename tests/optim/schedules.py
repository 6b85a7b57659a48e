"""The schedules that tests and tools go through; as in configurations.py, a function gets the library that it runs on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


class Warmup:
    """A callable object, whose attributes a checkpoint keeps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, epoch: float) -> float:
        return min(1.0, (epoch + 1) / self.steps)


def _sequence(t: Any, o: Any, milestones: list[int], *parts: Callable[[Any, Any], Any]) -> Any:
    return t.optim.lr_scheduler.SequentialLR(o, [part(t.optim.lr_scheduler, o) for part in parts], milestones)


def _chain(t: Any, o: Any, *parts: Callable[[Any, Any], Any]) -> Any:
    return t.optim.lr_scheduler.ChainedScheduler([part(t.optim.lr_scheduler, o) for part in parts], optimizer=o)


def _of(kind: str, *args: Any, **options: Any) -> Callable[[Any, Any], Any]:
    return lambda t, o: getattr(t.optim.lr_scheduler, kind)(o, *args, **options)


# name: the schedule of a library's optimizer of two groups.
SCHEDULES: dict[str, Callable[[Any, Any], Any]] = {
    "step": _of("StepLR", step_size=3),
    "step gamma": _of("StepLR", 4, gamma=0.7),
    "milestones": _of("MultiStepLR", [2, 5, 5, 9], gamma=0.5),
    "constant": _of("ConstantLR"),
    "constant factor": _of("ConstantLR", factor=0.25, total_iters=3),
    "linear": _of("LinearLR"),
    "linear down": _of("LinearLR", start_factor=1.0, end_factor=0.1, total_iters=7),
    "exponential": _of("ExponentialLR", gamma=0.8),
    "polynomial": _of("PolynomialLR"),
    "polynomial power": _of("PolynomialLR", total_iters=9, power=2.0),
    "cosine": _of("CosineAnnealingLR", T_max=7),
    "cosine floor": _of("CosineAnnealingLR", 5, eta_min=0.01),
    "restarts": _of("CosineAnnealingWarmRestarts", 4),
    "restarts longer": _of("CosineAnnealingWarmRestarts", T_0=2, T_mult=2, eta_min=0.05),
    "lambda": _of("LambdaLR", lambda epoch: 0.9**epoch),
    "lambdas": _of("LambdaLR", [lambda epoch: 1 / (1 + epoch), lambda epoch: math.cos(epoch)]),
    "warm up": _of("LambdaLR", Warmup(4)),
    "multiplicative": _of("MultiplicativeLR", lambda epoch: 0.95),
    "multiplicatives": _of("MultiplicativeLR", [lambda epoch: 1 - epoch / 40, Warmup(6)]),
    "cyclic": _of("CyclicLR", 0.1, 0.5, step_size_up=4),
    "cyclic 2": _of("CyclicLR", [0.1, 0.2], [0.5, 0.6], step_size_up=3, step_size_down=2, mode="triangular2"),
    "cyclic exponential": _of(
        "CyclicLR", 0.1, 0.5, step_size_up=4, mode="exp_range", gamma=0.9, base_momentum=0.5, max_momentum=0.7
    ),
    "cyclic scaled": _of("CyclicLR", 0.1, 0.5, 3, scale_fn=Warmup(9), scale_mode="iterations", cycle_momentum=False),
    "cyclic cycles": _of("CyclicLR", 0.1, 0.5, 3, scale_fn=lambda cycle: 1 / cycle),
    "one cycle": _of("OneCycleLR", max_lr=0.5, total_steps=20),
    "one cycle linear": _of("OneCycleLR", [0.5, 0.2], epochs=5, steps_per_epoch=4, anneal_strategy="linear"),
    "one cycle three": _of(
        "OneCycleLR", 0.5, 20, pct_start=0.4, three_phase=True, div_factor=5.0, final_div_factor=10.0, max_momentum=0.99
    ),
    "one cycle still": _of("OneCycleLR", 0.5, 25, cycle_momentum=False),
    "sequence": lambda t, o: _sequence(
        t, o, [3, 8],
        lambda s, o: s.ConstantLR(o, factor=0.1, total_iters=2),
        lambda s, o: s.ExponentialLR(o, gamma=0.9),
        lambda s, o: s.CosineAnnealingLR(o, 6),
    ),
    "chain": lambda t, o: _chain(
        t, o,
        lambda s, o: s.ConstantLR(o, factor=0.1, total_iters=2),
        lambda s, o: s.ExponentialLR(o, gamma=0.9),
        lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.97),
    ),
    "averaging": lambda t, o: t.optim.swa_utils.SWALR(o, swa_lr=0.05),
    "averaging linear": lambda t, o: t.optim.swa_utils.SWALR(
        o, swa_lr=[0.05, 0.01], anneal_epochs=4, anneal_strategy="linear"
    ),
    "averaging at once": lambda t, o: t.optim.swa_utils.SWALR(o, 0.05, anneal_epochs=0),
}  # fmt: skip
# Metrics for ReduceLROnPlateau, and its options.
METRICS = [3.0, 2.0, 2.0, 2.1, 1.9999, 2.0, 2.2, 2.0, 2.0, 1.0, 1.5, 1.5, 1.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
PLATEAUS: dict[str, dict[str, Any]] = {
    "plateau": {"patience": 2},
    "plateau max": {"mode": "max", "factor": 0.5, "patience": 1, "cooldown": 2},
    "plateau absolute": {"threshold": 0.3, "threshold_mode": "abs", "patience": 0, "min_lr": [0.2, 0.01]},
    "plateau max absolute": {"mode": "max", "threshold": 0.1, "threshold_mode": "abs", "patience": 1, "min_lr": 0.03},
    "plateau still": {"patience": 0, "eps": 0.2},
}
EPOCHS = 20


def optimizer_of(library: Any, tensor_lr: bool = False, kind: str = "SGD") -> Any:
    """An optimizer of two groups with rates 0.5 and 0.1."""
    params = [library.nn.Parameter(library.ones(1)) for _ in range(2)]
    lr: Any = library.tensor(0.5) if tensor_lr else 0.5
    more = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(library.optim, kind)([{"params": [params[0]]}, {"params": [params[1]], "lr": 0.1}], lr=lr, **more)


def rates(optimizer: Any) -> list[float]:
    """The rates and the momenta of all groups."""
    groups = optimizer.param_groups
    momenta = [group["betas"][0] if "betas" in group else group.get("momentum", 0.0) for group in groups]
    return [float(group["lr"]) for group in groups] + [float(m) for m in momenta]


def run(library: Any, name: str, tensor_lr: bool = False, kind: str = "SGD") -> list[list[float]]:
    """The rates before the first epoch and after each."""
    optimizer = optimizer_of(library, tensor_lr, kind)
    if name in PLATEAUS:
        schedule = library.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **PLATEAUS[name])
    else:
        schedule = SCHEDULES[name](library, optimizer)
    lines = [rates(optimizer)]
    for epoch in range(EPOCHS):
        optimizer.step()
        schedule.step(*([METRICS[epoch]] if name in PLATEAUS else []))
        lines.append(rates(optimizer))
        assert [float(v) for v in schedule.get_last_lr()] == lines[-1][:2]
    return lines
