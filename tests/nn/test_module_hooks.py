"""The hooks around a module's forward and backward, on one module and on all."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import rushlight as torch
import rushlight.nn as nn
from rushlight.nn.modules import module as module_file
from rushlight.nn.modules._hooks import _WrappedHook
from rushlight.utils.hooks import RemovableHandle, unserializable_hook, warn_if_has_hooks


class Add(nn.Module):
    def forward(self, x: Any, *, by: Any = 1) -> Any:
        return x + by


class Fails(nn.Module):
    def forward(self, x: Any) -> Any:
        raise ValueError("forward failed")


class Mul(nn.Module):
    def forward(self, a: Any, b: Any) -> Any:
        return a * b, 5


@pytest.fixture(autouse=True)
def no_global_hooks() -> Iterator[None]:
    yield
    for name, value in vars(module_file).items():
        if name.startswith("_global_") and isinstance(value, OrderedDict):
            value.clear()


FORWARD: list[tuple[str, Callable[[nn.Module], Any], dict[str, Any], Any]] = [
    ("none", lambda m: None, {}, 2),
    ("pre, seen", lambda m: m.register_forward_pre_hook(lambda m, args: None), {}, 2),
    ("pre, tuple", lambda m: m.register_forward_pre_hook(lambda m, args: (10,)), {}, 11),
    ("pre, bare", lambda m: m.register_forward_pre_hook(lambda m, args: 20), {}, 21),
    ("pre, keywords", lambda m: m.register_forward_pre_hook(lambda m, a, k: (a, {"by": 7}), with_kwargs=True), {}, 8),
    ("post, seen", lambda m: m.register_forward_hook(lambda m, args, out: None), {}, 2),
    ("post", lambda m: m.register_forward_hook(lambda m, args, out: (args, out)), {}, ((1,), 2)),
    (
        "post, keywords",
        lambda m: m.register_forward_hook(lambda m, a, k, out: (a, k, out), with_kwargs=True),
        {"by": 5},
        ((1,), {"by": 5}, 6),
    ),
    ("global pre", lambda m: module_file.register_module_forward_pre_hook(lambda m, args: (30,)), {}, 31),
    ("global post", lambda m: module_file.register_module_forward_hook(lambda m, args, out: -out), {}, -2),
    (
        "global post, keywords",
        lambda m: module_file.register_module_forward_hook(lambda m, a, k, out: k, with_kwargs=True),
        {"by": 5},
        {"by": 5},
    ),
]


@pytest.mark.parametrize(("register", "keywords", "expected"), [f[1:] for f in FORWARD], ids=[f[0] for f in FORWARD])
def test_forward_hooks_see_and_replace(register: Callable[[nn.Module], Any], keywords: Any, expected: Any) -> None:
    m = Add()
    handle = register(m)
    assert m(1, **keywords) == expected
    if handle is not None:
        handle.remove()
        handle.remove()
        assert m(1) == 2
        for name in ("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_pre_hooks_with_kwargs"):
            assert not getattr(m, name)


def test_hooks_run_in_order_the_global_and_the_prepended_first() -> None:
    seen: list[str] = []

    def note(text: str) -> Callable[..., None]:
        return lambda *_: seen.append(text)

    m = Add()
    m.register_forward_pre_hook(note("pre 1"))
    m.register_forward_pre_hook(note("pre 0"), prepend=True)
    m.register_forward_hook(note("post 1"))
    m.register_forward_hook(note("post 0"), prepend=True)
    module_file.register_module_forward_pre_hook(note("global pre"))
    module_file.register_module_forward_hook(note("global post"))
    m(1)
    assert seen == ["global pre", "pre 0", "pre 1", "global post", "post 0", "post 1"]


def test_a_pre_hook_with_keywords_must_return_a_pair() -> None:
    m = Add()
    m.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"):
        m(1)


def test_hooks_that_are_always_called_see_no_output_after_a_failure() -> None:
    seen: list[Any] = []
    m = Fails()
    m.register_forward_hook(lambda m, args, out: seen.append("skipped"))
    m.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    m.register_forward_hook(lambda m, args, kw, out: seen.append(kw), always_call=True, with_kwargs=True)
    module_file.register_module_forward_hook(lambda m, args, out: seen.append("global"), always_call=True)
    with pytest.raises(ValueError, match="forward failed"):
        m(1)
    assert seen == ["global", None, {}]


def test_a_failing_hook_that_is_always_called_only_warns() -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("hook failed")

    m = Fails()
    m.register_forward_hook(broken, always_call=True)
    with pytest.raises(ValueError, match="forward failed"), pytest.warns(UserWarning, match="silenced.*hook failed"):
        m(1)
    ok = nn.Flatten(0)
    ok.register_forward_hook(broken, always_call=True)
    with pytest.raises(RuntimeError, match="hook failed"):
        ok(torch.ones(1))


def gradient(register: Callable[[Mul], Any], y: Any = 1.0) -> list[float]:
    m = Mul()
    register(m)
    x = torch.ones(2, requires_grad=True)
    m(x, y)[0].sum().backward()
    assert x.grad is not None
    return x.grad.tolist()


def test_backward_hooks_see_and_replace_gradients() -> None:
    seen: list[Any] = []

    def note(module: Any, grad_input: Any, grad_output: Any) -> None:
        seen.append((grad_input[0].tolist(), grad_input[1], grad_output[0].tolist(), grad_output[1]))

    assert gradient(lambda m: m.register_full_backward_hook(note)) == [1.0, 1.0]
    assert seen == [([1.0, 1.0], None, [1.0, 1.0], None)]
    assert gradient(lambda m: m.register_full_backward_hook(lambda m, i, o: (i[0] * 5, None))) == [5.0, 5.0]
    assert gradient(lambda m: m.register_full_backward_pre_hook(lambda m, o: (o[0] * 3, None))) == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 1, but expected 2"):
        gradient(lambda m: m.register_full_backward_hook(lambda m, i, o: (i[0],)))
    with pytest.raises(RuntimeError, match="invalid number of grad_output, got 1, but expected 2"):
        gradient(lambda m: m.register_full_backward_pre_hook(lambda m, o: (o[0],)))


def test_a_backward_hook_sees_the_gradient_that_a_pre_hook_made() -> None:
    seen: list[Any] = []
    m = Add()
    m.register_full_backward_pre_hook(lambda m, o: (o[0] * 3,))
    m.register_full_backward_hook(lambda m, i, o: seen.append((i[0].item(), o[0].item())))
    m(torch.ones(1, requires_grad=True)).sum().backward()
    assert seen == [(3.0, 3.0)]


def test_global_backward_hooks_see_every_module() -> None:
    seen: list[str] = []
    net = nn.Sequential(Add())
    with (
        module_file.register_module_full_backward_hook(lambda m, i, o: seen.append("back " + type(m).__name__)),
        module_file.register_module_full_backward_pre_hook(lambda m, o: seen.append("pre " + type(m).__name__)),
        pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full backward hooks as a global"),
    ):
        net(torch.ones(1, requires_grad=True)).sum().backward()
        module_file.register_module_backward_hook(lambda *_: None)
    assert seen == ["pre Sequential", "pre Add", "back Add", "back Sequential"]


def test_a_backward_hook_fires_where_no_input_wants_a_gradient() -> None:
    layer = nn.ParameterList([torch.ones(1)])

    class Uses(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * layer[0]

    m = Uses()
    seen: list[Any] = []
    m.register_full_backward_hook(lambda m, i, o: seen.append(i))
    with pytest.warns(UserWarning, match="Full backward hook is firing"):
        m(torch.ones(1)).sum().backward()
    assert seen == [(None,)]
    m.register_full_backward_hook(lambda m, i, o: (1,))
    with (
        pytest.warns(UserWarning, match="Full backward hook is firing"),
        pytest.raises(RuntimeError, match="should always return None or None for all gradients"),
    ):
        m(torch.ones(1)).sum().backward()


def test_backward_hooks_want_tensors_out() -> None:
    class Dict(nn.Module):
        def forward(self, x: Any) -> Any:
            return {"y": x}

    m = Dict()
    m.register_full_backward_hook(lambda m, i, o: None)
    with pytest.warns(UserWarning, match="module output should be a Tensor or a tuple of Tensors but received"):
        m(torch.ones(1, requires_grad=True))


def test_the_two_kinds_of_backward_hook_exclude_each_other() -> None:
    m, n = Add(), Add()
    m.register_full_backward_hook(lambda *_: None)
    n.register_backward_hook(lambda *_: None)
    for register in (m.register_backward_hook, n.register_full_backward_hook):
        with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full backward hooks on a"):
            register(lambda *_: None)


class Outputs(nn.Module):
    def __init__(self, compute: Callable[[Any], Any]) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, x: Any) -> Any:
        return self.compute(x)


DEPRECATED: list[tuple[str, Callable[[Any], Any], bool, str]] = [
    ("dict", lambda x: {"y": x * 2}, False, "does not return a single Tensor or a tuple of Tensors"),
    ("list in", lambda x: x[0] * 2, True, "does not take as input a single Tensor or a tuple of Tensors"),
    ("two nodes out", lambda x: (x * 2, x * 3), False, "outputs are generated by different autograd Nodes"),
    ("two nodes deep", lambda x: (x * 2) * 2, False, "the forward contains multiple autograd Nodes"),
]


@pytest.mark.parametrize(("compute", "listed", "text"), [d[1:] for d in DEPRECATED], ids=[d[0] for d in DEPRECATED])
def test_a_deprecated_backward_hook_warns_of_what_it_misses(compute: Any, listed: bool, text: str) -> None:
    m = Outputs(compute)
    seen: list[Any] = []
    m.register_backward_hook(lambda m, i, o: seen.append(o))
    x = torch.ones(1, requires_grad=True)
    with pytest.warns(FutureWarning, match=text):
        out = m([x] if listed else x)
    (out["y"] if isinstance(out, dict) else out[0]).sum().backward()
    assert len(seen) == 1


def test_a_deprecated_backward_hook_on_one_node_is_silent() -> None:
    m = Outputs(lambda x: -x)
    seen: list[Any] = []
    m.register_backward_hook(lambda m, i, o: seen.append(o[0].tolist()))
    m(torch.ones(1, requires_grad=True) * 2).sum().backward()
    assert seen == [[1.0]]


def test_registration_hooks_replace_what_comes_in() -> None:
    seen: list[str] = []
    module_file.register_module_parameter_registration_hook(lambda m, name, p: seen.append(name))
    module_file.register_module_buffer_registration_hook(lambda m, name, b: torch.zeros(1))
    module_file.register_module_module_registration_hook(lambda m, name, c: nn.Flatten())
    m = nn.Module()
    m.w = nn.Parameter(torch.ones(1))
    m.register_buffer("b", torch.ones(1))
    m.first = Add()
    m.add_module("second", Add())
    assert seen == ["w"] and m.b.tolist() == [0.0]
    assert isinstance(m.first, nn.Flatten) and isinstance(m.second, nn.Flatten)


def test_a_handle_is_a_context_manager_and_survives_pickling() -> None:
    hooks: OrderedDict[int, str] = OrderedDict()
    with RemovableHandle(hooks) as handle:
        hooks[handle.id] = "hook"
    assert not hooks
    hooks[handle.id] = "hook"
    again_hooks, again = pickle.loads(pickle.dumps((hooks, handle)))
    again.remove()
    assert not again_hooks and hooks
    assert RemovableHandle(hooks).id > again.id
    del again_hooks
    lonely = pickle.loads(pickle.dumps(again))
    lonely.remove()


def named_hook(module: Any, args: Any, out: Any) -> Any:
    return out * 10


def test_hooks_are_copied_with_their_module() -> None:
    m = Add()
    m.register_forward_hook(named_hook)
    assert copy.deepcopy(m)(1) == 20


def test_a_wrapped_hook_keeps_no_module_alive() -> None:
    m = Add()
    hook = _WrappedHook(lambda module, x: (type(module).__name__, x), m)
    assert hook(1) == ("Add", 1)
    state = hook.__getstate__()
    del m
    state["module"] = None
    with pytest.raises(RuntimeError, match="revive the hook of a dead Module"):
        hook.__setstate__(state)
    with pytest.raises(RuntimeError, match="call the hook of a dead Module"):
        _WrappedHook(lambda module: None, Add())()


def test_saving_a_tensor_warns_of_hooks_it_loses() -> None:
    x = torch.ones(1, requires_grad=True)
    warn_if_has_hooks(x)
    x.register_hook(unserializable_hook(lambda g: g))
    warn_if_has_hooks(x)
    x.register_hook(lambda g: g)
    with pytest.warns(UserWarning, match="on tensor will not be serialized"):
        warn_if_has_hooks(x)
