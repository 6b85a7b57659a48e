"""Sparse tensors in coordinate form: the indices of the entries that are kept, and their values.

A sparse tensor holds two dense ones, and its place in the graph is that of its values: what is computed from it is
computed from them. An operation that sparse tensors don't have refuses, since it finds no array.
"""

# A sparse tensor has its own form of what dense ones have, with fewer arguments.
# mypy: disable-error-code="override, assignment, misc, attr-defined"

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.reference.sparse import Pattern
from rushlight.layout import sparse_coo
from rushlight.ops._geometry import wrap_dim
from rushlight.ops.joining import cat
from rushlight.size import Size
from rushlight.sparse._base import KeptEntries, refuse
from rushlight.sparse._operations import Groups, Spread, Total
from rushlight.sparse._printing import format_coo

if TYPE_CHECKING:
    from rushlight.layout import layout
    from rushlight.tensor import Tensor

__all__ = ["SparseTensor", "make", "rows"]


class SparseTensor(KeptEntries):
    """A tensor of `size` that is zero but at `indices` `(sparse_dim, nnz)`, where it has `values` `(nnz, *dense)`.

    Where an index stands twice the values are added; `coalesce` does that, and sorts. Made by `sparse_coo_tensor`, by
    `Tensor.to_sparse`, and as the gradient of embeddings with `sparse=True`.

    Source: https://docs.pytorch.org/docs/2.13/sparse.html
    """

    is_sparse = True
    _coordinates: Tensor
    _coalesced: bool

    @property
    def layout(self) -> layout:
        return sparse_coo

    def sparse_dim(self) -> int:
        """The number of dimensions that the indices name."""
        return self._coordinates.shape[0]

    def dense_dim(self) -> int:
        """The number of dimensions of each value."""
        return self._entries.ndim - 1

    def _nnz(self) -> int:
        return self._entries.shape[0]

    def is_coalesced(self) -> bool:
        """Whether the indices are sorted and each stands once."""
        return self._coalesced

    def _coalesced_(self, coalesced: bool) -> Tensor:
        """Say whether the tensor is coalesced, without a look at it."""
        self._coalesced = coalesced
        return self

    def is_contiguous(self, memory_format: Any = None) -> bool:
        return False

    def contiguous(self, memory_format: Any = None) -> Tensor:
        raise RuntimeError("unsupported memory format option Contiguous")

    def stride(self, dim: int | None = None) -> Any:
        return (0,) * self.ndim if dim is None else 0

    # Its parts.

    def _indices(self) -> Tensor:
        return self._coordinates

    def _values(self) -> Tensor:
        return self._entries

    def indices(self) -> Tensor:
        """The `(sparse_dim, nnz)` indices of a coalesced tensor; RuntimeError for another."""
        self._check_coalesced("indices")
        return self._coordinates

    def values(self) -> Tensor:
        """The `(nnz, *dense)` values of a coalesced tensor; RuntimeError for another."""
        self._check_coalesced("values")
        return self._entries

    def _check_coalesced(self, what: str) -> None:
        if not self._coalesced:
            raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first")

    def _like(self, entries: Tensor) -> SparseTensor:
        out = make(self._coordinates, entries, self._size, self._coalesced)
        pattern = self.__dict__.get("_pattern")
        if pattern is not None:
            out._pattern = pattern
        return out

    def _parts(self) -> tuple[Any, ...]:
        return self._coordinates, self._entries, self._size, self._coalesced

    def _become(self, other: Any) -> SparseTensor:
        """Take over what another one has: the end of an in-place operation."""
        self._coordinates, self._entries, self._size, self._coalesced = other._parts()
        return self

    def _flat(self) -> Any:
        """The place of each entry as one number."""
        lengths = tuple(self._size[: self.sparse_dim()])
        if not lengths:
            return np.zeros(self._nnz(), np.int64)
        if len(lengths) == 1:
            return self._coordinates._array[0]
        return np.ravel_multi_index(tuple(self._coordinates._array), lengths) if self._nnz() else np.zeros(0, np.int64)

    def _places(self) -> Any:
        """Rows and columns of a matrix's entries, ordered for products; kept for the next one."""
        coordinates = self._coordinates
        key = coordinates._array, coordinates._version
        found = self.__dict__.get("_pattern")
        if found is None or found[0][0] is not key[0] or found[0][1] != key[1]:
            row, col = coordinates._array
            found = self._pattern = key, Pattern(row, col, (self._size[0], self._size[1]))
        return found[1]

    def coalesce(self) -> SparseTensor:
        """The same tensor with its indices sorted and each but once: values of one index are added.

        >>> import rushlight as torch
        >>> torch.sparse_coo_tensor([[1, 1, 0]], [1.0, 2.0, 3.0], (2,)).coalesce()
        tensor(indices=tensor([[0, 1]]),
               values=tensor([3., 3.]),
               size=(2,), nnz=2, layout=torch.sparse_coo)

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.coalesce.html
        """
        if self._coalesced:
            return self
        if self._nnz() < 2:
            return make(self._coordinates, self._entries, self._size, True)
        groups = Groups(self._flat())
        coordinates = np.ascontiguousarray(self._coordinates._array[:, groups.first()])
        return make(wrap(coordinates), Total.apply(self._entries, groups), self._size, True)

    def to_dense(self, dtype: dtypes.dtype | None = None, *, masked_grad: bool | None = None) -> Tensor:
        """The same tensor with every element in memory; the gradient is taken at the kept entries. RuntimeError for a
        dtype.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_dense.html
        """
        if dtype is not None:
            raise RuntimeError("dtype argument is not supported by sparse_to_dense")
        return Spread.apply(self._entries, self._coordinates._array, tuple(self._size), self._coalesced)

    # Arithmetic that has a form of its own.

    def _added(self, other: Any, alpha: Any = 1) -> Tensor:
        """`other + alpha * self`, for a sparse or a dense `other`."""
        if not isinstance(other, Variable):
            raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
        if not isinstance(other, SparseTensor):
            if isinstance(other, KeptEntries):
                refuse(self.add)
            dense = self if alpha == 1 else self._like(self._entries * alpha)
            if tuple(other.shape) != tuple(self._size):
                raise RuntimeError(
                    f"add: expected 'self' to be of size {list(self._size)}, but it is of size {list(other.shape)}"
                )
            return other + dense.to_dense()
        if other._size != self._size:
            raise RuntimeError(
                f"add: expected sizes of 'self' and 'other' to match, but {list(other._size)} != {list(self._size)}"
            )
        if other.sparse_dim() != self.sparse_dim():
            raise RuntimeError(
                "add: expected 'self' and 'other' to have same density, but 'self' has "
                f"{other.sparse_dim()} sparse dimensions while 'other' has {self.sparse_dim()} sparse dimensions"
            )
        given = self._entries if alpha == 1 else self._entries * alpha
        coalesced = self._coalesced and other._coalesced
        if coalesced and np.array_equal(other._coordinates._array, self._coordinates._array):
            return make(other._coordinates, other._entries + given, self._size, True)
        coordinates = np.concatenate([other._coordinates._array, self._coordinates._array], axis=1)
        entries = cat([other._entries, given])
        total = make(wrap(coordinates), entries, self._size, False)
        return total.coalesce() if coalesced else total

    def _add_to_(self, target: Tensor, alpha: Any = 1) -> Tensor:
        """`target += alpha * self`, for a sparse or a dense `target`: only the rows that are kept are touched."""
        if isinstance(target, SparseTensor):
            total = self._added(target, alpha)
            return target._become(total if total.dtype is target.dtype else total.to(target.dtype))
        if target.shape != self._size:
            raise RuntimeError(
                f"add: expected 'self' to be of size {list(self._size)}, but it is of size {list(target.shape)}"
            )
        entries = self._entries if alpha == 1 else self._entries * alpha
        return target.index_put_(tuple(self._coordinates), entries.to(target.dtype), accumulate=True)

    def _mul_to_(self, target: Tensor) -> Tensor:
        """`target *= self`, for a dense `target`."""
        return target.copy_(target * self.to_dense())

    def add_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """`add`, in place."""
        if isinstance(other, SparseTensor):
            return other._add_to_(self, alpha)
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")

    def sub_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """`sub`, in place."""
        return self.add_(other, alpha=-alpha)

    def _set(self, found: Any) -> Tensor:
        """The end of an in-place operation on values: into their memory where nothing was recorded."""
        if found.dtype is not self.dtype:
            found = found.to(self.dtype)
        entries = self._entries
        if found._entries.shape == entries.shape and not (entries.requires_grad or found._entries.requires_grad):
            entries.copy_(found._entries)
            self._coordinates, self._coalesced = found._coordinates, found._coalesced
            return self
        return self._become(found)

    def mul_(self, other: Any) -> Tensor:
        """`mul`, in place."""
        found = self._set(self * other)
        # As PyTorch has it: a product with what is not sparse is not known to be coalesced.
        return found if isinstance(other, SparseTensor) else found._coalesced_(False)

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """`div`, in place."""
        return self._set(self.div(other, rounding_mode=rounding_mode))

    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        """The norm of all elements; RuntimeError for one along some dimensions only."""
        if dim is not None:
            dims = {wrap_dim(d, self.ndim) for d in ([dim] if isinstance(dim, int) else dim)}
            if dims and len(dims) < self.ndim:
                raise RuntimeError(
                    "norm_sparse currently only supports full reductions, so 'dim' must either be empty or contain all "
                    f"dimensions of the input, but dim={sorted(dims)}"
                )
        entries = self.coalesce()._entries.reshape(-1)
        return entries.norm(2 if p == "fro" else p, dtype=dtype)

    # The places.

    def _moved(self, order: Sequence[int]) -> SparseTensor:
        """The dimensions in another order, those of the indices and those of the values each among themselves."""
        kept = self.sparse_dim()
        if sorted(order[:kept]) != list(range(kept)):
            raise RuntimeError(
                "permute(sparse_coo): transpositions between sparse and dense dimensions are not allowed.Found "
                "transpositions: only dimensions of the indices can be exchanged with each other"
            )
        if list(order) == list(range(self.ndim)):
            return self._like(self._entries)
        size = Size([self._size[d] for d in order])
        entries = self._entries
        dense = [d - kept + 1 for d in order[kept:]]
        if dense != sorted(dense):
            entries = entries.permute(0, *dense)
        still = list(order[:kept]) == list(range(kept))
        coordinates = self._coordinates if still else wrap(self._coordinates._array[list(order[:kept])])
        return make(coordinates, entries, size, self._coalesced and still)

    def _narrow_copy(self, dim: int, start: int, length: int) -> SparseTensor:
        """A range of a dimension of the tensor."""
        dim = wrap_dim(dim, self.ndim)
        if start < 0:
            start += self._size[dim]
        if length < 0 or start < 0 or start + length > self._size[dim]:
            raise RuntimeError(
                f"Invalid range to narrow. range(start, start+length) must be a subset of range(0, {self._size[dim]})."
            )
        size = Size([length if d == dim else n for d, n in enumerate(self._size)])
        kept = self.sparse_dim()
        if dim >= kept:
            entries = self._entries.narrow(dim - kept + 1, start, length).clone()
            return make(self._coordinates, entries, size, self._coalesced)
        line = self._coordinates._array[dim]
        hits = np.flatnonzero((line >= start) & (line < start + length))
        coordinates = self._coordinates._array[:, hits].copy()
        coordinates[dim] -= start
        return make(wrap(coordinates), self._entries[wrap(hits)], size, self._coalesced)

    def t_(self) -> Tensor:
        """`t`, in place."""
        return self._become(self.t())

    def transpose_(self, dim0: int, dim1: int) -> Tensor:
        """`transpose`, in place."""
        return self._become(self.transpose(dim0, dim1))

    def zero_(self) -> Tensor:
        """Leave no entry."""
        self._coordinates = wrap(np.zeros((self.sparse_dim(), 0), np.int64))
        self._entries = self._entries.new_zeros((0, *self._entries.shape[1:]))
        self._coalesced = True
        return self

    def copy_(self, src: Tensor, non_blocking: bool = False) -> Tensor:
        """Take over the indices and values of another sparse tensor."""
        if not isinstance(src, SparseTensor):
            raise RuntimeError("copy_() between dense and sparse Tensors is not implemented! Found self type = sparse")
        self._coordinates, self._size, self._coalesced = src._coordinates.clone(), src._size, src._coalesced
        self._entries = src._entries.to(self.dtype, copy=True)
        return self

    def sparse_resize_(self, size: Sequence[int], sparse_dim: int, dense_dim: int) -> Tensor:
        """Give the tensor another size, and numbers of dimensions; dimensions of what it holds may only grow.

        RuntimeError where entries would be lost.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.sparse_resize_.html
        """
        if sparse_dim + dense_dim != len(size):
            raise RuntimeError(
                f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = "
                f"{sparse_dim}, dense_dim = {dense_dim}"
            )
        if self._nnz():
            for what, same in (("sparse", sparse_dim == self.sparse_dim()), ("dense", dense_dim == self.dense_dim())):
                if not same:
                    raise RuntimeError(
                        f"changing the number of {what} dimensions on a non-empty tensor is not supported"
                    )
            for what, part in (("sparse", slice(0, sparse_dim)), ("dense", slice(sparse_dim, None))):
                if any(n < m for n, m in zip(size[part], self._size[part], strict=True)):
                    raise RuntimeError(
                        f"shrinking the size of {what} dimensions on a non-empty tensor is not supported"
                    )
        dense = tuple(size[sparse_dim:])
        if tuple(self._entries.shape[1:]) != dense:
            grown = self._entries.new_zeros((self._nnz(), *dense))
            if self._nnz():
                grown[tuple(slice(0, n) for n in self._entries.shape)] = self._entries
            self._entries = grown
        if self.sparse_dim() != sparse_dim:
            self._coordinates = wrap(np.zeros((sparse_dim, 0), np.int64))
        self._size = Size(size)
        return self

    def sparse_resize_and_clear_(self, size: Sequence[int], sparse_dim: int, dense_dim: int) -> Tensor:
        """Give the tensor another size, and leave no entry.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.sparse_resize_and_clear_.html
        """
        if sparse_dim + dense_dim != len(size):
            raise RuntimeError(
                f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = "
                f"{sparse_dim}, dense_dim = {dense_dim}"
            )
        self._coordinates = wrap(np.zeros((sparse_dim, 0), np.int64))
        self._entries = self._entries.new_zeros((0, *size[sparse_dim:]))
        self._size, self._coalesced = Size(size), True
        return self

    # As an object.

    def likened(self, function: Any, plain: Any = None) -> Any:
        """No entries, of `zeros_like` and `empty_like`; others would keep every element, and refuse."""
        if plain not in (np.zeros, np.empty):
            refuse(function)
        coordinates = wrap(np.zeros((self.sparse_dim(), 0), np.int64))
        return make(coordinates, function(self._entries[:0]), self._size, True)

    def new_zeros(self, *size: Any, dtype: Any = None, **options: Any) -> Tensor:
        """A sparse tensor without entries."""
        shape = Size(size[0] if len(size) == 1 and not isinstance(size[0], int) else size)
        entries = self._entries.new_zeros(0, dtype=dtype)
        return make(wrap(np.zeros((len(shape), 0), np.int64)), entries, shape, True)

    new_empty = new_zeros

    def new_ones(self, *size: Any, **options: Any) -> Tensor:
        """NotImplementedError: all elements would be kept."""
        refuse(self.new_ones)

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        with no_grad():
            return format_coo(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return make, self._parts()


def make(coordinates: Tensor, entries: Tensor, size: Size, coalesced: bool) -> SparseTensor:
    """A sparse tensor of these parts, unchecked."""
    out = object.__new__(SparseTensor)
    out._coordinates, out._entries, out._size, out._coalesced = coordinates, entries, size, coalesced
    return out


def rows(indices: Any, values: Any, count: int) -> SparseTensor:
    """The gradient of a table of `count` rows from the arrays of row numbers `(n,)` and of their gradients `(n, D)`."""
    size = Size((count, *values.shape[1:]))
    return make(wrap(indices.reshape(1, -1).astype(np.int64, copy=False)), wrap(values), size, False)
