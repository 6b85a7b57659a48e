"""A weight as a direction and a length: `g v / ‖v‖`, the norm taken for each slice of one dimension.

The two get gradients of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import as_result, check_tensor, widened
from rushlight.ops.norms import norm

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["_weight_norm", "norm_except_dim"]


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but `dim`, which keeps its place, `(1, …, n, …, 1)`; over all of them for -1.

    >>> import rushlight as torch
    >>> torch.norm_except_dim(torch.tensor([[3.0, 4.0], [0.0, 2.0]]))
    tensor([[5.],
            [2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrizations.weight_norm.html
    """
    check_tensor("norm_except_dim", "v", 1, v)
    if dim == -1:
        return norm(v, pow)
    dim = wrap_dim(dim, v.ndim)
    shape = [n if i == dim else 1 for i, n in enumerate(v.shape)]
    slices = v.transpose(0, dim).reshape(v.shape[dim], -1) if v.ndim > 1 else v.reshape(-1, 1)
    return norm(slices, pow, 1).view(shape)


class WeightNorm(Operation):
    """`v (g / ‖v‖)`, the norm over all dimensions but the first or the last."""

    node_name = "WeightNormInterfaceBackward0"

    @staticmethod
    def forward(ctx: Any, v: Tensor, g: Tensor, dim: int) -> Any:
        ctx.save_for_backward(v, g)
        ctx.dim = dim
        array = widened(v._array)
        others = tuple(i for i in range(array.ndim) if i != dim)
        length = np.sqrt(np.square(array).sum(others, keepdims=True))
        return as_result(array * (widened(g._array) / length), v._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        v, g = ctx.saved_tensors
        others = [i for i in range(v.ndim) if i != ctx.dim]
        length = norm_except_dim(v, 2, ctx.dim)
        product = grad * v
        along = (product.sum(others, True) if others else product) / length
        to_v = (grad - v * (along / length)) * (g / length) if ctx.needs_input_grad[0] else None
        return to_v, along.reshape(g.shape), None


def _weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    """`g v / ‖v‖`, where the norm is that of `norm_except_dim` and `g` has its shape.

    Unlike those of PyTorch's kernel, the second derivatives take the norm's own change into account.

    >>> import rushlight as torch
    >>> torch._weight_norm(torch.tensor([[3.0, 4.0]]), torch.tensor([[10.0]]))
    tensor([[6., 8.]])
    """
    check_tensor("_weight_norm", "v", 1, v)
    check_tensor("_weight_norm", "g", 2, g)
    if v._array.dtype != g._array.dtype:
        raise RuntimeError(f"expected scalar type {v.dtype.legacy_name} but found {g.dtype.legacy_name}")
    if dim in (0, v.ndim - 1) and v._array.dtype.kind != "c" and g.numel() == v.shape[dim]:
        return WeightNorm.apply(v, g, dim)
    return v * (g / norm_except_dim(v, 2, dim))
