"""Which values an argument or a sample may have: the names of `torch.distributions.constraints`.

`check` says of each value whether it satisfies a constraint; `event_dim` is how many of the last dimensions make one
value.

Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rushlight import dtypes, linalg
from rushlight.ops.comparison import isclose
from rushlight.ops.creation import full
from rushlight.ops.joining import cat as joined
from rushlight.ops.joining import stack as stacked
from rushlight.tensor import Tensor

__all__ = [
    "Constraint", "MixtureSameFamilyConstraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property",
    "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval", "interval",
    "is_dependent", "less_than", "lower_cholesky", "lower_triangular", "multinomial", "nonnegative",
    "nonnegative_integer", "one_hot", "positive", "positive_definite", "positive_integer", "positive_semidefinite",
    "real", "real_vector", "simplex", "square", "stack", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A region that values lie in; derive from it and define `check`.

    `is_discrete` says whether the region is a grid, `event_dim` how many dimensions one value has.

    >>> import rushlight as torch
    >>> torch.distributions.constraints.positive.check(torch.tensor([-1.0, 2.0]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.constraints.Constraint
    """

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Tensor) -> Tensor:
        """For each value, whether it lies in the region: bool, of the value's shape less `event_dim` dimensions."""
        raise NotImplementedError(f"{type(self).__name__} does not define check")

    def __repr__(self) -> str:
        return f"{type(self).__name__[1:]}()"


class _Dependent(Constraint):
    """What depends on other values, and cannot be checked by itself."""

    def __init__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> None:
        self._is_discrete = is_discrete
        self._event_dim = event_dim
        super().__init__()

    @property
    def is_discrete(self) -> bool:
        """Whether the region is a grid; NotImplementedError where that depends too."""
        return self._stated("is_discrete")

    @property
    def event_dim(self) -> int:
        """How many dimensions one value has; NotImplementedError where that depends too."""
        return self._stated("event_dim")

    def _stated(self, name: str) -> Any:
        stated = getattr(self, f"_{name}")
        if stated is NotImplemented:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return stated

    def __call__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> _Dependent:
        """The same with one of its attributes, or both, stated anew."""
        return _Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, x: Tensor) -> Tensor:
        """Raise ValueError."""
        raise ValueError("Cannot determine validity of dependent constraint")


def is_dependent(constraint: Any) -> bool:
    """Whether a constraint depends on other values, so that it cannot be checked.

    >>> import rushlight as torch
    >>> constraints = torch.distributions.constraints
    >>> constraints.is_dependent(constraints.dependent), constraints.is_dependent(constraints.real)
    (True, False)

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """
    return isinstance(constraint, _Dependent)


class _DependentProperty(property, _Dependent):
    """A property that is a constraint of its instance, and `dependent` of the class.

    >>> import rushlight as torch
    >>> constraints = torch.distributions.constraints
    >>> class Die(torch.distributions.Distribution):
    ...     @constraints.dependent_property(is_discrete=True, event_dim=0)
    ...     def support(self):
    ...         return constraints.integer_interval(1, self.sides)
    >>> Die.support.is_discrete
    True

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        is_discrete: Any = NotImplemented,
        event_dim: Any = NotImplemented,
    ) -> None:
        super().__init__(fn)
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    def __call__(self, fn: Callable[..., Any]) -> _DependentProperty:  # type: ignore[override]
        """Used as a decorator with arguments: the property of `fn`."""
        return _DependentProperty(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


def _check_constraint(constraint: Any) -> None:
    if not isinstance(constraint, Constraint):
        raise AssertionError(f"base_constraint must be a Constraint, got {type(constraint).__name__}")


def _all_of_last(result: Tensor, dims: int) -> Tensor:
    """Whether all along the last `dims` dimensions are True."""
    return result.reshape((*result.shape[: result.dim() - dims], -1)).all(-1)


class _IndependentConstraint(Constraint):
    """Several values, of the last `reinterpreted_batch_ndims` dimensions, each in the region of `base_constraint`.

    >>> import rushlight as torch
    >>> constraints = torch.distributions.constraints
    >>> constraints.independent(constraints.positive, 1).check(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        _check_constraint(base_constraint)
        dims: Any = reinterpreted_batch_ndims
        if not isinstance(dims, int):
            raise AssertionError(f"reinterpreted_batch_ndims must be an int, got {type(dims).__name__}")
        if dims < 0:
            raise AssertionError(f"reinterpreted_batch_ndims must be >= 0, got {dims}")
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        super().__init__()

    @property
    def is_discrete(self) -> bool:
        """As of the base."""
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        """The base's and the dimensions taken."""
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        result = self.base_constraint.check(value)
        if result.dim() < self.reinterpreted_batch_ndims:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return _all_of_last(result, self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"{type(self).__name__[1:]}({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """Values in the region of `base_constraint` for every component of a mixture.

    >>> import rushlight as torch
    >>> constraints = torch.distributions.constraints
    >>> constraints.MixtureSameFamilyConstraint(constraints.positive)
    MixtureSameFamilyConstraint(GreaterThan(lower_bound=0.0))

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    def __init__(self, base_constraint: Constraint) -> None:
        _check_constraint(base_constraint)
        self.base_constraint = base_constraint
        super().__init__()

    @property
    def is_discrete(self) -> bool:
        """As of the components."""
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        """As of the components."""
        return self.base_constraint.event_dim

    def check(self, value: Tensor) -> Tensor:
        """Whether a value lies in the regions of all components, which are its last dimension before the event's."""
        if value.dim() < self.event_dim:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        result = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return _all_of_last(result, result.dim() - (value.dim() - self.event_dim))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint!r})"


class _Boolean(Constraint):
    """0 or 1."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value == 0) | (value == 1)


class _OneHot(Constraint):
    """Vectors of one 1 and else 0."""

    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return boolean.check(value).all(-1) & (value.sum(-1) == 1)


class _Bounded(Constraint):
    """A region between bounds, numbers or tensors, which its repr shows."""

    def __repr__(self) -> str:
        bounds = [f"{name}={bound}" for name, bound in vars(self).items() if name.endswith("_bound")]
        return f"{type(self).__name__[1:]}({', '.join(bounds)})"


class _FromBelow(_Bounded):
    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound
        super().__init__()


class _FromAbove(_Bounded):
    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound
        super().__init__()


class _Between(_Bounded):
    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound
        super().__init__()


def _if_whole(value: Tensor, within: Tensor) -> Tensor:
    """Whether a value lies within bounds, as is known already, and is a whole number."""
    return (value % 1 == 0) & within if value.is_floating_point() else within


class _IntegerInterval(_Between):
    """Whole numbers of [lower_bound, upper_bound].

    >>> import rushlight as torch
    >>> torch.distributions.constraints.integer_interval(0, 2).check(torch.tensor([0.0, 0.5, 3.0]))
    tensor([ True, False, False])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return _if_whole(value, (self.lower_bound <= value) & (value <= self.upper_bound))


class _IntegerLessThan(_FromAbove):
    """Whole numbers up to upper_bound."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return _if_whole(value, value <= self.upper_bound)


class _IntegerGreaterThan(_FromBelow):
    """Whole numbers from lower_bound on."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return _if_whole(value, value >= self.lower_bound)


class _Real(Constraint):
    """All numbers but NaN."""

    def check(self, value: Tensor) -> Tensor:
        return value == value


class _GreaterThan(_FromBelow):
    """Numbers greater than lower_bound.

    >>> import rushlight as torch
    >>> torch.distributions.constraints.greater_than(1.0).check(torch.tensor([1.0, 1.5]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    def check(self, value: Tensor) -> Tensor:
        return self.lower_bound < value


class _GreaterThanEq(_FromBelow):
    """Numbers of at least lower_bound.

    >>> import rushlight as torch
    >>> torch.distributions.constraints.greater_than_eq(1.0).check(torch.tensor([1.0, 0.5]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    def check(self, value: Tensor) -> Tensor:
        return self.lower_bound <= value


class _LessThan(_FromAbove):
    """Numbers less than upper_bound.

    >>> import rushlight as torch
    >>> torch.distributions.constraints.less_than(1.0).check(torch.tensor([1.0, 0.5]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    def check(self, value: Tensor) -> Tensor:
        return value < self.upper_bound


class _Interval(_Between):
    """Numbers of [lower_bound, upper_bound].

    >>> import rushlight as torch
    >>> torch.distributions.constraints.interval(0.0, 1.0).check(torch.tensor([1.0, 1.5]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    def check(self, value: Tensor) -> Tensor:
        return (self.lower_bound <= value) & (value <= self.upper_bound)


class _HalfOpenInterval(_Between):
    """Numbers of [lower_bound, upper_bound).

    >>> import rushlight as torch
    >>> torch.distributions.constraints.half_open_interval(0.0, 1.0).check(torch.tensor([0.0, 1.0]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    def check(self, value: Tensor) -> Tensor:
        return (self.lower_bound <= value) & (value < self.upper_bound)


class _Simplex(Constraint):
    """Vectors of numbers ≥ 0 whose sum is 1, within 1e-6."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _Multinomial(Constraint):
    """Vectors of counts ≥ 0 whose sum is at most upper_bound.

    >>> import rushlight as torch
    >>> torch.distributions.constraints.multinomial(3).check(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))
    tensor([ True, False])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, x: Tensor) -> Tensor:
        return (x >= 0).all(-1) & (x.sum(-1) <= self.upper_bound)


class _LowerTriangular(Constraint):
    """Square matrices of zeros above the diagonal."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        return _all_of_last(value.tril() == value, 2)


class _LowerCholesky(_LowerTriangular):
    """Lower triangular matrices with a positive diagonal."""

    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value.diagonal(0, -2, -1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """Lower triangular matrices with a positive diagonal, whose rows have the length 1."""

    def check(self, value: Tensor) -> Tensor:
        tolerance = dtypes.finfo(value.dtype).eps * value.shape[-1] * 10
        lengths = value.detach().norm(dim=-1)
        return super().check(value) & ((lengths - 1).abs() <= tolerance).all(-1)


class _Square(Constraint):
    """Square matrices."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        return full(value.shape[:-2], value.shape[-2] == value.shape[-1], dtype=dtypes.bool)


class _Symmetric(_Square):
    """Symmetric matrices, within 1e-6."""

    def check(self, value: Tensor) -> Tensor:
        square = super().check(value)
        return isclose(value, value.mT, atol=1e-6).all(-2).all(-1) if bool(square.all()) else square


class _PositiveSemidefinite(_Symmetric):
    """Symmetric matrices without negative eigenvalues."""

    def check(self, value: Tensor) -> Tensor:
        result = super().check(value)
        return (linalg.eigvalsh(value) >= 0).all(-1) if bool(result.all()) else result


class _PositiveDefinite(_Symmetric):
    """Symmetric matrices whose eigenvalues are positive: those that have a Cholesky factor."""

    def check(self, value: Tensor) -> Tensor:
        result = super().check(value)
        return linalg.cholesky_ex(value).info == 0 if bool(result.all()) else result


class _Joined(Constraint):
    """Several constraints, each of a part of a tensor along a dimension."""

    def __init__(self, cseq: Iterable[Constraint], dim: int = 0) -> None:
        self.cseq = list(cseq)
        if not all(isinstance(c, Constraint) for c in self.cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")
        self.dim = dim
        super().__init__()

    @property
    def is_discrete(self) -> bool:
        """Whether one of the constraints is discrete."""
        return any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self) -> int:
        """The most dimensions that a value of one of them has."""
        return max(c.event_dim for c in self.cseq)

    def _check_dim(self, value: Tensor) -> None:
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(f"dim {self.dim} out of range for value with {value.dim()} dimensions")


class _Cat(_Joined):
    """Several constraints, of parts of `lengths` along `dim`, as `torch.cat` would join them.

    >>> import rushlight as torch
    >>> constraints = torch.distributions.constraints
    >>> constraints.cat([constraints.positive, constraints.real], 0, [2, 1]).check(torch.tensor([1.0, -1.0, -1.0]))
    tensor([ True, False,  True])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    def __init__(self, cseq: Iterable[Constraint], dim: int = 0, lengths: Sequence[int] | None = None) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    def check(self, value: Tensor) -> Tensor:
        self._check_dim(value)
        parts = value[(slice(None),) * (self.dim % value.dim()) + (slice(sum(self.lengths)),)].split(
            self.lengths, self.dim
        )
        return joined([c.check(part) for c, part in zip(self.cseq, parts, strict=True)], self.dim)


class _Stack(_Joined):
    """Several constraints, one of each slice along `dim`, as `torch.stack` would join them.

    >>> import rushlight as torch
    >>> constraints = torch.distributions.constraints
    >>> constraints.stack([constraints.positive, constraints.real]).check(torch.tensor([-1.0, -1.0]))
    tensor([False,  True])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraints
    """

    @property
    def event_dim(self) -> int:
        """The most dimensions that a value of one of them has, and the stack's own where it lies among them."""
        most = super().event_dim
        return most + 1 if self.dim + most < 0 else most

    def check(self, value: Tensor) -> Tensor:
        self._check_dim(value)
        slices = zip(self.cseq, value.unbind(self.dim), strict=False)
        return stacked([c.check(part) for c, part in slices], self.dim)


dependent = _Dependent()
dependent_property = _DependentProperty
independent = _IndependentConstraint
boolean = _Boolean()
one_hot = _OneHot()
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)
integer_interval = _IntegerInterval
real = _Real()
real_vector = independent(real, 1)
positive = _GreaterThan(0.0)
nonnegative = _GreaterThanEq(0.0)
greater_than = _GreaterThan
greater_than_eq = _GreaterThanEq
less_than = _LessThan
multinomial = _Multinomial
unit_interval = _Interval(0.0, 1.0)
interval = _Interval
half_open_interval = _HalfOpenInterval
simplex = _Simplex()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()
cat = _Cat
stack = _Stack
