"""Covariances and correlations, distances, rows held below a norm, histograms."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.autograd.variable import Variable
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import check_tensor, not_implemented
from rushlight.ops._out import into, into_each, plain
from rushlight.ops.choice import where
from rushlight.ops.norms import norm, vector_norm

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["corrcoef", "cov", "dist", "histogram", "renorm"]


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of the rows of `input` (a row a variable, a column an observation), divided by `n - correction`.

    `(N, n)` → `(N, N)`, `(n,)` → `()`. `fweights` counts how often each observation was made, `aweights` weighs them.
    Raises RuntimeError for more than two dimensions or weights of another length.

    >>> import rushlight as torch
    >>> torch.cov(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cov.html
    """
    check_tensor("cov", "input", 1, input)
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    rows = input if input.ndim == 2 else input.reshape(1, -1)
    count = rows.shape[1]
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is None:
            continue
        check_tensor("cov", name, 3 if name == "fweights" else 4, weights)
        if tuple(weights.shape) != (count,):
            raise RuntimeError(
                f"cov(): expected {name} to have one dimension of the number of observations ({count}), got "
                f"{list(weights.shape)}"
            )
    weight: Any = None
    if fweights is not None:
        weight = fweights if aweights is None else fweights * aweights
    elif aweights is not None:
        weight = aweights
    if weight is None:
        freedom: Any = count - correction
        mean = rows.sum(1) / count
    else:
        total = weight.sum()
        taken = correction if aweights is None else correction * (weight * aweights).sum() / total
        freedom = total - taken
        mean = (rows * weight).sum(1) / total
    if freedom <= 0:
        warnings.warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.",
            UserWarning,
            stacklevel=2,
        )
        freedom = 0
    apart = rows - mean.unsqueeze(1)
    weighted = apart if weight is None else apart * weight
    return (apart @ weighted.t().conj() / freedom).squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """The correlations of the rows of `input`: covariances over the product of the deviations, within [-1, 1].

    `(N, n)` → `(N, N)`, `(n,)` → `()`. Raises RuntimeError for more than two dimensions.

    >>> import rushlight as torch
    >>> torch.corrcoef(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.corrcoef.html
    """
    check_tensor("corrcoef", "input", 1, input)
    if input.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    matrix = cov(input)
    if matrix.ndim == 0:
        return matrix / matrix
    spread = matrix.diag().sqrt()
    result = matrix / spread.unsqueeze(1) / spread
    return result if result.is_complex() else result.clamp(-1, 1)


def dist(input: Tensor, other: Tensor, p: float = 2.0) -> Tensor:
    """The `p`-norm of `input - other`, which broadcast together; RuntimeError for integers.

    >>> import rushlight as torch
    >>> torch.dist(torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0]))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.dist.html
    """
    check_tensor("dist", "input", 1, input)
    check_tensor("dist", "other", 2, other)
    return norm(input - other, p)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None) -> Tensor:
    """`input` with each slice along `dim` whose `p`-norm exceeds `maxnorm` scaled down to it.

    Raises RuntimeError for fewer than two dimensions, a p that is not positive, a negative bound.

    >>> import rushlight as torch
    >>> torch.renorm(torch.tensor([[3.0, 4.0], [0.0, 0.5]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.0000, 0.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.renorm.html
    """
    return into(out, input * _norm_scale(input, p, dim, maxnorm), exact=True)


def renorm_(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Like `renorm`, written into the tensor."""
    return input.mul_(_norm_scale(input, p, dim, maxnorm))


def _norm_scale(input: Tensor, p: float, dim: int, maxnorm: float) -> Any:
    check_tensor("renorm", "input", 1, input)
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    dim = wrap_dim(dim, input.ndim)
    size = vector_norm(input, p, [i for i in range(input.ndim) if i != dim], keepdim=True)
    # The small addend is PyTorch's.
    return where(size > maxnorm, maxnorm / (size + 1e-7), size.new_ones(()))


def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> Any:
    """How many elements (or how much weight) lie in each bin, and the bins' edges, as a named tuple (hist, bin_edges).

    `bins` is the number of equal ones in `range` (that of the data if None), or a tensor of edges. The last bin is
    closed; `density` divides by the total and the widths. Raises RuntimeError for bins that are not positive,
    NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0)).hist
    tensor([0., 2., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.histogram.html
    """
    check_tensor("histogram", "input", 1, input)
    array = input._array.reshape(-1)
    if array.dtype not in (np.float32, np.float64):
        raise not_implemented("histogramdd", array.dtype)
    if isinstance(bins, Variable):
        edges = bins._array
        if edges.ndim != 1:
            raise RuntimeError(f"torch.histogram(): bins tensor should have one dimension, but got {edges.ndim}")
    else:
        if bins <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
        low, high = range or ((float(array.min()), float(array.max())) if array.size else (0.0, 1.0))
        if not (np.isfinite(low) and np.isfinite(high)):
            raise RuntimeError(f"torch.histogram(): dimension 0's range [{low:g}, {high:g}] is not finite")
        if low > high:
            raise RuntimeError(f"torch.histogram(): min should not exceed max, but got min {low:g} max {high:g}")
        if low == high:
            low, high = low - 0.5, high + 0.5
        edges = np.linspace(low, high, bins + 1, dtype=array.dtype)
    inside = (array >= edges[0]) & (array <= edges[-1])
    place = np.minimum(np.searchsorted(edges, array[inside], "right") - 1, len(edges) - 2)
    if weight is not None:
        check_tensor("histogram", "weight", 4, weight)
    weights = None if weight is None else weight._array.reshape(-1)[inside]
    counts = np.bincount(place, weights, len(edges) - 1).astype(array.dtype)
    if density:
        counts = counts / counts.sum() / np.diff(edges)
    return into_each(out, return_types.histogram((plain(counts), plain(np.array(edges)))))


class StatisticsMethods:
    """The functions of this family as methods of Tensor."""

    corrcoef = corrcoef
    cov = cov
    dist = dist
    histogram = histogram
    renorm, renorm_ = renorm, renorm_
