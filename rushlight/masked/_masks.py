"""Masks at an input's size, and what stands in the place of elements that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import wrap
from rushlight.dtypes import iinfo
from rushlight.layout import sparse_coo, sparse_csr, strided
from rushlight.masked._sparse import kept_of
from rushlight.ops.broadcast import broadcast_to
from rushlight.ops.choice import where

__all__ = ["any_of", "canonical_dims", "identity_of", "input_mask", "masked_input", "with_identity"]


def masked_input(input: Any) -> bool:
    """Whether a tensor has a mask of its own."""
    return hasattr(input, "get_mask")


def canonical_dims(dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """The dimensions that are meant, in order and counted from the front: all for None and ().

    RuntimeError for one named twice, IndexError for one out of range.
    """
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(ndim))
    count = max(ndim, 1)
    dims: list[int] = []
    for d in (dim,) if isinstance(dim, int) else dim:
        if d in dims:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -count <= d < count:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {d})"
            )
        dims.append(d % count)
    return tuple(sorted(dims))


def identity_of(name: str, dtype: Any, ord: Any = 2.0) -> Any:
    """What a reduction may be given any number of times without a change, as a number."""
    real, integer = dtype.is_floating_point, not (dtype.is_floating_point or dtype.is_complex or dtype is dtypes.bool)
    if name == "sum":
        return 0
    if name == "prod":
        return 1
    if name in ("amax", "argmax", "logaddexp", "logsumexp"):
        if real or (dtype.is_complex and name == "logsumexp"):
            return -np.inf
        if integer:
            return iinfo(dtype).min
    elif name in ("amin", "argmin"):
        if real:
            return np.inf
        if integer:
            return iinfo(dtype).max
    elif name == "norm":
        if ord == float("-inf") and not real:
            raise AssertionError(f"input must be floating point, got {dtype}")
        return np.inf if ord == float("-inf") else 0
    elif name == "median":
        return np.nan
    elif name == "mean":
        return None
    raise NotImplementedError(f"identity of {name} on {dtype} input")


def input_mask(input: Any, mask: Any) -> Any:
    """A mask in the size and the layout of the input, of bools.

    ValueError without a mask and for other layouts, IndexError for a mask of more dimensions.
    """
    if input.layout not in (strided, sparse_coo, sparse_csr):
        raise ValueError(f"_input_mask expects strided or sparse COO or sparse CSR tensor but got {input.layout}")
    if mask is None:
        raise ValueError("_input_mask requires explicit mask")
    if mask.shape != input.shape:
        if mask.ndim > input.ndim:
            raise IndexError(
                "_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)"
            )
        dense = mask if mask.layout is strided else mask.to_dense()
        dense = broadcast_to(dense, input.shape).to(dtypes.bool)
        mask = dense if mask.layout is strided else dense.to_sparse(layout=mask.layout)
    if mask.layout is not input.layout:
        if input.layout is strided:
            mask = mask.to_dense()
        elif input.layout is sparse_coo:
            mask = mask.to_sparse(input.sparse_dim()) if mask.layout is strided else mask.to_sparse()
        else:
            mask = mask.to_sparse_csr()
    if mask.layout is sparse_coo:
        mask = mask.coalesce()
    return mask.to(dtypes.bool)


def with_identity(name: str, input: Any, mask: Any, *args: Any) -> Any:
    """The input with the identity of a reduction where the mask, or a masked tensor's own, leaves an element out.

    Of a sparse input, the entries that the mask keeps.
    """
    if masked_input(input):
        input, mask = input.get_data(), input.get_mask()
    if mask is None:
        return input
    kept = input_mask(input, mask)
    number = identity_of(name, input.dtype, *args)
    if input.layout is not strided:
        return kept_of(input, kept, number)
    return where(kept, input, wrap(np.asarray(number).astype(input.dtype.numpy_dtype)))


def any_of(mask: Any, dims: Sequence[int], keepdim: bool) -> Any:
    """Whether a mask keeps an element, over dimensions."""
    for d in sorted(dims, reverse=True):
        mask = mask.any(dim=d, keepdim=keepdim)
    return mask
