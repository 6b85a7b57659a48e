"""Sparse tensors in compressed form: where each row (or column) begins among the entries, and each one's column (row).

CSR and CSC keep single entries, by row and by column; BSR and BSC keep blocks of them.
"""

# A sparse tensor has its own form of what dense ones have, with fewer arguments.
# mypy: disable-error-code="override, assignment, misc, attr-defined"

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.reference.sparse import Pattern
from rushlight.layout import sparse_bsc, sparse_bsr, sparse_csr
from rushlight.size import Size
from rushlight.sparse._base import KeptEntries, layout_name
from rushlight.sparse._operations import Spread
from rushlight.sparse._printing import format_compressed

if TYPE_CHECKING:
    from rushlight.layout import layout
    from rushlight.tensor import Tensor

__all__ = ["CompressedTensor", "compressed", "like_compressed", "places_of"]

_BY_ROW = (sparse_csr, sparse_bsr)
_BLOCKED = (sparse_bsr, sparse_bsc)


class CompressedTensor(KeptEntries):
    """A matrix, or a batch of them, whose entries (or blocks) are kept by row or by column.

    `values` are `(*batch, nnz, *block, *dense)`; the compressed indices `(*batch, rows + 1)` say where each row's begin
    and end, the plain ones `(*batch, nnz)` in which column each is (with rows and columns exchanged in the layouts by
    column). Made by `sparse_csr_tensor` and its kin and by `Tensor.to_sparse_csr` and its kin.

    Source: https://docs.pytorch.org/docs/2.13/sparse.html
    """

    _pointers: Tensor
    _others: Tensor
    _layout: layout

    @property
    def layout(self) -> layout:
        return self._layout

    @property
    def is_sparse_csr(self) -> bool:
        return self._layout is sparse_csr

    @property
    def _by_row(self) -> bool:
        return self._layout in _BY_ROW

    @property
    def _blocked(self) -> bool:
        return self._layout in _BLOCKED

    def sparse_dim(self) -> int:
        """The number of dimensions of each matrix: 2."""
        return 2

    def dense_dim(self) -> int:
        """The number of dimensions of each value."""
        return self._entries.ndim - self._pointers.ndim - (2 if self._blocked else 0)

    def _nnz(self) -> int:
        return self._others.shape[-1]

    def _block(self) -> tuple[int, int]:
        """The lengths of a block."""
        if not self._blocked:
            return (1, 1)
        at = self._pointers.ndim
        return self._entries.shape[at], self._entries.shape[at + 1]

    def _without(self, what: str) -> NoReturn:
        raise RuntimeError(f"Sparse {self._layout.name[-3:].upper()} tensors do not have {what}")

    def is_contiguous(self, memory_format: Any = None) -> bool:
        self._without("is_contiguous")

    def contiguous(self, memory_format: Any = None) -> Tensor:
        self._without("is_contiguous")

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        if dtype is None:
            raise RuntimeError("Unimplemented backend SparseCsrCPU")
        return super().type(dtype, non_blocking)

    def stride(self, dim: int | None = None) -> Any:
        self._without("strides")

    # Its parts.

    def _checked(self, what: str, by_row: bool) -> None:
        if self._by_row is not by_row:
            raise RuntimeError(
                f"{what} expected sparse {'row' if by_row else 'column'} compressed tensor layout but got "
                f"{layout_name(self)}"
            )

    def crow_indices(self) -> Tensor:
        """Where each row begins among the entries, and where the last one ends: CSR and BSR."""
        self._checked("crow_indices", True)
        return self._pointers.detach()

    def col_indices(self) -> Tensor:
        """The column of each entry: CSR and BSR."""
        self._checked("col_indices", True)
        return self._others.detach()

    def ccol_indices(self) -> Tensor:
        """Where each column begins among the entries, and where the last one ends: CSC and BSC."""
        self._checked("ccol_indices", False)
        return self._pointers.detach()

    def row_indices(self) -> Tensor:
        """The row of each entry: CSC and BSC."""
        self._checked("row_indices", False)
        return self._others.detach()

    def values(self) -> Tensor:
        """The values of the entries."""
        return self._entries

    def _like(self, entries: Tensor) -> CompressedTensor:
        out = compressed(self._pointers, self._others, entries, self._size, self._layout)
        for name in ("_coords", "_pattern"):
            if name in self.__dict__:
                setattr(out, name, self.__dict__[name])
        return out

    def _parts(self) -> tuple[Any, ...]:
        return self._pointers, self._others, self._entries, self._size, self._layout

    def _become(self, other: Any) -> CompressedTensor:
        """Take over what another one has: the end of an in-place operation."""
        self._pointers, self._others, self._entries, self._size, self._layout = other._parts()
        for name in ("_coords", "_pattern"):
            self.__dict__.pop(name, None)
        return self

    def _coordinates(self) -> Any:
        """The places of the entries (or blocks) as coordinates `(batch dimensions + 2, all entries)`: row, then column.

        They are kept while the indices aren't written to.
        """
        key = self._pointers._array, self._others._array, self._pointers._version, self._others._version
        found = self.__dict__.get("_coords")
        if found is None or any(a is not b and not isinstance(a, int) for a, b in zip(found[0], key, strict=True)) \
                or found[0][2:] != key[2:]:  # fmt: skip
            pointers = self._pointers._array.astype(np.int64, copy=False)
            counts = np.diff(pointers, axis=-1)
            batch = counts.shape[:-1]
            lines = np.broadcast_to(np.arange(counts.shape[-1]), counts.shape)
            owner = np.repeat(lines.reshape(-1), counts.reshape(-1))
            other = self._others._array.reshape(-1).astype(np.int64, copy=False)
            pair = (owner, other) if self._by_row else (other, owner)
            each = np.repeat(np.arange(int(np.prod(batch))), self._nnz())
            lead = np.unravel_index(each, batch) if batch else ()
            found = self._coords = (
                key,
                np.stack([*lead, *pair]) if len(other) else np.zeros((len(batch) + 2, 0), np.int64),
            )
            self.__dict__.pop("_pattern", None)
        return found[1]

    def _places(self) -> Pattern:
        """Rows and columns of a matrix's entries, ordered for products; kept for the next one."""
        coordinates = self._coordinates()
        found = self.__dict__.get("_pattern")
        if found is None:
            found = self._pattern = Pattern(coordinates[-2], coordinates[-1], (self._size[-2], self._size[-1]))
        return found

    def to_dense(self, dtype: dtypes.dtype | None = None, *, masked_grad: bool | None = None) -> Tensor:
        """The same tensor with every element in memory. RuntimeError for a dtype.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_dense.html
        """
        if dtype is not None:
            raise RuntimeError("dtype argument is not supported by sparse_csr_to_dense")
        batch = self._pointers.ndim - 1
        entries = self._entries.flatten(0, batch) if batch else self._entries
        height, width = self._block()
        dense = tuple(self._size[batch + 2 :])
        grid = (*self._size[:batch], self._size[batch] // height, self._size[batch + 1] // width)
        if not self._blocked:
            return Spread.apply(entries, self._coordinates(), (*grid, *dense), True)
        out = Spread.apply(entries, self._coordinates(), (*grid, height, width, *dense), True)
        return out.transpose(batch + 1, batch + 2).reshape(tuple(self._size))

    def _add_to_(self, target: Tensor, alpha: Any = 1) -> Tensor:
        """`target += alpha * self`, for a dense `target` or one in the same layout."""
        if isinstance(target, CompressedTensor):
            return target.add_(self, alpha=alpha)
        return target.copy_(target.add(self, alpha=alpha))

    def _mul_to_(self, target: Tensor) -> NoReturn:
        raise RuntimeError("Expected result Tensor to be of format CSR")

    def _set(self, found: Any) -> Tensor:
        """The end of an in-place operation on values."""
        return self._become(found if found.dtype is self.dtype else found.to(self.dtype))

    def add_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """`add`, in place."""
        return self._set(self.add(other, alpha=alpha))

    def sub_(self, other: Any, *, alpha: Any = 1) -> NoReturn:
        """RuntimeError: PyTorch has no differences of this layout."""
        raise RuntimeError(f"unsupported tensor layout: {layout_name(self)}")

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> NoReturn:
        """RuntimeError: PyTorch has no quotients of this layout."""
        raise RuntimeError(f"unsupported tensor layout: {layout_name(self)}")

    def mul_(self, other: Any) -> Tensor:
        """`mul`, in place."""
        return self._set(self.mul(other))

    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_

    def transpose_(self, *dims: int) -> NoReturn:
        """RuntimeError: the layout would be another one."""
        raise RuntimeError(f"torch.transpose_: in-place transposition is not supported for {layout_name(self)} layout")

    t_ = transpose_

    def zero_(self) -> Tensor:
        """Leave no entry."""
        return self._become(like_compressed(self, self._size))

    def copy_(self, src: Tensor, non_blocking: bool = False) -> Tensor:
        """Take over the indices and values of another tensor of this layout, size and number of entries."""
        if not isinstance(src, CompressedTensor) or src._layout is not self._layout:
            raise RuntimeError(
                "torch.copy_: copy of sparse compressed tensors having different layouts is not supported. self layout "
                f"is {layout_name(self)} and src layout is {layout_name(src)}"
            )
        if src._nnz() != self._nnz():
            raise RuntimeError(
                "torch.copy_: only sparse compressed tensors with the same number of specified elements are supported."
            )
        parts = src._pointers.clone(), src._others.clone(), src._entries.to(self.dtype, copy=True)
        return self._become(compressed(*parts, src._size, src._layout))

    def fill_(self, value: Any) -> Tensor:
        """Set the kept entries to a number."""
        self._entries.fill_(value)
        return self

    def resize_(self, *size: Any, memory_format: Any = None) -> Tensor:
        """Give the tensor another number of rows or of columns; entries beyond them RuntimeError."""
        wanted = Size(size[0] if len(size) == 1 and not isinstance(size[0], int) else size)
        if len(wanted) != self.ndim or (self._nnz() and wanted[-1] < self._size[-1]):
            raise RuntimeError(
                "torch.resize_: Resizing columns of sparse CSR tensors to a smaller value is not supported. The "
                f"original number of columns is {self._size[-1]} while the requested new number of columns is "
                f"{wanted[-1]}."
            )
        lines = wanted[-2 if self._by_row else -1] + 1
        pointers = self._pointers._array
        more = np.full((*pointers.shape[:-1], max(lines - pointers.shape[-1], 0)), pointers[..., -1:], pointers.dtype)
        kept = np.concatenate([pointers[..., :lines], more], axis=-1)
        end = int(kept.reshape(-1)[-1])
        return self._become(
            compressed(wrap(kept), self._others[..., :end], self._entries[..., :end], wanted, self._layout)
        )

    def resize_as_sparse_(self, the_template: Any) -> Tensor:
        """Give the tensor the size of another one in a compressed layout, and its number of entries."""
        if not isinstance(the_template, CompressedTensor):
            raise RuntimeError(
                "resize_as_sparse_csr_: src  expected sparse compressed tensor layout but got "
                f"{layout_name(the_template)}"
            )
        count = the_template._nnz()
        if count == self._nnz():
            return self
        pointers = np.minimum(self._pointers._array, count)
        kept = compressed(wrap(pointers), self._others[:count], self._entries[:count], the_template._size, self._layout)
        return self._become(kept)

    def likened(self, function: Any, plain: Any = None) -> Any:
        """A tensor of this one's places, with what `function` makes like the values; of `zeros_like`, no entries."""
        none = like_compressed(self, self._size)
        return none._like(function(none._entries)) if plain is np.zeros else self._like(function(self._entries))

    # As an object.

    def new_zeros(self, *size: Any, dtype: Any = None, **options: Any) -> Tensor:
        """A tensor in this layout without entries."""
        shape = Size(size[0] if len(size) == 1 and not isinstance(size[0], int) else size)
        if self._blocked:
            raise RuntimeError(
                "empty_sparse_compressed expected sparse compressed (non-block) tensor layout but got "
                f"{layout_name(self)}"
            )
        out = like_compressed(self, shape)
        return out if dtype is None else out.to(dtype)

    new_empty = new_ones = new_zeros

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        with no_grad():
            return format_compressed(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return compressed, self._parts()


def compressed(pointers: Tensor, others: Tensor, entries: Tensor, size: Size, layout: layout) -> CompressedTensor:
    """A tensor in a compressed layout of these parts, unchecked."""
    out = object.__new__(CompressedTensor)
    out._pointers, out._others, out._entries, out._size, out._layout = pointers, others, entries, Size(size), layout
    return out


def like_compressed(model: CompressedTensor, size: Sequence[int]) -> CompressedTensor:
    """A tensor without entries, in the layout of another."""
    batch = model._pointers.ndim - 1
    height, width = model._block()
    line = size[batch] // height if model._by_row else size[batch + 1] // width
    kind = model._pointers._array.dtype
    block = (height, width) if model._blocked else ()
    dense = tuple(size[batch + 2 :])
    return compressed(
        wrap(np.zeros((*size[:batch], line + 1), kind)),
        wrap(np.zeros((*size[:batch], 0), kind)),
        model._entries.new_zeros((*size[:batch], 0, *block, *dense)),
        Size(size),
        model._layout,
    )


def places_of(tensor: Any) -> Any:
    """The coordinates of a sparse tensor's entries as an array."""
    if isinstance(tensor, CompressedTensor):
        return tensor._coordinates()
    coordinates: Variable = tensor._coordinates
    return coordinates._array
