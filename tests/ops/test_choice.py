"""Choices between elements: greater, less, by a condition, by a mask."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck


def test_where_promotes_and_finds() -> None:
    mask = torch.tensor([[True, False], [False, True]])
    assert torch.where(mask, 1, 0).dtype is torch.int64
    assert torch.where(mask, 1.5, torch.tensor(2)).tolist() == [[1.5, 2.0], [2.0, 1.5]]
    assert [i.tolist() for i in torch.where(mask)] == [[0, 1], [0, 1]]


GRADIENTS: dict[str, Any] = {
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "where": lambda x, y: torch.where(x > 0.5, x, y),
    "masked_fill": lambda x, y: x.masked_fill(x > 0.5, 2.0) * y,
    "masked_fill tensor": lambda x, y: x.masked_fill(x > 0.5, y.sum()),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    x = torch.tensor([[0.1, 0.9], [1.4, -0.3]], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.4, 0.7], dtype=torch.float64, requires_grad=True)
    assert gradcheck(GRADIENTS[name], (x, y))
    assert gradgradcheck(GRADIENTS[name], (x, y))


def test_equal_elements_share_the_gradient() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = torch.tensor([1.0, 3.0], requires_grad=True)
    torch.maximum(x, y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([0.5, 0.0], [0.5, 1.0])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda x: torch.where(x, 1, 0),
            RuntimeError,
            "condition to be a boolean tensor, but got a tensor with dtype Float",
        ),
        (lambda x: x.masked_fill(x, 1), RuntimeError, "only supports boolean masks"),
        (
            lambda x: x.masked_fill(x > 0, x),
            RuntimeError,
            "0-dimensional value tensor, but got tensor with 1 dimension",
        ),
        (lambda x: torch.maximum(x, 1), TypeError, "must be Tensor, not int"),
    ],
)
def test_errors(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(torch.tensor([1.0, 2.0]))
