"""A linear layer and cross entropy in one, some rows at a time: the logits of the whole batch are never held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import as_one, elements
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import Array
from rushlight.ops.matmul import product

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["chunked_linear_cross_entropy"]

_TWICE = "linear_cross_entropy chunked backward called twice; retain_graph=True / double backward are not supported."


class _Problem:
    """The arrays of one call, in the type to compute in."""

    def __init__(
        self, input: Tensor, weight: Tensor, target: Array, bias: Tensor | None, rows: int, work: Any, ignored: int
    ) -> None:
        self.input = input._array.astype(work, copy=False)
        self.weight = weight._array.astype(work, copy=False)
        self.bias = None if bias is None else bias._array.astype(work, copy=False)
        self.target, self.rows, self.ignored = target, rows, ignored

    def chunks(self) -> Iterator[tuple[slice, Array, Array, Array]]:
        """Some rows at a time: which, their losses, their normalizers and their logits."""
        for start in range(0, len(self.target), self.rows):
            chosen = slice(start, min(start + self.rows, len(self.target)))
            logits = kernels.gemm(self.input[chosen], self.weight, transpose_b=True, bias=self.bias)
            losses, normalizers, _ = kernels.softmax_cross_entropy(logits, self.target[chosen], self.ignored)
            yield chosen, losses, normalizers, logits

    def solved(self, factors: Array, needs: tuple[bool, bool, bool]) -> tuple[Any, tuple[Array | None, ...]]:
        """The losses' sum, each times its factor, and its gradients by input, weight and bias."""
        total = self.input.dtype.type(0)
        of_input = np.empty_like(self.input) if needs[0] else None
        of_weight = np.zeros_like(self.weight) if needs[1] else None
        of_bias = np.zeros(len(self.weight), self.weight.dtype) if needs[2] else None
        for chosen, losses, normalizers, logits in self.chunks():
            factor = np.ascontiguousarray(factors[chosen])
            total += np.dot(losses, factor)
            if not any(needs):
                continue
            slope = kernels.softmax_cross_entropy_backward(
                logits, normalizers, self.target[chosen], factor, self.ignored
            )
            if of_input is not None:
                of_input[chosen] = product(slope, self.weight)
            if of_weight is not None:
                of_weight += product(slope.T, self.input[chosen])
            if of_bias is not None:
                of_bias += slope.sum(0)
        return total, (of_input, of_weight, of_bias)


class ChunkedReduced(Operation):
    """The mean or sum, with its gradients computed on the way: backward scales them, once unless they may be kept."""

    node_name = "GeneratedBackwardFor_torch_nn__linear_cross_entropy_batch_chunked_defaultBackward"

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        linear_weight: Tensor,
        bias: Tensor | None,
        problem: _Problem,
        factors: Array,
        mean: bool,
        keep: bool,
    ) -> Any:
        needs = tuple(ctx.needs_input_grad[:3]) if any(ctx.needs_input_grad) else (False, False, False)
        total, gradients = problem.solved(factors, needs)
        if mean:
            divisor = factors.sum()
            # Where nothing counts the mean is NaN, and so are its gradients.
            scale = divisor.dtype.type(1) / divisor if divisor else divisor.dtype.type(np.nan)
            total = total * scale
            gradients = tuple(None if g is None else np.multiply(g, scale, out=g) for g in gradients)
        dtype = input._array.dtype
        ctx.gradients = tuple(None if g is None else g.astype(dtype, copy=False) for g in gradients)
        ctx.keep = keep
        return np.asarray(total).astype(dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        gradients = ctx.gradients
        if gradients is None:
            raise RuntimeError(_TWICE)
        if not ctx.keep:
            ctx.gradients = None
        return *[None if g is None else wrap(g) * grad for g in gradients], None, None, None, None


class ChunkedRows(Operation):
    """Each row's loss; backward computes the logits again."""

    node_name = "GeneratedBackwardFor_torch_nn__linear_cross_entropy_batch_chunked_no_reduction_defaultBackward"

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, linear_weight: Tensor, bias: Tensor | None, problem: _Problem, factors: Array
    ) -> Any:
        ctx.problem, ctx.factors = problem, factors
        out = np.empty(len(problem.target), input._array.dtype)
        for chosen, losses, _, _ in problem.chunks():
            out[chosen] = losses * factors[chosen]
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        dtype = grad._array.dtype
        factors = ctx.factors * grad._array.astype(ctx.factors.dtype, copy=False)
        _, gradients = ctx.problem.solved(factors, tuple(ctx.needs_input_grad[:3]))
        return *[None if g is None else wrap(g.astype(dtype, copy=False)) for g in gradients], None, None


def _check(input: Tensor, linear_weight: Tensor, target: Tensor, weight: Tensor | None, ignored: int) -> None:
    count, classes = len(input._array), len(linear_weight._array)
    if linear_weight.dtype is not input.dtype:
        raise RuntimeError(
            "expected m1 and m2 to have the same dtype, but got: "
            f"{input.dtype.name} != {linear_weight.dtype.name} (input and linear_weight)"
        )
    if target._array.shape != (count,):
        raise RuntimeError(f"expected target shape {(count,)}, got {tuple(target.shape)}")
    labels = elements(target)
    wrong = (labels != ignored) & ((labels < 0) | (labels >= classes))
    if wrong.any():
        raise RuntimeError(f"index {labels[wrong][0]} is out of bounds for dimension 1 with size {classes}")
    if weight is not None and weight._array.shape != (classes,):
        raise IndexError(f"index out of range in self: expected weight shape {(classes,)}, got {tuple(weight.shape)}")


@as_one
def chunked_linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    bias: Tensor | None,
    weight: Tensor | None,
    reduction: str,
    ignored: int,
    rows: int,
    acc_dtype: dtypes.dtype,
    keep: bool,
) -> Tensor:
    """Cross entropy of `input @ linear_weight.T + bias` and int64 classes `(N,)`, `rows` rows of logits at a time.

    Sums are kept in `acc_dtype`, at least float32. With `keep` backward can run again.
    """
    _check(input, linear_weight, target, weight, ignored)
    if acc_dtype is not input.dtype and not (input._array.dtype.itemsize == 2 and acc_dtype is dtypes.float32):
        raise RuntimeError(
            f"linear_cross_entropy supports float32 acc_dtype with float16/bfloat16 inputs, but got {acc_dtype} "
            f"acc_dtype and {input.dtype} inputs."
        )
    work = np.float32 if input._array.dtype.itemsize == 2 else input._array.dtype
    labels = target._array
    kept = labels != ignored
    if weight is None:
        factors = kept.astype(work)
    else:
        factors = np.where(kept, weight._array[np.where(kept, labels, 0)], 0).astype(work)
    problem = _Problem(input, linear_weight, labels, bias, rows, work, ignored)
    if reduction == "none":
        return ChunkedRows.apply(input, linear_weight, bias, problem, factors)
    return ChunkedReduced.apply(input, linear_weight, bias, problem, factors, reduction == "mean", keep)
