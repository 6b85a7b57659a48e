"""cond and while_loop: which branch runs, gradients, refusals."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch


@pytest.mark.parametrize(("pred", "expected"), [(True, 2.0), (False, 3.0), (torch.tensor(True), 2.0), (0, 3.0)])
def test_the_branch_that_the_condition_says_runs_and_has_a_gradient(pred: Any, expected: float) -> None:
    x = torch.tensor(1.0, requires_grad=True)
    torch.cond(pred, lambda x: 2 * x, lambda x: 3 * x, (x,)).backward()
    assert x.grad is not None
    assert x.grad.item() == expected


def test_a_loop_goes_on_while_its_condition_holds() -> None:
    x = torch.tensor(1.5, requires_grad=True)
    i, y = torch.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * x), (torch.tensor(0), x))
    y.backward()
    assert (i.item(), y.item(), x.grad.item()) == (4, 1.5**5, 5 * 1.5**4)
    assert torch.while_loop(lambda v: torch.tensor(False), lambda v: v, [3]) == (3,)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: torch.cond(torch.ones(2) > 0, len, len, ()), "pred to be bool"),
        (lambda: torch.cond("yes", len, len, ()), "pred to be bool"),
        (lambda: torch.cond(True, 3, len, ()), "to be callable"),
        (lambda: torch.cond(True, len, len, 3), "operands to be a tuple"),
        (lambda: torch.while_loop(3, len, ()), "to be callable"),
        (lambda: torch.while_loop(len, len, 3), "carried_inputs to be a tuple"),
        (lambda: torch.while_loop(lambda v: True, lambda v: (v, v), (1,)), "as many as it takes"),
    ],
)
def test_misuse_is_refused(call: Any, match: str) -> None:
    with pytest.raises(RuntimeError, match=match):
        call()
