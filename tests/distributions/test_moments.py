"""What holds of every distribution by definition: samples have its moments, densities sum to 1, inverses invert."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as torch
from rushlight import Tensor
from rushlight import distributions as D

X = torch.tensor
DRAWS = 20_000

# With a mean and a variance, and no heavier tails than the test of moments can take.
WITH_MOMENTS: list[D.Distribution] = [
    D.Bernoulli(X([0.1, 0.7])),
    D.Beta(X([0.5, 2.0]), X([1.5, 3.0])),
    D.Binomial(10, X([0.1, 0.7])),
    D.Chi2(X([1.0, 7.5])),
    D.ContinuousBernoulli(X([0.1, 0.4995])),
    D.Dirichlet(X([0.5, 1.5, 3.0])),
    D.Exponential(X([0.5, 2.0])),
    D.FisherSnedecor(X([3.0]), X([30.0])),
    D.Gamma(X([0.5, 8.0]), X([1.0, 2.0])),
    D.GeneralizedPareto(X([0.0, 1.0]), X([1.0, 2.0]), X([0.1, -0.5])),
    D.Geometric(X([0.2, 0.9])),
    D.Gumbel(X([0.0, 2.0]), X([1.0, 0.5])),
    D.HalfNormal(X([0.5, 2.0])),
    D.Independent(D.Normal(torch.zeros(2), torch.ones(2)), 1),
    D.InverseGamma(X([9.0]), X([2.0])),
    D.Kumaraswamy(X([0.5, 3.0]), X([2.0, 1.5])),
    D.Laplace(X([0.0, 1.0]), X([1.0, 2.5])),
    D.LogNormal(X([0.0, 0.5]), X([0.5, 0.25])),
    D.LowRankMultivariateNormal(X([0.0, 1.0]), X([[1.0], [-0.5]]), X([1.0, 0.5])),
    D.MixtureSameFamily(D.Categorical(X([0.3, 0.7])), D.Normal(X([0.0, 3.0]), X([1.0, 0.5]))),
    D.Multinomial(7, X([0.1, 0.3, 0.6])),
    D.MultivariateNormal(X([0.0, 1.0]), covariance_matrix=X([[2.0, 0.5], [0.5, 1.0]])),
    D.NegativeBinomial(X([3.0, 0.5]), X([0.3, 0.5])),
    D.Normal(X([0.0, 1.0]), X([0.5, 2.0])),
    D.OneHotCategorical(X([0.1, 0.3, 0.6])),
    D.Pareto(X([1.0]), X([9.0])),
    D.Poisson(X([0.5, 30.0])),
    D.StudentT(X([9.0]), X([1.0]), X([2.0])),
    D.Uniform(X([0.0, -1.0]), X([1.0, 3.0])),
    D.Weibull(X([1.0, 2.0]), X([1.5, 3.0])),
]
names = [type(d).__name__ for d in WITH_MOMENTS]


@pytest.mark.parametrize("d", WITH_MOMENTS, ids=names)
def test_samples_have_the_moments(d: D.Distribution) -> None:
    samples = d.sample((DRAWS,)).double()
    mean, variance = d.mean.double(), d.variance.double()
    assert ((samples.mean(0) - mean).abs() < 5 * (variance / DRAWS).sqrt() + 1e-6).all()
    kurtosis = ((samples - samples.mean(0)) ** 4).mean(0) / variance**2
    assert ((samples.var(0) / variance - 1).abs() < 6 * ((kurtosis + 1) / DRAWS).sqrt()).all()


def test_wishart_samples_have_the_moments() -> None:
    d = D.Wishart(5.0, covariance_matrix=X([[2.0, 0.5], [0.5, 1.0]]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples = d.sample((DRAWS,)).double()
    assert ((samples.mean(0) - d.mean).abs() < 6 * (d.variance / DRAWS).sqrt()).all()
    assert ((samples.var(0) / d.variance - 1).abs() < 0.15).all()
    assert D.constraints.positive_definite.check(samples).all()


def _with(method: str) -> list[Any]:
    def has(d: D.Distribution) -> bool:
        try:
            getattr(d, method)() if method == "entropy" else getattr(d, method)(d.sample())
        except NotImplementedError:
            return False
        return True

    return [pytest.param(d, id=type(d).__name__) for d in WITH_MOMENTS if has(d)]


@pytest.mark.parametrize("d", _with("entropy"))
def test_entropy_is_the_mean_of_minus_log_prob(d: D.Distribution) -> None:
    scores = d.log_prob(d.sample((DRAWS,))).double()
    assert ((scores.mean(0) + d.entropy()).abs() < 6 * scores.std(0) / math.sqrt(DRAWS) + 1e-5).all()
    assert torch.allclose(d.perplexity(), d.entropy().exp())


@pytest.mark.parametrize("d", _with("cdf"))
def test_cdf_counts_the_samples(d: D.Distribution) -> None:
    values = d.sample((3,))
    counted = (d.sample((DRAWS, 1)) <= values).double().mean(0)
    assert ((counted - d.cdf(values)).abs() < 5 * 0.5 / math.sqrt(DRAWS)).all()


@pytest.mark.parametrize("d", _with("icdf"))
def test_icdf_inverts_cdf(d: D.Distribution) -> None:
    levels = X([0.1, 0.25, 0.5, 0.9]).unsqueeze(-1)
    assert torch.allclose(d.cdf(d.icdf(levels)), levels.expand((4, *d.batch_shape)), atol=1e-5)


@pytest.mark.parametrize("d", [d for d in WITH_MOMENTS if d.has_enumerate_support], ids=lambda d: type(d).__name__)
def test_probabilities_of_all_values_sum_to_one(d: D.Distribution) -> None:
    values = d.enumerate_support()
    assert torch.allclose(d.log_prob(values).exp().sum(0), torch.ones(d.batch_shape))


CONTINUOUS: list[tuple[D.Distribution, float, float]] = [
    (D.Beta(X(2.0), X(1.5)), 0.0, 1.0),
    (D.Cauchy(0.0, 0.01), -20.0, 20.0),
    (D.ContinuousBernoulli(X(0.3)), 0.0, 1.0),
    (D.Exponential(1.0), 0.0, 30.0),
    (D.FisherSnedecor(4.0, 30.0), 0.0, 60.0),
    (D.Gamma(X(2.5), X(1.0)), 0.0, 40.0),
    (D.GeneralizedPareto(1.0, 2.0, -0.25), 1.0, 9.0),
    (D.Gumbel(0.0, 1.0), -5.0, 30.0),
    (D.HalfNormal(1.0), 0.0, 9.0),
    (D.InverseGamma(X(9.0), X(2.0)), 0.0, 20.0),
    (D.Kumaraswamy(X(3.0), X(1.5)), 0.0, 1.0),
    (D.Laplace(0.0, 1.0), -20.0, 20.0),
    (D.LogNormal(0.0, 0.5), 0.0, 30.0),
    (D.Normal(1.0, 2.0), -15.0, 17.0),
    (D.Pareto(1.0, 6.0), 1.0, 40.0),
    (D.RelaxedBernoulli(X(0.7), X(0.4)), 0.0, 1.0),
    (D.StudentT(9.0), -40.0, 40.0),
    (D.Uniform(-1.0, 3.0), -1.0, 3.0),
    (D.VonMises(X(1.0), X(2.0)), -math.pi, math.pi),
    (D.Weibull(1.0, 1.5), 0.0, 30.0),
]


@pytest.mark.parametrize(("d", "low", "high"), CONTINUOUS, ids=[type(d).__name__ for d, _, _ in CONTINUOUS])
def test_densities_integrate_to_one(d: D.Distribution, low: float, high: float) -> None:
    step = (high - low) / 400_000
    middles = (torch.arange(400_000, dtype=torch.float64) + 0.5) * step + low
    assert abs(float(d.log_prob(middles).exp().sum()) * step - 1) < 2e-3


IMPLICIT: list[tuple[str, Callable[[Tensor], D.Distribution]]] = [
    ("Gamma", lambda a: D.Gamma(a, 1.0)),
    ("Gamma-rate", lambda a: D.Gamma(2.0, a)),
    ("Beta", lambda a: D.Beta(a, X(2.0, dtype=a.dtype))),
    ("Chi2", lambda a: D.Chi2(a)),
    ("StudentT", lambda a: D.StudentT(9.0, a, 2.0)),
    ("InverseGamma", lambda a: D.InverseGamma(4.0 + a, 1.0)),
    ("Dirichlet", lambda a: D.Dirichlet(torch.stack([a, a * 2, 1 + 0 * a]))),
    ("Kumaraswamy", lambda a: D.Kumaraswamy(a, 2.0)),
]


@pytest.mark.parametrize(("name", "make"), IMPLICIT, ids=[name for name, _ in IMPLICIT])
def test_gradients_of_samples_are_those_of_their_moments(name: str, make: Callable[[Tensor], D.Distribution]) -> None:
    """The mean of d x²/da over samples is d E[x²]/da."""
    a = X(1.5, dtype=torch.float64, requires_grad=True)
    d = make(a)
    (expected,) = torch.autograd.grad((d.variance + d.mean**2).sum(), a, retain_graph=True)
    batches = []
    for _ in range(20):
        (found,) = torch.autograd.grad((d.rsample((1000,)) ** 2).mean(0).sum(), a, retain_graph=True)
        batches.append(float(found))
    spread = torch.tensor(batches).std() / math.sqrt(20)
    assert abs(sum(batches) / 20 - float(expected)) < 5 * float(spread)


PAIRS = [
    (D.Normal(0.0, 1.0), D.Laplace(1.0, 2.0)),
    (D.Gamma(2.0, 1.0), D.Exponential(0.5)),
    (D.Beta(X(2.0), X(3.0)), D.Uniform(0.0, 1.0)),
    (D.Gumbel(0.0, 1.0), D.Normal(0.5, 2.0)),
    (D.Uniform(0.5, 2.0), D.Gamma(2.0, 1.5)),
    (D.Laplace(0.0, 1.0), D.Laplace(1.0, 2.0)),
    (D.Cauchy(0.0, 1.0), D.Cauchy(1.0, 2.0)),
    (D.Pareto(1.0, 4.0), D.Gamma(2.0, 1.5)),
    (D.Bernoulli(0.3), D.Poisson(1.0)),
    (D.Geometric(0.3), D.Geometric(0.5)),
    (D.Dirichlet(X([1.0, 2.0])), D.Dirichlet(X([2.0, 2.0]))),
    (D.MultivariateNormal(torch.zeros(2), torch.eye(2)), D.LowRankMultivariateNormal(torch.ones(2), torch.ones(2, 1), torch.ones(2))),
    (D.Wishart(5.0, torch.eye(2)), D.Wishart(4.0, 2 * torch.eye(2))),
]  # fmt: skip


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=[f"{type(p).__name__}-{type(q).__name__}" for p, q in PAIRS])
def test_divergences_are_means_of_log_ratios(p: D.Distribution, q: D.Distribution) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples = p.sample((DRAWS,))
    ratios = (p.log_prob(samples) - q.log_prob(samples)).double()
    assert abs(float(ratios.mean() - D.kl_divergence(p, q))) < 6 * float(ratios.std()) / math.sqrt(DRAWS)


@pytest.mark.parametrize("dim", [2, 4])
def test_lkj_correlations(dim: int) -> None:
    """Of concentration η, the first correlation is 2 b - 1 of a beta variable b of η + (dim - 2) / 2 twice."""
    factors = D.LKJCholesky(dim, 1.5).sample((DRAWS,))
    correlations = factors @ factors.mT
    beta = 1.5 + (dim - 2) / 2
    variance = 1 / (2 * beta + 1)
    first = correlations[:, 1, 0]
    assert abs(float(first.mean())) < 5 * math.sqrt(variance / DRAWS)
    assert abs(float(first.var()) / variance - 1) < 0.05


def test_samples_do_not_depend_on_the_gradient_mode_or_parameters_history() -> None:
    def draw(loc: Tensor) -> Tensor:
        torch.manual_seed(3)
        return D.Gamma(loc, 1.0).sample((3,))

    plain = draw(torch.ones(2))
    assert torch.equal(draw(torch.ones(2, requires_grad=True)), plain)
    with torch.no_grad():
        assert torch.equal(draw(torch.ones(2)), plain)
