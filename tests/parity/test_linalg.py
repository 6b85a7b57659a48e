"""Linear algebra against PyTorch: values, gradients of both orders, errors."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402
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


def names_in_the_graph(t: Any) -> None:
    x = (t.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=t.float64)).requires_grad_()
    y = t.ones(2, 2, dtype=t.float64).requires_grad_()
    lin = t.linalg
    factors = lin.lu_factor(x)
    for made in (
        lin.inv(x), lin.inv_ex(x), lin.solve(x, y), lin.solve(x, y[0]), lin.solve_ex(x, y), lin.det(x), lin.slogdet(x),
        lin.cholesky(x), lin.cholesky_ex(x), t.cholesky_inverse(x), t.cholesky_solve(y, x), lin.eig(x), lin.eigvals(x),
        lin.eigh(x), lin.eigvalsh(x), lin.svd(x), lin.svdvals(x), lin.lu(x), factors, lin.lu_solve(*factors, y),
        t.lu_unpack(*factors), lin.lstsq(x, y), lin.pinv(x), t.pinverse(x), lin.matrix_power(x, -1), t.ormqr(x, y[0], x),
        lin.cross(y.new_ones(3), t.ones(3, dtype=t.float64, requires_grad=True)), lin.ldl_factor(x),
        lin.solve_triangular(x, y, upper=True), lin.matrix_exp(x), lin.matrix_norm(x, 2), lin.matrix_norm(x, "nuc"),
    ):  # fmt: skip
        print([p.grad_fn and type(p.grad_fn).__name__ for p in (made if isinstance(made, tuple) else (made,))])


def named_results(t: Any) -> None:
    x = t.tensor([[4.0, 0.0], [0.0, 1.0]])
    print(t.linalg.inv_ex(x), t.linalg.solve_ex(x, t.ones(2)), t.linalg.cholesky_ex(x), t.linalg.slogdet(x))
    print(t.linalg.lu(x), t.linalg.lu_factor(x), t.linalg.lu_factor_ex(x), t.linalg.ldl_factor(x))
    print(
        t.linalg.ldl_factor_ex(x), t.linalg.lstsq(x, t.ones(2, 1)), t.slogdet(x), t.lu_unpack(x, t.tensor([1, 2]).int())
    )
    outs = t.empty(2, 2), t.empty(0, dtype=t.int32)
    made = t.linalg.inv_ex(x, out=outs)
    print(type(made).__name__, made.inverse is outs[0], made.info is outs[1])
    attempt(lambda: t.linalg.inv_ex(x, out=(t.empty(2, 2), t.empty(0))))


def warnings_of_old_names(t: Any) -> None:
    # PyTorch gives some of these once in a process, whichever test comes first.
    t.set_warn_always(True)
    x, y = t.tensor([[4.0, 0.0], [0.0, 1.0]]), t.ones(2, 1)
    print(t.cholesky(x), t.triangular_solve(y, x).solution, t.lu_solve(y, *t.linalg.lu_factor(x)))
    print(t.chain_matmul(x, y), t.nuclear_norm(x), t.frobenius_norm(x, (0, 1)), t.cross(t.ones(3), t.ones(3)))
    t.set_warn_always(False)


def watched_steps(t: Any) -> None:
    def watch(worker: Any) -> None:
        steps.append(worker.ivars["istep"])
        print(sorted(worker.bparams), worker.X.shape, worker.E.shape, worker.R.shape, worker.tvars["rerr"].shape)
        if len(steps) == 3:
            worker.bvars["force_stop"] = True

    steps: list[int] = []
    a = t.diag(t.arange(1.0, 31.0, dtype=t.float64))
    E, X = t.lobpcg(a, 2, tracker=watch)
    print(steps, E.shape, X.shape)
    E, X = t.lobpcg(
        a.to_sparse(), 2, largest=False, B=2 * t.eye(30, dtype=t.float64), X=t.ones(30, 2).double().tril(), niter=-1
    )
    print((E - t.tensor([0.5, 1.0])).abs().max() < 1e-6, (X.mT @ X - t.eye(2) / 2).abs().max() < 1e-6)
    attempt(lambda: t.lobpcg(a, 11))


@pytest.mark.parametrize("program", [names_in_the_graph, named_results, warnings_of_old_names, watched_steps])
def test_prints_the_same(program: Any) -> None:
    same_lines(program)
