"""Systems of equations and the factors that solve them: inverses, determinants, LU, LDL, Cholesky, least squares."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tests.cases.case import Case, Refusal, fixed, given, normal, uniform

Function = Callable[[Any], Callable[..., Any]]


def definite(t: Any, x: Any) -> Any:
    """A positive definite matrix; x may be complex."""
    return x @ x.mH + 2 * t.eye(x.shape[-1], dtype=x.dtype)


def regular(t: Any, x: Any) -> Any:
    """A matrix far from singular, of which no rows need exchanging but two."""
    return (x * 0.3 + 2 * t.eye(x.shape[-1], dtype=x.dtype)).roll(1, -2)


def of_complex(function: Callable[..., Any]) -> Function:
    """A function of complex tensors as one of real and imaginary parts, giving real tensors."""

    def make(t: Any) -> Callable[..., Any]:
        def call(*parts: Any) -> Any:
            found = function(t, *map(t.complex, parts[::2], parts[1::2]))
            found = [found] if isinstance(found, t.Tensor) else list(found)
            return [t.view_as_real(out) if out.is_complex() else out for out in found]

        return call

    return make


def quiet(function: Callable[..., Any]) -> Function:
    """A function whose use is warned of."""

    def make(t: Any) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return function(t, *arguments)

        return call

    return make


def case(name: str, function: Callable[..., Any], *inputs: Any, **options: Any) -> Case:
    """A case of a function of the library and inputs."""
    return Case(name, lambda t: lambda *given: function(t, *given), inputs, halves=(), **options)


SQUARE, PAIR = normal(3, 3), (normal(2, 2), normal(2, 2))

CASES = [
    case("inv", lambda t, x: t.linalg.inv(regular(t, x)), normal(2, 3, 3)),
    case("inv empty", lambda t, x: t.linalg.inv(x), normal(2, 0, 0)),
    Case("inv complex", of_complex(lambda t, z: regular(t, z).inverse()), PAIR, halves=()),
    case("inv_ex", lambda t, x: t.linalg.inv_ex(regular(t, x)), SQUARE),
    case("inv_ex singular", lambda t: t.linalg.inv_ex(t.stack([t.zeros(2, 2), t.eye(2)]))[1]),
    case("solve", lambda t, x, y: t.linalg.solve(regular(t, x), y), SQUARE, normal(3, 2)),
    case("solve vectors", lambda t, x, y: t.linalg.solve(regular(t, x), y), normal(2, 2, 2), normal(2, 2)),
    case("solve right", lambda t, x, y: t.linalg.solve(regular(t, x), y, left=False), normal(2, 2), normal(2, 3, 2)),
    case("solve_ex", lambda t, x, y: t.linalg.solve_ex(regular(t, x), y), SQUARE, normal(3)),
    case("solve_ex singular", lambda t: t.linalg.solve_ex(t.zeros(2, 2), t.ones(2))),
    case("det", lambda t, x: t.linalg.det(x), normal(2, 3, 3)),
    case("det of one", lambda t, x: x.det(), normal(1, 1)),
    Case("det complex", of_complex(lambda t, z: t.det(z)), PAIR, halves=()),
    case("slogdet", lambda t, x: t.linalg.slogdet(x), normal(2, 3, 3)),
    case("slogdet singular", lambda t: t.slogdet(t.zeros(2, 2))),
    Case("slogdet complex", of_complex(lambda t, z: z.slogdet()), PAIR, halves=()),
    case("logdet", lambda t, x: t.logdet(definite(t, x)), SQUARE),
    case("logdet negative", lambda t: t.stack([-t.eye(3), t.zeros(3, 3)]).logdet()),
    case("cholesky", lambda t, x: t.linalg.cholesky(definite(t, x)), normal(2, 3, 3)),
    case("cholesky upper", lambda t, x: t.linalg.cholesky(definite(t, x), upper=True), SQUARE),
    Case("cholesky complex", of_complex(lambda t, z: t.linalg.cholesky(definite(t, z))), PAIR, halves=()),
    case("cholesky_ex", lambda t, x: t.linalg.cholesky_ex(definite(t, x)), SQUARE),
    case("cholesky_ex indefinite", lambda t: t.linalg.cholesky_ex(t.stack([t.diag(t.tensor([1.0, -1.0])), t.eye(2)]))),
    Case("cholesky old", quiet(lambda t, x: definite(t, x).cholesky(True)), (SQUARE,), halves=()),
    case("cholesky_inverse", lambda t, x: t.cholesky_inverse(regular(t, x).roll(-1, -2).tril()), SQUARE),
    case("cholesky_inverse upper", lambda t, x: regular(t, x).roll(-1, -2).triu().cholesky_inverse(True), SQUARE),
    case("cholesky_solve", lambda t, x, y: t.cholesky_solve(y, regular(t, x).roll(-1, -2).tril()), SQUARE,
         normal(2, 3, 1)),
    case("cholesky_solve upper", lambda t, x, y: y.cholesky_solve(regular(t, x).roll(-1, -2).triu(), True), SQUARE,
         normal(3, 2)),
    case("solve_triangular", lambda t, x, y: t.linalg.solve_triangular(x, y, upper=True), uniform(1, 2, 3, 3),
         normal(2, 3, 2)),
    case("solve_triangular lower", lambda t, x, y: t.linalg.solve_triangular(x, y, upper=False, left=False),
         uniform(1, 2, 2, 2), normal(3, 2)),
    case("solve_triangular unit", lambda t, x, y: t.linalg.solve_triangular(x, y, upper=True, unitriangular=True),
         SQUARE, normal(3, 2)),
    case("solve_triangular zero", lambda t: t.linalg.solve_triangular(t.tensor([[1.0, 2.0], [0.0, 0.0]]), t.ones(2, 1),
                                                                      upper=True)),
    Case("solve_triangular complex",
         of_complex(lambda t, a, b: t.linalg.solve_triangular(a + 2 * t.eye(2, dtype=a.dtype), b, upper=False)),
         (*PAIR, *PAIR), halves=()),
    Case("triangular_solve", quiet(lambda t, x, y: t.triangular_solve(y, x)), (uniform(1, 2, 3, 3), normal(3, 2)),
         halves=()),
    Case("triangular_solve turned", quiet(lambda t, x, y: y.triangular_solve(x, False, True, True)),
         (SQUARE, normal(3, 2)), halves=()),
    case("lu", lambda t, x: t.linalg.lu(regular(t, x)), normal(2, 3, 3)),
    case("lu tall", lambda t, x: t.linalg.lu(x), given([[1.0, 2.0], [3.0, 0.5], [2.0, -1.0]])),
    case("lu wide", lambda t, x: t.linalg.lu(x), given([[1.0, 2.0, 3.0], [4.0, 0.5, -1.0]])),
    Case("lu complex", of_complex(lambda t, z: t.linalg.lu(regular(t, z))), PAIR, halves=()),
    case("lu_factor", lambda t, x: t.linalg.lu_factor(regular(t, x)), normal(2, 3, 3)),
    case("lu_factor tall", lambda t, x: t.linalg.lu_factor(x), given([[1.0, 2.0], [3.0, 0.5], [2.0, -1.0]])),
    case("lu_factor_ex", lambda t, x: t.linalg.lu_factor_ex(regular(t, x)), SQUARE),
    case("lu_factor_ex singular", lambda t: t.linalg.lu_factor_ex(t.ones(3, 3))),
    Case("lu old", quiet(lambda t, x: regular(t, x).lu(get_infos=True)), (SQUARE,), halves=()),
    case("lu_unpack", lambda t, x: t.lu_unpack(x, t.tensor([2, 2], dtype=t.int32)), normal(3, 2)),
    case("lu_unpack part", lambda t, x: t.lu_unpack(x, t.tensor([2, 2], dtype=t.int32), unpack_pivots=False),
         normal(2, 3)),
    case("lu_solve", lambda t, x, y: t.linalg.lu_solve(*t.linalg.lu_factor(regular(t, x)), y), SQUARE,
         normal(2, 3, 2)),
    case("lu_solve adjoint",
         lambda t, x, y: t.linalg.lu_solve(*t.linalg.lu_factor(regular(t, x)), y, adjoint=True), SQUARE, normal(3, 2)),
    case("lu_solve right", lambda t, x, y: t.linalg.lu_solve(*t.linalg.lu_factor(regular(t, x)), y, left=False),
         normal(2, 2), normal(3, 2)),
    Case("lu_solve old", quiet(lambda t, x, y: y.lu_solve(*t.linalg.lu_factor(regular(t, x)))), (SQUARE, normal(3, 2)),
         halves=()),
    Case("lu_solve complex",
         of_complex(lambda t, a, b: t.linalg.lu_solve(*t.linalg.lu_factor(regular(t, a)), b, adjoint=True)),
         (*PAIR, *PAIR), halves=()),
    case("ldl_factor", lambda t, x: t.linalg.ldl_factor(x + x.mT), fixed(normal(2, 4, 4))),
    case("ldl_factor blocks", lambda t: t.linalg.ldl_factor_ex(t.tensor([[0.0, 2, 7], [2, 0, 4], [3, 4, 0]]))),
    case("ldl_factor zero", lambda t: t.linalg.ldl_factor_ex(t.zeros(2, 2))[1:]),
    Case("ldl_factor hermitian",
         of_complex(lambda t, z: t.linalg.ldl_factor(z + z.mH, hermitian=True)), (fixed(normal(4, 4)),) * 2, halves=()),
    case("ldl_solve", lambda t, x, y: t.linalg.ldl_solve(*t.linalg.ldl_factor(x + x.mT), y), fixed(normal(4, 4)),
         fixed(normal(2, 4, 2))),
    Case("ldl_solve hermitian",
         of_complex(lambda t, a, b: t.linalg.ldl_solve(*t.linalg.ldl_factor(a + a.mH, hermitian=True), b,
                                                       hermitian=True)),
         (fixed(normal(3, 3)),) * 4, halves=()),
    case("lstsq", lambda t, x, y: t.linalg.lstsq(x, y).solution, normal(4, 2), normal(4, 2)),
    case("lstsq wide", lambda t, x, y: t.linalg.lstsq(x, y).solution, normal(2, 3), normal(2, 2)),
    case("lstsq gels", lambda t, x, y: t.linalg.lstsq(x, y, driver="gels"), normal(2, 3, 2), normal(2, 3, 1)),
    case("lstsq gelsd", lambda t, x, y: t.linalg.lstsq(x, y, driver="gelsd")[:3], normal(4, 2), normal(4, 1)),
    case("lstsq gelss", lambda t, x, y: t.linalg.lstsq(x, y, 0.1, driver="gelss"), fixed(normal(3, 3)),
         fixed(normal(3, 2))),
    case("lstsq vectors", lambda t, x, y: t.linalg.lstsq(x, y)[:3:2], fixed(normal(2, 3, 2)), fixed(normal(2, 3))),
    case("lstsq zero", lambda t: t.linalg.lstsq(t.zeros(2, 2), t.ones(2, 1), driver="gels").solution),
    case("pinv", lambda t, x: t.linalg.pinv(x), normal(2, 3, 2)),
    case("pinv wide", lambda t, x: x.pinverse(), normal(2, 3)),
    case("pinv hermitian", lambda t, x: t.linalg.pinv(x + x.mT, hermitian=True), SQUARE, second=False),
    case("pinv tolerances", lambda t: t.linalg.pinv(t.diag(t.tensor([3.0, 1.0, 0.1])), atol=0.5)),
    case("pinv rtol", lambda t: t.linalg.pinv(t.diag(t.tensor([3.0, 1.0])).expand(2, 2, 2), rtol=t.tensor([0.1, 0.5]))),
    Case("pinv complex", of_complex(lambda t, z: t.linalg.pinv(z)), (normal(3, 2),) * 2, halves=()),
    case("matrix_rank", lambda t, x: t.linalg.matrix_rank(x), fixed(normal(2, 3, 2))),
    case("matrix_rank hermitian", lambda t: t.linalg.matrix_rank(t.diag(t.tensor([3.0, -1, 0])), hermitian=True)),
    case("matrix_rank tolerances", lambda t: t.linalg.matrix_rank(t.diag(t.tensor([3.0, 1.0])), t.tensor([0.5, 2.0]))),
    case("matrix_rank rtol", lambda t: t.linalg.matrix_rank(t.diag(t.tensor([3.0, 1.0])), rtol=0.5)),
    case("tensorinv", lambda t, x: t.linalg.tensorinv((x + 3 * t.eye(4)).reshape(2, 2, 4), 2), normal(4, 4)),
    case("tensorsolve", lambda t, x, y: t.linalg.tensorsolve((x + 3 * t.eye(4)).reshape(2, 2, 4), y), normal(4, 4),
         normal(2, 2)),
    case("tensorsolve dims", lambda t, x, y: t.linalg.tensorsolve((x + 3 * t.eye(4)).reshape(4, 2, 2), y, (0,)),
         normal(4, 4), normal(2, 2)),
]  # fmt: skip


def _singular(t: Any) -> Any:
    return t.stack([t.eye(2), t.zeros(2, 2)])


ERRORS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "inv singular": (lambda t: t.linalg.inv(_singular(t)), r"\(Batch element 1\): The diagonal element 1 is zero"),
    "inv_ex singular": (lambda t: t.linalg.inv_ex(_singular(t), check_errors=True), "linalg.inv_ex: .* is singular"),
    "inv wide": (lambda t: t.linalg.inv(t.ones(2, 3)), "batches of square matrices, but they are 2 by 3"),
    "inv half": (lambda t: t.linalg.inv(t.eye(2).half()), "Low precision dtypes not supported. Got Half"),
    "solve singular": (lambda t: t.linalg.solve(_singular(t), t.ones(2, 1)), "The solver failed because"),
    "solve shapes": (lambda t: t.linalg.solve(t.eye(2), t.ones(3)), r"equation AX = B \(2x2 and 3x1\)"),
    "solve types": (lambda t: t.linalg.solve(t.eye(2), t.ones(2).double()), "A of type Float and B of type Double"),
    "slogdet integers": (lambda t: t.slogdet(t.ones(2, 2).long()), "Expected a floating point or complex tensor"),
    "logdet vector": (lambda t: t.logdet(t.ones(2)), "logdet: The input tensor A must have at least 2"),
    "cholesky indefinite": (lambda t: t.linalg.cholesky(-t.eye(2)), "leading minor of order 1 is not positive"),
    "cholesky_inverse zero": (lambda t: t.cholesky_inverse(t.zeros(2, 2)), "cholesky_inverse: The diagonal element 1"),
    "cholesky_solve types": (lambda t: t.cholesky_solve(t.eye(2), t.eye(2).double()), "Expected b and A to have"),
    "solve_triangular shapes": (
        lambda t: t.linalg.solve_triangular(t.eye(2), t.ones(3, 1), upper=True), "Incompatible shapes of A and B",
    ),
    "lu pivot": (lambda t: t.linalg.lu(t.eye(2), pivot=False), "LU without pivoting is not implemented on the CPU"),
    "lu_factor zero": (lambda t: t.linalg.lu_factor(t.zeros(2, 2)), r"U\[1,1\] is zero"),
    "lu_unpack pivots": (lambda t: t.lu_unpack(t.eye(2), t.tensor([1, 2])), "torch.int32 dtype"),
    "lu_solve pivots": (lambda t: t.linalg.lu_solve(t.eye(2), t.tensor([1, 2]), t.eye(2)), "scalar type torch.int32"),
    "ldl_factor zero": (lambda t: t.linalg.ldl_factor(t.zeros(2, 2)), "torch.linalg.ldl_factor: "),
    "ldl backward": (
        lambda t: t.linalg.ldl_factor(t.eye(2, requires_grad=True))[0].sum().backward(), "is not implemented",
    ),
    "ldl_solve shapes": (
        lambda t: t.linalg.ldl_solve(t.eye(2), t.tensor([1, 2]), t.ones(3, 1)), "Incompatible matrix sizes",
    ),
    "lstsq driver": (lambda t: t.linalg.lstsq(t.eye(2), t.eye(2), driver="x"), "should be one of"),
    "lstsq shapes": (lambda t: t.linalg.lstsq(t.eye(2), t.ones(3, 1)), "should match other.size"),
    "pinv integers": (lambda t: t.linalg.pinv(t.ones(2, 2).long()), "expected a tensor with 2 or more dimensions"),
    "matrix_rank vector": (lambda t: t.linalg.matrix_rank(t.ones(2)), "must have at least 2 dimensions"),
    "tensorinv ind": (lambda t: t.linalg.tensorinv(t.eye(2), 0), "strictly positive integer for 'ind'"),
    "tensorinv shape": (lambda t: t.linalg.tensorinv(t.ones(2, 3), 1), "but got 3 != 2"),
    "eig removed": (lambda t: t.eig(t.eye(2)), "removed"),
    "lstsq removed": (lambda t: t.eye(2).lstsq(t.eye(2)), "removed"),
    "matrix_rank removed": (lambda t: t.matrix_rank(t.eye(2)), "removed"),
    "solve removed": (lambda t: t.solve(t.eye(2), t.eye(2)), "removed"),
    "symeig removed": (lambda t: t.eye(2).symeig(), "removed"),
}  # fmt: skip
REFUSALS = [
    *(Refusal(name, call, RuntimeError, match) for name, (call, match) in ERRORS.items()),
    Refusal("lu integers", lambda t: t.linalg.lu(t.ones(2, 2).long()), NotImplementedError, "lu_cpu"),
    Refusal("det half", lambda t: t.det(t.eye(2).half()), NotImplementedError, "lu_cpu"),
    Refusal("cholesky_inverse integers", lambda t: t.cholesky_inverse(t.ones(2, 2).long()), NotImplementedError, "cpu"),
    Refusal("lu_solve numbers", lambda t: t.eye(2).lu_solve(1, 7), TypeError, "must be Tensor, not int"),
    Refusal("pinv tolerances", lambda t: t.linalg.pinv(t.eye(2), 0.1, atol=0.1), TypeError, "linalg_pinv"),
]
