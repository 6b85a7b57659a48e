"""A few extreme eigenvalues of a large symmetric matrix: the locally optimal block preconditioned conjugate gradient.

Each step looks for the best vectors in the span of those it has, of the residuals, and of the way it came (Knyazev,
2001); bases are made orthonormal as Stathopoulos and Wu (2002) have it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops.joining import cat, stack
from rushlight.ops.linalg import solve
from rushlight.ops.random import randn
from rushlight.ops.spectral import eigh
from rushlight.ops.triangular import linalg_cholesky, solve_with

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["lobpcg"]

_PRECISION = {dtypes.float32: 1.2e-7, dtypes.float64: 2.23e-16}


def _product(matrix: Any, x: Tensor) -> Tensor:
    """A matrix, sparse, dense or None for the identity, times vectors."""
    result: Tensor = x if matrix is None else matrix.matmul(x)
    return result


class LOBPCG:
    """The state of one run, which a `tracker` sees at each step."""

    def __init__(
        self, A: Any, B: Any, X: Tensor, iK: Any, iparams: Any, fparams: Any, bparams: Any, method: str, tracker: Any
    ) -> None:
        self.A, self.B, self.X, self.iK = A, B, X, iK
        self.iparams, self.fparams, self.bparams = iparams, fparams, bparams
        self.method, self.tracker = method, tracker
        n = X.shape[1]
        self.E = X.new_zeros(n)
        self.R = X.new_zeros(X.shape)
        self.S = X
        self.tvars: dict[str, Tensor] = {}
        self.bvars: dict[str, bool] = {}
        self.ivars = {"istep": 0, "converged_count": 0, "iterations_left": iparams["niter"]}
        size = float(X.norm())
        self.fvars = {
            "X_norm": size,
            "A_norm": float(_product(A, X).norm()) / size,
            "B_norm": float(_product(B, X).norm()) / size,
        }
        # The directions of the last step, n × n' or none.
        self._way: Tensor | None = None

    def run(self) -> None:
        """Iterate until the first k vectors are good enough, or for as many steps as may be."""
        self._best(self._orthonormal(self.X, None), self.X.shape[1])
        self.ivars["istep"] += 1
        self.ivars["iterations_left"] -= 1
        self._judge()
        if self._track():
            return
        while self.ivars["converged_count"] < self.iparams["k"] and self.ivars["iterations_left"]:
            self.ivars["istep"] += 1
            self.ivars["iterations_left"] -= 1
            self._step()
            self._judge()
            if self._track():
                return

    def _track(self) -> bool:
        """Show the state to the tracker; whether it said to stop."""
        if self.tracker is not None:
            self.tracker(self)
        return self.bvars.get("force_stop", False)

    def _step(self) -> None:
        n = self.X.shape[1]
        unfinished = wrap(np.flatnonzero(~(self.tvars["rerr"]._array < self.fparams["tol"])))
        residuals = _product(self.iK, self.R.index_select(1, unfinished))
        news = residuals if self._way is None else cat([self._way, residuals], 1)
        if self.method == "basic":
            self._best(self._by_cholesky(cat([self.X, news], 1)), n)
        else:
            self._best(cat([self.X, self._orthonormal(news, self.X)], 1), n)

    def _best(self, basis: Tensor, n: int) -> None:
        """The n best vectors of an orthonormal basis, and, past the first step, the way there."""
        values, z = eigh(basis.mT @ _product(self.A, basis))
        if self.bparams["largest"]:
            values, z = values.flip(-1), z.flip(-1)
        self.S = basis
        self.E, chosen = values[:n], z[:, :n]
        if basis.shape[1] > n:
            self._way = basis[:, n:] @ chosen[n:]
        self.X = basis @ chosen

    def _judge(self) -> None:
        """The residuals, and how many of the first vectors are good enough."""
        bx = _product(self.B, self.X)
        self.R = _product(self.A, self.X) - bx * self.E
        sizes = self.X.norm(2, 0) * (self.fvars["A_norm"] + self.E.abs() * self.fvars["B_norm"])
        self.tvars["rerr"] = rerr = self.R.norm(2, 0) / sizes
        good = rerr._array < self.fparams["tol"]
        self.ivars["converged_count"] = int(good.size if good.all() else good.argmin())

    def _by_cholesky(self, basis: Tensor) -> Tensor:
        """An orthonormal basis of the same span; LinAlgError where the vectors depend on each other."""
        basis = basis / basis.norm(2, 0, True)
        factor = linalg_cholesky(basis.mT @ _product(self.B, basis))
        return solve_with(factor.mT, basis, True, False)

    def _orthonormal(self, vectors: Tensor, others: Tensor | None) -> Tensor:
        """An orthonormal basis of what vectors have beyond the span of others."""
        options = self.fparams
        for _ in range(self.iparams["ortho_i_max"]):
            if others is not None:
                vectors = vectors - others @ (others.mT @ _product(self.B, vectors))
            for _ in range(self.iparams["ortho_j_max"]):
                vectors = self._closer(vectors)
                inner = vectors.mT @ _product(self.B, vectors)
                eye = wrap(np.eye(inner.shape[0], dtype=inner._array.dtype))
                if float((inner - eye).norm()) < options["ortho_tol"]:
                    break
            if others is None or not vectors.shape[1]:
                break
            if float((others.mT @ _product(self.B, vectors)).norm()) < options["ortho_tol"]:
                break
        return vectors

    def _closer(self, vectors: Tensor) -> Tensor:
        """Vectors closer to orthonormal, by the eigenvalues of their products; directions of almost no length go."""
        inner = vectors.mT @ _product(self.B, vectors)
        lengths = inner.diagonal().clamp(min=0).sqrt()
        kept = wrap(np.flatnonzero(lengths._array > 0))
        vectors = (vectors / lengths).index_select(1, kept)
        inner = (inner / lengths / lengths.unsqueeze(-1)).index_select(0, kept).index_select(1, kept)
        if not vectors.shape[1]:
            return vectors
        values, z = eigh(inner)
        limit = float(values._array[-1])
        if self.bparams["ortho_use_drop"]:
            kept = wrap(np.flatnonzero(values._array > limit * self.fparams["ortho_tol_drop"]))
            values, z = values.index_select(0, kept), z.index_select(1, kept)
        else:
            values = values.clamp(min=limit * self.fparams["ortho_tol_replace"])
        return vectors @ (z / values.sqrt())


class Lobpcg(Operation):
    """Some eigenvalues and eigenvectors of a symmetric matrix."""

    node_name = "LOBPCGAutogradFunctionBackward"
    fills_gradients = False

    @staticmethod
    def forward(ctx: Any, A: Tensor, B: Tensor | None, find: Callable[[], tuple[Tensor, Tensor]], sparse: bool) -> Any:
        with no_grad():
            values, vectors = find()
        values, vectors = values.detach(), vectors.detach()
        ctx.generalized, ctx.sparse = B is not None, sparse
        ctx.save_for_backward(A, values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx: Any, grad_values: Tensor | None, grad_vectors: Tensor | None) -> Any:
        A, values, vectors = ctx.saved_tensors
        if ctx.sparse:
            raise ValueError("lobpcg.backward does not support sparse input yet. Note that lobpcg.forward does though.")
        if A.is_complex():
            raise ValueError(
                "lobpcg.backward does not support complex input yet. Note that lobpcg.forward does though."
            )
        if ctx.generalized:
            raise ValueError("lobpcg.backward does not support backward with B != I yet.")
        result = None
        if grad_values is not None:
            result = (vectors * grad_values.unsqueeze(-2)) @ vectors.mT
        if grad_vectors is not None:
            part = _through_vectors(A, values, vectors, grad_vectors) @ vectors.mT
            result = part if result is None else result + part
        return result, None, None, None


def _through_vectors(A: Tensor, values: Tensor, vectors: Tensor, grad: Tensor) -> Tensor:
    """(λᵢ - A)⁺ gᵢ for each vector i: in the span of the vectors by their gaps, beyond it by a system for each."""
    k, m = values.shape[-1], A.shape[-1]
    across = vectors.mT @ grad
    gaps = values.unsqueeze(-2) - values.unsqueeze(-1) + wrap(np.eye(k, dtype=values._array.dtype))
    inside = across / gaps
    inside = inside - inside.diagonal(0, -2, -1).diag_embed()
    beyond = grad - vectors @ across
    # On the span of the vectors the matrices are the identity, which leaves what has no part there alone.
    own = values.unsqueeze(-1).unsqueeze(-1)
    shift = (1 - (values.unsqueeze(-1) - values.unsqueeze(-2))).unsqueeze(-2)
    basis = vectors.unsqueeze(-3)
    systems = own * wrap(np.eye(m, dtype=A._array.dtype)) - A.unsqueeze(-3) + (basis * shift) @ basis.mT
    outside = solve(systems, beyond.mT.unsqueeze(-1)).squeeze(-1).mT
    return vectors @ inside + outside


def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:
    """The k largest (or smallest) eigenvalues and their vectors of `A x = λ B x`, A and B symmetric positive definite.

    A `(*, m, m)` is dense or sparse, B (the identity if None) and iK, an approximate inverse of A, likewise; X
    `(*, m, n)` is where to start, random vectors if None, n ≥ k of them (k if None). Returns `(*, k)` and `(*, m, k)`.
    It stops when the residuals, relative to the sizes of A and B, are below `tol` (the root of the precision, if None),
    or after `niter` steps (1000 if None; -1: however many). `method` is "ortho" or "basic", which is quicker a step and
    less robust. `tracker` is called at each step with the state, and may end the iteration by setting
    `bvars["force_stop"]`. The gradient is that of a symmetric dense A, without B. Raises ValueError where m < 3 n.

    >>> import rushlight as torch
    >>> E, X = torch.lobpcg(torch.diag(torch.arange(1.0, 10.0)), k=2)
    >>> E
    tensor([9.0000, 8.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lobpcg.html
    """
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = (k if n is None else n) if X is None else X.shape[-1]
    m = A.shape[-1]
    method = "ortho" if method is None else method
    iparams, fparams, bparams = _parameters(A, k, n, tol, method)
    iparams.update({"niter": 1000 if niter is None else niter, **(ortho_iparams or {})})
    fparams.update(ortho_fparams or {})
    bparams.update({"largest": largest is None or largest, **(ortho_bparams or {})})

    def run(a: Any, b: Any, x: Any, inverse: Any) -> tuple[Tensor, Tensor]:
        x = randn(m, n, dtype=A.dtype) if x is None else x
        worker = LOBPCG(a, b, x, inverse, dict(iparams), dict(fparams), dict(bparams), method, tracker)
        worker.run()
        return worker.E[:k], worker.X[:, :k]

    sparse = A.is_sparse
    A = (A + A.mT) / 2 if A.requires_grad and not sparse else A
    # A sparse tensor's place in the graph is that of its values.
    origin = A._values() if sparse else A
    found: tuple[Tensor, Tensor] = Lobpcg.apply(origin, B, lambda: _each(run, A, B, X, iK), sparse)
    return found


def _parameters(
    A: Tensor, k: int, n: int, tol: float | None, method: str
) -> tuple[dict[str, int], dict[str, float], dict[str, bool]]:
    """What steers the iteration, unless the caller says otherwise; ValueError where there can be none."""
    m = A.shape[-1]
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of "
            f"requested eigenpairs (={n})"
        )
    if A.dtype not in _PRECISION:
        raise KeyError(A.dtype)
    if method not in ("ortho", "basic"):
        raise ValueError(f"lobpcg: method must be 'ortho' or 'basic', not {method!r}")
    precision = _PRECISION[A.dtype]
    tol = precision**0.5 if tol is None else tol
    # Vectors count as orthonormal, and as dependent, up to rounding.
    rounding = precision * m
    iparams = {"m": m, "n": n, "k": k, "ortho_i_max": 3, "ortho_j_max": 3}
    fparams = {"tol": tol, "ortho_tol": rounding, "ortho_tol_drop": rounding, "ortho_tol_replace": precision}
    return iparams, fparams, {"ortho_use_drop": True}


def _each(run: Callable[..., tuple[Tensor, Tensor]], *matrices: Tensor | None) -> tuple[Tensor, Tensor]:
    """The results of a run for each matrix of a batch."""
    A = matrices[0]
    assert A is not None
    if A.ndim == 2:
        return run(*matrices)
    lead = tuple(A.shape[:-2])
    count = math.prod(lead)
    stacks = [t if t is None else t.expand(*lead, *t.shape[-2:]).reshape(count, *t.shape[-2:]) for t in matrices]
    found = [run(*[s if s is None else s[i] for s in stacks]) for i in range(count)]
    values, vectors = (stack(list(part)) for part in zip(*found, strict=True))
    return values.reshape(*lead, *values.shape[1:]), vectors.reshape(*lead, *vectors.shape[1:])
