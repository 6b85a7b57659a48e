"""Averaged models: averages by their formulas, buffers, batch norms computed anew, errors."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch

utils = torch.optim.swa_utils
VALUES = [1.0, 3.0, 8.0, 0.0]
# name: (options, the average of VALUES)
AVERAGES: dict[str, tuple[dict[str, Any], float]] = {
    "default": ({}, 3.0),
    "multi": ({"multi_avg_fn": utils.get_swa_multi_avg_fn()}, 3.0),
    "ema": ({"avg_fn": utils.get_ema_avg_fn(0.5)}, ((1 + 3) / 2 + 8) / 4),
    "ema multi": ({"multi_avg_fn": utils.get_ema_multi_avg_fn(0.5)}, ((1 + 3) / 2 + 8) / 4),
    "last": ({"avg_fn": lambda average, value, count: value}, 0.0),
}


def averaged_over(values: list[float], **options: Any) -> tuple[Any, Any]:
    model = torch.nn.Linear(2, 1)
    model.register_buffer("seen", torch.zeros(()))
    average = utils.AveragedModel(model, **options)
    for value in values:
        for p in model.parameters():
            torch.nn.init.constant_(p, value)
        model.seen.fill_(value)
        average.update_parameters(model)
    return model, average


@pytest.mark.parametrize("name", AVERAGES)
def test_averages(name: str) -> None:
    options, expected = AVERAGES[name]
    _, average = averaged_over(VALUES, **options)
    assert average.n_averaged.item() == 4
    for p in average.parameters():
        np.testing.assert_allclose(p.detach().numpy(), np.full(p.shape, expected), rtol=1e-6)


def test_buffers_are_copied_or_averaged() -> None:
    assert averaged_over(VALUES)[1].module.seen.item() == 0.0
    assert averaged_over(VALUES, use_buffers=True)[1].module.seen.item() == 3.0


def test_the_model_is_copied() -> None:
    model, average = averaged_over([1.0, 2.0])
    assert average.module is not model
    assert average.module.weight is not model.weight
    x = torch.ones(3, 2)
    assert average(x).tolist() == average.module(x).tolist() == [[4.5]] * 3


def test_a_checkpoint_goes_on() -> None:
    model, average = averaged_over(VALUES[:2])
    _, other = averaged_over([])
    other.load_state_dict(average.state_dict())
    copies = [average, other, copy.deepcopy(average), pickle.loads(pickle.dumps(average))]
    for one in copies:
        one.update_parameters(model)
    assert len({one.module.bias.item() for one in copies}) == 1


def test_batch_norms_anew() -> None:
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(1, momentum=0.7), torch.nn.Dropout(0.5))
    model.eval()
    batches = [torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0], [9.0]])]
    utils.update_bn([(batch, "a label") for batch in batches], model)
    norm = model[0]
    assert (norm.running_mean.item(), norm.running_var.item()) == (4.5, 5.0)
    assert (norm.momentum, norm.training, model.training) == (0.7, False, False)


def test_a_loop_of_the_docs() -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    average = utils.AveragedModel(model)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    averaging = utils.SWALR(optimizer, swa_lr=0.05, anneal_epochs=3)
    x, y = torch.randn(20, 3), torch.randn(20, 1)
    for epoch in range(10):
        optimizer.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()
        if epoch > 4:
            average.update_parameters(model)
            averaging.step()
        else:
            schedule.step()
    assert average.n_averaged.item() == 5
    assert averaging.get_last_lr() == pytest.approx([0.05])


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "decay": (lambda: utils.get_ema_avg_fn(1.5), ValueError, "Invalid decay value 1.5"),
    "decay of lists": (lambda: utils.get_ema_multi_avg_fn(-1.0), ValueError, "Invalid decay value -1.0"),
    "both": (
        lambda: utils.AveragedModel(torch.nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max),
        AssertionError,
        "Only one of avg_fn and multi_avg_fn",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
