"""Eigenvalues, singular values, and what is computed from them; norms, powers and products of matrices."""

from __future__ import annotations

import math
from typing import Any

from tests.cases.case import Case, Refusal, distinct, fixed, given, integers, normal
from tests.cases.linalg_equations import case, of_complex, quiet, regular

SQUARE, PAIR = normal(3, 3), (normal(2, 2), normal(2, 2))


def symmetric(x: Any) -> Any:
    """A Hermitian matrix."""
    return x + x.mH


def sizes(vectors: Any) -> Any:
    """What doesn't depend on signs or phases."""
    return (vectors * vectors.conj()).real


def _eigh(t: Any, x: Any) -> Any:
    values, vectors = t.linalg.eigh(symmetric(x))
    return values, sizes(vectors)


def _eig(t: Any, x: Any) -> Any:
    values, vectors = t.linalg.eig(x)
    return t.view_as_real(values), sizes(vectors)


def _svd(t: Any, x: Any, full: bool = False) -> Any:
    u, s, vh = t.linalg.svd(x, full)
    k = s.shape[-1]
    return sizes(u[..., :k]), s, sizes(vh[..., :k, :])


def _polar(t: Any, x: Any) -> Any:
    """The unitary factor of a square matrix, which no phase of the vectors moves."""
    u, _, vh = t.linalg.svd(x)
    return u @ vh


def _lowrank(t: Any, x: Any) -> Any:
    u, s, v = t.svd_lowrank(x, 2)
    return u.mul(s) @ v.mH, s


def _pca(t: Any, x: Any) -> Any:
    u, s, v = t.pca_lowrank(x, 2)
    return u.mul(s) @ v.mH, s


def _lobpcg(t: Any, x: Any) -> Any:
    values, vectors = t.lobpcg(x @ x.mT + t.diag(t.arange(9.0, dtype=x.dtype)), 2, tol=1e-13, niter=100)
    return values, sizes(vectors)


CASES = [
    case("eigh", _eigh,
         normal(2, 3, 3)),
    case("eigh upper", lambda t, x: t.linalg.eigh(x, "U").eigenvalues, fixed(SQUARE)),
    Case("eigh complex", of_complex(lambda t, z: sizes(t.linalg.eigh(symmetric(z)).eigenvectors)), PAIR, halves=()),
    case("eigh empty", lambda t, x: t.linalg.eigh(x), normal(2, 0, 0)),
    case("eigh nan", lambda t: t.linalg.eigh(t.full((2, 2), math.nan))),
    case("eigvalsh", lambda t, x: t.linalg.eigvalsh(symmetric(x)), SQUARE),
    case("eigvalsh fixed", lambda t, x: t.linalg.eigvalsh(symmetric(x)), fixed(SQUARE)),
    case("eig", _eig,
         given([[1.0, 2.0, 0.3], [-0.5, 3.0, 1.0], [0.2, 0.1, -1.0]])),
    case("eig of pairs", lambda t, x: t.view_as_real(t.linalg.eigvals(x)), given([[1.0, 2.0], [-2.0, 1.5]])),
    Case("eig complex", of_complex(lambda t, z: sizes(t.linalg.eig(z).eigenvectors)), PAIR, halves=()),
    case("eigvals fixed", lambda t, x: t.view_as_real(t.linalg.eigvals(x)), fixed(given([[1.0, 2.0], [-2.0, 1.5]]))),
    case("svd", _svd, normal(2, 3, 2)),
    case("svd wide", _svd, normal(2, 3)),
    case("svd full", lambda t, x: _svd(t, x, True), normal(3, 2)),
    case("svd square", lambda t, x: _svd(t, x), SQUARE),
    Case("svd complex", of_complex(_svd), (normal(3, 2),) * 2, halves=()),
    Case("svd complex product", of_complex(_polar), PAIR, halves=()),
    case("svd old", lambda t, x: sizes(x.svd().V), normal(3, 2)),
    case("svd values only", lambda t, x: t.svd(x, compute_uv=False), fixed(normal(2, 3))),
    case("svdvals", lambda t, x: t.linalg.svdvals(x), normal(2, 2, 3)),
    case("svdvals fixed", lambda t, x: t.linalg.svdvals(x), fixed(normal(3, 2))),
    Case("svd_lowrank", lambda t: lambda x: _lowrank(t, x), (normal(4, 3),), halves=(), draws=True, smooth=False,
         second=False),
    Case("pca_lowrank", lambda t: lambda x: _pca(t, x), (normal(3, 4),), halves=(), draws=True, smooth=False,
         second=False),
    Case("lobpcg", lambda t: lambda x: _lobpcg(t, x.double()), (normal(9, 2),), halves=(), draws=True, smooth=False,
         second=False, tolerance=1e4),
    case("cond", lambda t, x: t.linalg.cond(x), normal(2, 3, 2)),
    # PyTorch writes into the inverse that its own backward needs.
    *(case(f"cond {p}", lambda t, x, p=p: t.linalg.cond(regular(t, x), p), fixed(normal(2, 2)))
      for p in (1, -1, math.inf, -math.inf, "fro")),
    case("cond -2", lambda t, x: t.linalg.cond(x, -2), normal(3, 2)),
    case("cond nuc", lambda t, x: t.linalg.cond(regular(t, x), "nuc"), normal(2, 2)),
    case("cond singular", lambda t: t.linalg.cond(t.zeros(2, 2), 1)),
    case("cond empty", lambda t: t.linalg.cond(t.ones(3, 0, 2))),
    *(case(f"matrix_norm {p}", lambda t, x, p=p: t.linalg.matrix_norm(x, p), normal(2, 3, 2),
           second=p not in (1, -1, math.inf, -math.inf))
      for p in (1, -1, 2, -2, math.inf, -math.inf, "fro", "nuc")),
    case("matrix_norm dims", lambda t, x: t.linalg.matrix_norm(x, "nuc", (2, 0), keepdim=True), normal(2, 2, 3)),
    case("matrix_norm of nothing", lambda t: [t.linalg.matrix_norm(t.ones(0, 3), p) for p in (1, 2, math.inf)]),
    case("norm", lambda t, x: [t.linalg.norm(x), t.linalg.norm(x, 3, 0), t.linalg.norm(x, "nuc")], normal(3, 2)),
    case("vector_norm", lambda t, x: t.linalg.vector_norm(x, 3, (0, 2), True, dtype=t.float64), normal(2, 3, 2)),
    Case("frobenius_norm", quiet(lambda t, x: t.frobenius_norm(x, (0, 1))), (normal(2, 2, 2),), halves=()),
    Case("nuclear_norm", quiet(lambda t, x: t.nuclear_norm(x, (0, 2), True)), (normal(2, 3, 2),), halves=()),
    case("matrix_power", lambda t, x: t.linalg.matrix_power(x, 5), SQUARE),
    case("matrix_power 0", lambda t, x: x.matrix_power(0), normal(2, 2, 2)),
    case("matrix_power -2", lambda t, x: t.matrix_power(regular(t, x), -2), SQUARE),
    case("multi_dot", lambda t, *x: t.linalg.multi_dot(x), normal(2, 3), normal(3, 1), normal(1, 3), normal(3, 2)),
    case("multi_dot vectors", lambda t, *x: t.linalg.multi_dot(x), normal(3), normal(3, 2), normal(2)),
    Case("chain_matmul", quiet(lambda t, *x: t.chain_matmul(*x)), (normal(2, 3), normal(3, 2)), halves=()),
    case("linalg.cross", lambda t, x, y: t.linalg.cross(x, y), normal(2, 1, 3), normal(1, 2, 3)),
    Case("linalg.cross complex", of_complex(lambda t, a, b: t.linalg.cross(a, b)), (normal(3),) * 4, halves=()),
    case("cross", lambda t, x, y: x.cross(y, 0), normal(3, 2), normal(3, 2)),
    Case("cross first", quiet(lambda t, x, y: t.cross(x, y)), (normal(2, 3, 3), normal(2, 3, 3)), halves=()),
    case("linalg.cross integers", lambda t, x, y: t.linalg.cross(x, y), integers(9, 2, 3), integers(9, 2, 3)),
    case("vecdot", lambda t, x, y: t.linalg.vecdot(x, y, dim=0), normal(3, 2), normal(3, 1)),
    Case("vecdot complex", of_complex(lambda t, a, b: t.linalg.vecdot(a, b)), (normal(2, 3),) * 4, halves=()),
    case("linalg.diagonal", lambda t, x: t.linalg.diagonal(x, offset=1), normal(2, 2, 3)),
    case("vander", lambda t, x: t.linalg.vander(x), distinct(2, 3)),
    case("vander N", lambda t, x: t.linalg.vander(x, N=4), integers(5, 2)),
    case("kron", lambda t, x, y: x.kron(y), normal(2, 2), normal(3)),
    Case("ormqr", lambda t: t.ormqr, (normal(3, 2), normal(2), normal(3, 2)), halves=()),
    Case("ormqr turned", lambda t: t.ormqr, (normal(3, 2), normal(2), normal(2, 3), False, True), halves=()),
    case("ormqr right", lambda t, a, b, c: a.ormqr(b, c, False), normal(2, 3, 2), normal(2, 2), normal(2, 1, 3)),
    Case("ormqr complex", of_complex(lambda t, a, b: t.ormqr(a, a[0], b, transpose=True)),
         (normal(3, 2), normal(3, 2), normal(3, 1), normal(3, 1)), halves=()),
]  # fmt: skip


def _phase(t: Any) -> Any:
    z = t.tensor([[1.0, 2j], [-2j, 3.0]], dtype=t.complex128, requires_grad=True)
    return z


REFUSALS = [
    Refusal("eig not finite", lambda t: t.linalg.eig(t.full((2, 2), math.inf)), RuntimeError, "infs or NaNs"),
    Refusal("eig integers", lambda t: t.linalg.eig(t.ones(2, 2).long()), RuntimeError, "Unknown Complex ScalarType"),
    Refusal("eig half", lambda t: t.linalg.eig(t.ones(2, 2).half()), NotImplementedError, "linalg_eig_out_cpu"),
    Refusal("eigh triangle", lambda t: t.linalg.eigh(t.eye(2), "X"), RuntimeError, "'L' or 'U', but got X"),
    Refusal(
        "eigh phase", lambda t: t.linalg.eigh(_phase(t))[1].imag.sum().backward(), RuntimeError, "linalg_eigh_backward"
    ),
    Refusal(
        "eig phase",
        lambda t: t.linalg.eig(_phase(t) + t.arange(4).reshape(2, 2))[1].imag.sum().backward(),
        RuntimeError,
        "linalg_eig_backward",
    ),
    Refusal("svd phase", lambda t: t.linalg.svd(_phase(t))[0].imag.sum().backward(), RuntimeError, "svd_backward"),
    Refusal(
        "svd not finite", lambda t: t.linalg.svd(t.full((2, 2), math.nan)), RuntimeError, "contained non-finite values"
    ),
    Refusal("svd driver", lambda t: t.linalg.svd(t.eye(2), driver="gesvd"), RuntimeError, "only supported on CUDA"),
    Refusal("svd half", lambda t: t.linalg.svd(t.eye(2).half()), NotImplementedError, "linalg_svd_cpu"),
    Refusal("pca q", lambda t: t.pca_lowrank(t.eye(2), 3), ValueError, "not greater than min"),
    Refusal("lobpcg size", lambda t: t.lobpcg(t.eye(2), 1), ValueError, "not applicable when the number of A rows"),
    Refusal("cond order", lambda t: t.linalg.cond(t.eye(2), 3), RuntimeError, "invalid norm type: 3"),
    Refusal("cond wide", lambda t: t.linalg.cond(t.ones(2, 3), "fro"), RuntimeError, "ord=fro"),
    Refusal("norm type", lambda t: t.norm(t.ones(2).double(), dtype=t.float32), RuntimeError, "without narrowing"),
    Refusal("norm complex", lambda t: t.linalg.vector_norm(t.ones(2), dtype=t.complex64), RuntimeError, "be real for"),
    Refusal("norm dims", lambda t: t.linalg.norm(t.ones(2, 2, 2), 2, (0, 1, 2)), RuntimeError, "length 1 or 2"),
    Refusal("matrix_norm dims", lambda t: t.linalg.matrix_norm(t.eye(2), 1, (0, 0)), RuntimeError, "must be different"),
    Refusal("matrix_norm of nothing", lambda t: t.linalg.matrix_norm(t.ones(0, 0), -1), IndexError, "non-zero size"),
    Refusal("matrix_power wide", lambda t: t.matrix_power(t.ones(2, 3), 2), RuntimeError, "batches of square matrices"),
    Refusal("matrix_power n", lambda t: t.matrix_power(t.eye(2), 0.5), TypeError, "must be int, not float"),
    Refusal("multi_dot one", lambda t: t.linalg.multi_dot([t.eye(2)]), RuntimeError, "at least 2 tensors but got 1"),
    Refusal(
        "multi_dot rank", lambda t: t.linalg.multi_dot([t.eye(2), t.ones(1, 2, 2), t.eye(2)]), RuntimeError, "must be 2D"
    ),
    Refusal(
        "multi_dot shapes", lambda t: t.linalg.multi_dot([t.eye(2), t.ones(3, 2)]), RuntimeError, "cannot be multiplied"
    ),
    Refusal("cross length", lambda t: t.linalg.cross(t.ones(2), t.ones(2)), RuntimeError, "must have length 3"),
    Refusal("cross types", lambda t: t.linalg.cross(t.ones(3), t.ones(3).long()), RuntimeError, "expected scalar type"),
    Refusal("cross bool", lambda t: t.linalg.cross(*(t.ones(3).bool(),) * 2), NotImplementedError, '"cross"'),
    Refusal("cross none", lambda t: t.cross(t.ones(2), t.ones(2)), RuntimeError, "no dimension of size 3"),
    Refusal("vecdot integers", lambda t: t.linalg.vecdot(*(t.ones(3).long(),) * 2), RuntimeError, "floating point"),
    Refusal("vander N", lambda t: t.linalg.vander(t.ones(3), N=1), RuntimeError, "N must be greater than 1"),
    Refusal("vander bool", lambda t: t.linalg.vander(t.ones(3).bool()), RuntimeError, "but got Bool"),
    Refusal("ormqr tau", lambda t: t.ormqr(t.eye(2), t.ones(3), t.eye(2)), RuntimeError, "must be equal to min"),
    Refusal("ormqr integers", lambda t: t.ormqr(*(t.ones(s).long() for s in ((2, 2), 2, (2, 2)))), NotImplementedError,
            "ormqr_cpu"),
    Refusal("frobenius_norm dims", lambda t: t.frobenius_norm(t.ones(1, 1, 1), (0, 1, 2)), RuntimeError, "at most 2"),
]  # fmt: skip
