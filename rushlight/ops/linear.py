"""`input @ weight.T + bias` and `x₁ᵀ A x₂ + b`, as the linear layers compute them.

Dimensions before the last are a batch, which is folded into the rows of one matrix product.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into, plain
from rushlight.ops._quick import arrays_of, quickly
from rushlight.ops.activation import relu
from rushlight.ops.arithmetic import conj_of
from rushlight.ops.matmul import Mm, by_transposed, matmul, product, product_of_transposed, quick_product, same_type

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["bilinear", "linear", "linear_relu"]

_float32 = np.dtype(np.float32)


class Linear(Operation):
    """`input @ weight.T + bias` for a matrix input: one matrix product with the bias added on the way out."""

    node_name = "AddmmBackward0"

    @staticmethod
    def forward(ctx: Any, bias: Any, input: Any, weight: Any) -> Any:
        needs = ctx.needs_input_grad
        ctx.save_for_backward(input if needs[2] else None, weight if needs[1] else None)
        a, w = input._array, weight._array
        if a.dtype.char in "fd":
            return kernels.gemm(a, w, transpose_b=True, bias=bias._array)
        return product(a, w.T) + bias._array

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, weight = ctx.saved_tensors
        needs = ctx.needs_input_grad
        arrays = arrays_of((grad, input, weight), optional=True)
        if arrays is not None:
            return _gradients(needs[0], *arrays)
        return (
            ColumnSum.apply(grad) if needs[0] else None,
            Mm.apply(grad, conj_of(weight)) if needs[1] else None,
            product_of_transposed(conj_of(grad), conj_of(input)) if needs[2] else None,
        )


def _gradients(bias: bool, grad: Any, input: Any, weight: Any) -> tuple[Any, Any, Any]:
    """The gradients of bias, input and weight from arrays, in one call."""
    of_bias, of_input, of_weight = kernels.linear_backward(grad, input, weight, bias)
    return (
        None if of_bias is None else plain(of_bias),
        None if of_input is None else plain(of_input),
        None if of_weight is None else plain(of_weight),
    )


class ColumnSum(Operation):
    """The sum over the rows of a matrix: the gradient of a bias."""

    node_name = "SumBackward1"

    @staticmethod
    def forward(ctx: Any, input: Any) -> Any:
        array = input._array
        ctx.rows = array.shape[0]
        if array.dtype.kind == "f" and array.dtype.itemsize >= 4:
            return kernels.sum_over(array, (0,))
        return array.astype(_float32).sum(0).astype(array.dtype) if array.dtype.kind in "fV" else array.sum(0)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad.expand(ctx.rows, -1)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """`input @ weight.T + bias` over the last dimension.

    input `(*, in_features)`, weight `(out_features, in_features)` or `(in_features,)`, bias `(out_features,)`;
    the result is `(*, out_features)` or `(*)`. One dtype. Raises RuntimeError where lengths or dtypes do not match.

    >>> import rushlight as torch
    >>> torch.nn.functional.linear(torch.ones(2, 3), torch.ones(1, 3), torch.zeros(1))
    tensor([[3.],
            [3.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.linear.html
    """
    if out is not None:
        return into(out, linear(input, weight, bias))
    if state.casts is not None:
        return state.casts.lower(linear, input, weight, bias)
    result = _quick_linear(input, weight, bias)
    if result is not None:
        return result
    try:
        a, w, b = input._array, weight._array, None if bias is None else bias._array
    except AttributeError:
        given = (input, weight) if bias is None else (input, weight, bias)
        for position, (name, tensor) in enumerate(zip(("input", "weight", "bias"), given, strict=False), 1):
            check_tensor("linear", name, position, tensor)
        raise
    if a.dtype is not w.dtype and a.dtype != w.dtype:
        if bias is None:
            same_type(input, weight)
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {input.dtype.legacy_name} and {weight.dtype.legacy_name}"
        )
    if w.ndim == 2 and a.ndim and a.shape[-1] == w.shape[1]:
        n, k = w.shape
        flat = a.ndim == 2
        if b is not None and b.shape == (n,) and (b.dtype is a.dtype or b.dtype == a.dtype):
            if flat:
                return Linear.apply(bias, input, weight)
            if a.flags.c_contiguous:
                rows = input.reshape(math.prod(a.shape[:-1]), k)
                return Linear.apply(bias, rows, weight).view(*a.shape[:-1], n)
    _check_linear(a, w, bias)
    result = matmul(input, weight.t())
    return result if bias is None else result + bias


def _quick_linear(input: Any, weight: Any, bias: Any) -> Any:
    if bias is None:
        return quick_product(by_transposed, input, weight)
    # The weight first, since it most often wants a gradient.
    return quickly(_with_bias, weight, input, bias)


def _with_bias(w: Any, a: Any, bias: Any) -> Any:
    if w.ndim != 2:
        raise ValueError("a vector of weights takes no bias of one dimension")
    return kernels.gemm(a, w, transpose_b=True, bias=bias)


def linear_relu(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`relu(linear(input, weight, bias))`; where no gradient is wanted, negatives become 0 on the product's way out."""
    result = quickly(_with_bias_and_relu, input, weight, bias) if state.casts is None else None
    return relu(linear(input, weight, bias)) if result is None else result


def _with_bias_and_relu(a: Any, w: Any, bias: Any) -> Any:
    if w.ndim != 2:
        raise ValueError("a vector of weights takes no bias of one dimension")
    return kernels.gemm(a, w, transpose_b=True, bias=bias, relu=True)


def _check_linear(a: Any, w: Any, bias: Any) -> None:
    if w.ndim not in (1, 2):
        raise RuntimeError(f"linear(): expected weight with 1 or 2 dimensions, got {w.ndim}")
    if a.ndim and a.shape[-1] != w.shape[-1]:
        rows = int(np.prod(a.shape[:-1]))
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a.shape[-1]} and "
            f"{w.shape[-1]}x{w.shape[0] if w.ndim == 2 else 1})"
        )
    if bias is not None and w.ndim == 1 and a.ndim > 1:
        raise RuntimeError("mat2 must be a matrix, got 1-D tensor")
    if bias is not None and bias._array.dtype != a.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {dtypes.from_numpy_dtype(bias._array.dtype).legacy_name} "
            f"and {dtypes.from_numpy_dtype(a.dtype).legacy_name}"
        )
    if bias is not None and w.ndim == 2 and bias._array.ndim and bias._array.shape[-1] not in (1, w.shape[0]):
        raise RuntimeError(
            f"linear(): expected bias of shape ({w.shape[0]},) for weight of shape {list(w.shape)}, got "
            f"{list(bias._array.shape)}"
        )


def _check_bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """PyTorch's conditions."""
    for position, (name, tensor) in enumerate((("input1", input1), ("input2", input2), ("weight", weight)), 1):
        check_tensor("bilinear", name, position, tensor)
    first, second, sizes = input1._array.shape, input2._array.shape, weight._array.shape
    if len(first) != len(second):
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {len(first)} and {len(second)}")
    if len(sizes) != 3:
        raise IndexError(f"bilinear(): weight must have 3 dimensions (out, in1, in2), but has shape {list(sizes)}")
    for dim, (a, b) in enumerate(zip(first[:-1], second[:-1], strict=True)):
        if a != b:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {dim}: got {a} and {b}")
    for name, shape, size in (("input1", first, sizes[1]), ("input2", second, sizes[2])):
        if not shape or shape[-1] != size:
            got = shape[-1] if shape else "no dimension"
            raise RuntimeError(f"bilinear(): {name} size does not match weight size: got {got} but expected {size}")
    if bias is not None and bias._array.ndim and bias._array.shape[0] != sizes[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias._array.shape[0]} but expected {sizes[0]}"
        )
    kinds = [t._array.dtype for t in (input1, input2, weight)]
    if any(kind != kinds[0] for kind in kinds):
        names = [t.dtype.legacy_name for t in (input1, input2, weight)]
        raise RuntimeError(
            "All tensors must have the same dtype, got input1: {}, input2: {}, weight: {}".format(*names)
        )


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`y_k = x₁ᵀ A_k x₂ + b_k` for each output feature k.

    input1 `(*, H1)`, input2 `(*, H2)`, weight `(K, H1, H2)`, bias `(K,)`; the result is `(*, K)`. Raises RuntimeError
    where shapes or dtypes differ.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(4, 2, 3))
    tensor([[6., 6., 6., 6.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.bilinear.html
    """
    _check_bilinear(input1, input2, weight, bias)
    k, h1, h2 = weight._array.shape
    lead = input1._array.shape[:-1]
    n = math.prod(lead)
    rows1, rows2 = input1.reshape(n, h1), input2.reshape(n, h2)
    mapped = (rows1 @ weight.permute(1, 0, 2).reshape(h1, k * h2)).reshape(n, k, h2)
    out = (mapped * rows2.unsqueeze(1)).sum(-1, dtype=weight.dtype).reshape(*lead, k)
    return out if bias is None else out + bias
