"""What `torch` itself has of sparse tensors."""

from __future__ import annotations

from rushlight.sparse._create import (
    sparse_bsc_tensor,
    sparse_bsr_tensor,
    sparse_compressed_tensor,
    sparse_coo_tensor,
    sparse_csc_tensor,
    sparse_csr_tensor,
)  # fmt: skip
from rushlight.sparse._functions import (
    ccol_indices_copy,
    col_indices_copy,
    crow_indices_copy,
    indices_copy,
    row_indices_copy,
    values_copy,
)  # fmt: skip
from rushlight.sparse._products import dsmm, hsmm, hspmm, saddmm, smm, sspaddmm
from rushlight.sparse._sums import native_norm

__all__ = [
    "ccol_indices_copy", "col_indices_copy", "crow_indices_copy", "dsmm", "hsmm", "hspmm", "indices_copy",
    "native_norm", "row_indices_copy", "saddmm", "smm", "sparse_bsc_tensor", "sparse_bsr_tensor",
    "sparse_compressed_tensor", "sparse_coo_tensor", "sparse_csc_tensor", "sparse_csr_tensor", "sspaddmm",
    "values_copy",
]  # fmt: skip
