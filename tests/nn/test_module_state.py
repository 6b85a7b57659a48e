"""Saving and loading a module's state."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

import rushlight as torch
import rushlight.nn as nn


class Scale(nn.Module):
    def __init__(self, value: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((2,), value))
        self.register_buffer("count", torch.zeros(1))
        self.register_buffer("scratch", torch.zeros(1), persistent=False)
        self.register_parameter("missing", None)


class Extra(nn.Module):
    note: Any = "first"

    def get_extra_state(self) -> Any:
        return self.note

    def set_extra_state(self, state: Any) -> None:
        self.note = state


def test_state_holds_the_tensors_themselves_detached_in_order_with_versions() -> None:
    net = nn.Sequential(Scale(), nn.Flatten())
    state = net.state_dict()
    assert type(state) is OrderedDict and list(state) == ["0.factor", "0.count"]
    assert state._metadata == {"": {"version": 1}, "0": {"version": 1}, "1": {"version": 1}}  # type: ignore[attr-defined]
    assert not state["0.factor"].requires_grad
    state["0.factor"][0] = 9.0
    assert net[0].factor.tolist() == [9.0, 1.0]
    assert net.state_dict(keep_vars=True)["0.factor"] is net[0].factor


def test_state_goes_into_a_destination_under_a_prefix() -> None:
    held: dict[str, Any] = {}
    assert Scale().state_dict(destination=held, prefix="p.") is held
    assert list(held) == ["p.factor", "p.count"]
    with pytest.warns(FutureWarning, match="Positional args are being deprecated"):
        state = Scale().state_dict(OrderedDict(), "old.", True)  # type: ignore[call-overload]
    assert list(state) == ["old.factor", "old.count"] and isinstance(state["old.factor"], nn.Parameter)


def test_a_round_trip_copies_into_the_same_parameters() -> None:
    net, other = nn.Sequential(Scale()), nn.Sequential(Scale(5.0))
    param = net[0].factor
    result = net.load_state_dict(other.state_dict())
    assert repr(result) == "<All keys matched successfully>" == str(result)
    assert net[0].factor is param and param.tolist() == [5.0, 5.0] and param.requires_grad


def test_assign_takes_the_tensors_over() -> None:
    net = Scale().requires_grad_(False)
    given, count = torch.tensor([3.0, 4.0]), torch.ones(1)
    net.load_state_dict({"factor": given, "count": count}, assign=True)
    assert isinstance(net.factor, nn.Parameter) and not net.factor.requires_grad and net.count is count
    given[0] = 7.0
    assert net.factor.tolist() == [7.0, 4.0]
    param = nn.Parameter(torch.zeros(2))
    net.load_state_dict({"factor": param, "count": count}, assign=True)
    assert net.factor is param and not param.requires_grad


SIZE = (
    "size mismatch for 0.factor: copying a param with shape torch.Size([3]) from checkpoint, "
    "the shape in current model is torch.Size([2])."
)
FAULTS: list[tuple[str, Any, str]] = [
    ("missing", {"0.factor": torch.ones(2)}, 'Missing key(s) in state_dict: "0.count". '),
    (
        "unexpected",
        {"0.factor": torch.ones(2), "0.count": torch.ones(1), "0.more": 1, "x": 2, "9.y": 3},
        'Unexpected key(s) in state_dict: "x", "9.y", "0.more". ',
    ),
    ("size", {"0.factor": torch.ones(3), "0.count": torch.ones(1)}, SIZE),
    (
        "type",
        {"0.factor": [1, 2], "0.count": torch.ones(1)},
        'While copying the parameter named "0.factor", expected torch.Tensor or Tensor-like object from checkpoint but '
        "received <class 'list'>",
    ),
    (
        "all at once",
        {"0.factor": torch.ones(3), "x": 2},
        'Missing key(s) in state_dict: "0.count". \n\tUnexpected key(s) in state_dict: "x". \n\t' + SIZE,
    ),
]


@pytest.mark.parametrize(("state", "report"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_faults_are_gathered_into_one_report(state: Any, report: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        nn.Sequential(Scale()).load_state_dict(state)
    assert str(caught.value) == "Error(s) in loading state_dict for Sequential:\n\t" + report


def test_without_strict_keys_are_reported_and_sizes_still_raise() -> None:
    net = nn.Sequential(Scale())
    missing, unexpected = net.load_state_dict({"x": torch.ones(1)}, strict=False)
    assert missing == ["0.factor", "0.count"] and unexpected == ["x"]
    keys = net.load_state_dict({}, strict=False)
    assert repr(keys) == "_IncompatibleKeys(missing_keys=['0.factor', '0.count'], unexpected_keys=[])"
    with pytest.raises(RuntimeError, match=r"size mismatch for 0.factor"):
        net.load_state_dict({"0.factor": torch.ones(3)}, strict=False)


def test_a_state_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Expected state_dict to be dict-like, got <class 'list'>\."):
        Scale().load_state_dict([1])  # type: ignore[arg-type]


def test_a_scalar_is_read_from_one_element() -> None:
    m = nn.Module()
    m.w = nn.Parameter(torch.tensor(1.0))
    m.load_state_dict({"w": torch.tensor([3.0])})
    assert m.w.item() == 3.0


def test_a_failing_copy_is_part_of_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(torch.Tensor, "copy_", broken)
    with pytest.raises(RuntimeError, match=r"an exception occurred : \('disk on fire',\)\."):
        Scale().load_state_dict(Scale().state_dict())


def test_extra_state_is_saved_loaded_and_missed() -> None:
    net = nn.Sequential(Extra())
    net[0].note = {"n": 1}
    state = net.state_dict()
    assert state == {"0._extra_state": {"n": 1}}
    other = nn.Sequential(Extra())
    other.load_state_dict(state)
    assert other[0].note == {"n": 1}
    with pytest.raises(RuntimeError, match=r'Missing key.*"0._extra_state"'):
        other.load_state_dict({})
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"0._extra_state"'):
        nn.Sequential(nn.Flatten()).load_state_dict(state)


def test_a_module_may_read_older_versions() -> None:
    class Renamed(nn.Module):
        _version = 2

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *args: Any) -> None:
            if local_metadata.get("version", 1) < 2:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
            super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

    m = nn.Sequential(Renamed())
    assert m.state_dict()._metadata["0"] == {"version": 2}  # type: ignore[attr-defined]
    old = {"0.w": torch.ones(1)}
    m.load_state_dict(old)
    assert m[0].weight.tolist() == [1.0] and list(old) == ["0.w"]
    m.load_state_dict(m.state_dict())


def test_state_hooks_see_and_change_the_state() -> None:
    seen: list[Any] = []
    m = Scale()
    m.register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append((prefix, keep_vars)))
    m.register_state_dict_post_hook(lambda module, state, prefix, meta: state.update(added=meta["version"]))
    m._register_state_dict_hook(lambda module, state, prefix, meta: OrderedDict(list(state.items())[1:]))
    assert list(m.state_dict()) == ["count", "added"] and seen == [("", False)]


def test_a_public_state_hook_must_return_none() -> None:
    m = Scale()

    def hook(module: Any, state: Any, prefix: str, meta: Any) -> Any:
        return state

    m.register_state_dict_post_hook(hook)
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        m.state_dict()
    with pytest.raises(RuntimeError, match="Cannot register the same function as the state dict post hook"):
        m._register_state_dict_hook(hook)


def test_load_hooks_see_and_change_what_is_loaded() -> None:
    seen: list[Any] = []
    net = nn.Sequential(Scale())
    net.register_load_state_dict_pre_hook(lambda module, state, prefix, *_: seen.append((module is net, prefix)))
    net[0]._register_load_state_dict_pre_hook(lambda state, prefix, *_: state.pop(prefix + "surplus"))
    state = {"0.factor": torch.ones(2), "0.surplus": torch.ones(1)}
    with net.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear()):
        assert str(net.load_state_dict(state)) == "<All keys matched successfully>"
    assert seen == [(True, "")] and "0.surplus" in state
    net.register_load_state_dict_post_hook(lambda module, keys: keys)
    with pytest.raises(AssertionError, match="are not expected to return new values"):
        net.load_state_dict({**state, "0.count": torch.ones(1)})
