"""Schedules: values by their formulas, resuming, warnings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as torch

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
