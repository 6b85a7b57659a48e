"""Distances of vectors: between pairs, between all rows of one or two matrices, and the cosine of their angle.

The norm may be of any order; gradients are zero where two vectors meet.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import no_grad, state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels.reference.distance import row_distances, row_distances_backward
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Array, check_tensor, not_implemented
from rushlight.ops._quick import quickly
from rushlight.ops.broadcast import broadcast_tensors
from rushlight.ops.matmul import product
from rushlight.ops.norms import VectorNorm, norm_of, vector_norm
from rushlight.ops.promotion import check_broadcast, result_type

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["cdist", "cosine_similarity", "pairwise_distance", "pdist"]


def _slope(grad: Tensor, x1: Tensor, x2: Tensor, p: float, distance: Tensor) -> Tensor:
    """The gradient of x1 from that of all distances between rows of x1 and of x2; zero at distance zero."""
    if not state.enabled:
        return wrap(row_distances_backward(grad._array, x1._array, x2._array, p, distance._array))
    difference = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    grad, far = grad.unsqueeze(-1), distance.unsqueeze(-1)
    if p == 0:
        return x1 * 0
    if p == 1:
        return (difference.sign() * grad).sum(-2)
    sign = difference.sign()
    if math.isinf(p):
        less = wrap(np.abs(difference._array) < far._array)
        return (sign * grad).masked_fill(less, 0).sum(-2)
    same = wrap(far._array == 0)
    # Where a distance is zero its powers are infinite, and so are those of its derivative: they are kept out.
    far = far.masked_fill(same, 1)
    if p == 2:
        return (difference * (grad / far).masked_fill(same, 0)).sum(-2)
    equal = wrap(difference._array == 0)
    power = difference.abs().masked_fill(equal, 1) ** (p - 1)
    return (sign * power * (grad / far ** (p - 1)).masked_fill(same, 0)).sum(-2)


class Cdist(Operation):
    """The p-norm distance of each row of `(…, P, M)` from each of `(…, R, M)`."""

    node_name = "CdistBackward0"

    @staticmethod
    def forward(ctx: Any, x1: Tensor, x2: Tensor, p: float) -> Any:
        ctx.p = p
        out = wrap(row_distances(x1._array, x2._array, p))
        ctx.save_for_backward(x1, x2, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x1, x2, out = ctx.saved_tensors
        needs = ctx.needs_input_grad
        first = _slope(grad, x1, x2, ctx.p, out) if needs[0] else None
        second = _slope(grad.mT, x2, x1, ctx.p, out.mT) if needs[1] else None
        return first, second, None


class EuclideanDistance(Operation):
    """The Euclidean distance of each row of `(…, P, M)` from each of `(…, R, M)`, by one product of matrices."""

    node_name = "EuclideanDistBackward0"

    @staticmethod
    def forward(ctx: Any, x1: Tensor, x2: Tensor) -> Any:
        a, b = x1._array, x2._array
        # |a - b|² = |a|² - 2ab + |b|², as one product so that it rounds as PyTorch's does.
        ones_a, ones_b = np.ones((*a.shape[:-1], 1), a.dtype), np.ones((*b.shape[:-1], 1), b.dtype)
        left = np.concatenate([a * a.dtype.type(-2), (a * a).sum(-1, keepdims=True), ones_a], -1)
        right = np.concatenate([b, ones_b, (b * b).sum(-1, keepdims=True)], -1)
        squares = product(left, np.ascontiguousarray(right.swapaxes(-1, -2)))
        out = wrap(np.sqrt(np.maximum(squares, squares.dtype.type(0))))
        ctx.save_for_backward(x1, x2, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x1, x2, out = ctx.saved_tensors
        needs = ctx.needs_input_grad
        same = wrap(out._array == 0)
        ratio = (grad / out.masked_fill(same, 1)).masked_fill(same, 0)
        first = x1 * ratio.sum(-1, True) - ratio.matmul(x2) if needs[0] else None
        second = x2 * ratio.sum(-2).unsqueeze(-1) - ratio.mT.matmul(x1) if needs[1] else None
        return first, second


class Pdist(Operation):
    """The p-norm distance of each pair of rows of `(N, M)`: the upper triangle of their table, row by row."""

    node_name = "PdistBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, p: float) -> Any:
        array = input._array
        ctx.p = p
        ctx.pairs = np.triu_indices(array.shape[0], 1)
        out = wrap(row_distances(array, array, p)[ctx.pairs])
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        rows, columns = (wrap(index) for index in ctx.pairs)
        count = input._array.shape[0]

        def table(values: Tensor) -> Tensor:
            """The symmetric table whose upper triangle holds these values."""
            upper = values.new_zeros(count, count).index_put((rows, columns), values)
            return upper + upper.mT

        return _slope(table(grad), input, input, ctx.p, table(out)), None


class _PairNorm(VectorNorm):
    """The norm of a difference, under the name that PyTorch's `pairwise_distance` gives it."""

    node_name = "NormBackward1"


def _check_p(function: str, p: Any) -> float:
    if isinstance(p, bool) or not isinstance(p, (int, float, np.integer, np.floating)):
        raise TypeError(f"{function}(): argument 'p' must be float, not {type(p).__name__}")
    if not p >= 0:
        raise RuntimeError(f"{function} only supports non-negative p values")
    return float(p)


def _check_kernel(function: str, input: Tensor) -> None:
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise not_implemented(function, input._array.dtype)


_MODES = {"use_mm_for_euclid_dist_if_necessary": 0, "use_mm_for_euclid_dist": 1, "donot_use_mm_for_euclid_dist": 2}


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """`‖x1[…, i, :] - x2[…, j, :]‖_p` for all i and j.

    Shapes: (…, P, M), (…, R, M) → (…, P, R); the leading dimensions broadcast. p ≥ 0, ∞ included; 0 counts the elements
    that differ. `compute_mode` says whether p = 2 goes by a product of matrices, faster and less exact: with more than
    25 rows ("use_mm_for_euclid_dist_if_necessary"), always ("use_mm_for_euclid_dist") or never
    ("donot_use_mm_for_euclid_dist"). float32 and float64. RuntimeError for fewer than two dimensions, columns that
    differ, p < 0; ValueError for another mode. At distance 0 the gradient is 0.

    >>> import rushlight as torch
    >>> torch.cdist(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0], [3.0, 0.0]]))
    tensor([[0., 3.],
            [5., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cdist.html
    """
    if state.casts is not None:
        return state.casts.float32(cdist, x1, x2, p, compute_mode)
    if p == 2 and _MODES.get(compute_mode) == 0:
        result = quickly(_distances_of_few, x1, x2)
        if result is not None:
            return result
    if compute_mode not in _MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    mode = _MODES[compute_mode]
    check_tensor("cdist", "x1", 1, x1)
    check_tensor("cdist", "x2", 2, x2)
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    for name, x in (("X1", x1), ("X2", x2)):
        if not x.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype.legacy_name}")
    p = _check_p("cdist", p)
    if x1.dtype is not x2.dtype:
        raise RuntimeError(f"expected scalar type {x1.dtype.legacy_name} but found {x2.dtype.legacy_name}")
    if x1.shape[:-2] != x2.shape[:-2]:
        x1, x2 = _one_batch(x1, x2)
    if x1.numel() and x2.numel():
        if p == 2 and (mode == 1 or (mode == 0 and max(x1.shape[-2], x2.shape[-2]) > 25)):
            return EuclideanDistance.apply(x1, x2).view(*x1.shape[:-1], x2.shape[-2])
        _check_kernel("cdist", x1)
    return Cdist.apply(x1, x2, p)


def _distances_of_few(a: Array, b: Array) -> Array:
    """The Euclidean distances between the rows of two small matrices."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or not 0 < len(a) <= 25 or not 0 < len(b) <= 25:
        raise ValueError("more than a few rows, or no matrices")
    difference = a[:, None] - b
    return np.sqrt(np.einsum("ijk,ijk->ij", difference, difference))


def _one_batch(x1: Tensor, x2: Tensor) -> tuple[Tensor, Tensor]:
    """Both operands with the leading dimensions to which theirs broadcast."""
    first, second = tuple(x1.shape[:-2]), tuple(x2.shape[:-2])
    check_broadcast(np.broadcast_to(0, first), np.broadcast_to(0, second))
    batch = np.broadcast_shapes(first, second)
    return x1.expand(*batch, *x1.shape[-2:]), x2.expand(*batch, *x2.shape[-2:])


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """`‖input[i] - input[j]‖_p` for all i < j, ordered by i, then j.

    Shapes: (N, M) → (N(N-1)/2). p ≥ 0, ∞ included; 0 counts the elements that differ. float32 and float64. RuntimeError
    for another number of dimensions, other dtypes, p < 0. At distance 0 the gradient is 0.

    >>> import rushlight as torch
    >>> torch.pdist(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 4.0]]))
    tensor([5., 4., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.pdist.html
    """
    check_tensor("pdist", "input", 1, input)
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not input.is_floating_point():
        raise RuntimeError("pdist only supports floating-point dtypes")
    p = _check_p("pdist", p)
    _check_kernel("pdist", input)
    return Pdist.apply(input, p)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """`‖x1 - x2 + eps‖_p` along the last dimension; `eps` keeps the gradient finite where both agree.

    Shapes: (N, D) or (D), broadcast → (N) or (), or (N, 1) or (1) with `keepdim`. Any real p, ±∞ included; 0 counts
    nonzero elements. RuntimeError for shapes that don't broadcast.

    >>> import rushlight as torch
    >>> torch.pairwise_distance(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.zeros(2, 2))
    tensor([5.0000, 1.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.PairwiseDistance.html
    """
    check_tensor("pairwise_distance", "x1", 1, x1)
    check_tensor("pairwise_distance", "x2", 2, x2)
    difference = x1 - x2 + eps
    # The checks of `vector_norm`, under another name in the graph.
    return vector_norm(difference, p, -1, keepdim, operation=_PairNorm)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """`x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps))` along `dim`, which vanishes.

    Both broadcast; `dim` counts in the shape they broadcast to. RuntimeError for shapes that don't, and for integers;
    IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.cosine_similarity(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0]]))
    tensor([0.7071])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.cosine_similarity.html
    """
    check_tensor("cosine_similarity", "x1", 1, x1)
    check_tensor("cosine_similarity", "x2", 2, x2)
    common = result_type(x1, x2)
    if not common.is_floating_point:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {common.legacy_name}")
    x1, x2 = x1.to(common), x2.to(common)
    if x1.shape != x2.shape:
        x1, x2 = broadcast_tensors(x1, x2)
    dims = (wrap_dim(dim, x1.ndim),)
    result = quickly(lambda a, b: kernels.sum_over(_scaled(a, dims, eps) * _scaled(b, dims, eps), dims), x1, x2)
    if result is not None:
        return result
    return (_unit(x1, dim, eps) * _unit(x2, dim, eps)).sum(dim)


def _scaled(array: Array, dims: tuple[int, ...], eps: float) -> Array:
    """`_unit` of an array."""
    return array / np.maximum(norm_of(array, 2, dims, True), eps)


def _unit(x: Tensor, dim: int, eps: float) -> Tensor:
    """`x / max(‖x‖, eps)`, with the slope of the norm wherever it is."""
    length = vector_norm(x, 2, dim, True).clone()
    # Written in place, out of the graph's sight: the bound has no part in the gradient.
    with no_grad():
        length.clamp_min_(eps)
    return x / length
