"""Elements told apart and counted: unique elements, how often each occurs, places in a sorted sequence.

Unique elements come in ascending order, or as they stand with `unique_consecutive`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import of_values
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.index import places_of, select_masked, take_along
from rushlight.kernels.searching import count_numbers, search_sorted
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Array, as_result, check_tensor, not_implemented, widened
from rushlight.ops._out import into

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["bincount", "bucketize", "searchsorted", "unique", "unique_consecutive"]


class Unique(Operation):
    """The distinct elements in order, and what was asked for beside."""

    node_name = "Unique2Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, inverse: bool, counts: bool) -> Any:
        array = input._array
        if array.dtype.kind == "c":
            raise not_implemented("unique", array.dtype)
        if array.dtype.kind in "iub" and array.size:
            low, high = int(array.min()), int(array.max())
            if high - low < max(array.size, 1024) and high < 1 << 63:
                return Unique._by_counting(array, low, inverse, counts)
        flat = np.ascontiguousarray(widened(array.reshape(-1)))
        ranked, order = kernels.sort_along(flat, 0, False, True)
        starts = _starts(ranked)
        out = as_result(select_masked(ranked, starts), array.dtype)
        if not (inverse or counts):
            return out
        results = [out]
        if inverse:
            place = np.empty(flat.shape, np.int64)
            place[order] = np.cumsum(starts) - 1
            results.append(place.reshape(array.shape))
        if counts:
            results.append(np.diff(np.flatnonzero(starts), append=flat.size))
        return tuple(results)

    @staticmethod
    def _by_counting(array: Array, low: int, inverse: bool, counts: bool) -> Any:
        """What is asked for of whole numbers that lie close together."""
        places = (array.astype(np.int64) - low if low else array.astype(np.int64, copy=False)).reshape(-1)
        found = count_numbers(np.ascontiguousarray(places), 0)
        present = found != 0
        numbers = places_of(present)[0]
        results = [(numbers + low).astype(array.dtype)]
        if inverse:
            results.append(take_along(np.cumsum(present) - 1, 0, places).reshape(array.shape))
        if counts:
            results.append(take_along(found, 0, numbers))
        return tuple(results) if inverse or counts else results[0]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        raise NotImplementedError("the derivative for '_unique2' is not implemented.")


def _starts(sequence: Array) -> Array:
    """Which elements of a 1-D array differ from the one before."""
    starts = np.ones(sequence.shape, np.bool_)
    np.not_equal(sequence[1:], sequence[:-1], out=starts[1:])
    return starts


class UniqueDim(Operation):
    """The distinct slices along a dimension, and what was asked for beside."""

    node_name = "UniqueDimBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, inverse: bool, counts: bool) -> Any:
        array = input._array
        given = array.view(np.uint8) if array.dtype.kind == "b" else widened(array)
        wanted: Any = {"return_inverse": inverse, "return_counts": counts}
        found = np.unique(given, axis=dim, equal_nan=False, **wanted)
        out, *rest = found if inverse or counts else (found,)
        out = np.ascontiguousarray(out)
        out = out.view(np.bool_) if array.dtype.kind == "b" else as_result(out, array.dtype)
        return (out, *(f.reshape(-1).astype(np.int64) for f in rest)) if rest else out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        raise NotImplementedError("the derivative for 'unique_dim' is not implemented.")


class UniqueConsecutive(Operation):
    """The elements, or slices along a dimension, that differ from the one before."""

    node_name = "UniqueConsecutiveBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int | None, inverse: bool, counts: bool) -> Any:
        array = input._array
        if dim is None:
            sequence = array.reshape(-1)
            starts = _starts(sequence)
            out = select_masked(sequence, starts)
        else:
            rows = np.moveaxis(array, dim, 0)
            starts = np.ones(rows.shape[0], np.bool_)
            starts[1:] = (rows[1:] != rows[:-1]).any(tuple(range(1, rows.ndim)))
            out = np.ascontiguousarray(np.compress(starts, array, axis=dim))
        if not (inverse or counts):
            return out
        results = [out]
        if inverse:
            belongs = np.cumsum(starts) - 1
            results.append(belongs.reshape(array.shape) if dim is None else belongs)
        if counts:
            results.append(np.diff(np.flatnonzero(starts), append=len(starts)))
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        raise NotImplementedError("the derivative for 'unique_consecutive' is not implemented.")


@of_values("_unique2")
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

    Raises IndexError for a dim out of range, NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unique.html
    """
    check_tensor("unique", "input", 1, input)
    array = input._array
    if dim is not None:
        dim = wrap_dim(dim, array.ndim)
        _check_slices(array, dim)
        return UniqueDim.apply(input, dim, return_inverse, return_counts)
    return Unique.apply(input, return_inverse, return_counts)


def _check_slices(array: Array, dim: int) -> None:
    if array.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if array.size == 0 and 0 in (n for i, n in enumerate(array.shape) if i != dim) and array.shape[dim]:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")


@of_values("unique_consecutive")
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along `dim`) that differ from the one before them.

    With `return_inverse` also which of them each element belongs to, with `return_counts` how long each run is (int64).

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unique_consecutive.html
    """
    check_tensor("unique_consecutive", "input", 1, input)
    array = input._array
    if dim is not None:
        dim = wrap_dim(dim, array.ndim)
        _check_slices(array, dim)
    return UniqueConsecutive.apply(input, dim, return_inverse, return_counts)


_NOT_COUNTED = "bincount only supports 1-d non-negative integral inputs."


class Bincount(Operation):
    """How often each number occurs, or the sum of the weights where it does."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weights: Tensor | None, minlength: int) -> Any:
        if weights is None:
            return count_numbers(input._array.astype(np.int64, copy=False), minlength)
        given = weights._array
        out = np.bincount(input._array, given, minlength)
        result = wrap(out.astype(np.float32) if given.dtype == np.float32 else out)
        ctx.mark_non_differentiable(result)
        return result


@of_values("bincount")
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
    if array.ndim != 1:
        raise RuntimeError(_NOT_COUNTED)
    if weights is None:
        try:
            return Bincount.apply(input, None, minlength)
        except ValueError:
            raise RuntimeError(_NOT_COUNTED) from None
    if array.size and array.min() < 0:
        raise RuntimeError(_NOT_COUNTED)
    check_tensor("bincount", "weights", 2, weights)
    if weights._array.shape != array.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    return Bincount.apply(input, weights, minlength)


class Searchsorted(Operation):
    """Where values would be inserted into a sorted sequence."""

    @staticmethod
    def forward(ctx: Any, sequence: Tensor, values: Tensor, sorter: Tensor | None, right: bool, dtype: Any) -> Array:
        keys, wanted = sequence._array, values._array
        if sorter is not None:
            keys = np.take_along_axis(keys, sorter._array, -1)
        kind = np.result_type(keys, wanted)
        keys, wanted = (np.ascontiguousarray(a, kind).reshape(a.shape) for a in (keys, wanted))
        found = search_sorted(keys, wanted, right)
        return found.astype(dtype, copy=False)


def _check_search(sequence: Tensor, values: Tensor, sorter: Tensor | None) -> None:
    keys, wanted = sequence._array, values._array
    if keys.ndim == 0:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if wanted.ndim == 0 and keys.ndim != 1:
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got "
            f"boundaries tensor dim({keys.ndim}) and input value's dim(0) numel(1)"
        )
    if keys.ndim > 1 and keys.shape[:-1] != wanted.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(keys.shape)} and input "
            f"value tensor {list(wanted.shape)}"
        )
    if sorter is not None:
        if sorter._array.shape != keys.shape:
            raise RuntimeError(
                "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
                f"{list(keys.shape)}and got sorter tensor {list(sorter.shape)}"
            )
        if sorter._array.dtype != np.int64:
            raise RuntimeError(
                f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {sorter.dtype.legacy_name}"
            )
        if sorter._array.size and not (0 <= int(sorter._array.min()) <= int(sorter._array.max()) < keys.shape[-1]):
            raise RuntimeError("torch.searchsorted(): sorter index out of range")


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
    if not isinstance(input, Variable):
        input = wrap(np.asarray(input, sequence.dtype))
    _check_search(sorted_sequence, input, sorter)
    result = Searchsorted.apply(sorted_sequence, input, sorter, right, np.int32 if out_int32 else np.int64)
    return into(out, result, exact=True)


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


class CountingMethods:
    """The functions of this family as methods of Tensor."""

    bincount = bincount
    unique = unique
    unique_consecutive = unique_consecutive
