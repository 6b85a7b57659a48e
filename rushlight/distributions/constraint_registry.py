"""From a constraint to a transform of the real numbers into its region: `biject_to` and `transform_to`.

`biject_to(constraint)` is bijective and knows its Jacobian, as samplers need; `transform_to(constraint)` may take
several numbers to one, and is what optimizers of constrained parameters want.

Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.constraint_registry
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.distributions import constraints, transforms
from rushlight.distributions.constraints import Constraint
from rushlight.distributions.transforms import Transform

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """A table from classes of constraints to functions that make a transform of a constraint.

    >>> import rushlight as torch
    >>> registry = torch.distributions.constraint_registry.ConstraintRegistry()
    >>> constraints, transforms = torch.distributions.constraints, torch.distributions.transforms
    >>> @registry.register(constraints.positive)
    ... def softplus(constraint):
    ...     return transforms.SoftplusTransform()
    >>> registry(constraints.positive)
    SoftplusTransform()

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.constraint_registry.ConstraintRegistry
    """

    def __init__(self) -> None:
        self._registry: dict[type[Constraint], Callable[[Any], Transform]] = {}
        super().__init__()

    def register(self, constraint: Any, factory: Callable[[Any], Transform] | None = None) -> Any:
        """Let `factory` make the transforms of a class of constraints, or of the class of a constraint.

        Without a factory, a decorator of one. TypeError for what is no constraint.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, Constraint):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        """The transform for a constraint; NotImplementedError where its class is not registered."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _register(factory: Callable[[Any], Transform], *kinds: Any, to: tuple[ConstraintRegistry, ...] = ()) -> None:
    for registry in to or (biject_to, transform_to):
        for kind in kinds:
            registry.register(kind, factory)


def _shifted_exp(loc: Any, scale: int) -> Transform:
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(loc, scale)])


def _is_number(value: Any, number: float) -> bool:
    return isinstance(value, (int, float)) and value == number


def _between(constraint: Any) -> Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if _is_number(low, 0) and _is_number(high, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


_register(lambda _: transforms.identity_transform, constraints.real)
_register(lambda c: _shifted_exp(c.lower_bound, 1), constraints.greater_than, constraints.greater_than_eq)
_register(lambda c: _shifted_exp(c.upper_bound, -1), constraints.less_than)
_register(_between, constraints.interval, constraints.half_open_interval)
_register(lambda _: transforms.CorrCholeskyTransform(), constraints.corr_cholesky)
_register(lambda _: transforms.StickBreakingTransform(), constraints.simplex, to=(biject_to,))
_register(lambda _: transforms.SoftmaxTransform(), constraints.simplex, to=(transform_to,))
_register(lambda _: transforms.LowerCholeskyTransform(), constraints.lower_cholesky, to=(transform_to,))
_register(
    lambda _: transforms.PositiveDefiniteTransform(),
    constraints.positive_definite,
    constraints.positive_semidefinite,
    to=(transform_to,),
)


def _register_parts(registry: ConstraintRegistry) -> None:
    """Constraints made of others: the transforms of these, put together likewise."""
    registry.register(
        constraints.independent,
        lambda c: transforms.IndependentTransform(registry(c.base_constraint), c.reinterpreted_batch_ndims),
    )
    registry.register(
        constraints.cat, lambda c: transforms.CatTransform([registry(part) for part in c.cseq], c.dim, c.lengths)
    )
    registry.register(constraints.stack, lambda c: transforms.StackTransform([registry(p) for p in c.cseq], c.dim))


_register_parts(biject_to)
_register_parts(transform_to)
