"""Matrix products and einsum: values by NumPy, derivatives of both orders by finite differences, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight.autograd import gradcheck, gradgradcheck

# name: (ours, NumPy's, shapes)
PRODUCTS: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[tuple[int, ...]]]] = {
    "mm": (torch.mm, np.matmul, [(2, 3), (3, 4)]),
    "bmm": (torch.bmm, np.matmul, [(2, 2, 3), (2, 3, 2)]),
    "mv": (torch.mv, np.matmul, [(2, 3), (3,)]),
    "dot": (torch.dot, np.dot, [(3,), (3,)]),
    "outer": (torch.outer, np.outer, [(2,), (3,)]),
    "inner": (torch.inner, np.inner, [(2, 3), (2, 3)]),
    "matmul": (torch.matmul, np.matmul, [(2, 1, 2, 3), (2, 3, 2)]),
    "matmul vector": (torch.matmul, np.matmul, [(2, 2, 3), (3,)]),
    "vector matmul": (torch.matmul, np.matmul, [(3,), (2, 3, 2)]),
    "empty": (torch.matmul, np.matmul, [(2, 0), (0, 3)]),
    "addmm": (torch.addmm, lambda c, a, b: c + a @ b, [(3,), (2, 2), (2, 3)]),
    "addmm scaled": (
        lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2),
        lambda c, a, b: 0.5 * c + 2 * a @ b,
        [(2, 3), (2, 2), (2, 3)],
    ),
    "baddbmm": (torch.baddbmm, lambda c, a, b: c + a @ b, [(2, 3), (2, 2, 2), (2, 2, 3)]),
    "linear": (F.linear, lambda x, w, b: x @ w.T + b, [(2, 3), (4, 3), (4,)]),
    "linear vector": (F.linear, lambda x, w, b: x @ w.T + b, [(3,), (4, 3), (4,)]),
    "linear batch": (F.linear, lambda x, w, b: x @ w.T + b, [(2, 2, 3), (4, 3), (4,)]),
    "linear no bias": (F.linear, lambda x, w: x @ w.T, [(2, 2, 3), (4, 3)]),
    "linear empty": (F.linear, lambda x, w, b: x @ w.T + b, [(0, 3), (4, 3), (4,)]),
    "bilinear": (
        F.bilinear,
        lambda x, y, w, b: np.einsum("bi,kij,bj->bk", x, w, y) + b,
        [(2, 3), (2, 2), (4, 3, 2), (4,)],
    ),
    "kron": (torch.kron, np.kron, [(2, 2), (1, 3)]),
    "tensordot": (torch.tensordot, np.tensordot, [(2, 3, 2), (3, 2, 2)]),
    "tensordot lists": (
        lambda a, b: torch.tensordot(a, b, dims=([1, 0], [0, 1])),
        lambda a, b: np.tensordot(a, b, ([1, 0], [0, 1])),
        [(3, 2, 2), (2, 3, 2)],
    ),
}
EINSUMS = {
    "ii": [(3, 3)],
    "ii->i": [(3, 3)],
    "ij->ji": [(2, 3)],
    "ik,kj->ij": [(2, 3), (3, 2)],
    "bij,bjk->bik": [(2, 2, 3), (2, 3, 2)],
    "i,j->ij": [(2,), (3,)],
    "bn,anm,bm->ba": [(2, 3), (2, 3, 2), (2, 2)],
    "...ij,...jk->...ik": [(2, 1, 2, 3), (2, 3, 2)],
    "ij,jk->k": [(2, 3), (3, 2)],
    "iij,jk->ik": [(2, 2, 3), (3, 2)],
}


def arrays(shapes: list[tuple[int, ...]]) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


def check(ours: Callable[..., Any], numpys: Callable[..., Any], shapes: list[tuple[int, ...]]) -> None:
    values = arrays(shapes)
    expected = numpys(*values)
    out = ours(*[torch.tensor(v) for v in values])
    assert tuple(out.shape) == expected.shape
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12, atol=1e-12)
    stepped = [torch.tensor(np.ascontiguousarray(v.T)).permute(*reversed(range(v.ndim))) for v in values]
    np.testing.assert_allclose(ours(*stepped).numpy(), expected, rtol=1e-12, atol=1e-12)
    leaves = [torch.tensor(v, requires_grad=True) for v in values]
    assert gradcheck(ours, leaves)
    assert gradgradcheck(ours, leaves)


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str) -> None:
    check(*PRODUCTS[name])


@pytest.mark.parametrize("equation", EINSUMS)
def test_einsum(equation: str) -> None:
    check(lambda *xs: torch.einsum(equation, *xs), lambda *xs: np.einsum(equation, *xs), EINSUMS[equation])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int64, torch.int32, torch.uint8])
def test_types_are_kept(dtype: Any) -> None:
    a, b = torch.tensor([[1, 2], [3, 4]]).to(dtype), torch.tensor([[1, 0], [2, 1]]).to(dtype)
    out = a @ b
    assert out.dtype is dtype
    assert out.tolist() == [[5, 2], [11, 4]]


def test_beta_zero_hides_the_input() -> None:
    out = torch.addmm(torch.full((2, 2), float("nan")), torch.ones(2, 3), torch.ones(3, 2), beta=0)
    assert out.tolist() == [[3.0, 3.0], [3.0, 3.0]]


def zeros(*shape: int) -> Any:
    return torch.zeros(*shape)


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "inner": (lambda: zeros(2, 3) @ zeros(2, 3), RuntimeError, r"cannot be multiplied \(2x3 and 2x3\)"),
    "rank": (lambda: torch.mm(zeros(2), zeros(2, 2)), RuntimeError, "self must be a matrix"),
    "scalar": (lambda: torch.matmul(torch.tensor(1.0), zeros(2)), RuntimeError, "at least 1D, but they are 0D and 1D"),
    "batches": (lambda: torch.bmm(zeros(2, 3, 4), zeros(3, 4, 4)), RuntimeError, r"to be: \[2, 4\] but got: \[3, 4\]"),
    "types": (
        lambda: torch.mm(zeros(2, 2), zeros(2, 2).double()),
        RuntimeError,
        "same dtype, but got: float != double",
    ),
    "bools": (lambda: torch.ones(2, 2) > 0 @ (torch.ones(2, 2) > 0), TypeError, "unsupported operand"),
    "linear": (lambda: torch.nn.Linear(3, 4)(zeros(2, 5)), RuntimeError, r"\(2x5 and 3x4\)"),
    "few operands": (lambda: torch.einsum("ij,jk->ik", zeros(2, 3)), RuntimeError, "fewer operands were provided"),
    "unknown output": (lambda: torch.einsum("ij->k", zeros(2, 3)), RuntimeError, "output subscript k does not appear"),
    "size": (lambda: torch.einsum("ij,jk", zeros(2, 3), zeros(4, 5)), RuntimeError, "subscript j has size 4"),
    "letter": (lambda: torch.einsum("i1", zeros(2, 3)), RuntimeError, "invalid subscript given at index 1"),
    "dims": (lambda: torch.tensordot(zeros(2, 3), zeros(2, 3), dims=1), RuntimeError, "dimensions need to match"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
