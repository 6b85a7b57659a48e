"""Optimizers: steps by the formulas in NumPy, states, checkpoints, hooks, errors; one entry a configuration."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch

Array = Any
# A formula: (parameter, gradient, state, step number from 1) -> the parameter after the step.
Formula = Callable[[Array, Array, dict[str, Any], int], Array]


def sgd(p: Array, g: Array, s: dict[str, Any], t: int) -> Array:
    return p - 0.1 * g


def momentum(p: Array, g: Array, s: dict[str, Any], t: int) -> Array:
    g = g + 0.01 * p
    s["v"] = g if t == 1 else 0.9 * s["v"] + 0.8 * g
    return p - 0.1 * s["v"]


def nesterov(p: Array, g: Array, s: dict[str, Any], t: int) -> Array:
    s["v"] = g if t == 1 else 0.9 * s["v"] + g
    return p - 0.1 * (g + 0.9 * s["v"])


def adagrad(p: Array, g: Array, s: dict[str, Any], t: int) -> Array:
    s["sum"] = s.get("sum", 0.2) + g * g
    return p - 0.1 / (1 + (t - 1) * 0.05) * g / (np.sqrt(s["sum"]) + 1e-10)


def rmsprop(p: Array, g: Array, s: dict[str, Any], t: int) -> Array:
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g * g
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["b"] = 0.5 * s.get("b", 0) + g / (np.sqrt(s["v"] - s["m"] ** 2) + 1e-4)
    return p - 0.02 * s["b"]


def adadelta(p: Array, g: Array, s: dict[str, Any], t: int) -> Array:
    s["v"] = 0.8 * s.get("v", 0) + 0.2 * g * g
    d = np.sqrt(s.get("u", 0) + 1e-4) / np.sqrt(s["v"] + 1e-4) * g
    s["u"] = 0.8 * s.get("u", 0) + 0.2 * d * d
    return p - 0.5 * d


def adam_with(decay: float = 0.0, decoupled: float = 0.0, amsgrad: bool = False) -> Formula:
    def formula(p: Array, g: Array, s: dict[str, Any], t: int) -> Array:
        p = p * (1 - 0.05 * decoupled)
        g = g + decay * p
        s["m"] = 0.8 * s.get("m", 0) + 0.2 * g
        s["v"] = 0.95 * s.get("v", 0) + 0.05 * g * g
        s["top"] = np.maximum(s.get("top", 0), s["v"])
        v = s["top"] if amsgrad else s["v"]
        return p - 0.05 / (1 - 0.8**t) * s["m"] / (np.sqrt(v) / np.sqrt(1 - 0.95**t) + 1e-8)

    return formula


def radam(p: Array, g: Array, s: dict[str, Any], t: int) -> Array:
    s["m"] = 0.8 * s.get("m", 0) + 0.2 * g
    s["v"] = 0.95 * s.get("v", 0) + 0.05 * g * g
    limit = 2 / (1 - 0.95) - 1
    length = limit - 2 * t * 0.95**t / (1 - 0.95**t)
    m = s["m"] / (1 - 0.8**t)
    if length <= 5:
        return p - 0.05 * m
    r = np.sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))
    return p - 0.05 * m * r * np.sqrt(1 - 0.95**t) / (np.sqrt(s["v"]) + 1e-8)


BETAS = {"lr": 0.05, "betas": (0.8, 0.95)}
# name: (class, options, formula, keys of the state)
CONFIGURATIONS: dict[str, tuple[str, dict[str, Any], Formula, list[str]]] = {
    "sgd": ("SGD", {"lr": 0.1}, sgd, []),
    "momentum": (
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.01},
        momentum,
        ["momentum_buffer"],
    ),
    "nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}, nesterov, ["momentum_buffer"]),
    "maximize": ("SGD", {"lr": 0.1, "maximize": True}, lambda p, g, s, t: sgd(p, -g, s, t), []),
    "adagrad": ("Adagrad", {"lr": 0.1, "lr_decay": 0.05, "initial_accumulator_value": 0.2}, adagrad, ["step", "sum"]),
    "rmsprop": (
        "RMSprop",
        {"lr": 0.02, "alpha": 0.9, "eps": 1e-4, "momentum": 0.5, "centered": True},
        rmsprop,
        ["step", "square_avg", "momentum_buffer", "grad_avg"],
    ),
    "adadelta": ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4}, adadelta, ["step", "square_avg", "acc_delta"]),
    "adam": ("Adam", {**BETAS, "weight_decay": 0.1}, adam_with(decay=0.1), ["step", "exp_avg", "exp_avg_sq"]),
    "amsgrad": (
        "Adam",
        {**BETAS, "amsgrad": True},
        adam_with(amsgrad=True),
        ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
    ),
    "adamw": ("AdamW", {**BETAS, "weight_decay": 0.1}, adam_with(decoupled=0.1), ["step", "exp_avg", "exp_avg_sq"]),
    "radam": ("RAdam", BETAS, radam, ["step", "exp_avg", "exp_avg_sq"]),
}
SHAPES = [(3, 2), (4,), ()]


def parameters(dtype: Any = torch.float64) -> list[Any]:
    rng = np.random.default_rng(0)
    return [torch.nn.Parameter(torch.tensor(rng.standard_normal(shape)).to(dtype)) for shape in SHAPES]


def make(name: str, params: Any, **more: Any) -> Any:
    kind, options, _, _ = CONFIGURATIONS[name]
    return getattr(torch.optim, kind)(params, **{**options, **more})


def give_gradients(params: list[Any], step: int) -> None:
    rng = np.random.default_rng(50 + step)
    for p in params:
        p.grad = torch.tensor(rng.standard_normal(tuple(p.shape))).to(p.dtype)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_steps(name: str) -> None:
    formula = CONFIGURATIONS[name][2]
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 2e-4)):
        params = parameters(dtype)
        expected, states = [p.detach().double().numpy().copy() for p in params], [{} for _ in params]  # type: ignore[var-annotated]
        optimizer = make(name, params)
        for step in range(1, 21):
            give_gradients(params, step)
            expected = [
                formula(e, p.grad.double().numpy(), s, step) for e, p, s in zip(expected, params, states, strict=True)
            ]
            optimizer.step()
        for p, e in zip(params, expected, strict=True):
            np.testing.assert_allclose(p.detach().numpy(), e, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_state_and_checkpoint(name: str) -> None:
    params = parameters()
    optimizer = make(name, params)
    for step in range(3):
        give_gradients(params, step)
        optimizer.step()
    assert [sorted(optimizer.state[p]) for p in params] == [sorted(CONFIGURATIONS[name][3])] * 3 or not CONFIGURATIONS[
        name
    ][3]
    buffer = io.BytesIO()
    torch.save(optimizer.state_dict(), buffer)
    buffer.seek(0)
    twins = [torch.nn.Parameter(p.detach().clone()) for p in params]
    resumed = make(name, twins)
    resumed.load_state_dict(torch.load(buffer))
    copied = copy.deepcopy(optimizer)
    pickled = pickle.loads(pickle.dumps(optimizer))
    for other in (optimizer, resumed, copied, pickled):
        members = [p for group in other.param_groups for p in group["params"]]
        give_gradients(members, 7)
        other.step()
        for a, b in zip(members, params, strict=True):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_parameter_without_gradient_stays(name: str) -> None:
    params = parameters()
    optimizer = make(name, params)
    give_gradients(params, 0)
    params[1].grad = None
    before = params[1].tolist()
    optimizer.step()
    assert params[1].tolist() == before


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_one_descends(name: str) -> None:
    w = torch.nn.Parameter(torch.tensor([2.0, -3.0]))
    more = {"maximize": False} if name != "adadelta" else {"lr": 5.0}
    optimizer = make(name, [w], **more)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(100)]
    assert losses[-1] < 0.5 * losses[0]


def test_groups_have_options_of_their_own() -> None:
    a, b = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.1)
    a.grad = b.grad = torch.ones(1)
    optimizer.step()
    assert (a.item(), b.item()) == pytest.approx((0.9, 0.5))
    optimizer.add_param_group({"params": torch.nn.Parameter(torch.ones(1)), "momentum": 0.5})
    assert optimizer.param_groups[2]["lr"] == 0.1


def test_a_step_bumps_the_version() -> None:
    w = torch.nn.Parameter(torch.ones(2))
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    torch.optim.Adam([w]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_zero_grad() -> None:
    w = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([w], lr=0.1)
    (w * 2).sum().backward()
    gradient = w.grad
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is gradient
    assert gradient.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert w.grad is None


def test_hooks() -> None:
    w = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([w], lr=0.1)
    order: list[str] = []
    before = optimizer.register_step_pre_hook(lambda o, a, k: order.append("before"))
    after = optimizer.register_step_post_hook(lambda o, a, k: order.append("after"))
    optimizer.step()
    before.remove()
    after.remove()
    optimizer.step()
    assert order == ["before", "after"]


def test_printed() -> None:
    text = repr(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")


W = torch.nn.Parameter(torch.ones(1))
ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "nothing": (lambda: torch.optim.SGD([], lr=0.1), ValueError, "empty parameter list"),
    "tensor": (lambda: torch.optim.SGD(W, lr=0.1), TypeError, "should be an iterable of Tensors or dicts"),
    "number": (lambda: torch.optim.SGD([3], lr=0.1), TypeError, "can only optimize Tensors"),
    "not a leaf": (lambda: torch.optim.SGD([W * 2], lr=0.1), ValueError, "non-leaf"),
    "twice": (
        lambda: torch.optim.SGD([{"params": [W]}, {"params": [W]}], lr=0.1),
        ValueError,
        "more than one parameter group",
    ),
    "rate": (lambda: torch.optim.Adam([W], lr=-1.0), ValueError, "Invalid learning rate: -1.0"),
    "beta": (lambda: torch.optim.Adam([W], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
    "nesterov": (lambda: torch.optim.SGD([W], nesterov=True), ValueError, "requires a momentum and zero dampening"),
    "rho": (lambda: torch.optim.Adadelta([W], rho=2.0), ValueError, "Invalid rho value: 2.0"),
    "groups": (
        lambda: torch.optim.SGD([W]).load_state_dict({"state": {}, "param_groups": []}),
        ValueError,
        "different number of parameter groups",
    ),
    "set": (lambda: torch.optim.SGD([{"params": {W}}]), TypeError, "ordered collections"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
