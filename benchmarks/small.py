"""The least that an operation costs: one call on 8×8 tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["add", "add_with_gradient", "square_sum_backward"]

Step = Callable[[], None]


def add(torch: Any) -> Step:
    """One addition of two 8×8 tensors."""
    a, b = torch.ones(8, 8), torch.ones(8, 8)

    def step() -> None:
        a + b

    return step


def add_with_gradient(torch: Any) -> Step:
    """One addition of two 8×8 tensors of which one requires a gradient."""
    a, b = torch.ones(8, 8, requires_grad=True), torch.ones(8, 8)

    def step() -> None:
        a + b

    return step


def square_sum_backward(torch: Any) -> Step:
    """`(x * x).sum().backward()` on 8×8."""
    x = torch.ones(8, 8, requires_grad=True)

    def step() -> None:
        (x * x).sum().backward()

    return step
