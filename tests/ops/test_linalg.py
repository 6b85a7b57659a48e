"""Linear algebra: definitions, gradients by finite differences, errors."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck


def matrices(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def definite(x: Any) -> Any:
    return x @ x.mT + 2 * torch.eye(3, dtype=torch.float64)


GRADIENTS: dict[str, Any] = {
    "inv": lambda x: torch.linalg.inv(definite(x)),
    "solve": lambda x: torch.linalg.solve(definite(x), x),
    "det": torch.det,
    "cholesky": lambda x: torch.linalg.cholesky(definite(x)),
    "eigenvalues": lambda x: torch.linalg.eigh(x + x.mT)[0],
    "singular values": torch.linalg.svdvals,
    "spectral norm": lambda x: torch.linalg.matrix_norm(x, 2),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    x = matrices(2, 3, 3)
    assert gradcheck(GRADIENTS[name], (x,))
    assert gradgradcheck(GRADIENTS[name], (x,))


def test_a_singular_matrix_has_a_determinant_with_a_gradient() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    assert gradcheck(torch.det, (x,))


def test_factors_give_the_matrix_back() -> None:
    a = definite(matrices(2, 3, 3)).detach()
    factor = torch.linalg.cholesky(a)
    values, vectors = torch.linalg.eigh(a)
    assert torch.allclose(factor @ factor.mT, a)
    assert torch.allclose(vectors * values.unsqueeze(-2) @ vectors.mT, a)
    assert torch.allclose(a @ a.inverse(), torch.eye(3, dtype=torch.float64).expand(2, 3, 3))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: torch.linalg.inv(torch.zeros(2, 2)), "the input matrix is singular"),
        (lambda: torch.linalg.inv(torch.ones(2, 3)), "batches of square matrices, but they are 2 by 3"),
        (lambda: torch.linalg.cholesky(-torch.eye(2)), "not positive-definite"),
        (lambda: torch.linalg.solve(torch.eye(2), torch.ones(3)), "Incompatible shapes of A and B"),
        (lambda: torch.linalg.matrix_norm(torch.ones(2, 2), 3), "Order 3 not supported"),
        (lambda: torch.det(torch.ones(2, 2, dtype=torch.int64)), "Expected a floating point or complex tensor"),
    ],
)
def test_errors(call: Any, match: str) -> None:
    with pytest.raises(RuntimeError, match=match):
        call()
