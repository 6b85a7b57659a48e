"""Chooses between the compiled pooling kernels and the NumPy ones."""

from __future__ import annotations

from rushlight.kernels.reference import pool as reference

__all__ = [
    "adaptive_avg_pool",
    "adaptive_avg_pool_backward",
    "adaptive_max_pool",
    "avg_pool",
    "avg_pool_backward",
    "gather_indices",
    "max_pool",
    "scatter_indices",
]

adaptive_avg_pool = reference.adaptive_avg_pool
adaptive_avg_pool_backward = reference.adaptive_avg_pool_backward
adaptive_max_pool = reference.adaptive_max_pool
gather_indices = reference.gather_indices
max_pool = reference.max_pool
avg_pool = reference.avg_pool
avg_pool_backward = reference.avg_pool_backward
scatter_indices = reference.scatter_indices
