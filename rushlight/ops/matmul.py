"""Matrix products: mm, bmm, mv, dot, matmul, outer.

Both operands have one dtype, and vectors, matrices and batches follow NumPy's rules of `matmul`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into
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
# Up to so many multiplications, one call for a stack of matrices costs less than a call each, and NumPy's BLAS wakes no
# threads.
_SMALL_PRODUCT = 1 << 15


def is_half(dtype: Any) -> bool:
    """Whether a type is float16 or bfloat16, of which NumPy multiplies no matrices well."""
    return bool(dtype.kind == "V" or (dtype.kind == "f" and dtype.itemsize == 2))


def product(a: Any, b: Any) -> Any:
    """`a @ b` of two arrays of one type: bool and 16-bit types computed in a type that NumPy multiplies matrices of."""
    kind, itemsize = a.dtype.kind, a.dtype.itemsize
    if kind == "f" and itemsize >= 4:
        if a.ndim == 2 and b.ndim == 2:
            return _product2d(a, b)
        if a.ndim == 3 and b.ndim == 3 and a.shape[0] == b.shape[0]:
            return products(a, b)
        if a.ndim == 2 and b.ndim == 1 and a.size > _SMALL_PRODUCT:
            # A row times the transpose: NumPy's BLAS would wake its threads.
            return _product2d(b[None], a.T)[0]
    if is_half(a.dtype):
        return product(a.astype(_float32), b.astype(_float32)).astype(a.dtype)
    if kind == "b":
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
    return np.matmul(a, b)


def _product2d(a: Any, b: Any) -> Any:
    if a.flags.c_contiguous and b.flags.c_contiguous:
        return kernels.gemm(a, b)
    # Repeated rows, as the gradient of a sum has them, are copied: NumPy multiplies them without BLAS.
    a, b = (m.copy() if 0 in m.strides else m for m in (a, b))
    # A transposed view goes to the kernel as the array it views, and a flag.
    flip_a = not a.flags.c_contiguous and a.flags.f_contiguous
    flip_b = not b.flags.c_contiguous and b.flags.f_contiguous
    return kernels.gemm(a.T if flip_a else a, b.T if flip_b else b, transpose_a=flip_a, transpose_b=flip_b)


def products(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """The product of each pair of matrices of two stacks, either transposed first."""
    rows, inner = (a.shape[2], a.shape[1]) if transpose_a else a.shape[1:]
    columns = b.shape[1 if transpose_b else 2]
    if rows * inner * columns <= _SMALL_PRODUCT:
        return np.matmul(a.swapaxes(1, 2) if transpose_a else a, b.swapaxes(1, 2) if transpose_b else b)
    a, b = (m.copy() if 0 in m.strides[1:] else m for m in (a, b))
    out = np.empty((a.shape[0], rows, columns), a.dtype)
    for one, other, result in zip(a, b, out, strict=True):
        kernels.gemm(one, other, transpose_a=transpose_a, transpose_b=transpose_b, out=result)
    return out


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
            Mm.apply(grad, conj_of(mat2).t()) if needs[0] else None,
            Mm.apply(conj_of(input).t(), grad) if needs[1] else None,
        )


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
        input, mat2 = ctx.saved_tensors
        needs = ctx.needs_input_grad
        return (
            Bmm.apply(grad, conj_of(mat2).transpose(1, 2)) if needs[0] else None,
            Bmm.apply(conj_of(input).transpose(1, 2), grad) if needs[1] else None,
        )


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
            Mv.apply(conj_of(input).t(), grad) if needs[1] else None,
        )


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
    return into(out, _mm(input, mat2))


def _mm(input: Any, mat2: Any) -> Any:
    result = quickly(_product2d, input, mat2)
    return Mm.apply(input, mat2) if result is None else result


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
    if state.casts is not None and out is None:
        return state.casts.lower(bmm, input, mat2)
    check_tensor("bmm", "input", 1, input)
    check_tensor("bmm", "mat2", 2, mat2)
    a, b = input._array, mat2._array
    check_batches(a, b)
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.legacy_name} but found {mat2.dtype.legacy_name}")
    result = quickly(products, input, mat2)
    return into(out, Bmm.apply(input, mat2) if result is None else result)


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
    check_tensor("mv", "input", 1, input)
    check_tensor("mv", "vec", 2, vec)
    a, b = input._array, vec._array
    if a.ndim != 2 or b.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {a.ndim}, {b.ndim}")
    check_matrix_vector(a, b)
    same_type(input, vec)
    result = quickly(product, input, vec)
    return into(out, Mv.apply(input, vec) if result is None else result)


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of two vectors' elements, `Σ input[i] * tensor[i]`: a scalar.

    Raises RuntimeError for other ranks, for lengths or dtypes that differ and for bools.

    >>> import rushlight as torch
    >>> torch.dot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor(11.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.dot.html
    """
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
    result = quickly(np.dot, input, tensor)
    return into(out, Dot.apply(input, tensor) if result is None else result)


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
        result = quickly(lambda a, b: _product2d(a.reshape(-1, k), b.reshape(-1, k).T).reshape(lead), input, other)
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
    check_tensor("outer", "input", 1, input)
    check_tensor("outer", "vec2", 2, vec2)
    for name, tensor in (("self", input), ("vec2", vec2)):
        if tensor._array.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {tensor._array.ndim}-D")
    result = quickly(lambda a, b: np.multiply(a[:, None], b), input, vec2)
    return into(out, input.unsqueeze(1) * vec2 if result is None else result)


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
        x, y = input._array, other._array
        if out is None and x.dtype is y.dtype and x.shape[1] == y.shape[0]:
            return _mm(input, other)
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
        if b == 2 and k == other._array.shape[0]:
            shape = (*lead, other._array.shape[1])
            result = quickly(lambda x, y: _product2d(x.reshape(math.prod(lead), k), y).reshape(shape), input, other)
            if result is not None:
                return result
        rows = input.reshape(int(np.prod(lead)), k)
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
    n = int(np.prod(lead))
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
