"""Every case of tests/cases against the PyTorch installed here, on inputs drawn afresh."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.cases.case import (  # noqa: E402
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
from tests.parity.draws import torch_draws_bernoulli_serially  # noqa: E402

ALL = [pytest.param(case, id=f"{family}-{case.name}") for family in FAMILIES for case in cases(family)]
REFUSED = [pytest.param(refusal, id=f"{family}-{refusal.name}") for family in FAMILIES for refusal in refusals(family)]
SEEDS = (1, 2)
TOLERANCES = {"float64": 1e-9, "float32": 5e-5, "float16": 1e-2, "bfloat16": 6e-2}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What warns is the subject of other tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def skip_where_torch_draws_otherwise(case: Case) -> None:
    if case.draws and not torch_draws_bernoulli_serially():
        pytest.skip("this PyTorch draws masks with MKL")


def arrays(found: list[Any]) -> list[Any]:
    return [None if g is None else array(g) for g in found]


def second(t: Any, made: Any) -> list[Any]:
    """The gradients of a weighted sum of squares of the gradients."""
    total = None
    for g in gradients(t, made, create_graph=True):
        if g is not None and g.requires_grad:
            weights = (1 + t.arange(g.numel())).reshape(tuple(g.shape)).to(g.dtype)
            total = (g * g * weights).sum() if total is None else total + (g * g * weights).sum()
    return [] if total is None else list(t.autograd.grad(total, made.leaves, allow_unused=True))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", ALL)
def test_outputs_gradients_and_state(case: Case, dtype: str) -> None:
    skip_where_torch_draws_otherwise(case)
    for seed in SEEDS:
        ours, theirs = call(case, rushlight, dtype, seed), call(case, torch, dtype, seed)
        tolerance = TOLERANCES[dtype] * case.tolerance
        assert [str(o.dtype).split(".")[-1] for o in ours.outputs] == [str(o.dtype)[6:] for o in theirs.outputs]
        for i, (a, b) in enumerate(zip(ours.outputs, theirs.outputs, strict=True)):
            assert a.requires_grad == b.requires_grad
            agree(f"out{i}, seed {seed}", array(a), array(b), tolerance)
        grads = zip(arrays(gradients(rushlight, ours)), arrays(gradients(torch, theirs)), strict=True)
        for i, (a, b) in enumerate(grads):
            agree_up_to_none(f"grad{i}, seed {seed}", a, b, tolerance)
        if isinstance(theirs.callee, torch.nn.Module):
            same_module(ours, theirs, tolerance)


def same_module(ours: Any, theirs: Any, tolerance: float) -> None:
    assert repr(ours.callee) == repr(theirs.callee)
    for before in (ours.initial, theirs.initial):
        assert list(before) == list(theirs.initial)
    for name, value in theirs.initial.items():
        agree(f"initial {name}", array(ours.initial[name]), array(value), 2e-6)
    assert list(ours.callee.state_dict()) == list(theirs.callee.state_dict())
    for name, value in theirs.callee.state_dict().items():
        if is_plain(value):
            agree(name, array(ours.callee.state_dict()[name]), array(value), tolerance)


@pytest.mark.parametrize("case", [pytest.param(p.values[0], id=p.id) for p in ALL if p.values[0].second])
def test_second_derivatives(case: Case) -> None:
    skip_where_torch_draws_otherwise(case)
    ours, theirs = (second(t, call(case, t, "float64", 3)) for t in (rushlight, torch))
    if bool(ours) != bool(theirs):
        rest = arrays(ours or theirs)
        assert not any(np.any(r) for r in rest if r is not None)
        return
    for i, (a, b) in enumerate(zip(arrays(ours), arrays(theirs), strict=True)):
        agree_up_to_none(f"second{i}", a, b, 1e-8 * case.tolerance)


@pytest.mark.parametrize(
    ("case", "dtype"), [pytest.param(p.values[0], d, id=f"{p.id}-{d}") for p in ALL for d in p.values[0].halves]
)
def test_16_bit_types(case: Case, dtype: str) -> None:
    skip_where_torch_draws_otherwise(case)
    try:
        theirs = call(case, torch, dtype, 4)
        expected = gradients(torch, theirs)
    except (NotImplementedError, RuntimeError) as error:
        pytest.skip(f"PyTorch has no such kernel: {str(error)[:80]}")
    ours = call(case, rushlight, dtype, 4)
    tolerance = TOLERANCES[dtype] * case.tolerance
    for i, (a, b) in enumerate(zip(ours.outputs, theirs.outputs, strict=True)):
        assert str(a.dtype).split(".")[-1] == str(b.dtype)[6:]
        agree(f"out{i}", array(a), array(b), tolerance)
    for i, (a, b) in enumerate(zip(arrays(gradients(rushlight, ours)), arrays(expected), strict=True)):
        agree_up_to_none(f"grad{i}", a, b, tolerance)


@pytest.mark.parametrize("refusal", REFUSED)
def test_pytorch_refuses_with_the_same_type(refusal: Refusal) -> None:
    with pytest.raises(refusal.error) as caught:
        refusal.call(torch)
    assert caught.type is refusal.error or issubclass(caught.type, refusal.error)
