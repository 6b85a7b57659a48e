"""The same programs on torch and on rushlight: what they print, what they raise, what they warn of."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import rushlight
import rushlight.nn

torch = pytest.importorskip("torch")

PROGRAMS: list[Callable[[Any], None]] = []


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS.append(function)
    return function


def attempt(what: Callable[[], Any]) -> None:
    """Print what a call returns or raises."""
    try:
        print(repr(what()))
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


def run(function: Callable[[Any], None], library: Any) -> str:
    library.manual_seed(0)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(library)
    lines = [f"{w.category.__name__}: {w.message}" for w in caught]
    text = out.getvalue() + "\n".join(lines)
    text = re.sub(r"0x[0-9a-f]+", "0x", text).replace("rushlight.", "torch.")
    # Our message says more.
    return re.sub(r"(can require gradients), got a tensor of .*", r"\1", text)


def make(library: Any) -> Any:
    """A small network of known numbers, with a buffer, a shared layer and an empty place."""
    nn = library.nn

    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(library.tensor([1.0, 2.0]))
            self.register_buffer("count", library.zeros(1))
            self.register_buffer("scratch", library.ones(2), persistent=False)
            self.register_parameter("missing", None)

        def forward(self, x: Any) -> Any:
            return x * self.factor

        def extra_repr(self) -> str:
            return "factor of 2"

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = Scale()
            self.layers = nn.Sequential(nn.Identity(), Scale(), nn.Flatten())
            self.same = self.scale
            self.nothing = None
            self.register_module("absent", None)

        def forward(self, x: Any) -> Any:
            return self.layers(self.scale(x))

    return Net()


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
        print(list(m._parameters), list(m._buffers), list(m._modules), sorted(m._non_persistent_buffers_set), "a" in vars(m))

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
    for arguments in (("cpu",), (t.float64,), ("cpu", t.float32, True), (t.ones(1).double(),), (), (None,), (None, t.float32)):
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
def saves_state(t: Any) -> None:
    net = make(t)
    state = net.state_dict()
    print(type(state).__name__, list(state), state._metadata)
    print(state["scale.factor"], type(state["scale.factor"]).__name__)
    print(net.state_dict(keep_vars=True)["scale.factor"] is net.scale.factor)
    print(list(net.state_dict(prefix="net.")), dict(net.state_dict(prefix="net.")._metadata))
    held: dict[str, Any] = {}
    print(net.state_dict(destination=held) is held, list(held))
    print(list(net.state_dict(OrderedDict(), "old.", True)))
    state["scale.factor"][0] = 7.0
    print(net.scale.factor)


@program
def loads_state(t: Any) -> None:
    net, other = make(t), make(t)
    state = other.state_dict()
    state["scale.factor"].mul_(10)
    print(net.load_state_dict(state), net.scale.factor)
    print(net.load_state_dict({"surplus": t.ones(1)}, strict=False))
    attempt(lambda: net.load_state_dict({"surplus": t.ones(1), "scale.more": t.ones(1), "no.such": t.ones(1)}))
    attempt(lambda: net.load_state_dict([1, 2]))
    wrong = copy.copy(state)
    wrong["scale.factor"] = t.ones(3)
    wrong["layers.1.factor"] = [1, 2]
    wrong["layers.1.extra"] = t.ones(1)
    del wrong["scale.count"]
    attempt(lambda: net.load_state_dict(wrong))
    attempt(lambda: net.load_state_dict(wrong, strict=False))
    param = net.scale.factor
    given = {**state, "scale.factor": t.tensor([5.0, 6.0])}
    print(net.load_state_dict(given, assign=True), net.scale.factor is param, net.scale.factor)
    incompatible = net.load_state_dict({}, strict=False)
    print(incompatible.missing_keys, incompatible.unexpected_keys, str(incompatible) == repr(incompatible))
    missing, unexpected = incompatible
    print(missing, unexpected)


@program
def scalars_from_old_files(t: Any) -> None:
    m = t.nn.Module()
    m.w = t.nn.Parameter(t.tensor(1.0))
    print(m.load_state_dict({"w": t.tensor([3.0])}), m.w)


@program
def extra_state(t: Any) -> None:
    class Extra(t.nn.Module):
        note = "first"

        def get_extra_state(self) -> Any:
            return {"note": self.note}

        def set_extra_state(self, state: Any) -> None:
            self.note = state["note"]

    m = t.nn.Sequential(Extra())
    print(m.state_dict())
    print(m.load_state_dict({"0._extra_state": {"note": "second"}}), m[0].note)
    attempt(lambda: m.load_state_dict({}))
    attempt(lambda: t.nn.Sequential(t.nn.Identity()).load_state_dict({"0._extra_state": 1}))


@program
def overridden_loading(t: Any) -> None:
    class Renamed(t.nn.Module):
        _version = 2

        def __init__(self) -> None:
            super().__init__()
            self.weight = t.nn.Parameter(t.zeros(2))

        def _load_from_state_dict(self, state_dict, prefix, local_metadata, *args: Any) -> None:  # type: ignore[no-untyped-def]
            print(prefix, local_metadata)
            if local_metadata.get("version", 1) < 2:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
            super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

        def _save_to_state_dict(self, destination, prefix, keep_vars) -> None:  # type: ignore[no-untyped-def]
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "more"] = t.ones(1)

    m = t.nn.Sequential(Renamed())
    print(m.state_dict(), m.state_dict()._metadata)
    print(m.load_state_dict({"0.w": t.ones(2)}), m[0].weight)
    attempt(lambda: m.load_state_dict(m.state_dict()))


@program
def state_hooks(t: Any) -> None:
    net = make(t).layers
    net.register_state_dict_pre_hook(lambda m, prefix, keep: print("pre", type(m).__name__, repr(prefix), keep))
    post = net.register_state_dict_post_hook(lambda m, state, prefix, meta: state.__delitem__(prefix + "1.count"))
    net._register_state_dict_hook(lambda m, state, prefix, meta: OrderedDict(state, added=1))
    print(list(net.state_dict()))
    post.remove()
    print(list(net.state_dict()))
    net.register_state_dict_post_hook(lambda m, state, prefix, meta: state)
    attempt(net.state_dict)

    def public(*_: Any) -> None: ...

    net.register_state_dict_post_hook(public)
    attempt(lambda: net._register_state_dict_hook(public))

    net = make(t).layers
    net.register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: print("load pre", type(m).__name__, list(state)))
    net._register_load_state_dict_pre_hook(lambda state, prefix, *rest: state.pop("1.surplus", None))
    handle = net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    print(net.load_state_dict({"1.factor": t.ones(2), "1.surplus": t.ones(1)}))
    handle.remove()
    attempt(lambda: net.load_state_dict({"1.factor": t.ones(2)}))
    net.register_load_state_dict_post_hook(lambda m, keys: keys)
    attempt(lambda: net.load_state_dict(net.state_dict()))


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
    attempt(lambda: net + [1])
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
    print(modules, modules + [nn.Identity()], list(modules.state_dict()))
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
    print(params, params.append(t.ones(1)) is params, params.extend([t.ones(1)]) is params, len(list(params.parameters())))
    attempt(lambda: params[9])
    attempt(lambda: params.extend(3))
    attempt(lambda: params.extend(t.ones(2)))
    attempt(lambda: params())
    print([n for n in dir(params) if n.isdigit()])


@program
def parameter_dict(t: Any) -> None:
    nn = t.nn
    params = nn.ParameterDict({"b": t.ones(1), "a": t.zeros(2), "text": "x"})
    print(list(params), list(params.keys()), list(reversed(params)), len(params), "a" in params, list(params.state_dict()))
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
    print(p, p.requires_grad, p.is_leaf, type(p).__name__, type(p + 1).__name__, type(p.data).__name__, type(p.detach()).__name__)
    print(isinstance(p, nn.Parameter), isinstance(data, nn.Parameter), isinstance(p, t.Tensor), isinstance(p, nn.Buffer))
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
    print(p, nn.UninitializedBuffer(), isinstance(p, nn.Parameter), p.dtype, p.device, p.requires_grad, p.is_leaf, p.grad)
    attempt(lambda: p.shape)
    attempt(lambda: p.share_memory_())
    print(copy.deepcopy(p), pickle.loads(pickle.dumps(p)), t.nn.parameter.is_lazy(p), t.nn.parameter.is_lazy(3))
    p.materialize((2, 3), dtype=t.float64)
    print(type(p).__name__, p.shape, p.dtype, p.requires_grad)
    b = nn.UninitializedBuffer()
    b.materialize((2,))
    print(type(b).__name__, b.shape)


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


@pytest.fixture(autouse=True)
def no_global_hooks() -> Iterator[None]:
    yield
    for library in (torch, rushlight):
        module_file = library.nn.modules.module
        for name in dir(module_file):
            if name.startswith("_global_") and isinstance(getattr(module_file, name), OrderedDict):
                getattr(module_file, name).clear()


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_program_prints_what_it_prints_on_torch(function: Callable[[Any], None]) -> None:
    assert run(function, rushlight) == run(function, torch)


def test_no_public_name_of_module_is_missing() -> None:
    assert set(dir(torch.nn.Module)) - set(dir(rushlight.nn.Module)) <= {"_slow_forward", "_maybe_warn_non_full_backward_hook"}


def test_module_file_has_the_global_names() -> None:
    ours = rushlight.nn.modules.module
    assert set(torch.nn.modules.module.__all__) <= set(ours.__all__)
    for name in ("_global_forward_hooks", "_global_backward_hooks", "_IncompatibleKeys", "_addindent"):
        assert hasattr(ours, name)


def test_containers_have_every_public_name() -> None:
    for name in torch.nn.modules.container.__all__:
        theirs, ours = getattr(torch.nn, name), getattr(rushlight.nn, name)
        assert {n for n in dir(theirs) if not n.startswith("_")} <= set(dir(ours)), name
