"""Order: sorting, the k greatest, the k-th least, quantiles.

Sorting also says where elements stood; NaN counts as greater than every number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels, return_types
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import elements, highest
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Array, as_result, check_tensor, not_implemented, widened
from rushlight.ops._out import apart_from, into, into_each, plain
from rushlight.ops._quick import free
from rushlight.ops.choice import where
from rushlight.ops.creation import full_like
from rushlight.ops.extremum import Selection, check_not_empty

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["argsort", "kthvalue", "msort", "nanquantile", "quantile", "sort", "topk"]

# From so many integers in one dimension PyTorch sorts by digits, which is stable.
_LONG = 32768


def in_order(array: Array, dim: int, descending: bool, stable: bool) -> tuple[Array, Array]:
    """The elements along `dim` in order, and where they were; a NaN is the greatest."""
    if array.ndim == 0:
        return array.copy(), np.zeros((), np.int64)
    # PyTorch's order of equal elements: what it repeats is left as it lies, long rows of integers are sorted by digits.
    stable = stable or array.strides[dim] == 0
    if array.ndim == 1 and array.size >= _LONG and not descending and array.dtype.kind in "iu":
        stable = True
    wide = np.ascontiguousarray(widened(array))
    values, indices = kernels.sort_along(wide, dim, descending, stable)
    return as_result(values, array.dtype), indices


class Sort(Selection):
    """The elements in order, and where they were."""

    node_name = "SortBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, descending: bool, stable: bool) -> Any:
        values, indices = in_order(input._array, dim, descending, stable)
        Sort.keep(ctx, input._array.shape, indices, dim)
        return values, indices


class SortStable(Sort):
    """Sort, asked whether to be stable."""

    node_name = "SortBackward1"


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool | None = None, *, out: Any = None) -> Any:
    """The elements along `dim` in ascending order (or `descending`) and their indices, as a named tuple.

    A NaN is the greatest. With `stable` equal elements keep their order, otherwise they are in PyTorch's. Raises
    IndexError for a dim out of range, RuntimeError for complex.

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
    result = return_types.sort(operation.apply(input, wrap_dim(dim, array.ndim), bool(descending), bool(stable)))
    return into_each(out, result)


class Argsort(Operation):
    """Where the elements in order were."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, descending: bool, stable: bool) -> Array:
        return in_order(input._array, dim, descending, stable)[1]


def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The indices that sort along `dim`, int64; order and errors as for `sort`.

    >>> import rushlight as torch
    >>> torch.argsort(torch.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.argsort.html
    """
    check_tensor("argsort", "input", 1, input)
    array = input._array
    if array.dtype.kind == "c":
        raise RuntimeError("Sort does not support complex dtypes on CPU")
    result = Argsort.apply(input, wrap_dim(dim, array.ndim), bool(descending), bool(stable))
    return into(out, result, exact=True)


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
    def forward(ctx: Any, input: Tensor, k: int, dim: int, largest: bool, sorted: bool) -> Any:
        array = input._array
        if array.ndim:
            values, indices = kernels.topk_along(np.ascontiguousarray(widened(array)), dim, k, largest, sorted)
            values = as_result(values, array.dtype)
        else:
            values, indices = array.copy(), np.zeros((), np.int64)
        Topk.keep(ctx, array.shape, indices, dim)
        return values, indices


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """The `k` greatest (or least) elements along `dim` and their indices, as a named tuple, the first ones first.

    Without `sorted` they come in any order; which of equal elements come is PyTorch's choice too. A NaN is the
    greatest. Raises RuntimeError for a k beyond the dimension, for bool and complex, IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.topk(torch.tensor([1.0, 4.0, 3.0]), 2)
    torch.return_types.topk(
    values=tensor([4., 3.]),
    indices=tensor([1, 2]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.topk.html
    """
    if out is None and (array := free(input)) is not None and array.ndim:
        dim = wrap_dim(dim, array.ndim)
        if 0 <= k <= array.shape[dim]:
            values, indices = kernels.topk_along(np.ascontiguousarray(array), dim, k, largest, sorted)
            return return_types.topk((plain(values), plain(indices)))
    check_tensor("topk", "input", 1, input)
    array = input._array
    dim = wrap_dim(dim, array.ndim)
    if not 0 <= k <= (array.shape[dim] if array.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if array.dtype.kind in "bc":
        raise RuntimeError(f"topk does not support {'bool' if array.dtype.kind == 'b' else 'complex'} dtypes on CPU")
    result = return_types.topk(Topk.apply(input, int(k), dim, bool(largest), bool(sorted)))
    return into_each(out, result)


class Kthvalue(Selection):
    """The k-th least element along a dimension, and where it was."""

    node_name = "KthvalueBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, k: int, dim: int, keepdim: bool) -> Any:
        array = input._array
        if not array.ndim:
            return Kthvalue.choose(ctx, input, np.zeros((), np.int64), dim, keepdim)
        values, indices = kernels.kth_along(np.ascontiguousarray(widened(array)), dim, k - 1)
        return Kthvalue.chosen(ctx, array, as_result(values, array.dtype), indices, dim, keepdim)


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
    if array.dtype.kind in "bc":
        raise not_implemented("kthvalue_cpu", array.dtype)
    if out is not None:
        apart_from(out[0], input)
    return into_each(out, return_types.kthvalue(Kthvalue.apply(input, k, dim, keepdim)))


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
    levels = q if isinstance(q, Variable) else wrap(np.asarray(q, array.dtype))
    if levels.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    known = elements(levels)
    if ((known < 0) | (known > 1)).any():
        if isinstance(q, Variable):
            raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
    work = input.reshape(-1) if dim is None else input.movedim(wrap_dim(dim, array.ndim), -1)
    ranked = sort(work, -1)[0] if work.ndim else work.reshape(1)
    out = _interpolate(ranked, levels, interpolation, ignore_nan)
    if keepdim:
        along = None if dim is None else wrap_dim(dim, array.ndim)
        shape = [1 if along in (None, i) else n for i, n in enumerate(array.shape)]
        out = out.reshape((*levels.shape, *shape))
    return out


def _ranks(values: Array, levels: Array, ignore_nan: bool) -> Array:
    """The ranks of levels that want no gradient, along the last dimension."""
    missing = np.isnan(values).sum(-1, keepdims=True)
    last = values.shape[-1] - 1
    if ignore_nan:
        rank = np.maximum(last - missing, 0) * levels
    else:
        # One NaN makes every quantile NaN, and the greatest rank holds it.
        rank = np.where(missing > 0, last, last * levels)
    return rank.astype(values.dtype)


_WHOLE = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}


def _at_ranks(ranked: Tensor, rank: Array, ndim: int, interpolation: str) -> Tensor:
    """The values between ranks, the levels' dimension first, if they have one."""
    if interpolation in _WHOLE:
        found = ranked.gather(-1, wrap(_WHOLE[interpolation](rank).astype(np.int64)))
    else:
        below = np.floor(rank)
        weight = np.full_like(rank, 0.5) if interpolation == "midpoint" else rank - below
        found = ranked.gather(-1, wrap(below.astype(np.int64)))
        found = found.lerp(ranked.gather(-1, wrap(np.ceil(rank).astype(np.int64))), wrap(weight))
    return found.squeeze(-1) if ndim == 0 else found.movedim(-1, 0)


def _interpolate(ranked: Tensor, levels: Any, interpolation: str, ignore_nan: bool) -> Tensor:
    """The values between ranks, the levels' dimension first."""
    if not (levels.requires_grad or highest((ranked, levels)) is not None):
        return _at_ranks(ranked, _ranks(ranked._array, levels._array, ignore_nan), levels.ndim, interpolation)
    missing = ranked.isnan().sum(-1, keepdim=True)
    last = ranked.shape[-1] - 1
    if ignore_nan:
        rank = levels * (last - missing).clamp(min=0)
    else:
        # One NaN makes every quantile NaN, and the greatest rank holds it.
        rank = where(missing > 0, float(last), levels * last)
    if interpolation == "lower":
        rank = rank.floor()
    elif interpolation == "higher":
        rank = rank.ceil()
    elif interpolation == "nearest":
        rank = rank.round()
    below = rank.floor()
    found = ranked.gather(-1, below.long())
    if interpolation in ("linear", "midpoint"):
        weight = full_like(rank, 0.5) if interpolation == "midpoint" else rank - below.detach()
        found = found.lerp(ranked.gather(-1, rank.ceil().long()), weight.to(found.dtype))
    return found.squeeze(-1) if levels.ndim == 0 else found.movedim(-1, 0)


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
    if state.casts is not None and out is None:
        return state.casts.float32(quantile, input, q, dim, keepdim, interpolation=interpolation)
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
    if state.casts is not None and out is None:
        return state.casts.float32(nanquantile, input, q, dim, keepdim, interpolation=interpolation)
    check_tensor("nanquantile", "input", 1, input)
    return into(out, _quantile("nanquantile", input, q, dim, keepdim, interpolation, True), exact=True)


class SortingMethods:
    """The operations of order as methods of Tensor."""

    argsort = argsort
    kthvalue = kthvalue
    msort = msort
    nanquantile = nanquantile
    quantile = quantile
    sort = sort
    topk = topk
