"""Schedules of the learning rate against PyTorch: values, states, resuming, warnings."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.optim import schedules  # noqa: E402
from tests.optim.schedules import PLATEAUS, SCHEDULES, Warmup, optimizer_of, rates  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402


@pytest.mark.parametrize("name", [*SCHEDULES, *PLATEAUS])
@pytest.mark.parametrize("tensor_lr", [False, True])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_values(name: str, tensor_lr: bool, kind: str) -> None:
    ours, theirs = (schedules.run(library, name, tensor_lr, kind) for library in (rushlight, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6 if tensor_lr else 1e-13, atol=1e-7 if tensor_lr else 1e-16)


def plain(value: Any) -> Any:
    """A state as values that compare."""
    if isinstance(value, dict):
        return [(key, plain(v)) for key, v in value.items()]
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("name", [*SCHEDULES, *PLATEAUS])
def test_state_and_resume(name: str) -> None:
    found = []
    for library in (rushlight, torch):
        optimizer, again = optimizer_of(library), optimizer_of(library)
        if name in PLATEAUS:
            schedule, resumed = (
                library.optim.lr_scheduler.ReduceLROnPlateau(o, **PLATEAUS[name]) for o in (optimizer, again)
            )
        else:
            schedule, resumed = (SCHEDULES[name](library, o) for o in (optimizer, again))
        metric = [2.0] if name in PLATEAUS else []
        for _ in range(5):
            optimizer.step()
            schedule.step(*metric)
        state = schedule.state_dict()
        again.load_state_dict(optimizer.state_dict())
        resumed.load_state_dict(pickle.loads(pickle.dumps(state)))
        for _ in range(4):
            again.step()
            resumed.step(*metric)
        found.append((plain(state), rates(again), resumed.last_epoch if hasattr(resumed, "last_epoch") else None))
    assert plain(found[0]) == plain(found[1])


@pytest.mark.parametrize("name", [n for n in SCHEDULES if "lambda" not in n and "cycles" not in n and "chain" not in n])
def test_pickled_and_checkpointed_across(name: str) -> None:
    """A schedule pickles with its optimizer, and its state loads into PyTorch's schedule."""
    if name.startswith("multiplicative"):
        pytest.skip("a lambda cannot be pickled")
    optimizer = optimizer_of(rushlight)
    schedule = SCHEDULES[name](rushlight, optimizer)
    for _ in range(3):
        optimizer.step()
        schedule.step()
    twin = pickle.loads(pickle.dumps(schedule))
    theirs = SCHEDULES[name](torch, optimizer_of(torch))
    theirs.load_state_dict(pickle.loads(pickle.dumps(schedule.state_dict())))
    for group, ours in zip(theirs.optimizer.param_groups, optimizer.param_groups, strict=True):
        group["lr"] = ours["lr"]
    for one in (schedule, twin, theirs):
        one.optimizer.step()
        with warnings.catch_warnings():
            # An optimizer that was pickled no longer notes its steps, here and in PyTorch.
            warnings.filterwarnings("ignore", "Seems like `optimizer.step")
            one.step()
    assert twin.get_last_lr() == schedule.get_last_lr()
    np.testing.assert_allclose(theirs.get_last_lr(), schedule.get_last_lr(), rtol=1e-13)


RESUMED: dict[str, Callable[..., Any]] = {
    "StepLR": lambda s, o, last: s.StepLR(o, 3, last_epoch=last),
    "MultiStepLR": lambda s, o, last: s.MultiStepLR(o, [2, 5], last_epoch=last),
    "ConstantLR": lambda s, o, last: s.ConstantLR(o, last_epoch=last),
    "LinearLR": lambda s, o, last: s.LinearLR(o, last_epoch=last),
    "ExponentialLR": lambda s, o, last: s.ExponentialLR(o, 0.7, last_epoch=last),
    "PolynomialLR": lambda s, o, last: s.PolynomialLR(o, 6, last_epoch=last),
    "CosineAnnealingLR": lambda s, o, last: s.CosineAnnealingLR(o, 7, last_epoch=last),
    "CosineAnnealingWarmRestarts": lambda s, o, last: s.CosineAnnealingWarmRestarts(o, 3, last_epoch=last),
    "LambdaLR": lambda s, o, last: s.LambdaLR(o, lambda epoch: 0.5**epoch, last_epoch=last),
    "MultiplicativeLR": lambda s, o, last: s.MultiplicativeLR(o, lambda epoch: 0.5, last_epoch=last),
    "CyclicLR": lambda s, o, last: s.CyclicLR(o, 0.1, 0.5, 3, last_epoch=last),
    "OneCycleLR": lambda s, o, last: s.OneCycleLR(o, 0.5, 20, last_epoch=last),
}


@pytest.mark.parametrize("name", RESUMED)
@pytest.mark.parametrize("last", [0, 4, 5, 6])
def test_resume_with_last_epoch(name: str, last: int) -> None:
    found = []
    for library in (rushlight, torch):
        optimizer = optimizer_of(library)
        with pytest.raises(KeyError, match="param 'initial_lr' is not specified in param_groups"):
            RESUMED[name](library.optim.lr_scheduler, optimizer, last)
        for group in optimizer.param_groups:
            group.update(initial_lr=0.5, max_lr=1.0, min_lr=0.01, base_momentum=0.85, max_momentum=0.95)
        schedule = RESUMED[name](library.optim.lr_scheduler, optimizer, last)
        lines = [rates(optimizer)]
        for _ in range(6):
            optimizer.step()
            schedule.step()
            lines.append(rates(optimizer))
        found.append(lines)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-13)


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
    for name, make in RESUMED.items():
        optimizer = optimizer_of(t)
        schedule = make(t.optim.lr_scheduler, optimizer, -1)
        optimizer.step()
        for epoch in (3, 6, 1):
            schedule.step(epoch)
            print(name, [round(v, 12) for v in rates(optimizer)], schedule.last_epoch)


@program
def restarts_at_fractions(t: Any) -> None:
    for options in ({"T_0": 3}, {"T_0": 2, "T_mult": 2}, {"T_0": 1, "T_mult": 3, "eta_min": 0.1}):
        optimizer = optimizer_of(t)
        schedule = t.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, **options)
        for step in range(14):
            schedule.step(step * 0.7)
            print([round(v, 9) for v in rates(optimizer)], schedule.last_epoch, round(schedule.T_cur, 6), schedule.T_i)
        attempt(lambda schedule=schedule: schedule.step(-1))


@program
def plateaus(t: Any) -> None:
    schedules = t.optim.lr_scheduler
    optimizer = optimizer_of(t)
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.1, 0.01])
    schedule.step(t.tensor(1.0))
    schedule.step(1.0, epoch=7)
    print(schedule.last_epoch, rates(optimizer), schedule.in_cooldown, schedule.best)
    optimizer.add_param_group({"params": [t.nn.Parameter(t.ones(1))]})
    attempt(lambda: [schedule.step(2.0) for _ in range(3)])
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.02)
    optimizer.add_param_group({"params": [t.nn.Parameter(t.ones(1))]})
    for _ in range(3):
        schedule.step(2.0)
    print(rates(optimizer), schedule.min_lrs)
    attempt(lambda: schedules.ReduceLROnPlateau(optimizer, mode="least"))
    attempt(lambda: schedules.ReduceLROnPlateau(optimizer, threshold_mode="none"))
    attempt(lambda: schedules.ReduceLROnPlateau(optimizer, factor=1.0))
    attempt(lambda: schedules.ReduceLROnPlateau(optimizer, min_lr=[0.1]))
    attempt(lambda: schedules.ReduceLROnPlateau(3))


@program
def refused(t: Any) -> None:
    s = t.optim.lr_scheduler
    o, other = optimizer_of(t), optimizer_of(t)
    plain = t.optim.Adagrad([t.nn.Parameter(t.ones(1))])
    for what in (
        lambda: s.MultiplicativeLR(o, [lambda e: 1.0]),
        lambda: s.MultiplicativeLR(o, 3),
        lambda: s.ConstantLR(o, factor=1.5),
        lambda: s.LinearLR(o, start_factor=0.0),
        lambda: s.LinearLR(o, end_factor=2.0),
        lambda: s.CosineAnnealingWarmRestarts(o, 0),
        lambda: s.CosineAnnealingWarmRestarts(o, 2, T_mult=0),
        lambda: s.CosineAnnealingWarmRestarts(o, 2.5),
        lambda: s.CosineAnnealingWarmRestarts(o, 2, eta_min="a"),
        lambda: s.CyclicLR(o, [0.1], 0.2),
        lambda: s.CyclicLR(o, 0.1, [0.2, 0.3, 0.4]),
        lambda: s.CyclicLR(o, 0.1, 0.2, mode="square"),
        lambda: s.CyclicLR(plain, 0.1, 0.2),
        lambda: s.CyclicLR(3, 0.1, 0.2),
        lambda: s.OneCycleLR(o, 0.1),
        lambda: s.OneCycleLR(o, 0.1, total_steps=0),
        lambda: s.OneCycleLR(o, 0.1, total_steps=2.5),
        lambda: s.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=3),
        lambda: s.OneCycleLR(o, 0.1, epochs=3, steps_per_epoch=-1),
        lambda: s.OneCycleLR(o, 0.1, 10, pct_start=2.0),
        lambda: s.OneCycleLR(o, 0.1, 10, pct_start=1),
        lambda: s.OneCycleLR(o, 0.1, 10, anneal_strategy="square"),
        lambda: s.OneCycleLR(o, [0.1], 10),
        lambda: s.OneCycleLR(plain, 0.1, 10),
        lambda: s.OneCycleLR(3, 0.1, 10),
        lambda: s.SequentialLR(o, [], []),
        lambda: s.SequentialLR(o, [s.StepLR(o, 1)], [1]),
        lambda: s.SequentialLR(o, [s.StepLR(other, 1)], []),
        lambda: s.SequentialLR(o, [3], []),
        lambda: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []),
        lambda: s.ChainedScheduler([]),
        lambda: s.ChainedScheduler([s.StepLR(o, 1), s.StepLR(other, 1)]),
        lambda: s.ChainedScheduler([s.StepLR(o, 1), s.ReduceLROnPlateau(o)]),
        lambda: s.ChainedScheduler([s.StepLR(o, 1), 3]),
        lambda: t.optim.swa_utils.SWALR(o, 0.1, anneal_strategy="square"),
        lambda: t.optim.swa_utils.SWALR(o, 0.1, anneal_epochs=-1),
        lambda: t.optim.swa_utils.SWALR(o, [0.1]),
    ):
        attempt(what)
    schedule = s.OneCycleLR(o, 0.1, total_steps=2)
    attempt(lambda: [schedule.step() for _ in range(4)])


@program
def wrapped_steps(t: Any) -> None:
    optimizer = optimizer_of(t)
    print(hasattr(optimizer.step, "_wrapped_by_lr_sched"))
    schedule = t.optim.lr_scheduler.StepLR(optimizer, 1)
    print(optimizer.step._wrapped_by_lr_sched, hasattr(optimizer, "_opt_called"), optimizer.step.__name__)
    optimizer.step()
    print(optimizer._opt_called, schedule._step_count, schedule._is_initial, schedule._get_lr_called_within_step)
    print(schedule.state_dict())
    print(type(schedule), list(vars(schedule)))


@program
def sequence_of_chains(t: Any) -> None:
    s = t.optim.lr_scheduler
    optimizer = optimizer_of(t)
    first = s.ChainedScheduler([s.StepLR(optimizer, 2), s.ExponentialLR(optimizer, 0.9)])
    inner = s.SequentialLR(optimizer, [first, s.LinearLR(optimizer)], [3])
    for schedule in (inner, s.SequentialLR(optimizer, [inner, s.StepLR(optimizer, 1)], [2])):
        for _ in range(5):
            optimizer.step()
            schedule.step()
            print([round(v, 12) for v in rates(optimizer)], schedule.last_epoch)


@program
def by_hand(t: Any) -> None:
    class Halves(t.optim.lr_scheduler.LRScheduler):
        def get_lr(self) -> Any:
            return [group["lr"] / 2 for group in self.optimizer.param_groups]

    optimizer = optimizer_of(t)
    schedule = Halves(optimizer)
    print(rates(optimizer), schedule.base_lrs)
    optimizer.step()
    schedule.step()
    print(rates(optimizer), schedule.get_last_lr())
    schedule.step(9)
    print(rates(optimizer), schedule.last_epoch)


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
