"""`beta * input + alpha * product`: a product of matrices or vectors added to a tensor, each with a weight.

With `beta` 0 the input is not read, and its NaN does not come through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.ops._geometry import shape_text
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into
from rushlight.ops._quick import quickly
from rushlight.ops.arithmetic import conj_of
from rushlight.ops.matmul import (
    Mv,
    check_batches,
    check_inner,
    check_matrix_vector,
    gradients_of_stacks,
    is_half,
    outer,
    product,
    product_of_transposed,
    product_with_transposed,
    transposed_by_vector,
)
from rushlight.ops.promotion import like, result_type, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | complex

__all__ = ["addbmm", "addmm", "addmv", "addmv_", "addr", "baddbmm"]

_float32 = np.dtype(np.float32)


def _weight(number: Any, dtype: np.dtype[Any]) -> Any:
    """A weight as a factor for an array: for integers what is left of it as an integer, wrapped around."""
    if dtype.kind in "iu":
        return np.asarray(int(number) & 0xFFFFFFFFFFFFFFFF, np.uint64).astype(dtype)
    return number


def _weighted(array: Any, product_: Any, beta: Any, alpha: Any) -> Any:
    """The weighted sum of an array and a product made for it, which is overwritten where it can be."""
    if alpha != 1:
        product_ = np.multiply(product_, _weight(alpha, product_.dtype), out=product_)
    # PyTorch ignores the input altogether when beta is zero: its NaNs don't spread.
    if beta == 0:
        return product_
    if beta != 1:
        array = array * _weight(beta, product_.dtype)
    return np.add(product_, array, out=product_)


class WeightedProduct(Operation):
    """What the sums of a tensor and a product have in common; a subclass says which product."""

    @classmethod
    def of(cls, ctx: Any, tensors: tuple[Any, Any, Any], beta: Any, alpha: Any, multiply: Callable[..., Any]) -> Any:
        """The weighted sum; 16-bit types are rounded once, at the end."""
        input, one, other = tensors
        needs = ctx.needs_input_grad
        ctx.like, ctx.beta, ctx.alpha = like(input), beta, alpha
        ctx.save_for_backward(one if needs[2] else None, other if needs[1] else None)
        array, a, b = input._array, one._array, other._array
        if is_half(a.dtype):
            wide = multiply(a.astype(_float32), b.astype(_float32))
            return _weighted(array.astype(_float32), wide, beta, alpha).astype(a.dtype)
        return _weighted(array, multiply(a, b), beta, alpha)

    @staticmethod
    def scaled(ctx: Any, grad: Tensor) -> tuple[Any, Tensor]:
        """The gradients of the input, if it is wanted, and of the product."""
        beta, alpha = ctx.beta, ctx.alpha
        to_input = grad if beta == 1 else grad * beta.conjugate()
        wanted = ctx.needs_input_grad[0]
        return (unbroadcast(to_input, ctx.like) if wanted else None), grad if alpha == 1 else grad * alpha.conjugate()


class Addmm(WeightedProduct):
    """`beta * input + alpha * mat1 @ mat2`."""

    node_name = "AddmmBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, mat1: Any, mat2: Any, beta: Any, alpha: Any) -> Any:
        bias, a, b = input._array, mat1._array, mat2._array
        if beta == 1 and alpha == 1 and bias.ndim == 1 and a.dtype.char in "fd" and bias.shape[0] == b.shape[1]:
            needs = ctx.needs_input_grad
            ctx.like, ctx.beta, ctx.alpha = like(input), 1, 1
            ctx.save_for_backward(mat1 if needs[2] else None, mat2 if needs[1] else None)
            return kernels.gemm(a, b, bias=bias)
        return Addmm.of(ctx, (input, mat1, mat2), beta, alpha, product)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        mat1, mat2 = ctx.saved_tensors
        needs = ctx.needs_input_grad
        to_input, grad = Addmm.scaled(ctx, grad)
        return (
            to_input,
            product_with_transposed(grad, mat2) if needs[1] else None,
            product_of_transposed(mat1, grad) if needs[2] else None,
            None,
            None,
        )


class Addmv(WeightedProduct):
    """`beta * input + alpha * mat @ vec`."""

    node_name = "AddmvBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, mat: Any, vec: Any, beta: Any, alpha: Any) -> Any:
        return Addmv.of(ctx, (input, mat, vec), beta, alpha, product)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        mat, vec = ctx.saved_tensors
        needs = ctx.needs_input_grad
        to_input, grad = Addmv.scaled(ctx, grad)
        return (
            to_input,
            outer(grad, conj_of(vec)) if needs[1] else None,
            transposed_by_vector(mat, grad) if needs[2] else None,
            None,
            None,
        )


class Baddbmm(WeightedProduct):
    """`beta * input + alpha * batch1 @ batch2`, a product for each of a batch."""

    node_name = "BaddbmmBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, batch1: Any, batch2: Any, beta: Any, alpha: Any) -> Any:
        return Baddbmm.of(ctx, (input, batch1, batch2), beta, alpha, product)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        to_input, grad = Baddbmm.scaled(ctx, grad)
        return (to_input, *gradients_of_stacks(ctx.needs_input_grad[1:3], grad, *ctx.saved_tensors), None, None)


def _product_summed(a: Any, b: Any) -> Any:
    """The sum of a batch's products: one product of the matrices side by side."""
    return product(a.transpose(1, 0, 2).reshape(a.shape[1], -1), b.reshape(-1, b.shape[2]))


class Addbmm(WeightedProduct):
    """`beta * input + alpha * Σ batch1 @ batch2`, summed over the batch."""

    node_name = "AddbmmBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, batch1: Any, batch2: Any, beta: Any, alpha: Any) -> Any:
        ctx.count = batch1._array.shape[0]
        return Addbmm.of(ctx, (input, batch1, batch2), beta, alpha, _product_summed)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        to_input, grad = Addbmm.scaled(ctx, grad)
        grads = grad.expand(ctx.count, -1, -1)
        return (to_input, *gradients_of_stacks(ctx.needs_input_grad[1:3], grads, *ctx.saved_tensors), None, None)


class Addr(Operation):
    """`beta * input + alpha * outer(vec1, vec2)`, in the type that the three promote to."""

    node_name = "AddrBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, vec1: Any, vec2: Any, beta: Any, alpha: Any) -> Any:
        needs = ctx.needs_input_grad
        ctx.like, ctx.likes = like(input), (like(vec1), like(vec2))
        ctx.beta, ctx.alpha = beta, alpha
        ctx.save_for_backward(vec1 if needs[2] else None, vec2 if needs[1] else None)
        dtype = result_type(input, vec1, vec2).numpy_dtype
        array, a, b = (t._array.astype(dtype, copy=False) for t in (input, vec1, vec2))
        product_ = np.multiply(a[:, None], b)
        if dtype.kind == "b":
            kept = product_ & bool(alpha)
            return kept if not beta else kept | array
        if is_half(dtype):
            beta, alpha = (float(np.asarray(n).astype(dtype)) for n in (beta, alpha))
            return _weighted(array.astype(_float32), product_.astype(_float32), beta, alpha).astype(dtype)
        return _weighted(array, product_, beta, alpha)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        vec1, vec2 = ctx.saved_tensors
        needs = ctx.needs_input_grad
        to_input, grad = WeightedProduct.scaled(ctx, grad)
        one, other = ctx.likes
        return (
            to_input,
            unbroadcast(Mv.apply(grad, conj_of(vec2).to(grad.dtype)), one) if needs[1] else None,
            unbroadcast(Mv.apply(grad.t(), conj_of(vec1).to(grad.dtype)), other) if needs[2] else None,
            None,
            None,
        )


def _check_expands(input: Any, shape: tuple[int, ...]) -> None:
    """RuntimeError if the tensor to add to does not broadcast to the product's shape."""
    given = input._array.shape
    if given == shape:
        return
    lead = len(shape) - len(given)
    if lead < 0:
        raise RuntimeError(
            f"expand(torch.{input.dtype.legacy_name}Tensor{{{shape_text(given)}}}, size={shape_text(shape)}): the "
            f"number of sizes provided ({len(shape)}) must be greater or equal to the number of dimensions in the "
            f"tensor ({len(given)})"
        )
    for i, (n, m) in enumerate(zip(given, shape[lead:], strict=True)):
        if n not in (1, m):
            raise RuntimeError(
                f"The expanded size of the tensor ({m}) must match the existing size ({n}) at non-singleton dimension "
                f"{lead + i}.  Target sizes: {shape_text(shape)}.  Tensor sizes: {shape_text(given)}"
            )


def _check_same(input: Any, first: Any, others: Any) -> None:
    """RuntimeError if the types of input and factors differ; NotImplementedError for bools, which have no products."""
    a, b = first._array.dtype, others._array.dtype
    if a != b:
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {first.dtype.legacy_name} and {others.dtype.legacy_name}"
        )
    if input._array.dtype != a:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {input.dtype.legacy_name} and {others.dtype.legacy_name}"
        )
    if a.kind == "b":
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")


def _check_in_place(input: Any, shape: tuple[int, ...]) -> None:
    if input._array.shape != shape:
        raise RuntimeError(
            f"Bad in-place call: input tensor size {shape_text(input._array.shape)} and output tensor size "
            f"{shape_text(shape)} should match"
        )


def _addmm_shape(input: Any, mat1: Any, mat2: Any) -> tuple[int, ...]:
    """The shape of `addmm`'s result, once its arguments have been checked."""
    try:
        a, b = mat1._array, mat2._array
    except AttributeError:
        check_tensor("addmm", "mat1", 2, mat1)
        check_tensor("addmm", "mat2", 3, mat2)
        raise
    if a.ndim != 2 or b.ndim != 2:
        raise RuntimeError(f"mat1 and mat2 must be matrices, got {a.ndim}-D and {b.ndim}-D tensors")
    check_inner(a, b)
    check_tensor("addmm", "input", 1, input)
    _check_same(input, mat1, mat2)
    shape = a.shape[0], b.shape[1]
    _check_expands(input, shape)
    return shape


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """`beta * input + alpha * (mat1 @ mat2)`: `(n, k)` times `(k, m)`, and an input that broadcasts to `(n, m)`.

    Of one dtype; for integers the weights are truncated. An input with `beta=0` is not looked at. Raises RuntimeError
    for other ranks, for lengths and dtypes that do not match, NotImplementedError for bool.

    >>> import rushlight as torch
    >>> torch.addmm(torch.ones(2), torch.ones(1, 3), torch.ones(3, 2), beta=0.5)
    tensor([[3.5000, 3.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.addmm.html
    """
    result = _quick_sum((2, 2), input, mat1, mat2, beta, alpha, out)
    if result is not None:
        return result
    if state.casts is not None and out is None:
        return state.casts.lower(addmm, input, mat1, mat2, beta=beta, alpha=alpha)
    _addmm_shape(input, mat1, mat2)
    return into(out, Addmm.apply(input, mat1, mat2, beta, alpha))


def _quick_sum(ranks: tuple[int, int], input: Any, one: Any, other: Any, beta: Any, alpha: Any, out: Any) -> Any:
    """The sum with the product of float matrices, vectors or stacks; None where more than numbers is wanted of it."""
    if out is not None or state.casts is not None or beta.__class__ is complex or alpha.__class__ is complex:
        return None

    def formula(array: Any, a: Any, b: Any) -> Any:
        if (a.ndim, b.ndim) != ranks or (ranks == (3, 3) and a.shape[0] != b.shape[0]):
            raise ValueError("no such product")
        if beta == 1 and alpha == 1 and array.ndim == 1 and array.shape[0] == (b.shape[1] if b.ndim == 2 else len(a)):
            # A vector that fits the last dimension is added on the way out.
            return kernels.gemm(a, b, bias=array)
        return _weighted(array, kernels.gemm(a, b), beta, alpha)

    return quickly(formula, input, one, other)


def _addmv_shape(input: Any, mat: Any, vec: Any) -> tuple[int, ...]:
    check_tensor("addmv", "input", 1, input)
    check_tensor("addmv", "mat", 2, mat)
    check_tensor("addmv", "vec", 3, vec)
    a, v = mat._array, vec._array
    if a.ndim != 2 or v.ndim != 1 or input._array.ndim > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input._array.ndim}, {a.ndim}, {v.ndim}")
    check_matrix_vector(a, v)
    if not a.dtype == v.dtype == input._array.dtype:
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {input.dtype.legacy_name}, "
            f"{mat.dtype.legacy_name}, and {vec.dtype.legacy_name}"
        )
    _check_expands(input, a.shape[:1])
    return a.shape[:1]


def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """`beta * input + alpha * (mat @ vec)`: `(n, m)` times `(m,)`, and an input that broadcasts to `(n,)`.

    Of one dtype; for integers the weights are truncated. Raises RuntimeError for other ranks, for lengths and dtypes
    that do not match, NotImplementedError for bool.

    >>> import rushlight as torch
    >>> torch.addmv(torch.ones(2), torch.ones(2, 3), torch.ones(3), alpha=2)
    tensor([7., 7.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.addmv.html
    """
    result = _quick_sum((2, 1), input, mat, vec, beta, alpha, out)
    if result is not None:
        return result
    _addmv_shape(input, mat, vec)
    return into(out, Addmv.apply(input, mat, vec, beta, alpha))


def _addr_shape(input: Any, vec1: Any, vec2: Any, beta: Any, alpha: Any) -> tuple[int, ...]:
    check_tensor("addr", "input", 1, input)
    check_tensor("addr", "vec1", 2, vec1)
    check_tensor("addr", "vec2", 3, vec2)
    for name, vector in (("vec1", vec1), ("vec2", vec2)):
        if vector._array.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {vector._array.ndim}-D")
    dtype = result_type(input, vec1, vec2)
    for name, weight in (("beta", beta), ("alpha", alpha)):
        if isinstance(weight, bool) and dtype is not dtypes.bool:
            raise RuntimeError(f"Boolean {name} only supported for Boolean results.")
        if isinstance(weight, (float, complex)) and not (dtype.is_floating_point or dtype.is_complex):
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    shape = vec1._array.shape[0], vec2._array.shape[0]
    _check_expands(input, shape)
    return shape


def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """`beta * input + alpha * outer(vec1, vec2)`: `(n,)` and `(m,)`, and an input that broadcasts to `(n, m)`.

    Types are promoted; bools are combined by and and or. Raises RuntimeError for vectors of other ranks, for weights
    that do not fit the type.

    >>> import rushlight as torch
    >>> torch.addr(torch.zeros(1, 2), torch.tensor([2.0]), torch.tensor([1.0, 3.0]), alpha=2)
    tensor([[ 4., 12.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.addr.html
    """
    _addr_shape(input, vec1, vec2, beta, alpha)
    return into(out, Addr.apply(input, vec1, vec2, beta, alpha))


def _batches_shape(name: str, input: Any, batch1: Any, batch2: Any) -> tuple[int, ...]:
    check_tensor(name, "input", 1, input)
    check_tensor(name, "batch1", 2, batch1)
    check_tensor(name, "batch2", 3, batch2)
    a, b = batch1._array, batch2._array
    check_batches(a, b)
    _check_same(input, batch1, batch2)
    shape: tuple[int, ...] = (a.shape[1], b.shape[2]) if name == "addbmm" else (a.shape[0], a.shape[1], b.shape[2])
    _check_expands(input, shape)
    return shape


def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """`beta * input + alpha * bmm(batch1, batch2)`: `(b, n, k)` and `(b, k, m)`, and an input that broadcasts to
    `(b, n, m)`.

    Of one dtype; for integers the weights are truncated. Raises RuntimeError for other ranks, for lengths and dtypes
    that do not match, NotImplementedError for bool.

    >>> import rushlight as torch
    >>> torch.baddbmm(torch.ones(2), torch.ones(2, 1, 3), torch.ones(2, 3, 2), beta=0.5)
    tensor([[[3.5000, 3.5000]],
    <BLANKLINE>
            [[3.5000, 3.5000]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.baddbmm.html
    """
    result = _quick_sum((3, 3), input, batch1, batch2, beta, alpha, out)
    if result is not None:
        return result
    if state.casts is not None and out is None:
        return state.casts.lower(baddbmm, input, batch1, batch2, beta=beta, alpha=alpha)
    _batches_shape("baddbmm", input, batch1, batch2)
    return into(out, Baddbmm.apply(input, batch1, batch2, beta, alpha))


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """`beta * input + alpha * bmm(batch1, batch2).sum(0)`: `(b, n, k)` and `(b, k, m)`, and an input that broadcasts to
    `(n, m)`.

    Of one dtype; for integers the weights are truncated. Raises RuntimeError for other ranks, for lengths and dtypes
    that do not match, NotImplementedError for bool.

    >>> import rushlight as torch
    >>> torch.addbmm(torch.zeros(2), torch.ones(4, 1, 3), torch.ones(4, 3, 2))
    tensor([[12., 12.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.addbmm.html
    """
    if state.casts is not None and out is None:
        return state.casts.lower(addbmm, input, batch1, batch2, beta=beta, alpha=alpha)
    _batches_shape("addbmm", input, batch1, batch2)
    return into(out, Addbmm.apply(input, batch1, batch2, beta, alpha))


def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """Like `addmv`, written into the tensor."""
    _check_in_place(input, _addmv_shape(input, mat, vec))
    return Addmv.inplace(input, mat, vec, beta, alpha)


class WeightedProductMethods:
    """The Tensor methods of this family."""

    addmm, addmv, addr, baddbmm, addbmm = addmm, addmv, addr, baddbmm, addbmm
    addmv_ = addmv_

    def addmm_(self: Any, mat1: Any, mat2: Any, *, beta: Number = 1, alpha: Number = 1) -> Any:
        """Like `addmm`, written into the tensor."""
        _check_in_place(self, _addmm_shape(self, mat1, mat2))
        return Addmm.inplace(self, mat1, mat2, beta, alpha)

    def addr_(self: Any, vec1: Any, vec2: Any, *, beta: Number = 1, alpha: Number = 1) -> Any:
        """Like `addr`, written into the tensor."""
        _check_in_place(self, _addr_shape(self, vec1, vec2, beta, alpha))
        return Addr.inplace(self, vec1, vec2, beta, alpha)

    def baddbmm_(self: Any, batch1: Any, batch2: Any, *, beta: Number = 1, alpha: Number = 1) -> Any:
        """Like `baddbmm`, written into the tensor."""
        _check_in_place(self, _batches_shape("baddbmm", self, batch1, batch2))
        return Baddbmm.inplace(self, batch1, batch2, beta, alpha)

    def addbmm_(self: Any, batch1: Any, batch2: Any, *, beta: Number = 1, alpha: Number = 1) -> Any:
        """Like `addbmm`, written into the tensor, which takes the product's shape."""
        shape = _batches_shape("addbmm", self, batch1, batch2)
        if self._array.shape != shape:
            return into(self, Addbmm.apply(self, batch1, batch2, beta, alpha))
        return Addbmm.inplace(self, batch1, batch2, beta, alpha)
