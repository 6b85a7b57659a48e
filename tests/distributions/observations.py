"""Distributions under given parameters, and all that can be observed of one: for the golden and the parity tests.

`observations` runs on torch and on rushlight alike.
"""

from __future__ import annotations

import copy
import io
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Tensors = Callable[[Any], Any]
Make = Callable[[Any, Tensors], Any]

EYE = [[1.0, 0.0], [0.0, 1.0]]
SIGMA = [[2.0, 0.5], [0.5, 1.0]]
TRIL = [[1.5, 0.0, 0.0], [0.5, 1.0, 0.0], [-0.3, 0.2, 0.7]]
WEIGHTS = [[0.1, 0.3, 0.6], [0.2, 0.5, 0.3]]
LOGITS = [[0.5, -1.0, 2.0], [0.0, 0.0, 1.0]]

# (name, distribution of the namespace `D`): `x` makes a tensor whose gradient is looked at, `x.plain` one without.
CASES: list[tuple[str, Callable[[Any, Any], Any]]] = [
    ("Bernoulli-probs", lambda D, x: D.Bernoulli(x([0.1, 0.5, 0.9]))),
    ("Bernoulli-logits", lambda D, x: D.Bernoulli(logits=x([[0.5], [-2.0]]))),
    ("Bernoulli-number", lambda D, x: D.Bernoulli(0.3)),
    ("Bernoulli-ends", lambda D, x: D.Bernoulli(x.plain([0.0, 1.0]))),
    ("Beta", lambda D, x: D.Beta(x([0.5, 2.0, 1.0]), x([1.5, 3.0, 1.0]))),
    ("Beta-numbers", lambda D, x: D.Beta(2, 0.5)),
    ("Beta-broadcast", lambda D, x: D.Beta(x([[0.3], [4.0]]), 2.0)),
    ("Binomial-probs", lambda D, x: D.Binomial(10, x([0.1, 0.5, 0.9]))),
    ("Binomial-counts", lambda D, x: D.Binomial(x.plain([[3.0], [40.0]]), x([0.2, 0.7]))),
    ("Binomial-logits", lambda D, x: D.Binomial(5, logits=x([0.0, 1.5]))),
    ("Categorical-probs", lambda D, x: D.Categorical(x(WEIGHTS))),
    ("Categorical-logits", lambda D, x: D.Categorical(logits=x(LOGITS))),
    ("Categorical-row", lambda D, x: D.Categorical(x([1.0, 2.0, 0.0]))),
    ("Cauchy", lambda D, x: D.Cauchy(x([0.0, 1.0]), x([1.0, 2.5]))),
    ("Cauchy-numbers", lambda D, x: D.Cauchy(0.5, 2)),
    ("Chi2", lambda D, x: D.Chi2(x([1.0, 4.0, 7.5]))),
    ("Chi2-number", lambda D, x: D.Chi2(3)),
    ("ContinuousBernoulli-probs", lambda D, x: D.ContinuousBernoulli(x([0.1, 0.4995, 0.9]))),
    ("ContinuousBernoulli-logits", lambda D, x: D.ContinuousBernoulli(logits=x([[-1.0], [0.0]]))),
    ("ContinuousBernoulli-lims", lambda D, x: D.ContinuousBernoulli(x([0.3, 0.45]), lims=(0.4, 0.6))),
    ("Dirichlet", lambda D, x: D.Dirichlet(x([[0.5, 1.5, 3.0], [2.0, 2.0, 2.0]]))),
    ("Dirichlet-small", lambda D, x: D.Dirichlet(x([0.2, 0.4]))),
    ("Exponential", lambda D, x: D.Exponential(x([[0.5, 1.0], [2.0, 4.0]]))),
    ("Exponential-number", lambda D, x: D.Exponential(2.0)),
    ("FisherSnedecor", lambda D, x: D.FisherSnedecor(x([1.0, 3.0, 5.0]), x([2.0, 3.0, 9.0]))),
    ("Gamma", lambda D, x: D.Gamma(x([0.5, 1.0, 8.0]), x([1.0, 0.5, 2.0]))),
    ("Gamma-numbers", lambda D, x: D.Gamma(2, 3)),
    ("GeneralizedPareto", lambda D, x: D.GeneralizedPareto(x([0.0, 1.0, 0.0, 0.0]), x([1.0, 2.0, 1.0, 1.5]), x([0.25, -0.5, 1.5, 0.75]))),
    ("Geometric-probs", lambda D, x: D.Geometric(x([0.2, 0.9]))),
    ("Geometric-logits", lambda D, x: D.Geometric(logits=x([[0.5], [-1.0]]))),
    ("Geometric-sure", lambda D, x: D.Geometric(x.plain([1.0, 0.5]))),
    ("Gumbel", lambda D, x: D.Gumbel(x([0.0, 2.0]), x([1.0, 0.5]))),
    ("Gumbel-numbers", lambda D, x: D.Gumbel(1.0, 2.0)),
    ("HalfCauchy", lambda D, x: D.HalfCauchy(x([0.5, 2.0]))),
    ("HalfNormal", lambda D, x: D.HalfNormal(x([[0.5], [2.0]]))),
    ("Independent", lambda D, x: D.Independent(D.Normal(x([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]), x([1.0, 2.0, 0.5])), 1)),
    ("Independent-all", lambda D, x: D.Independent(D.Bernoulli(x([[0.2, 0.7]])), 2)),
    ("Independent-none", lambda D, x: D.Independent(D.Bernoulli(x([0.2, 0.7])), 0)),
    ("InverseGamma", lambda D, x: D.InverseGamma(x([0.5, 1.5, 3.0]), x([1.0, 2.0, 0.5]))),
    ("Kumaraswamy", lambda D, x: D.Kumaraswamy(x([0.5, 1.0, 3.0]), x([2.0, 1.0, 1.5]))),
    ("LKJCholesky", lambda D, x: D.LKJCholesky(3, x([0.5, 2.0]))),
    ("LKJCholesky-number", lambda D, x: D.LKJCholesky(2, 1.0)),
    ("Laplace", lambda D, x: D.Laplace(x([0.0, 1.0]), x([[1.0], [2.5]]))),
    ("LogNormal", lambda D, x: D.LogNormal(x([0.0, 0.5]), x([1.0, 0.25]))),
    ("LogisticNormal", lambda D, x: D.LogisticNormal(x([[0.0, 0.5], [1.0, -1.0]]), x([[1.0, 0.25], [0.5, 2.0]]))),
    ("LogisticNormal-numbers", lambda D, x: D.LogisticNormal(0.0, 1.0)),
    ("LowRankMultivariateNormal", lambda D, x: D.LowRankMultivariateNormal(x([[0.0, 1.0, 2.0], [1.0, 1.0, 0.0]]), x([[1.0, 0.5], [-0.5, 2.0], [0.0, 1.0]]), x([1.0, 0.5, 2.0]))),
    ("MixtureSameFamily", lambda D, x: D.MixtureSameFamily(D.Categorical(x([0.3, 0.7])), D.Normal(x([0.0, 3.0]), x([1.0, 0.5])))),
    ("MixtureSameFamily-vectors", lambda D, x: D.MixtureSameFamily(D.Categorical(x([[0.3, 0.7], [0.5, 0.5], [0.9, 0.1]])), D.Independent(D.Laplace(x(np.arange(12.0).reshape(3, 2, 2)), x([1.0, 2.0])), 1))),
    ("MixtureSameFamily-shared", lambda D, x: D.MixtureSameFamily(D.Categorical(x([0.4, 0.6])), D.Exponential(x([[1.0, 2.0], [0.5, 3.0]])))),
    ("Multinomial-probs", lambda D, x: D.Multinomial(7, x(WEIGHTS))),
    ("Multinomial-logits", lambda D, x: D.Multinomial(4, logits=x([0.5, -1.0, 2.0]))),
    ("MultivariateNormal-covariance", lambda D, x: D.MultivariateNormal(x([[0.0, 1.0], [2.0, -1.0]]), covariance_matrix=x([SIGMA, EYE]))),
    ("MultivariateNormal-precision", lambda D, x: D.MultivariateNormal(x([0.5, 1.0]), precision_matrix=x(SIGMA))),
    ("MultivariateNormal-tril", lambda D, x: D.MultivariateNormal(x(np.arange(6.0).reshape(2, 1, 3)), scale_tril=x([TRIL, TRIL]))),
    ("NegativeBinomial-probs", lambda D, x: D.NegativeBinomial(x([3.0, 0.5]), x([0.3, 0.8]))),
    ("NegativeBinomial-logits", lambda D, x: D.NegativeBinomial(4, logits=x([[0.5], [-1.0]]))),
    ("Normal", lambda D, x: D.Normal(x([0.0, 1.0, -2.0]), x([0.5, 1.0, 2.0]))),
    ("Normal-numbers", lambda D, x: D.Normal(1, 2.5)),
    ("Normal-broadcast", lambda D, x: D.Normal(x([[0.0], [1.0]]), x([0.5, 1.0, 2.0]))),
    ("Normal-large", lambda D, x: D.Normal(x(np.linspace(-1, 1, 20)), 2.0)),
    ("OneHotCategorical", lambda D, x: D.OneHotCategorical(x(WEIGHTS))),
    ("OneHotCategorical-logits", lambda D, x: D.OneHotCategorical(logits=x([0.5, -1.0, 2.0]))),
    ("OneHotCategoricalStraightThrough", lambda D, x: D.OneHotCategoricalStraightThrough(x(WEIGHTS))),
    ("Pareto", lambda D, x: D.Pareto(x([1.0, 0.5, 2.0]), x([0.5, 1.5, 3.0]))),
    ("Poisson", lambda D, x: D.Poisson(x([0.5, 4.0, 30.0]))),
    ("Poisson-number", lambda D, x: D.Poisson(3)),
    ("RelaxedBernoulli", lambda D, x: D.RelaxedBernoulli(x(0.7), x([0.2, 0.9]))),
    ("RelaxedBernoulli-logits", lambda D, x: D.RelaxedBernoulli(x([2.0]), logits=x([0.5, -1.0]))),
    ("LogitRelaxedBernoulli", lambda D, x: D.relaxed_bernoulli.LogitRelaxedBernoulli(x(0.7), x([0.2, 0.9]))),
    ("RelaxedOneHotCategorical", lambda D, x: D.RelaxedOneHotCategorical(x(0.5), x(WEIGHTS))),
    ("ExpRelaxedCategorical", lambda D, x: D.relaxed_categorical.ExpRelaxedCategorical(x(2.0), logits=x([0.5, -1.0, 2.0]))),
    ("StudentT", lambda D, x: D.StudentT(x([0.5, 1.5, 4.0]), x([0.0, 1.0, 2.0]), x([1.0, 2.0, 0.5]))),
    ("StudentT-number", lambda D, x: D.StudentT(3.0)),
    ("TransformedDistribution", lambda D, x: D.TransformedDistribution(D.Normal(x([0.0, 1.0]), 1.0), [D.AffineTransform(x([1.0, 2.0]), x([-2.0, 0.5])), D.SigmoidTransform()])),
    ("TransformedDistribution-vectors", lambda D, x: D.TransformedDistribution(D.Normal(x([[0.0, 1.0], [2.0, 3.0]]), 1.0), [D.StickBreakingTransform()])),
    ("TransformedDistribution-expanding", lambda D, x: D.TransformedDistribution(D.Uniform(x(0.0), x(1.0)), D.AffineTransform(x([1.0, 2.0]), 3.0))),
    ("TransformedDistribution-none", lambda D, x: D.TransformedDistribution(D.Uniform(x([0.0]), x([1.0])), [])),
    ("Uniform", lambda D, x: D.Uniform(x([0.0, -1.0]), x([[1.0], [3.0]]))),
    ("Uniform-numbers", lambda D, x: D.Uniform(-1, 2.0)),
    ("VonMises", lambda D, x: D.VonMises(x([0.0, 1.0, -2.0]), x([0.5, 10.0, 1e-6]))),
    ("Weibull", lambda D, x: D.Weibull(x([1.0, 2.0]), x([[0.5], [3.0]]))),
    ("Wishart-covariance", lambda D, x: D.Wishart(x(4.0), covariance_matrix=x(SIGMA))),
    ("Wishart-precision", lambda D, x: D.Wishart(3.5, precision_matrix=x([SIGMA, EYE]))),
    ("Wishart-tril", lambda D, x: D.Wishart(x([4.0, 6.0]), scale_tril=x(TRIL))),
]  # fmt: skip

# Drawn with `exponential_`, which PyTorch with MKL on an Intel processor draws in a way of its own.
EXPONENTIAL = ("Categorical", "Exponential", "Mixture", "Multinomial", "OneHot", "Pareto", "Weibull")


# What PyTorch 2.13 cannot do by a mistake of its own, and we can: (case, dtype, what is observed).
THEIRS_FAILS = [
    # It compares a float64 tensor with a float32 one.
    ("GeneralizedPareto", "float64", "(expanded )?(log_prob|cdf)"),
    # The expanded copy lacks an attribute.
    ("Multinomial-", "", "expanded entropy"),
    # It writes into a mask that backward needs.
    ("Wishart-", "", "(expanded )?rsample"),
]  # fmt: skip


def theirs_fails(case: str, dtype: str, label: str) -> bool:
    """Whether PyTorch raises here, by a mistake of its own."""
    return any(case.startswith(c) and d in ("", dtype) and re.match(what, label) for c, d, what in THEIRS_FAILS)


class Plain:
    """What makes a case's parameters, none of which has a gradient."""

    def __init__(self, library: Any, dtype: str) -> None:
        self.library, self.dtype = library, getattr(library, dtype)

    def __call__(self, values: Any) -> Any:
        return self.library.tensor(np.asarray(values).tolist(), dtype=self.dtype)

    plain = __call__


class _Leaves:
    """What makes a case's parameters, and remembers those with gradients."""

    def __init__(self, library: Any, dtype: str) -> None:
        self.library, self.dtype = library, getattr(library, dtype)
        self.made: list[Any] = []

    def plain(self, values: Any) -> Any:
        return self.library.tensor(np.asarray(values).tolist(), dtype=self.dtype)

    def __call__(self, values: Any) -> Any:
        tensor = self.plain(values).requires_grad_()
        self.made.append(tensor)
        return tensor


def array(value: Any) -> np.ndarray:
    return np.asarray(value.detach().numpy())


def close(ours: Any, theirs: Any, what: str) -> None:
    """Assert that arrays are equal, up to rounding at the size of their greatest number."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), what
    finite = theirs[np.isfinite(theirs)] if theirs.dtype.kind == "f" else theirs
    relative = {"float64": 1e-8, "float32": 5e-5}.get(theirs.dtype.name, 0)
    most = float(np.abs(finite).max(initial=1)) if relative else 0.0
    np.testing.assert_allclose(ours, theirs, relative, relative * most / 5, err_msg=what)


def _said(error: Exception) -> str:
    """An error's kind, and its message where PyTorch has one."""
    message = re.sub(r"0x[0-9a-f]+", "0x", str(error)) if isinstance(error, ValueError) else ""
    return f"{type(error).__name__}: {message.replace('rushlight.', 'torch.')}"


class _Observer:
    def __init__(self, library: Any, make: Make, dtype: str) -> None:
        self.library = library
        self.leaves = _Leaves(library, dtype)
        self.found: dict[str, Any] = {}
        self.distribution = make(library.distributions, self.leaves)

    def note(self, label: str, what: Callable[[], Any], gradients: bool = True) -> Any:
        """Keep what a call returns, a tensor with the gradients of its sum of squares, or what it raises."""
        self.library.manual_seed(5)
        try:
            value = what()
        except Exception as error:
            self.found[label] = _said(error)
            return None
        if not isinstance(value, self.library.Tensor):
            self.found[label] = repr(value).replace("rushlight.", "torch.")
            return value
        self.found[label] = array(value)
        if gradients and value.requires_grad and value.dtype.is_floating_point:
            self.gradients(label, value)
        return value

    def gradients(self, label: str, value: Any, *more: Any) -> None:
        wanted = [*self.leaves.made, *more]
        total = (value * value).sum() if value.grad_fn is not None else None
        if total is None:
            return
        try:
            gradients = self.library.autograd.grad(total, wanted, allow_unused=True, retain_graph=True)
        except Exception as error:
            # There is none of `igamma` in its first argument.
            self.found[f"{label} gradient"] = _said(error)
            return
        for i, gradient in enumerate(gradients):
            self.found[f"{label} gradient {i}"] = "None" if gradient is None else array(gradient)

    def shapes_and_moments(self, d: Any, prefix: str = "") -> None:
        for name in (
            "batch_shape",
            "event_shape",
            "support",
            "arg_constraints",
            "has_rsample",
            "has_enumerate_support",
        ):
            self.note(prefix + name, lambda: getattr(d, name))
        self.note(prefix + "repr", lambda: d)
        for name in ("mean", "mode", "variance", "stddev"):
            self.note(prefix + name, lambda: getattr(d, name))
        self.note(prefix + "entropy", d.entropy)

    def draws(self, d: Any, prefix: str = "", shapes: Any = ((), (2,), (3, 2))) -> Any:
        for shape in shapes:
            value = self.note(f"{prefix}sample {shape}", lambda: d.sample(shape), False)
            self.found[f"{prefix}sample {shape} next"] = float(self.library.rand(()))
        self.note(f"{prefix}rsample", lambda: d.rsample((2,)))
        return value

    def scores(self, d: Any, value: Any, prefix: str = "") -> None:
        self.note(prefix + "log_prob", lambda: d.log_prob(value))
        self.note(prefix + "cdf", lambda: d.cdf(value))
        if value.dtype.is_floating_point:
            leaf = value.clone().requires_grad_()
            try:
                score = d.log_prob(leaf)
            except Exception:
                return
            if score.requires_grad:
                self.gradients(prefix + "log_prob of leaf", score, leaf)

    def expanded(self, value: Any) -> None:
        """The same of the distribution for a larger batch."""
        d = self.distribution
        big = d.expand((2, *d.batch_shape))
        self.shapes_and_moments(big, "expanded ")
        drawn = self.draws(big, "expanded ", ((), (2,)))
        self.scores(big, value[:1] if drawn is None else drawn, "expanded ")


def observations(library: Any, make: Make, dtype: str, whole: bool = True) -> dict[str, Any]:
    """All of one distribution, by name: arrays, and texts of what is no array."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        o = _Observer(library, make, dtype)
        d = o.distribution
        o.shapes_and_moments(d)
        o.note("perplexity", d.perplexity)
        for expand in (True, False):
            o.note(f"enumerate_support {expand}", lambda: d.enumerate_support(expand))
        value = o.draws(d)
        if value is None:
            value = library.full((2, *d.batch_shape, *d.event_shape), 0.25, dtype=o.leaves.dtype)
        o.scores(d, value)
        levels = library.tensor([0.1, 0.5, 0.9], dtype=o.leaves.dtype).reshape((3,) + (1,) * len(d.batch_shape))
        o.note("icdf", lambda: d.icdf(levels))
        for name in (
            "probs",
            "logits",
            "param_shape",
            "loc",
            "scale",
            "covariance_matrix",
            "precision_matrix",
            "scale_tril",
        ):
            o.note(name, lambda: getattr(d, name))
        o.note("misshapen", lambda: d.log_prob(library.zeros(7, 7, 7, dtype=value.dtype)), False)
        o.note("no tensor", lambda: d.log_prob("x"), False)
        o.note("outside", lambda: d.log_prob(library.full(value.shape, float("nan"), dtype=o.leaves.dtype)), False)
        o.note("below", lambda: d.log_prob(library.full(value.shape, -0.25, dtype=o.leaves.dtype)), False)
        if whole:
            o.expanded(value)
    return o.found


def copies(d: Any) -> Iterator[Any]:
    """A distribution of tensors without gradients, copied in every way."""
    yield copy.copy(d)
    yield copy.deepcopy(d)
    yield pickle.load(io.BytesIO(pickle.dumps(d)))
