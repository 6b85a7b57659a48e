"""Distributions, their transforms, constraints and divergences, against torch."""

from __future__ import annotations

import importlib
import inspect
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight
from tests.distributions.divergences import MULTIVARIATE, UNIVARIATE, divergence
from tests.distributions.observations import CASES, EXPONENTIAL, Plain, array, close, observations, theirs_fails
from tests.distributions.transforms import TRANSFORMS, seen_of_a_transform
from tests.parity.draws import torch_draws_bernoulli_serially
from tests.parity.programs import Program, attempt, same_lines

torch = pytest.importorskip("torch")

SERIAL = torch_draws_bernoulli_serially()


@pytest.fixture(autouse=True)
def validating() -> None:
    """Both check arguments, whatever a test before left."""
    for t in (rushlight, torch):
        t.distributions.Distribution.set_default_validate_args(True)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "make"), CASES, ids=[name for name, _ in CASES])
def test_all_of_a_distribution(name: str, make: Any, dtype: str) -> None:
    if name.startswith(EXPONENTIAL) and not SERIAL:
        pytest.skip("this PyTorch draws exponential_ with MKL's own generator")
    # What expanding does hardly depends on the dtype.
    whole = dtype == "float64"
    ours, theirs = (observations(library, make, dtype, whole) for library in (rushlight, torch))
    assert {o for o in ours.keys() ^ theirs.keys() if not theirs_fails(name, dtype, o)} == set()
    for label in ours.keys() & theirs.keys():
        found, wanted = ours[label], theirs[label]
        if isinstance(wanted, str):
            if theirs_fails(name, dtype, label) and not isinstance(found, str):
                continue
            assert isinstance(found, str), label
            assert found == wanted, label
        else:
            assert not isinstance(found, str), f"{label}: {found}"
            close(found, wanted, label)


def make_both(make: Any, dtype: str = "float64") -> tuple[Any, Any]:
    ours, theirs = (make(library.distributions, Plain(library, dtype)) for library in (rushlight, torch))
    return ours, theirs


@pytest.mark.parametrize(("name", "make"), CASES, ids=[name for name, _ in CASES])
def test_many_samples(name: str, make: Any) -> None:
    """Enough of them for the fast ways of drawing."""
    if name.startswith(EXPONENTIAL) and not SERIAL:
        pytest.skip("this PyTorch draws exponential_ with MKL's own generator")
    if name == "MixtureSameFamily-shared":
        pytest.skip("it cannot be drawn")
    for dtype in ("float64", "float32"):
        drawn = []
        for library, d in zip((rushlight, torch), make_both(make, dtype), strict=True):
            library.manual_seed(11)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                drawn.append((array(d.sample((50,))), float(library.rand(()))))
        close(drawn[0][0], drawn[1][0], dtype)
        assert drawn[0][1] == drawn[1][1]


@pytest.mark.parametrize("cases", [UNIVARIATE, MULTIVARIATE], ids=["univariate", "multivariate"])
def test_divergences_of_all_pairs(cases: list[Any]) -> None:
    computed = set()
    for (p, of_p), (q, of_q) in itertools.product(cases, repeat=2):
        ours, theirs = divergence(rushlight, of_p, of_q), divergence(torch, of_p, of_q)
        if isinstance(theirs, type):
            assert ours is theirs, (p, q)
            continue
        computed.add((p, q))
        assert len(ours) == len(theirs), (p, q)
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            if b is None or a is None:
                # PyTorch gives zeros where a masked assignment was, None where it made the result anew.
                assert (a is None or not a.any()) and (b is None or not b.any()), (p, q, i)
            else:
                close(a, b, f"{p} {q} {i}")
    assert len(computed) > 40


def signature(function: Any) -> list[tuple[str, Any]]:
    """Parameters and their defaults; an empty tuple is as good as an empty Size."""
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, None if p.default in ((), inspect.Parameter.empty) else p.default) for p in parameters]


@pytest.mark.parametrize("module", ["", ".constraints", ".kl", ".utils", ".constraint_registry"])
def test_names_and_parameters(module: str) -> None:
    ours, theirs = (importlib.import_module(f"{library}.distributions{module}") for library in ("rushlight", "torch"))
    assert set(ours.__all__) == set(theirs.__all__)
    for name in theirs.__all__:
        a, b = getattr(ours, name), getattr(theirs, name)
        if not isinstance(b, type):
            assert not inspect.isfunction(b) or signature(a) == signature(b), name
            continue
        assert signature(a.__init__) == signature(b.__init__), name
        members = {n for n in dir(b) if not n.startswith("_")}
        assert {n for n in dir(a) if not n.startswith("_")} == members, name
        for member in members:
            method = inspect.getattr_static(b, member)
            if inspect.isfunction(method):
                assert signature(getattr(a, member)) == signature(method), f"{name}.{member}"


def test_the_same_pairs_are_registered() -> None:
    def names(registry: Any) -> set[tuple[str, str]]:
        return {(p.__name__, q.__name__) for p, q in registry}

    assert names(rushlight.distributions.kl._KL_REGISTRY) == names(torch.distributions.kl._KL_REGISTRY)


@pytest.mark.parametrize(("name", "make", "values"), TRANSFORMS, ids=[t[0] for t in TRANSFORMS])
def test_transforms(name: str, make: Any, values: Any) -> None:
    ours, theirs = (seen_of_a_transform(library, make, values) for library in (rushlight, torch))
    assert [label for label, _ in ours] == [label for label, _ in theirs]
    for (label, a), (_, b) in zip(ours, theirs, strict=True):
        if isinstance(b, np.ndarray):
            close(a, b, label)
        else:
            assert a == b, label


def test_transforms_are_equal_as_in_pytorch() -> None:
    def table(library: Any) -> list[list[bool]]:
        x = Plain(library, "float64")
        made = [make(library.distributions, x) for _, make, _ in TRANSFORMS]
        again = [make(library.distributions, x) for _, make, _ in TRANSFORMS]
        return [[a == b for b in again if _comparable(a, b)] for a in made]

    def _comparable(a: Any, b: Any) -> bool:
        # Affine transforms of shapes that cannot be broadcast can't be compared.
        return not (
            type(a).__name__ == type(b).__name__ == "AffineTransform" and a is not b and a.event_dim != b.event_dim
        )

    assert table(rushlight) == table(torch)


VALUES = [
    [0.0, 1.0, -1.0, 0.5, 2.0, float("nan"), float("inf")],
    [[0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [1.0, 1.0, 1.0]],
    [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.5], [0.5, 1.0]], [[2.0, -3.0], [-3.0, 1.0]]],
    [[[1.0, 0.0, 0.0], [0.5, 1.0, 0.0]]],
]
CONSTRAINTS: list[tuple[str, Callable[[Any, Any], Any]]] = [
    *((name, lambda C, x, name=name: getattr(C, name)) for name in (
        "boolean", "corr_cholesky", "lower_cholesky", "lower_triangular", "nonnegative", "nonnegative_integer", "one_hot",
        "positive", "positive_definite", "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex",
        "square", "symmetric", "unit_interval", "dependent",
    )),
    ("greater_than", lambda C, x: C.greater_than(0.5)),
    ("greater_than tensor", lambda C, x: C.greater_than(x(0.5))),
    ("greater_than_eq", lambda C, x: C.greater_than_eq(0.5)),
    ("less_than", lambda C, x: C.less_than(0.5)),
    ("interval", lambda C, x: C.interval(-1, 0.5)),
    ("half_open_interval", lambda C, x: C.half_open_interval(-1.0, 0.5)),
    ("integer_interval", lambda C, x: C.integer_interval(0, 1)),
    ("multinomial", lambda C, x: C.multinomial(2)),
    ("independent", lambda C, x: C.independent(C.positive, 1)),
    ("independent 2", lambda C, x: C.independent(C.simplex, 1)),
    ("mixture", lambda C, x: C.MixtureSameFamilyConstraint(C.real)),
    ("mixture of vectors", lambda C, x: C.MixtureSameFamilyConstraint(C.simplex)),
    ("cat", lambda C, x: C.cat([C.positive, C.boolean], -1, [1, 1])),
    ("stack", lambda C, x: C.stack([C.positive, C.boolean], -1)),
    ("stack of vectors", lambda C, x: C.stack([C.simplex, C.real_vector], -1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make"), CONSTRAINTS, ids=[c[0] for c in CONSTRAINTS])
def test_constraints(name: str, make: Any) -> None:
    def program(t: Any) -> None:
        constraint = make(t.distributions.constraints, Plain(t, "float32"))
        print(repr(constraint) if name != "dependent" else "")
        print(t.distributions.constraints.is_dependent(constraint))
        attempt(lambda: (constraint.is_discrete, constraint.event_dim))
        for values in VALUES:
            try:
                print(constraint.check(t.tensor(values)))
            except Exception as error:
                print(type(error).__name__, error if isinstance(error, (ValueError, AssertionError)) else "")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(program)


@pytest.mark.parametrize(("name", "make"), CONSTRAINTS, ids=[c[0] for c in CONSTRAINTS])
def test_registries(name: str, make: Any) -> None:
    def program(t: Any) -> None:
        constraint = make(t.distributions.constraints, Plain(t, "float32"))
        for registry in (t.distributions.biject_to, t.distributions.transform_to):
            attempt(lambda: registry(constraint))
            try:
                print(registry(constraint)(t.tensor([[0.5, -1.0], [2.0, 0.0]])))
            except Exception as error:
                print(type(error).__name__)

    same_lines(program)


def arguments(t: Any) -> None:
    D, x = t.distributions, t.tensor
    nan = float("nan")
    for make in (
        lambda: D.Normal(x([0.0, nan]), 1.0),
        lambda: D.Normal(0.0, x([1.0, -1.0])),
        lambda: D.Normal(0.0, -1.0, validate_args=False),
        lambda: D.Normal(0.0, 0.0),
        lambda: D.Bernoulli(1.5),
        lambda: D.Bernoulli(),
        lambda: D.Bernoulli(0.5, 0.5),
        lambda: D.Beta(x([-1.0]), 1.0),
        lambda: D.Binomial(x([1.5]), x([0.5])),
        lambda: D.Binomial(3),
        lambda: D.Categorical(x(0.5)),
        lambda: D.Categorical(logits=x(0.5)),
        lambda: D.Categorical(x([-0.5, 1.0])),
        lambda: D.Categorical(x([0.5, 1.0]), x([0.5, 1.0])),
        lambda: D.ContinuousBernoulli(1.5, validate_args=True),
        lambda: D.ContinuousBernoulli(x([0.5, 1.0])).probs,
        lambda: D.Dirichlet(x(1.0)),
        lambda: D.Dirichlet(x([1.0, 0.0])),
        lambda: D.Geometric(0.0),
        lambda: D.Geometric(x([0.0, 0.5])),
        lambda: D.Independent(D.Normal(0.0, 1.0), 1),
        lambda: D.LKJCholesky(1),
        lambda: D.LowRankMultivariateNormal(x(0.0), x([[1.0]]), x([1.0])),
        lambda: D.LowRankMultivariateNormal(x([0.0]), x([1.0]), x([1.0])),
        lambda: D.LowRankMultivariateNormal(x([0.0, 1.0]), x([[1.0]]), x([1.0, 1.0])),
        lambda: D.LowRankMultivariateNormal(x([0.0]), x([[1.0]]), x([1.0, 1.0])),
        lambda: D.LowRankMultivariateNormal(t.zeros(2, 1), t.ones(3, 1, 1), t.ones(1)),
        lambda: D.MixtureSameFamily(D.Categorical(t.ones(3)), D.Normal(t.zeros(2), 1.0)),
        lambda: D.MixtureSameFamily(D.Categorical(t.ones(3, 2)), D.Normal(t.zeros(4, 2), 1.0)),
        lambda: D.MultivariateNormal(x(0.0), x([[1.0]])),
        lambda: D.MultivariateNormal(x([0.0])),
        lambda: D.MultivariateNormal(x([0.0]), x([[1.0]]), x([[1.0]])),
        lambda: D.MultivariateNormal(x([0.0]), x([1.0])),
        lambda: D.MultivariateNormal(x([0.0]), scale_tril=x([1.0])),
        lambda: D.MultivariateNormal(t.zeros(2), x([[1.0, 2.0], [2.0, 1.0]])),
        lambda: D.MultivariateNormal(t.zeros(2), scale_tril=x([[1.0, 2.0], [2.0, 1.0]])),
        lambda: D.NegativeBinomial(-1, x([0.5])),
        lambda: D.NegativeBinomial(1, x([1.0])),
        lambda: D.StudentT(-1.0),
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform()),
        lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [1]),
        lambda: D.Uniform(1.0, 0.0),
        lambda: D.Uniform(0.0, x([1.0, 0.0])),
        lambda: D.Wishart(x(3.0)),
        lambda: D.Wishart(x(3.0), x([1.0])),
        lambda: D.Wishart(1.0, t.eye(2)),
        lambda: D.Wishart(1.5, t.eye(2)).df,
    ):
        attempt(make)
    attempt(lambda: D.Distribution.set_default_validate_args(1))
    D.Distribution.set_default_validate_args(False)
    attempt(lambda: D.Normal(0.0, -1.0))
    attempt(lambda: D.Normal(0.0, 1.0).log_prob(x(nan)))
    D.Distribution.set_default_validate_args(True)


def values(t: Any) -> None:
    D, x = t.distributions, t.tensor
    attempt(lambda: D.Bernoulli(0.5).log_prob(x(0.5)))
    attempt(lambda: D.Exponential(t.ones(2)).log_prob(x([-1.0, 1.0])))
    attempt(lambda: D.Categorical(t.ones(3)).log_prob(x(3)))
    attempt(lambda: D.Normal(t.zeros(2), 1.0).log_prob(t.zeros(3)))
    attempt(lambda: D.Dirichlet(t.ones(2)).log_prob(t.zeros(3)))
    attempt(lambda: D.Normal(t.zeros(2), 1.0).log_prob(3.0))
    attempt(lambda: D.Normal(t.zeros(2), 1.0, validate_args=False).log_prob(3.0))
    attempt(lambda: D.Uniform(0.0, 1.0).cdf(x(2.0)))
    attempt(lambda: D.Uniform(0.0, 1.0, validate_args=False).cdf(x([2.0, -1.0])))
    attempt(lambda: D.Uniform(0.0, 1.0, validate_args=False).log_prob(x([2.0, -1.0, 1.0])))
    attempt(lambda: D.HalfNormal(1.0, validate_args=False).log_prob(x([2.0, -1.0])))
    attempt(lambda: D.Independent(D.Bernoulli(x([0.5])), 1).enumerate_support())
    attempt(lambda: D.Binomial(x([2.0, 3.0]), x([0.5, 0.5])).enumerate_support())
    attempt(lambda: D.Binomial(x([2.0, 3.0]), x([0.5, 0.5])).entropy())
    attempt(lambda: D.Multinomial(x([2.0]), x([0.5, 0.5])))
    attempt(lambda: D.Normal(0.0, 1.0).sample_n(2))
    attempt(lambda: D.Normal(0.0, 1.0).sample([2]))
    attempt(lambda: D.Gamma(1.0, 1.0).log_prob(2.0))
    for transform in (D.StickBreakingTransform(), D.SoftmaxTransform(), D.CorrCholeskyTransform()):
        attempt(lambda: transform.forward_shape(()))
        attempt(lambda: transform.inverse_shape(()))
    attempt(lambda: D.CorrCholeskyTransform().forward_shape((4,)))
    attempt(lambda: D.CorrCholeskyTransform().inverse_shape((4, 3)))
    attempt(lambda: D.ReshapeTransform((2, 3), (5,)))
    attempt(lambda: D.ReshapeTransform((2, 3), (6,)).forward_shape((3,)))
    attempt(lambda: D.ReshapeTransform((2, 3), (6,)).forward_shape((3, 2)))
    attempt(lambda: D.IndependentTransform(D.ExpTransform(), 2)(t.ones(2)))
    attempt(lambda: D.IndependentTransform(D.ExpTransform(), 2).inv(t.ones(2)))
    attempt(lambda: D.ExpTransform(cache_size=2))
    attempt(lambda: D.CatTransform([D.ExpTransform()], 0, [1, 2]))
    attempt(lambda: D.CatTransform([D.ExpTransform()], 0)(t.ones(2)))
    attempt(lambda: D.CatTransform([1]))
    attempt(lambda: D.StackTransform([D.ExpTransform()])(t.ones(2)))
    attempt(lambda: D.StickBreakingTransform().event_dim)
    attempt(lambda: D.PositiveDefiniteTransform().inv.inv.event_dim)
    attempt(lambda: D.constraints.independent(1, 1))
    attempt(lambda: D.constraints.independent(D.constraints.real, -1))
    attempt(lambda: D.constraints.independent(D.constraints.real, 1.0))
    attempt(lambda: D.constraints.cat([1]))
    attempt(lambda: D.constraints.stack([1]))
    attempt(lambda: D.constraints.cat([D.constraints.real], 0, [1, 2]))
    attempt(lambda: D.constraints.dependent.check(t.ones(1)))
    attempt(lambda: D.constraints.dependent.event_dim)
    attempt(lambda: D.constraints.dependent(is_discrete=True, event_dim=1).event_dim)
    attempt(lambda: D.biject_to.register(int, lambda c: c))
    attempt(lambda: D.biject_to(D.constraints.boolean))


def helpers(t: Any) -> None:
    U, x = t.distributions.utils, t.tensor
    attempt(lambda: U.broadcast_all(1, 2.0))
    attempt(lambda: U.broadcast_all(1, x([1.0, 2.0], dtype=t.float64)))
    attempt(lambda: U.broadcast_all(True, x([[1], [2]]), x([1.0])))
    for dtype in (t.float32, t.float64):
        p = x([0.0, 0.25, 1.0], dtype=dtype)
        for binary in (True, False):
            attempt(lambda: U.probs_to_logits(p, binary))
            attempt(lambda: U.logits_to_probs(p, is_binary=binary))
        attempt(lambda: U.clamp_probs(p))
    matrix = t.arange(16).reshape(4, 4)
    for diag in range(-4, 4):
        attempt(lambda: U.tril_matrix_to_vec(matrix, diag))
        if diag > -4:
            attempt(lambda: U.vec_to_tril_matrix(U.tril_matrix_to_vec(matrix, diag).float(), diag))
    attempt(lambda: U.tril_matrix_to_vec(matrix, 4))
    attempt(lambda: U.tril_matrix_to_vec(matrix, -5))
    attempt(lambda: U.vec_to_tril_matrix(t.arange(5.0)))
    attempt(lambda: U.vec_to_tril_matrix(t.arange(12.0).reshape(2, 6)))
    print(U.euler_constant, isinstance(t.distributions.Bernoulli.logits, U.lazy_property))
    print(isinstance(t.distributions.Bernoulli.logits, property))
    print(U._sum_rightmost(t.ones(2, 3), 1), U._standard_normal((2,), t.float64, None))


def own_distributions(t: Any) -> None:
    """Classes that a program derives: what the base class does for them."""
    D, constraints = t.distributions, t.distributions.constraints

    class Bare(D.Distribution):
        pass

    bare = Bare(t.Size([2]), validate_args=True)
    print(bare.batch_shape, bare.event_shape, bare.has_rsample)
    for name in ("mean", "variance", "support", "arg_constraints", "stddev"):
        try:
            getattr(bare, name)
        except NotImplementedError:
            print("none of", name)
    attempt(lambda: bare.mode)
    for name in (
        "log_prob",
        "cdf",
        "icdf",
        "sample",
        "rsample",
        "expand",
        "enumerate_support",
        "entropy",
        "perplexity",
    ):
        try:
            getattr(bare, name)(*[t.ones(2)] * (name in ("log_prob", "cdf", "icdf", "expand")))
        except NotImplementedError:
            print("none of", name)
    bare._validate_sample(t.ones(2))

    class Triangle(D.Distribution):
        arg_constraints = {"width": constraints.positive}  # noqa: RUF012
        has_rsample = True

        def __init__(self, width, validate_args=None):
            (self.width,) = D.utils.broadcast_all(width)
            super().__init__(self.width.size(), validate_args=validate_args)

        @constraints.dependent_property(is_discrete=False, event_dim=0)
        def support(self):
            return constraints.interval(0.0, self.width)

        @D.utils.lazy_property
        def peak(self):
            print("computed")
            return self.width / 2

        def rsample(self, sample_shape=()):
            return t.rand(self._extended_shape(sample_shape)) * self.peak

        def log_prob(self, value):
            if self._validate_args:
                self._validate_sample(value)
            return value.log()

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Triangle, _instance)
            new.width = self.width.expand(batch_shape)
            super(Triangle, new).__init__(t.Size(batch_shape), validate_args=False)
            new._validate_args = self._validate_args
            return new

    triangle = Triangle(t.tensor([1.0, 2.0], requires_grad=True))
    print(triangle, triangle.sample((2,)), triangle.rsample().requires_grad, triangle.sample().requires_grad)
    attempt(lambda: triangle.log_prob(t.tensor([0.5, 3.0])))
    print(triangle.expand((3, 2)), D.Independent(triangle, 1).log_prob(t.tensor([0.5, 1.5])))
    attempt(lambda: Triangle(-1.0))
    print(Triangle.support.event_dim, constraints.is_dependent(Triangle.support))

    class Child(D.Normal):
        def __init__(self, loc):
            super().__init__(loc, 1.0)

    class Plain(D.Normal):
        pass

    attempt(lambda: Child(t.zeros(2)).expand((3, 2)))
    attempt(lambda: Plain(t.zeros(2), 1.0).expand((3, 2)))
    attempt(lambda: D.kl_divergence(Plain(0.0, 1.0), Child(t.tensor(1.0))))
    attempt(lambda: D.kl_divergence(D.Chi2(2.0), D.Gamma(2.0, 1.0)))
    attempt(lambda: D.kl_divergence(D.Binomial(2, t.tensor(0.5)), D.Binomial(3, t.tensor(0.5))))

    class Family(D.ExponentialFamily):
        arg_constraints = {"rate": constraints.positive}  # noqa: RUF012
        support = constraints.nonnegative
        _mean_carrier_measure = 0

        def __init__(self, rate):
            self.rate = rate
            super().__init__(rate.size())

        @property
        def _natural_params(self):
            return (-self.rate,)

        def _log_normalizer(self, x):
            return -(-x).log()

    rate, other = t.tensor([1.0, 2.0], requires_grad=True), t.tensor([2.0, 0.5], requires_grad=True)
    print(Family(rate).entropy(), D.kl_divergence(Family(rate), Family(other)))
    for p, q in ((Family(rate), D.Poisson(other)), (D.Normal(0.0, 1.0), D.Poisson(1.0))):
        try:
            D.kl_divergence(p, q)
        except NotImplementedError as error:
            print(" ".join(str(error).split()))


def ambiguous_divergences(t: Any) -> None:
    D = t.distributions

    class First(D.Normal):
        pass

    class Second(D.Normal):
        pass

    @D.register_kl(First, D.Normal)
    def one(p, q):
        return t.tensor(1.0)

    @D.register_kl(D.Normal, Second)
    def two(p, q):
        return t.tensor(2.0)

    p, q = First(0.0, 1.0), Second(0.0, 1.0)
    for _ in range(2):
        print(D.kl_divergence(p, q), D.kl_divergence(p, p), D.kl_divergence(q, q), D.kl_divergence(q, p))
    D.register_kl(First, Second)(one)
    print(D.kl_divergence(p, q))
    attempt(lambda: D.register_kl(First, D.Uniform)(lambda p, q: 3)(p, q))


def own_transforms_and_constraints(t: Any) -> None:
    D, constraints = t.distributions, t.distributions.constraints

    class Even(constraints.Constraint):
        is_discrete = True

        def check(self, value):
            return value % 2 == 0

    class Double(D.Transform):
        domain = constraints.real
        codomain = constraints.real
        bijective = True
        sign = +1

        def _call(self, x):
            print("forward")
            return 2 * x

        def _inverse(self, y):
            print("backward")
            return y / 2

        def log_abs_det_jacobian(self, x, y):
            return t.full_like(x, 2.0).log()

    double = Double(cache_size=1)
    x = t.tensor([1.0, 2.0])
    y = double(x)
    print(double.inv(y) is x, double(x) is y, double == Double(), double.with_cache(0)._cache_size)
    print(D.TransformedDistribution(D.Normal(t.zeros(2), 1.0), [double, double.inv]).log_prob(x))
    print(D.TransformedDistribution(D.Normal(t.zeros(2), 1.0), double).cdf(x))
    print(repr(Even()), Even().check(t.arange(3)), Even().event_dim)
    D.biject_to.register(Even, lambda c: double)
    D.transform_to.register(Even())(lambda c: D.ExpTransform())
    print(D.biject_to(Even()) is double, D.transform_to(Even()))
    attempt(lambda: constraints.Constraint().event_dim)
    for call in (
        lambda: D.Transform()(x),
        lambda: D.Transform().inv(x),
        lambda: D.Transform().log_abs_det_jacobian(x, x),
    ):
        try:
            call()
        except NotImplementedError:
            print("not defined")
    attempt(lambda: D.CorrCholeskyTransform() == D.CorrCholeskyTransform())
    attempt(lambda: D.IndependentTransform(D.ExpTransform(), 1) == D.IndependentTransform(D.ExpTransform(), 1))
    attempt(lambda: hash(D.ExpTransform()))


def gradients_of_samples(t: Any) -> None:
    """Who has gradients, and the names of the steps."""
    D = t.distributions
    one = lambda: t.ones(2, requires_grad=True)  # noqa: E731
    for d in (
        D.Normal(one(), 1.0), D.Gamma(one(), one()), D.Beta(one(), one()), D.Dirichlet(one()), D.StudentT(one()),
        D.Uniform(t.zeros(2), one()), D.Laplace(one(), one()), D.Cauchy(one(), one()), D.Exponential(one()),
    ):  # fmt: skip
        r = d.rsample()
        print(type(d).__name__, d.sample().requires_grad, r.requires_grad, r.grad_fn.name())
    with t.no_grad():
        p = D.Bernoulli(logits=one())
        print(p.probs.requires_grad, p.probs is p.probs)


@pytest.mark.parametrize(
    "program",
    [
        arguments, values, helpers, own_distributions, ambiguous_divergences, own_transforms_and_constraints,
        gradients_of_samples,
    ],
)  # fmt: skip
def test_programs(program: Program) -> None:
    same_lines(program)
