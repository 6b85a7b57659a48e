"""The short ways of functions of elements: what they must not leave out, and what they leave to the function itself."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch

FUNCTIONS: dict[str, Any] = {
    "one": torch.ceil,
    "two": lambda x: torch.maximum(x, x),
    "number": lambda x: torch.rsub(x, 1.0),
    "three": lambda x: torch.addcmul(x, x, x),
    "product": lambda x: torch.mm(x, x),
    "reduction": torch.nansum,
    "cast": lambda x: x.double(),
    "view": lambda x: x.expand(2, 2, 2),
    "likeness": torch.full_like,
}


def call(name: str, x: Any) -> Any:
    return FUNCTIONS[name](x, 1.0) if name == "likeness" else FUNCTIONS[name](x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_result_is_plain(name: str) -> None:
    out = call(name, torch.ones(2, 2))
    assert type(out) is torch.Tensor and not out.requires_grad and not out.is_inference()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_inference_mode_marks_results(name: str) -> None:
    x = torch.ones(2, 2)
    with torch.inference_mode():
        assert call(name, x).is_inference()


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n != "likeness"])
def test_history_is_recorded(name: str) -> None:
    leaf = torch.ones(2, 2, requires_grad=True)
    for x in (leaf, leaf.t(), (leaf * 1)[:]):
        assert call(name, x).grad_fn is not None
    with torch.no_grad():
        assert call(name, torch.ones(2, 2, requires_grad=True)).grad_fn is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_transform_sees_the_call(name: str) -> None:
    x = torch.arange(12.0).reshape(3, 2, 2)
    batched = torch.func.vmap(lambda one: call(name, one))(x)
    assert torch.equal(batched, torch.stack([call(name, one) for one in x]))


def test_a_view_that_its_base_gave_a_history_has_one() -> None:
    base, weight = torch.ones(2), torch.ones(2, requires_grad=True)
    part = base[:1]
    base.mul_(weight)
    assert torch.ceil(part).requires_grad and torch.maximum(torch.ones(1), part).requires_grad


WRITES: dict[str, Any] = {
    "one": lambda a, b: a.sin_(),
    "two": lambda a, b: a.add_(b),
    "three": lambda a, b: a.addcmul_(b, b),
    "bounds": lambda a, b: a.clamp_(0, 1),
    "out": lambda a, b: torch.add(b, b, out=a),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_counted(name: str) -> None:
    a = torch.ones(3)
    assert WRITES[name](a, torch.ones(3)) is a and a._version == 1


@pytest.mark.parametrize("name", [n for n in WRITES if n != "out"])
def test_a_write_to_a_leaf_is_refused(name: str) -> None:
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        WRITES[name](torch.ones(3, requires_grad=True), torch.ones(3))


@pytest.mark.parametrize("name", ["two", "three"])
def test_operands_that_share_a_part_of_the_target_are_refused(name: str) -> None:
    memory = torch.ones(4)
    with pytest.raises(RuntimeError, match="single memory location"):
        WRITES[name](memory[1:], memory[:3])


def test_profiles_know_the_function() -> None:
    with torch.profiler.profile() as profile:
        torch.ceil(torch.ones(2))
        torch.ceil(torch.ones(2, requires_grad=True))
        torch.maximum(torch.ones(2), torch.ones(2))
    names = [event.name for event in profile.events()]
    assert names.count("aten::ceil") == 2 and names.count("aten::maximum") == 1
