"""Reductions of pieces of a dimension, and a hash of all elements.

Pieces are told apart by their lengths or by where they begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Array, as_result, check_tensor, normalize_dims, not_implemented, widened
from rushlight.ops._out import into
from rushlight.ops.choice import where
from rushlight.ops.joining import cat

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["hash_tensor", "segment_reduce"]

_UFUNCS: dict[str, Any] = {
    "sum": np.add, "mean": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum,
}  # fmt: skip
_EMPTY = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -np.inf, "min": np.inf}


def _bounds(lengths: Tensor | None, offsets: Tensor | None, size: int) -> tuple[Array, Array]:
    """Where each segment begins and ends in its line: (lines, segments)."""
    if lengths is not None:
        each = lengths._array.reshape(-1, lengths._array.shape[-1]).astype(np.int64)
        ends = np.cumsum(each, 1)
        starts = ends - each
    else:
        assert offsets is not None
        places = offsets._array.reshape(-1, offsets._array.shape[-1]).astype(np.int64)
        starts, ends = places[:, :-1], places[:, 1:]
    return np.clip(starts, 0, size), np.clip(ends, 0, size)


def _reduced(rows: Array, starts: Array, ends: Array, how: str, initial: float | None) -> Array:
    """The reduction of the rows from each start to each end; what an empty one holds is `initial`."""
    ufunc = _UFUNCS[how]
    first = _EMPTY[how] if initial is None else initial
    out = np.full((len(starts), rows.shape[1]), first, rows.dtype)
    full = np.flatnonzero(ends > starts)
    if full.size:
        # Pairs of a start and an end: every other result of `reduceat` is what lies between two segments.
        pairs = np.stack((starts[full], ends[full]), 1).reshape(-1)
        if pairs[-1] == len(rows):
            pairs = pairs[:-1]
        inside = pairs < len(rows)
        found = ufunc.reduceat(rows, np.where(inside, pairs, 0), axis=0)[::2]
        out[full] = found if initial is None else ufunc(found, rows.dtype.type(first))
    if how == "mean":
        counts = (ends - starts)[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = out / counts.astype(rows.dtype)
        out = np.where(counts > 0, mean, np.nan if initial is None else out)
    return out


class SegmentReduce(Operation):
    """One number for each segment of a dimension."""

    node_name = "SegmentReduceBackward0"

    @staticmethod
    def forward(
        ctx: Any, data: Tensor, lengths: Any, offsets: Any, how: str, axis: int, initial: float | None, checked: bool
    ) -> Any:
        array = data._array
        size = array.shape[axis]
        if checked and lengths is not None:
            _check_lengths(lengths._array, size)
        starts, ends = _bounds(lengths, offsets, size)
        lines, segments = starts.shape
        shift = np.arange(lines)[:, None] * size
        begin, stop = (starts + shift).reshape(-1), (ends + shift).reshape(-1)
        inner = int(np.prod(array.shape[axis + 1 :]))
        rows = widened(array).reshape(lines * size, inner)
        shape = (*array.shape[:axis], segments, *array.shape[axis + 1 :])
        out = wrap(as_result(_reduced(rows, begin, stop, how, initial), array.dtype).reshape(shape))
        ctx.save_for_backward(data, out)
        ctx.call = how, initial, begin, stop, rows.shape
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        data, out = ctx.saved_tensors
        how, initial, starts, ends, shape = ctx.call
        counts = ends - starts
        owner = np.full(shape[0], len(starts), np.int64)
        for_each = np.repeat(np.arange(len(starts)), counts)
        owner[np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(len(for_each))] = for_each
        rows, results = data.reshape(shape), out.reshape(-1, shape[1])
        back = _Spread(owner)
        flat = grad.reshape(-1, shape[1])
        if how == "mean":
            flat = flat / wrap(np.maximum(counts, 1)[:, None].astype(grad._array.dtype))
        found = back(flat)
        if how in ("max", "min"):
            best = _same(rows, back(results))
            ties = segment_rows(best.to(grad.dtype), starts, ends)
            found = where(best, found / back(ties.clamp(min=1)), rows.new_zeros(()))
        elif how == "prod":
            found = found * _others(rows, starts, ends, back, initial)
        return found.reshape(data.shape), None, None, None, None, None, None


class _Spread:
    """Hands each row the number of the segment that it lies in, 0 to rows in none."""

    def __init__(self, owner: Array) -> None:
        self.owner = wrap(owner)

    def __call__(self, segments: Tensor) -> Tensor:
        last = segments.new_zeros((1, segments._array.shape[1]))
        return cat((segments, last)).index_select(0, self.owner)


def _same(rows: Tensor, results: Tensor) -> Tensor:
    found = (rows._array == results._array) | (np.isnan(rows._array) & np.isnan(results._array))
    return wrap(found)


def segment_rows(rows: Tensor, starts: Array, ends: Array) -> Tensor:
    """The sums of rows from starts to ends."""
    return SegmentReduce.apply(rows, None, _in_turn(starts, ends), "sum", 0, None, False)[::2]


def _in_turn(starts: Array, ends: Array) -> Tensor:
    """Starts and ends in turn, as offsets: every other of their segments is one that is meant."""
    return wrap(np.stack((starts, ends), 1).reshape(1, -1))


def _others(rows: Tensor, starts: Array, ends: Array, back: _Spread, initial: float | None) -> Tensor:
    """The product of the others of each element's segment (and of `initial`), also where elements are 0 or NaN."""
    array = rows._array
    zero, broken = array == 0, np.isnan(array)
    usual = where(wrap(zero | broken), rows.new_ones(()), rows)
    products = SegmentReduce.apply(usual, None, _in_turn(starts, ends), "prod", 0, initial, False)[::2]
    whole = back(products) / usual
    for bad, value in ((zero, 0.0), (broken, np.nan)):
        marks = wrap(bad.astype(array.dtype))
        count = back(segment_rows(marks, starts, ends))._array - marks._array
        whole = where(wrap(count > 0), rows.new_full((), value), whole)
    return whole


_NAMES = {"sum": "sum", "mean": "mean", "prod": "prod", "max": "max", "amax": "max", "min": "min", "amin": "min"}


def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: float | None = None,
) -> Tensor:
    """The "sum", "mean", "max", "min" or "prod" of each segment of a dimension.

    The segments follow one another: `lengths` says how long each is, `offsets` (one more than there are segments) where
    each begins and ends; both are (sizes of the dimensions before `axis`, segments). An empty segment gives `initial`,
    or 0, NaN, -inf, inf, 1. Floating-point types; the gradient of a maximum goes to equal elements in equal parts.
    Raises RuntimeError for lengths that are negative or, unless `unsafe`, don't add up to the dimension's size.

    >>> import rushlight as torch
    >>> torch.segment_reduce(torch.tensor([1.0, 2.0, 3.0]), "sum", lengths=torch.tensor([2, 1]))
    tensor([3., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.segment_reduce.html
    """
    check_tensor("segment_reduce", "data", 1, data)
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if data._array.ndim < 1 or not data._array.size:
        raise RuntimeError("segment_reduce(): Expected data.numel() > 0 and data.dim() >= 1")
    axis = wrap_dim(axis, data._array.ndim)
    if reduce not in _NAMES:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    if offsets is None and lengths is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    given, name = (offsets, "offsets") if offsets is not None else (lengths, "lengths")
    assert given is not None
    _check_segments(data, given, name, axis)
    if data._array.dtype.kind not in "fV":
        raise not_implemented("_segment_reduce_cpu", data._array.dtype)
    of_lengths, of_offsets = (None, given) if name == "offsets" else (given, None)
    first = None if initial is None else float(initial)
    return SegmentReduce.apply(data, of_lengths, of_offsets, _NAMES[reduce], axis, first, not unsafe)


def _check_segments(data: Tensor, given: Tensor, name: str, axis: int) -> None:
    shape, array = data._array.shape, given._array
    if array.ndim != axis + 1:
        raise RuntimeError(f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}.")
    if array.shape[:-1] != shape[:axis]:
        raise RuntimeError(f"segment_reduce(): Expected all dimensions of {name} but the last to be those of data.")
    if array.dtype not in (np.int32, np.int64):
        raise not_implemented(f"_segment_reduce_{name}_cpu_kernel1", array.dtype)


def _check_lengths(lengths: Array, size: int) -> None:
    if (lengths < 0).any():
        raise RuntimeError("lengths contains negative value!")
    if (lengths.sum(-1) != size).any():
        raise RuntimeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when "
            "!unsafe."
        )


class _Hash(Operation):
    """The exclusive or of the elements' 64 bits."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...], keepdim: bool) -> Any:
        array = input._array
        wide = np.float64 if array.dtype.kind in "fV" else np.int64
        if array.dtype.kind == "u" and array.itemsize == 8:
            bits = array
        else:
            bits = array.astype(wide).view(np.uint64)
        reduce: Any = np.bitwise_xor.reduce
        out = wrap(np.asarray(reduce(bits, axis=dims, keepdims=keepdim)))
        ctx.mark_non_differentiable(out)
        return out


def hash_tensor(
    input: Tensor,
    dim: int | Sequence[int] = (),
    *,
    keepdim: bool = False,
    mode: int = 0,
    out: Tensor | None = None,
) -> Tensor:
    """The exclusive or of all elements (or of those along `dim`) as 64 bits, uint64: the only `mode` there is, 0.

    Floating-point numbers are widened to float64, integers to int64. Raises NotImplementedError for complex numbers,
    RuntimeError or IndexError where there is no element.

    >>> import rushlight as torch
    >>> torch.hash_tensor(torch.tensor([1, 2, 5]))
    tensor(6, dtype=torch.uint64)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.hash_tensor.html
    """
    check_tensor("hash_tensor", "input", 1, input)
    array = input._array
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    dims = normalize_dims(dim if isinstance(dim, int) else tuple(dim), array.ndim)
    if not array.size:
        if not isinstance(dim, int) and not tuple(dim):
            raise RuntimeError(
                "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        for d in dims:
            if not array.shape[d]:
                raise IndexError(f"hash_tensor: Expected reduction dim {d} to have non-zero size.")
    if array.dtype.kind == "c":
        raise not_implemented("xor_sum_cpu", array.dtype)
    return into(out, _Hash.apply(input, dims, keepdim), exact=True)


class SegmentMethods:
    """The functions of this family as methods of Tensor."""

    hash_tensor = hash_tensor
