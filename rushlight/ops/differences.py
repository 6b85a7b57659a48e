"""Differences of neighbours, and areas under a curve by the trapezoidal rule.

They work along one dimension, whose points may lie at distances of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight import kernels
from rushlight.ops._geometry import same_dims, wrap_dim
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into
from rushlight.ops._quick import quickly
from rushlight.ops.joining import cat

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["cumulative_trapezoid", "diff", "trapezoid", "trapz"]


def _steps(input: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The elements along a dimension without the last one, and without the first one."""
    count = input.shape[dim]
    return input.narrow(dim, 0, max(count - 1, 0)), input.narrow(dim, min(1, count), max(count - 1, 0))


def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`input[i + 1] - input[i]` along `dim`, `n` times over; of bools whether neighbours differ.

    `prepend` and `append` are joined to the ends first. Raises RuntimeError for a negative n, a tensor without
    dimensions, or ends of another number of dimensions.

    >>> import rushlight as torch
    >>> torch.diff(torch.tensor([1, 4, 9]))
    tensor([3, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.diff.html
    """
    check_tensor("diff", "input", 1, input)
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    dim = wrap_dim(dim, input.ndim)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    ends = [end for end in (prepend, append) if end is not None]
    for end in ends:
        check_tensor("diff", "prepend", 4, end)
    if any(end.ndim != input.ndim for end in ends):
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    if n == 1 and not ends and out is None:
        whole = same_dims(dim, input._array.shape)
        after, before = (*whole, slice(1, None)), (*whole, slice(0, -1))
        quick = quickly(lambda array: kernels.subtract(array[after], array[before]), input)
        if quick is not None:
            return quick
    if not n:
        return into(out, input.clone())
    if ends:
        input = cat([part for part in (prepend, input, append) if part is not None], dim)
    result = input
    for _ in range(min(n, input.shape[dim])):
        first, second = _steps(result, dim)
        result = first.logical_xor(second) if result._array.dtype.kind == "b" else second - first
    return into(out, result)


def _areas(name: str, y: Tensor, x: Tensor | None, dx: Any, dim: int) -> Tensor:
    """The area of each trapezoid."""
    check_tensor(name, "y", 1, y)
    dim = wrap_dim(dim, y.ndim)
    first, second = _steps(y, dim)
    if x is None:
        return (first + second) * dx / 2
    check_tensor(name, "x", 2, x)
    if x.ndim == 1 and y.ndim > 1:
        if x.shape[0] != y.shape[dim]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.reshape([-1 if i == dim else 1 for i in range(y.ndim)])
    elif x.ndim < y.ndim:
        x = x.reshape((1,) * (y.ndim - x.ndim) + tuple(x.shape))
    if x.shape[dim] != y.shape[dim]:
        raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
    left, right = _steps(x, dim)
    return (first + second) * (right - left) / 2


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """`Σ (y[i] + y[i + 1]) (x[i + 1] - x[i]) / 2` along `dim`; without `x` the points are `dx` apart.

    Raises RuntimeError where `x` has another number of points.

    >>> import rushlight as torch
    >>> torch.trapezoid(torch.tensor([1.0, 5.0, 10.0]))
    tensor(10.5000)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.trapezoid.html
    """
    return _areas("trapezoid", y, x, dx, dim).sum(dim)


trapz = trapezoid


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The running sums of `trapezoid`, one fewer than there are points.

    `(…, n, …)` gives `(…, n - 1, …)`. Raises RuntimeError for points whose number does not fit, IndexError for a dim
    out of range.

    >>> import rushlight as torch
    >>> torch.cumulative_trapezoid(torch.tensor([1.0, 5.0, 10.0]))
    tensor([ 3.0000, 10.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cumulative_trapezoid.html
    """
    return _areas("cumulative_trapezoid", y, x, dx, dim).cumsum(dim)


class DifferenceMethods:
    """The difference as a method of Tensor."""

    diff = diff
