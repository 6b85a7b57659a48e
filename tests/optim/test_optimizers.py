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
from tests.optim import configurations as tables

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


ELEMENTWISE = [n for n in tables.CONFIGURATIONS if tables.CONFIGURATIONS[n][0] not in ("Adafactor", "Muon", "LBFGS")]


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("layout", ["rows", "columns", "mixed"])
def test_large_parameters_step_as_their_parts(name: str, layout: str) -> None:
    """Large arrays are shared out among threads, in the order of their memory."""
    shape = (3, 7000)
    rng = np.random.default_rng(2)
    start = rng.standard_normal(shape).astype(np.float32)
    parts = [torch.nn.Parameter(torch.tensor(row)) for row in start]
    whole = torch.nn.Parameter(torch.tensor(start.T.copy()).t() if layout == "columns" else torch.tensor(start))
    kind = getattr(torch.optim, tables.CONFIGURATIONS[name][0])
    one, several = (kind(params, **tables.options_of(torch, name)) for params in ([whole], parts))
    for _ in range(3):
        grad = rng.standard_normal(shape).astype(np.float32)
        whole.grad = torch.tensor(grad) if layout == "rows" else torch.tensor(grad.T.copy()).t()
        for i, p in enumerate(parts):
            p.grad = torch.tensor(grad[i])
        one.step()
        several.step()
    for p, row in zip(parts, whole.detach().numpy(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), row, rtol=1e-6, atol=1e-7)


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


def test_global_hooks_and_prepended_ones() -> None:
    module = torch.optim.optimizer
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    order: list[str] = []
    handles = [
        module.register_optimizer_step_pre_hook(lambda o, a, k: order.append("all before")),
        module.register_optimizer_step_post_hook(lambda o, a, k: order.append("all after")),
        optimizer.register_state_dict_pre_hook(lambda o: order.append("second")),
        optimizer.register_state_dict_pre_hook(lambda o: order.append("first"), prepend=True),
        optimizer.register_load_state_dict_post_hook(lambda o: order.append("loaded")),
    ]
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert order == ["all before", "all after", "first", "second", "loaded"]


def test_a_users_step_records_as_it_was_recording() -> None:
    class Plain(torch.optim.Optimizer):
        def step(self, closure: Any = None) -> Any:
            loss = closure()
            loss.backward()
            with torch.no_grad():
                for p in self.param_groups[0]["params"]:
                    p -= p.grad
            return loss

    w = torch.nn.Parameter(torch.ones(2))
    optimizer = Plain([w], {})
    assert optimizer.step(lambda: (w * 3).sum()).item() == 6.0
    assert w.tolist() == [-2.0, -2.0]


def test_names_of_parameters() -> None:
    a, b = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.Adam([("a", a), ("b", b)])
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
    with pytest.raises(ValueError, match="cannot add param group without names"):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})


def test_gradients_flow_through_a_recorded_step() -> None:
    """The rate that would have been best, found by its gradient: of (w - lr · 2w)² it is zero at lr = 1/2."""
    lr = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    w = torch.tensor([3.0], dtype=torch.float64, requires_grad=True).clone()
    optimizer = torch.optim.SGD([w], lr=lr, differentiable=True)
    w.grad = 2 * w.detach()
    optimizer.step()
    (slope,) = torch.autograd.grad((w * w).sum(), lr)
    assert slope.item() == pytest.approx(0.0, abs=1e-12)


def test_complex_parameters_step_as_their_parts() -> None:
    for name in ELEMENTWISE:
        kind, options = getattr(torch.optim, tables.CONFIGURATIONS[name][0]), tables.options_of(torch, name)
        if options.get("fused"):
            continue
        real = torch.nn.Parameter(torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64))
        joined = torch.nn.Parameter(torch.view_as_complex(real.detach().clone()))
        both = kind([real], **options), kind([joined], **options)
        for step in range(3):
            real.grad = torch.tensor([[0.3, -0.2], [1.0, 0.1]], dtype=torch.float64) * (step - 0.5)
            joined.grad = torch.view_as_complex(real.grad)
            for optimizer in both:
                optimizer.step()
        np.testing.assert_allclose(torch.view_as_real(joined.detach()).numpy(), real.detach().numpy(), rtol=1e-7)


def test_a_copied_lbfgs_goes_on() -> None:
    w = torch.nn.Parameter(torch.tensor([3.0, -1.0]))
    optimizer = torch.optim.LBFGS([w], max_iter=2)
    twin = copy.deepcopy(optimizer)
    for one in (optimizer, twin):
        (p,) = one.param_groups[0]["params"]

        def closure(p: Any = p, one: Any = one) -> Any:
            one.zero_grad()
            loss = ((p - 1) ** 4).sum()
            loss.backward()
            return loss

        one.step(closure)
    assert twin.param_groups[0]["params"][0].tolist() == w.tolist()


def give_gradient_of_one() -> float:
    W.grad = torch.ones(1)
    return 1.0


def swapped_without_a_step() -> None:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])
    with torch.optim.swap_in_optimizer_params_and_state(optimizer, {}, optimizer.state_dict()):
        pass


def stepped(kind: str, param: Any = None, **options: Any) -> None:
    p = torch.nn.Parameter(torch.ones(2, 2)) if param is None else param
    p.grad = torch.ones_like(p)
    getattr(torch.optim, kind)([p], **options).step()


COMPLEX = torch.nn.Parameter(torch.ones(2, 2, dtype=torch.complex64))
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
    "some names": (lambda: torch.optim.SGD([("w", W), W]), ValueError, "Some param names are missing"),
    "rates": (lambda: torch.optim.Adam([W], lr=torch.ones(2)), ValueError, "Tensor lr must be 1-element"),
    "kinds of betas": (
        lambda: torch.optim.Adam([W], betas=(0.9, torch.tensor(0.9))),
        ValueError,
        "both floats or both",
    ),
    "ways": (lambda: torch.optim.Adam([W], fused=True, foreach=True), RuntimeError, "cannot be `True` together"),
    "recorded and fused": (
        lambda: torch.optim.SGD([W], fused=True, differentiable=True),
        RuntimeError,
        "`fused` does not support `differentiable`",
    ),
    "capturable": (lambda: stepped("Adam", capturable=True), AssertionError, "must be on supported devices: .*'xla'"),
    "capturable lists": (
        lambda: stepped("NAdam", capturable=True, foreach=True),
        AssertionError,
        "If capturable=True, params, mu_products, and state_steps must be on supported devices: .*'privateuseone'",
    ),
    "complex and fused": (
        lambda: stepped("Adam", COMPLEX, fused=True),
        RuntimeError,
        "requires all the params to be floating point Tensors",
    ),
    "etas": (lambda: torch.optim.Rprop([W], etas=(1.5, 2.0)), ValueError, "Invalid eta values: 1.5, 2.0"),
    "momentum decay": (lambda: torch.optim.NAdam([W], momentum_decay=-1.0), ValueError, "Invalid momentum_decay value"),
    "beta2_decay": (lambda: torch.optim.Adafactor([W], beta2_decay=0.5), ValueError, "beta2_decay should be <= 0"),
    "clipping": (lambda: torch.optim.Adafactor([W], d=0.5), ValueError, "Clipping threshold d should be >= 1"),
    "complex Adafactor": (lambda: stepped("Adafactor", COMPLEX), RuntimeError, "does not support complex parameters"),
    "vector": (lambda: torch.optim.Muon([W]), ValueError, "Muon only supports 2D parameters"),
    "adjustment": (lambda: torch.optim.Muon([W], adjust_lr_fn="half"), ValueError, "half is not supported"),
    "Newton's steps": (lambda: stepped("Muon", ns_steps=100), ValueError, "Number of steps must be less than 100"),
    "line search": (
        lambda: torch.optim.LBFGS([W], line_search_fn="weak").step(lambda: give_gradient_of_one()),
        RuntimeError,
        "only 'strong_wolfe' is supported, got 'weak'",
    ),
    "groups of LBFGS": (
        lambda: torch.optim.LBFGS([{"params": [W]}, {"params": [torch.nn.Parameter(torch.ones(1))]}]),
        ValueError,
        "LBFGS doesn't support per-parameter options",
    ),
    "swapped too early": (swapped_without_a_step, RuntimeError, "requires initialized optimizer state"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
