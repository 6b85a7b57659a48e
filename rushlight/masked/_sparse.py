"""Reductions of the entries that sparse tensors keep: those that are left out count for nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.autograd.variable import wrap
from rushlight.layout import sparse_csr
from rushlight.ops.choice import where
from rushlight.ops.segments import SegmentReduce
from rushlight.size import Size
from rushlight.sparse._compressed import CompressedTensor
from rushlight.sparse._convert import masked_by, to_coo, to_layout
from rushlight.sparse._coo import SparseTensor, make
from rushlight.sparse._operations import Groups

__all__ = ["kept_of", "reduce_coo", "reduce_csr"]

_SEGMENT = {"sum": "sum", "prod": "prod", "amax": "max", "amin": "min", "mean": "mean"}


def kept_of(input: Any, mask: Any, number: Any) -> Any:
    """The entries of a sparse tensor that a mask in its layout keeps; 0 where the mask keeps one that isn't there.

    Values of dense dimensions that the mask leaves out become `number`.
    """
    if isinstance(mask, CompressedTensor):
        return to_layout(kept_of(to_coo(input), to_coo(mask).coalesce(), number), sparse_csr)
    truth = mask._entries._array
    if truth.ndim > 1:
        truth = truth.any(axis=tuple(range(1, truth.ndim)))
    hits = np.flatnonzero(truth)
    places = make(wrap(mask._coordinates._array[:, hits]), mask._entries[wrap(hits)], mask._size, True)
    found = masked_by(input.to_dense(), places)
    if mask.dense_dim():
        filling = wrap(np.asarray(0 if number is None else number).astype(input.dtype.numpy_dtype))
        return found._like(where(places._entries, found._entries, filling))
    return found


def _grouped(name: str, entries: Any, groups: Groups) -> Any:
    """The reduction of each group of values."""
    ordered = entries if groups.order is None else entries[wrap(groups.order)]
    shape = ordered.shape
    counts = np.diff(np.append(groups.starts, len(groups.of_value)))
    flat = ordered.reshape(shape[0], -1)
    lengths = wrap(counts.astype(np.int64)[None])
    whole = flat if flat.is_floating_point() else flat.double()
    found = SegmentReduce.apply(whole, lengths, None, _SEGMENT[name], 0, None, False)
    return found.to(entries.dtype).reshape((len(counts), *shape[1:]))


def reduce_coo(name: str, input: SparseTensor, dims: tuple[int, ...], keepdim: bool, dtype: Any) -> Any:
    """A reduction of a tensor in COO over dimensions: sparse. NotImplemented over dense ones but for sums."""
    sparse = input.sparse_dim()
    entries = input._entries if input.dtype is dtype else input._entries.to(dtype)
    inner = [d + 1 - sparse for d in dims if d >= sparse and d < input.ndim]
    outer = [d for d in dims if d < sparse]
    if inner and name != "sum":
        return NotImplemented
    if inner:
        entries = entries.sum(inner, keepdim)
    size = [1 if d in dims else n for d, n in enumerate(input._size) if keepdim or d not in dims]
    if len(outer) == sparse:
        if not len(entries._array):
            from rushlight.masked._masks import identity_of

            values = entries.new_full(entries.shape[1:], identity_of(name, entries.dtype))
        else:
            values = _grouped(name, entries, Groups(np.zeros(len(entries._array), np.int64)))[0]
        for _ in range(sparse if keepdim else 0):
            values = values.unsqueeze(0)
        return values.to(dtype).to_sparse()
    coordinates = input._coordinates._array
    if keepdim:
        coordinates = coordinates.copy()
        coordinates[outer] = 0
    else:
        coordinates = np.delete(coordinates, outer, axis=0)
    if outer and len(entries._array):
        lengths = tuple(size[: len(coordinates)])
        groups = Groups(np.ravel_multi_index(tuple(coordinates), lengths))
        entries, coordinates = _grouped(name, entries, groups), coordinates[:, groups.first()]
        return make(wrap(np.ascontiguousarray(coordinates)), entries, Size(size), True)
    return make(wrap(np.ascontiguousarray(coordinates)), entries, Size(size), False).coalesce()


def reduce_csr(name: str, input: CompressedTensor, dims: tuple[int, ...], keepdim: bool, dtype: Any) -> Any:
    """A reduction of a CSR matrix over one dimension or both, which stay; AssertionError if they are not to."""
    if not keepdim:
        message = "reduction operations on CSR tensors with keepdim=False is unsupported"
        raise RuntimeError(message) if name in ("sum", "prod") else AssertionError(message)
    if not dims:
        return input
    coo = to_coo(input)
    entries = coo._entries if coo.dtype is dtype else coo._entries.to(dtype)
    coordinates = coo._coordinates._array.copy()
    coordinates[list(dims)] = 0
    size = Size([1 if d in dims else n for d, n in enumerate(input._size)])
    if not len(entries._array):
        size = size if len(dims) == 1 else Size((1, 0 if name not in ("sum", "prod") else 1))
        return to_layout(make(wrap(coordinates), entries, size, True), sparse_csr)
    groups = Groups(np.ravel_multi_index(tuple(coordinates), tuple(size)))
    values = _grouped(name, entries, groups)
    return to_layout(make(wrap(coordinates[:, groups.first()]), values, size, True), sparse_csr)
