"""How `linear_cross_entropy` cuts its batch."""

from __future__ import annotations

import dataclasses
from typing import Literal

from rushlight import dtypes
from rushlight.device import device as Device

__all__ = ["LinearCrossEntropyOptions"]

_POLICIES = ("auto", "accurate", "balanced", "compact")
_HALVES = (dtypes.float16, dtypes.bfloat16)


def _factor(method: str) -> int | None:
    """N of "aspect_ratio:N", 1 of "aspect_ratio", None of anything else."""
    name, colon, number = method.partition(":")
    number = number if colon else "1"
    return int(number) if name == "aspect_ratio" and number.isdigit() and int(number) > 0 else None


@dataclasses.dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """The settings of `linear_cross_entropy` that makes the logits of some rows at a time.

    allow_retain_graph: whether backward may run again, at the cost of a copy of the gradients.
    batch_chunk_size: rows at a time; None leaves it to chunking_method.
    chunking_method: "aspect_ratio" takes as many rows as make the logits about as large as the input, "aspect_ratio:N"
    an Nth of them, "auto" one of the two by dtype, None all rows.
    acc_policy: "accurate", "balanced", "compact" or "auto"; it chooses the method behind "auto". Sums and logits are
    held in acc_dtype under all of them, which rounds no more than PyTorch's most accurate does.
    acc_dtype: the type to sum in; None is float32 for 16-bit inputs, else the input's own.

    ValueError for values other than these, and at the call if batch_chunk_size and chunking_method disagree.

    >>> import rushlight as torch
    >>> options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=2)
    >>> F = torch.nn.functional
    >>> F.linear_cross_entropy(torch.ones(5, 3), torch.zeros(4, 3), torch.tensor([0, 1, 2, 3, 0]), options=options)
    tensor(1.3863)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LinearCrossEntropyOptions.html
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: Literal["accurate", "balanced", "compact", "auto"] = "auto"
    acc_dtype: dtypes.dtype | None = None

    def __post_init__(self) -> None:
        if self.acc_policy not in _POLICIES:
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.chunking_method not in (None, "auto") and _factor(str(self.chunking_method)) is None:
            raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        rows = self.batch_chunk_size
        if rows is not None and not (isinstance(rows, int) and rows > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {rows!r}")
        if self.acc_dtype not in (None, *_HALVES, dtypes.float32, dtypes.float64):
            raise ValueError(
                "acc_dtype must be one of {None, torch.float16, torch.bfloat16, torch.float32, torch.float64}, got "
                f"{self.acc_dtype!r}. Pass acc_dtype=None to let the op pick automatically."
            )

    def _adjust(
        self,
        num_batches: int,
        in_features: int,
        num_classes: int,
        dtype: dtypes.dtype,
        device: Device | None = None,
    ) -> LinearCrossEntropyOptions:
        """The same with every "auto" and None made definite for one call."""
        halves = dtype in _HALVES and device is not None
        policy, method = self.acc_policy, self.chunking_method
        if method == "auto":
            # Rows given by number leave nothing to choose.
            method = None if self.batch_chunk_size is not None else "aspect_ratio" if halves else "aspect_ratio:2"
        if policy == "auto":
            policy = "accurate" if halves else "compact"
        rows = num_batches if self.batch_chunk_size is None else min(self.batch_chunk_size, num_batches)
        if method is not None:
            rows = _rows(num_batches, in_features, num_classes, _factor(method) or 1)
            if self.batch_chunk_size not in (None, rows):
                raise ValueError(
                    f"batch_chunk_size (={self.batch_chunk_size}) and chunking_method ('{method}') give different "
                    f"chunk sizes ({self.batch_chunk_size} vs {rows}); pass only one."
                )
        acc_dtype = self.acc_dtype
        if acc_dtype is None:
            acc_dtype = dtypes.float32 if halves and self.acc_policy == "auto" else dtype
        return dataclasses.replace(
            self, acc_policy=policy, chunking_method=method, batch_chunk_size=max(1, rows), acc_dtype=acc_dtype
        )


def _rows(num_batches: int, in_features: int, num_classes: int, factor: int) -> int:
    """The rows whose logits are about as large as the whole input: a power of two, a `factor`th of it."""
    wider = -(-num_classes // in_features)
    rows = -(-num_batches // wider)
    return min((1 << (rows - 1).bit_length()) // factor, num_batches)
