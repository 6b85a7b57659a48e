"""Schedules: values by their formulas and as PyTorch has them, resuming, warnings, errors."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from tests.optim import schedules as tables

schedules = torch.optim.lr_scheduler
# name: (the schedule of an optimizer, the learning rate of an epoch from a start of 0.5)
SCHEDULES: dict[str, tuple[Callable[[Any], Any], Callable[[int], float]]] = {
    "step": (lambda o: schedules.StepLR(o, 3, gamma=0.5), lambda t: 0.5 * 0.5 ** (t // 3)),
    "cosine": (
        lambda o: schedules.CosineAnnealingLR(o, 5, eta_min=0.1),
        lambda t: 0.1 + 0.4 * (1 + math.cos(math.pi * t / 5)) / 2,
    ),
    "lambda": (lambda o: schedules.LambdaLR(o, lambda t: 0.9**t), lambda t: 0.5 * 0.9**t),
}


def optimizer_of(lr: Any = 0.5) -> Any:
    return torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=lr)


@pytest.mark.parametrize("name", SCHEDULES)
def test_values(name: str) -> None:
    optimizer = optimizer_of()
    schedule = SCHEDULES[name][0](optimizer)
    for epoch in range(20):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(SCHEDULES[name][1](epoch), abs=1e-12)
        assert schedule.get_last_lr() == [optimizer.param_groups[0]["lr"]]
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("name", [*tables.SCHEDULES, *tables.PLATEAUS])
def test_epoch_by_epoch(name: str) -> None:
    """tests/golden/optim.npz holds the rates and momenta that PyTorch set; tools/make_optim_goldens.py made it."""
    with np.load(Path(__file__).parents[1] / "golden" / "optim.npz") as archive:
        expected = archive[f"schedule/{name}"]
    np.testing.assert_allclose(tables.run(torch, name), expected, rtol=1e-12, atol=1e-15)


def test_classes_are_found_where_torch_has_them() -> None:
    optimizer = optimizer_of()
    schedule = schedules.PolynomialLR(optimizer)
    assert type(schedule).__module__ == "rushlight.optim.lr_scheduler"
    twin = pickle.loads(pickle.dumps(schedule))
    assert type(twin) is schedules.PolynomialLR
    assert twin.optimizer.param_groups[0]["lr"] == 0.5


def test_an_optimizer_is_freed_with_its_schedule() -> None:
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        optimizer = optimizer_of()
        schedules.StepLR(optimizer, 1)
        reference = weakref.ref(optimizer)
        del optimizer
        assert reference() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("name", SCHEDULES)
def test_resume(name: str) -> None:
    optimizer, other = optimizer_of(), optimizer_of()
    schedule, again = SCHEDULES[name][0](optimizer), SCHEDULES[name][0](other)
    for _ in range(4):
        optimizer.step()
        schedule.step()
    other.load_state_dict(optimizer.state_dict())
    again.load_state_dict(schedule.state_dict())
    for o, s in ((optimizer, schedule), (other, again)):
        o.step()
        s.step()
    assert again.get_last_lr() == schedule.get_last_lr()
    assert "optimizer" not in schedule.state_dict()


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_tensor_keeps_its_identity(name: str) -> None:
    lr = torch.tensor(0.5)
    optimizer = optimizer_of(lr)
    schedule = SCHEDULES[name][0](optimizer)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is lr
    assert lr.item() == pytest.approx(SCHEDULES[name][1](1), abs=1e-6)


def test_warnings() -> None:
    schedule = schedules.StepLR(optimizer_of(), 1)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        schedule.step()
    with pytest.warns(UserWarning, match="The epoch parameter"):
        schedule.step(5)
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        schedule.get_lr()
    optimizer = optimizer_of()
    schedule = schedules.StepLR(optimizer, 1)
    optimizer.step = lambda: None
    with pytest.warns(UserWarning, match="has been overridden"):
        schedule.step()


def test_errors() -> None:
    with pytest.raises(TypeError, match="int is not an Optimizer"):
        schedules.StepLR(5, 1)  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="param 'initial_lr' is not specified"):
        schedules.StepLR(optimizer_of(), 1, last_epoch=3)
    with pytest.raises(ValueError, match="Expected 1 lr_lambdas, but got 2"):
        schedules.LambdaLR(optimizer_of(), [lambda t: 1.0, lambda t: 1.0])
    with pytest.raises(NotImplementedError, match="LRScheduler defines no get_lr"):
        schedules.LRScheduler(optimizer_of())


# name: (the call, what its error says). PyTorch's types and words: tests/parity/test_lr_scheduler.py.
REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "function": (lambda o: schedules.MultiplicativeLR(o, 3), "lr_lambda should be a function, but got int"),
    "constant": (lambda o: schedules.ConstantLR(o, factor=1.5), "expected to be between 0 and 1"),
    "linear": (
        lambda o: schedules.LinearLR(o, start_factor=0.0),
        "expected to be greater than 0 and less or equal to 1",
    ),
    "linear end": (lambda o: schedules.LinearLR(o, end_factor=2.0), "Ending multiplicative factor expected"),
    "period": (lambda o: schedules.CosineAnnealingWarmRestarts(o, 0), "Expected positive integer T_0, but got 0"),
    "periods": (lambda o: schedules.CosineAnnealingWarmRestarts(o, 2, T_mult=0), "Expected integer T_mult >= 1"),
    "floor": (lambda o: schedules.CosineAnnealingWarmRestarts(o, 2, eta_min="a"), "Expected float or int eta_min"),
    "epoch": (
        lambda o: schedules.CosineAnnealingWarmRestarts(o, 2).step(-1),
        "Expected non-negative epoch, but got -1",
    ),
    "mode": (lambda o: schedules.CyclicLR(o, 0.1, 0.2, mode="square"), "mode is invalid and scale_fn is None"),
    "momentum": (lambda o: schedules.CyclicLR(adagrad(), 0.1, 0.2), "must support momentum or beta1"),
    "groups": (lambda o: schedules.CyclicLR(o, [0.1, 0.2], 0.2), "base_lr must have the same length"),
    "steps": (lambda o: schedules.OneCycleLR(o, 0.1), "define either total_steps OR"),
    "total": (lambda o: schedules.OneCycleLR(o, 0.1, total_steps=0), "Expected positive integer total_steps"),
    "epochs": (lambda o: schedules.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=3), "Expected positive integer epochs"),
    "per epoch": (
        lambda o: schedules.OneCycleLR(o, 0.1, epochs=1, steps_per_epoch=0),
        "positive integer steps_per_epoch",
    ),
    "start": (lambda o: schedules.OneCycleLR(o, 0.1, 10, pct_start=2.0), "Expected float between 0 and 1 pct_start"),
    "strategy": (lambda o: schedules.OneCycleLR(o, 0.1, 10, anneal_strategy="square"), "one of 'cos' or 'linear'"),
    "too far": (lambda o: schedules.OneCycleLR(o, 0.1, 10)._update_lr(11), "Tried to step 11 times"),
    "plateau mode": (lambda o: schedules.ReduceLROnPlateau(o, mode="least"), "mode least is unknown"),
    "plateau threshold": (lambda o: schedules.ReduceLROnPlateau(o, threshold_mode="x"), "threshold mode x is unknown"),
    "plateau factor": (lambda o: schedules.ReduceLROnPlateau(o, factor=1.0), "Factor should be < 1.0"),
    "plateau least": (lambda o: schedules.ReduceLROnPlateau(o, min_lr=[0.1, 0.2]), "expected 1 min_lrs, got 2"),
    "no schedule": (lambda o: schedules.SequentialLR(o, [], []), "expects at least one scheduler"),
    "no chain": (lambda o: schedules.ChainedScheduler([]), "expects at least one scheduler to be chained"),
    "milestones": (lambda o: schedules.SequentialLR(o, [schedules.StepLR(o, 1)], [1]), "one more than the number of"),
    "another's": (
        lambda o: schedules.SequentialLR(o, [schedules.StepLR(optimizer_of(), 1)], []),
        "expects all schedulers to belong to the same optimizer",
    ),
    "number": (lambda o: schedules.SequentialLR(o, [3], []), "at index 0 should have `optimizer`"),
    "plateau within": (
        lambda o: schedules.ChainedScheduler([schedules.ReduceLROnPlateau(o)]),
        "does not support `ReduceLROnPlateau`",
    ),
    "averaging": (lambda o: torch.optim.swa_utils.SWALR(o, 0.1, anneal_strategy="x"), "one of 'cos' or 'linear'"),
    "averaging epochs": (lambda o: torch.optim.swa_utils.SWALR(o, 0.1, anneal_epochs=-1), "equal or greater than 0"),
}


def adagrad() -> Any:
    return torch.optim.Adagrad([torch.nn.Parameter(torch.ones(1))])


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message):
        call(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.5, momentum=0.9))


def test_a_new_group_on_a_plateau() -> None:
    optimizer = optimizer_of()
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.1])
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})
    schedule.step(1.0)
    with pytest.raises(RuntimeError, match="differs from when `ReduceLROnPlateau` was initialized"):
        schedule.step(1.0)
