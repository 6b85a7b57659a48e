"""gradcheck and gradgradcheck: right gradients pass, each kind of wrong one is found."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch
from rushlight.autograd import GradcheckError, gradcheck, gradgradcheck


def made(scale: float = 1.0, twice: float = 1.0, constant: bool = False) -> Any:
    """x³ with a first derivative wrong by a factor, a second wrong by another."""

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            slope = 3 * x * x
            if twice != 1.0:
                slope = slope * twice + slope.detach() * (1 - twice)
            return torch.zeros_like(x) if constant else grad * slope * scale

    return Cube.apply


@pytest.fixture
def x() -> Any:
    return torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64, requires_grad=True)


def test_right_gradients(x: Any) -> None:
    assert gradcheck(made(), x)
    assert gradgradcheck(made(), x)
    assert gradcheck(lambda a, b: (a * b, a.exp(), (b > 0)), (x, x.detach().clone().requires_grad_()))
    assert gradgradcheck(lambda a: a.exp() * 2, (x,), gen_non_contig_grad_outputs=True)


def test_complex_gradients() -> None:
    z = torch.tensor([1.0 + 2.0j, -0.5j], dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda v: v * v.conj(), z)
    assert gradcheck(lambda v: (v * v).real, z)


def test_a_wrong_first_derivative(x: Any) -> None:
    for wrong in (made(scale=1.01), made(constant=True), made(scale=-1.0)):
        with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
            gradcheck(wrong, x)
        assert not gradcheck(wrong, x, raise_exception=False)


def test_a_wrong_second_derivative(x: Any) -> None:
    wrong = made(twice=1.05)
    assert gradcheck(wrong, x)
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradgradcheck(wrong, x)


def test_a_gradient_that_changes_from_call_to_call(x: Any) -> None:
    calls = iter(range(1000))

    class Unsteady(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * (1 + 1e-9 * next(calls))

    with pytest.raises(GradcheckError, match="Backward is not reentrant"):
        gradcheck(Unsteady.apply, x)
    assert gradcheck(Unsteady.apply, x, nondet_tol=1e-5)


def test_nothing_to_check() -> None:
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda v: v, torch.ones(1, dtype=torch.float64))


def test_a_missing_graph(x: Any) -> None:
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda v: v.detach() * 2, x)
