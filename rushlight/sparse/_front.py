"""What `torch` itself has of sparse tensors."""

from __future__ import annotations

from rushlight.sparse._create import *
from rushlight.sparse._create import __all__ as _made
from rushlight.sparse._functions import (
    ccol_indices_copy,
    col_indices_copy,
    crow_indices_copy,
    indices_copy,
    row_indices_copy,
    values_copy,
)  # fmt: skip
from rushlight.sparse._products import dsmm, hsmm, hspmm, saddmm, smm, sspaddmm

__all__ = [
    "ccol_indices_copy", "col_indices_copy", "crow_indices_copy", "dsmm", "hsmm", "hspmm", "indices_copy",
    "row_indices_copy", "saddmm", "smm", "sspaddmm", "values_copy", *_made,
]  # fmt: skip
