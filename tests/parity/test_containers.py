"""Programs about containers and parameters: they print on rushlight what they print on torch."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import pytest

import rushlight
from tests.parity.programs import Program, attempt, run

torch = pytest.importorskip("torch")

PROGRAMS: list[Program] = []


def program(function: Program) -> Program:
    PROGRAMS.append(function)
    return function


@program
def sequential(t: Any) -> None:
    nn = t.nn
    net = nn.Sequential(OrderedDict(first=nn.Identity(), second=nn.Flatten()))
    print(net, net.first, net[0], net[-1], len(net), list(net), net[1:])
    attempt(lambda: net[2])
    attempt(lambda: net["first"])
    attempt(lambda: net[-3])
    net[0] = nn.Unflatten(0, (1, 1))
    print(net)
    print(net.append(nn.Identity()) is net)
    net = nn.Sequential(nn.Identity(), nn.Flatten())
    print(net.insert(1, nn.Unflatten(0, (2, 3))) is net, net.insert(-1, nn.Identity()), net.insert(4, nn.Flatten(2)))
    attempt(lambda: net.insert(9, nn.Identity()))
    attempt(lambda: net.insert(0, 3))
    print(net.extend([nn.Identity()]), net.pop(0), net.pop(-1), net)
    del net[0]
    del net[1:]
    print(net, [n for n in dir(net) if n.isdigit()])
    print(net + nn.Sequential(nn.Identity()), net * 2, 2 * net)
    attempt(lambda: net + [1])  # noqa: RUF005
    attempt(lambda: net * 0)
    attempt(lambda: net * "a")
    net += nn.Sequential(nn.Identity())
    net *= 2
    print(net)
    attempt(lambda: nn.Sequential(1))
    attempt(lambda: nn.Sequential([nn.Identity()]))
    attempt(lambda: nn.Sequential()(3))


@program
def module_list(t: Any) -> None:
    nn = t.nn
    modules = nn.ModuleList([nn.Identity(), nn.Flatten()])
    modules += [nn.Identity()]
    print(modules, modules[0], modules[-1], modules[1:], len(modules), list(modules))
    attempt(lambda: modules[3])
    attempt(lambda: modules["0"])
    modules[0] = nn.Flatten()
    modules.insert(1, nn.Unflatten(0, (1,)))
    print(modules.append(nn.Identity()) is modules, modules.extend([nn.Identity()]) is modules, modules.pop(0), modules)
    del modules[0]
    del modules[::2]
    print(modules, modules.__add__([nn.Identity()]), list(modules.state_dict()))
    attempt(lambda: modules.extend(3))
    attempt(lambda: modules.append(3))
    attempt(lambda: modules(1))


@program
def module_dict(t: Any) -> None:
    nn = t.nn
    modules = nn.ModuleDict({"b": nn.Identity(), "a": nn.Flatten()})
    modules["c"] = nn.Identity()
    print(modules, list(modules), list(modules.keys()), list(modules.values()), list(modules.items()), "a" in modules)
    modules.update([["d", nn.Identity()]])
    modules.update(nn.ModuleDict({"e": nn.Flatten()}))
    print(modules.pop("a"), len(modules), modules["e"])
    del modules["e"]
    attempt(lambda: modules["e"])
    attempt(lambda: modules.update(3))
    attempt(lambda: modules.update([3]))
    attempt(lambda: modules.update([["a", "b", "c"]]))
    attempt(lambda: modules.update({"x": 3}))
    attempt(lambda: modules.update({"keys": nn.Identity()}))
    modules.clear()
    print(modules, len(modules))


@program
def parameter_list(t: Any) -> None:
    nn = t.nn
    params = nn.ParameterList([t.ones(1), nn.Parameter(t.zeros(2)), "text"])
    print(len(params), [type(p).__name__ for p in params], list(params.state_dict()), params[-1], params[0:2])
    params += [t.ones(3)]
    params[0] = t.zeros(5)
    print(
        params, params.append(t.ones(1)) is params, params.extend([t.ones(1)]) is params, len(list(params.parameters()))
    )
    attempt(lambda: params[9])
    attempt(lambda: params.extend(3))
    attempt(lambda: params.extend(t.ones(2)))
    attempt(lambda: params())
    print([n for n in dir(params) if n.isdigit()])


@program
def parameter_dict(t: Any) -> None:
    nn = t.nn
    params = nn.ParameterDict({"b": t.ones(1), "a": t.zeros(2), "text": "x"})
    print(
        list(params), list(params.keys()), list(reversed(params)), len(params), "a" in params, list(params.state_dict())
    )
    print(params.get("a"), params.get("z"), params.get("z", 3), params.setdefault("y", 7), params["y"])
    print([type(v).__name__ for v in params.values()], [k for k, _ in params.items()])
    print(params.popitem(), params.pop("text"), list(params))
    other = nn.ParameterDict([("c", t.ones(1)), ["d", t.ones(2)]])
    print(list(params | other), list(other | params), list(params.copy()), list(params.fromkeys(["q", "p"], 1)))
    params |= other
    print(params)
    params.update(OrderedDict(z=t.ones(1), x=t.ones(1)))
    print(list(params))
    del params["z"]
    attempt(lambda: params["z"])
    attempt(lambda: params[3])
    attempt(lambda: params.update(3))
    attempt(lambda: params.update([3]))
    attempt(lambda: params.update([("a", "b", "c")]))
    attempt(lambda: params(1))
    params.clear()
    attempt(lambda: params.popitem())
    print(params, len(params))


@program
def parameters(t: Any) -> None:
    nn = t.nn
    data = t.ones(2)
    p = nn.Parameter(data)
    data[0] = 5.0
    print(
        p,
        p.requires_grad,
        p.is_leaf,
        type(p).__name__,
        type(p + 1).__name__,
        type(p.data).__name__,
        type(p.detach()).__name__,
    )
    print(
        isinstance(p, nn.Parameter), isinstance(data, nn.Parameter), isinstance(p, t.Tensor), isinstance(p, nn.Buffer)
    )
    attempt(lambda: nn.Parameter(t.tensor([1])))
    attempt(lambda: nn.Parameter(t.tensor([1]), requires_grad=False))
    b = nn.Buffer(t.ones(1), persistent=False)
    print(type(b).__name__, isinstance(b, nn.Buffer), b.persistent, b)
    q = copy.deepcopy(p)
    print(q, q is p, type(q).__name__)
    twin = copy.deepcopy([p, p])
    print(twin[0] is twin[1])
    r = pickle.loads(pickle.dumps(p))
    print(r, type(r).__name__, r.requires_grad)
    p.note = "mine"
    print(pickle.loads(pickle.dumps(p)).note)


@program
def uninitialized(t: Any) -> None:
    nn = t.nn
    p = nn.UninitializedParameter()
    print(
        p, nn.UninitializedBuffer(), isinstance(p, nn.Parameter), p.dtype, p.device, p.requires_grad, p.is_leaf, p.grad
    )
    attempt(lambda: p.shape)
    attempt(lambda: p.share_memory_())
    print(copy.deepcopy(p), pickle.loads(pickle.dumps(p)), t.nn.parameter.is_lazy(p), t.nn.parameter.is_lazy(3))
    p.materialize((2, 3), dtype=t.float64)
    print(type(p).__name__, p.shape, p.dtype, p.requires_grad)
    b = nn.UninitializedBuffer()
    b.materialize((2,))
    print(type(b).__name__, b.shape)


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_program_prints_what_it_prints_on_torch(function: Program) -> None:
    assert run(function, rushlight) == run(function, torch)


def test_containers_have_every_public_name() -> None:
    for name in torch.nn.modules.container.__all__:
        theirs, ours = getattr(torch.nn, name), getattr(rushlight.nn, name)
        assert {n for n in dir(theirs) if not n.startswith("_")} <= set(dir(ours)), name
