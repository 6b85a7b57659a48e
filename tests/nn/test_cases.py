"""Every case of tests/cases: PyTorch's golden values, finite differences, strides, saved states, refusals."""

from __future__ import annotations

import copy
import functools
import json
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck
from tests.cases.case import (
    FAMILIES,
    Case,
    Refusal,
    agree,
    agree_up_to_none,
    array,
    call,
    cases,
    gradients,
    is_plain,
    refusals,
)
from tools.make_layer_goldens import DTYPES, FOLDER, SEED, arrays

ALL = [pytest.param(family, case, id=f"{family}-{case.name}") for family in FAMILIES for case in cases(family)]
REFUSED = [pytest.param(refusal, id=f"{family}-{refusal.name}") for family in FAMILIES for refusal in refusals(family)]
TOLERANCES = {"float32": 2e-5, "float64": 1e-9}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """PyTorch's warnings are the subject of other tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@functools.cache
def golden(family: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The arrays of a family by case, dtype and name, and its texts."""
    with np.load(FOLDER / f"{family}.npz") as file:
        numbers = dict(file)
    return numbers, json.loads(numbers.pop("texts").tobytes())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("family", "case"), ALL)
def test_equals_the_golden_values(family: str, case: Case, dtype: str) -> None:
    everything, every_text = golden(family)
    assert case.name in every_text, f"new case: python tools/make_layer_goldens.py {family}"
    start = f"{case.name}|{dtype}|"
    expected = {key.removeprefix(start): value for key, value in everything.items() if key.startswith(start)}
    numbers, texts = arrays(case, torch, dtype)
    assert texts == every_text[case.name]
    for name in sorted({*numbers, *expected}):
        compare = agree_up_to_none if name.startswith("grad") else agree
        compare(name, numbers.get(name), expected.get(name), TOLERANCES[dtype] * case.tolerance)


@pytest.mark.parametrize("case", [pytest.param(p.values[1], id=p.id) for p in ALL if p.values[1].smooth])
def test_derivatives_equal_finite_differences(case: Case) -> None:
    made = call(case, torch, "float64", SEED)
    if not made.leaves or not any(out.requires_grad for out in made.outputs):
        pytest.skip("nothing to differentiate")

    def function(*_: Any) -> Any:
        # gradcheck changes the leaves' elements where they are, so the call sees them.
        return tuple(out for out in made.again(torch) if out.is_floating_point())

    assert gradcheck(function, made.leaves)
    if case.second:
        assert gradgradcheck(function, made.leaves)


@pytest.mark.parametrize("case", [pytest.param(p.values[1], id=p.id) for p in ALL])
def test_gradients_that_are_differentiated_again_are_the_plain_ones(case: Case) -> None:
    plain, again = (
        gradients(torch, call(case, torch, "float64", SEED), create_graph=create_graph)
        for create_graph in (False, True)
    )
    for i, (a, b) in enumerate(zip(plain, again, strict=True)):
        agree_up_to_none(f"grad{i}", b if b is None else array(b), a if a is None else array(a), 1e-10 * case.tolerance)


@pytest.mark.parametrize("case", [pytest.param(p.values[1], id=p.id) for p in ALL if p.values[1].stepped])
def test_inputs_that_are_not_contiguous_give_the_same(case: Case) -> None:
    plain, stepped = (call(case, torch, "float64", SEED, stepped=s) for s in (False, True))
    for i, (a, b) in enumerate(zip(plain.outputs, stepped.outputs, strict=True)):
        agree(f"out{i}", array(b), array(a), 1e-10 * case.tolerance)
    for i, (a, b) in enumerate(zip(gradients(torch, plain), gradients(torch, stepped), strict=True)):
        agree_up_to_none(f"grad{i}", b if b is None else array(b), a if a is None else array(a), 1e-10 * case.tolerance)


@pytest.mark.parametrize("case", [pytest.param(p.values[1], id=p.id) for p in ALL])
def test_a_saved_state_and_a_copy_give_the_same(case: Case) -> None:
    made = call(case, torch, "float32", SEED)
    if not isinstance(made.callee, torch.nn.Module):
        pytest.skip("a function")
    torch.manual_seed(SEED + 7)
    other = case.make(torch)
    other.load_state_dict(made.callee.state_dict())
    for name, value in other.state_dict().items():
        if is_plain(value):
            np.testing.assert_array_equal(array(value), array(made.callee.state_dict()[name]), err_msg=name)
    if case.copies:
        twin = copy.deepcopy(made.callee)
        assert repr(twin) == repr(made.callee)
        assert list(twin.state_dict()) == list(made.callee.state_dict())


@pytest.mark.parametrize("refusal", REFUSED)
def test_misuse_is_refused(refusal: Refusal) -> None:
    with pytest.raises(refusal.error, match=refusal.match):
        refusal.call(torch)


# Bases, containers and an options class, which tests/nn has tests of its own for.
WITHOUT_CASES = {
    "Container", "L2Loss", "LinearCrossEntropyOptions", "Module", "ParameterDict", "ParameterList", "RNNBase",
    "RNNCellBase",
}  # fmt: skip


def test_every_layer_has_a_case() -> None:
    made = [case.make(torch) for family in FAMILIES for case in cases(family)]
    seen = {type(part).__name__ for layer in made if isinstance(layer, torch.nn.Module) for part in layer.modules()}
    assert set(torch.nn.modules.__all__) - seen == WITHOUT_CASES
