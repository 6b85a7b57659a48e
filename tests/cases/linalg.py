"""Orthogonal factors of matrices, the exponential, and weights by norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cases.case import Case, Refusal, normal


def complex_of(function: Callable[[Any, Any], Any]) -> Callable[[Any], Callable[[Any, Any], Any]]:
    """A function of a complex tensor as one of real and imaginary parts."""
    return lambda t: (
        lambda real, imaginary: [
            t.view_as_real(out) for out in function(t, t.complex(real, imaginary)) if out.is_complex()
        ]
    )


def _product(t: Any, shape: tuple[int, ...], tau: tuple[int, ...], kind: str = "float32") -> Any:
    return t.linalg.householder_product(t.ones(shape), t.ones(tau, dtype=getattr(t, kind)))


CASES = [
    Case("linalg.qr", lambda t: t.linalg.qr, (normal(3, 3),), halves=()),
    Case("linalg.qr tall", lambda t: t.linalg.qr, (normal(2, 4, 2),), halves=()),
    Case("linalg.qr wide", lambda t: t.linalg.qr, (normal(2, 4),), halves=()),
    Case("linalg.qr empty", lambda t: t.linalg.qr, (normal(0, 2),), halves=()),
    Case("linalg.qr complete", lambda t: t.linalg.qr, (normal(2, 3), "complete"), halves=()),
    Case(
        "linalg.qr complete tall", lambda t: lambda x: t.linalg.qr(x.detach(), "complete"), (normal(3, 2),), halves=()
    ),
    Case("linalg.qr r", lambda t: lambda x: t.linalg.qr(x.detach(), "r")[1], (normal(3, 2),), halves=()),
    Case("linalg.qr complex", complex_of(lambda t, z: t.linalg.qr(z)), (normal(3, 2), normal(3, 2)), halves=()),
    Case("qr", lambda t: lambda x: x.qr(), (normal(3, 2),), halves=()),
    Case("geqrf", lambda t: lambda x: t.geqrf(x.detach()), (normal(2, 4, 3),), halves=()),
    Case("geqrf wide", lambda t: lambda x: x.detach().geqrf(), (normal(2, 3),), halves=()),
    Case("householder_product", lambda t: t.linalg.householder_product, (normal(4, 2), normal(2)), halves=()),
    Case("householder_product square", lambda t: t.orgqr, (normal(3, 3), normal(3)), halves=()),
    Case("householder_product few", lambda t: t.linalg.householder_product, (normal(2, 4, 3), normal(2, 2)), halves=()),
    Case("householder_product none", lambda t: t.linalg.householder_product, (normal(3, 2), normal(0)), halves=()),
    Case(
        "householder_product complex",
        complex_of(lambda t, z: [t.linalg.householder_product(z, z[0])]),
        (normal(3, 2), normal(3, 2)),
        halves=(),
    ),
    Case("matrix_exp", lambda t: t.linalg.matrix_exp, (normal(3, 3),), halves=()),
    Case("matrix_exp batch", lambda t: t.matrix_exp, (normal(2, 2, 2, scale=3.0),), halves=(), tolerance=100),
    Case("matrix_exp small", lambda t: lambda x: (x * 1e-4).matrix_exp(), (normal(2, 2),), halves=()),
    Case("matrix_exp empty", lambda t: t.matrix_exp, (normal(2, 0, 0),), halves=()),
    Case("matrix_exp complex", complex_of(lambda t, z: [t.matrix_exp(z)]), (normal(2, 2), normal(2, 2)), halves=()),
    Case("norm_except_dim", lambda t: t.norm_except_dim, (normal(3, 2, 2), 2, 1), halves=()),
    Case("norm_except_dim 3", lambda t: t.norm_except_dim, (normal(3, 2), 3), halves=()),
    Case("norm_except_dim whole", lambda t: t.norm_except_dim, (normal(3, 2), 2, -1), halves=()),
    # PyTorch's kernel takes the norm as constant in second derivatives (its own gradgradcheck fails).
    Case("_weight_norm", lambda t: t._weight_norm, (normal(3, 2, 2), normal(3, 1, 1)), second=False),
    Case("_weight_norm last", lambda t: t._weight_norm, (normal(2, 3), normal(1, 3), 1), second=False),
    Case("_weight_norm middle", lambda t: t._weight_norm, (normal(3, 2, 2), normal(1, 2, 1), 1)),
    Case("_weight_norm whole", lambda t: t._weight_norm, (normal(3, 2), normal(), -1)),
]

REFUSALS = [
    Refusal("qr mode", lambda t: t.linalg.qr(t.ones(2, 2), "q"), RuntimeError, "unrecognized mode 'q'"),
    Refusal("qr vector", lambda t: t.linalg.qr(t.ones(2)), RuntimeError, "at least 2 dimensions"),
    Refusal(
        "qr integers", lambda t: t.linalg.qr(t.ones(2, 2, dtype=t.int64)), RuntimeError, "Expected a floating point"
    ),
    Refusal(
        "qr backward r",
        lambda t: t.linalg.qr(t.ones(2, 2, requires_grad=True), "r")[1].sum().backward(),
        RuntimeError,
        "not computed when mode='r'",
    ),
    Refusal(
        "qr backward complete",
        lambda t: t.linalg.qr(t.ones(3, 2, requires_grad=True), "complete")[0].sum().backward(),
        RuntimeError,
        "nrows > ncols",
    ),
    Refusal("geqrf vector", lambda t: t.geqrf(t.ones(2)), RuntimeError, "at least 2 dimensions"),
    Refusal("geqrf integers", lambda t: t.geqrf(t.ones(2, 2, dtype=t.int64)), NotImplementedError, "geqrf_cpu"),
    Refusal(
        "geqrf backward",
        lambda t: t.geqrf(t.ones(2, 2, requires_grad=True))[0].sum().backward(),
        NotImplementedError,
        "geqrf",
    ),
    Refusal("product wide", lambda t: _product(t, (2, 3), (2,)), RuntimeError, r"input.shape\[-2\] must be greater"),
    Refusal("product tau", lambda t: _product(t, (3, 2), (3,)), RuntimeError, r"equal to tau.shape\[-1\]"),
    Refusal("product vector", lambda t: _product(t, (3,), (3,)), RuntimeError, "at least 2 dimensions"),
    Refusal("product batch", lambda t: _product(t, (2, 3, 2), (3, 2)), RuntimeError, "batch dimensions of tau"),
    Refusal(
        "product types", lambda t: _product(t, (3, 2), (2,), "float64"), RuntimeError, "does not match input dtype"
    ),
    Refusal(
        "product half",
        lambda t: t.linalg.householder_product(t.ones(3, 2).half(), t.ones(2).half()),
        NotImplementedError,
        "orgqr_cpu",
    ),
    Refusal("matrix_exp wide", lambda t: t.matrix_exp(t.ones(2, 3)), RuntimeError, "square matrices"),
    Refusal("matrix_exp vector", lambda t: t.linalg.matrix_exp(t.ones(2)), RuntimeError, "at least 2 dimensions"),
    Refusal("matrix_exp half", lambda t: t.matrix_exp(t.ones(2, 3).half()), RuntimeError, "square matrices"),
    Refusal("matrix_exp integers", lambda t: t.matrix_exp(t.ones(2, 2, dtype=t.int64)), RuntimeError, "floating point"),
    Refusal("norm_except_dim", lambda t: t.norm_except_dim(t.ones(2, 2), 2, 5), IndexError, "Dimension out of range"),
    Refusal(
        "_weight_norm types",
        lambda t: t._weight_norm(t.ones(2, 2).half(), t.ones(2, 1)),
        RuntimeError,
        "expected scalar type Half",
    ),
]
