"""Bounds on gradients, parameters as vectors, stateless calls, containers and lazy modules against PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


def with_gradients(t: Any, *values: list[float]) -> list[Any]:
    parameters = []
    for value in values:
        parameter = t.nn.Parameter(t.zeros(len(value)))
        parameter.grad = t.tensor(value)
        parameters.append(parameter)
    return parameters


@program
def clip_grad_norm(t: Any) -> None:
    U = t.nn.utils
    for order in (2, 2.0, 1, 3, 0, float("inf"), "inf", float("-inf"), 0.5):
        for bound in (1, 2.5, 100.0):
            parameters = with_gradients(t, [3.0, -4.0, 0.0], [1.0])
            parameters.append(t.nn.Parameter(t.ones(2)))
            print(order, bound, U.clip_grad_norm_(parameters, bound, order), [p.grad for p in parameters])
    single = with_gradients(t, [3.0, 4.0])[0]
    print(U.clip_grad_norm_(single, 1.0, foreach=True), single.grad)
    print(U.clip_grad_norm_(iter(with_gradients(t, [3.0], [4.0])), max_norm=1.0, foreach=False))
    print(U.clip_grad_norm_([], 1.0), U.clip_grad_norm_(t.nn.Parameter(t.ones(2)), 1.0))
    print(U.clip_grad_norm_((p for p in ()), 1.0))
    print(U.clip_grad_norm(with_gradients(t, [3.0, 4.0]), 1.0))
    for bad in (float("nan"), float("inf"), -float("inf")):
        parameters = with_gradients(t, [bad, 1.0], [2.0])
        attempt(lambda: U.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True))
        print(parameters[1].grad, U.clip_grad_norm_(parameters, 1.0), [p.grad for p in parameters])
    attempt(lambda: U.clip_grad_norm_(with_gradients(t, [1.0]), 1.0, "two"))


@program
def clip_grad_norm_of_other_types(t: Any) -> None:
    U = t.nn.utils
    for dtypes in (("float64",), ("float16",), ("float32", "float64"), ("float32", "bfloat16"), ("complex64",)):
        parameters = []
        for name in dtypes:
            parameter = t.nn.Parameter(t.zeros(2, dtype=getattr(t, name)))
            parameter.grad = t.tensor([3.0, 4.0], dtype=getattr(t, name))
            parameters.append(parameter)
        print(U.clip_grad_norm_(parameters, 1.0), [p.grad for p in parameters])


@program
def pieces_of_clipping(t: Any) -> None:
    U = t.nn.utils
    parameters = with_gradients(t, [3.0, 4.0], [12.0])
    total = U.get_total_norm([p.grad for p in parameters])
    print(total, total.requires_grad, U.get_total_norm(parameters[0].grad, 1), U.get_total_norm([]))
    print(U.get_total_norm(p.grad for p in parameters))
    print(U.get_total_norm([t.ones(2, requires_grad=True)]).requires_grad)
    print(U.clip_grads_with_norm_(parameters, 6.5, total), [p.grad for p in parameters])
    print(U.clip_grads_with_norm_(parameters[0], 100, total), parameters[0].grad, U.clip_grads_with_norm_([], 1, total))
    print(U.clip_grad_value_(parameters, 1), [p.grad for p in parameters])
    print(U.clip_grad_value_(parameters[0], clip_value=0.5, foreach=True), parameters[0].grad)
    attempt(lambda: U.get_total_norm([t.tensor([float("nan")])], error_if_nonfinite=True))
    net = t.nn.Linear(3, 1)
    net(t.ones(3)).backward()
    grad = net.weight.grad
    U.clip_grad_norm_(net.parameters(), 0.1)
    print(net.weight.grad is grad, grad)


@program
def vectors(t: Any) -> None:
    U = t.nn.utils
    net = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Linear(2, 1))
    vector = U.parameters_to_vector(net.parameters())
    print(vector, type(vector.grad_fn).__name__)
    (vector * t.arange(9.0)).sum().backward()
    print([p.grad for p in net.parameters()])
    weight = net[0].weight
    values = t.arange(9.0)
    print(U.vector_to_parameters(values, net.parameters()), [p.data for p in net.parameters()])
    values[0] = 7
    print(weight, net[0].weight is weight, weight.requires_grad)
    U.vector_to_parameters(vec=t.arange(20.0), parameters=net.parameters())
    print(net[1].bias)
    attempt(lambda: U.vector_to_parameters(t.arange(5.0), net.parameters()))
    print([type(p).__name__ for p in net.parameters()])


@program
def skip_init(t: Any) -> None:
    print(t.nn.utils.skip_init(t.nn.Linear, 2, 1))
    print(t.rand(1))
    layer = t.nn.utils.skip_init(t.nn.Conv2d, 2, out_channels=1, kernel_size=2, dtype=t.float64, device="cpu")
    print(layer, layer.weight.dtype, layer.weight.shape, layer.bias.requires_grad, type(layer.weight).__name__)
    print(t.rand(1))
    layer = t.nn.utils.skip_init(t.nn.BatchNorm1d, 2)
    print(layer, list(layer.state_dict()))

    class Own(t.nn.Module):
        def __init__(self, n: int, device: Any = None) -> None:
            super().__init__()
            self.weight = t.nn.Parameter(t.empty(n, device=device))
            t.nn.init.normal_(self.weight)

    print(t.nn.utils.skip_init(Own, 3).weight.shape, t.rand(1))
    attempt(lambda: t.nn.utils.skip_init(t.nn.ReLU))
    attempt(lambda: t.nn.utils.skip_init(int))


@program
def factory_kwargs(t: Any) -> None:
    F = t.nn.factory_kwargs
    print(F(None), F({}), F({"dtype": t.float64}), F({"device": "cpu", "factory_kwargs": {"dtype": t.float32}}))
    given = {"factory_kwargs": {"dtype": t.float32}}
    F({**given, "device": "cpu"})
    print(given)
    attempt(lambda: F({"x": 1}))
    attempt(lambda: F({"dtype": 1, "factory_kwargs": {"dtype": 1}}))


def tied(t: Any) -> Any:
    class Tied(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = t.nn.Linear(2, 2, bias=False)
            self.second = t.nn.Linear(2, 2, bias=False)
            self.second.weight = self.first.weight
            self.register_buffer("count", t.zeros(()))

        def forward(self, x: Any, *, scale: float = 1.0) -> Any:
            self.count = self.count + 1
            return self.second(self.first(x)) * scale

    net = Tied()
    with t.no_grad():
        net.first.weight.copy_(t.tensor([[1.0, 2.0], [3.0, 4.0]]))
    return net


@program
def functional_call(t: Any) -> None:
    call = t.func.functional_call
    layer = t.nn.Linear(2, 1)
    weight = t.ones(1, 2, requires_grad=True)
    before = layer.weight
    out = call(layer, {"weight": weight, "bias": t.zeros(1)}, t.tensor([1.0, 2.0]))
    out.sum().backward()
    print(out, weight.grad, layer.weight is before, layer.weight.grad)
    print(
        call(layer, ({"weight": weight}, {"bias": t.zeros(1)}), (t.ones(2),)),
        call(layer, [{"weight": weight}], t.ones(2)).shape,
    )
    print(call(layer, {"weight": weight, "bias": t.zeros(1)}, kwargs={"input": t.ones(2)}))
    print(call(layer, {"weight": weight, "bias": None}, (t.ones(2),)).detach(), layer.bias is not None)
    attempt(lambda: call(layer, {"weight": t.ones(3, 3)}, t.ones(2)))
    print(layer.weight is before)
    net = tied(t)
    x = t.ones(2)
    other = t.eye(2)
    print(call(net, {"first.weight": other}, x), call(net, {"second.weight": other}, x, {"scale": 2.0}))
    print(call(net, {"first.weight": other}, x, tie_weights=False), call(net, {}, x))
    print(call(net, {"first.weight": other, "second.weight": other}, x))
    attempt(lambda: call(net, {"first.weight": other, "second.weight": other * 2}, x))
    print(call(net, {"first.weight": other, "second.weight": other * 2}, x, tie_weights=False))
    tensors = {"count": t.zeros(())}
    call(net, tensors, x)
    print(tensors, net.count, net.second.weight is net.first.weight)
    for given in ({"first.weight": other}, {"first.weight": other, "count": t.ones(())}, {"x": other}, {}):
        attempt(lambda: call(net, given, x, strict=True))
    attempt(lambda: call(net, {"first.nothing": other}, x))
    print(hasattr(net.first, "nothing"))
    attempt(lambda: call(net, {"third.weight": other}, x))
    attempt(lambda: call(net, {"": other}, x))
    attempt(lambda: call(net, {"first": other}, x))
    attempt(lambda: call(net, {"first.weight": other, "first.bias": 3}, x))
    print(call(net, {}, x), net.first.weight)
    attempt(lambda: call(net, 3, x))
    attempt(lambda: call(net, (3,), x))
    attempt(lambda: call(net, ({"a": other, "b": other}, {"b": other, "a": other}), x))
    attempt(lambda: call(t.nn.DataParallel(net), {}, x))
    print(t.nn.utils.stateless.functional_call(layer, {"weight": weight, "bias": t.zeros(1)}, t.ones(2)))


@program
def functional_call_of_special_modules(t: Any) -> None:
    call = t.func.functional_call
    layer = t.nn.utils.parametrizations.weight_norm(t.nn.Linear(2, 1))
    print(call(layer, {"parametrizations.weight.original0": t.ones(1, 1)}, t.ones(2)))
    print(call(layer, {"weight": t.ones(1, 2), "bias": t.zeros(1)}, t.ones(2)), list(layer.state_dict()))
    norm = t.nn.BatchNorm1d(2)
    tensors = {"running_mean": t.zeros(2), "num_batches_tracked": t.tensor(5)}
    call(norm, tensors, t.ones(3, 2))
    print(tensors, norm.running_mean, norm.num_batches_tracked)
    with t.nn.utils.stateless._reparametrize_module(norm, {"weight": t.ones(2) * 2}):
        print(norm.weight)
    print(norm.weight)


@program
def stack_module_state(t: Any) -> None:
    stack = t.func.stack_module_state
    layers = [t.nn.BatchNorm1d(2) for _ in range(3)]
    parameters, buffers = stack(layers)
    print(parameters, buffers, [p.is_leaf for p in parameters.values()], type(parameters["weight"]).__name__)
    print(stack(t.nn.ModuleList([t.nn.Linear(2, 1).requires_grad_(False)]))[0]["weight"].requires_grad)
    attempt(lambda: stack([]))
    attempt(lambda: stack([t.nn.ReLU(), t.nn.Tanh()]))
    attempt(lambda: stack([t.nn.ReLU(), t.nn.ReLU().eval()]))
    attempt(lambda: stack([t.nn.Linear(2, 1), t.nn.Linear(2, 1).requires_grad_(False)]))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(PROGRAMS[name])
