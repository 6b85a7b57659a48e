"""Schedules of the learning rate against PyTorch: values, states, resuming, warnings."""

from __future__ import annotations

import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

EPOCHS = 20
SCHEDULES: dict[str, Callable[[Any, Any], Any]] = {
    "step": lambda s, o: s.StepLR(o, step_size=3),
    "step gamma": lambda s, o: s.StepLR(o, 4, gamma=0.7),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, T_max=7),
    "cosine floor": lambda s, o: s.CosineAnnealingLR(o, 5, eta_min=0.01),
    "lambda": lambda s, o: s.LambdaLR(o, lambda epoch: 0.9**epoch),
    "lambdas": lambda s, o: s.LambdaLR(o, [lambda epoch: 1 / (1 + epoch), lambda epoch: math.cos(epoch)]),
    "warm up": lambda s, o: s.LambdaLR(o, Warmup(4)),
}


class Warmup:
    """A callable object, whose attributes a checkpoint keeps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, epoch: int) -> float:
        return min(1.0, (epoch + 1) / self.steps)


def optimizer_of(library: Any, tensor_lr: bool = False) -> Any:
    params = [library.nn.Parameter(library.ones(1)) for _ in range(2)]
    lr: Any = library.tensor(0.5) if tensor_lr else 0.5
    return library.optim.SGD([{"params": [params[0]]}, {"params": [params[1]], "lr": 0.1}], lr=lr, momentum=0.9)


def rates(optimizer: Any) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("tensor_lr", [False, True])
def test_values(name: str, tensor_lr: bool) -> None:
    found = []
    for library in (rushlight, torch):
        optimizer = optimizer_of(library, tensor_lr)
        schedule = SCHEDULES[name](library.optim.lr_scheduler, optimizer)
        lines = [rates(optimizer)]
        for _ in range(EPOCHS):
            optimizer.step()
            schedule.step()
            lines.append(rates(optimizer) + [float(v) for v in schedule.get_last_lr()])
        found.append(lines)
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6 if tensor_lr else 1e-14, atol=1e-8 if tensor_lr else 1e-17)


@pytest.mark.parametrize("name", SCHEDULES)
def test_state_and_resume(name: str) -> None:
    found = []
    for library in (rushlight, torch):
        schedules = library.optim.lr_scheduler
        optimizer = optimizer_of(library)
        schedule = SCHEDULES[name](schedules, optimizer)
        for _ in range(5):
            optimizer.step()
            schedule.step()
        state = schedule.state_dict()
        shown = {k: v for k, v in state.items() if k != "_is_initial"}
        saved = optimizer.state_dict()
        again = optimizer_of(library)
        resumed = SCHEDULES[name](schedules, again)
        again.load_state_dict(saved)
        resumed.load_state_dict(pickle.loads(pickle.dumps(state)))
        for _ in range(4):
            again.step()
            resumed.step()
        found.append((shown, list(shown), rates(again), resumed.last_epoch))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["step", "cosine", "lambda"])
@pytest.mark.parametrize("last", [0, 4, 5, 6])
def test_resume_with_last_epoch(name: str, last: int) -> None:
    makers: dict[str, Callable[..., Any]] = {
        "step": lambda s, o, last: s.StepLR(o, 3, last_epoch=last),
        "cosine": lambda s, o, last: s.CosineAnnealingLR(o, 7, last_epoch=last),
        "lambda": lambda s, o, last: s.LambdaLR(o, lambda epoch: 0.5**epoch, last_epoch=last),
    }
    found = []
    for library in (rushlight, torch):
        optimizer = optimizer_of(library)
        with pytest.raises(KeyError, match="param 'initial_lr' is not specified in param_groups"):
            makers[name](library.optim.lr_scheduler, optimizer, last)
        for group in optimizer.param_groups:
            group["initial_lr"] = 0.5
        schedule = makers[name](library.optim.lr_scheduler, optimizer, last)
        lines = [rates(optimizer)]
        for _ in range(6):
            optimizer.step()
            schedule.step()
            lines.append(rates(optimizer))
        found.append(lines)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-14)


PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def wrong_order(t: Any) -> None:
    optimizer = optimizer_of(t)
    schedule = t.optim.lr_scheduler.StepLR(optimizer, 1)
    schedule.step()
    schedule.step()


@program
def right_order(t: Any) -> None:
    optimizer = optimizer_of(t)
    schedule = t.optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.step()
    schedule.step()
    print(schedule.get_last_lr())
    print(schedule.get_lr())


@program
def step_with_an_epoch(t: Any) -> None:
    for make in (
        lambda o: t.optim.lr_scheduler.StepLR(o, 2),
        lambda o: t.optim.lr_scheduler.CosineAnnealingLR(o, 7),
        lambda o: t.optim.lr_scheduler.LambdaLR(o, lambda e: 0.5**e),
    ):
        optimizer = optimizer_of(t)
        schedule = make(optimizer)
        optimizer.step()
        for epoch in (3, 6, 1):
            schedule.step(epoch)
            print([round(v, 12) for v in rates(optimizer)], schedule.last_epoch)


@program
def optimizer_replaced(t: Any) -> None:
    optimizer = optimizer_of(t)
    schedule = t.optim.lr_scheduler.LambdaLR(optimizer, lambda e: 0.5**e)
    optimizer.step = lambda *a: None
    schedule.step()


@program
def arguments(t: Any) -> None:
    schedules = t.optim.lr_scheduler
    attempt(lambda: schedules.StepLR(5, 1))
    attempt(lambda: schedules.LambdaLR(optimizer_of(t), [lambda e: 1.0]))
    print(issubclass(schedules.StepLR, schedules.LRScheduler), schedules._LRScheduler is not None)
    optimizer = optimizer_of(t)
    schedules.StepLR(optimizer, 1)
    print([group["initial_lr"] for group in optimizer.param_groups], list(optimizer.param_groups[0]))


@program
def state_of_lambdas(t: Any) -> None:
    schedule = t.optim.lr_scheduler.LambdaLR(optimizer_of(t), [Warmup(3), lambda e: 1.0])
    state = schedule.state_dict()
    print(state["lr_lambdas"], list(state))
    state["lr_lambdas"][0]["steps"] = 10
    schedule.load_state_dict(state)
    print(schedule.lr_lambdas[0].steps, list(state))


@program
def chained(t: Any) -> None:
    optimizer = optimizer_of(t)
    one, two = t.optim.lr_scheduler.StepLR(optimizer, 2), t.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)
    for _ in range(8):
        optimizer.step()
        one.step()
        two.step()
        print([round(v, 9) for v in rates(optimizer)])


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])


def test_a_training_loop_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer = optimizer_of(rushlight)
        schedule = rushlight.optim.lr_scheduler.StepLR(optimizer, 1)
        for _ in range(3):
            optimizer.step()
            schedule.step()
