"""Distances as functions."""

from __future__ import annotations

from rushlight.ops._numeric import check_tensor
from rushlight.ops.arithmetic import div
from rushlight.ops.distance import cosine_similarity, pairwise_distance, pdist
from rushlight.tensor import Tensor

__all__ = ["cosine_similarity", "normalize", "pairwise_distance", "pdist"]


def normalize(
    input: Tensor, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """`input / max(‖input‖_p, eps)` along `dim`: vectors of length 1, zeros where there was nothing.

    Shapes: (*) → (*). Floating-point and complex dtypes, RuntimeError for others; IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.normalize.html
    """
    check_tensor("normalize", "input", 1, input)
    length = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / length if out is None else div(input, length, out=out)
