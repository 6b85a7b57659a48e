"""Programs about hooks: they print on rushlight what they print on torch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import pytest

import rushlight
from tests.parity.programs import Program, attempt, make, run

torch = pytest.importorskip("torch")

PROGRAMS: list[Program] = []


def program(function: Program) -> Program:
    PROGRAMS.append(function)
    return function


@program
def forward_hooks(t: Any) -> None:
    net = make(t).scale
    x = t.ones(2)
    handles = [
        net.register_forward_pre_hook(lambda m, args: print("pre 1", args)),
        net.register_forward_pre_hook(lambda m, args: args[0] + 1, prepend=True),
        net.register_forward_pre_hook(lambda m, args, kwargs: (args, kwargs), with_kwargs=True),
        net.register_forward_hook(lambda m, args, out: print("post 1", args, out)),
        net.register_forward_hook(lambda m, args, kwargs, out: out * 10, with_kwargs=True, prepend=True),
    ]
    print(net(x))
    for handle in handles:
        handle.remove()
    print(net(x), len(net._forward_hooks), len(net._forward_hooks_with_kwargs), len(net._forward_pre_hooks_with_kwargs))
    net.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    attempt(lambda: net(x))
    with t.nn.Identity().register_forward_hook(lambda *a: None) as handle:
        print(type(handle).__name__, isinstance(handle.id, int))


@program
def keyword_hooks(t: Any) -> None:
    class Add(t.nn.Module):
        def forward(self, x: Any, *, by: Any = 0) -> Any:
            return x + by

    m = Add()
    m.register_forward_pre_hook(lambda m, args, kwargs: (args, {"by": kwargs.get("by", 0) + 1}), with_kwargs=True)
    m.register_forward_hook(lambda m, args, kwargs, out: print(args, kwargs, out), with_kwargs=True)
    print(m(t.zeros(1)), m(t.zeros(1), by=5))


@program
def always_called_hooks(t: Any) -> None:
    class Fails(t.nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("forward failed")

    def broken(*_: Any) -> None:
        raise RuntimeError("hook failed")

    m = Fails()
    m.register_forward_hook(lambda m, args, out: print("skipped"))
    m.register_forward_hook(lambda m, args, out: print("always", out), always_call=True)
    m.register_forward_hook(lambda m, args, kw, out: print("always", kw, out), always_call=True, with_kwargs=True)
    m.register_forward_hook(broken, always_call=True)
    attempt(lambda: m(t.ones(1)))
    glob = t.nn.modules.module.register_module_forward_hook(lambda m, a, o: print("global", o), always_call=True)
    attempt(lambda: m(t.ones(1)))
    glob.remove()
    ok = t.nn.Identity()
    ok.register_forward_hook(broken, always_call=True)
    attempt(lambda: ok(1))


@program
def global_hooks(t: Any) -> None:
    g = t.nn.modules.module
    net = t.nn.Sequential(t.nn.Flatten())
    net.register_forward_pre_hook(lambda m, args: print("own pre"))
    net.register_forward_hook(lambda m, args, out: print("own post"))
    handles = [
        g.register_module_forward_pre_hook(lambda m, args: print("pre", type(m).__name__)),
        g.register_module_forward_hook(lambda m, args, out: print("post", type(m).__name__)),
        g.register_module_forward_hook(lambda m, args, kw, out: print("kw", kw, type(m).__name__), with_kwargs=True),
        g.register_module_full_backward_pre_hook(lambda m, out: print("back pre", type(m).__name__, out)),
        g.register_module_full_backward_hook(lambda m, i, o: print("back", type(m).__name__, i, o)),
    ]
    attempt(lambda: g.register_module_backward_hook(lambda *a: None))
    net(t.ones(1, 2, requires_grad=True)).sum().backward()
    for handle in handles:
        handle.remove()
    net(t.ones(1, 2))
    m = t.nn.Module()
    handles = [
        g.register_module_parameter_registration_hook(lambda m, name, p: print("param", name)),
        g.register_module_buffer_registration_hook(lambda m, name, b: print("buffer", name) or b),
        g.register_module_module_registration_hook(lambda m, name, c: t.nn.Flatten() if name == "swap" else None),
    ]
    m.w = t.nn.Parameter(t.ones(1))
    m.register_buffer("b", t.ones(1))
    m.swap = t.nn.Identity()
    m.add_module("kept", t.nn.Identity())
    for handle in handles:
        handle.remove()
    print(m)


@program
def backward_hooks(t: Any) -> None:
    net = make(t)
    net.register_full_backward_pre_hook(lambda m, out: print("pre", out))
    net.register_full_backward_hook(lambda m, i, o: print("net", i, o))
    net.scale.register_full_backward_hook(lambda m, i, o: print("scale", i, o))
    net.layers.register_full_backward_hook(lambda m, i, o: (i[0] * 2,))
    net.layers.register_full_backward_hook(lambda m, i, o: print("first", i, o), prepend=True)
    x = t.ones(1, 2, requires_grad=True)
    net(x).sum().backward()
    print(x.grad, net.scale.factor.grad)
    net(t.ones(1, 2)).sum().backward()
    attempt(lambda: net.register_backward_hook(lambda *a: None))


@program
def backward_hooks_that_replace(t: Any) -> None:
    def gradient(hook: Any, pre: bool, y: Any = 1.0) -> Any:
        class Mul(t.nn.Module):
            def forward(self, a: Any, b: Any) -> Any:
                return a * b, 5

        m = Mul()
        (m.register_full_backward_pre_hook if pre else m.register_full_backward_hook)(hook)
        x = t.ones(2, requires_grad=True)
        m(x, y)[0].sum().backward()
        return x.grad

    attempt(lambda: gradient(lambda m, o: print(o), True))
    attempt(lambda: gradient(lambda m, o: (o[0] * 3, None), True))
    attempt(lambda: gradient(lambda m, o: (o[0],), True))
    attempt(lambda: gradient(lambda m, i, o: print(i, o), False))
    attempt(lambda: gradient(lambda m, i, o: (i[0] * 5, None), False))
    attempt(lambda: gradient(lambda m, i, o: (i[0],), False))
    attempt(lambda: gradient(lambda m, i, o: print(i, o), False, t.ones(2)))


@program
def backward_hook_without_input_gradient(t: Any) -> None:
    net = make(t).scale
    net.register_full_backward_hook(lambda m, i, o: (None,))
    net(t.ones(2)).sum().backward()
    net.register_full_backward_hook(lambda m, i, o: (1,))
    attempt(lambda: net(t.ones(2)).sum().backward())


@program
def backward_hook_on_other_outputs(t: Any) -> None:
    class Dict(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return {"y": x * 2}

    m = Dict()
    m.register_full_backward_hook(lambda m, i, o: print("called"))
    x = t.ones(1, requires_grad=True)
    m(x)["y"].sum().backward()
    print(x.grad)


@program
def deprecated_backward_hooks(t: Any) -> None:
    class Two(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return (x * 2).exp()

    class Pair(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return x * 2, x * 3

    class Dict(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return {"y": x * 2}

    class Nested(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return x[0] * 2

    x = t.zeros(1, requires_grad=True)
    for m, given in ((t.nn.Flatten(0), x), (Two(), x), (Pair(), x), (Dict(), x), (Nested(), [x])):
        m.register_backward_hook(lambda m, i, o: print(type(m).__name__, len(o), o))
        out = m(given)
        (out["y"] if isinstance(out, dict) else out[0]).sum().backward()
        attempt(lambda m=m: m.register_full_backward_hook(lambda *a: None))


@pytest.fixture(autouse=True)
def no_global_hooks() -> Iterator[None]:
    yield
    for library in (torch, rushlight):
        module_file = library.nn.modules.module
        for name in dir(module_file):
            if name.startswith("_global_") and isinstance(getattr(module_file, name), OrderedDict):
                getattr(module_file, name).clear()


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_program_prints_what_it_prints_on_torch(function: Program) -> None:
    assert run(function, rushlight) == run(function, torch)
