"""Sparse tensors made from their parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import Variable, wrap
from rushlight.device import check_device, device
from rushlight.layout import layout as Layout
from rushlight.layout import sparse_bsc, sparse_bsr, sparse_csc, sparse_csr
from rushlight.ops.creation import as_tensor
from rushlight.size import Size
from rushlight.sparse._compressed import compressed
from rushlight.sparse._coo import make
from rushlight.sparse._invariants import check_compressed, check_coordinates, checks
from rushlight.sparse._operations import renamed
from rushlight.tensor import Tensor

__all__ = [
    "sparse_bsc_tensor", "sparse_bsr_tensor", "sparse_compressed_tensor", "sparse_coo_tensor", "sparse_csc_tensor",
    "sparse_csr_tensor",
]  # fmt: skip


def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Sequence[int] | None = None,
    *,
    dtype: dtypes.dtype | None = None,
    device: device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A sparse tensor from the `(sparse_dim, nnz)` indices of its entries and their `(nnz, *dense)` values.

    `size` is as small as the indices allow if it isn't given; `sparse_coo_tensor(size)` has no entry. Any dtype. Raises
    RuntimeError for indices out of range, and where the shapes of indices, values and size don't fit.

    >>> import rushlight as torch
    >>> torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse_coo_tensor.html
    """
    check_device(device)
    if values is None:
        shape = Size(size if size is not None else indices)
        kind = (dtype or dtypes.get_default_dtype()).numpy_dtype
        empty = make(wrap(np.zeros((len(shape), 0), np.int64)), wrap(np.zeros(0, kind)), shape, True)
        return empty.requires_grad_(requires_grad) if requires_grad else empty
    coordinates = as_tensor(indices).detach().to(dtypes.int64)
    entries = as_tensor(values)
    entries = entries.to(dtype) if dtype is not None else entries
    if coordinates.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(coordinates.shape)}")
    if entries.ndim == 0 or coordinates.shape[1] != entries.shape[0]:
        nnz = entries.shape[0] if entries.ndim else 0
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {coordinates.shape[1]}, nnz from "
            f"values: {nnz}"
        )
    shape = _checked_size(coordinates._array, entries, size)
    if checks(check_invariants):
        check_coordinates(coordinates._array, shape, bool(is_coalesced))
    if entries.requires_grad and not requires_grad:
        # A tensor of its own, which is computed from the values.
        entries = renamed(entries, "SparseCooTensorWithDimsAndTensorsBackward0")
    out = make(coordinates, entries.detach() if requires_grad else entries, shape, bool(is_coalesced))
    return out.requires_grad_() if requires_grad else out


def _checked_size(coordinates: Any, entries: Tensor, size: Sequence[int] | None) -> Size:
    """The given size, or the smallest; RuntimeError where indices or dimensions don't fit."""
    nnz = coordinates.shape[1]
    if nnz and coordinates.size and coordinates.min() < 0:
        dim = int(np.argmax(coordinates.min(axis=1) < 0))
        raise RuntimeError(f"found negative index {int(coordinates[dim].min())} for dim {dim}")
    largest = coordinates.max(axis=1) if nnz else np.full(len(coordinates), -1)
    if size is None:
        return Size([*(int(n) + 1 for n in largest), *entries.shape[1:]])
    sparse, dense = len(coordinates), entries.ndim - 1
    if len(size) != sparse + dense:
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = {sparse}, "
            f"dense_dim = {dense}"
        )
    for dim, (n, most) in enumerate(zip(size, largest, strict=False)):
        if most >= n:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {dim}, size is {n} but found index {int(most)}"
            )
    if tuple(size[sparse:]) != tuple(entries.shape[1:]):
        raise RuntimeError(f"values has incorrect size, expected {[nnz, *size[sparse:]]}, got {list(entries.shape)}")
    return Size(size)


def _indices(name: str, given: Any) -> Any:
    part: Any = given if isinstance(given, Variable) else as_tensor(given)
    if part.dtype not in (dtypes.int32, dtypes.int64):
        if isinstance(given, Variable) and not part.dtype.is_floating_point and not part.dtype.is_complex:
            return part.to(dtypes.int64)
        if part.numel() and isinstance(given, Variable):
            raise RuntimeError(f"{name} must be an integer tensor, got {part.dtype}")
        part = part.to(dtypes.int64)
    return part.detach()


def _smallest(pointers: Any, others: Any, values: Any, layout: Layout) -> list[int]:
    """The size that the indices allow at least."""
    by_row, blocked = layout in (sparse_csr, sparse_bsr), layout in (sparse_bsr, sparse_bsc)
    batch = pointers.ndim - 1
    block = values.shape[batch + 1 : batch + 3] if blocked else (1, 1)
    lines = pointers.shape[-1] - 1
    across = int(others._array.max()) + 1 if others.numel() else 0
    pair = (lines, across) if by_row else (across, lines)
    dense = values.shape[batch + (3 if blocked else 1) :]
    return [*pointers.shape[:-1], pair[0] * block[0], pair[1] * block[1], *dense]


def sparse_compressed_tensor(
    compressed_indices: Any,
    plain_indices: Any,
    values: Any,
    size: Sequence[int] | None = None,
    *,
    dtype: dtypes.dtype | None = None,
    layout: Any = None,
    device: device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """A tensor in a compressed layout (`sparse_csr`, `sparse_csc`, `sparse_bsr`, `sparse_bsc`) from its parts.

    `compressed_indices` `(*batch, n + 1)` say where the entries of each row (column) begin and end, `plain_indices`
    `(*batch, nnz)` in which column (row) each is, `values` are `(*batch, nnz, *block, *dense)`. `size` is as small as
    the indices allow if it isn't given. Raises RuntimeError where shapes don't fit, and for wrong indices if asked to
    check.

    >>> import rushlight as torch
    >>> s = torch.sparse_compressed_tensor([0, 1, 2], [1, 0], [3.0, 4.0], layout=torch.sparse_csr)
    >>> s.to_dense()
    tensor([[0., 3.],
            [4., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse_compressed_tensor.html
    """
    if layout is None:
        raise RuntimeError("expected sparse compressed tensor layout but got none")
    if layout not in (sparse_csr, sparse_csc, sparse_bsr, sparse_bsc):
        raise RuntimeError(f"expected sparse compressed tensor layout but got {layout}")
    check_device(device)
    by_row = layout in (sparse_csr, sparse_bsr)
    pointers = _indices("crow_indices" if by_row else "ccol_indices", compressed_indices)
    others = _indices("col_indices" if by_row else "row_indices", plain_indices)
    entries = values if isinstance(values, Variable) else as_tensor(values)
    entries = entries.to(dtype) if dtype is not None else entries
    if size is None:
        size = _smallest(pointers, others, entries, layout)
    check_compressed(pointers._array, others._array, entries._array, tuple(size), layout, checks(check_invariants))
    if requires_grad:
        entries = entries.detach()
    elif entries.requires_grad:
        entries = renamed(entries, "SparseCompressedTensorBackward0")
    out = compressed(pointers, others, entries, Size(size), layout)  # type: ignore[arg-type]
    return out.requires_grad_() if requires_grad else out


def sparse_csr_tensor(
    crow_indices: Any, col_indices: Any, values: Any, size: Sequence[int] | None = None, *,
    dtype: dtypes.dtype | None = None, layout: Any = None, device: device | str | None = None, pin_memory: bool = False,
    requires_grad: bool = False, check_invariants: bool | None = None,
) -> Tensor:  # fmt: skip
    """A matrix kept by rows: where each row's entries begin and end, the column of each and its value.

    See `sparse_compressed_tensor`.

    >>> import rushlight as torch
    >>> torch.sparse_csr_tensor([0, 2, 3], [0, 1, 1], [1.0, 2.0, 3.0], (2, 2)).to_dense()
    tensor([[1., 2.],
            [0., 3.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse_csr_tensor.html
    """
    return sparse_compressed_tensor(
        crow_indices, col_indices, values, size, dtype=dtype, layout=sparse_csr, device=device,
        requires_grad=requires_grad, check_invariants=check_invariants,
    )  # fmt: skip


def sparse_csc_tensor(
    ccol_indices: Any, row_indices: Any, values: Any, size: Sequence[int] | None = None, *,
    dtype: dtypes.dtype | None = None, layout: Any = None, device: device | str | None = None, pin_memory: bool = False,
    requires_grad: bool = False, check_invariants: bool | None = None,
) -> Tensor:  # fmt: skip
    """A matrix kept by columns: where each column's entries begin and end, the row of each and its value.

    See `sparse_compressed_tensor`.

    >>> import rushlight as torch
    >>> torch.sparse_csc_tensor([0, 1, 3], [0, 0, 1], [1.0, 2.0, 3.0], (2, 2)).to_dense()
    tensor([[1., 2.],
            [0., 3.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse_csc_tensor.html
    """
    return sparse_compressed_tensor(
        ccol_indices, row_indices, values, size, dtype=dtype, layout=sparse_csc, device=device,
        requires_grad=requires_grad, check_invariants=check_invariants,
    )  # fmt: skip


def sparse_bsr_tensor(
    crow_indices: Any, col_indices: Any, values: Any, size: Sequence[int] | None = None, *,
    dtype: dtypes.dtype | None = None, layout: Any = None, device: device | str | None = None, pin_memory: bool = False,
    requires_grad: bool = False, check_invariants: bool | None = None,
) -> Tensor:  # fmt: skip
    """A matrix of blocks `(nnz, height, width)` kept by rows of blocks. See `sparse_compressed_tensor`.

    >>> import rushlight as torch
    >>> torch.sparse_bsr_tensor([0, 1], [1], [[[1.0], [2.0]]], (2, 2)).to_dense()
    tensor([[0., 1.],
            [0., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse_bsr_tensor.html
    """
    return sparse_compressed_tensor(
        crow_indices, col_indices, values, size, dtype=dtype, layout=sparse_bsr, device=device,
        requires_grad=requires_grad, check_invariants=check_invariants,
    )  # fmt: skip


def sparse_bsc_tensor(
    ccol_indices: Any, row_indices: Any, values: Any, size: Sequence[int] | None = None, *,
    dtype: dtypes.dtype | None = None, layout: Any = None, device: device | str | None = None, pin_memory: bool = False,
    requires_grad: bool = False, check_invariants: bool | None = None,
) -> Tensor:  # fmt: skip
    """A matrix of blocks `(nnz, height, width)` kept by columns of blocks. See `sparse_compressed_tensor`.

    >>> import rushlight as torch
    >>> torch.sparse_bsc_tensor([0, 0, 1], [0], [[[1.0], [2.0]]], (2, 2)).to_dense()
    tensor([[0., 1.],
            [0., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse_bsc_tensor.html
    """
    return sparse_compressed_tensor(
        ccol_indices, row_indices, values, size, dtype=dtype, layout=sparse_bsc, device=device,
        requires_grad=requires_grad, check_invariants=check_invariants,
    )  # fmt: skip
