"""Order: sorting, the k greatest, unique elements, places in a sorted sequence, histograms, quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Array, check_tensor, not_implemented, require_floating, widened
from rushlight.ops._out import into, into_each, plain
from rushlight.ops.extremum import Selection, check_not_empty

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool

__all__ = [
    "argsort", "bincount", "bucketize", "histc", "kthvalue", "msort", "nanquantile", "quantile", "searchsorted",
    "sort", "topk", "unique", "unique_consecutive",
]  # fmt: skip


def sorted_indices(array: Array, dim: int, descending: bool) -> Array:
    """The indices that sort along `dim`, equal elements in their order; a NaN is the greatest."""
    if array.ndim == 0:
        return np.zeros((), np.int64)
    array = widened(array)
    if not descending:
        return np.argsort(array, axis=dim, kind="stable")
    # The stable descending order is the reverse of the stable ascending order of the reversed array.
    backwards = np.argsort(np.flip(array, dim), axis=dim, kind="stable")
    return np.ascontiguousarray(np.flip(array.shape[dim] - 1 - backwards, dim))


class Sort(Selection):
    """The elements in order, and where they were."""

    node_name = "SortBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, descending: bool) -> Any:
        array = input._array
        return Sort.choose(ctx, input, sorted_indices(array, dim, descending), dim, True)


class SortStable(Sort):
    """Sort, asked to be stable."""

    node_name = "SortBackward1"


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool | None = None, *, out: Any = None) -> Any:
    """The elements along `dim` in ascending order (or `descending`) and their indices, as a named tuple.

    Equal elements keep their order in any case. A NaN is the greatest. Raises IndexError for a dim out of range,
    RuntimeError
    for complex.

    >>> import rushlight as torch
    >>> torch.sort(torch.tensor([3.0, 1.0, 2.0]))
    torch.return_types.sort(
    values=tensor([1., 2., 3.]),
    indices=tensor([1, 2, 0]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sort.html
    """
    check_tensor("sort", "input", 1, input)
    array = input._array
    if array.dtype.kind == "c":
        raise RuntimeError("Sort does not support complex dtypes on CPU")
    operation = Sort if stable is None else SortStable
    result = return_types.sort(operation.apply(input, wrap_dim(dim, array.ndim), bool(descending)))
    return into_each(out, result)


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort along `dim`, int64; order and errors as for `sort`.

    >>> import rushlight as torch
    >>> torch.argsort(torch.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.argsort.html
    """
    check_tensor("argsort", "input", 1, input)
    return plain(sorted_indices(input._array, wrap_dim(dim, input._array.ndim), descending))


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements along the first dimension in ascending order.

    >>> import rushlight as torch
    >>> torch.msort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.msort.html
    """
    check_tensor("msort", "input", 1, input)
    return into(out, sort(input, 0)[0], exact=True)


class Topk(Selection):
    """The k greatest or least elements along a dimension, in order, and where they were."""

    node_name = "TopkBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, k: int, dim: int, largest: bool) -> Any:
        array = input._array
        order = sorted_indices(array, dim, largest)
        if array.ndim:
            order = np.ascontiguousarray(order[(slice(None),) * dim + (slice(k),)])
        return Topk.choose(ctx, input, order, dim, True)


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """The `k` greatest (or least) elements along `dim` and their indices, as a named tuple, the first ones first.

    Of equal elements the first come first. A NaN is the greatest. Raises RuntimeError for a k beyond the dimension,
    IndexError
    for a dim out of range.

    >>> import rushlight as torch
    >>> torch.topk(torch.tensor([1.0, 4.0, 3.0]), 2)
    torch.return_types.topk(
    values=tensor([4., 3.]),
    indices=tensor([1, 2]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.topk.html
    """
    check_tensor("topk", "input", 1, input)
    array = input._array
    dim = wrap_dim(dim, array.ndim)
    if not 0 <= k <= (array.shape[dim] if array.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if array.dtype.kind in "bc":
        raise not_implemented("topk_cpu", array.dtype)
    return into_each(out, return_types.topk(Topk.apply(input, k, dim, largest)))


class Kthvalue(Selection):
    """The k-th least element along a dimension, and where it was."""

    node_name = "KthvalueBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, k: int, dim: int, keepdim: bool) -> Any:
        array = input._array
        order = sorted_indices(array, dim, False)
        if array.ndim:
            order = order[(slice(None),) * dim + (slice(k - 1, k),)]
        return Kthvalue.choose(ctx, input, order, dim, keepdim)


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The `k`-th least element along `dim` (from 1) and its index, as a named tuple; a NaN is the greatest.

    Raises RuntimeError for a k beyond the dimension, IndexError for an empty dimension or a dim out of range.

    >>> import rushlight as torch
    >>> torch.kthvalue(torch.tensor([3.0, 1.0, 2.0]), 2)
    torch.return_types.kthvalue(
    values=tensor(2.),
    indices=tensor(2))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.kthvalue.html
    """
    check_tensor("kthvalue", "input", 1, input)
    array = input._array
    dim = wrap_dim(dim, array.ndim)
    if array.ndim:
        check_not_empty("kthvalue()", array, (dim,))
    if not 1 <= k <= (array.shape[dim] if array.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}")
    return into_each(out, return_types.kthvalue(Kthvalue.apply(input, k, dim, keepdim)))


def _present(out: Array, inverse: Array, counts: Array, return_inverse: bool, return_counts: bool) -> Any:
    results = [plain(out)]
    if return_inverse:
        results.append(plain(inverse.astype(np.int64, copy=False)))
    if return_counts:
        results.append(plain(counts.astype(np.int64, copy=False)))
    return results[0] if len(results) == 1 else tuple(results)


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in ascending order, or the distinct slices along `dim`.

    With `return_inverse` also where each element of the input went, with `return_counts` how often each occurs
    (int64). Each NaN
    is distinct.

    >>> import rushlight as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unique.html
    """
    check_tensor("unique", "input", 1, input)
    array = input._array
    if dim is not None:
        dim = wrap_dim(dim, array.ndim)
    out, inverse, counts = np.unique(array, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    return _present(out, inverse.reshape(array.shape if dim is None else -1), counts, return_inverse, return_counts)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along `dim`) that differ from the one before them.

    With `return_inverse` also which of them each element belongs to, with `return_counts` how long each run is (int64).

    >>> import rushlight as torch
    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unique_consecutive.html
    """
    check_tensor("unique_consecutive", "input", 1, input)
    array = input._array
    axis = 0 if dim is None else wrap_dim(dim, array.ndim)
    sequence = array.reshape(-1) if dim is None else array
    rows = np.moveaxis(sequence, axis, 0)
    starts = np.ones(rows.shape[0], np.bool_)
    starts[1:] = (rows[1:] != rows[:-1]).any(tuple(range(1, rows.ndim)))
    inverse = np.cumsum(starts) - 1
    counts = np.diff(np.append(np.flatnonzero(starts), rows.shape[0]))
    out = np.ascontiguousarray(np.compress(starts, sequence, axis=axis))
    return _present(
        out, inverse.reshape(array.shape) if dim is None else inverse, counts, return_inverse, return_counts
    )


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, …, max(input) occurs (int64), or the sum of the weights where it does.

    Raises RuntimeError for negative numbers, more than one dimension or weights of another shape, NotImplementedError
    for
    floats.

    >>> import rushlight as torch
    >>> torch.bincount(torch.tensor([1, 1, 3]))
    tensor([0, 2, 0, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bincount.html
    """
    check_tensor("bincount", "input", 1, input)
    array = input._array
    if array.dtype.kind not in "iu":
        raise not_implemented("bincount_cpu", array.dtype)
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if array.ndim != 1 or (array.size and array.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return plain(np.bincount(array, minlength=minlength).astype(np.int64, copy=False))
    check_tensor("bincount", "weights", 2, weights)
    if weights._array.shape != array.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    out = np.bincount(array, weights._array, minlength)
    return plain(out.astype(np.float32) if weights._array.dtype == np.float32 else out)


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None) -> Tensor:
    """How many elements lie in each of `bins` equal intervals of [min, max] (of the data's range if both are 0).

    Elements outside are not counted, the last interval is closed. Raises RuntimeError for an empty or infinite range,
    NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.histc.html
    """
    check_tensor("histc", "input", 1, input)
    array = require_floating(input._array, "histogram_cpu")
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    low, high = float(min), float(max)
    if low == high and array.size:
        low, high = float(np.min(array)), float(np.max(array))
    if low == high:
        low, high = low - 1, high + 1
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError("max must be larger than min")
    inside = array[(array >= low) & (array <= high)]
    place = ((inside - array.dtype.type(low)) / array.dtype.type(high - low) * array.dtype.type(bins)).astype(np.int64)
    return into(out, plain(np.bincount(np.minimum(place, bins - 1), minlength=bins).astype(array.dtype)), exact=True)


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Where `input` would be inserted into the sorted innermost dimension to keep its order, int64 (or int32).

    Among equal elements the first place, or with `right` (or `side="right"`) the last. Raises RuntimeError where the
    leading dimensions differ.

    >>> import rushlight as torch
    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 6]))
    tensor([1, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.searchsorted.html
    """
    check_tensor("searchsorted", "sorted_sequence", 1, sorted_sequence)
    if sorter is not None:
        check_tensor("searchsorted", "sorter", 6, sorter)
    if side is not None:
        if side not in ("left", "right"):
            raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
        if right and side == "left":
            raise RuntimeError(
                "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
            )
        right = side == "right"
    sequence = sorted_sequence._array
    if sorter is not None:
        sequence = np.take_along_axis(sequence, sorter._array, -1)
    values = input._array if isinstance(input, Variable) else np.asarray(input)
    where: Any = "right" if right else "left"
    if sequence.ndim == 1:
        found = np.asarray(np.searchsorted(sequence, values, where))
    else:
        if sequence.shape[:-1] != values.shape[:-1]:
            raise RuntimeError(
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                "boundaries tensor and input value tensor must match, but we got boundaries tensor "
                f"{list(sequence.shape)} and input value tensor {list(values.shape)}"
            )
        found = np.empty(values.shape, np.int64)
        for index in np.ndindex(sequence.shape[:-1]):
            found[index] = np.searchsorted(sequence[index], values[index], where)
    return into(out, plain(found.astype(np.int32 if out_int32 else np.int64, copy=False)), exact=True)


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """Which interval between the sorted 1-D `boundaries` each element falls in, int64 (or int32).

    Raises RuntimeError where `boundaries` is not 1-D.

    >>> import rushlight as torch
    >>> torch.bucketize(torch.tensor([2, 6]), torch.tensor([1, 3, 5]))
    tensor([1, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bucketize.html
    """
    check_tensor("bucketize", "boundaries", 2, boundaries)
    if boundaries._array.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries._array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore_nan: bool
) -> Tensor:
    array = input._array
    if not array.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if array.dtype not in (np.float32, np.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if isinstance(q, Variable) and q._array.dtype != array.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    levels = (q._array if isinstance(q, Variable) else np.asarray(q)).astype(array.dtype)
    if levels.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if ((levels < 0) | (levels > 1)).any():
        if isinstance(q, Variable):
            raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
    work = input.reshape(-1) if dim is None else input.movedim(wrap_dim(dim, array.ndim), -1)
    ranked = sort(work, -1)[0] if work._array.ndim else work.reshape(1)
    out = _interpolate(ranked, levels, interpolation, ignore_nan)
    if keepdim:
        shape = (
            [1] * array.ndim
            if dim is None
            else [1 if i == wrap_dim(dim, array.ndim) else n for i, n in enumerate(array.shape)]
        )
        out = out.reshape(*levels.shape, *shape)
    return out


def _interpolate(ranked: Tensor, levels: Array, interpolation: str, ignore_nan: bool) -> Tensor:
    """The values between ranks, the levels' dimension first."""
    values = ranked._array
    missing = np.isnan(values).sum(-1, keepdims=True)
    last = values.shape[-1] - 1
    if ignore_nan:
        rank = np.maximum(last - missing, 0) * levels
    else:
        # One NaN makes every quantile NaN, and the greatest rank holds it.
        rank = np.where(missing > 0, last, last * levels)
    rank = rank.astype(values.dtype)
    if interpolation == "lower":
        rank = np.floor(rank)
    elif interpolation == "higher":
        rank = np.ceil(rank)
    elif interpolation == "nearest":
        rank = np.rint(rank)
    below = np.floor(rank)
    lower = ranked.gather(-1, wrap(below.astype(np.int64)))
    if interpolation in ("linear", "midpoint"):
        weight = np.full_like(rank, 0.5) if interpolation == "midpoint" else rank - below
        upper = ranked.gather(-1, wrap(np.ceil(rank).astype(np.int64)))
        lower = lower.lerp(upper, wrap(weight.astype(values.dtype)))
    if levels.ndim == 0:
        return lower.squeeze(-1)
    return lower.movedim(-1, 0)


def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The `q`-quantile along `dim`, or of all elements; for a 1-D `q` its dimension comes first. A NaN makes it NaN.

    Raises RuntimeError for no elements, types other than float32 and float64, q outside [0, 1].

    >>> import rushlight as torch
    >>> torch.quantile(torch.tensor([1.0, 2.0, 4.0]), 0.25)
    tensor(1.5000)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.quantile.html
    """
    check_tensor("quantile", "input", 1, input)
    return into(out, _quantile("quantile", input, q, dim, keepdim, interpolation, False), exact=True)


def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The `q`-quantile of the elements that are not NaN; arguments and errors as for `quantile`.

    >>> import rushlight as torch
    >>> torch.nanquantile(torch.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nanquantile.html
    """
    check_tensor("nanquantile", "input", 1, input)
    return into(out, _quantile("nanquantile", input, q, dim, keepdim, interpolation, True), exact=True)


class SortingMethods:
    """The operations of order as methods of Tensor."""

    argsort = argsort
    bincount = bincount
    histc = histc
    kthvalue = kthvalue
    msort = msort
    nanquantile = nanquantile
    quantile = quantile
    sort = sort
    topk = topk
    unique = unique
    unique_consecutive = unique_consecutive
