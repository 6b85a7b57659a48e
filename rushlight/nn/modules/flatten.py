"""Joining dimensions into one, and parting one into several."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """The dimensions from `start_dim` to `end_dim` joined into one: as a rule all but the batch.

    Shapes: (*, S_start, …, S_end, *) → (*, S_start · … · S_end, *). Any dtype.

    >>> import rushlight as torch
    >>> torch.nn.Flatten()(torch.zeros(32, 1, 5, 5)).shape
    torch.Size([32, 25])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Flatten.html
    """

    __constants__: ClassVar[list[str]] = ["start_dim", "end_dim"]
    start_dim: int
    end_dim: int

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Dimension `dim` parted into the sizes `unflattened_size`, of which one may be -1: the inverse of Flatten.

    Shapes: (*, S_dim, *) → (*, *unflattened_size, *). Any dtype. TypeError unless the sizes are a tuple or list of
    integers; RuntimeError, from the call, if they don't multiply to S_dim.

    >>> import rushlight as torch
    >>> torch.nn.Unflatten(1, (2, 5, 5))(torch.zeros(32, 50)).shape
    torch.Size([32, 2, 5, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Unflatten.html
    """

    __constants__: ClassVar[list[str]] = ["dim", "unflattened_size"]
    dim: int
    unflattened_size: tuple[int, ...] | list[int]

    def __init__(self, dim: int, unflattened_size: tuple[int, ...] | list[int]) -> None:
        super().__init__()
        self._require_tuple_int(unflattened_size)
        self.dim = dim
        self.unflattened_size = unflattened_size

    def _require_tuple_int(self, sizes: Any) -> None:
        if not isinstance(sizes, (tuple, list)):
            raise TypeError(f"unflattened_size must be a tuple of ints, but found type {type(sizes).__name__}")
        for i, size in enumerate(sizes):
            if not isinstance(size, int):
                raise TypeError(
                    f"unflattened_size must be tuple of ints, but found element of type {type(size).__name__} at pos "
                    f"{i}"
                )

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
