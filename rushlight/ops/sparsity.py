"""Between dense and sparse tensors: the methods that a dense tensor has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.variable import wrap
from rushlight.layout import sparse_coo
from rushlight.size import Size

if TYPE_CHECKING:
    from rushlight.dtypes import dtype
    from rushlight.tensor import Tensor

__all__ = ["SparsityMethods"]


def _refuse(name: str) -> Any:
    def method(self: Tensor) -> Any:
        raise RuntimeError(f"{name} expected sparse coordinate tensor layout but got Strided")

    method.__name__ = name
    method.__doc__ = "Of sparse tensors only: RuntimeError for a dense one."
    return method


class SparsityMethods:
    """The family's methods of Tensor."""

    coalesce, is_coalesced, indices, values = map(_refuse, ("coalesce", "is_coalesced", "indices", "values"))
    sparse_dim, dense_dim, _indices, _values, _nnz = map(
        _refuse, ("sparse_dim", "dense_dim", "_indices", "_values", "_nnz")
    )

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

        Raises RuntimeError for a number of dimensions out of range and for a layout other than `sparse_coo`.

        >>> import rushlight as torch
        >>> torch.tensor([0.0, 2.0]).to_sparse()
        tensor(indices=tensor([[1]]),
               values=tensor([2.]),
               size=(2,), nnz=1, layout=torch.sparse_coo)

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to_sparse.html
        """
        from rushlight.sparse import sparse_coo_tensor

        if layout not in (None, sparse_coo) or blocksize is not None:
            raise RuntimeError(f"to_sparse: expected the layout torch.sparse_coo without blocks, got {layout}")
        count = self.ndim if sparse_dim is None else sparse_dim
        if dense_dim is not None:
            count = self.ndim - dense_dim
        if not 0 < count <= max(self.ndim, 1) or not self.ndim:
            raise RuntimeError(f"sparse_dim argument for to_sparse must be in range [1, {self.ndim}], got {count}")
        array = self._array
        kept = array != 0
        if count < array.ndim:
            kept = kept.any(axis=tuple(range(count, array.ndim)))
        places = tuple(wrap(axis) for axis in np.nonzero(kept))
        coordinates = wrap(np.stack([p._array for p in places]))
        return sparse_coo_tensor(coordinates, self[places], Size(array.shape), is_coalesced=True)

    def sparse_mask(self: Any, mask: Any) -> Tensor:
        """The elements at the indices of a sparse tensor of the same size.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.sparse_mask.html
        """
        if not hasattr(mask, "is_sparse"):
            raise TypeError(f"sparse_mask(): argument 'mask' (position 1) must be Tensor, not {type(mask).__name__}")
        if not mask.is_sparse:
            raise RuntimeError("sparse_mask: expected the mask to be sparse")
        if tuple(mask.shape) != tuple(self.shape):
            raise RuntimeError(
                f"sparse_mask(): operands have incompatible sizes; self has size {list(self.shape)} but mask has size "
                f"{list(mask.shape)}"
            )
        return mask._like(self[tuple(mask._coordinates)])
