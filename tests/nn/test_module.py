"""What a module holds and how it is called, walked, converted, printed and copied."""

from __future__ import annotations

import copy
import os
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as torch
import rushlight.nn as nn


class Scale(nn.Module):
    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(size))
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = Scale()
        self.stack = nn.Sequential(nn.Flatten(), Scale())
        self.shared = self.scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.stack(self.scale(x))


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


WALKS: list[tuple[str, Callable[[Net], Any], list[str]]] = [
    ("modules", lambda n: names(n.named_modules()), ["", "scale", "stack", "stack.0", "stack.1"]),
    (
        "modules, all",
        lambda n: names(n.named_modules(remove_duplicate=False)),
        ["", "scale", "stack", "stack.0", "stack.1", "shared"],
    ),
    ("children", lambda n: names(n.named_children()), ["scale", "stack"]),
    ("parameters", lambda n: names(n.named_parameters()), ["scale.factor", "stack.1.factor"]),
    (
        "parameters, all",
        lambda n: names(n.named_parameters("p", remove_duplicate=False)),
        ["p.scale.factor", "p.stack.1.factor", "p.shared.factor"],
    ),
    ("parameters, own", lambda n: names(n.scale.named_parameters(recurse=False)), ["factor"]),
    ("buffers", lambda n: names(n.named_buffers()), ["scale.count", "stack.1.count"]),
    ("state", lambda n: list(n.state_dict())[:3], ["scale.factor", "scale.count", "stack.1.factor"]),
]


@pytest.mark.parametrize(("walk", "expected"), [w[1:] for w in WALKS], ids=[w[0] for w in WALKS])
def test_walks_in_the_order_of_registration(walk: Callable[[Net], Any], expected: list[str]) -> None:
    assert walk(Net()) == expected


def one() -> torch.Tensor:
    return torch.ones(2)


REFUSALS: list[tuple[str, Callable[[nn.Module], Any], type[Exception], str]] = [
    (
        "parameter name",
        lambda m: m.register_parameter(1, None),
        TypeError,
        "parameter name should be a string. Got int",
    ),
    ("parameter dot", lambda m: m.register_parameter("a.b", None), KeyError, 'parameter name can\'t contain "."'),
    ("parameter empty", lambda m: m.register_parameter("", None), KeyError, "can't be empty string"),
    (
        "parameter taken",
        lambda m: m.register_parameter("training", None),
        KeyError,
        "attribute 'training' already exists",
    ),
    (
        "parameter type",
        lambda m: m.register_parameter("w", one()),
        TypeError,
        r"cannot assign 'torch.FloatTensor' object to parameter 'w' \(torch.nn.Parameter or None required\)",
    ),
    ("buffer name", lambda m: m.register_buffer(1, None), TypeError, "buffer name should be a string. Got int"),
    ("buffer dot", lambda m: m.register_buffer("a.b", None), KeyError, 'buffer name can\'t contain "."'),
    ("buffer empty", lambda m: m.register_buffer("", None), KeyError, "can't be empty string"),
    ("buffer taken", lambda m: m.register_buffer("eval", None), KeyError, "attribute 'eval' already exists"),
    ("buffer type", lambda m: m.register_buffer("b", "x"), TypeError, "cannot assign 'str' object to buffer 'b'"),
    ("module type", lambda m: m.add_module("x", 3), TypeError, "int is not a Module subclass"),
    ("module name", lambda m: m.add_module(3, None), TypeError, "module name should be a string. Got int"),
    ("module dot", lambda m: m.add_module("a.b", None), KeyError, 'module name can\'t contain ".", got: a.b'),
    ("module empty", lambda m: m.add_module("", None), KeyError, "can't be empty string"),
    ("module taken", lambda m: m.add_module("eval", None), KeyError, "attribute 'eval' already exists"),
    ("no attribute", lambda m: m.nothing, AttributeError, "'Net' object has no attribute 'nothing'"),
    ("over parameter", lambda m: setattr(m.scale, "factor", one()), TypeError, "as parameter 'factor'"),
    ("over module", lambda m: setattr(m, "scale", 3), TypeError, "cannot assign 'int' as child module 'scale'"),
    ("over buffer", lambda m: setattr(m.scale, "count", 3), TypeError, "cannot assign 'int' as buffer 'count'"),
    ("no submodule", lambda m: m.get_submodule("stack.7"), AttributeError, "Sequential has no attribute `7`"),
    ("not a module", lambda m: m.get_submodule("scale.factor"), AttributeError, "`factor` is not an nn.Module"),
    ("not a parameter", lambda m: m.get_parameter("scale.count"), AttributeError, "`count` is not an nn.Parameter"),
    ("not a buffer", lambda m: m.get_buffer("scale.factor"), AttributeError, "`factor` is not a buffer"),
    ("set nowhere", lambda m: m.set_submodule("", nn.Flatten()), ValueError, "without a target name"),
    ("set no module", lambda m: m.set_submodule("scale", 3), ValueError, "`module` is not an nn.Module"),
    ("set strict", lambda m: m.set_submodule("new", nn.Flatten(), strict=True), AttributeError, "no attribute `new`"),
    (
        "set over",
        lambda m: m.set_submodule("scale.factor", nn.Flatten()),
        AttributeError,
        "`factor` is not an nn.Module",
    ),
    ("mode", lambda m: m.train("yes"), ValueError, "training mode is expected to be boolean"),
    ("forward", lambda m: nn.Module()(1), NotImplementedError, r'Module \[Module\] is missing the required "forward"'),
    ("arguments", lambda m: nn.Module(1), TypeError, "takes 1 positional argument but 2 were given"),
    ("keywords", lambda m: nn.Module(a=1), TypeError, "got an unexpected keyword argument 'a'"),
    ("to integer", lambda m: m.to(torch.int32), TypeError, "only accepts floating point or complex dtypes"),
    ("to nonsense", lambda m: m.to("cpu", "cpu"), TypeError, "invalid combination of arguments"),
    ("to copy", lambda m: m.to(torch.float32, copy=True), RuntimeError, "does not accept copy argument"),
    ("extra state", lambda m: m.get_extra_state(), RuntimeError, "should never be called"),
]


@pytest.mark.parametrize(("action", "kind", "text"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_refuses_with_pytorch_s_words(action: Callable[[Any], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        action(Net())
    assert re.search(text, str(caught.value.args[0]))


@pytest.mark.parametrize(
    ("assign", "text"),
    [
        (lambda m: setattr(m, "x", nn.Flatten()), "cannot assign module before Module.__init__\\(\\) call"),
        (lambda m: setattr(m, "x", nn.Parameter(one())), "cannot assign parameters before Module.__init__\\(\\) call"),
        (lambda m: setattr(m, "x", nn.Buffer(one())), "cannot assign buffer before Module.__init__\\(\\) call"),
        (lambda m: m.register_parameter("x", None), "cannot assign parameter before Module.__init__\\(\\) call"),
    ],
)
def test_says_when_init_was_forgotten(assign: Callable[[Any], Any], text: str) -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            assign(self)

    with pytest.raises(AttributeError, match=text):
        Early()


def test_assignment_moves_a_name_between_registries() -> None:
    m = nn.Module()
    m.x = 1
    m.x = nn.Parameter(one())
    assert list(m._parameters) == ["x"] and "x" not in vars(m)
    with pytest.raises(TypeError, match="as parameter 'x'"):
        m.x = nn.Flatten()
    m.add_module("y", nn.Flatten())
    m.y = nn.Parameter(one())
    assert list(m._parameters) == ["x", "y"] and not m._modules
    del m.x
    m.x = nn.Flatten()
    m.x = None
    assert m.x is None and list(m._modules) == ["x"]
    del m.x
    m.x = nn.Buffer(one(), persistent=False)
    m.x = torch.zeros(3)
    assert m._non_persistent_buffers_set == {"x"} and list(m.state_dict()) == ["y"]
    del m.x
    assert not m._non_persistent_buffers_set and not hasattr(m, "x")


def test_a_buffer_goes_through_an_overridden_register_buffer() -> None:
    class Counts(nn.Module):
        seen = 0

        def register_buffer(self, name: str, tensor: Any) -> None:  # type: ignore[override]
            self.seen += 1
            super().register_buffer(name, tensor)

    m = Counts()
    m.b = nn.Buffer(one())
    assert m.seen == 1
    with pytest.raises(RuntimeError, match="Registering a non-persistent buffer"):
        m.c = nn.Buffer(one(), persistent=False)


def test_conversion_keeps_each_parameter_the_same_object() -> None:
    net = Net()
    param = net.scale.factor
    net(torch.ones(1, 2)).sum().backward()
    net.register_buffer("steps", torch.tensor([1]))
    assert net.double() is net and net.scale.factor is param
    assert param.dtype is torch.float64 and param.grad is not None and param.grad.dtype is torch.float64
    assert net.steps.dtype is torch.int64 and net.scale.count.dtype is torch.float64
    for arguments in ((torch.float16,), ("cpu", torch.float16, True), (torch.ones(1, dtype=torch.float16),)):
        net.float().to(*arguments)
        assert param.dtype is torch.float16
    assert net.type(torch.float32).steps.dtype is torch.float32
    assert net.to_empty(device="cpu").scale.factor is param and param.shape == (2,)
    assert net.bfloat16().half().cpu() is net


def test_forked_processes_share_the_parameters() -> None:
    net = Net().share_memory()
    if (child := os.fork()) == 0:
        net.scale.factor.data[0] = 7.0
        os._exit(0)
    os.waitpid(child, 0)
    assert net.scale.factor.tolist() == [7.0, 1.0] and net.scale.factor.is_shared()


def test_complex_modules_warn() -> None:
    with pytest.warns(UserWarning, match="Complex modules are a new feature"):
        Scale().to(torch.complex64)


def test_modes_gradients_and_freezing() -> None:
    net = Net()
    assert not any(m.training for m in net.eval().modules()) and net.train().scale.training
    net(torch.ones(1, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert net.scale.factor.grad is not None and net.scale.factor.grad.tolist() == [0.0, 0.0]
    net.zero_grad()
    assert net.scale.factor.grad is None
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())


def test_apply_goes_children_first() -> None:
    seen: list[str] = []
    net = Net()
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Scale", "Flatten", "Scale", "Sequential", "Net"]


def test_prints_as_pytorch_does() -> None:
    class Lines(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.child = nn.Sequential(nn.Flatten())

        def extra_repr(self) -> str:
            return "one\ntwo"

    assert repr(nn.Module()) == "Module()"
    assert repr(Lines()) == (
        "Lines(\n  one\n  two\n  (child): Sequential(\n    (0): Flatten(start_dim=1, end_dim=-1)\n  )\n)"
    )


def test_dir_names_what_can_be_written_as_an_attribute() -> None:
    listed = dir(Net())
    assert {"scale", "stack", "forward"} <= set(listed) and "0" not in dir(nn.Sequential(nn.Flatten()))
    assert listed.count("scale") == 1

    class Hidden(Net):
        scale = property(lambda self: None)

    net = Net()
    net.__class__ = Hidden
    del net._modules["scale"]
    assert dir(net).count("scale") == 1


def test_copies_and_pickles_with_sharing_kept() -> None:
    net = Net()
    twin = copy.deepcopy(net)
    assert twin.scale is twin.shared and twin.scale.factor is not net.scale.factor
    sequence = nn.Sequential(nn.Flatten(), nn.ParameterList([one()]))
    again = pickle.loads(pickle.dumps(sequence))
    assert repr(again) == repr(sequence) and list(again.state_dict()) == ["1.0"]


def test_a_pickle_of_an_older_version_gets_what_it_lacks() -> None:
    flat = nn.Flatten()
    state = flat.__getstate__()
    for name in ("_forward_hooks_with_kwargs", "_non_persistent_buffers_set", "_is_full_backward_hook"):
        del state[name]
    old = nn.Flatten.__new__(nn.Flatten)
    old.__setstate__(state)
    assert old(torch.ones(2, 1, 2)).shape == (2, 2) and not old.state_dict()


def test_compile_changes_nothing() -> None:
    net = Net()
    net.compile(fullgraph=True)
    assert net(torch.ones(3, 2)).shape == (3, 2)
    assert "_compiled_call_impl" not in vars(copy.deepcopy(net))


def test_another_base_is_initialised_on_request() -> None:
    class Other:
        def __init__(self, size: int) -> None:
            self.size = size

    class Both(nn.Module, Other):
        call_super_init = True

    assert Both(size=3).size == 3


class Breaks(nn.Module):
    def forward(self, x: Any, **kwargs: Any) -> Any:
        raise ValueError("broken")


class Holds(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.linear_relu_stack = nn.Sequential(nn.Flatten(), nn.Identity(), inner)

    def forward(self, x: Any) -> Any:
        return self.linear_relu_stack(x)


class Hides(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [Breaks()]

    def forward(self, x: Any) -> Any:
        return self.layers[0](x)


NOTES: list[tuple[str, Callable[[], nn.Module], str]] = [
    ("alone", Breaks, "in Breaks, called with input shapes [(64, 100)]"),
    (
        "in a stack",
        lambda: Holds(Breaks()),
        "in linear_relu_stack.2 (Breaks), called with input shapes [(64, 100)]",
    ),
    (
        "two deep",
        lambda: nn.Sequential(Holds(Breaks())),
        "in 0.linear_relu_stack.2 (Breaks), called with input shapes [(64, 100)]",
    ),
    (
        "not registered",
        lambda: Holds(Hides()),
        "in linear_relu_stack.2 (Hides, which holds Breaks without registering it), "
        "called with input shapes [(64, 100)]",
    ),
]


@pytest.mark.parametrize(("build", "note"), [n[1:] for n in NOTES], ids=[n[0] for n in NOTES])
def test_an_exception_says_once_where_it_happened(build: Callable[[], nn.Module], note: str) -> None:
    net = build()
    for _ in range(2):
        with pytest.raises(ValueError) as caught:
            net(torch.ones(64, 100))
        assert str(caught.value) == "broken"
        assert caught.value.__notes__ == [note]
    assert pickle.loads(pickle.dumps(caught.value)).__notes__ == [note]


def test_the_note_describes_arguments_that_are_no_tensors() -> None:
    with pytest.raises(ValueError, match="broken") as caught:
        Breaks()([torch.ones(2), torch.ones(1, 3)], mask=None, n=3)
    assert caught.value.__notes__ == ["in Breaks, called with input shapes [[(2,), (1, 3)], mask=NoneType, n=int]"]


def test_an_exception_object_raised_again_has_one_note() -> None:
    class Same(nn.Module):
        error = ValueError("same")

        def forward(self, x: Any) -> Any:
            raise self.error

    net = nn.Sequential(nn.Sequential(Same()))
    for size in (1, 2):
        with pytest.raises(ValueError, match="same") as caught:
            net(torch.ones(size, 2))
        assert caught.value.__notes__ == [f"in 0.0 (Same), called with input shapes [({size}, 2)]"]


def test_other_notes_stay() -> None:
    class Noted(nn.Module):
        def forward(self, x: Any) -> Any:
            error = KeyError("x")
            error.add_note("mine")
            raise error

    with pytest.raises(KeyError) as caught:
        nn.Sequential(Noted())(torch.ones(1))
    assert caught.value.__notes__ == ["mine", "in 0 (Noted), called with input shapes [(1,)]"]


def test_a_recursion_error_gets_out() -> None:
    class Endless(nn.Module):
        def forward(self, x: Any) -> Any:
            return self(x)

    with pytest.raises(RecursionError):
        Endless()(1)


def test_the_package_lists_every_layer_of_its_files() -> None:
    import importlib
    import pkgutil

    listed = {"Module"}
    for info in pkgutil.iter_modules(torch.nn.modules.__path__):
        file = importlib.import_module(f"rushlight.nn.modules.{info.name}")
        if not info.name.startswith("_") and info.name not in ("lazy", "module", "utils"):
            listed |= set(file.__all__)
    assert set(torch.nn.modules.__all__) == listed


class Watched(nn.Linear):
    """A layer with its own way of finding what is registered."""

    def __getattr__(self, name: str) -> Any:
        asked = self.__dict__.setdefault("asked", [])
        asked.append(name)
        return super().__getattr__(name)


class Tuned(nn.Linear):
    pass


def test_members_are_found_as_getattr_finds_them() -> None:
    layer, watched, tuned = nn.Linear(2, 3), Watched(2, 3), Tuned(2, 3)
    assert layer.weight is layer._parameters["weight"]
    watched.asked.clear()  # registering asks, too
    assert watched.weight is watched._parameters["weight"] and "weight" in watched.asked
    Tuned.bias = "the class's own"
    assert tuned.bias == "the class's own" and tuned._parameters["bias"] is not None
    for owner in (nn.Linear, nn.Module, Watched):
        with pytest.raises(AttributeError, match=f"type object '{owner.__name__}' has no attribute 'weight'"):
            _ = owner.weight
    layer._parameters["weight"] = replaced = nn.Parameter(torch.zeros(3, 2))
    assert layer.weight is replaced
    del layer.weight
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'weight'"):
        _ = layer.weight
    layer.weight = torch.ones(3, 2)  # no parameter any more: an attribute like any other
    assert "weight" in vars(layer) and layer.weight is vars(layer)["weight"]
    holder = nn.Module()
    holder.weight = nn.Linear(1, 1)
    assert holder.weight is holder._modules["weight"] and not hasattr(nn.Module(), "weight")
