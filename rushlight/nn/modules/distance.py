"""Distances of pairs of vectors as modules."""

from __future__ import annotations

from typing import ClassVar

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class PairwiseDistance(Module):
    """`‖x1 - x2 + eps‖_p` along the last dimension: see `functional.pairwise_distance`.

    Shapes: (N, D) or (D) each → (N) or (), with `keepdim` (N, 1) or (1).

    >>> import rushlight as torch
    >>> torch.nn.PairwiseDistance()(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor([5.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.PairwiseDistance.html
    """

    __constants__: ClassVar[list[str]] = ["norm", "eps", "keepdim"]
    norm: float
    eps: float
    keepdim: bool

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """`x1 · x2 / (‖x1‖ ‖x2‖)` along `dim`, each length at least `eps`: see `functional.cosine_similarity`.

    Shapes: (*, D, *) each, D at `dim` → (*, *).

    >>> import rushlight as torch
    >>> torch.nn.CosineSimilarity()(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0]]))
    tensor([0.7071])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.CosineSimilarity.html
    """

    __constants__: ClassVar[list[str]] = ["dim", "eps"]
    dim: int
    eps: float

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
