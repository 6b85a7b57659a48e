"""Transforms of vectors and matrices, and those that apply others to parts of a tensor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from rushlight import dtypes
from rushlight.distributions import constraints
from rushlight.distributions._elementwise_transforms import inside_unit_interval
from rushlight.distributions._transform import PlainTransform, Transform
from rushlight.distributions.utils import _sum_rightmost, lazy_property, tril_matrix_to_vec, vec_to_tril_matrix
from rushlight.linalg import cholesky
from rushlight.nn.functional import logsigmoid, pad, softplus
from rushlight.ops.joining import cat, stack
from rushlight.ops.sequences import eye
from rushlight.size import Size
from rushlight.tensor import Tensor


def _at_least(dims: int, shape: Sequence[int]) -> None:
    if len(shape) < dims:
        raise ValueError("Too few dimensions on input")


def _ending(shape: Sequence[int], cut: int, *lengths: int) -> Any:
    """A shape, a Size or a tuple, whose dimensions from `cut` on are others."""
    return Size((*shape[:cut], *lengths)) if isinstance(shape, Size) else (*shape[:cut], *lengths)


class ReshapeTransform(Transform):
    """Events of one shape as events of another: `(*, in_shape)` → `(*, out_shape)`.

    ValueError unless both have as many elements.

    >>> import rushlight as torch
    >>> torch.distributions.transforms.ReshapeTransform((4,), (2, 2))(torch.arange(4))
    tensor([[0, 1],
            [2, 3]])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.transforms.ReshapeTransform
    """

    bijective = True

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int], cache_size: int = 0) -> None:
        self.in_shape = Size(in_shape)
        self.out_shape = Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError("in_shape, out_shape have different numbers of elements")
        super().__init__(cache_size=cache_size)

    @constraints.dependent_property
    def domain(self) -> Any:
        """Real numbers, in events of `in_shape`."""
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self) -> Any:
        """Real numbers, in events of `out_shape`."""
        return constraints.independent(constraints.real, len(self.out_shape))

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return ReshapeTransform(self.in_shape, self.out_shape, cache_size=cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[: x.dim() - len(self.in_shape)] + self.out_shape)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(y.shape[: y.dim() - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.dim() - len(self.in_shape)])

    @staticmethod
    def _exchanged(shape: Sequence[int], old: Size, new: Size) -> Size:
        _at_least(len(old), shape)
        cut = len(shape) - len(old)
        if tuple(shape[cut:]) != old:
            raise ValueError(f"Shape mismatch: expected {shape[cut:]} but got {old}")
        return Size(shape[:cut]) + new

    def forward_shape(self, shape: Sequence[int]) -> Any:
        return self._exchanged(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        return self._exchanged(shape, self.out_shape, self.in_shape)


def _after_one(values: Tensor) -> Tensor:
    """Values along the last dimension, each in the place of the next, after a 1."""
    return pad(values[..., :-1], [1, 0], value=1)


class CorrCholeskyTransform(Transform):
    """Vectors of D (D - 1) / 2 real numbers to the Cholesky factors of D × D correlation matrices.

    tanh of the numbers are the partial correlations, row by row below the diagonal; each row is made a unit vector by
    stick breaking.

    >>> import rushlight as torch
    >>> torch.distributions.transforms.CorrCholeskyTransform()(torch.zeros(3))
    tensor([[1., 0., 0.],
            [0., 1., 0.],
            [0., 0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.transforms.CorrCholeskyTransform
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = dtypes.finfo(x.dtype).eps
        partial = vec_to_tril_matrix(x.tanh().clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - partial**2).sqrt().cumprod(-1)
        return (partial + eye(partial.shape[-1], dtype=partial.dtype)) * _after_one(left)

    def _inverse(self, y: Tensor) -> Tensor:
        left = _after_one(1 - (y * y).cumsum(-1))
        partial = tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(left, diag=-1).sqrt()
        return (partial.log1p() - (-partial).log1p()) / 2

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor, intermediates: Any = None) -> Tensor:
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), diag=-2)
        of_sticks = 0.5 * left.log().sum(-1)
        of_tanh = -2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)
        return of_sticks + of_tanh

    def forward_shape(self, shape: Sequence[int]) -> Any:
        _at_least(1, shape)
        count = shape[-1]
        side = (1 + math.isqrt(1 + 8 * count)) // 2
        if side * (side - 1) // 2 != count:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return _ending(shape, -1, side, side)

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        _at_least(2, shape)
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return _ending(shape, -2, shape[-1] * (shape[-1] - 1) // 2)


class SoftmaxTransform(PlainTransform):
    """`exp(x) / Σ exp(x)` of vectors; the inverse is the logarithm, one of many.

    >>> import rushlight as torch
    >>> torch.distributions.transforms.SoftmaxTransform()(torch.zeros(4))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.transforms.SoftmaxTransform
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        powers = (x - x.max(-1, True)[0]).exp()
        return powers / powers.sum(-1, True)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Sequence[int]) -> Any:
        _at_least(1, shape)
        return shape

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        return self.forward_shape(shape)


class StickBreakingTransform(PlainTransform):
    """Vectors of K real numbers to probabilities of K + 1 categories, each number breaking off a part of what is left.

    Zeros are taken to equal probabilities.

    >>> import rushlight as torch
    >>> torch.distributions.transforms.StickBreakingTransform()(torch.zeros(3))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.transforms.StickBreakingTransform
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    @staticmethod
    def _offset(like: Tensor, count: int) -> Tensor:
        """The logarithms of count, count - 1, …, 1: how many parts come after each."""
        return (count + 1 - like.new_ones(count).cumsum(-1)).log()

    def _call(self, x: Tensor) -> Tensor:
        broken = inside_unit_interval((x - self._offset(x, x.shape[-1])).sigmoid())
        left = (1 - broken).cumprod(-1)
        return pad(broken, [0, 1], value=1) * pad(left, [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        parts = y[..., :-1]
        left = (1 - parts.cumsum(-1)).clamp(min=dtypes.finfo(y.dtype).tiny)
        return parts.log() - left.log() + self._offset(y, parts.shape[-1])

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        x = x - self._offset(x, x.shape[-1])
        return (-x + logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Any:
        _at_least(1, shape)
        return _ending(shape, -1, shape[-1] + 1)

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        _at_least(1, shape)
        return _ending(shape, -1, shape[-1] - 1)


class LowerCholeskyTransform(PlainTransform):
    """Square matrices to lower triangular ones with a positive diagonal: exp of the diagonal, zeros above it.

    >>> import rushlight as torch
    >>> torch.distributions.transforms.LowerCholeskyTransform()(torch.tensor([[0.0, 5.0], [2.0, 0.0]]))
    tensor([[1., 0.],
            [2., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.transforms.LowerCholeskyTransform
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(0, -2, -1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(0, -2, -1).log().diag_embed()


class PositiveDefiniteTransform(PlainTransform):
    """Square matrices to positive definite ones: `L Lᵀ`, L being what `LowerCholeskyTransform` makes.

    >>> import rushlight as torch
    >>> torch.distributions.transforms.PositiveDefiniteTransform()(torch.tensor([[0.0, 5.0], [2.0, 0.0]]))
    tensor([[1., 2.],
            [2., 5.]])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.transforms.PositiveDefiniteTransform
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(cholesky(y))


class _Partwise(Transform):
    """Several transforms, each of a part of a tensor along a dimension."""

    def __init__(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.dim = dim

    @property
    def bijective(self) -> bool:
        """Whether all are."""
        return all(t.bijective for t in self.transforms)

    def _check(self, name: str, value: Tensor, wanted: int, what: str) -> None:
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(f"dim {self.dim} out of range for {name} with {value.dim()} dimensions")
        if value.shape[self.dim] != wanted:
            size = value.shape[self.dim]
            raise AssertionError(f"{name}.size({self.dim}) = {size} must equal {what} {wanted}")


class CatTransform(_Partwise):
    """Several transforms, of parts of `lengths` along `dim`, as `torch.cat` would join them.

    >>> import rushlight as torch
    >>> transforms = torch.distributions.transforms
    >>> parts = [transforms.ExpTransform(), transforms.AbsTransform()]
    >>> transforms.CatTransform(parts, dim=0, lengths=[1, 2])(torch.tensor([0.0, -1.0, -2.0]))
    tensor([1., 1., 2.])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.transforms.CatTransform
    """

    def __init__(
        self,
        tseq: Sequence[Transform],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
        cache_size: int = 0,
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    @lazy_property
    def event_dim(self) -> int:
        """The most dimensions that an event of one of them has."""
        return max(t.event_dim for t in self.transforms)

    @lazy_property
    def length(self) -> int:
        """The length of the whole along `dim`."""
        return sum(self.lengths)

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _parts(self, name: str, value: Tensor) -> tuple[Tensor, ...]:
        self._check(name, value, self.length, "length")
        return value.split(self.lengths, self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return cat([t(part) for t, part in zip(self.transforms, self._parts("x", x), strict=True)], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return cat([t.inv(part) for t, part in zip(self.transforms, self._parts("y", y), strict=True)], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        terms = []
        for t, before, after in zip(self.transforms, self._parts("x", x), self._parts("y", y), strict=True):
            term = t.log_abs_det_jacobian(before, after)
            terms.append(_sum_rightmost(term, max(self.event_dim - t.event_dim, 0)))
        # Counted from the end of the batch; not negative where the parts lie within one event.
        dim = (self.dim - x.dim() if self.dim >= 0 else self.dim) + self.event_dim
        if dim < 0:
            return cat(terms, dim)
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    @constraints.dependent_property
    def domain(self) -> Any:
        """Those of the transforms, part by part."""
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:
        """Those of the transforms, part by part."""
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_Partwise):
    """Several transforms, one of each slice along `dim`, as `torch.stack` would join them.

    >>> import rushlight as torch
    >>> transforms = torch.distributions.transforms
    >>> transforms.StackTransform([transforms.ExpTransform(), transforms.AbsTransform()])(torch.tensor([0.0, -1.0]))
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.transforms.StackTransform
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)

    def with_cache(self, cache_size: int = 1) -> Any:
        return self if self._cache_size == cache_size else StackTransform(self.transforms, self.dim, cache_size)

    def _slices(self, name: str, value: Tensor) -> tuple[Tensor, ...]:
        self._check(name, value, len(self.transforms), "len(transforms)")
        return value.unbind(self.dim)

    def _pairs(self, name: str, value: Tensor) -> Iterator[tuple[Transform, Tensor]]:
        return zip(self.transforms, self._slices(name, value), strict=True)

    def _call(self, x: Tensor) -> Tensor:
        return stack([t(part) for t, part in self._pairs("x", x)], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return stack([t.inv(part) for t, part in self._pairs("y", y)], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        slices = zip(self.transforms, self._slices("x", x), self._slices("y", y), strict=True)
        return stack([t.log_abs_det_jacobian(before, after) for t, before, after in slices], self.dim)

    @constraints.dependent_property
    def domain(self) -> Any:
        """Those of the transforms, slice by slice."""
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:
        """Those of the transforms, slice by slice."""
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
