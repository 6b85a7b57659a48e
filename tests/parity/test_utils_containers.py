"""Edges of containers, lazy modules and modules that stand in several places, against PyTorch."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def hooks_on_containers(t: Any) -> None:
    nn = t.nn
    net = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 1))
    calls: list[str] = []
    handles = [
        net.register_forward_pre_hook(lambda m, args: calls.append(f"pre {len(args)}")),
        net[0].register_forward_pre_hook(lambda m, args, kw: calls.append(f"inner pre {len(kw)}"), with_kwargs=True),
        net[0].register_forward_hook(lambda m, args, out: out * 2),
        net.register_forward_hook(lambda m, args, out: calls.append("post"), prepend=True),
        net.register_full_backward_hook(lambda m, gi, go: calls.append(f"backward {len(gi)} {len(go)}")),
        net[0].register_full_backward_pre_hook(lambda m, go: (go[0] * 3,)),
        net[1].register_forward_hook(lambda m, args, out: calls.append("always"), always_call=True),
    ]
    x = t.ones(3, 2, requires_grad=True)
    net(x).sum().backward()
    print(calls, x.grad, net[0][0].weight.grad)
    attempt(lambda: net(t.ones(3, 5)))
    print(calls)
    for handle in handles:
        handle.remove()
    calls.clear()
    net(x)
    print(calls, [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()])
    layers = nn.ModuleList([nn.ReLU()])
    layers.register_forward_pre_hook(lambda m, args: print("never computes"))
    attempt(lambda: layers(x))
    attempt(lambda: nn.ModuleDict({"a": nn.ReLU()})(x))


@program
def one_module_twice(t: Any) -> None:
    nn = t.nn
    shared = nn.Linear(2, 2)
    net = nn.Sequential(shared, nn.ReLU(), shared)
    print(net, len(list(net.parameters())), list(net.state_dict()), len(list(net.modules())))
    print([name for name, _ in net.named_parameters(remove_duplicate=False)])
    print([name for name, _ in net.named_modules(remove_duplicate=False)], [n for n, _ in net.named_children()])
    twin = copy.deepcopy(net)
    print(twin[0] is twin[2], pickle.loads(pickle.dumps(net))[0].weight is shared.weight)
    net(t.ones(1, 2)).sum().backward()
    print(shared.weight.grad)
    net.double()
    print(net[2].weight.dtype, net[0] is net[2])
    state = {key: value + (1 if key.startswith("2") else 0) for key, value in net.state_dict().items()}
    print(net.load_state_dict(state), t.equal(shared.weight, state["2.weight"]))
    net.apply(lambda m: print(type(m).__name__, end=" "))
    print()
    weights = nn.ParameterList([shared.weight, shared.weight])
    print(weights, len(list(weights.parameters())), list(weights.state_dict()))
    holder = nn.ModuleDict({"a": shared, "b": shared})
    print(holder, list(holder.state_dict()), holder["a"] is holder["b"])
    nested = nn.ModuleList([nn.ModuleList([shared]), shared])
    print(nested, list(nested.state_dict()))


@program
def nested_lazies(t: Any) -> None:
    nn = t.nn

    def make() -> Any:
        layers = (nn.LazyConv2d(3, 2), nn.LazyBatchNorm2d(), nn.Flatten(), nn.Sequential(nn.LazyLinear(4), nn.ReLU()))
        return nn.Sequential(*layers)

    net = make()
    print(net, [type(p).__name__ for p in net.parameters()], list(net.state_dict()))
    attempt(lambda: net[3][0].weight.shape)
    twin = make()
    print(twin, copy.deepcopy(twin[3]))
    print(net(t.ones(2, 1, 3, 3)).shape)
    print(net, [tuple(p.shape) for p in net.parameters()], [tuple(b.shape) for b in net.buffers()])
    print([type(m).__name__ for m in net.modules()])
    print(twin.load_state_dict(net.state_dict()), twin)
    print(twin(t.ones(2, 1, 3, 3)).shape, twin)
    other = nn.Sequential(nn.LazyConv2d(3, 2), nn.LazyBatchNorm2d())
    print(type(other[0].state_dict()["weight"]).__name__)
    half = nn.LazyLinear(2).to(t.float64)
    print(half(t.ones(1, 3, dtype=t.float64)).dtype, half.weight.dtype)
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        nn.LazyLinear(2).weight + 1
    attempt(lambda: t.optim.SGD(nn.LazyLinear(2).parameters(), lr=0.1))
    attempt(lambda: t.nn.LazyLinear(2).share_memory())
    attempt(lambda: t.nn.DataParallel(t.nn.LazyLinear(2))._replicate_for_data_parallel())
    attempt(lambda: t.nn.LazyLinear(2)._replicate_for_data_parallel())
    print(pickle.loads(pickle.dumps(nn.LazyLinear(2))))


@program
def own_lazy_module(t: Any) -> None:
    from importlib import import_module

    lazy = import_module(f"{t.__name__}.nn.modules.lazy").LazyModuleMixin

    class Scale(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = t.nn.Parameter(t.ones(1))

        def forward(self, x: Any, twice: bool = False) -> Any:
            return x * self.weight * (2 if twice else 1)

    class LazyScale(lazy, Scale):
        cls_to_become = Scale

        def __init__(self) -> None:
            super().__init__()
            self.weight = t.nn.UninitializedParameter()
            self.register_buffer("mean", t.nn.UninitializedBuffer())

        def initialize_parameters(self, x: Any, twice: bool = False) -> None:
            if self.has_uninitialized_params():
                print("initialize", tuple(x.shape), twice)
                with t.no_grad():
                    self.weight.materialize(x.shape[-1:])
                    self.weight.fill_(2.0)
                    self.mean.materialize(x.shape[-1:])

    module = LazyScale()
    print(module, module.has_uninitialized_params(), type(module).__name__, list(module.state_dict()))
    print(module(t.ones(3), twice=True), type(module).__name__, module.weight, len(module._forward_pre_hooks))
    print(type(module.mean).__name__, module.mean.shape, len(module._load_state_dict_pre_hooks))
    loaded = LazyScale()
    print(loaded.load_state_dict({"weight": t.ones(4), "mean": t.zeros(4)}), loaded.has_uninitialized_params())
    print(type(loaded).__name__, loaded(t.ones(4)), type(loaded).__name__)
    attempt(lambda: LazyScale().load_state_dict({"weight": t.ones(4)}))

    class Forgetful(LazyScale):
        def initialize_parameters(self, x: Any) -> None:
            pass

    attempt(lambda: Forgetful()(t.ones(3)))
    attempt(lambda: type("NoInit", (lazy, Scale), {})()(t.ones(3)))
    stay = type("Stay", (LazyScale,), {"cls_to_become": None})()
    print(stay(t.ones(2)), type(stay).__name__)
    print(isinstance(t.nn.LazyLinear(1), lazy), isinstance(t.nn.LazyLinear(1), t.nn.Linear))
    layer = t.nn.LazyLinear(1)
    print(type(layer(t.ones(2))).__name__, isinstance(layer, lazy))


@program
def containers_of_containers(t: Any) -> None:
    nn = t.nn
    net = nn.Sequential(
        OrderedDict([("a", nn.ModuleDict({"x": nn.Linear(1, 1)})), ("b", nn.ParameterList([t.ones(2)]))])
    )
    print(net, list(net.state_dict()), net.get_submodule("a.x"), net.get_parameter("b.0"))
    net.set_submodule("a.x", nn.ReLU())
    net.a["y"] = nn.Identity()
    print(net.a, net.a.y, "y" in net.a, list(net.a.keys()))
    del net.a["x"]
    net.add_module("c", nn.ModuleList())
    net.c.append(nn.ParameterDict({"p": t.zeros(1)}))
    print(net, [n for n, _ in net.named_parameters()])
    net[0] = nn.Tanh()
    print(net, len(net), net[0], net[-1])
    attempt(lambda: net["a"])
    print(nn.ModuleList(nn.Sequential(nn.ReLU(), nn.Tanh())), nn.Sequential(*nn.ModuleList([nn.ReLU()])))
    print(nn.ModuleList(), nn.ModuleDict(), nn.Sequential(), nn.ParameterList(), nn.ParameterDict())
    print(nn.ModuleList([nn.ReLU() for _ in range(3)] + [nn.Linear(1, 1)] * 2))
    print(repr(nn.Sequential(nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU()))))
    shrunk = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.Sigmoid()])
    del shrunk[-1]
    print(shrunk, shrunk.pop(-1), [name for name, _ in shrunk.named_children()])
    attempt(lambda: shrunk.pop(5))
    attempt(lambda: shrunk.insert(9, nn.ReLU()))
    attempt(lambda: shrunk.__setitem__(4, nn.ReLU()))
    attempt(lambda: shrunk.__delitem__(4))
    params = nn.ParameterList([t.ones(1), [1, 2], {"a": 1}])
    print(params[1], params[2], [type(p).__name__ for p in params], params)
    print(nn.ParameterDict({"n": None, "k": t.ones(1)}), nn.ParameterDict({"a": nn.Parameter(t.ones(1), False)}))


@program
def module_methods(t: Any) -> None:
    nn = t.nn
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    print(net.to_empty(device="cpu") is net, net[0].weight.shape, net[0].weight.requires_grad)
    print(net.type(t.float64)[0].weight.dtype, net[1].num_batches_tracked.dtype, net.float()[0].weight.dtype)
    print(net.half()[0].weight.dtype, net.bfloat16()[0].weight.dtype, net.cpu() is net)
    attempt(lambda: net.cuda())
    attempt(lambda: net.to("cuda"))
    attempt(lambda: net.to(t.int64))
    print(net.to(dtype=t.float32, non_blocking=True)[0].weight.dtype, net.to(t.ones(1, dtype=t.float64))[0].bias.dtype)
    print(
        net.extra_repr(), net._get_name(), net.train(False).training, net.requires_grad_(False)[0].weight.requires_grad
    )
    attempt(lambda: net.get_parameter("0.x"))
    attempt(lambda: net.get_buffer("0.weight"))
    attempt(lambda: net.get_submodule("5"))
    attempt(lambda: net.set_submodule("0.weight", nn.ReLU(), strict=True))
    net.set_extra_state if hasattr(net, "set_extra_state") else print("none")
    attempt(lambda: net.get_extra_state())
    attempt(lambda: net.set_extra_state(1))
    attempt(lambda: net.load_state_dict([1]))
    attempt(lambda: net.load_state_dict({"x": t.ones(1)}, strict=False))
    print(net.load_state_dict(net.state_dict(), assign=True), net.state_dict(prefix="p.").keys())
    destination: Any = OrderedDict()
    net.state_dict(destination=destination, prefix="q.", keep_vars=True)
    print([(key, type(value).__name__) for key, value in destination.items()])
    print([n for n, _ in net.named_buffers(prefix="m", recurse=True)], list(net.named_parameters("n", recurse=False)))
    print(len(list(net.buffers(recurse=False))), len(list(net.children())), net.zero_grad(set_to_none=False))
    print(nn.Flatten(0, 1), nn.Unflatten(1, (2, 1)), nn.Unflatten(dim=-1, unflattened_size=[1, 2])(t.ones(3, 2)).shape)
    attempt(lambda: nn.Unflatten(1, 2))
    attempt(lambda: nn.Unflatten(1, (1.0,)))
    attempt(lambda: nn.Unflatten("c", (1, 2)))
    attempt(lambda: nn.Unflatten(0, (3, 3))(t.ones(4)))
    attempt(lambda: nn.Flatten(3)(t.ones(2, 2)))
    print(nn.Flatten()(t.ones(2, 3, 4)).shape, nn.Flatten(start_dim=-2, end_dim=-1)(t.ones(2, 3, 4)).shape)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(PROGRAMS[name])
