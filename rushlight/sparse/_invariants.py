"""What holds of a sparse tensor's parts, and whether that is checked when one is made."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from rushlight.layout import layout as Layout
from rushlight.layout import sparse_bsc, sparse_bsr, sparse_csr

__all__ = ["check_compressed", "check_coordinates", "check_sparse_tensor_invariants", "checks"]

F = TypeVar("F", bound=Callable[..., Any])


class _State:
    enabled = False


class check_sparse_tensor_invariants:
    """Whether the indices of sparse tensors are looked at when one is made: off at first.

    `enable()`, `disable()` and `is_enabled()` are the switch; an instance is a context manager, or a decorator, within
    which it is on (off with `enable=False`).

    >>> import rushlight as torch
    >>> torch.sparse.check_sparse_tensor_invariants.is_enabled()
    False
    >>> with torch.sparse.check_sparse_tensor_invariants():
    ...     torch.sparse.check_sparse_tensor_invariants.is_enabled()
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sparse.check_sparse_tensor_invariants.html
    """

    def __init__(self, enable: bool = True) -> None:
        self.state = enable
        self.saved_state: bool | None = None

    @staticmethod
    def is_enabled() -> bool:
        """Whether the checks are on."""
        return _State.enabled

    @staticmethod
    def enable() -> None:
        """Turn the checks on."""
        _State.enabled = True

    @staticmethod
    def disable() -> None:
        """Turn the checks off."""
        _State.enabled = False

    def __enter__(self) -> None:
        if self.saved_state is not None:
            raise RuntimeError(
                "This context manager instance is already activated. Use a different instance for nesting."
            )
        self.saved_state = _State.enabled
        _State.enabled = self.state

    def __exit__(self, *exception: object) -> None:
        assert self.saved_state is not None
        _State.enabled, self.saved_state = self.saved_state, None

    def __call__(self, mth: F) -> F:
        @functools.wraps(mth)
        def test_mth(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.state):
                return mth(*args, **kwargs)

        return test_mth  # type: ignore[return-value]


def checks(asked: bool | None) -> bool:
    """Whether to check: as asked, or as the switch says."""
    return _State.enabled if asked is None else asked


def check_coordinates(coordinates: Any, size: Sequence[int], coalesced: bool) -> None:
    """RuntimeError if indices said to be coalesced are not sorted and distinct."""
    if not coalesced or coordinates.shape[1] < 2:
        return
    flat = np.ravel_multi_index(tuple(coordinates), tuple(size[: len(coordinates)]))
    if not (flat[1:] > flat[:-1]).all():
        raise RuntimeError("cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor")


def check_compressed(
    pointers: Any, others: Any, values: Any, size: Sequence[int], layout: Layout, elements: bool
) -> None:
    """RuntimeError where the parts of a compressed tensor don't fit together; with `elements`, the indices too."""
    by_row, blocked = layout in (sparse_csr, sparse_bsr), layout in (sparse_bsr, sparse_bsc)
    one, other = ("crow_indices", "col_indices") if by_row else ("ccol_indices", "row_indices")
    for name, part in ((one, pointers), (other, others)):
        if part.ndim == 0:
            raise RuntimeError(f"{name} must have dimensionality >= 1 but got 0")
    if pointers.ndim != others.ndim:
        raise RuntimeError(
            f"{one} and {other} dimensionalities must be equal but got {pointers.ndim} and {others.ndim}, respectively"
        )
    batch = pointers.ndim - 1
    base = 2 if not blocked else 4
    dense = values.ndim - batch - (base - 1)
    if dense < 0:
        raise RuntimeError(
            f"values must have dimensionality > sum of batch and block dimensionalities (={batch} + {base - 2}) but "
            f"got {values.ndim}"
        )
    if len(size) != batch + 2 + dense:
        raise RuntimeError(
            f"tensor dimensionality must be sum of batch, base, and dense dimensionalities (={batch} + 2 + {dense}) "
            f"but got {len(size)}"
        )
    if any(n < 0 for n in size):
        raise RuntimeError(f"tensor sizes must not be negative, got {list(size)}")
    block = values.shape[batch + 1 : batch + 3] if blocked else (1, 1)
    for axis, length in enumerate(block):
        if length == 0 or size[batch + axis] % length:
            raise RuntimeError(
                f"tensor shape[{batch + axis}] (={size[batch + axis]}) must be divisible with blocksize[{axis}] "
                f"(={length}) as defined by values shape"
            )
    count = size[batch] // block[0] if by_row else size[batch + 1] // block[1]
    across = size[batch + 1] // block[1] if by_row else size[batch] // block[0]
    lead = tuple(size[:batch])
    if pointers.shape != (*lead, count + 1):
        raise RuntimeError(
            f"{one}.shape[-1] must be equal to the number of {'rows' if by_row else 'columns'} + 1 (={count + 1}), but "
            f"got {pointers.shape[-1]}"
            if pointers.shape[:-1] == lead
            else f"all batch dimensions of the {one} must be equal to {list(lead)}, got {list(pointers.shape[:-1])}"
        )
    nnz = others.shape[-1]
    if others.shape != (*lead, nnz):
        raise RuntimeError(f"all batch dimensions of the {other} must be equal to {list(lead)}")
    if values.shape[: batch + 1] != (*lead, nnz):
        raise RuntimeError(
            f"number of specified elements must be the same for {other} (={nnz}) and values (={values.shape[batch]})"
        )
    if tuple(values.shape[batch + (3 if blocked else 1) :]) != tuple(size[batch + 2 :]):
        raise RuntimeError("values and size must have the same dense dimensions")
    if elements:
        _check_indices(pointers, others, nnz, across, (one, other))


def _check_indices(pointers: Any, others: Any, nnz: int, across: int, names: tuple[str, str]) -> None:
    one, other = names
    for name, part in ((one, pointers), (other, others)):
        if part.dtype.name not in ("int32", "int64"):
            raise RuntimeError(f"{name} must have dtype int32 or int64")
    if pointers.dtype != others.dtype:
        raise RuntimeError(f"{one} and {other} must have the same dtype")
    if (pointers[..., 0] != 0).any():
        raise RuntimeError(f"`{one}[..., 0] == 0` is not satisfied.")
    if (pointers[..., -1] != nnz).any():
        raise RuntimeError(f"`{one}[..., -1] == nnz` is not satisfied.")
    steps = np.diff(pointers, axis=-1)
    if (steps < 0).any() or (steps > across).any():
        raise RuntimeError(f"`0 <= {one}[..., 1:] - {one}[..., :-1] <= {across}` is not satisfied.")
    if others.size and (others.min() < 0 or others.max() >= across):
        which = f"`0 <= {other}" if others.min() < 0 else f"`{other} < {across}"
        raise RuntimeError(f"{which}` is not satisfied.")
    flat, counts = others.reshape(-1, nnz), steps.reshape(-1, steps.shape[-1])
    for row, count in zip(flat, counts, strict=True):
        line = np.repeat(np.arange(len(count)), count)
        same = line[1:] == line[:-1]
        if (same & (row[1:] <= row[:-1])).any():
            raise RuntimeError(
                f"`{other}[..., {one}[..., i - 1]:{one}[..., i]] for all i = 1, ..., dim are sorted and distinct along "
                "the last dimension values` is not satisfied."
            )
