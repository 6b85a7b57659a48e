"""Reductions of segments: derivatives of every order, also where PyTorch has the first only."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch


@pytest.mark.parametrize("how", ["sum", "mean", "max", "min", "prod"])
@pytest.mark.parametrize("initial", [None, 0.33])
def test_derivatives(how: str, initial: float | None) -> None:
    x = (torch.arange(10.0, dtype=torch.float64).reshape(5, 2) * 7 % 10 / 5 - 0.9).requires_grad_()

    def reduce(x: Any) -> Any:
        return torch.segment_reduce(x, how, lengths=torch.tensor([2, 1, 2]), initial=initial)

    assert torch.autograd.gradcheck(reduce, (x,))
    assert torch.autograd.gradgradcheck(reduce, (x,))


def test_the_gradient_of_a_product_with_zeros() -> None:
    x = torch.tensor([2.0, 0.0, 3.0, 0.0, 0.0, 5.0], requires_grad=True)
    torch.segment_reduce(x, "prod", lengths=torch.tensor([3, 3])).sum().backward()
    assert x.grad.tolist() == [0, 6, 0, 0, 0, 0]


def test_equal_elements_share_the_gradient_of_a_maximum() -> None:
    x = torch.tensor([1.0, 3.0, 3.0, 2.0], requires_grad=True)
    torch.segment_reduce(x, "max", offsets=torch.tensor([0, 3, 4])).sum().backward()
    assert x.grad.tolist() == [0, 0.5, 0.5, 1]
