"""Pooling by the compiled kernels where they take the arrays (1-D and 2-D windows), else by parts or the reference."""

from __future__ import annotations

from rushlight.kernels import pool_parts
from rushlight.kernels.dispatch import prefer_native
from rushlight.kernels.reference import pool as reference

__all__ = [
    "MOST_PLACES",
    "adaptive_avg_pool",
    "adaptive_avg_pool_backward",
    "adaptive_max_pool",
    "avg_pool",
    "avg_pool_backward",
    "fractional_max_pool",
    "gather_indices",
    "max_pool",
    "max_pool_backward",
    "max_pool_places",
    "put_indices",
    "scatter_indices",
    "take_places",
]

MOST_PLACES = reference.MOST_PLACES
adaptive_avg_pool = prefer_native(pool_parts.adaptive_avg_pool)
adaptive_avg_pool_backward = prefer_native(pool_parts.adaptive_avg_pool_backward)
adaptive_max_pool = pool_parts.adaptive_max_pool
fractional_max_pool = reference.fractional_max_pool
gather_indices = reference.gather_indices
put_indices = reference.put_indices
max_pool = prefer_native(pool_parts.max_pool)
max_pool_backward = prefer_native(pool_parts.max_pool_backward)
max_pool_places = prefer_native(pool_parts.max_pool_places)
avg_pool = prefer_native(pool_parts.avg_pool)
avg_pool_backward = prefer_native(pool_parts.avg_pool_backward)
scatter_indices = prefer_native(pool_parts.scatter_indices)
take_places = reference.take_places
