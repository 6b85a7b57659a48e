"""Sums and softmax over the entries of sparse tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import wrap
from rushlight.layout import sparse_csr
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import check_tensor, normalize_dims
from rushlight.ops.softmax import log_softmax as dense_log_softmax
from rushlight.ops.softmax import softmax as dense_softmax
from rushlight.size import Size
from rushlight.sparse._base import layout_name, refuse
from rushlight.sparse._compressed import CompressedTensor
from rushlight.sparse._convert import to_coo, to_layout
from rushlight.sparse._coo import SparseTensor, make
from rushlight.sparse._operations import Groups, Total
from rushlight.tensor import Tensor

__all__ = ["log_softmax", "native_norm", "softmax", "sum", "sum_rule"]


def sum(input: Tensor, dim: Any = None, dtype: dtypes.dtype | None = None) -> Tensor:
    """The sum of a sparse tensor's elements, or along dimensions: sparse while a dimension of the indices is left.

    >>> import rushlight as torch
    >>> torch.sparse.sum(torch.sparse_coo_tensor([[0, 1]], [2.0, 3.0], (2,)))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.sum.html
    """
    check_tensor("_sparse_sum", "input", 1, input)
    if isinstance(input, CompressedTensor):
        if dim is None and dtype is None:
            raise RuntimeError(f"coalesce expected sparse coordinate tensor layout but got {layout_name(input)}")
        refuse(sum)
    if not isinstance(input, SparseTensor):
        raise RuntimeError("sparse.sum: expected a sparse tensor, got a dense one")
    given: Any = input if dtype is None else input.to(dtype)
    if dim is None:
        return given._entries.sum()
    dims = normalize_dims(dim, given.ndim)
    if not dims or (not isinstance(dim, int) and not len(dim)):
        return given._entries.sum()
    return _summed(given, dims, False)


def _summed(input: SparseTensor, dims: tuple[int, ...], keepdim: bool) -> Any:
    sparse = input.sparse_dim()
    kept = [d for d in range(sparse) if d not in dims]
    dense = [d - sparse + 1 for d in dims if d >= sparse]
    entries = input._entries.sum(dense, keepdim) if dense else input._entries
    if not kept:
        total = entries.sum(0)
        return total.reshape((1,) * sparse + tuple(total.shape)) if keepdim else total
    if not keepdim:
        coordinates = input._coordinates._array[kept]
    else:
        coordinates = input._coordinates._array.copy()
        coordinates[[d for d in dims if d < sparse]] = 0
    size = Size([1 if d in dims else n for d, n in enumerate(input._size) if keepdim or d not in dims])
    found = make(wrap(coordinates), entries, size, False)
    return found.coalesce()._coalesced_(not keepdim)


def sum_rule(operation: Any, input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """`sum` of a sparse tensor."""
    if dim is None and not keepdim:
        return operation.apply(input._entries) if operation.__name__ == "Sum" else input._entries.sum()
    dims = normalize_dims(dim, input.ndim)
    if isinstance(input, SparseTensor):
        return _summed(input, dims, keepdim)
    if input.layout is not sparse_csr:
        raise RuntimeError(
            "Currently the only compressed sparse format supported for sum.dim_IntList is CSR, but got layout "
            f"{layout_name(input)}"
        )
    if not keepdim:
        raise RuntimeError("reduction operations on CSR tensors with keepdim=False is unsupported")
    coo = to_coo(input)
    if not input._nnz():
        return to_layout(_empty_sum(coo, dims), sparse_csr)
    return to_layout(_summed(coo, dims, True), sparse_csr)


def _empty_sum(coo: SparseTensor, dims: tuple[int, ...]) -> SparseTensor:
    size = Size([1 if d in dims else n for d, n in enumerate(coo._size)])
    return make(wrap(np.zeros((2, 0), np.int64)), coo._entries, size, True)


def _softmaxed(input: Any, dim: int, dtype: dtypes.dtype | None, log: bool) -> Any:
    name = "log_softmax" if log else "softmax"
    check_tensor(f"_sparse_{name}", "input", 1, input)
    if not isinstance(input, SparseTensor):
        refuse(log_softmax if log else softmax)
    coalesced = (input if dtype is None else input.to(dtype)).coalesce()
    dim = wrap_dim(dim, input.ndim)
    sparse, entries = coalesced.sparse_dim(), coalesced._entries
    if not coalesced._nnz():
        return coalesced
    if dim >= sparse:
        return coalesced._like((dense_log_softmax if log else dense_softmax)(entries, dim - sparse + 1))
    # Elements that aren't kept count as -inf: each line is the entries that differ in this dimension alone.
    others = [d for d in range(sparse) if d != dim]
    lengths = tuple(coalesced._size[d] for d in others)
    places = coalesced._coordinates._array[others]
    groups = Groups(np.ravel_multi_index(tuple(places), lengths) if others else np.zeros(coalesced._nnz(), np.int64))
    line = wrap(groups.of_value)
    with np.errstate(invalid="ignore"):
        highest = groups.reduce(np.maximum, entries._array)[groups.of_value]
    shifted = entries - wrap(np.where(np.isfinite(highest), highest, 0).astype(highest.dtype))
    powers = shifted.exp()
    totals = Total.apply(powers, groups)
    return coalesced._like(shifted - totals.log()[line] if log else powers / totals[line])


def softmax(input: Tensor, dim: int, dtype: dtypes.dtype | None = None) -> Tensor:
    """Softmax over the entries that a sparse tensor in COO keeps along `dim`; the others count as -inf.

    `dtype` converts the input first. Raises NotImplementedError for other layouts.

    >>> import rushlight as torch
    >>> torch.sparse.softmax(torch.sparse_coo_tensor([[0, 0], [0, 2]], [1.0, 1.0], (1, 3)), 1).to_dense()
    tensor([[0.5000, 0.0000, 0.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.softmax.html
    """
    return _softmaxed(input, dim, dtype, False)


def log_softmax(input: Tensor, dim: int, dtype: dtypes.dtype | None = None) -> Tensor:
    """The logarithm of `softmax` at the entries that are kept.

    Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.sparse.log_softmax(torch.sparse_coo_tensor([[0, 0], [0, 2]], [1.0, 1.0], (1, 3)), 1).values()
    tensor([-0.6931, -0.6931])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.log_softmax.html
    """
    return _softmaxed(input, dim, dtype, True)


def native_norm(
    input: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: dtypes.dtype | None = None
) -> Tensor:
    """The norm of all elements of a sparse tensor in COO; RuntimeError for some dimensions only.

    >>> import rushlight as torch
    >>> torch.native_norm(torch.sparse_coo_tensor([[0, 3]], [3.0, 4.0], (5,)))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/2.13/sparse.html
    """
    if not isinstance(input, SparseTensor):
        refuse(native_norm)
    return input.norm(p, dim, keepdim, dtype)
