"""Distributions of which the divergences of all pairs are looked at, on torch and on rushlight alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.distributions.observations import CASES, TRIL, array

UNIVARIATE = [c for c in CASES if c[0] in (
    "Bernoulli-probs", "Beta", "Cauchy", "Chi2", "ContinuousBernoulli-probs", "Gamma", "HalfNormal", "InverseGamma",
    "Kumaraswamy", "Normal", "Pareto", "Poisson", "StudentT", "VonMises",
)]  # fmt: skip
UNIVARIATE += [
    ("Binomial", lambda D, x: D.Binomial(5, x([0.1, 0.5, 0.9]))),
    ("Exponential", lambda D, x: D.Exponential(x([0.5, 1.0, 4.0]))),
    ("Geometric", lambda D, x: D.Geometric(x([0.2, 0.5, 0.9]))),
    ("Gumbel", lambda D, x: D.Gumbel(x([0.0, 1.0, -1.0]), x([1.0, 0.5, 2.0]))),
    ("Laplace", lambda D, x: D.Laplace(x([0.0, 1.0, -1.0]), x([1.0, 0.5, 2.0]))),
    ("LogNormal", lambda D, x: D.LogNormal(x([0.0, 1.0, -1.0]), x([1.0, 0.5, 2.0]))),
    ("Uniform", lambda D, x: D.Uniform(x([0.0, 0.25, -1.0]), x([1.0, 0.75, 3.0]))),
    ("Uniform-positive", lambda D, x: D.Uniform(x([1.0, 2.5, 3.0]), x([2.0, 3.5, 7.0]))),
    ("Weibull", lambda D, x: D.Weibull(x([1.0, 2.0, 0.5]), x([0.5, 3.0, 1.0]))),
    ("Normal-other", lambda D, x: D.Normal(x([0.5, -1.0, 0.0]), x([1.5, 0.5, 2.0]))),
    ("Gamma-other", lambda D, x: D.Gamma(x([2.5, 1.0, 0.5]), x([1.5, 0.5, 2.0]))),
    ("Bernoulli-ends", lambda D, x: D.Bernoulli(x([0.0, 1.0, 0.5]))),
    ("Independent-0", lambda D, x: D.Independent(D.Normal(x([0.5, -1.0, 0.0]), x([1.5, 0.5, 2.0])), 0)),
    ("LogNormal-other", lambda D, x: D.LogNormal(x([0.5, -1.0, 0.0]), x([1.5, 0.5, 2.0]))),
    ("Pareto-other", lambda D, x: D.Pareto(x([0.5, 1.0, 2.5]), x([1.5, 2.5, 2.0]))),
]  # fmt: skip
MULTIVARIATE = [
    c for c in CASES if c[0] in ("Dirichlet", "Categorical-probs", "OneHotCategorical", "Multinomial-probs")
]
MULTIVARIATE += [
    ("Dirichlet-other", lambda D, x: D.Dirichlet(x([[1.5, 1.0, 2.0], [0.5, 4.0, 2.0]]))),
    ("Categorical-logits", lambda D, x: D.Categorical(logits=x([[0.5, 1.0, -2.0], [0.5, 4.0, 2.0]]))),
    ("Categorical-zeros", lambda D, x: D.Categorical(x([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5]]))),
    ("OneHotCategorical-other", lambda D, x: D.OneHotCategorical(x([[0.2, 0.3, 0.5], [0.5, 0.25, 0.25]]))),
    ("MVN", lambda D, x: D.MultivariateNormal(x([[0.0, 1.0, 0.5], [2.0, -1.0, 0.0]]), scale_tril=x(TRIL))),
    ("MVN-batch", lambda D, x: D.MultivariateNormal(x([0.0, 1.0, 0.5]), covariance_matrix=x([np.eye(3) * 2, np.eye(3) + 0.25]))),
    ("MVN-small", lambda D, x: D.MultivariateNormal(x([0.0, 1.0]), covariance_matrix=x(np.eye(2)))),
    ("LowRank", lambda D, x: D.LowRankMultivariateNormal(x([[0.0, 1.0, 2.0], [1.0, 1.0, 0.0]]), x([[1.0, 0.5], [-0.5, 2.0], [0.0, 1.0]]), x([1.0, 0.5, 2.0]))),
    ("LowRank-batch", lambda D, x: D.LowRankMultivariateNormal(x([0.5, 1.0, 0.0]), x([[[1.0], [-0.5], [0.0]], [[2.0], [0.25], [1.0]]]), x([[2.0, 0.5, 1.0], [1.0, 1.0, 1.0]]))),
    ("Independent", lambda D, x: D.Independent(D.Normal(x([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]), x([1.0, 2.0, 0.5])), 1)),
    ("Independent-Laplace", lambda D, x: D.Independent(D.Laplace(x([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]), x([1.0, 2.0, 0.5])), 1)),
    ("Wishart", lambda D, x: D.Wishart(x(4.0), covariance_matrix=x(np.eye(3) + 0.25))),
    ("Wishart-other", lambda D, x: D.Wishart(x(5.0), scale_tril=x(TRIL))),
]  # fmt: skip


def divergence(library: Any, of_p: Any, of_q: Any) -> Any:
    """The divergence and its gradients, or what is raised."""
    leaves: list[Any] = []

    def x(values: Any) -> Any:
        leaves.append(library.tensor(np.asarray(values).tolist(), dtype=library.float64).requires_grad_())
        return leaves[-1]

    x.plain = x  # type: ignore[attr-defined]
    p, q = of_p(library.distributions, x), of_q(library.distributions, x)
    try:
        result = library.distributions.kl_divergence(p, q)
    except (NotImplementedError, ValueError, RuntimeError) as error:
        return type(error)
    found = [array(result)]
    if result.requires_grad:
        gradients = library.autograd.grad(result.sum(), leaves, allow_unused=True)
        found += [None if g is None else array(g) for g in gradients]
    return found
