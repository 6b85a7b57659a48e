"""Between dense and sparse tensors: the methods that a dense tensor has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.layout import sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr, strided

if TYPE_CHECKING:
    from rushlight.dtypes import dtype
    from rushlight.tensor import Tensor

__all__ = ["SparsityMethods"]


def _refuse(name: str, expected: str = "sparse coordinate tensor layout") -> Any:
    kind = NotImplementedError if name.startswith("_") else RuntimeError

    def method(self: Any) -> Any:
        raise kind(f"{name} expected {expected} but got {_LAYOUTS[self.layout.name]}")

    method.__name__ = name
    method.__doc__ = f"Of tensors in {expected} only: {kind.__name__} for another."
    return method


_LAYOUTS = {"strided": "Strided", "sparse_coo": "Sparse", "sparse_csr": "SparseCsr", "sparse_csc": "SparseCsc",
            "sparse_bsr": "SparseBsr", "sparse_bsc": "SparseBsc"}  # fmt: skip


def _refuse_resize(name: str) -> Any:
    def method(self: Any, size: Any, sparse_dim: int, dense_dim: int) -> Any:
        raise NotImplementedError(
            f"Could not run 'aten::{name}' with arguments from the 'CPU' backend: it is not there for tensors of the "
            f"layout {self.layout}"
        )

    method.__name__ = name
    method.__doc__ = "Of sparse tensors in coordinate form only: NotImplementedError for another."
    return method


class SparsityMethods:
    """The family's methods of Tensor."""

    coalesce, is_coalesced, indices, values = map(_refuse, ("coalesce", "is_coalesced", "indices", "values"))
    _indices, _values, _nnz = map(_refuse, ("_indices", "_values", "_nnz"))
    crow_indices, col_indices = (
        _refuse(name, "sparse row compressed tensor layout") for name in ("crow_indices", "col_indices")
    )
    ccol_indices, row_indices = (
        _refuse(name, "sparse column compressed tensor layout") for name in ("ccol_indices", "row_indices")
    )
    sparse_resize_, sparse_resize_and_clear_ = map(_refuse_resize, ("sparse_resize_", "sparse_resize_and_clear_"))

    def sparse_dim(self: Any) -> int:
        """The number of dimensions that the indices of a sparse tensor name; 0 of a dense one.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.sparse_dim.html
        """
        return 0

    def dense_dim(self: Any) -> int:
        """The number of dimensions of each value of a sparse tensor; all of a dense one.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.dense_dim.html
        """
        return int(self.ndim)

    def to_dense(self: Any, dtype: dtype | None = None, *, masked_grad: bool | None = None) -> Tensor:
        """The same tensor with every element in memory: itself, where it is dense.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_dense.html
        """
        return self if dtype is None else self.to(dtype)

    def to_sparse(
        self: Any,
        sparse_dim: int | None = None,
        *,
        layout: Any = None,
        blocksize: Any = None,
        dense_dim: int | None = None,
    ) -> Tensor:
        """The elements that aren't zero, by their indices in the first `sparse_dim` dimensions (all of them).

        Or in another `layout`: `sparse_csr`, `sparse_csc`, or with a `blocksize`, `sparse_bsr` and `sparse_bsc`; there
        the last `dense_dim` dimensions are kept whole. Raises RuntimeError for a number of dimensions out of range and
        for layouts that the tensor can't have.

        >>> import rushlight as torch
        >>> torch.tensor([0.0, 2.0]).to_sparse()
        tensor(indices=tensor([[1]]),
               values=tensor([2.]),
               size=(2,), nnz=1, layout=torch.sparse_coo)

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_sparse.html
        """
        from rushlight.sparse._convert import dense_to_coo, to_layout

        if sparse_dim is not None and (layout is not None or blocksize is not None or dense_dim is not None):
            raise TypeError(
                "to_sparse() received an invalid combination of arguments: sparse_dim goes without layout, blocksize "
                "and dense_dim"
            )
        if self.layout is strided and layout in (None, sparse_coo) and blocksize is None:
            return dense_to_coo(self, sparse_dim, dense_dim)
        if sparse_dim is not None and sparse_dim != self.sparse_dim():
            raise RuntimeError(
                f"to_sparse: conversion from {_LAYOUTS[self.layout.name]} to Sparse with sparse_dim argument "
                "!=self.sparse_dim() is not supported"
            )
        return to_layout(self, sparse_coo if layout is None and blocksize is None else layout, blocksize, dense_dim)

    def to_sparse_coo(self: Any) -> Tensor:
        """The same tensor in coordinate form.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_sparse_coo.html
        """
        return self.to_sparse()

    def to_sparse_csr(self: Any, dense_dim: int | None = None) -> Tensor:
        """The elements of a matrix that aren't zero, by row; of more dimensions, a batch of matrices.

        The last `dense_dim` dimensions are kept whole. RuntimeError where matrices of a batch keep different numbers.

        >>> import rushlight as torch
        >>> torch.tensor([[0.0, 2.0], [3.0, 0.0]]).to_sparse_csr().col_indices()
        tensor([1, 0])

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_sparse_csr.html
        """
        return _in_layout(self, sparse_csr, None, dense_dim)

    def to_sparse_csc(self: Any, dense_dim: int | None = None) -> Tensor:
        """`to_sparse_csr`, by column.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_sparse_csc.html
        """
        return _in_layout(self, sparse_csc, None, dense_dim)

    def to_sparse_bsr(self: Any, blocksize: Any, dense_dim: int | None = None) -> Tensor:
        """The blocks of a matrix that have an element that isn't zero, by row. RuntimeError for blocks that don't fit.

        >>> import rushlight as torch
        >>> torch.eye(4).to_sparse_bsr((2, 2)).values().shape
        torch.Size([2, 2, 2])

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_sparse_bsr.html
        """
        return _in_layout(self, sparse_bsr, blocksize, dense_dim)

    def to_sparse_bsc(self: Any, blocksize: Any, dense_dim: int | None = None) -> Tensor:
        """`to_sparse_bsr`, by column.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_sparse_bsc.html
        """
        return _in_layout(self, sparse_bsc, blocksize, dense_dim)

    def sparse_mask(self: Any, mask: Any) -> Tensor:
        """The elements at the indices of a sparse tensor of the same size.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.sparse_mask.html
        """
        from rushlight.sparse._convert import masked_by

        if not hasattr(mask, "is_sparse"):
            raise TypeError(f"sparse_mask(): argument 'mask' (position 1) must be Tensor, not {type(mask).__name__}")
        if mask.layout is strided:
            raise RuntimeError("sparse_mask: expected the mask to be sparse")
        if tuple(mask.shape) != tuple(self.shape):
            raise RuntimeError(
                f"sparse_mask(): operands have incompatible sizes; self has size {list(self.shape)} but mask has size "
                f"{list(mask.shape)}"
            )
        return masked_by(self, mask)

    def smm(self: Any, mat2: Tensor) -> Tensor:
        """`torch.smm`: the product of a sparse and a dense matrix, in sparse form.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.smm.html
        """
        from rushlight.sparse._products import smm

        return smm(self, mat2)

    def sspaddmm(self: Any, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
        """`torch.sspaddmm`: this sparse tensor plus a product, in sparse form.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.sspaddmm.html
        """
        from rushlight.sparse._products import sspaddmm

        return sspaddmm(self, mat1, mat2, beta=beta, alpha=alpha)


def _in_layout(tensor: Any, layout: Any, blocksize: Any, dense_dim: int | None) -> Tensor:
    from rushlight.sparse._convert import to_layout

    return to_layout(tensor, layout, blocksize, dense_dim, f"to_{layout.name}")
