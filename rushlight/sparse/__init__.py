"""Tensors of which only some elements are kept, by layout, and what is computed from them.

Source: https://docs.pytorch.org/docs/2.13/sparse.html
"""

from __future__ import annotations

from rushlight.sparse import _rules as _rules
from rushlight.sparse._coo import SparseTensor as SparseTensor
from rushlight.sparse._coo import rows as rows
from rushlight.sparse._create import sparse_coo_tensor as sparse_coo_tensor
from rushlight.sparse._functions import as_sparse_gradcheck, spdiags, spsolve
from rushlight.sparse._invariants import check_sparse_tensor_invariants
from rushlight.sparse._products import addmm, mm, sampled_addmm
from rushlight.sparse._sums import log_softmax, softmax, sum

__all__ = [
    "addmm", "as_sparse_gradcheck", "check_sparse_tensor_invariants", "log_softmax", "mm", "sampled_addmm", "softmax",
    "spdiags", "spsolve", "sum",
]  # fmt: skip
