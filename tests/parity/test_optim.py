"""Optimizers against PyTorch: steps, states, checkpoints, hooks, errors; one entry a configuration."""

from __future__ import annotations

import copy
import importlib
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
from tests.optim import configurations  # noqa: E402
from tests.optim.configurations import CONFIGURATIONS, optimizer_of, options_of  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

TYPES = ("float32", "float64")


def parameters(library: Any, name: str, dtype: str = "float32") -> list[Any]:
    return configurations.parameters(library, name, dtype)


def give_gradients(library: Any, params: list[Any], step: int, some_missing: bool = True) -> None:
    rng = np.random.default_rng(100 + step)
    for i, p in enumerate(params):
        gradient = rng.standard_normal(tuple(p.shape))
        # One parameter joins late, one misses every third step.
        missing = some_missing and ((i == 1 and step < 4) or (i == 3 and step % 3 == 1))
        p.grad = None if missing else library.tensor(gradient).to(p.dtype)


def trained(library: Any, name: str, dtype: str = "float32", steps: int = 20) -> tuple[list[Any], Any]:
    params = parameters(library, name, dtype)
    optimizer = optimizer_of(library, name, params)
    for step in range(steps):
        give_gradients(library, params, step)
        take_step(optimizer)
    return params, optimizer


def take_step(optimizer: Any) -> None:
    """A step with the gradients as they are; LBFGS wants a closure, and gets one whose loss never changes."""
    if type(optimizer).__name__ == "LBFGS":
        optimizer.step(lambda: 1.0)
    else:
        optimizer.step()


def close(ours: Any, theirs: Any, dtype: str = "float32") -> None:
    for a, b in zip(ours, theirs, strict=True):
        tolerance = 3e-5 if dtype == "float32" else 1e-10
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


# PyTorch's fused step of SGD fails where one parameter has a momentum buffer and another has none yet.
@pytest.mark.parametrize("name", [n for n in CONFIGURATIONS if n != "SGD fused"])
@pytest.mark.parametrize("dtype", TYPES)
def test_steps(name: str, dtype: str) -> None:
    """Steps with given gradients, some of them missing."""
    loose = name.endswith((" tensor", " foreach"))
    close(trained(rushlight, name, dtype)[0], trained(torch, name, dtype)[0], "float32" if loose else dtype)


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("dtype", TYPES)
def test_trajectory(name: str, dtype: str) -> None:
    ours, theirs = (configurations.run(library, name, dtype) for library in (rushlight, torch))
    configurations.close(name, dtype, ours, theirs)
    for key, value in ours.items():
        assert value.dtype == theirs[key].dtype, key


def described(value: Any) -> Any:
    """A checkpoint as plain values: a tensor as its type, shape and numbers."""
    if hasattr(value, "detach"):
        return str(value.dtype), tuple(value.shape), np.round(value.detach().double().numpy(), 4).tolist()
    if isinstance(value, dict):
        return [(k, described(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [described(v) for v in value]
    return value


@pytest.mark.parametrize("name", [n for n in CONFIGURATIONS if n != "SGD fused"])
def test_state_dict(name: str) -> None:
    for steps in (0, 5):
        ours, theirs = (trained(library, name, "float64", steps)[1] for library in (rushlight, torch))
        assert described(ours.state_dict()) == described(theirs.state_dict())
        assert repr(ours) == repr(theirs)
        assert described(ours.defaults) == described(theirs.defaults)


@pytest.mark.parametrize("name", [n for n in CONFIGURATIONS if n != "SGD fused"])
def test_checkpoint_travels_both_ways(name: str, tmp_path: Path) -> None:
    path = tmp_path / "optimizer.pt"
    finals = {}
    for source, target in ((rushlight, torch), (torch, rushlight), (torch, torch)):
        params, optimizer = trained(source, name, "float64", 6)
        source.save({"optimizer": optimizer.state_dict(), "params": [p.detach() for p in params]}, str(path))
        loaded = target.load(str(path))
        again = [target.nn.Parameter(p) for p in loaded["params"]]
        optimizer = optimizer_of(target, name, again)
        optimizer.load_state_dict(loaded["optimizer"])
        for step in range(6, 12):
            give_gradients(target, again, step)
            take_step(optimizer)
        finals[source, target] = again
    precision = "float32" if name.endswith((" tensor", " foreach")) else "float64"
    close(finals[rushlight, torch], finals[torch, torch], precision)
    close(finals[torch, rushlight], finals[torch, torch], precision)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_pickled_and_copied(name: str) -> None:
    params, optimizer = trained(rushlight, name, "float64", 4)
    for twin in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        copies = [p for group in twin.param_groups for p in group["params"]]
        close(copies, params, "float64")
        assert described(twin.state_dict()) == described(optimizer.state_dict())
        give_gradients(rushlight, copies, 9)
        take_step(twin)
    give_gradients(rushlight, params, 9)
    take_step(optimizer)
    close(copies, params, "float64")


# PyTorch's LBFGS takes no gradient whose memory can't be seen as a vector.
@pytest.mark.parametrize("name", [n for n in CONFIGURATIONS if CONFIGURATIONS[n][0] != "LBFGS"])
def test_non_contiguous(name: str) -> None:
    finals = []
    for library in (rushlight, torch):
        base = library.tensor(np.arange(24.0).reshape(4, 6) / 10)
        params = [library.nn.Parameter(base.t()), library.nn.Parameter(base[:, ::2].clone().t())]
        optimizer = getattr(library.optim, CONFIGURATIONS[name][0])(params, **options_of(library, name))
        for step in range(4):
            for p in params:
                p.grad = library.tensor(np.random.default_rng(step).standard_normal(tuple(reversed(p.shape)))).t()
            take_step(optimizer)
        finals.append(params)
    close(*finals, dtype="float32" if name.endswith((" tensor", " foreach")) else "float64")


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(name: str, dtype: str) -> None:
    finals = [trained(library, name, dtype, 3)[0] for library in (rushlight, torch)]
    for a, b in zip(*finals, strict=True):
        assert str(a.dtype) == str(b.dtype)
        limit = 0.02 if dtype == "float16" else 0.1
        np.testing.assert_allclose(a.detach().double().numpy(), b.detach().double().numpy(), rtol=limit, atol=limit)


@pytest.mark.parametrize("name", [n for n in CONFIGURATIONS if CONFIGURATIONS[n][0] not in ("Adafactor", "Muon")])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex(name: str, dtype: str) -> None:
    if "fused" in name:
        pytest.skip("a fused step takes no complex parameters")
    found = []
    for library in (rushlight, torch):
        rng = np.random.default_rng(4)
        kind = getattr(library, dtype)

        def drawn(shape: tuple[int, ...], rng: Any = rng, library: Any = library, kind: Any = kind) -> Any:
            return library.tensor(rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).to(kind)

        params = [library.nn.Parameter(drawn(shape)) for shape in ((), (3,), (2, 2))]
        optimizer = getattr(library.optim, CONFIGURATIONS[name][0])(params, **options_of(library, name))
        for _ in range(5):
            for p in params:
                p.grad = drawn(tuple(p.shape))
            take_step(optimizer)
        found.append(params)
    loose = dtype == "complex64" or name.endswith((" tensor", " foreach"))
    close(*found, dtype="float32" if loose else "float64")


@pytest.mark.parametrize("name", [n for n in CONFIGURATIONS if n.endswith(" tensor")])
def test_tensor_learning_rate(name: str) -> None:
    finals = []
    for library in (rushlight, torch):
        params = parameters(library, name, "float64")
        optimizer = getattr(library.optim, CONFIGURATIONS[name][0])(params, **options_of(library, name))
        for step in range(4):
            give_gradients(library, params, step)
            take_step(optimizer)
            optimizer.param_groups[0]["lr"].mul_(0.5)
        finals.append(params)
    close(*finals, dtype="float32")


DIFFERENTIABLE = [
    n
    for n in CONFIGURATIONS
    if CONFIGURATIONS[n][0] not in ("Adafactor", "Muon", "LBFGS") and not n.endswith(("default", "fused", "foreach"))
]


def differentiated(library: Any, name: str, steps: int) -> list[Any]:
    """The gradients of a loss after some recorded steps in the start and in what the gradients are made of."""
    start = library.tensor([0.5, -1.5, 2.0], dtype=library.float64, requires_grad=True)
    gradient = library.tensor([0.3, -0.2, 0.7], dtype=library.float64, requires_grad=True)
    p = start.clone()
    options = options_of(library, name)
    # PyTorch's recorded steps take tensors only where the next test has them.
    options = {k: v.item() if isinstance(v, library.Tensor) else v for k, v in options.items()}
    if "betas" in options:
        options["betas"] = tuple(float(beta) for beta in options["betas"])
    optimizer = getattr(library.optim, CONFIGURATIONS[name][0])([p], **options, differentiable=True)
    for _ in range(steps):
        p.grad = gradient * gradient
        optimizer.step()
    return [*library.autograd.grad((p * p).sum(), [start, gradient]), p]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_differentiable(name: str) -> None:
    ours = differentiated(rushlight, name, 3)
    try:
        theirs = differentiated(torch, name, 3)
    except RuntimeError as error:
        # Some of PyTorch's recorded steps overwrite what the step before needs.
        assert "modified by an inplace operation" in str(error)
        ours, theirs = (differentiated(library, name, 1) for library in (rushlight, torch))
    # PyTorch counts these steps in float32.
    close(ours, theirs, dtype="float32")


LEARNED: dict[str, tuple[str, dict[str, Any], str]] = {
    "rate of SGD": ("SGD", {"lr": 0.1}, "lr"),
    "decay of SGD": ("SGD", {"lr": 0.1, "weight_decay": 0.2}, "weight_decay"),
    "rate of Adam": ("Adam", {"lr": 0.1}, "lr"),
    "decay of Adam": ("Adam", {"lr": 0.1, "weight_decay": 0.2}, "weight_decay"),
    "rate of AdamW": ("AdamW", {"lr": 0.1, "weight_decay": 0.2}, "lr"),
    "decay of AdamW": ("AdamW", {"lr": 0.1, "weight_decay": 0.2}, "weight_decay"),
    "rate of RAdam": ("RAdam", {"lr": 0.1, "betas": (0.8, 0.7)}, "lr"),
    "betas of Adam": ("Adam", {"lr": 0.1, "betas": (0.8, 0.9)}, "betas"),
}


@pytest.mark.parametrize("name", LEARNED)
def test_gradients_reach_the_options(name: str) -> None:
    kind, options, learned = LEARNED[name]
    found = []
    for library in (rushlight, torch):
        values = options[learned] if learned == "betas" else (options[learned],)
        leaves = [library.tensor(v, dtype=library.float64, requires_grad=True) for v in values]
        p = library.tensor([0.5, -1.5, 2.0], dtype=library.float64, requires_grad=True).clone()
        given = {**options, learned: tuple(leaves) if learned == "betas" else leaves[0]}
        optimizer = getattr(library.optim, kind)([p], **given, differentiable=True)
        for factor in (1.0, -0.3, 0.6):
            p.grad = library.tensor([0.3, -0.2, 0.7], dtype=library.float64) * factor
            optimizer.step()
        found.append(library.autograd.grad((p * p).sum(), leaves))
    close(*found, dtype="float32")


# The functional form of an optimizer: the module, and the state's names in the order in which it takes their lists.
FUNCTIONAL: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sgd": ("sgd", "*", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "dampening": 0.0, "nesterov": True}),
    "adagrad": ("adagrad", "sum", {"lr": 0.1, "weight_decay": 0.1, "lr_decay": 0.1, "eps": 1e-8}),
    "rmsprop": (
        "rmsprop",
        "square grad buffer",
        {"lr": 0.1, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1, "momentum": 0.5, "centered": True},
    ),
    "adadelta": ("adadelta", "square delta", {"lr": 0.5, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.1}),
    "adam": (
        "adam",
        "mean square top",
        {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-8, "weight_decay": 0.1, "amsgrad": True},
    ),
    "adamw": (
        "adamw",
        "mean square top",
        {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-8, "weight_decay": 0.1, "amsgrad": True},
    ),
    "adamax": ("adamax", "mean top", {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-8, "weight_decay": 0.1}),
    "nadam": (
        "nadam",
        "mean square =1",
        {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-8, "weight_decay": 0.1, "momentum_decay": 0.1},
    ),
    "radam": ("radam", "mean square", {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-8, "weight_decay": 0.1}),
    "asgd": ("asgd", "ax =1 =0.1", {"lr": 0.1, "lambd": 0.1, "t0": 2, "alpha": 0.5, "weight_decay": 0.1}),
    "rprop": ("rprop", "prev size", {"step_size_min": 0.01, "step_size_max": 1.0, "etaminus": 0.5, "etaplus": 1.2}),
    "adafactor": (
        "_adafactor",
        "rows columns -",
        {"lr": 0.1, "d": 1.0, "beta2_decay": -0.8, "weight_decay": 0.1, "eps1": 1e-8, "eps2": 1e-3},
    ),
    "muon": (
        "_muon",
        "buffer .",
        {
            "lr": 0.1,
            "weight_decay": 0.1,
            "momentum": 0.9,
            "nesterov": True,
            "ns_coefficients": (3.4, -4.8, 2.0),
            "ns_steps": 3,
            "eps": 1e-7,
            "adjust_lr_fn": "unknown",
            "has_complex": False,
        },
    ),
}


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_functional(name: str) -> None:
    module, states, options = FUNCTIONAL[name]
    found = []
    for library in (rushlight, torch):
        function = getattr(importlib.import_module(f"{library.__name__}.optim.{module}"), name)
        double = library.float64
        params = [library.tensor([[0.5, -1.5, 2.0], [1.0, 0.2, -0.4]], dtype=double) for _ in range(2)]

        def state(kind: str, library: Any = library, double: Any = double) -> Any:
            if kind == "-":
                return None
            if kind.startswith("="):
                return library.tensor(float(kind[1:]))
            shape = {"rows": (2, 1), "columns": (1, 3)}.get(kind, (2, 3))
            return library.full(shape, 0.3, dtype=double)

        lists: list[Any] = [[state(kind) for _ in params] for kind in states.split() if kind not in ("*", ".")]
        if states == "*":
            lists = [[None, None]]
        elif not states.endswith("."):
            lists.append([library.tensor(0.0) for _ in params])
        more = {} if name == "muon" else {"maximize": True}
        for step in range(3):
            grads = [library.tensor([[0.3, -0.2, 0.7]] * 2, dtype=double) * (step - 1.5) for _ in params]
            with library.no_grad():
                function(params, grads, *lists, **options, **more)
        found.append(params + [s for one in lists for s in one if s is not None])
    close(*found, dtype="float32" if name in ("nadam", "asgd") else "float64")


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW", "Adagrad"])
def test_fused_steps_unscale(kind: str) -> None:
    """The scale and the mark of infinite gradients that mixed precision leaves on an optimizer."""
    found = []
    for library in (rushlight, torch):
        p = library.nn.Parameter(library.tensor([1.0, -2.0]))
        optimizer = getattr(library.optim, kind)([p], lr=0.1, fused=True)
        assert optimizer._step_supports_amp_scaling
        rows = []
        for infinite in (0.0, 1.0, 0.0):
            p.grad = library.tensor([4.0, 8.0])
            optimizer.grad_scale, optimizer.found_inf = library.tensor(2.0), library.tensor(infinite)
            optimizer.step()
            rows += [p.detach().clone(), p.grad.clone()]
        found.append(rows + [v for v in optimizer.state[p].values() if v is not None])
        plain = getattr(library.optim, kind)([p], lr=0.1)
        plain.grad_scale = library.tensor(2.0)
        with pytest.raises(AssertionError, match="Expected grad_scale and found_inf to be None"):
            plain.step()
    close(*found)


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
    # A gradient that has a history is cut off from it, and stays the same object.
    for grad in (t.ones(2, requires_grad=True), t.ones(2, requires_grad=True) * 2):
        p.grad = grad
        optimizer.zero_grad(False)
        print(p.grad is grad, grad, grad.requires_grad)


KINDS = (
    "SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop", "Adafactor",
    "Muon", "LBFGS",
)  # fmt: skip


@program
def ranges(t: Any) -> None:
    p = t.nn.Parameter(t.ones(1, 1))
    for kind in KINDS:
        cls = getattr(t.optim, kind)
        for option, value in (
            ("lr", -1.0), ("weight_decay", -1.0), ("eps", -1.0), ("momentum", -1.0), ("alpha", -1.0), ("lr_decay", -1.0),
            ("initial_accumulator_value", -1.0), ("momentum_decay", -1.0), ("beta2_decay", 0.5), ("d", 0.5),
            ("eps", (-1.0, 0.1)), ("eps", (0.1, -1.0)), ("betas", (1.0, 0.9)), ("betas", (0.9, -0.1)), ("rho", 1.5),
            ("etas", (1.5, 2.0)), ("adjust_lr_fn", "half"), ("lr", t.ones(2)), ("lr", float("nan")),
        ):  # fmt: skip
            try:
                cls([p], **{option: value})
            except ValueError as error:
                print(kind, error)
            except TypeError:
                print(kind, option, "unknown")


def attempt_briefly(what: Callable[[], Any]) -> None:
    """`attempt` without what our messages say of what came."""
    try:
        print(repr(what()))
    except Exception as error:
        print(f"{type(error).__name__}: {str(error).split(', got ')[0]}")


@program
def excluded(t: Any) -> None:
    p = t.nn.Parameter(t.ones(1))
    p.grad = t.ones(1)
    o = t.optim
    attempt(lambda: o.SGD([p], lr=0.1, nesterov=True))
    attempt(lambda: o.SGD([p], lr=0.1, nesterov=True, momentum=0.5, dampening=0.1))
    attempt(lambda: o.Adam([p], betas=(0, 0.9)))
    attempt(lambda: o.Adam([p], betas=(t.tensor(0.9), 0.9)))
    attempt(lambda: o.Adam([p], betas=(t.tensor([0.9, 0.8]), t.tensor(0.9))))
    attempt(lambda: o.Adam([p], betas=(t.tensor(0.9), t.tensor(0.9)), foreach=True))
    attempt(lambda: o.Adam([p], lr=t.tensor(0.1), foreach=True))
    attempt(lambda: o.LBFGS([{"params": [p]}, {"params": [t.nn.Parameter(t.ones(1))]}]))
    attempt(lambda: o.Muon([p]))
    for kind in ("SGD", "Adam", "AdamW", "Adagrad"):
        attempt(lambda kind=kind: getattr(o, kind)([p], fused=True, foreach=True))
        attempt(lambda kind=kind: getattr(o, kind)([p], fused=True, differentiable=True))
        c = t.nn.Parameter(t.ones(1, dtype=t.complex64))
        c.grad = t.ones(1, dtype=t.complex64)
        attempt(lambda kind=kind, c=c: getattr(o, kind)([c], fused=True).step())
    for kind in KINDS:
        for options in ({"capturable": True}, {"capturable": True, "foreach": True}):
            try:
                optimizer = getattr(o, kind)([p], **options)
            except (TypeError, ValueError):
                continue
            attempt(optimizer.step)
    q = p.clone()
    q.grad = t.ones(1)
    for kind in KINDS[1:-3]:
        attempt(lambda kind=kind: getattr(o, kind)([q], differentiable=True, foreach=True).step())
    c = t.nn.Parameter(t.ones(1, 1, dtype=t.complex64))
    c.grad = t.ones(1, 1, dtype=t.complex64)
    attempt(lambda: o.Muon([c]).step())
    attempt(lambda: o.Adafactor([c]).step())
    attempt(lambda: o.LBFGS([p]).step())
    m = t.nn.Parameter(t.ones(2, 2))
    m.grad = t.ones(2, 2)
    attempt_briefly(lambda: o.Muon([m], ns_steps=100).step())
    attempt_briefly(lambda: o.LBFGS([p], line_search_fn="weak").step(lambda: (p * p).sum()))


@program
def sparse_gradients(t: Any) -> None:
    for kind in KINDS[1:-1]:
        table = t.nn.Embedding(3, 2, sparse=True)
        table(t.tensor([1])).sum().backward()
        optimizer = getattr(t.optim, kind)([table.weight])
        if kind != "Adagrad":
            attempt(optimizer.step)
    attempt(t.optim.SGD([table.weight], fused=True).step)
    for options in ({}, {"maximize": True}, {"momentum": 0.5}):
        with t.no_grad():
            table.weight.fill_(1.0)
        optimizer = t.optim.SGD([table.weight], lr=0.5, **options)
        for _ in range(3):
            optimizer.step()
        print(table.weight.detach())


@program
def checks_of_functions(t: Any) -> None:
    import importlib

    p, g, s = t.ones(1), t.ones(1), t.zeros(1)
    for name, lists, options in (
        ("adagrad", [[s], [0]], {"lr": 1, "weight_decay": 0, "lr_decay": 0, "eps": 0, "maximize": False}),
        ("adadelta", [[s], [s], [0]], {"lr": 1, "rho": 1, "eps": 0, "weight_decay": 0, "maximize": False}),
        ("radam", [[s], [s], [0]], {"lr": 1, "beta1": 0, "beta2": 0, "eps": 0, "weight_decay": 0}),
        ("adamax", [[s], [s], [0]], {"lr": 1, "beta1": 0, "beta2": 0, "eps": 0, "weight_decay": 0}),
        (
            "nadam",
            [[s], [s], [1.0], [t.zeros(())]],
            {"lr": 1, "beta1": 0, "beta2": 0, "eps": 0, "weight_decay": 0, "momentum_decay": 0},
        ),
    ):
        module = importlib.import_module(f"{t.__name__}.optim.{name}")
        attempt(lambda: getattr(module, name)([p], [g], *lists, **options))
    muon = importlib.import_module(f"{t.__name__}.optim._muon").muon
    options = {
        "lr": 1, "weight_decay": 0, "momentum": 0, "nesterov": False, "ns_coefficients": (1, 2, 3), "ns_steps": 1,
        "eps": 1e-7, "adjust_lr_fn": None,
    }  # fmt: skip
    attempt(lambda: muon([p], [g], [s], foreach=True, has_complex=False, **options))
    attempt(lambda: muon([p], [g], [s], has_complex=True, **options))
    options["ns_coefficients"] = (1,)
    attempt_briefly(lambda: muon([t.ones(1, 1)], [t.ones(1, 1)], [t.ones(1, 1)], has_complex=False, **options))
    attempt_briefly(lambda: muon([p], [g], [s], has_complex=False, **options))


@program
def named(t: Any) -> None:
    a, b, c = (t.nn.Parameter(t.ones(1)) for _ in range(3))
    optimizer = t.optim.SGD([{"params": [("a", a)]}, {"params": [("b", b)], "lr": 0.5}], lr=0.1)
    print([list(group) for group in optimizer.param_groups], optimizer.state_dict())
    print(optimizer)
    attempt(lambda: optimizer.add_param_group({"params": [c]}))
    attempt(lambda: t.optim.SGD([a]).add_param_group({"params": [("b", b)]}))
    attempt(lambda: t.optim.SGD([("a", a), b]))
    plain = t.optim.SGD([{"params": [a]}, {"params": [b]}], lr=3.0)
    optimizer.load_state_dict(plain.state_dict())
    print(optimizer.state_dict())
    renamed = t.optim.SGD([{"params": [("x", a)]}, {"params": [("y", b)]}])
    optimizer.load_state_dict(renamed.state_dict())
    print([group["param_names"] for group in optimizer.param_groups])
    model = t.nn.Linear(1, 1)
    print(t.optim.AdamW(model.named_parameters()).param_groups[0]["param_names"])


@program
def old_checkpoints(t: Any) -> None:
    """Options that an older version did not know, and counts that were numbers."""
    for kind in KINDS[:-2]:
        p = t.nn.Parameter(t.ones(2))
        optimizer = getattr(t.optim, kind)([p])
        p.grad = t.ones(2)
        optimizer.step()
        state = optimizer.state_dict()
        for group in state["param_groups"]:
            for name in ("foreach", "maximize", "differentiable", "capturable", "fused", "amsgrad", "centered"):
                group.pop(name, None)
        for of_param in state["state"].values():
            for name in ("step", "eta", "mu", "mu_product"):
                if name in of_param:
                    of_param[name] = of_param[name].item()
        optimizer.load_state_dict(state)
        print(
            kind,
            sorted(optimizer.param_groups[0]),
            {
                k: (v.dtype, tuple(v.shape))
                for k, v in optimizer.state[p].items()
                if k in ("step", "eta", "mu", "mu_product")
            },
        )
        attempt(optimizer.step)
        print(optimizer.state_dict()["state"])


@program
def loaded_state_is_shared(t: Any) -> None:
    p = t.nn.Parameter(t.ones(2))
    p.grad = t.ones(2)
    one, two = t.optim.SGD([p], momentum=0.9), t.optim.SGD([p], momentum=0.9)
    one.step()
    two.load_state_dict(one.state_dict())
    print(two.state[p]["momentum_buffer"] is one.state[p]["momentum_buffer"])
    d = t.nn.Parameter(t.ones(2, dtype=t.float64))
    three = t.optim.SGD([d], momentum=0.9)
    three.load_state_dict(one.state_dict())
    print(three.state[d]["momentum_buffer"].dtype)


@program
def default_type(t: Any) -> None:
    t.set_default_dtype(t.float64)
    try:
        p = t.nn.Parameter(t.ones(2))
        p.grad = t.ones(2)
        for kind in KINDS[1:-2]:
            optimizer = getattr(t.optim, kind)([p])
            optimizer.step()
            print(kind, [(k, v.dtype) for k, v in optimizer.state[p].items()])
        optimizer = t.optim.Adam([p], fused=True)
        optimizer.step()
        print(optimizer.state[p]["step"].dtype)
    finally:
        t.set_default_dtype(t.float32)


@program
def derived(t: Any) -> None:
    """A user's optimizer: its step runs with gradients recorded as they were, its hooks run, options may be required."""
    required = sys.modules[t.optim.Optimizer.__module__].required
    recording = sys.modules[t.optim.Optimizer.__module__]._use_grad_for_differentiable

    class Plain(t.optim.Optimizer):
        def __init__(self, params: Any, rate: Any = required) -> None:
            super().__init__(params, {"rate": rate})

        def step(self, closure: Any = None) -> Any:
            print("recording", t.is_grad_enabled())
            loss = closure()
            with t.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p.add_(p.grad, alpha=-group["rate"])
            return loss

    class Quiet(Plain):
        @recording
        def step(self, closure: Any = None) -> Any:
            print("recording", t.is_grad_enabled())

    p = t.nn.Parameter(t.ones(2))
    attempt(lambda: Plain([p]))
    attempt(lambda: Plain([{"params": [p]}]))
    optimizer = Plain([p], rate=0.5)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: print("pre", len(args), kwargs))

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    print(optimizer.step(closure), p.detach(), optimizer)
    quiet = Quiet([p], rate=1.0)
    quiet.defaults["differentiable"] = False
    quiet.step()
    print(Plain.step.hooked, t.optim.SGD.step.hooked)
    print(required, t.optim.Optimizer([p], {}))


@program
def changed_arguments(t: Any) -> None:
    p = t.nn.Parameter(t.ones(1))
    optimizer = t.optim.SGD([p], lr=0.1)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: (args, {"closure": lambda: "from the hook"}))
    print(optimizer.step())
    optimizer.register_state_dict_post_hook(lambda o, state: {"wrapped": state})
    print(list(optimizer.state_dict()))
    optimizer.register_load_state_dict_pre_hook(lambda o, state: state["wrapped"])
    optimizer.register_load_state_dict_pre_hook(lambda o, state: print("first", list(state)), prepend=True)
    optimizer.register_load_state_dict_post_hook(lambda o: print("second"))
    optimizer.register_load_state_dict_post_hook(lambda o: print("first"), prepend=True)
    optimizer.register_state_dict_pre_hook(lambda o: print("second"))
    optimizer.register_state_dict_pre_hook(lambda o: print("first"), prepend=True)
    optimizer.load_state_dict(optimizer.state_dict())


@program
def swapped(t: Any) -> None:
    a, b = t.nn.Parameter(t.ones(2)), t.nn.Parameter(t.ones(1))
    x, y = t.nn.Parameter(t.zeros(2)), t.nn.Parameter(t.zeros(1))
    optimizer = t.optim.Adam([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.1)
    swap = t.optim.swap_in_optimizer_params_and_state

    def attempt_swap(parameters: Any, state: Any) -> None:
        try:
            with swap(optimizer, parameters, state):
                print("within")
        except RuntimeError as error:
            print(str(error).split(": expected")[0].rstrip("."))

    state = optimizer.state_dict()
    attempt_swap({"a": x, "b": y}, state)
    for p in (a, b, x, y):
        p.grad = t.ones_like(p)
    optimizer.step()
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][0]["lr"] = 1.0
    live = optimizer.state
    with swap(optimizer, {"a": x, "b": y}, state):
        print(optimizer.param_groups[0]["params"][0] is x, optimizer.param_groups[0]["lr"])
        optimizer.step()
    print(x.detach(), y.detach(), a.detach(), optimizer.state is live, optimizer.param_groups[0]["lr"])
    print(state["state"][0]["step"], optimizer.state[a]["step"])
    attempt_swap({"a": x}, state)
    attempt_swap({"a": x, "b": y}, {**state, "state": []})
    attempt_swap({"a": x, "b": y}, {**state, "state": {0: 3}})
    attempt_swap({"a": x, "b": y}, {**state, "state": {7: {}}})
    attempt_swap({"a": x, "b": y}, {**state, "param_groups": {}})
    attempt_swap({"a": x, "b": y}, {**state, "param_groups": state["param_groups"][:1]})
    attempt_swap({"a": x, "b": y}, {**state, "param_groups": [3, 4]})
    attempt_swap({"a": x, "b": y}, {**state, "param_groups": [{**g, "params": [x]} for g in state["param_groups"]]})
    attempt_swap({"a": x, "b": y}, {**state, "param_groups": [{**g, "params": [0, 1]} for g in state["param_groups"]]})
    attempt_swap({"a": x, "b": y}, {**state, "param_groups": [{**g, "new": 1} for g in state["param_groups"]]})


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
