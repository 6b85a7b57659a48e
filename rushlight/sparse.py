"""Sparse tensors in coordinate form: the indices of the entries that are kept, and their values.

A sparse tensor holds two dense ones, and its place in the graph is that of its values: what is computed from it is
computed from them. An operation that sparse tensors don't have refuses, since it finds no array.
"""

# A sparse tensor has its own form of what dense ones have, with fewer arguments.
# mypy: disable-error-code="override, assignment, misc, attr-defined"

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.variable import Variable, wrap
from rushlight.device import check_device, device
from rushlight.layout import sparse_coo
from rushlight.ops.creation import as_tensor
from rushlight.ops.joining import cat
from rushlight.printing import format_tensor
from rushlight.size import Size
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.layout import layout

__all__ = ["mm", "sum"]


class SparseTensor(Tensor):
    """A tensor of `size` that is zero but at `indices` `(sparse_dim, nnz)`, where it has `values` `(nnz, *dense)`.

    Where an index stands twice the values are added; `coalesce` does that, and sorts. Made by `sparse_coo_tensor`, by
    `Tensor.to_sparse`, and as the gradient of embeddings with `sparse=True`.

    Source: https://docs.pytorch.org/docs/2.13/sparse.html
    """

    is_sparse = True
    _coordinates: Tensor
    _entries: Tensor
    _size: Size
    _coalesced: bool

    @property
    def _array(self) -> Any:
        raise NotImplementedError(
            "Could not run this operation with arguments from the 'SparseCPU' backend: it is not there for sparse "
            "tensors; convert with to_dense() first."
        )

    @property
    def layout(self) -> layout:
        return sparse_coo

    # What it is.

    @property
    def shape(self) -> Size:
        return self._size

    @property
    def dtype(self) -> dtypes.dtype:
        return self._entries.dtype

    @property
    def ndim(self) -> int:
        return len(self._size)

    def dim(self) -> int:
        return len(self._size)

    def size(self, dim: int | None = None) -> Any:
        return self._size if dim is None else self._size[dim]

    def numel(self) -> int:
        return self._size.numel()

    def __len__(self) -> int:
        return self._size[0]

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

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def is_contiguous(self, memory_format: Any = None) -> bool:
        return False

    def element_size(self) -> int:
        return self._entries.element_size()

    # Its place in the graph: that of its values.

    @property
    def requires_grad(self) -> bool:
        return self._entries.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._entries.requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self._entries.requires_grad_(requires_grad)
        return self

    @property
    def grad_fn(self) -> Any:
        return self._entries.grad_fn

    @property
    def grad(self) -> Tensor | None:
        gradient = self._entries.grad
        return None if gradient is None else self._like(gradient)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        self._entries.grad = value._entries if isinstance(value, SparseTensor) else value

    @property
    def _version(self) -> int:
        return self._entries._version

    def bump_version(self) -> None:
        self._entries.bump_version()

    def detach(self) -> Tensor:
        return self._like(self._entries.detach())

    def detach_(self) -> Tensor:
        self._entries.detach_()
        return self

    @property
    def data(self) -> Tensor:
        return self._like(self._entries.data)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any:
        def on_entries(gradient: Tensor) -> Tensor | None:
            changed = hook(self._like(gradient))
            return changed._entries if isinstance(changed, SparseTensor) else changed

        return self._entries.register_hook(on_entries)

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
        """A tensor of the same indices and other values."""
        return _make(self._coordinates, entries, self._size, self._coalesced)

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
        coordinates = self._coordinates._array
        if self._nnz() < 2:
            return _make(self._coordinates, self._entries, self._size, True)
        flat = np.ravel_multi_index(tuple(coordinates), self._size[: self.sparse_dim()])
        kept, first, place = np.unique(flat, return_index=True, return_inverse=True)
        if len(kept) == len(flat):
            entries = self._entries[wrap(first)]
        else:
            entries = self._entries.new_zeros((len(kept), *self._entries.shape[1:]))
            entries = entries.index_add(0, wrap(place.reshape(-1).astype(np.int64)), self._entries)
        return _make(wrap(np.ascontiguousarray(coordinates[:, first])), entries, self._size, True)

    def to_dense(self, dtype: dtypes.dtype | None = None, *, masked_grad: bool | None = None) -> Tensor:
        """The same tensor with every element in memory.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_dense.html
        """
        out = self._entries.new_zeros(self._size)
        out = out.index_put(tuple(self._coordinates), self._entries, accumulate=True)
        return out if dtype is None else out.to(dtype)

    def to_sparse(self, *args: Any, **kwargs: Any) -> Tensor:
        return self

    # Arithmetic.

    def _added(self, other: Any, alpha: Any = 1) -> Tensor:
        """`other + alpha * self`, for a sparse or a dense `other`."""
        if not isinstance(other, SparseTensor):
            return other.clone().index_put_(tuple(self._coordinates), self._entries * alpha, accumulate=True)
        if other._size != self._size:
            raise RuntimeError(
                f"add: expected sizes of 'self' and 'other' to match, but {list(other._size)} != {list(self._size)}"
            )
        coordinates = np.concatenate([other._coordinates._array, self._coordinates._array], axis=1)
        entries = cat([other._entries, self._entries if alpha == 1 else self._entries * alpha])
        total = _make(wrap(coordinates), entries, self._size, False)
        return total.coalesce() if self._coalesced and other._coalesced else total

    def _add_to_(self, target: Tensor, alpha: Any = 1) -> Tensor:
        """`target += alpha * self`, for a sparse or a dense `target`: only the rows that are kept are touched."""
        if isinstance(target, SparseTensor):
            total = self._added(target, alpha)
            target._coordinates, target._entries, target._coalesced = (
                total._coordinates,
                total._entries,
                total._coalesced,
            )
            return target
        if target.shape != self._size:
            raise RuntimeError(
                f"add: expected 'self' to be of size {list(self._size)}, but it is of size {list(target.shape)}"
            )
        entries = self._entries if alpha == 1 else self._entries * alpha
        return target.index_put_(tuple(self._coordinates), entries.to(target.dtype), accumulate=True)

    def add(self, other: Any, *, alpha: Any = 1) -> Tensor:
        if isinstance(other, SparseTensor):
            return other._added(self, alpha)
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")

    def add_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        if isinstance(other, SparseTensor):
            return other._add_to_(self, alpha)
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")

    def sub(self, other: Any, *, alpha: Any = 1) -> Tensor:
        return self.add(other, alpha=-alpha)

    def sub_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        return self.add_(other, alpha=-alpha)

    def __radd__(self, other: Any) -> Tensor:
        # Python asks the subclass first: dense + sparse comes here.
        return self._added(other) if isinstance(other, Variable) else self.add(other)

    def __rsub__(self, other: Any) -> Tensor:
        return self._added(other, -1) if isinstance(other, Variable) else self.sub(other)

    def mul(self, other: Any) -> Tensor:
        """Each value times a number, or times the element of `other` at its place."""
        if isinstance(other, SparseTensor):
            other = other.to_dense()
        if isinstance(other, Variable) and other.ndim:
            other = other.expand(self._size)[tuple(self._coordinates)]
        return self._like(self._entries * other)

    def mul_(self, other: Any) -> Tensor:
        self._entries.copy_(self.mul(other)._entries)
        return self

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """Each value divided by a number."""
        if isinstance(other, Variable) and other.ndim:
            raise RuntimeError("Sparse division requires a scalar or zero-dim dense tensor divisor")
        return self._like(self._entries.div(other, rounding_mode=rounding_mode))

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        self._entries.div_(other, rounding_mode=rounding_mode)
        return self

    def neg(self) -> Tensor:
        return self._like(-self._entries)

    def abs(self) -> Tensor:
        return self._of_zero("abs")

    def sqrt(self) -> Tensor:
        return self._of_zero("sqrt")

    def pow(self, exponent: float) -> Tensor:
        """Each value of the coalesced tensor to a power above 0, so that zeros stay."""
        if exponent == 0:
            raise RuntimeError("pow: an exponent of 0 would make every element 1, and the result dense")
        coalesced = self.coalesce()
        return coalesced._like(coalesced._entries**exponent)

    def _of_zero(self, name: str) -> Tensor:
        """A function of 0 that is 0, so that it concerns the values alone."""
        coalesced = self.coalesce()
        return coalesced._like(getattr(coalesced._entries, name)())

    def norm(self, p: Any = 2, *args: Any, **kwargs: Any) -> Tensor:
        return self.coalesce()._entries.norm(p)

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
        """The sum of all elements, or along dimensions: see `sparse.sum`."""
        return sum(self, dim, dtype) if not keepdim else sum(self, dim, dtype).to_dense()

    def t(self) -> Tensor:
        return self.transpose(0, 1)

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two of the dimensions that the indices name exchanged."""
        order = list(range(self.ndim))
        order[dim0], order[dim1] = order[dim1], order[dim0]
        kept = self.sparse_dim()
        if sorted(order[:kept]) != list(range(kept)):
            raise RuntimeError("transpose: only dimensions of the indices can be exchanged in a sparse tensor")
        size = Size([self._size[d] for d in order])
        return _make(wrap(self._coordinates._array[order[:kept]]), self._entries, size, False)

    @property
    def T(self) -> Tensor:
        return self.t()

    def matmul(self, other: Tensor) -> Tensor:
        """The product with a dense matrix or vector: see `sparse.mm`."""
        return mm(self, other) if other.ndim > 1 else mm(self, other.unsqueeze(1)).squeeze(1)

    mm = __matmul__ = matmul

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """The slices along one of the indices' dimensions that `index` names."""
        dim = dim % self.ndim
        row, wanted = self._coordinates._array[dim], index._array
        hits = [np.flatnonzero(row == w) for w in wanted]
        kept = np.concatenate(hits) if hits else np.zeros(0, np.int64)
        coordinates = self._coordinates._array[:, kept].copy()
        coordinates[dim] = np.repeat(np.arange(len(wanted)), [len(h) for h in hits])
        size = Size([len(wanted) if d == dim else n for d, n in enumerate(self._size)])
        return _make(wrap(coordinates), self._entries[wrap(kept)], size, False)

    def zero_(self) -> Tensor:
        """Leave no entry."""
        self._coordinates = wrap(np.zeros((self.sparse_dim(), 0), np.int64))
        self._entries = self._entries.new_zeros((0, *self._entries.shape[1:]))
        self._coalesced = True
        return self

    def clone(self, *, memory_format: Any = None) -> Tensor:
        return _make(self._coordinates.clone(), self._entries.clone(), self._size, self._coalesced)

    def copy_(self, src: Tensor, non_blocking: bool = False) -> Tensor:
        """Take over the indices and values of another sparse tensor."""
        if not isinstance(src, SparseTensor):
            raise RuntimeError("copy_() between dense and sparse Tensors is not implemented! Found self type = sparse")
        self._coordinates, self._size, self._coalesced = src._coordinates.clone(), src._size, src._coalesced
        self._entries = src._entries.to(self.dtype, copy=True)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Any:
        entries = self._entries.to(*args, **kwargs)
        return self if entries is self._entries else self._like(entries)

    def float(self) -> Tensor:
        return self.to(dtypes.float32)

    def double(self) -> Tensor:
        return self.to(dtypes.float64)

    def half(self) -> Tensor:
        return self.to(dtypes.float16)

    def bfloat16(self) -> Tensor:
        return self.to(dtypes.bfloat16)

    def cpu(self, memory_format: Any = None) -> Tensor:
        return self

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    __add__, __sub__, __mul__, __rmul__, __truediv__ = add, sub, mul, mul, div
    __neg__, __pow__, __iadd__, __isub__, __imul__, __itruediv__ = neg, pow, add_, sub_, mul_, div_

    # As an object.

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return _format(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            parts = copy.deepcopy((self._coordinates, self._entries), memo)
            memo[id(self)] = _make(*parts, self._size, self._coalesced)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _make, (self._coordinates, self._entries, self._size, self._coalesced)


def _make(coordinates: Tensor, entries: Tensor, size: Size, coalesced: bool) -> SparseTensor:
    out = object.__new__(SparseTensor)
    out._coordinates, out._entries, out._size, out._coalesced = coordinates, entries, size, coalesced
    return out


def rows(indices: Any, values: Any, count: int) -> SparseTensor:
    """The gradient of a table of `count` rows from the arrays of row numbers `(n,)` and of their gradients `(n, D)`."""
    size = Size((count, *values.shape[1:]))
    return _make(wrap(indices.reshape(1, -1).astype(np.int64, copy=False)), wrap(values), size, False)


def _format(tensor: SparseTensor) -> str:
    """A sparse tensor as PyTorch prints it."""
    with no_grad():
        parts = []
        for name, part in (("indices", tensor._coordinates), ("values", tensor._entries.detach())):
            text = format_tensor(part)
            if not part.numel():
                text = f"tensor([], size={tuple(part.shape)})"
            elif name == "values" and part.dtype is not dtypes.get_default_dtype():
                text = text.rpartition(", dtype=")[0] + ")" if ", dtype=" in text else text
            pad = "\n" + " " * (len(name) + 8)
            parts.append(f"{name}={text.replace(chr(10), pad)}")
    last = f"size={tuple(tensor._size)}, nnz={tensor._nnz()}"
    if tensor.dtype not in (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool):
        last += f", dtype={tensor.dtype}"
    last += ", layout=torch.sparse_coo"
    if tensor.grad_fn is not None:
        last += f", grad_fn=<{tensor.grad_fn.name()}>"
    elif tensor.requires_grad:
        last += ", requires_grad=True"
    return "tensor(" + ",\n       ".join([*parts, last]) + ")"


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
        empty = _make(wrap(np.zeros((len(shape), 0), np.int64)), wrap(np.zeros(0, kind)), shape, True)
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
    if entries.requires_grad and not requires_grad:
        # A tensor of its own, which is computed from the values.
        entries = entries.view(entries.shape)
    out = _make(coordinates, entries.detach() if requires_grad else entries, shape, bool(is_coalesced))
    return out.requires_grad_() if requires_grad else out


def _checked_size(coordinates: Any, entries: Tensor, size: Sequence[int] | None) -> Size:
    """The given size, or the smallest; RuntimeError where indices or dimensions don't fit."""
    nnz = coordinates.shape[1]
    if nnz and coordinates.min() < 0:
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


def mm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """The product of a sparse `(N, K)` and a dense `(K, M)` matrix: a dense `(N, M)` one, with gradients for both.

    >>> import rushlight as torch
    >>> torch.sparse.mm(torch.sparse_coo_tensor([[0], [1]], [2.0], (2, 2)), torch.eye(2))
    tensor([[0., 2.],
            [0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.mm.html
    """
    if not isinstance(mat1, SparseTensor):
        raise RuntimeError("sparse.mm: expected the first matrix to be sparse, got a dense one")
    if isinstance(mat2, SparseTensor):
        mat2 = mat2.to_dense()
    if mat1.ndim != 2 or mat2.ndim != 2 or mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({'x'.join(map(str, mat1.shape))} and "
            f"{'x'.join(map(str, mat2.shape))})"
        )
    row, column = mat1._coordinates
    entries = mat1._entries.unsqueeze(1) * mat2[column]
    return entries.new_zeros((mat1.shape[0], mat2.shape[1])).index_add(0, row, entries)


def sum(input: Tensor, dim: Any = None, dtype: dtypes.dtype | None = None) -> Tensor:
    """The sum of a sparse tensor's elements, or along dimensions: sparse while a dimension of the indices is left.

    >>> import rushlight as torch
    >>> torch.sparse.sum(torch.sparse_coo_tensor([[0, 1]], [2.0, 3.0], (2,)))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.sum.html
    """
    if not isinstance(input, SparseTensor):
        raise RuntimeError("sparse.sum: expected a sparse tensor, got a dense one")
    if dtype is not None:
        input = input.to(dtype)
    if dim is None:
        return input._entries.sum()
    dims = {d % input.ndim for d in ([dim] if isinstance(dim, int) else dim)}
    kept = [d for d in range(input.sparse_dim()) if d not in dims]
    dense = [d - input.sparse_dim() + 1 for d in dims if d >= input.sparse_dim()]
    entries = input._entries.sum(dense) if dense else input._entries
    if not kept:
        return entries.sum(0)
    size = Size([n for d, n in enumerate(input._size) if d not in dims])
    return _make(wrap(input._coordinates._array[kept]), entries, size, False).coalesce()
