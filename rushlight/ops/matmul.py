"""Matrix products: mm, bmm, mv, dot, matmul, outer.

Both operands have one dtype, and vectors, matrices and batches follow NumPy's rules of `matmul`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation, writes_freely
from rushlight.autograd.transforms import Intercept
from rushlight.autograd.variable import Variable
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into, plain
from rushlight.ops._quick import quickly
from rushlight.ops.arithmetic import conj_of
from rushlight.ops.shape import UnsafeView

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "bmm",
    "dot",
    "ger",
    "inner",
    "matmul",
    "mm",
    "mv",
    "outer",
    "spmm",
    "vdot",
]

_float32 = np.dtype(np.float32)
_STRETCH = 4096  # products of a dot product that one kernel call sums


def is_half(dtype: Any) -> bool:
    """Whether a type is float16 or bfloat16, of which NumPy multiplies no matrices well."""
    return bool(dtype.kind == "V" or (dtype.kind == "f" and dtype.itemsize == 2))


def product(a: Any, b: Any) -> Any:
    """`a @ b` of two arrays of one type: bool and 16-bit types computed in a type that NumPy multiplies matrices of."""
    if a.dtype.char in "fd":
        return kernels.gemm(a, b)
    if is_half(a.dtype):
        return product(a.astype(_float32), b.astype(_float32)).astype(a.dtype)
    if a.dtype.kind == "b":
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
    return np.matmul(a, b)


def stacked(a: Any, b: Any) -> Any:
    """The product of each pair of matrices of two stacks of the same length."""
    if a.shape[0] != b.shape[0]:
        raise ValueError("stacks of different length")
    return kernels.gemm(a, b)


# A matrix times a transposed one, as the gradient of a left operand is made, and the other way round.
by_transposed = functools.partial(kernels.gemm, transpose_b=True)
transposed_by = functools.partial(kernels.gemm, transpose_a=True)


def quick_product(kernel: Callable[..., Any], input: Any, other: Any, *dims: int, out: Any = None) -> Any:
    """The tensor that a kernel makes of two float tensors of one type and, if given, so many dimensions each.

    None where a gradient or anything else is wanted of the operation, errors among them. Written to `out` if given.
    """
    try:
        a, b = input._array, other._array
        if a.dtype is not b.dtype or a.dtype.char not in "fd" or state.casts is not None:
            return None
        if dims and (a.ndim, b.ndim) != dims:
            return None
        if input._view is not None:
            input._view.refresh(input)
        if other._view is not None:
            other._view.refresh(other)
        if state.enabled and (input._requires_grad or other._requires_grad):
            return None
        if out is None:
            return plain(kernel(a, b))
        if out._array.dtype is not a.dtype or not writes_freely(out):
            return None
        kernel(a, b, out=out._array)
        out.bump_version()
        return out
    except (AttributeError, ValueError, Intercept):
        return None


def same_type(input: Any, other: Any) -> None:
    if input._array.dtype != other._array.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {_legacy(input)} != {_legacy(other)}")


def _legacy(tensor: Any) -> str:
    names = {
        "float32": "float",
        "float64": "double",
        "int64": "long int",
        "int32": "int",
        "float16": "c10::Half",
        "bfloat16": "c10::BFloat16",
    }
    return names.get(tensor.dtype.name, tensor.dtype.name)


class Mm(Operation):
    """The product of two matrices."""

    node_name = "MmBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, mat2: Any) -> Any:
        needs = ctx.needs_input_grad
        ctx.save_for_backward(input if needs[1] else None, mat2 if needs[0] else None)
        return product(input._array, mat2._array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, mat2 = ctx.saved_tensors
        needs = ctx.needs_input_grad
        return (
            product_with_transposed(grad, mat2) if needs[0] else None,
            _of_right_operand(input, grad, mat2) if needs[1] else None,
        )


def _of_right_operand(input: Any, grad: Any, mat2: Any) -> Any:
    """The gradient `input.mH @ grad`, in the memory order of a transposed operand, such as a layer's weight."""
    if mat2 is not None and mat2._array.flags.f_contiguous and not mat2._array.flags.c_contiguous:
        return product_of_transposed(conj_of(grad), conj_of(input)).t()
    return product_of_transposed(input, grad)


def product_with_transposed(a: Any, b: Any) -> Any:
    """`a @ b.mH` of two matrices, as a step of a backward pass."""
    result = quick_product(by_transposed, a, b)
    return Mm.apply(a, conj_of(b).t()) if result is None else result


def product_of_transposed(a: Any, b: Any) -> Any:
    """`a.mH @ b` of two matrices, as a step of a backward pass."""
    result = quick_product(transposed_by, a, b)
    return Mm.apply(conj_of(a).t(), b) if result is None else result


class Bmm(Operation):
    """The products of two batches of matrices."""

    node_name = "BmmBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, mat2: Any) -> Any:
        needs = ctx.needs_input_grad
        ctx.save_for_backward(input if needs[1] else None, mat2 if needs[0] else None)
        return product(input._array, mat2._array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return gradients_of_stacks(ctx.needs_input_grad, grad, *ctx.saved_tensors)


def gradients_of_stacks(needs: Any, grad: Any, input: Any, mat2: Any) -> tuple[Any, Any]:
    """The gradients of two stacks of matrices, from that of their products."""
    of_input = quick_product(by_transposed, grad, mat2) if needs[0] else None
    of_mat2 = quick_product(transposed_by, input, grad) if needs[1] else None
    if needs[0] and of_input is None:
        of_input = Bmm.apply(grad, conj_of(mat2).transpose(1, 2))
    if needs[1] and of_mat2 is None:
        of_mat2 = Bmm.apply(conj_of(input).transpose(1, 2), grad)
    return of_input, of_mat2


class Mv(Operation):
    """The product of a matrix and a vector."""

    node_name = "MvBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, vec: Any) -> Any:
        ctx.save_for_backward(input, vec)
        return product(input._array, vec._array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, vec = ctx.saved_tensors
        needs = ctx.needs_input_grad
        return (
            outer(grad, conj_of(vec)) if needs[0] else None,
            transposed_by_vector(input, grad) if needs[1] else None,
        )


def transposed_by_vector(a: Any, v: Any) -> Any:
    """`a.mH @ v` of a matrix and a vector, as a step of a backward pass."""
    result = quick_product(transposed_by, a, v)
    return Mv.apply(conj_of(a).t(), v) if result is None else result


class Dot(Operation):
    """The sum of the products of two vectors' elements."""

    node_name = "DotBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, tensor: Any) -> Any:
        ctx.save_for_backward(input, tensor)
        return product(input._array, tensor._array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, tensor = ctx.saved_tensors
        needs = ctx.needs_input_grad
        return (grad * conj_of(tensor) if needs[0] else None, grad * conj_of(input) if needs[1] else None)


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of matrices `(n, k)` and `(k, m)`: `(n, m)`.

    One dtype. Raises RuntimeError for other ranks, or where the inner lengths differ.

    >>> import rushlight as torch
    >>> torch.mm(torch.ones(1, 3), torch.ones(3, 2))
    tensor([[3., 3.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.mm.html
    """
    result = quick_product(kernels.gemm, input, mat2, 2, 2, out=out)
    if result is not None:
        return result
    if state.casts is not None and out is None:
        return state.casts.lower(mm, input, mat2)
    try:
        a, b = input._array, mat2._array
    except AttributeError:
        check_tensor("mm", "input", 1, input)
        check_tensor("mm", "mat2", 2, mat2)
        raise
    if a.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if b.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    check_inner(a, b)
    same_type(input, mat2)
    return into(out, Mm.apply(input, mat2))


def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """`mm` by the name it had for a sparse matrix `(n, k)` times a dense one `(k, m)`; errors as there.

    >>> import rushlight as torch
    >>> torch.spmm(torch.sparse_coo_tensor([[0], [1]], [2.0], (2, 2)), torch.eye(2))
    tensor([[0., 2.],
            [0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/sparse.html
    """
    return mm(input, mat2)


def check_inner(a: Any, b: Any) -> None:
    """RuntimeError if two matrices have no product."""
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]})"
        )


def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of batches of matrices `(b, n, k)` and `(b, k, m)`: `(b, n, m)`.

    Raises RuntimeError for other ranks, for lengths that do not match and for dtypes that differ.

    >>> import rushlight as torch
    >>> torch.bmm(torch.ones(1, 2, 3), torch.ones(1, 3, 1))
    tensor([[[3.],
             [3.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.bmm.html
    """
    result = quick_product(stacked, input, mat2, 3, 3) if out is None else None
    if result is not None:
        return result
    if state.casts is not None and out is None:
        return state.casts.lower(bmm, input, mat2)
    check_tensor("bmm", "input", 1, input)
    check_tensor("bmm", "mat2", 2, mat2)
    a, b = input._array, mat2._array
    check_batches(a, b)
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.legacy_name} but found {mat2.dtype.legacy_name}")
    return into(out, Bmm.apply(input, mat2))


def check_batches(a: Any, b: Any) -> None:
    """RuntimeError if two batches of matrices have no products."""
    for name, array in (("batch1", a), ("batch2", b)):
        if array.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] but got: "
            f"[{b.shape[0]}, {b.shape[1]}]."
        )


def check_matrix_vector(a: Any, b: Any) -> None:
    """RuntimeError if a matrix and a vector have no product."""
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({a.shape[0]}), mat ({a.shape[0]}x{a.shape[1]}), vec ({b.shape[0]})"
        )


def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a matrix `(n, k)` and a vector `(k,)`: `(n,)`.

    Raises RuntimeError for other ranks and for lengths or dtypes that differ.

    >>> import rushlight as torch
    >>> torch.mv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 1.0]))
    tensor([3., 7.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.mv.html
    """
    result = quick_product(kernels.gemm, input, vec, 2, 1, out=out)
    if result is not None:
        return result
    check_tensor("mv", "input", 1, input)
    check_tensor("mv", "vec", 2, vec)
    a, b = input._array, vec._array
    if a.ndim != 2 or b.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {a.ndim}, {b.ndim}")
    check_matrix_vector(a, b)
    same_type(input, vec)
    return into(out, Mv.apply(input, vec))


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of two vectors' elements, `Σ input[i] * tensor[i]`: a scalar.

    Raises RuntimeError for other ranks, for lengths or dtypes that differ and for bools.

    >>> import rushlight as torch
    >>> torch.dot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor(11.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.dot.html
    """
    result = quick_product(_dot_of_arrays, input, tensor, 1, 1) if out is None else None
    if result is not None:
        return result
    check_tensor("dot", "input", 1, input)
    check_tensor("dot", "tensor", 2, tensor)
    a, b = input._array, tensor._array
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.shape != b.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{a.shape[0]}] and src [{b.shape[0]}] to have the same number "
            f"of elements, but got {a.shape[0]} and {b.shape[0]} elements respectively"
        )
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {input.dtype.legacy_name} and "
            f"{tensor.dtype.legacy_name}"
        )
    return into(out, Dot.apply(input, tensor))


def _dot_of_arrays(a: Any, b: Any) -> Any:
    """The sum of two float vectors' products; that of long ones is summed in stretches, by several threads."""
    if a.shape != b.shape:
        raise ValueError("vectors of different lengths")
    count = a.shape[0] // _STRETCH
    if count < 2:
        return kernels.gemm(a, b)
    end = count * _STRETCH
    sums = kernels.gemm(a[:end].reshape(count, 1, _STRETCH), b[:end].reshape(count, _STRETCH, 1))
    return sums.sum() + kernels.gemm(a[end:], b[end:])


def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`dot` with the first vector conjugated, `Σ conj(input[i]) * other[i]`: a scalar.

    Raises RuntimeError for other ranks and for lengths or dtypes that differ.

    >>> import rushlight as torch
    >>> torch.vdot(torch.tensor([1j, 2.0]), torch.tensor([1j, 1.0]))
    tensor(3.+0.j)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.vdot.html
    """
    check_tensor("vdot", "input", 1, input)
    check_tensor("vdot", "other", 2, other)
    return dot(conj_of(input), other, out=out)


def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sums of products over the last dimension of both: `(*, k)` and `(+, k)` give `(*, +)`; a scalar multiplies.

    Raises RuntimeError for last dimensions or dtypes that differ.

    >>> import rushlight as torch
    >>> torch.inner(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 1]))
    tensor([3, 7])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.inner.html
    """
    check_tensor("inner", "input", 1, input)
    check_tensor("inner", "other", 2, other)
    if input._array.ndim == 0 or other._array.ndim == 0:
        return into(out, input * other)
    lead = input._array.shape[:-1] + other._array.shape[:-1]
    k = input._array.shape[-1]
    if k != other._array.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
            f"{list(other.shape)}"
        )
    if math.prod(lead) == 1:
        # A single number is the product of two vectors, which autocast leaves as it is.
        return into(out, dot(input.reshape(-1), other.reshape(-1)).reshape(lead))
    if state.casts is None:
        result = quickly(lambda a, b: by_transposed(a.reshape(-1, k), b.reshape(-1, k)).reshape(lead), input, other)
        if result is not None:
            return into(out, result)
    return into(out, mm(input.reshape(-1, k), other.reshape(-1, k).t()).reshape(lead))


def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """All products of an element of one vector `(n,)` and one of the other `(m,)`: `(n, m)`.

    Types are promoted. Raises RuntimeError for other ranks.

    >>> import rushlight as torch
    >>> torch.outer(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.outer.html
    """
    result = quick_product(_outer_of_arrays, input, vec2, 1, 1) if out is None else None
    if result is not None:
        return result
    check_tensor("outer", "input", 1, input)
    check_tensor("outer", "vec2", 2, vec2)
    for name, tensor in (("self", input), ("vec2", vec2)):
        if tensor._array.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {tensor._array.ndim}-D")
    return into(out, input.unsqueeze(1) * vec2)


def _outer_of_arrays(a: Any, b: Any) -> Any:
    return np.multiply(a[:, None], b)


ger = outer


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product of the last two dimensions, broadcast over the others; a vector is a row on the left, a column
    on the right.

    Raises RuntimeError for 0-dim tensors, lengths that do not match and different dtypes.

    >>> import rushlight as torch
    >>> torch.matmul(torch.ones(2, 3), torch.ones(3)).shape
    torch.Size([2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.matmul.html
    """
    result = quick_product(kernels.gemm, input, other, out=out)
    if result is not None:
        return result
    if state.casts is not None and out is None:
        return state.casts.lower(matmul, input, other)
    if not isinstance(other, Variable):
        raise TypeError(f"matmul(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    try:
        a, b = input._array.ndim, other._array.ndim
    except AttributeError:
        check_tensor("matmul", "input", 1, input)
        raise
    if a == 2 and b == 2:
        return mm(input, other, out=out)
    if a == 0 or b == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D")
    return into(out, _matmul(input, other, a, b))


def _matmul(input: Any, other: Any, a: int, b: int) -> Any:
    if a == 1 and b == 1:
        return dot(input, other)
    if a == 2 and b == 1:
        return mv(input, other)
    if a == 1 and b == 2:
        return mm(input.unsqueeze(0), other).squeeze_(0)
    if a >= 3 and b <= 2:
        # All of the left's rows meet the one matrix: a single product.
        lead, k = input._array.shape[:-1], input._array.shape[-1]
        rows = input.reshape(math.prod(lead), k)
        return (
            UnsafeView.apply(mv(rows, other), lead)
            if b == 1
            else UnsafeView.apply(mm(rows, other), (*lead, other._array.shape[-1]))
        )
    left = input.unsqueeze(0) if a == 1 else input
    right = other.unsqueeze(-1) if b == 1 else other
    x, y = left._array.shape, right._array.shape
    try:
        lead = np.broadcast_shapes(x[:-2], y[:-2])
    except ValueError:
        raise RuntimeError(
            f"The size of tensor a ({x[0]}) must match the size of tensor b ({y[0]}) at non-singleton dimension 0: the "
            f"batch dimensions of shapes {list(x)} and {list(y)} do not broadcast"
        ) from None
    n = math.prod(lead)
    if a == b == 3 and x[0] == y[0]:
        return UnsafeView.apply(bmm(left, right), (*lead, x[-2], y[-1]))
    out = bmm(left.expand(*lead, *x[-2:]).reshape(n, *x[-2:]), right.expand(*lead, *y[-2:]).reshape(n, *y[-2:]))
    out = UnsafeView.apply(out, (*lead, x[-2], y[-1]))
    if a == 1:
        out = out.squeeze(-2)
    return out.squeeze(-1) if b == 1 else out


def _operator(input: Any, other: Any) -> Any:
    return matmul(input, other) if isinstance(other, Variable) else NotImplemented  # type: ignore[arg-type]


class MatmulMethods:
    """The Tensor methods of this family."""

    mm, bmm, mv, dot, vdot, inner, outer, ger, matmul = mm, bmm, mv, dot, vdot, inner, outer, ger, matmul
    __matmul__ = _operator

    def __rmatmul__(self: Any, other: Any) -> Any:
        return matmul(other, self) if isinstance(other, Variable) else NotImplemented  # type: ignore[arg-type]
