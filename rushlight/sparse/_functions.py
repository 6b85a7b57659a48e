"""Sparse matrices from diagonals, equations in them, copies of parts, and checks of gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight.autograd.variable import wrap
from rushlight.layout import layout as Layout
from rushlight.layout import sparse_coo, sparse_csc, sparse_csr
from rushlight.ops._numeric import check_tensor
from rushlight.ops.linalg import solve as dense_solve
from rushlight.size import Size
from rushlight.sparse._base import KeptEntries, refuse
from rushlight.sparse._compressed import CompressedTensor
from rushlight.sparse._convert import masked_by, to_layout
from rushlight.sparse._coo import SparseTensor, make
from rushlight.sparse._operations import Gather
from rushlight.tensor import Tensor

__all__ = [
    "as_sparse_gradcheck", "ccol_indices_copy", "col_indices_copy", "crow_indices_copy", "indices_copy",
    "row_indices_copy", "spdiags", "spsolve", "values_copy",
]  # fmt: skip


def spdiags(diagonals: Tensor, offsets: Tensor, shape: Sequence[int], layout: Layout | None = None) -> Tensor:
    """A sparse matrix of `shape` with the rows of `diagonals` `(D, L)`, or one `(L,)`, along the diagonals `offsets`.

    Column j of the matrix takes its elements from column j of `diagonals`, as in SciPy. The layout is COO, or CSR or
    CSC if asked for. Raises RuntimeError for offsets that repeat and shapes that don't fit.

    >>> import rushlight as torch
    >>> torch.sparse.spdiags(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1]), (3, 3)).to_dense()
    tensor([[0., 2., 0.],
            [0., 0., 3.],
            [0., 0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.spdiags.html
    """
    check_tensor("_spdiags", "diagonals", 1, diagonals)
    check_tensor("_spdiags", "offsets", 2, offsets)
    table = diagonals.unsqueeze(0) if diagonals.ndim == 1 else diagonals
    if table.ndim != 2:
        raise RuntimeError("Diagonals must be vector or matrix")
    if len(shape) != 2:
        raise RuntimeError("Output shape must be 2d")
    steps = offsets._array.reshape(-1)
    if offsets.ndim > 1:
        raise RuntimeError("Offsets must be scalar or vector")
    if len(table._array) != len(steps):
        raise RuntimeError(
            f"Number of diagonals ({len(table._array)}) does not match the number of offsets ({len(steps)})"
        )
    if layout not in (None, sparse_coo, sparse_csr, sparse_csc):
        raise RuntimeError(f"Only output layouts (Sparse, SparseCsc, and SparseCsr) are supported, got {layout}")
    if steps.dtype != np.int64:
        raise RuntimeError(f"Offset Tensor must have dtype Long but got {offsets.dtype.legacy_name}")
    if len(np.unique(steps)) != len(steps):
        raise RuntimeError("Offset tensor contains duplicate values")
    which, col = np.indices(table._array.shape).reshape(2, -1)
    row = col - steps[which]
    inside = (row >= 0) & (row < shape[0]) & (col < shape[1])
    chosen = np.stack([which[inside], col[inside]])
    values = Gather.apply(table, chosen, tuple(table.shape), True)
    coordinates = np.ascontiguousarray(np.stack([row[inside], col[inside]]))
    out = make(wrap(coordinates), values, Size(shape), False)
    return out if layout in (None, sparse_coo) else to_layout(out, layout)


def spsolve(input: Tensor, other: Tensor, *, left: bool = True) -> Tensor:
    """The x with `input @ x = other` for a square sparse CSR matrix and a dense `(N,)` or `(N, M)`.

    Solved with all elements in memory. Gradients for both. Raises RuntimeError for another layout or shape,
    LinAlgError for a singular matrix.

    >>> import rushlight as torch
    >>> torch.sparse.spsolve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]).to_sparse_csr(), torch.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.spsolve.html
    """
    if not isinstance(input, CompressedTensor) or input.layout is not sparse_csr:
        refuse(spsolve)
    if input.ndim != 2 or input.shape[0] != input.shape[1]:
        raise RuntimeError(f"spsolve: expected a square matrix, got one of size {list(input.shape)}")
    return dense_solve(input.to_dense(), other, left=left)


def _copy_of(what: str, layout_of: Callable[[Any], bool]) -> Callable[..., Tensor]:
    def copy(input: Any, *, out: Any = None) -> Tensor:
        check_tensor(f"{what}_copy", "input", 1, input)
        if not layout_of(input):
            refuse(copy)
        part: Any = getattr(input, what)()
        copied: Tensor = part.clone()
        if out is None:
            return copied
        out.resize_(copied.shape)
        done: Tensor = out.copy_(copied)
        return done

    copy.__name__ = copy.__qualname__ = f"{what}_copy"
    kind = "csc" if what in ("ccol_indices", "row_indices") else "coo" if what == "indices" else "csr"
    copy.__doc__ = f"""A copy of `Tensor.{what}()`, the part of a sparse tensor that goes by this name.

    Raises NotImplementedError for a tensor whose layout has no such part.

    >>> import rushlight as torch
    >>> x = torch.eye(2).to_sparse_{kind}()
    >>> torch.equal(torch.{what}_copy(x), x.{what}())
    True

    Source: https://docs.pytorch.org/docs/2.13/sparse.html
    """
    return copy


def _is_compressed(input: Any) -> bool:
    return isinstance(input, CompressedTensor)


def _is_kept(input: Any) -> bool:
    return isinstance(input, KeptEntries)


crow_indices_copy = _copy_of("crow_indices", _is_compressed)
col_indices_copy = _copy_of("col_indices", _is_compressed)
ccol_indices_copy = _copy_of("ccol_indices", _is_compressed)
row_indices_copy = _copy_of("row_indices", _is_compressed)
indices_copy = _copy_of("indices", _is_kept)
values_copy = _copy_of("values", _is_kept)


def as_sparse_gradcheck(gradcheck: Callable[..., Any]) -> Callable[..., Any]:
    """`gradcheck` for functions whose inputs or outputs may be sparse tensors.

    A sparse input is varied in its values: with `masked=True` in those that it keeps, else in every element. A sparse
    output is compared with all its elements.

    >>> import rushlight as torch
    >>> check = torch.sparse.as_sparse_gradcheck(torch.autograd.gradcheck)
    >>> x = torch.eye(2, dtype=torch.float64).to_sparse().requires_grad_()
    >>> check(lambda s: torch.sparse.mm(s, torch.ones(2, 2, dtype=torch.float64)), (x,), masked=True)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.as_sparse_gradcheck.html
    """

    def gradcheck_with_sparse_support(func: Callable[..., Any], inputs: Any, **kwargs: Any) -> Any:
        masked = kwargs.pop("masked", False)
        given = inputs if isinstance(inputs, list | tuple) else (inputs,)
        models: list[Any] = []
        plain: list[Any] = []
        for one in given:
            model: Any = None
            if isinstance(one, KeptEntries) and one.requires_grad:
                model = one.detach() if masked else _all_kept(one)
                if isinstance(model, SparseTensor):
                    model = model.coalesce()
                one = model._entries.detach().requires_grad_()
            models.append(model)
            plain.append(one)

        def on_values(*values: Any) -> Any:
            found = func(*[v if m is None else m._like(v) for v, m in zip(values, models, strict=True)])
            many = isinstance(found, list | tuple)
            outs = [o.to_dense() if isinstance(o, KeptEntries) else o for o in (found if many else (found,))]
            return tuple(outs) if many else outs[0]

        return gradcheck(on_values, tuple(plain), **kwargs)

    return gradcheck_with_sparse_support


def _all_kept(tensor: Any) -> Any:
    """A sparse tensor that keeps every element, zeros too."""
    dense = tensor.detach().to_dense()
    if isinstance(tensor, CompressedTensor):
        ones = dense.new_ones(dense.shape)
        full = to_layout(ones, tensor.layout, tensor._block() if tensor._blocked else None, tensor.dense_dim())
    else:
        full = dense.new_ones(dense.shape).to_sparse(tensor.sparse_dim())
    return masked_by(dense, full)
