"""Products that a sparse matrix takes part in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.autograd.variable import wrap
from rushlight.kernels.reference.sparse import Pattern
from rushlight.layout import layout as Layout
from rushlight.layout import sparse_coo, sparse_csc, sparse_csr, strided
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into
from rushlight.ops.matmul import check_batches, check_inner
from rushlight.ops.matmul import mm as dense_mm
from rushlight.sparse._base import KeptEntries, layout_name, refuse
from rushlight.sparse._compressed import CompressedTensor
from rushlight.sparse._convert import matrix_of, to_coo, to_layout
from rushlight.sparse._coo import SparseTensor, make
from rushlight.sparse._operations import Groups, Product, ReducedProduct, SampledProduct, Total
from rushlight.tensor import Tensor

__all__ = [
    "addmm", "addmm_rule", "bmm_rule", "dsmm", "hsmm", "hspmm", "mm", "mm_rule", "mv_rule", "saddmm", "sampled_addmm",
    "smm", "sspaddmm",
]  # fmt: skip


class MatrixProduct(Product):
    """`Product`, as `mm` records it."""

    node_name = "MmBackward0"


class VectorProduct(Product):
    """`Product`, as `mv` records it."""

    node_name = "MvBackward0"


class SparseTotal(Total):
    """`Total`, as the product of two sparse matrices records it."""

    node_name = "SparseSparseMatmulBackward0"


def _same_type(a: Any, b: Any) -> None:
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {a.dtype.legacy_name} != {b.dtype.legacy_name}"
        )


def _times_dense(sparse: Any, dense: Any, operation: type[Product] = MatrixProduct) -> Any:
    if sparse.dense_dim():
        raise RuntimeError(f"addmm: a matrix of {sparse.dense_dim()} dense dimensions has no product")
    if isinstance(sparse, CompressedTensor) and sparse._blocked:
        if not sparse._by_row:
            raise RuntimeError(
                f"addmm: computation on CPU is not implemented for Strided + {layout_name(sparse)} @ Strided"
            )
        sparse = to_coo(sparse)
    return operation.apply(sparse._entries, dense, sparse._places())


def _dense_times(dense: Any, sparse: Any) -> Any:
    if isinstance(sparse, CompressedTensor) and sparse._blocked:
        if sparse._by_row:
            raise RuntimeError(
                f"addmm: computation on CPU is not implemented for Strided + Strided @ {layout_name(sparse)}"
            )
        sparse = to_coo(sparse)
    return MatrixProduct.apply(sparse._entries, dense.t(), sparse._places().flipped).t()


def _sparse_times_sparse(a: Any, b: Any) -> Any:
    """The product of two sparse matrices: in COO if one of them is, else in CSR."""
    for matrix in (a, b):
        if isinstance(matrix, CompressedTensor) and matrix._blocked:
            raise RuntimeError(
                "zeros_sparse_compressed expected sparse compressed (non-block) tensor layout but got "
                f"{layout_name(matrix)}"
            )
    layout: Layout = sparse_coo if isinstance(a, SparseTensor) or isinstance(b, SparseTensor) else sparse_csr
    left, right = a._places(), b._places()
    lengths, order = right.counts[left.col], right.order
    # Each entry of the left meets all entries of the row of the right that its column names.
    first = np.repeat(np.arange(len(left.col)), lengths)
    turn = np.arange(len(first)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    second = right.starts[left.col][first] + turn
    second = second if order is None else order[second]
    shape = (a.shape[0], b.shape[1])
    groups = Groups(left.row[first] * shape[1] + right.col[second])
    values = a._entries[wrap(first)] * b._entries[wrap(second)]
    entries = SparseTotal.apply(values, groups)
    coordinates = np.stack(np.unravel_index(groups.keys, shape)) if groups.keys.size else np.zeros((2, 0), np.int64)
    return matrix_of(coordinates, entries, shape, layout)


def mm_rule(operation: Any, a: Any, b: Any) -> Any:
    """The product of two matrices, of which one at least is sparse."""
    if a.ndim != 2 or b.ndim != 2:
        raise RuntimeError(f"matrices expected, got {a.ndim}D, {b.ndim}D tensors")
    check_inner(a._array, b._array)
    _same_type(a, b)
    if not isinstance(b, KeptEntries):
        return _times_dense(a, b)
    return _sparse_times_sparse(a, b) if isinstance(a, KeptEntries) else _dense_times(a, b)


def mv_rule(operation: Any, a: Any, b: Any) -> Any:
    """The product of a sparse matrix and a dense vector."""
    if isinstance(b, KeptEntries):
        refuse(operation)
    return _times_dense(a, b.unsqueeze(1), VectorProduct).squeeze(1)


def bmm_rule(operation: Any, a: Any, b: Any) -> Any:
    """The products of a batch of sparse matrices in COO and dense ones: dense."""
    if not isinstance(a, SparseTensor) or isinstance(b, KeptEntries):
        refuse(operation)
    check_batches(a._array, b._array)
    batch, rows, inner = a.shape
    which, row, col = a._coordinates._array
    pattern = Pattern(which * rows + row, which * inner + col, (batch * rows, batch * inner))
    flat = b.reshape(batch * inner, b.shape[2])
    return MatrixProduct.apply(a._entries, flat, pattern).reshape(batch, rows, b.shape[2])


def addmm_rule(operation: Any, input: Any, mat1: Any, mat2: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    """`beta * input + alpha * (mat1 @ mat2)` where matrices are sparse."""
    sparse = isinstance(mat1, KeptEntries), isinstance(mat2, KeptEntries)
    in_coo = isinstance(mat1, SparseTensor) or isinstance(mat2, SparseTensor) or isinstance(input, SparseTensor)
    if in_coo and isinstance(input, KeptEntries):
        raise RuntimeError(
            f"addmm_sparse_dense: expected strided result tensor, got tensor with layout {layout_name(input)}"
        )
    if in_coo and all(sparse):
        raise RuntimeError(
            "addmm_sparse_dense: expected either 'mat1' to have sparse layout and 'mat2' to have strided layout, got "
            f"'mat1' with layout {layout_name(mat1)} and 'mat2' with layout {layout_name(mat2)}"
        )
    found = mm_rule(operation, mat1, mat2)
    found = found if alpha == 1 else found * alpha
    if isinstance(input, KeptEntries):
        if not all(sparse):
            refuse(operation)
        return (input if beta == 1 else input * beta) + found
    if isinstance(found, KeptEntries):
        found = found.to_dense()
    return found if beta == 0 else (input if beta == 1 else input * beta) + found


def mm(mat1: Tensor, mat2: Tensor, reduce: str | None = None, *, out: Tensor | None = None) -> Tensor:
    """The product of matrices `(N, K)` and `(K, M)` of which one may be sparse, or both: dense unless both are.

    With `reduce`, "sum", "mean", "amax" or "amin", the products of each element are reduced so, of a CSR matrix and a
    dense one; elements without a product are 0. Gradients for both. float and complex dtypes. Raises RuntimeError for
    shapes or dtypes that don't fit.

    >>> import rushlight as torch
    >>> torch.sparse.mm(torch.sparse_coo_tensor([[0], [1]], [2.0], (2, 2)), torch.eye(2))
    tensor([[0., 2.],
            [0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.mm.html
    """
    check_tensor("_sparse_mm", "sparse", 1, mat1)
    check_tensor("_sparse_mm", "dense", 2, mat2)
    if reduce is not None:
        return into(out, _reduced_mm(mat1, mat2, reduce))
    if not isinstance(mat1, KeptEntries) and not isinstance(mat2, KeptEntries):
        return dense_mm(mat1, mat2, out=out)
    found = mm_rule(MatrixProduct, mat1, mat2)
    if isinstance(found, KeptEntries) and mat1.layout is mat2.layout is sparse_csc:
        found = to_layout(found, sparse_csc)
    if isinstance(mat1, KeptEntries) and not isinstance(mat2, KeptEntries):
        found = _times_dense(mat1, mat2, Product)
    return into(out, found)


def _reduced_mm(mat1: Any, mat2: Any, reduce: str) -> Any:
    if not isinstance(mat1, CompressedTensor):
        refuse(mm)
    if mat1.layout is not sparse_csr:
        raise RuntimeError(f"sparse_mm_reduce: expect self to be SparseCsr, got {layout_name(mat1)}")
    if mat2.layout is not strided:
        raise RuntimeError(f"sparse_mm_reduce: expect other to be Strided, got {layout_name(mat2)}")
    if reduce not in ("sum", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    check_inner(mat1._array, mat2._array)
    _same_type(mat1, mat2)
    if reduce == "sum":
        return _times_dense(mat1, mat2, Product)
    return ReducedProduct.apply(mat1._entries, mat2, mat1._places(), reduce)


def addmm(
    mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """`beta * mat + alpha * (mat1 @ mat2)` for a sparse `(N, K)` matrix and dense `mat` `(N, M)` and `mat2` `(K, M)`.

    >>> import rushlight as torch
    >>> torch.sparse.addmm(torch.ones(2, 2), torch.eye(2).to_sparse(), torch.eye(2), alpha=3)
    tensor([[4., 1.],
            [1., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.addmm.html
    """
    if not isinstance(mat1, KeptEntries) and not isinstance(mat2, KeptEntries):
        return into(out, mat.addmm(mat1, mat2, beta=beta, alpha=alpha))
    return into(out, addmm_rule(addmm, mat, mat1, mat2, beta, alpha))


def sampled_addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1.0, alpha: float = 1.0, out: Tensor | None = None
) -> Tensor:
    """`alpha * (mat1 @ mat2)` at the places of a CSR matrix `input` `(N, M)` alone, plus `beta * input`.

    `mat1` `(N, K)` and `mat2` `(K, M)` are dense. Raises RuntimeError for other layouts and shapes that don't fit.

    >>> import rushlight as torch
    >>> torch.sparse.sampled_addmm(torch.eye(2).to_sparse_csr(), torch.ones(2, 3), torch.ones(3, 2)).to_dense()
    tensor([[4., 0.],
            [0., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.sampled_addmm.html
    """
    if not isinstance(input, CompressedTensor):
        refuse(sampled_addmm)
    if input.layout is not sparse_csr:
        raise RuntimeError(f"sampled_addmm: Expected result to have sparse csr layout, but got {layout_name(input)}")
    for name, matrix in (("mat1", mat1), ("mat2", mat2)):
        if matrix.layout is not strided:
            raise RuntimeError(f"sampled_addmm: Expected {name} to have strided layout, but got {layout_name(matrix)}")
        if matrix.dtype is not input.dtype:
            raise RuntimeError(f"sampled_addmm: Expected {name} and self to have the same dtype")
    if mat1.ndim < 2 or mat2.ndim < 2:
        raise RuntimeError("sampled_addmm: Expected mat1 and mat2 to be matrices")
    if mat1.shape[-1] != mat2.shape[-2]:
        raise RuntimeError(
            f"sampled_addmm: mat1 and mat2 shapes cannot be multiplied ({mat1.shape[-2]}x{mat1.shape[-1]} and "
            f"{mat2.shape[-2]}x{mat2.shape[-1]})"
        )
    if input.shape[-2:] != (mat1.shape[-2], mat2.shape[-1]):
        raise RuntimeError("sampled_addmm: self dims must match the dims of mat1 @ mat2")
    if tuple(input.shape[:-2]) != tuple(mat1.shape[:-2]) or tuple(mat1.shape[:-2]) != tuple(mat2.shape[:-2]):
        raise RuntimeError("sampled_addmm: Expected self, mat1 and mat2 to have the same batch dimensions")
    place = input._coordinates()
    left, right = mat1.flatten(0, -2), mat2.mT.flatten(0, -2)
    lead = np.ravel_multi_index(tuple(place[:-2]), tuple(input.shape[:-2])) if len(place) > 2 else 0
    rows, columns = input.shape[-2:]
    pattern = Pattern(lead * rows + place[-2], lead * columns + place[-1], (left.shape[0], right.shape[0]))
    found = SampledProduct.apply(left, right, pattern).reshape(input._entries.shape)
    found = found if alpha == 1 else found * alpha
    if beta != 0:
        found = found + (input._entries if beta == 1 else input._entries * beta)
    result = input._like(found)
    return result if out is None else out._become(result)  # type: ignore[attr-defined]


def hspmm(mat1: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a sparse `(N, K)` and a dense `(K, M)` matrix, as a sparse tensor of whole rows.

    The rows that the first matrix has entries in are kept. Raises RuntimeError for shapes that don't fit.

    >>> import rushlight as torch
    >>> torch.hspmm(torch.sparse_coo_tensor([[1], [0]], [2.0], (2, 2)), torch.ones(2, 3))
    tensor(indices=tensor([[1]]),
           values=tensor([[2., 2., 2.]]),
           size=(2, 3), nnz=1, layout=torch.sparse_coo)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.hspmm.html
    """
    if not isinstance(mat1, SparseTensor):
        refuse(hspmm)
    if mat1.sparse_dim() != 2 or mat2.ndim != 2:
        raise RuntimeError("hspmm: Argument #1 and #2: two matrices expected")
    check_inner(mat1._array, mat2._array)
    a = mat1.coalesce()
    row, col = a._coordinates._array
    kept, line = np.unique(row, return_inverse=True)
    pattern = Pattern(line.reshape(-1), col, (len(kept), a.shape[1]))
    values = Product.apply(a._entries, mat2, pattern)
    found = make(wrap(kept[None]), values, type(a._size)((a.shape[0], mat2.shape[1])), False)
    return found if out is None else out._become(found)  # type: ignore[attr-defined]


hsmm = hspmm


def dsmm(input: Tensor, mat2: Tensor) -> Tensor:
    """`mm`, by the name it had for a dense matrix `(n, k)` from a sparse one: `(n, m)`.

    >>> import rushlight as torch
    >>> torch.dsmm(torch.eye(2).to_sparse(), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 2.],
            [3., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/sparse.html
    """
    return dense_mm(input, mat2)


def _only_coo(function: Callable[..., Any], *matrices: Any) -> None:
    if not all(isinstance(matrix, SparseTensor) for matrix in matrices):
        refuse(function)


def smm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of a sparse matrix `(N, K)` and a dense one `(K, M)`, in sparse form.

    Raises RuntimeError for lengths that do not match.

    >>> import rushlight as torch
    >>> torch.smm(torch.eye(2).to_sparse(), torch.ones(2, 2)).layout
    torch.sparse_coo

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.smm.html
    """
    _only_coo(smm, input)
    none = input.new_zeros((input.shape[0], mat2.shape[1]))
    return sspaddmm(none, input, mat2)


def sspaddmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """`beta * input + alpha * (mat1 @ mat2)` for sparse `input` and `mat1` and a dense `mat2`, in sparse form.

    Raises RuntimeError for lengths that do not match.

    >>> import rushlight as torch
    >>> one = torch.eye(2).to_sparse()
    >>> torch.sspaddmm(one, one, torch.eye(2)).to_dense()
    tensor([[2., 0.],
            [0., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sspaddmm.html
    """
    _only_coo(sspaddmm, input, mat1)
    if isinstance(mat2, KeptEntries):
        refuse(sspaddmm)
    check_inner(mat1._array, mat2._array)
    a: Any = mat1.coalesce()
    kept = np.unique(a._coordinates._array[0])
    product = _times_dense(a, mat2)[wrap(kept)]
    row = np.repeat(kept, mat2.shape[1])
    col = np.tile(np.arange(mat2.shape[1]), len(kept))
    values = product.reshape(-1) if alpha == 1 else product.reshape(-1) * alpha
    found = make(wrap(np.stack([row, col])), values, type(a._size)((a.shape[0], mat2.shape[1])), False)
    total = found._added(input if beta == 1 else input * beta)
    total._coalesced_(False)  # type: ignore[attr-defined]
    return total if out is None else out._become(total)  # type: ignore[attr-defined]


def saddmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1, out: Any = None) -> Any:
    """`sspaddmm`, by its older name: `beta * input + alpha * mat1 @ mat2` of sparse `input` and `mat1`, as a sparse
    matrix.

    >>> import rushlight as torch
    >>> x = torch.eye(2).to_sparse()
    >>> torch.saddmm(x, x, torch.ones(2, 2)).to_dense()
    tensor([[2., 1.],
            [1., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/sparse.html
    """
    if isinstance(mat1, SparseTensor) and not isinstance(input, SparseTensor):
        raise RuntimeError("saddmm: expected the tensor that is added to to be sparse, got a dense one")
    return sspaddmm(input, mat1, mat2, beta=beta, alpha=alpha, out=out)
