"""Autocast and the gradient scaler, without PyTorch: what they compute, by hand."""

from __future__ import annotations

import pickle
import threading

import pytest

import rushlight as torch


def test_a_region_is_this_threads() -> None:
    found: list[object] = []
    with torch.autocast("cpu"):
        worker = threading.Thread(target=lambda: found.append((torch.ones(1, 1) @ torch.ones(1, 1)).dtype))
        worker.start()
        worker.join()
        assert (torch.ones(1, 1) @ torch.ones(1, 1)).dtype is torch.bfloat16
    assert found == [torch.float32]


def test_a_region_ends_with_an_exception() -> None:
    with pytest.raises(ValueError, match="inside"), torch.autocast("cpu"):
        raise ValueError("inside")
    assert not torch.is_autocast_enabled("cpu")
    assert (torch.ones(1, 1) @ torch.ones(1, 1)).dtype is torch.float32


def test_a_refusal_leaves_the_region_on() -> None:
    with torch.autocast("cpu"):
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            torch.ones(2, 3) @ torch.ones(2, 3)
        assert (torch.ones(1, 1) @ torch.ones(1, 1)).dtype is torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_gradients_arrive_in_the_weights_type(dtype: torch.dtype) -> None:
    layer = torch.nn.Linear(2, 3)
    with torch.autocast("cpu", dtype=dtype):
        out = layer(torch.ones(4, 2))
    assert out.dtype is dtype
    out.float().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype is torch.float32
    assert layer.weight.grad.tolist() == [[4.0, 4.0]] * 3


def test_losses_are_computed_in_float32() -> None:
    with torch.autocast("cpu"):
        loss = torch.nn.functional.mse_loss(torch.ones(2, dtype=torch.bfloat16), torch.zeros(2))
    assert loss.dtype is torch.float32
    assert loss.item() == 1.0


def test_a_scaler_grows_and_shrinks() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
    scales = []
    for gradient in (1.0, 1.0, float("nan"), 1.0):
        weight.grad = torch.tensor([gradient]) * 4.0
        scaler.scale(weight)
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
        assert isinstance(weight.item(), float)
    assert scales == [4.0, 8.0, 4.0, 4.0]
    # The third step was left out; the second and fourth were unscaled by what the scale was.
    assert weight.item() == 1.0 - 1.0 - 1.0 - 1.0


def test_a_scaler_is_pickled_between_steps() -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=32.0)
    scaler.scale(torch.ones(1))
    again = pickle.loads(pickle.dumps(scaler))
    assert again.state_dict() == scaler.state_dict()
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    scaler.unscale_(torch.optim.SGD([weight], lr=1.0))
    with pytest.raises(AssertionError, match="may only be pickled at the beginning"):
        pickle.dumps(scaler)
