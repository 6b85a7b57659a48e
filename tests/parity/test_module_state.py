"""Programs about a module's state: they print on rushlight what they print on torch."""

from __future__ import annotations

import copy
from collections import OrderedDict
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
    net.register_load_state_dict_pre_hook(
        lambda m, state, prefix, *rest: print("load pre", type(m).__name__, list(state))
    )
    net._register_load_state_dict_pre_hook(lambda state, prefix, *rest: state.pop("1.surplus", None))
    handle = net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    print(net.load_state_dict({"1.factor": t.ones(2), "1.surplus": t.ones(1)}))
    handle.remove()
    attempt(lambda: net.load_state_dict({"1.factor": t.ones(2)}))
    net.register_load_state_dict_post_hook(lambda m, keys: keys)
    attempt(lambda: net.load_state_dict(net.state_dict()))


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_program_prints_what_it_prints_on_torch(function: Program) -> None:
    assert run(function, rushlight) == run(function, torch)
