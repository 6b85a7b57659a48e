"""Tensors of several parts, one of which holds their place in the graph."""

from __future__ import annotations

from typing import Any

from rushlight.tensor import Tensor

__all__ = ["PlaceOfPart"]


class PlaceOfPart(Tensor):
    """A tensor whose place in the graph is that of `_part`, the part that gradients go to."""

    _part: Any

    @property
    def requires_grad(self) -> bool:
        return bool(self._part.requires_grad)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._part.requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self._part.requires_grad_(requires_grad)
        return self

    @property
    def grad_fn(self) -> Any:
        return self._part.grad_fn
