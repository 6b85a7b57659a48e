"""Linear algebra against PyTorch: values, gradients of both orders, errors."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.tensor_oracle import same  # noqa: E402


def definite(t: Any, x: Any) -> Any:
    return x @ x.mT + t.eye(x.shape[-1], dtype=x.dtype) * 2


def symmetric(x: Any) -> Any:
    return x + x.mT


PROGRAMS: dict[str, Any] = {
    "inv": lambda t, x, y: t.linalg.inv(definite(t, x)),
    "solve": lambda t, x, y: t.linalg.solve(definite(t, x), y),
    "solve broadcast": lambda t, x, y: t.linalg.solve(definite(t, x)[0], y),
    "solve vectors": lambda t, x, y: t.linalg.solve(definite(t, x), y[..., 0]),
    "solve right": lambda t, x, y: t.linalg.solve(definite(t, x), y.mT, left=False),
    "det": lambda t, x, y: t.linalg.det(x),
    "cholesky": lambda t, x, y: t.linalg.cholesky(definite(t, x)),
    "cholesky upper": lambda t, x, y: t.linalg.cholesky(definite(t, x), upper=True),
    "eigenvalues": lambda t, x, y: t.linalg.eigh(symmetric(x)).eigenvalues,
    "eigenvalues alone": lambda t, x, y: t.linalg.eigvalsh(symmetric(x)),
    "eigenvectors": lambda t, x, y: t.linalg.eigh(symmetric(x)).eigenvectors.abs(),
    "singular values": lambda t, x, y: t.linalg.svdvals(y),
    "singular values of wide ones": lambda t, x, y: t.linalg.svdvals(y.mT),
    **{
        f"matrix norm {order}": lambda t, x, y, order=order: t.linalg.matrix_norm(y, order)
        for order in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf"))
    },
    "matrix norm, other dims": lambda t, x, y: t.linalg.matrix_norm(y, 1, (1, 0), keepdim=True),
    "vector norm": lambda t, x, y: (t.linalg.vector_norm(y, 3, -1), t.linalg.norm(y), t.linalg.norm(y[0], "nuc")),
    "norm of a vector": lambda t, x, y: t.linalg.norm(y[0, 0], 1),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(name: str) -> None:
    same(PROGRAMS[name], [(2, 3, 3), (2, 3, 2)], strides=False, check_names=False)


def test_the_determinant_of_a_singular_matrix_has_a_gradient() -> None:
    # PyTorch gives zeros here; the derivative of ad - bc is what is written.
    x = rushlight.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    rushlight.linalg.det(x).backward()
    assert x.grad.tolist() == [[4.0, -2.0], [-2.0, 1.0]]


ERRORS: dict[str, Any] = {
    "singular": lambda t: t.linalg.inv(t.zeros(2, 2)),
    "no inverse of a rectangle": lambda t: t.linalg.inv(t.ones(2, 3)),
    "no inverse of integers": lambda t: t.linalg.inv(t.ones(2, 2, dtype=t.int64)),
    "no inverse of half": lambda t: t.linalg.inv(t.eye(2).half()),
    "unsolvable": lambda t: t.linalg.solve(t.zeros(2, 2), t.ones(2)),
    "types": lambda t: t.linalg.solve(t.eye(2), t.ones(2, dtype=t.float64)),
    "shapes": lambda t: t.linalg.solve(t.eye(2), t.ones(3)),
    "not definite": lambda t: t.linalg.cholesky(-t.eye(2)),
    "vector": lambda t: t.linalg.det(t.ones(3)),
    "order": lambda t: t.linalg.matrix_norm(t.ones(2, 2), 3),
    "order of a vector": lambda t: t.linalg.norm(t.ones(2), "nuc"),
    "triangle": lambda t: t.linalg.eigh(t.eye(2), "X"),
    "dims": lambda t: t.linalg.norm(t.ones(2, 2, 2), 2),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    kinds = []
    for t in (rushlight, torch):
        with pytest.raises(RuntimeError) as caught:
            ERRORS[name](t)
        kinds.append(issubclass(caught.type, t.linalg.LinAlgError))
    assert kinds[0] == kinds[1]
