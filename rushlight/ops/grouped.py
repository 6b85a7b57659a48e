"""Products of groups of matrices whose sizes differ, as a mixture of experts has them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.ops._numeric import Array, as_result, widened
from rushlight.ops.matmul import product

__all__ = ["GroupedMm"]


class GroupedMm(Operation):
    """The products of the groups of two operands, each a stack of matrices or one matrix cut up by `offs`.

    Of two matrices the inner dimension is cut and the results are a stack; of a matrix and a stack the matrix's outer
    dimension is cut, and so is the result's.
    """

    node_name = "GroupedMmBackward0"

    @staticmethod
    def forward(ctx: Any, mat_a: Any, mat_b: Any, offs: Any) -> Array:
        needs = ctx.needs_input_grad
        ctx.save_for_backward(mat_a if needs[1] else None, mat_b if needs[0] else None, offs)
        a, b = widened(mat_a._array), widened(mat_b._array)
        if offs is None:
            return as_result(product(a, b), mat_a._array.dtype)
        ends = [0, *offs._array.tolist()]
        groups = [slice(first, last) for first, last in itertools.pairwise(ends)]
        if a.ndim == b.ndim == 2:
            out = np.zeros((len(groups), a.shape[0], b.shape[1]), a.dtype)
            for i, group in enumerate(groups):
                out[i] = product(a[:, group], b[group])
        else:
            # What lies beyond the last group is zero.
            out = np.zeros((a.shape[-2], b.shape[-1]), a.dtype)
            for i, group in enumerate(groups):
                if b.ndim == 3:
                    out[group] = product(a[group], b[i])
                else:
                    out[:, group] = product(a[i], b[:, group])
        return as_result(out, mat_a._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        # The groups of the gradients are cut as those of the operands: the four cases turn into each other.
        mat_a, mat_b, offs = ctx.saved_tensors
        needs = ctx.needs_input_grad
        return (
            GroupedMm.apply(grad, mat_b.transpose(-2, -1), offs) if needs[0] else None,
            GroupedMm.apply(mat_a.transpose(-2, -1), grad, offs) if needs[1] else None,
            None,
        )
