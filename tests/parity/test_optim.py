"""Optimizers against PyTorch: steps, states, checkpoints, hooks, errors; one entry a configuration."""

from __future__ import annotations

import copy
import io
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.1}),
    "SGD momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.02}),
    "SGD nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02}),
    "SGD maximize": ("SGD", {"lr": 0.01, "maximize": True, "momentum": 0.5}),
    "SGD default": ("SGD", {}),
    "Adagrad": ("Adagrad", {"lr": 0.1}),
    "Adagrad all": (
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-3},
    ),
    "Adagrad maximize": ("Adagrad", {"maximize": True}),
    "RMSprop": ("RMSprop", {}),
    "RMSprop all": (
        "RMSprop",
        {"lr": 0.02, "alpha": 0.9, "weight_decay": 0.1, "momentum": 0.8, "centered": True, "eps": 1e-4},
    ),
    "RMSprop maximize": ("RMSprop", {"maximize": True, "momentum": 0.2}),
    "Adadelta": ("Adadelta", {}),
    "Adadelta all": ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1, "maximize": True}),
    "Adam": ("Adam", {"lr": 0.05}),
    "Adam all": ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1, "amsgrad": True}),
    "Adam decoupled": ("Adam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    "AdamW": ("AdamW", {"lr": 0.05}),
    "AdamW all": ("AdamW", {"lr": 0.05, "betas": (0.8, 0.95), "weight_decay": 0.2, "amsgrad": True, "maximize": True}),
    "RAdam": ("RAdam", {"lr": 0.05}),
    "RAdam all": ("RAdam", {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1, "eps": 1e-4, "maximize": True}),
    "RAdam decoupled": ("RAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
}
SHAPES = [(3, 4), (5,), (), (2, 1, 3), (7,)]
TYPES = ("float32", "float64")


def parameters(library: Any, dtype: str = "float32") -> list[Any]:
    rng = np.random.default_rng(3)
    return [
        library.nn.Parameter(library.tensor(rng.standard_normal(shape)).to(getattr(library, dtype))) for shape in SHAPES
    ]


def give_gradients(library: Any, params: list[Any], step: int, some_missing: bool = True) -> None:
    rng = np.random.default_rng(100 + step)
    for i, p in enumerate(params):
        gradient = rng.standard_normal(tuple(p.shape))
        # One parameter joins late, one misses every third step.
        missing = some_missing and ((i == 1 and step < 4) or (i == 3 and step % 3 == 1))
        p.grad = None if missing else library.tensor(gradient).to(p.dtype)


def make(library: Any, name: str, params: list[Any], groups: bool = True) -> Any:
    kind, options = CONFIGURATIONS[name]
    given: list[Any] = [{"params": params[:3]}, {"params": params[3:], "lr": 0.03}] if groups else params
    return getattr(library.optim, kind)(given, **options)


def trained(library: Any, name: str, dtype: str = "float32", steps: int = 20) -> tuple[list[Any], Any]:
    params = parameters(library, dtype)
    optimizer = make(library, name, params)
    for step in range(steps):
        give_gradients(library, params, step)
        optimizer.step()
    return params, optimizer


def close(ours: Any, theirs: Any, dtype: str = "float32") -> None:
    for a, b in zip(ours, theirs, strict=True):
        tolerance = 3e-5 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("dtype", TYPES)
def test_steps(name: str, dtype: str) -> None:
    close(trained(rushlight, name, dtype)[0], trained(torch, name, dtype)[0], dtype)


def described(value: Any) -> Any:
    """A checkpoint as plain values: a tensor as its type, shape and numbers."""
    if hasattr(value, "detach"):
        return str(value.dtype), tuple(value.shape), np.round(value.detach().double().numpy(), 4).tolist()
    if isinstance(value, dict):
        return [(k, described(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [described(v) for v in value]
    return value


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_state_dict(name: str) -> None:
    for steps in (0, 5):
        ours, theirs = (trained(library, name, "float64", steps)[1] for library in (rushlight, torch))
        assert described(ours.state_dict()) == described(theirs.state_dict())
        assert repr(ours) == repr(theirs)
        assert described(ours.defaults) == described(theirs.defaults)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_checkpoint_travels_both_ways(name: str, tmp_path: Path) -> None:
    path = tmp_path / "optimizer.pt"
    finals = {}
    for source, target in ((rushlight, torch), (torch, rushlight), (torch, torch)):
        params, optimizer = trained(source, name, "float64", 6)
        source.save({"optimizer": optimizer.state_dict(), "params": [p.detach() for p in params]}, str(path))
        loaded = target.load(str(path))
        again = [target.nn.Parameter(p) for p in loaded["params"]]
        optimizer = make(target, name, again)
        optimizer.load_state_dict(loaded["optimizer"])
        for step in range(6, 12):
            give_gradients(target, again, step)
            optimizer.step()
        finals[source, target] = again
    close(finals[rushlight, torch], finals[torch, torch], "float64")
    close(finals[torch, rushlight], finals[torch, torch], "float64")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_pickled_and_copied(name: str) -> None:
    params, optimizer = trained(rushlight, name, "float64", 4)
    for twin in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        copies = [p for group in twin.param_groups for p in group["params"]]
        close(copies, params, "float64")
        assert described(twin.state_dict()) == described(optimizer.state_dict())
        give_gradients(rushlight, copies, 9)
        twin.step()
    give_gradients(rushlight, params, 9)
    optimizer.step()
    close(copies, params, "float64")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_non_contiguous(name: str) -> None:
    finals = []
    for library in (rushlight, torch):
        base = library.tensor(np.arange(24.0).reshape(4, 6) / 10)
        params = [library.nn.Parameter(base.t()), library.nn.Parameter(base[:, ::2].clone().t())]
        optimizer = getattr(library.optim, CONFIGURATIONS[name][0])(params, **CONFIGURATIONS[name][1])
        for step in range(4):
            for p in params:
                p.grad = library.tensor(np.random.default_rng(step).standard_normal(tuple(reversed(p.shape)))).t()
            optimizer.step()
        finals.append(params)
    close(*finals, dtype="float64")


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(name: str, dtype: str) -> None:
    finals = [trained(library, name, dtype, 3)[0] for library in (rushlight, torch)]
    for a, b in zip(*finals, strict=True):
        assert str(a.dtype) == str(b.dtype)
        limit = 0.02 if dtype == "float16" else 0.1
        np.testing.assert_allclose(a.detach().double().numpy(), b.detach().double().numpy(), rtol=limit, atol=limit)


@pytest.mark.parametrize("name", [n for n in CONFIGURATIONS if "maximize" not in n])
def test_tensor_learning_rate(name: str) -> None:
    kind, options = CONFIGURATIONS[name]
    finals = []
    for library in (rushlight, torch):
        params = parameters(library, "float64")
        optimizer = getattr(library.optim, kind)(params, **{**options, "lr": library.tensor(0.02)})
        for step in range(4):
            give_gradients(library, params, step)
            optimizer.step()
            optimizer.param_groups[0]["lr"].mul_(0.5)
        finals.append(params)
    for a, b in zip(*finals, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", [n for n in CONFIGURATIONS if "default" not in n])
def test_differentiable(name: str) -> None:
    kind, options = CONFIGURATIONS[name]
    found = []
    for library in (rushlight, torch):
        start = library.tensor([0.5, -1.5, 2.0], dtype=library.float64, requires_grad=True)
        gradient = library.tensor([0.3, -0.2, 0.7], dtype=library.float64, requires_grad=True)
        p = start.clone()
        optimizer = getattr(library.optim, kind)([p], **options, differentiable=True)
        for _ in range(2):
            p.grad = gradient * gradient
            optimizer.step()
        try:
            found.append(library.autograd.grad((p * p).sum(), [start, gradient]))
        except RuntimeError as error:
            assert library is torch
            pytest.skip(f"PyTorch does not differentiate this configuration: {error}")
    # PyTorch counts these steps in float32.
    close(*found, dtype="float32")


PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def closures(t: Any) -> None:
    p = t.nn.Parameter(t.ones(2))
    for kind in ("SGD", "Adam", "Adagrad", "RMSprop", "Adadelta", "RAdam", "AdamW"):
        optimizer = getattr(t.optim, kind)([p])

        def closure() -> Any:
            optimizer.zero_grad()
            loss = (p * p).sum()
            loss.backward()
            print(t.is_grad_enabled())
            return loss

        print(optimizer.step(closure), optimizer.step() is None, p._version > 0)


@program
def hooks(t: Any) -> None:
    p = t.nn.Parameter(t.ones(2))
    p.grad = t.ones(2)
    optimizer = t.optim.SGD([p], lr=0.1)
    module = sys.modules[t.optim.Optimizer.__module__]
    order: list[str] = []
    handles = [
        optimizer.register_step_pre_hook(lambda o, a, k: order.append(f"pre {a} {k}")),
        optimizer.register_step_post_hook(lambda o, a, k: order.append(f"post {a} {k} {o is optimizer}")),
        module.register_optimizer_step_pre_hook(lambda o, a, k: order.append("global pre")),
        module.register_optimizer_step_post_hook(lambda o, a, k: order.append("global post")),
        optimizer.register_state_dict_pre_hook(lambda o: order.append("state pre")),
        optimizer.register_state_dict_post_hook(lambda o, s: order.append("state post")),
        optimizer.register_state_dict_post_hook(lambda o, s: order.append("state first"), prepend=True),
        optimizer.register_load_state_dict_pre_hook(lambda o, s: order.append("load pre")),
        optimizer.register_load_state_dict_post_hook(lambda o: order.append("load post")),
    ]
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    print(order)
    for handle in handles:
        handle.remove()
    order.clear()
    optimizer.step()
    print(order)
    optimizer.register_step_pre_hook(lambda o, a, k: 5)
    attempt(lambda: optimizer.step())


@program
def groups(t: Any) -> None:
    a, b, c = (t.nn.Parameter(t.ones(1)) for _ in range(3))
    optimizer = t.optim.SGD([a], lr=0.1, momentum=0.9)
    optimizer.add_param_group({"params": b, "lr": 0.5})
    print(optimizer)
    print([len(g["params"]) for g in optimizer.param_groups], list(optimizer.param_groups[1]))
    attempt(lambda: optimizer.add_param_group({"params": [a]}))
    attempt(lambda: optimizer.add_param_group({"params": {c}}))
    attempt(lambda: optimizer.add_param_group([c]))
    attempt(lambda: optimizer.add_param_group({"params": [c * 1]}))
    attempt(lambda: optimizer.add_param_group({"params": [3]}))
    attempt(lambda: t.optim.SGD([], lr=0.1))
    attempt(lambda: t.optim.SGD(a, lr=0.1))
    attempt(lambda: t.optim.SGD([a, a], lr=0.1))
    attempt(lambda: t.optim.SGD([{"lr": 3}], lr=0.1))
    named = t.optim.Adam([("first", a), ("second", b)])
    print(named.state_dict())
    attempt(lambda: t.optim.SGD([("first", a), b]))
    attempt(lambda: optimizer.load_state_dict(t.optim.SGD([a]).state_dict()))
    attempt(lambda: optimizer.load_state_dict(t.optim.SGD([{"params": [a, c]}, {"params": [b]}]).state_dict()))


@program
def zeroed(t: Any) -> None:
    p = t.nn.Parameter(t.ones(2))
    optimizer = t.optim.SGD([p], lr=0.1)
    (p * 2).sum().backward()
    grad = p.grad
    optimizer.zero_grad(set_to_none=False)
    print(p.grad, p.grad is grad)
    optimizer.zero_grad()
    print(p.grad)
    optimizer.step()
    print(p.detach(), optimizer.state_dict())


@program
def ranges(t: Any) -> None:
    p = t.nn.Parameter(t.ones(1))
    for kind in ("SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW", "RAdam"):
        cls = getattr(t.optim, kind)
        for option in ("lr", "weight_decay", "eps", "momentum", "alpha", "lr_decay", "initial_accumulator_value"):
            try:
                cls([p], **{option: -1.0})
            except ValueError as error:
                print(kind, error)
            except TypeError:
                print(kind, option, "unknown")
    attempt(lambda: t.optim.SGD([p], lr=0.1, nesterov=True))
    attempt(lambda: t.optim.Adam([p], betas=(1.0, 0.9)))
    attempt(lambda: t.optim.Adam([p], betas=(0.9, -0.1)))
    attempt(lambda: t.optim.RAdam([p], betas=(0.9, 1.5)))
    attempt(lambda: t.optim.Adadelta([p], rho=1.5))
    attempt(lambda: t.optim.Adam([p], fused=True, foreach=True))
    attempt(lambda: t.optim.Adam([p], lr=t.tensor(0.1), foreach=True))
    attempt(lambda: t.optim.SGD([p], fused=True, differentiable=True))


@program
def saved_in_between(t: Any) -> None:
    """A step changes parameters in place, which a saved graph notices."""
    p = t.nn.Parameter(t.ones(2))
    optimizer = t.optim.Adam([p], lr=0.1)
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    attempt(lambda: loss.backward())
    data = optimizer.state[p]
    print(sorted(data), data["step"], data["step"].dtype, optimizer.state[p]["exp_avg"].requires_grad)


@program
def restored(t: Any) -> None:
    a = t.nn.Parameter(t.ones(2, dtype=t.float64))
    optimizer = t.optim.Adam([a], lr=0.1)
    a.grad = t.ones(2, dtype=t.float64)
    optimizer.step()
    saved = optimizer.state_dict()
    half = t.nn.Parameter(t.ones(2))
    other = t.optim.Adam([half], lr=7.0)
    other.load_state_dict(saved)
    state = other.state[half]
    print(other.param_groups[0]["lr"], state["exp_avg"].dtype, state["step"].dtype)
    half.grad = t.ones(2)
    other.step()
    print(other.state[half]["step"], half.detach())


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])


def test_in_memory_checkpoint_is_small() -> None:
    params, optimizer = trained(rushlight, "Adam", steps=2)
    buffer = io.BytesIO()
    rushlight.save(optimizer.state_dict(), buffer)
    buffer.seek(0)
    assert described(torch.load(buffer)) == described(optimizer.state_dict())
