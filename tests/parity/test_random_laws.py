"""The laws drawn by rejection: the same seed gives PyTorch's numbers, states and pathwise derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.parity.programs import same_error  # noqa: E402
from tests.parity.test_random import both, equal  # noqa: E402

DTYPES = ("float32", "float64")


def spread(t: Any, dtype: str, n: int = 500, low: float = -4, high: float = 5) -> Any:
    """Positive numbers of very different sizes."""
    exponents = np.random.default_rng(0).uniform(low, high, n)
    return t.tensor(np.exp(exponents), dtype=getattr(t, dtype))


def chances(t: Any, dtype: str, n: int = 500) -> Any:
    return t.tensor(np.random.default_rng(1).uniform(0, 1, n), dtype=getattr(t, dtype))


# PyTorch warns where count and prob broadcast.
@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "draw",
    [
        lambda t, d: t._standard_gamma(spread(t, d)),
        lambda t, d: t._standard_gamma(t.tensor([0.0, 1e-3, 1.0, 1e5], dtype=getattr(t, d))),
        lambda t, d: t._standard_gamma(spread(t, d).reshape(20, 25).t()),
        lambda t, d: t._sample_dirichlet(spread(t, d).reshape(50, 10)),
        lambda t, d: t._sample_dirichlet(t.tensor(2.0, dtype=getattr(t, d))),
        lambda t, d: t.binomial(spread(t, d, high=8).floor(), chances(t, d)),
        lambda t, d: t.binomial(spread(t, d, 20, high=9).floor().unsqueeze(1), chances(t, d, 7)),
        lambda t, d: t.binomial(t.tensor([-1.0, 3, 0, 5], dtype=getattr(t, d)), t.tensor(1.0, dtype=getattr(t, d))),
        lambda t, d: t.poisson(spread(t, d)),
        lambda t, d: t.cat([t._standard_gamma(spread(t, d, 3)), t.randn(3, dtype=getattr(t, d))]),
    ],
)
def test_numbers(draw: Callable[[Any, str], Any], dtype: str) -> None:
    equal(lambda t: draw(t, dtype), ulps=1)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-9)])
def test_derivatives(dtype: str, tolerance: float) -> None:
    def gamma(t: Any) -> Any:
        shape = spread(t, dtype).requires_grad_()
        drawn = t._standard_gamma(shape)
        (grad,) = t.autograd.grad((drawn * t.arange(500)).sum(), shape)
        return type(drawn.grad_fn).__name__, grad.tolist()

    def dirichlet(t: Any) -> Any:
        alpha = spread(t, dtype, high=4).reshape(100, 5)
        drawn = t._sample_dirichlet(alpha)
        total = alpha.sum(-1, True).expand(100, 5)
        # Where one share is nearly all, PyTorch's float32 loses most of its digits.
        usual = (drawn > 0.02) & (drawn < 0.9)
        return "", (t._dirichlet_grad(drawn, alpha, total)[usual]).tolist()

    for program in (gamma, dirichlet):
        theirs, ours = both(program)
        assert ours[0] == theirs[0]
        np.testing.assert_allclose(ours[1], theirs[1], rtol=100 * tolerance, atol=tolerance)


REFUSED = [
    "t._standard_gamma(t.ones(3, dtype=t.float16))", "t._standard_gamma(t.ones(3, dtype=t.int64))",
    "t._sample_dirichlet(t.ones(3, dtype=t.bfloat16))", "t.binomial(t.ones(3, dtype=t.int64), t.ones(3))",
    "t.binomial(t.ones(3), t.ones(3, dtype=t.int64))", "t.binomial(t.ones(3), t.ones(3).double())",
    "t.binomial(t.ones(3).half(), t.ones(3).half())", "t.binomial(t.ones(3), t.ones(2))", "t.binomial(3, t.ones(3))",
    "t.binomial(t.ones(3), t.ones(3, requires_grad=True)).sum().backward()",
    "t._sample_dirichlet(t.ones(3, requires_grad=True)).sum().backward()",
    "t._dirichlet_grad(t.ones(3), t.ones(2), t.ones(3))", "t._standard_gamma_grad(t.ones(3), t.ones(2))",
    "t._standard_gamma_grad(t.ones(3, requires_grad=True), t.ones(3)).sum().backward()",
    "t._standard_gamma_grad(t.ones(3).half(), t.ones(3).half())",
    "t._dirichlet_grad(t.ones(3).half(), t.ones(3).half(), t.ones(3).half())",
]  # fmt: skip


@pytest.mark.parametrize("program", REFUSED)
def test_errors(program: str) -> None:
    same_error(program)
