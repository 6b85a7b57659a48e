"""Programs about Module: they print on rushlight what they print on torch."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
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
def walks(t: Any) -> None:
    net = make(t)
    print(net)
    for duplicate in (True, False):
        print([name for name, _ in net.named_modules(remove_duplicate=duplicate)])
        print([name for name, _ in net.named_parameters(prefix="p", remove_duplicate=duplicate)])
        print([name for name, _ in net.named_buffers(remove_duplicate=duplicate)])
    print([name for name, _ in net.named_parameters(recurse=False)], len(list(net.buffers())))
    print([name for name, _ in net.named_children()], [type(m).__name__ for m in net.children()])
    print([type(m).__name__ for m in net.modules()])
    net.apply(lambda m: print("apply", type(m).__name__))
    print([n for n in dir(net) if not n.startswith("_") and n not in dir(t.nn.Module)])


@program
def registers(t: Any) -> None:
    m = t.nn.Module()
    one = t.ones(2)
    attempt(lambda: m.register_parameter(3, None))
    attempt(lambda: m.register_parameter("a.b", None))
    attempt(lambda: m.register_parameter("", None))
    attempt(lambda: m.register_parameter("training", None))
    attempt(lambda: m.register_parameter("w", one))
    attempt(lambda: m.register_parameter("w", "text"))
    attempt(lambda: m.register_buffer(3, None))
    attempt(lambda: m.register_buffer("a.b", None))
    attempt(lambda: m.register_buffer("", None))
    attempt(lambda: m.register_buffer("forward", one))
    attempt(lambda: m.register_buffer("b", 3))
    attempt(lambda: m.add_module(3, m))
    attempt(lambda: m.add_module("a.b", t.nn.Identity()))
    attempt(lambda: m.add_module("", t.nn.Identity()))
    attempt(lambda: m.add_module("eval", t.nn.Identity()))
    attempt(lambda: m.add_module("x", 3))
    attempt(lambda: m.add_module("x", one))
    attempt(lambda: m.register_module("x", t.nn.Identity()))
    attempt(lambda: m.x)
    grown = t.nn.Parameter(t.ones(2)) * 2
    grown._is_param = True
    attempt(lambda: m.register_parameter("v", grown))


@program
def assigns(t: Any) -> None:
    m = t.nn.Module()

    def put(name: str, value: Any) -> None:
        attempt(lambda: setattr(m, name, value))
        print(
            list(m._parameters),
            list(m._buffers),
            list(m._modules),
            sorted(m._non_persistent_buffers_set),
            "a" in vars(m),
        )

    put("a", 1)
    put("a", t.nn.Parameter(t.ones(1)))
    put("a", t.ones(1))
    put("a", None)
    put("a", 3)
    put("a", t.nn.Identity())
    put("a", t.ones(1))
    put("a", None)
    put("a", t.nn.Parameter(t.ones(1)))
    put("b", t.nn.Buffer(t.ones(1), persistent=False))
    put("b", t.zeros(1))
    put("b", "text")
    put("b", None)
    put("b", t.nn.Identity())
    put("c", t.ones(3))
    attempt(lambda: m.nothing)
    attempt(lambda: delattr(m, "a"))
    attempt(lambda: delattr(m, "a"))
    attempt(lambda: delattr(m, "b"))
    attempt(lambda: delattr(m, "c"))
    attempt(lambda: delattr(m, "training"))


@program
def before_init(t: Any) -> None:
    def make_class(action: Callable[[Any], Any]) -> Any:
        class Early(t.nn.Module):
            def __init__(self) -> None:
                action(self)

        return Early

    attempt(lambda: make_class(lambda s: setattr(s, "layer", t.nn.Identity()))())
    attempt(lambda: make_class(lambda s: setattr(s, "w", t.nn.Parameter(t.ones(1))))())
    attempt(lambda: make_class(lambda s: s.register_buffer("b", t.ones(1)))())
    attempt(lambda: make_class(lambda s: setattr(s, "b", t.nn.Buffer(t.ones(1))))())
    attempt(lambda: make_class(lambda s: s.register_parameter("w", None))())
    attempt(lambda: make_class(lambda s: t.nn.Module.__init__(s, 1))())
    attempt(lambda: make_class(lambda s: t.nn.Module.__init__(s, wrong=1))())
    attempt(lambda: make_class(lambda s: s.nothing)())


@program
def cooperates_with_another_base(t: Any) -> None:
    class Other:
        def __init__(self, size: int) -> None:
            self.size = size

    class Both(t.nn.Module, Other):
        call_super_init = True

    attempt(lambda: Both(size=3).size)


@program
def finds_by_path(t: Any) -> None:
    net = make(t)
    attempt(lambda: net.get_submodule(""))
    attempt(lambda: net.get_submodule("layers.1"))
    attempt(lambda: net.get_submodule("layers.9"))
    attempt(lambda: net.get_submodule("scale.factor"))
    attempt(lambda: net.get_parameter("scale.factor"))
    attempt(lambda: net.get_parameter("scale.count"))
    attempt(lambda: net.get_parameter("scale.none"))
    attempt(lambda: net.get_buffer("scale.count"))
    attempt(lambda: net.get_buffer("scale.factor"))
    attempt(lambda: net.get_buffer("scale.none"))
    attempt(lambda: net.set_submodule("", t.nn.Identity()))
    attempt(lambda: net.set_submodule("layers.0", 3))
    attempt(lambda: net.set_submodule("layers.0", t.nn.Flatten()))
    attempt(lambda: net.set_submodule("layers.new", t.nn.Flatten()))
    attempt(lambda: net.set_submodule("layers.newer", t.nn.Flatten(), strict=True))
    attempt(lambda: net.set_submodule("scale.factor", t.nn.Flatten()))
    attempt(lambda: net.set_submodule("gone.x", t.nn.Flatten()))
    print(net)


@program
def modes_and_gradients(t: Any) -> None:
    net = make(t)
    print(net.eval() is net, [m.training for m in net.modules()], net.train().training)
    attempt(lambda: net.train("yes"))
    net(t.ones(3, 2)).sum().backward()
    print(net.scale.factor.grad, net.layers[1].factor.grad)
    net.zero_grad(set_to_none=False)
    print(net.scale.factor.grad)
    net.zero_grad()
    print(net.scale.factor.grad)
    print(net.requires_grad_(False) is net, [p.requires_grad for p in net.parameters()])
    attempt(lambda: t.nn.Module()(1))
    attempt(lambda: net.get_extra_state())


@program
def converts(t: Any) -> None:
    net = make(t)
    net.layers.register_buffer("steps", t.tensor([1, 2]))
    param = net.scale.factor
    net(t.ones(3, 2)).sum().backward()
    gradient = param.grad
    for name in ("double", "half", "bfloat16", "float", "cpu"):
        print(name, getattr(net, name)() is net, [str(v.dtype) for v in net.state_dict().values()])
    print(net.scale.factor is param, param.grad is gradient, param.grad.dtype, param.requires_grad)
    for arguments in (
        ("cpu",),
        (t.float64,),
        ("cpu", t.float32, True),
        (t.ones(1).double(),),
        (),
        (None,),
        (None, t.float32),
    ):
        print(net.to(*arguments) is net, param.dtype, param.grad.dtype)
    print(net.to(device="cpu", dtype=t.float16, non_blocking=True).scale.factor.dtype)
    print(net.to(memory_format=t.channels_last).scale.factor.dtype, net.type(t.float32).layers.steps.dtype)
    for arguments in ((t.int32,), ("foo",), ("cpu", "cpu"), (t.float32, True, True), ("cuda",)):
        attempt(lambda arguments=arguments: net.to(*arguments))
    attempt(lambda: net.to("cpu", bogus=1))
    attempt(lambda: net.to(dtype=t.int8))
    attempt(lambda: net.to(t.float32, copy=True))
    attempt(lambda: net.cuda())
    print(net.to_empty(device="cpu") is net, net.scale.factor is param, tuple(param.shape))
    print(net.share_memory() is net)


@program
def prints(t: Any) -> None:
    nn = t.nn

    class Lines(nn.Module):
        def extra_repr(self) -> str:
            return "one\ntwo"

    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Sequential(Lines(), nn.Sequential(nn.Identity()))
            self.b = nn.ModuleList([nn.Sequential(nn.Identity()) for _ in range(3)])
            self.c = nn.ModuleDict({"x": nn.Identity(), "y": nn.Flatten()})

        def extra_repr(self) -> str:
            return "deep"

    print(nn.Module(), nn.Sequential(), nn.ModuleList(), nn.ModuleDict(), nn.ParameterList(), nn.ParameterDict())
    print(Lines())
    print(Deep())
    print(nn.ModuleList([nn.Flatten(), nn.Identity(), nn.Identity(), nn.Flatten(), nn.Flatten()]))
    print(nn.Unflatten(1, (2, 3)), nn.Unflatten(1, [2, 3]))
    print(nn.ParameterList([t.ones(2), nn.Parameter(t.ones(2, 3)), 5, "x"]))
    print(nn.Sequential(nn.ParameterList([t.ones(2)])))
    print(nn.ParameterDict({"b": t.ones(2), "a": t.zeros(1).long().double(), "n": None}))
    print(nn.Parameter(t.tensor([1, 2]), requires_grad=False), nn.Parameter(), nn.Buffer(t.ones(1)))
    print([nn.Parameter(t.ones(1))], repr(nn.Parameter(t.ones(2, 2))))


@program
def copies(t: Any) -> None:
    net = make(t)
    net.register_forward_hook(print)
    net._forward_hooks.clear()
    twin = copy.deepcopy(net)
    print(twin.scale is twin.same, twin.scale.factor is net.scale.factor, twin.scale.factor)
    layer = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Flatten())
    again = pickle.loads(pickle.dumps(layer))
    print(again, bool((again[0].weight == layer[0].weight).all()), list(again.state_dict()))
    state = layer.__getstate__()
    for name in ("_forward_hooks_with_kwargs", "_non_persistent_buffers_set", "_backward_pre_hooks"):
        state.pop(name)
    old = t.nn.Sequential.__new__(t.nn.Sequential)
    old.__setstate__(state)
    print(old(t.zeros(1, 2)).shape, len(old.state_dict()))


@program
def linear_layers(t: Any) -> None:
    nn = t.nn
    print(nn.Linear(3, 2), nn.Linear(3, 2, bias=False), nn.Bilinear(2, 3, 4), nn.Identity(1, a=2), nn.LazyLinear(3))
    t.manual_seed(3)
    layer, wide, two = nn.Linear(3, 2), nn.Linear(30, 20, dtype=t.float64), nn.Bilinear(2, 3, 4)
    print(layer.weight, layer.bias, wide.weight.sum(), wide.bias.dtype, two.weight, two.bias)
    print(layer(t.ones(3)).detach(), layer(t.ones(2, 3)), layer(t.ones(2, 2, 3)).shape, list(layer.state_dict()))
    print(two(t.ones(5, 2), t.ones(5, 3)))
    attempt(lambda: layer(t.ones(4, 5)))
    attempt(lambda: nn.Bilinear(0, 1, 1))
    attempt(lambda: nn.Linear(3))
    attempt(lambda: nn.Unflatten(1, 3))
    attempt(lambda: nn.Unflatten(1, (2, "a")))
    attempt(lambda: nn.Unflatten(1, (2, 3))(t.ones(1, 6)).shape)
    attempt(lambda: nn.Flatten(0, 1)(t.ones(2, 3, 4)).shape)


@program
def lazy_layers(t: Any) -> None:
    nn = t.nn
    t.manual_seed(3)
    layer = nn.LazyLinear(2)
    print(layer, layer.weight, layer.bias, list(layer.state_dict()), layer.has_uninitialized_params())
    layer.double()
    print(layer.weight, layer.weight.dtype)
    layer.float()
    print(layer(t.ones(2, 3)), layer, type(layer).__name__, type(layer.weight).__name__, len(layer._forward_pre_hooks))
    net = nn.Sequential(nn.LazyLinear(4, bias=False), nn.LazyLinear(2))
    print(net.load_state_dict(nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 2)).state_dict()), net)
    print(net[0].weight.shape)
    attempt(lambda: net(t.ones(1, 5)))
    print(net(t.ones(1, 3)).shape, net)
    print(copy.deepcopy(nn.LazyLinear(3)), nn.LazyLinear(3).load_state_dict(nn.LazyLinear(3).state_dict()))
    attempt(lambda: nn.Linear(2, 2).load_state_dict(nn.LazyLinear(2).state_dict()))


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_program_prints_what_it_prints_on_torch(function: Program) -> None:
    assert run(function, rushlight) == run(function, torch)


def test_no_public_name_of_module_is_missing() -> None:
    # PyTorch's compiler, where another test came upon it, leaves names that begin with three underscores.
    theirs = {name for name in dir(torch.nn.Module) if not name.startswith("___")}
    assert theirs - set(dir(rushlight.nn.Module)) <= {
        "_slow_forward",
        "_maybe_warn_non_full_backward_hook",
    }


def test_module_file_has_the_global_names() -> None:
    ours = rushlight.nn.modules.module
    assert set(torch.nn.modules.module.__all__) <= set(ours.__all__)
    for name in ("_global_forward_hooks", "_global_backward_hooks", "_IncompatibleKeys", "_addindent"):
        assert hasattr(ours, name)
