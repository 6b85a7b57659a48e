"""Covariances and correlations, distances, rows held below a norm.

Rows are variables and columns observations, where both are there.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Array, check_tensor
from rushlight.ops._out import into
from rushlight.ops._quick import quickly
from rushlight.ops.choice import where
from rushlight.ops.norms import norm, norm_of, vector_norm

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["corrcoef", "cov", "dist", "renorm"]


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
    if input.dtype is dtypes.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input if input.ndim == 2 else input.reshape(1, -1)
    count = rows.shape[1]
    weight = _weights(fweights, aweights, count)
    if weight is None:
        total: Any = count
        freedom: Any = count - correction
        mean = rows.sum(1) / count
    else:
        total = weight.sum()
        if not (total != 0):
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        mean = (rows * weight).sum(1) / total
        taken = correction * (weight * aweights).sum() / total if aweights is not None and correction else correction
        freedom = total - taken
    if freedom <= 0:
        warnings.warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.",
            UserWarning,
            stacklevel=2,
        )
        freedom = 0
    apart = rows - mean.unsqueeze(1)
    weighted = apart if weight is None else apart * weight
    if apart.dtype is not weighted.dtype:
        apart = apart.to(weighted.dtype)
    return (apart @ weighted.t().conj() / freedom).squeeze()


def _weights(fweights: Tensor | None, aweights: Tensor | None, count: int) -> Tensor | None:
    """What each observation counts: how often it was made, times its weight."""
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is None:
            continue
        check_tensor("cov", name, 3 if name == "fweights" else 4, weights)
        if weights.ndim > 1:
            raise RuntimeError(
                f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.ndim} dimensions"
            )
        wanted = weights.is_floating_point() if name == "aweights" else weights._array.dtype.kind in "iu"
        if not wanted:
            raise RuntimeError(
                f"cov(): expected {name} to have {'floating point' if name == 'aweights' else 'integral'} dtype but "
                f"got {name} with {weights.dtype.legacy_name} dtype"
            )
        if weights._array.size != count:
            raise RuntimeError(
                f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                f"{weights._array.size} != {count}"
            )
        if count and not (weights >= 0).all():
            raise RuntimeError(f"cov(): {name} cannot be negative")
    if fweights is None or aweights is None:
        return aweights if fweights is None else fweights
    return fweights * aweights


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
    if out is None:
        _check_renorm(input, p, maxnorm)
        result = quickly(lambda array: _renormed(array, p, wrap_dim(dim, array.ndim), maxnorm), input)
        if result is not None:
            return result
    return into(out, input * _norm_scale(input, p, dim, maxnorm), exact=True)


def renorm_(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Like `renorm`, written into the tensor."""
    check_tensor("renorm_", "input", 1, input)
    # The derivative of the norms needs the old elements.
    return input.copy_(renorm(input.clone(), p, dim, maxnorm))


def _renormed(array: Array, p: float, dim: int, maxnorm: float) -> Array:
    size = norm_of(array, p, tuple([i for i in range(array.ndim) if i != dim]), True)
    kind = array.dtype.type
    limit = kind(maxnorm)
    factor = np.divide(limit, np.add(size, kind(1e-7)))
    np.copyto(factor, kind(1), where=~np.greater(size, limit))
    return np.multiply(array, factor)


def _check_renorm(input: Tensor, p: float, maxnorm: float) -> None:
    """RuntimeError for what `renorm` doesn't take."""
    check_tensor("renorm", "input", 1, input)
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")


def _norm_scale(input: Tensor, p: float, dim: int, maxnorm: float) -> Any:
    _check_renorm(input, p, maxnorm)
    dim = wrap_dim(dim, input.ndim)
    size = vector_norm(input, p, [i for i in range(input.ndim) if i != dim], keepdim=True)
    # The small addend is PyTorch's.
    return where(size > maxnorm, maxnorm / (size + 1e-7), size.new_ones(()))


class StatisticsMethods:
    """The functions of this family as methods of Tensor."""

    corrcoef = corrcoef
    cov = cov
    dist = dist
    renorm, renorm_ = renorm, renorm_
