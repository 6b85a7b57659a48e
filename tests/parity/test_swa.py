"""Averaged models against PyTorch: averages, buffers, batch norms computed anew, states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402


def network(library: Any, dtype: str = "float32") -> Any:
    """A small network with buffers, one of them of integers."""
    nn = library.nn
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).to(getattr(library, dtype))
    rng = np.random.default_rng(5)
    with library.no_grad():
        for p in model.parameters():
            p.copy_(library.tensor(rng.standard_normal(tuple(p.shape))))
    return model


def batch(library: Any, step: int, dtype: str = "float32") -> Any:
    x = np.random.default_rng(70 + step).standard_normal((6, 3))
    return library.tensor(x).to(getattr(library, dtype))


def plain_average(average: Any, value: Any, count: Any) -> Any:
    return 0.5 * average + 0.5 * value


def plain_averages(averages: Any, values: Any, count: Any) -> None:
    for a, v in zip(averages, values, strict=True):
        a.copy_(a + (v - a) / (count + 2))


# name: the options of AveragedModel, given its module of functions.
AVERAGES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "default": lambda s: {},
    "buffers": lambda s: {"use_buffers": True},
    "swa": lambda s: {"avg_fn": s.get_swa_avg_fn()},
    "swa multi": lambda s: {"multi_avg_fn": s.get_swa_multi_avg_fn()},
    "ema": lambda s: {"avg_fn": s.get_ema_avg_fn(0.7)},
    "ema default": lambda s: {"avg_fn": s.get_ema_avg_fn()},
    "ema multi": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn(0.7)},
    "ema multi buffers": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn(), "use_buffers": True},
    "own": lambda s: {"avg_fn": plain_average, "device": "cpu"},
    "own multi": lambda s: {"multi_avg_fn": plain_averages},
}


@pytest.mark.parametrize("name", AVERAGES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_averages(name: str, dtype: str) -> None:
    found = []
    for library in (rushlight, torch):
        model = network(library, dtype)
        averaged = library.optim.swa_utils.AveragedModel(model, **AVERAGES[name](library.optim.swa_utils))
        optimizer = library.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for step in range(6):
            optimizer.zero_grad()
            (model(batch(library, step, dtype)) ** 2).mean().backward()
            optimizer.step()
            if step % 2:
                averaged.update_parameters(model)
        state = averaged.state_dict()
        averaged.eval()
        found.append((state, averaged(batch(library, 9, dtype))))
    (ours, out), (theirs, expected) = found
    assert list(ours) == list(theirs)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for key, value in ours.items():
        assert str(value.dtype).split(".")[1] == str(theirs[key].dtype).split(".")[1], key
        np.testing.assert_allclose(value.numpy(), theirs[key].numpy(), rtol=tolerance, atol=tolerance, err_msg=key)
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["tensors", "pairs", "device"])
def test_batch_norms_anew(kind: str) -> None:
    found = []
    for library in (rushlight, torch):
        model = network(library)
        model[1].momentum = 0.3
        model.eval()
        batches: list[Any] = [batch(library, step) for step in range(4)]
        if kind == "pairs":
            batches = [[x, 1] for x in batches[:2]] + [(x, 1) for x in batches[2:]]
        library.optim.swa_utils.update_bn(iter(batches), model, *(["cpu"] if kind == "device" else []))
        norm = model[1]
        found.append((norm.running_mean, norm.running_var))
        assert (norm.momentum, norm.training, norm.num_batches_tracked.item()) == (0.3, False, 4)
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)


PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def refused(t: Any) -> None:
    s = t.optim.swa_utils
    attempt(lambda: s.get_ema_avg_fn(1.5) and None)
    attempt(lambda: s.get_ema_multi_avg_fn(-0.5) and None)
    attempt(lambda: s.AveragedModel(t.nn.Linear(1, 1), avg_fn=plain_average, multi_avg_fn=plain_averages))
    print(s.update_bn([], t.nn.Linear(1, 1)))


@program
def integers(t: Any) -> None:
    s = t.optim.swa_utils
    for make in (s.get_ema_multi_avg_fn, s.get_swa_multi_avg_fn):
        averages, values = [t.tensor([4, 8])], [t.tensor([8, 20])]
        try:
            make()(averages, values, t.tensor(1))
        except RuntimeError as error:
            print(str(error).split(",")[0])
        print(averages)
    averages, values = [t.tensor([4.0, 8.0])], [t.tensor([8.0, 20.0])]
    s.get_swa_multi_avg_fn()(averages, values, 3)
    s.get_swa_multi_avg_fn()(averages, values, t.tensor(1))
    print(averages, s.get_swa_avg_fn()(averages[0], values[0], 1), s.get_ema_avg_fn(0.5)(averages[0], values[0], 1))


@program
def printed(t: Any) -> None:
    averaged = t.optim.swa_utils.AveragedModel(t.nn.Linear(2, 1))
    print(averaged, list(averaged.state_dict()), averaged.n_averaged, averaged.use_buffers)
    averaged.update_parameters(t.nn.Linear(2, 1))
    print(averaged.n_averaged)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])
