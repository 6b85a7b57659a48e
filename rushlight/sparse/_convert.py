"""From one layout to another, dense ones included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.autograd.variable import wrap
from rushlight.layout import layout as Layout
from rushlight.layout import sparse_bsc, sparse_bsr, sparse_coo, sparse_csr, strided
from rushlight.size import Size
from rushlight.sparse._base import KeptEntries, layout_name
from rushlight.sparse._compressed import CompressedTensor, compressed
from rushlight.sparse._coo import SparseTensor, make
from rushlight.sparse._operations import Gather, GatherMasked

__all__ = ["dense_to_coo", "masked_by", "matrix_of", "to_coo", "to_layout"]

_BY_ROW = (sparse_csr, sparse_bsr)
_BLOCKED = (sparse_bsr, sparse_bsc)


def to_layout(
    input: Any, layout: Layout | None = None, blocksize: Sequence[int] | None = None, dense_dim: int | None = None,
    name: str = "to_sparse",
) -> Any:  # fmt: skip
    """A tensor in a sparse layout; RuntimeError where it has no such form."""
    if layout is None:
        layout = sparse_coo if input.layout is strided else input.layout
    if layout is strided or not isinstance(layout, Layout):
        raise RuntimeError(f"{name}: expected a sparse layout, got {layout}")
    if layout in _BLOCKED:
        blocksize = _checked_blocks(input, layout, blocksize, name)
    elif blocksize is not None:
        raise RuntimeError(
            f"{name}: conversion from {layout_name(input)} to {layout.name} with a blocksize is not supported"
        )
    if layout is sparse_coo:
        return to_coo(input)
    if input.layout is strided:
        return _from_dense(input, layout, blocksize, dense_dim or 0, name)
    if dense_dim is not None and dense_dim != input.dense_dim():
        raise RuntimeError(f"{name}: conversion from {layout_name(input)} with another dense_dim is not supported")
    if isinstance(input, CompressedTensor):
        return _from_compressed(input, layout, blocksize, name)
    if input.sparse_dim() != 2:
        raise RuntimeError(
            f"Only tensors with two sparse dimensions can be converted to the {layout.name} layout, got one with "
            f"{input.sparse_dim()} sparse dimensions."
        )
    coalesced = input.coalesce()
    if blocksize is None:
        return _compress(coalesced._coordinates._array, coalesced._entries, input._size, layout)
    return _from_dense(input.to_dense(), layout, blocksize, input.dense_dim(), name)


def _checked_blocks(input: Any, layout: Layout, blocksize: Any, name: str) -> tuple[int, int]:
    if blocksize is None:
        if input.layout is layout:
            height, width = input._block()
            return height, width
        raise RuntimeError(
            f"{name}: conversion from {layout_name(input)} to {layout.name} without blocksize argument given is not "
            "supported"
        )
    if len(blocksize) != 2 or min(blocksize) <= 0:
        raise RuntimeError(f"{name}: blocksize needs to be a tuple of two positive numbers, but got {tuple(blocksize)}")
    return int(blocksize[0]), int(blocksize[1])


def to_coo(input: Any) -> Any:
    """A tensor in coordinate form."""
    if isinstance(input, SparseTensor):
        return input
    if not isinstance(input, KeptEntries):
        return dense_to_coo(input, None, None)
    if not isinstance(input, CompressedTensor):
        raise RuntimeError(f"to_sparse: unexpected layout {input.layout}")
    batch = input._pointers.ndim - 1
    coordinates, entries = input._coordinates(), input._entries
    if batch:
        entries = entries.flatten(0, batch)
    if input._blocked:
        height, width = input._block()
        inside = np.indices((height, width)).reshape(2, 1, -1)
        start = coordinates[-2:] * np.array([[height], [width]])
        pair = (start[:, :, None] + inside).reshape(2, -1)
        lead = np.repeat(coordinates[:-2], height * width, axis=1)
        coordinates, entries = np.concatenate([lead, pair]), entries.flatten(0, 2)
        return make(wrap(coordinates), entries, input._size, False).coalesce()
    in_order = input._by_row
    if in_order and len(coordinates[0]):
        flat = np.ravel_multi_index(tuple(coordinates), tuple(input._size[: batch + 2]))
        in_order = bool((flat[1:] > flat[:-1]).all())
    return make(wrap(coordinates), entries, input._size, in_order)


def dense_to_coo(input: Any, sparse_dim: int | None, dense_dim: int | None) -> SparseTensor:
    """The elements of a dense tensor that aren't zero, in coordinate form."""
    count = input.ndim if sparse_dim is None else sparse_dim
    if dense_dim is not None:
        count = input.ndim - dense_dim
    lowest = 0 if input.ndim == 0 else 1
    if not lowest <= count <= input.ndim:
        raise RuntimeError(f"sparse_dim argument for to_sparse must be in range [{lowest}, {input.ndim}], got {count}")
    array = input.detach()._array
    kept = array != 0
    if count < array.ndim:
        kept = kept.any(axis=tuple(range(count, array.ndim)))
    coordinates = np.stack(np.nonzero(kept)) if count else np.zeros((0, int(np.any(kept))), np.int64)
    entries = Gather.apply(input, coordinates, tuple(array.shape), True)
    return make(wrap(coordinates), entries, Size(array.shape), True)


def _compress(coordinates: Any, entries: Any, size: Sequence[int], layout: Layout) -> CompressedTensor:
    """A matrix in CSR or CSC from the coordinates of its entries, which are in order by row."""
    row, col = coordinates
    if layout is sparse_csr:
        line, other, lines = row, col, size[0]
    else:
        order = np.argsort(col, kind="stable")
        line, other, lines = col[order], row[order], size[1]
        entries = entries[wrap(order)]
    pointers = np.zeros(lines + 1, np.int64)
    np.cumsum(np.bincount(line, minlength=lines), out=pointers[1:])
    return compressed(wrap(pointers), wrap(np.ascontiguousarray(other)), entries, Size(size), layout)


def matrix_of(coordinates: Any, entries: Any, size: Sequence[int], layout: Layout) -> Any:
    """A matrix in COO, CSR or CSC from the coordinates of its entries, which are in order by row and stand once."""
    if layout is sparse_coo:
        return make(wrap(np.ascontiguousarray(coordinates)), entries, Size(size), True)
    return _compress(coordinates, entries, size, layout)


def _from_compressed(input: CompressedTensor, layout: Layout, blocksize: Any, name: str) -> Any:
    if layout is input._layout and (blocksize is None or tuple(blocksize) == input._block()):
        return input
    if input._blocked:
        if layout in _BLOCKED and tuple(blocksize) == input._block():
            return _from_dense(input.to_dense(), layout, blocksize, input.dense_dim(), name, input)
        if layout in _BLOCKED:
            raise RuntimeError(
                f"{name}: conversion from {layout_name(input)} to {layout.name} with blocksize changed from "
                f"{list(input._block())} to {list(blocksize)} is not supported"
            )
        raise RuntimeError(
            f"sparse_compressed_to_{layout.name}: expected SparseCsr or SparseCsc layout but got {layout_name(input)}"
        )
    if layout in _BLOCKED or input._pointers.ndim > 1:
        return _from_dense(input.to_dense(), layout, blocksize, input.dense_dim(), name, input)
    coo = to_coo(input).coalesce()
    return _compress(coo._coordinates._array, coo._entries, input._size, layout)


def _from_dense(
    input: Any, layout: Layout, blocksize: Any, dense_dim: int, name: str, model: CompressedTensor | None = None
) -> CompressedTensor:
    """A dense tensor in a compressed layout: the elements or blocks that aren't zero, or those that `model` has."""
    batch = input.ndim - dense_dim - 2
    if batch < 0:
        raise RuntimeError(
            f"{name}: dense_dim argument + 2 must not exceed the number of dimensions, got dense_dim={dense_dim} and "
            f"{input.ndim} dimensions"
        )
    height, width = blocksize or (1, 1)
    rows, columns = input.shape[batch : batch + 2]
    if rows % height or columns % width:
        raise RuntimeError(
            f"{name}: tensor sparse size ({rows},{columns}) must be divisible by given blocksize ({height},{width})"
        )
    grid, dense = (*input.shape[:batch], rows // height, columns // width), tuple(input.shape[batch + 2 :])
    blocks = input
    if blocksize is not None:
        blocks = input.reshape((*input.shape[:batch], grid[-2], height, grid[-1], width, *dense))
        blocks = blocks.transpose(batch + 1, batch + 2)
    kept = (input if model is None else _kept(model)).detach()._array != 0
    if blocksize is not None:
        kept = kept.reshape((*input.shape[:batch], grid[-2], height, grid[-1], width, *dense)).swapaxes(
            batch + 1, batch + 2
        )
    if kept.ndim > batch + 2:
        kept = kept.any(axis=tuple(range(batch + 2, kept.ndim)))
    by_row = layout in _BY_ROW
    lines = kept if by_row else kept.swapaxes(-1, -2)
    counts = np.count_nonzero(lines, axis=-1)
    pointers = np.zeros((*counts.shape[:-1], counts.shape[-1] + 1), np.int64)
    np.cumsum(counts, axis=-1, out=pointers[..., 1:])
    each = np.unique(pointers[..., -1])
    if len(each) > 1:
        raise RuntimeError(
            f"Expect the same number of specified elements per batch, got {sorted(each.tolist())}: a batch in a "
            "compressed layout has one number of entries"
        )
    places = np.nonzero(lines)
    others = places[-1].reshape((*counts.shape[:-1], int(each[0]) if len(each) else 0))
    coordinates = np.stack(places if by_row else (*places[:-2], places[-1], places[-2]))
    entries = Gather.apply(blocks, coordinates, tuple(blocks.shape), True)
    if batch:
        entries = entries.unflatten(0, others.shape)
    return compressed(wrap(pointers), wrap(np.ascontiguousarray(others)), entries, Size(input.shape), layout)


def _kept(model: CompressedTensor) -> Any:
    return model._like(model._entries.detach().new_ones(model._entries.shape)).to_dense()


def masked_by(input: Any, mask: Any) -> Any:
    """The elements of a dense or a sparse tensor at the places of a sparse one."""
    if isinstance(input, KeptEntries):
        # As PyTorch does it: of CSR what both keep, of COO all that the mask keeps.
        if isinstance(mask, CompressedTensor):
            if not (isinstance(input, CompressedTensor) and mask._layout is sparse_csr is input._layout):
                raise RuntimeError("Expected result Tensor to be of format CSR")
            return input * mask._like(mask._entries.detach().new_ones(mask._entries.shape))
        input = input.to_dense()
    if isinstance(mask, SparseTensor):
        coordinates = mask._coordinates._array
        values = GatherMasked.apply(input, coordinates, tuple(input.shape), mask._coalesced)
        return mask._like(values)
    if not mask._blocked:
        values = GatherMasked.apply(input, mask._coordinates(), tuple(input.shape), True)
        batch = mask._pointers.ndim - 1
        return mask._like(values.unflatten(0, mask._others.shape) if batch else values)
    batch = mask._pointers.ndim - 1
    height, width = mask._block()
    rows, columns = input.shape[batch : batch + 2]
    shape = (*input.shape[:batch], rows // height, height, columns // width, width, *input.shape[batch + 2 :])
    blocks = input.reshape(shape).transpose(batch + 1, batch + 2)
    values = GatherMasked.apply(blocks, mask._coordinates(), tuple(blocks.shape), True)
    return mask._like(values.unflatten(0, mask._others.shape) if batch else values)
